"""A folder as a place for backups: another disk, a mounted share."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from archive.backup.place import PIECE, check_name, digest_of
from archive.flushing import disk, flush, make_folder, write_all
from formats.errors import IntegrityError, UnreachableError, UsageError


class FolderPlace:
    """A `Place` in a folder of this machine. Files have mode 0400; what is being written ends in `.part`."""

    def __init__(self, root: Path) -> None:
        """The folder must be there: a disk that is not mounted must not be made up. Raises UsageError S401."""
        if not root.is_dir():
            raise UsageError("S401", f"there is no folder {root}")
        self._root = root

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See `Place.names`."""
        start = self._root / prefix.rpartition("/")[0]
        with _readable(prefix):
            for folder, _, files in os.walk(start):
                inner = Path(folder).relative_to(self._root)
                for file in files:
                    name = (inner / file).as_posix()
                    if name.startswith(prefix) and not file.startswith("."):
                        yield name, (Path(folder) / file).stat().st_size

    def read(self, name: str) -> Iterator[bytes]:
        """See `Place.read`: the pages that the system still has of it are dropped first."""
        path = self._root / check_name(name)
        with _readable(name):
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                while piece := os.read(handle, PIECE):
                    yield piece
            finally:
                os.close(handle)

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """See `Place.write`: written beside, flushed, linked to its name, the folder flushed."""
        path = self._root / check_name(name)
        part = path.with_name(f".{uuid4().hex}.part")
        with disk():
            make_folder(path.parent)
            try:
                _write_part(part, chunks)
                try:
                    path.hardlink_to(part)  # unlike a rename it never takes another's place
                except FileExistsError:
                    self._compare(name, part)
                except OSError:
                    self._rename(name, part)
            finally:
                part.unlink(missing_ok=True)
            flush(path.parent)

    def remove(self, name: str) -> None:
        """See `Place.remove`."""
        path = self._root / check_name(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise UnreachableError("S407", f"{name}: {error.strerror}") from None

    def sweep(self, before: datetime) -> int:
        """Remove what writers left that were interrupted before this time; gives how many. Raises UnreachableError."""
        with disk():
            parts = [file for file in self._root.rglob(".*.part") if file.stat().st_mtime < before.timestamp()]
            for file in parts:
                file.unlink(missing_ok=True)
        return len(parts)

    def _rename(self, name: str, part: Path) -> None:
        """For file systems that have no links (FAT, some shares)."""
        path = self._root / name
        if path.exists():
            self._compare(name, part)
        else:
            part.rename(path)

    def _compare(self, name: str, part: Path) -> None:
        with part.open("rb") as file:
            wanted = hashlib.file_digest(file, "sha256").hexdigest()
        if digest_of(self, name)[1] != wanted:
            raise IntegrityError("A511", f"{name} is there with other bytes")


def _write_part(part: Path, chunks: Iterable[bytes]) -> None:
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    try:
        for chunk in chunks:
            write_all(handle, chunk)
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise IntegrityError("A512", f"{name} is missing") from None
    except OSError as error:
        raise UnreachableError("S407", f"{name}: {error.strerror}") from None
