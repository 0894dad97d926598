"""Pruning: old snapshots are taken from a place, and the files that no snapshot names any more.

What was destroyed lawfully is gone from a place once no snapshot there is older than the destruction.

1. every list that is to stay must hold; one snapshot that stays, the newest that can be, is read back whole
2. the journal says what will go
3. the lists go, the oldest first: from here on these are no snapshots
4. the files go that no list names

Killed at any instant it leaves at worst files without a list, and those go with the next pruning.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from archive import journal
from archive.backup import snapshot
from archive.backup.place import Place, holds
from archive.backup.snapshot import Snapshot
from archive.backup.sources import Source
from archive.entries import Entry
from archive.segments.files import held
from archive.segments.layout import Layout
from archive.tables import utc_text
from formats.errors import IntegrityError, UsageError

_FOLDERS = ("objects/", "open/", "spool/", "ledger/", "home/")  # whatever else lies at the place is not ours

Steps = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What a pruning did: the snapshots removed and those that stay, how many files went, which one was read back."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    files: int
    bytes: int
    read_back: str


def prune(
    source: Source,
    place: Place,
    verifier: str,
    at: datetime,
    *,
    keep: int,
    named: str,
    who: str = "service",
    steps: Steps = lambda _name, _count: None,
) -> PruneReport:
    """Remove all but the newest `keep` snapshots; `named` is the place without user and password.

    `steps("read", n)` is told after each file read back. Raises UsageError S421 (`keep` is less than 1); IntegrityError
    A512 (there is no snapshot; a list that stays does not hold; none that stays can be read back), and then nothing was
    removed; UnreachableError S404, S407, S409, S416, S445 (a backup is under way).
    """
    if keep < 1:
        raise UsageError("S421", "at least one snapshot stays")
    # A backup's files have no list until its end.
    with held(Layout(source.archive, source.office).backup_lock, wait=False):
        newest = snapshot.newest(place)
        every = snapshot.listed(place)
        removed, kept = every[:-keep], every[-keep:]
        staying = [snapshot.opened(snapshot.read_note(place, name), name, verifier) for name in kept]
        whole = _read_back(place, staying, steps)
        named_files = {file.name for found in staying for file in found.files}
        files = _unnamed(place, named_files)
        if removed or files:
            what: dict[str, str | int] = {"place": named, "snapshots": len(removed), "files": len(files)}
            how = f"all but the newest {len(kept)}, the last {newest}; {whole} read back before"
            entry = Entry(utc_text(at), "pruned", what, "backups are not kept longer than needed (art. 9)", how, who)
            journal.record(source.ledger, [entry])
        for name in removed:
            place.remove(snapshot.note_name(name))
        for name in sorted(files):
            place.remove(name)
    return PruneReport(removed, kept, len(files), sum(files.values()), whole)


def _read_back(place: Place, staying: Collection[Snapshot], steps: Steps) -> str:
    """The newest of these that left nothing out and whose every file the place gives back.

    Raises IntegrityError A512 when there is none.
    """
    for found in reversed([found for found in staying if not found.damaged]):
        for file in found.files:
            if not holds(place, file.name, file.size, file.sha256):
                break
            steps("read", 1)
        else:
            return found.id
    raise IntegrityError("A512", "no snapshot that would stay can be read back whole")


def _unnamed(place: Place, named: Collection[str]) -> dict[str, int]:
    """Files of backups that no list names, with their sizes in bytes."""
    return {name: size for folder in _FOLDERS for name, size in place.names(folder) if name not in named}
