"""Reading a segment's tar once, from front to end: every byte is hashed as part of the whole and of its member.

SHA-512 of the whole is taken in a second thread while this one takes the members' SHA-256 (hashlib lets other threads
run): so a pass costs little more than the slower of the two. No key is needed.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from archive.segments.members import header, padding

_BLOCK = 1 << 20  # bytes read at once; two such buffers are in use
_BETWEEN = 2048  # more than ever stands between two members: padding and a header


class Member(NamedTuple):
    """Where a member lies and what it must be, as the ledger has it."""

    digest: str
    place: int
    offset: int
    size: int
    sha256: str
    kind: str
    bytes: int
    entry: int


class Read(NamedTuple):
    """What was read: bytes of the file, its SHA-512, the digests of members missing and damaged.

    `sound`: what stands between the members of an open segment is what must stand there. Of a sealed one the SHA-512
    tells; an open one has none ("").
    """

    bytes: int
    sha512: str
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    sound: bool


def read(path: Path, rows: Sequence[Member], end: int | None, tell: Callable[[int], None]) -> Read:
    """Read the tar at `path`; `rows` lie in the order of their offsets and do not overlap.

    `end`: where the last member's last block ends, of an open segment; what lies behind is read and not judged. None
    for a sealed one. `tell` hears the number of bytes of each block. Raises OSError.
    """
    whole = hashlib.sha512()
    walk = _Walk(rows, end)
    done = 0
    pending: Future[None] | None = None
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if end is None:  # the medium is to be read, not what the system remembers of it
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        with ThreadPoolExecutor(1) as second:
            for buffer in cycle((memoryview(bytearray(_BLOCK)), memoryview(bytearray(_BLOCK)))):
                block = buffer[: os.readv(handle, [buffer])]
                if pending:
                    pending.result()  # the other buffer is free again
                if not block:
                    break
                pending = second.submit(whole.update, block) if end is None else None
                walk.take(block)
                done += len(block)
                tell(len(block))
    finally:
        os.close(handle)
    missing, damaged, sound = walk.result()
    return Read(done, whole.hexdigest() if end is None else "", missing, damaged, sound)


class _Walk:
    """Goes along the members as the blocks come."""

    def __init__(self, rows: Sequence[Member], end: int | None) -> None:
        self._rows = rows
        self._end = end
        self._at = 0  # where in the file
        self._next = 0  # which member comes, or has begun
        self._hash = hashlib.sha256()
        self._between = bytearray()  # since the last member, of an open segment
        self._damaged: list[str] = []
        self._sound = True

    def take(self, block: memoryview) -> None:
        """Take the next bytes of the file."""
        while block and self._next < len(self._rows):
            row = self._rows[self._next]
            if self._at < row.offset:
                piece = block[: row.offset - self._at]
                self._pass(piece)
            else:
                piece = block[: row.offset + row.size - self._at]
                self._hash.update(piece)
            self._at += len(piece)
            block = block[len(piece) :]
            if self._at == row.offset + row.size:
                self._finish(row)
        if self._end is not None:
            self._pass(block[: max(0, self._end - self._at)])
        self._at += len(block)

    def result(self) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
        """Members missing, members damaged, and whether all between them was right."""
        rest = self._rows[self._next :]
        begun = {row.digest for row in rest if row.offset < self._at}
        if self._end is not None and not rest:
            last = self._rows[-1] if self._rows else None
            tail = self._end - (last.offset + last.size if last else 0)
            if tail < 512 and self._between != bytes(tail):
                self._sound = False
        missing = tuple(row.digest for row in rest if row.digest not in begun)
        return missing, (*self._damaged, *(row.digest for row in rest if row.digest in begun)), self._sound

    def _pass(self, piece: memoryview) -> None:
        if self._end is not None:
            self._between += piece[: max(0, _BETWEEN - len(self._between))]

    def _finish(self, row: Member) -> None:
        if self._hash.hexdigest() != row.sha256:
            self._damaged.append(row.digest)
        if self._end is not None:
            self._compare(row)
        self._hash = hashlib.sha256()
        self._between.clear()
        self._next += 1

    def _compare(self, row: Member) -> None:
        """What stood before this member: the padding of the one before it, and its header."""
        before = self._rows[self._next - 1] if self._next else None
        if row.place != (before.place + 1 if before else 0):
            return  # the row between is in doubt, and its bytes with it
        zeros = padding(before.size) if before else b""
        if self._between != zeros + header(row.place, row.kind, row.size):
            self._sound = False
