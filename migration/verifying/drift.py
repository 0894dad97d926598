"""Whether a source is still what was frozen: what changed there since is told apart from a copy gone wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from migration.catalog import Catalog
from migration.copying.copy import fit
from migration.copying.progress import Progress, silent
from migration.engine import Source
from migration.freeze import Frozen
from migration.plan import Plan, TablePlan
from migration.verifying.looking import Look, Verdict

FILE: Final = "drift.csv"


@dataclass(frozen=True, slots=True)
class Drift:
    """Whether a source is still as it was frozen. `verdict` is None when it said so itself, without being read.

    `gone` are the tables that it has no more, or with other columns.
    """

    verdict: Verdict | None
    gone: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether it is."""
        return not self.gone and (self.verdict is None or self.verdict.equal)


def drift(
    frozen: Frozen, plan: Plan, source: Source, folder: Path, *, workers: int = 1, progress: Progress = silent
) -> Drift:
    """Look whether the source is still what was frozen; `drift.csv` in `folder` says what changed (D665).

    Raises as `verify`, except D666.
    """
    fit(frozen, plan)
    with source.snapshot() as snapshot:
        if snapshot.identity.token and snapshot.identity.token == frozen.identity.token:
            return Drift(None, ())
    catalog = source.catalog()
    gone = {table.source for table in plan.tables if _changed(table, frozen.catalog, catalog)}
    look = Look(source, frozen, folder, FILE, workers, {}, reads_target=False)
    verdict = look.verdict([table for table in plan.tables if table.source not in gone], progress)
    return Drift(verdict, tuple(sorted(map(str, gone))))


def _changed(table: TablePlan, before: Catalog, now: Catalog) -> bool:
    """Whether the source has lost the table, or has other columns in it."""
    found = next((one for one in now.tables if one.name == table.source), None)
    return found is None or found.columns != before.table(table.source).columns
