"""Bytes and names that stay on the disk when the power goes, and the disk's refusals as errors of the service.

A file is safe when it was flushed itself, a name when its folder was (POSIX fsync). A file that must never be seen
half written is written beside, flushed, and renamed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from formats.errors import UnreachableError


@contextmanager
def refusals() -> Iterator[None]:
    """Raises UnreachableError S416 in the place of an OSError; the detail is the system's reason, never a path."""
    try:
        yield
    except OSError as error:
        raise UnreachableError("S416", error.strerror or type(error).__name__) from None
    except (apsw.FullError, apsw.IOError) as error:
        raise UnreachableError("S416", type(error).__name__) from None


def write_all(handle: int, data: bytes) -> None:
    """Write all of it where the open file stands; nothing is flushed. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]  # a disk that is nearly full takes a part


def replace(path: Path, data: bytes) -> None:
    """A file of these bytes and mode 0400 under this name, whatever was there before; flushed. Raises OSError."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        write_all(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    part.replace(path)
    flush(path.parent)


def flush(folder: Path) -> None:
    """Flush the names in a folder. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
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
