"""Canonical bytes on the way: cells altered by declared rules, each alteration listed. Pure.

The same bytes and rules always give the same bytes, so that whoever verifies computes them again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from formats.errors import IntegrityError
from migration import canon
from migration.canon import Cells
from migration.copying.rules import Rule, TableRules
from migration.freeze.lines import whole
from migration.plan import TablePlan

UNLISTED: Final = "D644"
IN_A_KEY: Final = "D645"


@dataclass(frozen=True, slots=True)
class Alteration:
    """One cell that a rule altered: the source's names, the row's key (all cells where the table has none)."""

    table: str
    key: Cells
    column: str
    old: str
    new: str | None
    rule: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A cell that a rule refuses: a reason code, the source's column, the rule. `value` may be personal."""

    code: str
    place: str
    rule: str
    value: str


@dataclass(frozen=True, slots=True)
class Converted:
    """Canonical bytes after the rules, what they altered in the order of rows and columns, and what they refuse.

    Where something is refused the bytes are not for the target.
    """

    data: bytes
    alterations: tuple[Alteration, ...]
    refusals: tuple[Refusal, ...]


def convert(data: bytes, table: TablePlan, rules: TableRules) -> Converted:
    """Whole rows of a table after its rules. Bytes without anything to do for them are given back as they are.

    Raises IntegrityError D671.
    """
    active = rules.active(data)
    if not active:
        return Converted(data, (), ())
    key = [place for place, column in enumerate(table.columns) if column.source in table.key]
    lines: list[bytes] = []
    altered: list[Alteration] = []
    refused: list[Refusal] = []
    for cells in canon.rows(data):
        row, changes = _ruled(cells, active)
        lines.append(canon.line(row))
        named = tuple(cells[place] for place in key) if key else cells
        for rule, old, new in changes:
            if rule.refuses(old):
                code = IN_A_KEY if rule.key else UNLISTED
                refused.append(Refusal(code, f"{table.source}.{rule.column}", rule.name, old))
            else:
                altered.append(Alteration(str(table.source), named, rule.column, old, new, rule.name))
    return Converted(b"".join(lines), tuple(altered), tuple(refused))


def converted(blocks: Iterable[bytes], table: TablePlan, rules: TableRules | None) -> Iterator[bytes]:
    """A chunk's canonical bytes as they go to the target.

    Raises IntegrityError D644 for cells that a conversion does not list, D645 for such in a key's column, D671.
    """
    if rules is None:
        yield from blocks
        return
    refused: Counter[tuple[str, str, str]] = Counter()
    for piece in whole(blocks):
        found = convert(piece.data, table, rules)
        refused.update((refusal.code, refusal.place, refusal.rule) for refusal in found.refusals)
        if not refused:
            yield found.data
    refuse(refused)


def refuse(cells: Mapping[tuple[str, str, str], int]) -> None:
    """Raise IntegrityError with these refusals, counted by code, column and rule, if there are any."""
    if cells:
        detail = "; ".join(f"{place}: {count} cells ({rule})" for (_, place, rule), count in sorted(cells.items()))
        raise IntegrityError(min(cells)[0], detail)


def _ruled(cells: Cells, active: tuple[Rule, ...]) -> tuple[Cells, list[tuple[Rule, str, str | None]]]:
    """A row after the rules, and by which rule which cell's text was altered or refused, in the order of columns."""
    row = list(cells)
    changes: list[tuple[Rule, str, str | None]] = []
    for rule in active:
        old = row[rule.place]
        if old is None or not rule.concerns(old):
            continue
        new = old if rule.refuses(old) else rule.new(old)
        if new != old or rule.refuses(old):
            changes.append((rule, old, new))
            row[rule.place] = new
    return tuple(row), sorted(changes, key=lambda change: change[0].place)
