"""A rehearsal as an office does it: a de-identified sample frozen, and migrated like the real data (art. 17).

DIR/sample/      the freeze of the sample: what the rehearsal migrates
DIR/migration/   the folder of its migration, as any other
"""

import secrets
from pathlib import Path
from typing import Final

from flows import relocation
from flows.relocation import RelocationReport
from flows.steps import Steps, quiet
from flows.times import now
from flows.wiring import Office
from formats.errors import UsageError
from migration import environment, planning, rehearsal, stages, surveying
from migration.catalog import Catalog
from migration.freeze import freeze, seal

SAMPLE: Final = "sample"
MIGRATION: Final = "migration"


def draft(source: str) -> str:
    """A rules file to begin with. Raises UsageError D601, D602; UnreachableError S409."""
    return rehearsal.draft(_catalog(source))


def rehearse(
    office: Office,
    source: str,
    target: str,
    folder: Path,
    rules: str,
    *,
    by: str,
    rows: int = 1000,
    mapping: Path | None = None,
    workers: int = 1,
    steps: Steps = quiet,
) -> RelocationReport:
    """Migrate a de-identified sample of `rows` rows a table; nothing of it is kept in the archive.

    The key of the pseudonyms is made here and forgotten. A rehearsal that was cut off before its sample was whole is
    begun anew. Raises UsageError D695 (rules), D607; and as `relocation.relocate`.
    """
    sample = folder / SAMPLE
    if not (sample / seal.FILE).exists():
        if folder.exists() and any(folder.iterdir()):
            raise UsageError("D607", f"{folder.name} is not empty")
        _freeze_sample(source, sample, rules, rows)
    begun = relocation.begin(folder / MIGRATION, f"freeze:{sample.absolute()}", target, by)
    if mapping:
        stages.take_mapping(begun, mapping)
    report = relocation.relocate(office, begun, workers=workers, keep=False, steps=steps)
    what: dict[str, str | int] = {"run": report.run, "tables": report.tables, "rows": report.rows}
    relocation.enter(office, "rehearsed", what, "a new environment is tried", "a de-identified sample", by)
    return report


def _catalog(source: str) -> Catalog:
    return surveying.survey(environment.source(relocation.address(source)), census=False)


def _freeze_sample(source: str, sample: Path, rules: str, rows: int) -> None:
    catalog = _catalog(source)
    taken = rehearsal.sample(
        environment.source(relocation.address(source)), catalog, rehearsal.parse(rules), rows, secrets.token_bytes(32)
    )
    held = taken.catalog()
    sample.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    freeze(taken, planning.frozen_tables(held), held, sample, at=now())
