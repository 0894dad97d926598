"""Bytes and folders that stay on the disk when the power goes: the one place of it for the archive.

A name is safe when its folder was flushed, a file when it was flushed itself (POSIX fsync). Nothing here is atomic: who
needs that writes in a stage on the same file system, flushes, renames, and flushes the parents.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from formats.errors import UnreachableError


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of it to the open file `fd`, where it stands; nothing is flushed. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]  # a disk that is nearly full takes a part


def write_file(path: Path, data: bytes, mode: int = 0o400) -> None:
    """A new file of this mode, whatever the umask, flushed; its folder is not. Raises OSError (FileExistsError too)."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IWUSR | stat.S_IRUSR)
    try:
        write_all(handle, data)
        os.fchmod(handle, mode)
        os.fsync(handle)
    finally:
        os.close(handle)


def flush(path: Path) -> None:
    """Flush a file or a folder; of a folder the names in it, not what is inside the files. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """A folder and what is missing of its parents, each of mode 0700 and its name flushed. Raises OSError."""
    for place in reversed((path, *path.parents)):
        if not place.exists():
            place.mkdir(mode=0o700, exist_ok=True)
            flush(place.parent)


@contextmanager
def disk() -> Iterator[None]:
    """Raises UnreachableError S416 in the place of an OSError; the detail is the system's reason, never a path."""
    try:
        yield
    except OSError as error:
        raise UnreachableError("S416", error.strerror or type(error).__name__) from None
