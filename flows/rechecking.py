"""A proof held against freeze and target again, whenever somebody asks: years later, or by an auditor.

The proof's folder has all that is needed but the target: the plan, the mapping, the freeze. What is found is written
into a folder `recheck` beside them; the proof and its own lists stay as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flows import relocation
from flows.relocation import PROOF, SIGNATURE
from flows.steps import Steps, quiet
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import IntegrityError, RefusedError, UsageError
from migration import environment, plan_file, proof, stages
from migration.copying.listing import Listed
from migration.freeze import Frozen
from migration.proof import Proof
from migration.run import Folder
from migration.verifying import Lack, Named, Verdict, named, structure, verify
from transfer import detached
from transfer.keys import PublicKey

RECHECK: Final = "recheck"
DIFFERS: Final = "D683"  # the reason of a target that is not what was proved


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What a proof is worth today: the proof, when its signature was made, the target as it is now, its differences.

    `differences` lies in `folder`; `lacks` are keys, indexes and the like that the target has no more; `same` says
    whether the target holds exactly what was proved.
    """

    proof: Proof
    signed: str
    rows: int
    target_root: str
    differences: Listed
    lacks: tuple[Lack, ...]
    folder: Path
    same: bool


def recheck(
    office: Office,
    file: Path,
    *,
    target: str = "",
    freeze: Path | None = None,
    key: PublicKey | None = None,
    workers: int = 1,
    steps: Steps = quiet,
) -> Rechecked:
    """Check the signature, the freeze to its last byte, and every chunk of the target.

    `target` instead of the folder's own address, `freeze` instead of the folder's own freeze (one taken out of the
    archive), `key` instead of this office's. Raises RefusedError D681; IntegrityError D682, D652, D666; UsageError
    D607, D601; UnreachableError S409. What can't be read is a difference.
    """
    folder = Folder(file.parent)
    signed, proven = checked(office, file, key)
    frozen = Frozen.open(freeze or folder.freeze)
    _same_freeze(folder, frozen, proven)
    frozen.check(workers)
    asked = folder.asked()
    where = environment.target(relocation.address(target or asked.target))
    place = folder / RECHECK
    place.mkdir(mode=0o700, exist_ok=True)
    mapping, _ = stages.decisions(folder)
    progress = relocation.Told(steps, "compared")
    found = verify(frozen, stages.planned(folder), mapping, where, place, workers=workers, progress=progress)
    lacks = structure(stages.planned(folder), frozen.catalog, where.catalog(), triggers=True)
    rows, differences = sum(table.found_rows for table in found.tables), found.differences.lines
    what: dict[str, str | int] = {
        "run": proven.run,
        "proof": sha256(file.read_bytes()),
        "rows": rows,
        "differences": differences,
    }
    relocation.enter(office, "rechecked", what, "a proof was asked for", "freeze and target read again", asked.by)
    same = _same(found, proven) and not lacks
    return Rechecked(proven, signed, rows, found.found_root, found.differences, lacks, place, same)


def checked(office: Office, file: Path, key: PublicKey | None = None) -> tuple[str, Proof]:
    """When the proof was signed (UTC text, as the signature says), and the proof. Raises RefusedError D681."""
    try:
        data, signature = file.read_bytes(), file.with_name(SIGNATURE).read_bytes()
    except OSError as error:
        raise UsageError("S417", f"{Path(error.filename or PROOF).name}: {error.strerror}") from None
    try:
        found = detached.verify(data, signature, key or office.key.public)
    except RefusedError as error:
        raise RefusedError("D681", f"{error.code}: {error.detail}") from None
    return found.created.isoformat(), proof.decode(data)


def differences(found: Rechecked) -> Iterator[Named]:
    """The differences by their places, one after another; of a row without a key a digest alone."""
    return named(found.folder / found.differences.file, stages.planned(Folder(found.folder.parent)))


def _same_freeze(folder: Folder, frozen: Frozen, proven: Proof) -> None:
    if (frozen.digest, frozen.root) != (proven.freeze, proven.freeze_root):
        raise IntegrityError("D682", "another freeze")
    if plan_file.digest(stages.planned(folder)) != proven.plan:
        raise IntegrityError("D682", "another plan")
    if stages.decisions(folder)[1] != proven.mapping:
        raise IntegrityError("D682", "another mapping file")


def _same(found: Verdict, proven: Proof) -> bool:
    return found.equal and (found.root, found.found_root) == (proven.root, proven.target_root)
