"""Files of an archive copied to another storage, one by one, each read back from there.

A copy appears under its name when it is whole and flushed (POSIX fsync, rename), so what is there is either whole or
`.part`; a killed run is gone on with by comparing what is there.
"""

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from archive.audit.places import LOCKS
from archive.flushing import disk, flush, make_folder, write_all
from archive.ocfl.reading import open_file
from formats.errors import IntegrityError

_PIECE: Final = 1 << 20  # bytes read at once


class Mark(NamedTuple):
    """What changes when a file does: size in bytes, times in nanoseconds, the file's number on its disk."""

    size: int
    changed: int
    touched: int
    inode: int


class Digests(NamedTuple):
    """Size in bytes, SHA-256 and SHA-512 in hex."""

    size: int
    sha256: str
    sha512: str


@dataclass(frozen=True, slots=True)
class Copied:
    """A file and its copy: what the file was like before it was read, its digests, the copy's; `written` by this run.

    `path` is relative to the archive's folder, with slashes.
    """

    path: str
    mark: Mark
    own: Digests
    copy: Digests
    written: bool


def files(root: Path) -> Iterator[tuple[str, Mark]]:
    """Every file below a folder but locks: path and mark, in no order; what goes away meanwhile is left out.

    Raises IntegrityError D696 for what is no plain file or cannot be read.
    """
    for folder, inner, names in os.walk(root, onerror=_unless_gone):
        for name in (*names, *(one for one in inner if (Path(folder) / one).is_symlink())):
            place = Path(folder) / name
            path = place.relative_to(root).as_posix()
            if path in LOCKS:
                continue
            try:
                found = place.lstat()
            except FileNotFoundError:
                continue  # sealed or destroyed at this moment; the last look is taken under the locks
            if not stat.S_ISREG(found.st_mode):
                raise IntegrityError("D696", f"old {path}: not a plain file")
            yield path, Mark(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise IntegrityError("D696", f"old {Path(error.filename).name}: {error.strerror}") from None


def copy(old: Path, new: Path, path: str, mark: Mark) -> Copied | None:
    """Copy one file and read it back; a copy that is there and the same is left as it is. None: the file went away.

    Raises IntegrityError D696 (the file cannot be read, the copy cannot be read back), UnreachableError S416.
    """
    try:
        handle = open_file(old / path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IntegrityError("D696", f"old {path}: {error.strerror}") from None
    try:
        there = _digests(new / path) if _size(new / path) == mark.size else None
        if there and (own := _taken(handle, path)) == there:
            return Copied(path, mark, own, there, written=False)
        os.lseek(handle, 0, os.SEEK_SET)
        own = _write(handle, path, new / path)
    finally:
        os.close(handle)
    return Copied(path, mark, own, read_back(new, path), written=True)


def read_back(new: Path, path: str) -> Digests:
    """The digests of a copy, from the medium and not from what the system still has of it. Raises IntegrityError."""
    found = _digests(new / path)
    if found is None:
        raise IntegrityError("D696", f"new {path}: cannot be read back")
    return found


def remove_others(new: Path, known: Collection[str]) -> int:
    """Remove what an earlier look has copied and is no longer in the old folder, and parts; gives how many files.

    Raises UnreachableError S416.
    """
    count = 0
    with disk():
        for folder, _, names in os.walk(new, topdown=False):
            place = Path(folder)
            gone = [place / name for name in names if (place / name).relative_to(new).as_posix() not in known]
            for file in gone:
                file.unlink()
            count += len(gone)
            if place != new and not any(place.iterdir()):
                place.rmdir()
                flush(place.parent)
            elif gone:
                flush(place)
    return count


def _size(file: Path) -> int:
    """Of a plain file; -1 if there is none."""
    try:
        found = file.lstat()
    except OSError:
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def _digests(file: Path) -> Digests | None:
    """None when the file cannot be read."""
    try:
        handle = open_file(file)
        try:
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            return _hashed(_pieces(handle))
        finally:
            os.close(handle)
    except OSError:
        return None


def _taken(handle: int, path: str) -> Digests:
    return _hashed(_readable(handle, path))


def _readable(handle: int, path: str) -> Iterator[bytes]:
    """The bytes of a file of the old folder: that it cannot be read is never taken for a full disk."""
    try:
        yield from _pieces(handle)
    except OSError as error:
        raise IntegrityError("D696", f"old {path}: {error.strerror}") from None


def _pieces(handle: int) -> Iterator[bytes]:
    while piece := os.read(handle, _PIECE):
        yield piece


def _hashed(pieces: Iterator[bytes]) -> Digests:
    size, short, long = 0, hashlib.sha256(), hashlib.sha512()
    for piece in pieces:
        size += len(piece)
        short.update(piece)
        long.update(piece)
    return Digests(size, short.hexdigest(), long.hexdigest())


def _write(handle: int, path: str, target: Path) -> Digests:
    """Mode and time come along: the audit tells by them what lies about too long."""
    part = target.with_name(f".{target.name}.part")
    with disk():
        make_folder(target.parent)
        out = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            own = _hashed(_through(_readable(handle, path), out))
            found = os.fstat(handle)
            os.fchmod(out, stat.S_IMODE(found.st_mode))
            os.utime(out, ns=(found.st_mtime_ns, found.st_mtime_ns))
            os.fsync(out)
        finally:
            os.close(out)
        part.replace(target)
        flush(target.parent)
    return own


def _through(pieces: Iterator[bytes], out: int) -> Iterator[bytes]:
    for piece in pieces:
        write_all(out, piece)
        yield piece
