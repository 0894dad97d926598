"""How far a migration is, read from its folder and from the target's own ledger."""

from dataclasses import dataclass
from typing import Final

from flows import relocation
from flows.relocation import PROOF
from formats.errors import ServiceError
from migration import environment, proof, stages
from migration.freeze import Frozen, manifest
from migration.plan import Plan
from migration.proof import Phase
from migration.run import Folder

_UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Status:
    """A migration so far. `rows` is of the survey; `frozen` and `copied` count rows, `copied` -1 if nobody can say.

    `refused` is how many points of the plan stand against it; `verdict` is empty as long as there is no proof.
    """

    run: str
    source: str
    target: str
    began: str
    by: str
    surveyed: bool
    planned: bool
    refused: int
    rows: int
    frozen: int
    sealed: bool
    copied: int
    verdict: str
    phases: tuple[Phase, ...]


def status(folder: Folder) -> Status:
    """How far the migration in this folder is. Raises UsageError D607 when it is not one."""
    asked = folder.asked()
    planned = (folder / stages.PLAN).exists()
    plan = stages.planned(folder) if planned else None
    sealed = stages.sealed(folder)
    proven = proof.decode((folder / PROOF).read_bytes()) if (folder / PROOF).exists() else None
    return Status(
        run=asked.run,
        source=relocation.address(asked.source).shown,
        target=relocation.address(asked.target).shown if asked.target else "",
        began=asked.began,
        by=asked.by,
        surveyed=(folder / stages.CATALOG).exists(),
        planned=planned,
        refused=len(list(plan.refused())) if plan else 0,
        rows=plan.needs.rows if plan else 0,
        frozen=_frozen(folder, sealed=sealed),
        sealed=sealed,
        copied=_copied(asked.target, asked.run, plan),
        verdict=proven.verdict if proven else "",
        phases=asked.phases,
    )


def _frozen(folder: Folder, *, sealed: bool) -> int:
    if sealed:
        return sum(part.rows for part in Frozen.open(folder.freeze).sealed.tables)
    file = folder.freeze / manifest.FILE
    if not file.exists():
        return 0
    with file.open("rb") as lines:
        return sum(manifest.decode(line).rows for line in lines if line.endswith(b"\n"))


def _copied(target: str, run: str, plan: Plan | None) -> int:
    """What the target's ledger says, and nothing is written there.

    A target that can't be asked is no reason to say nothing of the rest.
    """
    if not target or plan is None:
        return 0
    try:
        return sum(one.rows for one in environment.target(relocation.address(target)).held(run))
    except ServiceError:
        return _UNKNOWN
