"""The demo's second half: what the sending office has kept is sealed, backed up, drilled and put in evidence."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archive.backup import restoring
from flows import backup_places, backups, bundle_checks, bundles
from flows.times import now
from flows.wiring import SERVICE, Office


@dataclass(frozen=True, slots=True)
class Keeping:
    """What became of the archive: segments sealed, originals that a restore from the backup brought back equal.

    `problems` are those of the drill, `bundle` says whether the evidence of one accepted case holds by itself.
    """

    segments: int
    restored: int
    problems: tuple[str, ...]
    bundle: bool
    bundle_file: Path

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "problems": list(self.problems), "bundle_file": str(self.bundle_file)}


def keep_safe(office: Office, case: str, folder: Path) -> Keeping:
    """Seal everything, back it up into `folder`, restore it elsewhere and compare, and prove one case off-line."""
    sealed = office.store.seal_due(now(), all_of_them=True)
    place_name = folder / "backup"
    place_name.mkdir(mode=0o700)
    with backup_places.opened(str(place_name)) as place:
        named = backup_places.named(str(place_name))
        made = backups.back_up(office, place, named, now())
        found = restoring.open_snapshot(place, made.snapshot, office.wrap, office.journal_key.verifier)
        drilled = backups.drill_office(office, place, found, office.wrap, named, now())
    evidence = bundles.make(office, case, SERVICE, now())
    file = folder / f"{case}.evidence.tar"
    file.write_bytes(evidence)
    file.chmod(0o600)
    return Keeping(
        segments=len(sealed),
        restored=drilled.compared.originals,
        problems=tuple(f"{problem.code} {problem.subject}" for problem in drilled.problems),
        bundle=bundle_checks.verify(evidence).first is None,
        bundle_file=file,
    )
