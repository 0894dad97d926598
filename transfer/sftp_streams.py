"""What a place for backups does on an SFTP server, as jobs for the pipeline: create, append, finish, publish.

Between two of these jobs the connection is free for others. Every status is looked at; refusals are UnreachableError
S407 with the number of the SFTP status.
"""

from collections.abc import Collection, Iterator
from enum import Enum
from typing import TypeVar

from formats.errors import UnreachableError
from transfer import sftp_jobs
from transfer.sftp_packets import (
    FSYNC,
    NO_SUCH_FILE,
    OK,
    Attributes,
    Request,
    close,
    fstat,
    fsync,
    make_folder,
    open_new,
    open_to_read,
    rename,
    stat,
    write,
)
from transfer.sftp_pipeline import Steps

__all__ = ["Steps", "T", "Taken", "append", "create", "entries", "exists", "finish", "let_go", "open_sized", "publish"]

T = TypeVar("T")


class Taken(Enum):
    """Whose a name is after `publish`: this file's, or another's that had it before."""

    NOW = "now"
    BEFORE = "before"


def exists(path: str) -> Steps[bool]:
    """Whether there is something under this name."""
    (found,) = yield (stat(path.encode()),)
    if found.status == NO_SUCH_FILE:
        return False
    found.check()
    return True


def create(path: str, root: str) -> Steps[bytes]:
    """The handle of a new file; folders that are missing between it and `root` are made."""
    (opened,) = yield (open_new(path.encode()),)
    if opened.status == NO_SUCH_FILE:
        folders = path.removeprefix(f"{root}/").split("/")[:-1]
        for depth in range(1, len(folders) + 1):
            # Refused when the folder is there; what else may be wrong shows when the file is opened.
            yield (make_folder("/".join([root, *folders[:depth]]).encode()),)
        (opened,) = yield (open_new(path.encode()),)
    return opened.handle()


def append(handle: bytes, start: int, data: bytes, chunk: int) -> Steps[None]:
    """Write the bytes at `start` of an open file, in requests of `chunk` bytes."""
    for reply in (yield _writes(handle, start, data, chunk)):
        reply.check()


def _writes(handle: bytes, start: int, data: bytes, chunk: int) -> Iterator[Request]:
    view = memoryview(data)
    for offset in range(0, len(data), chunk):
        yield write(handle, start + offset, view[offset : offset + chunk])


def finish(handle: bytes, size: int, offers: Collection[bytes]) -> Steps[None]:
    """Flush a file where the server can, close it, and see that it has so many bytes."""
    flushing = (fsync(handle),) if FSYNC in offers else ()
    replies = yield (*flushing, fstat(handle), close(handle))
    if len(replies) < len(flushing) + 2:
        # A refused request stopped the batch before its close.
        yield (close(handle),)
    for reply in replies:
        reply.check()
    stored = replies[-2].attributes().size
    if stored != size:
        raise UnreachableError("S407", f"{stored} of {size} bytes stored")


def publish(part: str, final: str) -> Steps[Taken]:
    """Give a file its name, unless something has it."""
    (found,) = yield (stat(final.encode()),)
    if found.status == OK:
        return Taken.BEFORE
    (renamed,) = yield (rename(part.encode(), final.encode()),)
    if renamed.status != OK and (yield from exists(final)):
        return Taken.BEFORE
    renamed.check()
    return Taken.NOW


def open_sized(path: str) -> Steps[tuple[bytes, int] | None]:
    """The handle and the size of a file, or None if it is not there."""
    (opened,) = yield (open_to_read(path.encode()),)
    if opened.status == NO_SUCH_FILE:
        return None
    handle = opened.handle()
    (told,) = yield (fstat(handle),)
    size = told.attributes().size if told.status == OK else None
    if size is None:
        yield (close(handle),)
        raise UnreachableError("S407", "the server does not tell sizes")
    return handle, size


def let_go(handle: bytes) -> Steps[None]:
    """Close an open file."""
    (closed,) = yield (close(handle),)
    closed.check()


def entries(folder: str) -> Steps[list[tuple[bytes, Attributes]] | None]:
    """All that is in a folder with its attributes, or None if it is not there."""
    (found,) = yield (stat(folder.encode()),)
    if found.status == NO_SUCH_FILE:
        return None
    return (yield from sftp_jobs.entries(folder.encode()))
