"""What a mailbox does on an SFTP server, as jobs for the pipeline: store, fetch, list, remove.

Every status is looked at. Refusals are UnreachableError S407 with the number of the SFTP status.
"""

import stat
from collections.abc import Collection, Iterator
from typing import Final

from formats.errors import RefusedError, ServiceError, UnreachableError
from transfer.mailbox import LISTING_MOST, PART
from transfer.sftp_packets import (
    CHUNK,
    END_OF_FILE,
    FSYNC,
    LIMITS,
    NO_SUCH_FILE,
    OK,
    POSIX_RENAME,
    Attributes,
    Reply,
    Request,
    WireError,
    close,
    fstat,
    fsync,
    limits,
    open_folder,
    open_to_read,
    open_to_write,
    posix_rename,
    read,
    read_folder,
    remove,
    rename,
    write,
)
from transfer.sftp_pipeline import Steps

# Reads without reply: together they fit the channel's window (sftp.py), so that the server never waits for us.
READS: Final = 16

# Eight SSH packets full. More brings nothing.
_WRITE_MOST: Final = 8 * CHUNK

# A longer read is done in parts, so that replies waiting to be put together stay a small share of memory.
_READS_A_BATCH: Final = 256

# A server may answer a read with fewer bytes than asked; one that hands out crumbs would keep us for hours.
_CRUMB: Final = 1024

# Listings are asked for several parts ahead: a full folder is many parts of about a hundred names.
_PARTS_AHEAD: Final = 8


def write_size(offers: Collection[bytes]) -> Steps[int]:
    """How many bytes of a file to write in one request: several SSH packets full, where the server says it takes them.

    Each request costs both sides a reply to handle, which is a fifth of the work of sending a large file.
    """
    if LIMITS not in offers:
        return CHUNK
    (answer,) = yield (limits(),)
    return max(CHUNK, min(answer.write_limit(), _WRITE_MOST)) if answer.status == OK else CHUNK


def store(final: bytes, data: bytes, offers: Collection[bytes], chunk: int = CHUNK) -> Steps[None]:
    """Write `data` under the part name, check its size on the server, flush it, and rename it to `final`.

    `chunk`: the bytes of one write request, as `write_size` found. The part is emptied if a killed sender left it, and
    removed again when anything is refused.
    """
    part = final + PART.encode()
    (opened,) = yield (open_to_write(part),)
    handle = opened.handle()
    with_fsync = FSYNC in offers
    replies = yield _writes(handle, data, chunk, with_fsync)
    whole = len(replies) == -(-len(data) // chunk) + with_fsync + 2
    if not whole:
        # A refused write stopped the batch before its close.
        yield (close(handle),)
    try:
        for reply in replies:
            reply.check()
        size = replies[-2].attributes().size
        if size != len(data):
            raise UnreachableError("S407", f"{size} of {len(data)} bytes stored")
        yield from _publish(part, final, offers)
    except ServiceError:
        yield (remove(part),)
        raise


def _writes(handle: bytes, data: bytes, chunk: int, with_fsync: bool) -> Iterator[Request]:
    view = memoryview(data)
    for offset in range(0, len(data), chunk):
        yield write(handle, offset, view[offset : offset + chunk])
    if with_fsync:
        yield fsync(handle)
    yield fstat(handle)
    yield close(handle)


def _publish(part: bytes, final: bytes, offers: Collection[bytes]) -> Steps[None]:
    """Rename; without the extension a file of that name is removed first, but only when it stands in the way."""
    if POSIX_RENAME in offers:
        (renamed,) = yield (posix_rename(part, final),)
    else:
        (renamed,) = yield (rename(part, final),)
        if renamed.status != OK:
            yield (remove(final),)
            (renamed,) = yield (rename(part, final),)
    renamed.check()


def fetch(path: bytes, most: int) -> Steps[bytes]:
    """The bytes of a file; RefusedError T102 when there are more than `most`, before they are read."""
    (opened,) = yield (open_to_read(path),)
    handle = opened.handle()
    try:
        data = yield from _contents(handle, most)
    except ServiceError:
        yield (close(handle),)
        raise
    yield (close(handle),)
    return data


def _contents(handle: bytes, most: int) -> Steps[bytes]:
    """Ask for the size and, at the same time, for the first piece, which is all of most packages."""
    asked, first = yield (fstat(handle), read(handle, 0, CHUNK))
    size = asked.attributes().size
    if size is None:
        raise UnreachableError("S407", "the server does not tell sizes")
    if size > most:
        raise RefusedError("T102", f"{size} bytes, at most {most} allowed")
    if size == 0:
        return b""
    content = bytearray(size)
    yield from _fill(handle, 0, content, [_take(content, 0, min(CHUNK, size), first)])
    return bytes(content)


def piece(handle: bytes, start: int, length: int) -> Steps[bytes]:
    """So many bytes, at least one, of an open file from `start` on. Raises UnreachableError S407 when it has fewer."""
    content = bytearray(length)
    yield from _fill(handle, start, content, [(0, min(CHUNK, length))])
    return bytes(content)


def _fill(handle: bytes, start: int, content: bytearray, missing: list[tuple[int, int]]) -> Steps[None]:
    """Read all of `content` that lies behind its first CHUNK, and of that what is `missing`: offsets and lengths.

    The content begins at `start` of the file.
    """
    size = len(content)
    later = iter(range(CHUNK, size, CHUNK))
    while True:
        wanted = [piece for piece in missing if piece[1]]
        while len(wanted) < _READS_A_BATCH and (offset := next(later, None)) is not None:
            wanted.append((offset, min(CHUNK, size - offset)))
        if not wanted:
            return
        replies = yield [read(handle, start + offset, length) for offset, length in wanted]
        # A refusal stops the batch; `_take` raises at it.
        missing = [_take(content, *piece, reply) for piece, reply in zip(wanted, replies, strict=False)]


def _take(content: bytearray, offset: int, length: int, reply: Reply) -> tuple[int, int]:
    """Put the reply to a read in its place; the offset and length of what is still missing of it."""
    data = reply.data()[:length]
    if len(data) < min(length, _CRUMB):
        raise UnreachableError("S407", "the server gives out less than the file holds")
    content[offset : offset + len(data)] = data
    return offset + len(data), length - len(data)


def listing(folder: bytes) -> Steps[list[tuple[bytes, Attributes]]]:
    """The plain files of a folder with their attributes, at most LISTING_MOST, in the server's order."""
    found = yield from entries(folder)
    return [(name, file) for name, file in found[:LISTING_MOST] if file.mode is None or stat.S_ISREG(file.mode)]


def entries(folder: bytes) -> Steps[list[tuple[bytes, Attributes]]]:
    """All that is in a folder, also folders and links; no more is asked for once there are LISTING_MOST."""
    (opened,) = yield (open_folder(folder),)
    handle = opened.handle()
    found: list[tuple[bytes, Attributes]] = []
    try:
        ended = False
        while not ended and len(found) < LISTING_MOST:
            replies = yield [read_folder(handle)] * _PARTS_AHEAD
            ended = _gather(replies, found)
    except ServiceError:
        yield (close(handle),)
        raise
    yield (close(handle),)
    return found


def _gather(replies: list[Reply], found: list[tuple[bytes, Attributes]]) -> bool:
    """Add the names of these replies; whether the listing has ended."""
    for reply in replies:
        if reply.status == END_OF_FILE:
            return True
        names = reply.names()
        if not names:
            raise WireError("an empty part of a listing")
        found.extend(names)
    return False


def discard(path: bytes) -> Steps[None]:
    """Remove a file; one that is gone is fine."""
    (removed,) = yield (remove(path),)
    if removed.status != NO_SUCH_FILE:
        removed.check()
