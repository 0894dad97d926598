"""Whether the target holds what was frozen, down to the cell.

It is read over a connection of its own, written as canonical bytes by its own SQL; nothing is taken from the copy's own
books. A verdict is `equal` only when every chunk of every table was compared.
"""

from pathlib import Path
from typing import Final

from formats.errors import IntegrityError
from migration import type_rules
from migration.catalog import Catalog, Kind
from migration.copying.copy import fit
from migration.copying.crew import Crew
from migration.copying.progress import Progress, silent
from migration.copying.rules import check_rules
from migration.engine import Source
from migration.freeze import Frozen
from migration.mapping import Mapping
from migration.plan import Plan, TablePlan
from migration.verifying.looking import Look, Verdict

FILE: Final = "differences.csv"


def verify(
    frozen: Frozen,
    plan: Plan,
    mapping: Mapping,
    target: Source,
    folder: Path,
    *,
    workers: int = 1,
    progress: Progress = silent,
    crew: Crew | None = None,
) -> Verdict:
    """Compare the target with the freeze; `differences.csv` in `folder` names table, key and column of each.

    A value that can't be written as its kind is a difference with the reason why (D611 … D618).

    Raises RefusedError D605; UsageError D603, D604, D645; IntegrityError D652, D666 for a table or a column that the
    target has not; UnreachableError S409, S416.
    """
    fit(frozen, plan)
    _there(plan, target.catalog())
    rules, bare = check_rules(plan, mapping), {table.number: _bare(plan, table) for table in plan.tables}
    look = Look(target, frozen, folder, FILE, workers, rules, reads_target=True, crew=crew, bare=bare)
    return look.verdict(plan.tables, progress)


def _bare(plan: Plan, table: TablePlan) -> tuple[int, ...]:
    """The places of the columns whose numbers lose the zeros at their end, as the plan says."""
    places = (place for place, column in enumerate(table.columns) if column.kind is Kind.NUMBER)
    return tuple(
        place for place in places if type_rules.loses_zeros(plan.source, plan.target, table.columns[place].native)
    )


def _there(plan: Plan, catalog: Catalog) -> None:
    """Raise IntegrityError D666 for a table or a column that the target has not."""
    have = {table.name: {column.name for column in table.columns} for table in catalog.tables}
    missing = [str(table.target) for table in plan.tables if table.target not in have]
    missing += [
        f"{table.target}.{column.target}"
        for table in plan.tables
        for column in table.columns
        if column.target not in have.get(table.target, {column.target})
    ]
    if missing:
        raise IntegrityError("D666", f"missing: {', '.join(missing)}")
