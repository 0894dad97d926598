"""Whether a source is still what was frozen: what changed there since is told apart from a copy gone wrong."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from migration.copying.copy import fit
from migration.copying.progress import Progress, silent
from migration.engine import Source
from migration.freeze import Frozen
from migration.plan import Plan
from migration.verifying.entries import entries
from migration.verifying.looking import Look, Verdict
from migration.verifying.merging import EXTRA, MISSING

FILE: Final = "drift.csv"


@dataclass(frozen=True, slots=True)
class Drift:
    """Whether a source is still as it was frozen. `verdict` is None when it said so itself, without being read.

    `gone` are the tables that it has no more, that it has besides, or that have other columns or keys,
    `numbered` the sequences that have gone on since the survey: the target would give their numbers again. `rows`: how
    many entries `drift.csv` has of rows that are gone, of new ones, and of everything else.
    """

    verdict: Verdict | None
    gone: tuple[str, ...]
    numbered: tuple[str, ...] = ()
    rows: tuple[int, int, int] = (0, 0, 0)

    @property
    def same(self) -> bool:
        """Whether it is."""
        return not self.gone and not self.numbered and (self.verdict is None or self.verdict.equal)


def drift(
    frozen: Frozen, plan: Plan, source: Source, folder: Path, *, workers: int = 1, progress: Progress = silent
) -> Drift:
    """Look whether the source is still what was frozen; `drift.csv` in `folder` says what changed (D665).

    Raises as `verify`, except D666.
    """
    fit(frozen, plan)
    now = source.catalog()
    gone = frozen.catalog.changed(now)
    moved = set(frozen.catalog.sequences) ^ set(now.sequences)
    numbered = tuple(sorted({str(sequence.name) for sequence in moved}))
    with source.snapshot() as snapshot:
        # The same token only says that nothing was written since the freeze: tables may be younger than the survey.
        if not gone and snapshot.identity.token and snapshot.identity.token == frozen.identity.token:
            (folder / FILE).unlink(missing_ok=True)  # of an earlier look, at another state
            return Drift(None, (), numbered)
    look = Look(source, frozen, folder, FILE, workers, {}, reads_target=False)
    verdict = look.verdict([table for table in plan.tables if table.source not in gone], progress)
    codes = Counter(code for code, *_ in entries(folder / FILE))
    rows = codes[MISSING], codes[EXTRA], codes.total() - codes[MISSING] - codes[EXTRA]
    return Drift(verdict, tuple(map(str, gone)), numbered, rows)
