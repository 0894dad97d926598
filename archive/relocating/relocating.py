"""The archive's folder copied to another storage and compared, the old one left as it is.

1. the old folder has what the ledger says is kept, and the new place is empty or was begun for it
2. every file is copied and read back; originals are kept and segments sealed meanwhile
3. each object is judged: OCFL 1.1, and each sealed tar by its manifest
4. under the locks of sealing and writing: what has changed since 2 once more; what is gone from the old folder goes
   from the new one; the open segments are read by the ledger; both folders' roots are compared
5. the journal says so, and the caller does what belongs to the same moment

Whatever kills it, the same call goes on. One difference and nothing of 5 is done (D696).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from archive import journal
from archive.flushing import disk, flush, write_file
from archive.journal import Entry
from archive.ledger import Ledger
from archive.relocating import checking
from archive.relocating.copying import Copied, Digests, Mark, copy, files, remove_others
from archive.segments.files import MOVED, held
from archive.segments.layout import Layout
from archive.tables import utc_text
from formats import merkle
from formats.errors import IntegrityError, UsageError

Steps = Callable[[str, int], None]

_PAGE: Final = 256  # files handed out at once
_NAMED: Final = 20  # differences in an error; the next run names the others


@dataclass(frozen=True, slots=True)
class Home:
    """An archive: its ledger, its folder, the office's code."""

    ledger: Ledger
    folder: Path
    office: str


@dataclass(frozen=True, slots=True)
class Relocated:
    """Two folders that hold the same files.

    `written` files and `removed` ones are this run's. `root` is the RFC 6962 root over the files' lines, sorted by
    path: path, NUL, size in bytes, NUL, SHA-256 in hex. `sums` are their lines as `sha256sum -c` reads them.
    """

    old: Path
    new: Path
    files: int
    bytes: int
    written: int
    removed: int
    root: str
    sums: str


def place(folder: Path) -> Path:
    """The archive's folder in a new place. Raises UsageError S401: the place is not there (a disk not mounted)."""
    if not folder.is_dir():
        raise UsageError("S401", f"there is no folder {folder}")
    return folder.resolve() / "archive"


def marker(new: Path) -> Path:
    """The file beside a new folder that says for whom it was begun."""
    return new.with_name("archive.relocating")


def leave(old: Path, new: Path) -> None:
    """Have the old folder take nothing more, whoever still knows it as the archive: a file in it names the new one.

    The caller holds the locks. Raises UnreachableError S416.
    """
    with disk():
        write_file(old / MOVED, str(new).encode())
        flush(old)


def relocate(
    home: Home,
    new: Path,
    at: datetime,
    *,
    who: str,
    workers: int = 1,
    steps: Steps = lambda _name, _count: None,
    finish: Callable[[Relocated], None] = lambda _found: None,
) -> Relocated:
    """Copy an archive's folder to `new` (of `place`) and compare; `finish` is called while nobody may keep or seal.

    `steps("copied", n)` is told after each file. Raises UsageError D607 (something else is there), S401 (the archive
    has moved already); IntegrityError D696 (a difference, or damage in the old folder, each named up to twenty);
    UnreachableError S409, S416, S445 (a backup, or this, is under way).
    """
    layout = Layout(home.folder, home.office)
    with held(layout.backup_lock, wait=False):
        with held(layout.seal_lock), held(layout.lock):
            _refuse(_of_ledger(home, layout, bytes_too=False), "old")
        _begin(home, new)
        copied = {one.path: one for one in _copied(home.folder, new, files(home.folder), workers, steps)}
        removed = remove_others(new, copied)  # of an earlier run; what is damaged there must not be judged now
        judged = _judged(new, checking.objects_of(copied), copied, workers, steps)
        with held(layout.seal_lock), held(layout.lock):
            steps("locked", 1)
            return _finished(home, new, copied, judged, removed, at, who, workers, steps, finish)


def _finished(
    home: Home,
    new: Path,
    earlier: Mapping[str, Copied],
    judged: Mapping[str, list[str]],
    removed: int,
    at: datetime,
    who: str,
    workers: int,
    steps: Steps,
    finish: Callable[[Relocated], None],
) -> Relocated:
    """The last look; the caller holds all locks."""
    now = dict(files(home.folder))
    changed = {path: mark for path, mark in now.items() if path not in earlier or earlier[path].mark != mark}
    again = {one.path: one for one in _copied(home.folder, new, changed.items(), workers, steps)}
    copied = {path: again.get(path) or earlier[path] for path in sorted(now)}
    removed += remove_others(new, copied)
    touched = checking.objects_of({*changed, *(earlier.keys() - now.keys())})
    found = {**judged, **_judged(new, touched, copied, workers, steps)}
    _refuse(_differences(copied.values()), "new")
    _refuse((line for name in sorted(found) for line in found[name]), "old")
    _refuse([*checking.of_root(new), *_of_ledger(home, Layout(new, home.office), bytes_too=True)], "old")
    root = _root((one.path, one.own) for one in copied.values())
    if root != _root((one.path, one.copy) for one in copied.values()):
        raise IntegrityError("D696", "the roots")
    report = Relocated(
        old=home.folder,
        new=new,
        files=len(copied),
        bytes=sum(one.own.size for one in copied.values()),
        written=sum(one.written for one in (*earlier.values(), *again.values())),
        removed=removed,
        root=root,
        sums="".join(f"{one.own.sha256}  archive/{one.path}\n" for one in copied.values()),
    )
    steps("compared", 1)
    what: dict[str, str | int] = {"files": report.files, "bytes": report.bytes, "root": root}
    how = "copied to another storage, read back and compared"
    journal.record(home.ledger, [Entry(utc_text(at), "relocated", what, "the archive's storage changes", how, who)])
    steps("entered", 1)
    finish(report)
    return report


def _begin(home: Home, new: Path) -> None:
    """Say beside the new folder whose it is to be. Raises UsageError D607, UnreachableError S416."""
    old = home.folder.resolve()
    if new.is_relative_to(old) or old.is_relative_to(new):
        raise UsageError("D607", str(new))
    told = f"{home.office}\n{old}\n".encode()
    with disk():
        if marker(new).exists():
            if marker(new).read_bytes() != told:
                raise UsageError("D607", str(new))
            return
        if new.exists() and (not new.is_dir() or any(new.iterdir())):
            raise UsageError("D607", str(new))
        part = marker(new).with_suffix(".part")
        part.unlink(missing_ok=True)
        write_file(part, told)
        part.rename(marker(new))
        flush(new.parent)


def _copied(old: Path, new: Path, wanted: Iterable[tuple[str, Mark]], workers: int, steps: Steps) -> Iterator[Copied]:
    coming = iter(wanted)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        while page := list(islice(coming, _PAGE)):
            for one in pool.map(lambda item: copy(old, new, *item), page):
                if one:
                    yield one
                steps("copied", 1)


def _judged(
    new: Path, names: Collection[str], copied: Mapping[str, Copied], workers: int, steps: Steps
) -> dict[str, list[str]]:
    """What is wrong with each of these objects."""
    with ThreadPoolExecutor(max(1, workers)) as pool:
        found = dict(zip(names, pool.map(lambda name: checking.of_object(new, name, copied), names), strict=True))
    steps("judged", len(found))
    return found


def _of_ledger(home: Home, layout: Layout, *, bytes_too: bool) -> list[str]:
    with home.ledger.reading() as connection:
        return list(checking.of_ledger(connection, layout, bytes_too=bytes_too))


def _differences(copied: Iterable[Copied]) -> Iterator[str]:
    return (one.path for one in copied if one.own != one.copy)


def _refuse(found: Iterable[str], where: str) -> None:
    """Raises IntegrityError D696 naming what differs."""
    names = list(found)
    if names:
        more = f"; {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise IntegrityError("D696", f"{where}: {'; '.join(names[:_NAMED])}{more}")


def _root(lines: Iterable[tuple[str, Digests]]) -> str:
    return merkle.root_of(f"{path}\0{found.size}\0{found.sha256}".encode() for path, found in lines).hex()
