"""A plan as text for people: what is lost first, then tables and columns, what it takes, and every step. Pure."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from formats.reasons import reason
from migration.plan import Carry, Loss, Plan, Step, TablePlan

_HEADINGS: Final = {
    Carry.REFUSED: "REFUSED: the plan can't be carried out before these are decided",
    Carry.DECLARED: "Otherwise than in the source, by a declared rule",
    Carry.WIDENED: "In a wider type",
    Carry.EXACT: "As in the source, but worth knowing",
}


def render(plan: Plan) -> str:
    """The whole plan, LF at its end."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"Migration from {plan.source} to {plan.target}"
    yield f"catalog {plan.catalog}"
    yield f"mapping {plan.mapping or 'none'}"
    yield ""
    yield from _losses(plan)
    yield from _needs(plan)
    for table in plan.tables:
        yield ""
        yield from _table(table)
    yield ""
    yield "Steps"
    yield from map(_step, plan.steps)


def _losses(plan: Plan) -> Iterator[str]:
    if not plan.losses:
        yield "Everything is carried exactly."
        yield ""
    for carry, losses in groupby(plan.losses, key=lambda loss: loss.carry):
        yield _HEADINGS[carry]
        for loss in losses:
            yield f"  {_loss(loss)}"
        yield ""


def _loss(loss: Loss) -> str:
    said = f"{loss.code} {loss.place}: {reason(loss.code).what['en']}"
    return f"{said} ({loss.detail})" if loss.detail else said


def _needs(plan: Plan) -> Iterator[str]:
    needs = plan.needs
    yield "Estimated needs"
    yield f"  rows         {needs.rows:>20,}"
    yield f"  freeze       {_mebibytes(needs.freeze_bytes):>20} MiB"
    yield f"  target       {_mebibytes(needs.target_bytes):>20} MiB"
    yield f"  time         {needs.seconds // 3600:>14}:{needs.seconds // 60 % 60:02}:{needs.seconds % 60:02}"


def _mebibytes(size: int) -> str:
    return f"{-(-size // (1024 * 1024)):,}"


def _table(table: TablePlan) -> Iterator[str]:
    yield f"{table.number}. {table.source} -> {table.target}: {table.rows:,} rows, {table.chunk_rows:,} in a chunk"
    yield f"   key: {', '.join(table.key) or 'none: rows are compared as wholes'}"
    cells = [
        (column.source, column.source_native or "-", column.target, column.native or "-", column.carry, column.rule)
        for column in table.columns
    ]
    wide = [max(len(row[place]) for row in cells) for place in range(5)] if cells else []
    for source, native, target, new, carry, rule in cells:
        left = f"{source:<{wide[0]}}  {native:<{wide[1]}}  ->  {target:<{wide[2]}}  {new:<{wide[3]}}"
        yield f"   {left}  {carry:<{wide[4]}}  {rule}".rstrip()


def _step(step: Step) -> str:
    first = f"{step.number:>4}  {step.act:<16} {step.subject}"
    return "\n".join([first, *(f"        {line}" for line in step.sql.splitlines())])
