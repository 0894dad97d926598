"""One chunk's file: canonical bytes packed into gzip and hashed on the way, and unpacked again.

Hashing, packing and writing run in a thread beside the reading, and let other threads run meanwhile. But the thread
has to wait for Python's lock behind every call, often longer than the call took: so it gets much at a time. More
threads would take the processor from whoever reads, and from the copying beside.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from isal import isal_zlib

from formats.errors import IntegrityError
from migration.engine import Block
from migration.freeze import disk
from migration.freeze.manifest import Chunk
from migration.freeze.sm3 import new_sm3

PIECE: Final = 256 * 1024  # bytes, unpacked

_LEVEL: Final = 1
_GZIP: Final = 31  # zlib's name for: a gzip header, the largest window
_BATCH: Final = 2 * 2**20  # bytes that are hashed and packed at a time
_AHEAD: Final = 1  # batches that wait for it
_FIRST: Final = 16  # bytes that begin a file
_READ: Final = 64 * 1024
_UNPACKABLE: Final = cast("type[Exception]", isal_zlib.error)  # its stubs take the class for an instance


@dataclass(frozen=True, slots=True)
class Packed:
    """What was packed: rows, bytes and hex digests of the canonical bytes, bytes and SHA-256 of the file."""

    rows: int
    bytes: int
    sha256: str
    sm3: str
    packed: int
    packed_sha256: str


class _File:
    """A gzip file being written: hashes what goes in and what comes out. Not for two threads at once.

    The same bytes give the same file. ISA-L 2.32 breaks that where it packs a stream's first bytes in its fast loop: it
    enters the third one under a hash of its own state's address, and about one file in eight thousand comes out packed
    otherwise. A flush behind at most 16 bytes sends these through its loop for ends, and costs some eight bytes a file.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
        self.plain, self.packed, self.sm3 = hashlib.sha256(), hashlib.sha256(), new_sm3()
        self.size = 0
        self._first = _FIRST

    def add(self, data: memoryview) -> None:
        """Take some more canonical bytes."""
        self.plain.update(data)
        self.sm3.update(data)
        if self._first:
            first, data = data[: self._first], data[self._first :]
            self._first -= len(first)
            self._write(self._packer.compress(first) + self._packer.flush(isal_zlib.Z_SYNC_FLUSH))
        self._write(self._packer.compress(data))

    def finish(self) -> None:
        """Write the rest, and flush the file."""
        self._write(self._packer.flush())
        os.fsync(self._handle)

    def _write(self, data: bytes) -> None:
        self.packed.update(data)
        self.size += len(data)
        disk.write_all(self._handle, data)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Canonical bytes of so many rows, and the space in which they lie, if others may lie there afterwards."""

    data: memoryview
    rows: int
    space: bytearray | None


_free: Final = deque[bytearray]()  # spaces of batches that are done: the system would have to clear new ones


class Packing:
    """A chunk's file whose bytes were all taken, and are still being hashed, packed and flushed.

    Either `packed` or `discard` is called in the end.
    """

    def __init__(self, path: Path) -> None:
        """Begin a new file of mode 0400. Raises UnreachableError S416."""
        with disk.refusals():
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        self._path = path
        self._file, self._thread = _File(self._handle), ThreadPoolExecutor(1)
        self._waiting = deque[Future[None]]()
        self._rows = self._size = 0

    @property
    def ready(self) -> bool:
        """Whether `packed` would not have to wait."""
        return all(future.done() for future in self._waiting)

    def take(self, blocks: Iterable[Block]) -> Iterator[None]:
        """Take all of the file's blocks, with a rest behind each batch.

        Raises UnreachableError S416, and whatever reading them raises.
        """
        for batch in _batches(blocks):
            self._rows, self._size = self._rows + batch.rows, self._size + len(batch.data)
            self._waiting.append(self._thread.submit(self._add, batch))
            while len(self._waiting) > _AHEAD:
                _done(self._waiting.popleft())
            yield
        self._waiting.append(self._thread.submit(self._file.finish))

    def packed(self) -> Packed:
        """Wait until the file is flushed; its name is not. Raises UnreachableError S416; no file is left then."""
        try:
            while self._waiting:
                _done(self._waiting.popleft())
        except BaseException:
            self.discard()
            raise
        self._close()
        digests = self._file.plain.hexdigest(), self._file.sm3.hexdigest()
        return Packed(self._rows, self._size, *digests, self._file.size, self._file.packed.hexdigest())

    def discard(self) -> None:
        """Take the file away again."""
        self._close()
        self._path.unlink()

    def _add(self, batch: _Batch) -> None:
        self._file.add(batch.data)
        if batch.space:
            _free.append(batch.space)

    def _close(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        os.close(self._handle)


def pack(blocks: Iterable[Block], path: Path) -> Generator[None, None, Packing]:
    """Take these blocks for a new file, with rests. Raises as `Packing` and its `take`; no file is left then."""
    packing = Packing(path)
    try:
        yield from packing.take(blocks)
    except BaseException:
        packing.discard()
        raise
    return packing


def _batches(blocks: Iterable[Block]) -> Iterator[_Batch]:
    """Blocks together, each copied while it is still in the processor's cache, but for one that is larger than all."""
    space, rows, size = _space(), 0, 0
    for block in blocks:
        if size and size + len(block.data) > _BATCH:
            yield _Batch(memoryview(space)[:size], rows, space)
            space, rows, size = _space(), 0, 0
        if len(block.data) > _BATCH:
            yield _Batch(memoryview(block.data), block.rows, None)
            continue
        space[size : size + len(block.data)] = block.data
        rows, size = rows + block.rows, size + len(block.data)
    if size:
        yield _Batch(memoryview(space)[:size], rows, space)


def _space() -> bytearray:
    try:
        return _free.pop()
    except IndexError:
        return bytearray(_BATCH)


def _done(future: Future[Any]) -> None:
    with disk.refusals():
        future.result()


def unpacked(folder: Path, chunk: Chunk) -> Iterator[bytes]:
    """A chunk's canonical bytes in blocks of 256 KiB, not cut at lines.

    Raises IntegrityError D652, before the last block is given, when they are not the chunk's bytes. What is hashed is
    the file, a quarter of them; gzip's own checksum holds what comes out against what went in.
    """
    digest, size, held = hashlib.sha256(), 0, b""
    for piece in _pieces(folder, chunk.file, digest.update):
        size += len(piece)
        if size > chunk.bytes:
            raise IntegrityError("D652", chunk.file)
        if held:
            yield held
        held = piece
    packed = digest.hexdigest()
    if size != chunk.bytes or (packed != chunk.packed_sha256 and not _packed_anew(folder, chunk, packed)):
        raise IntegrityError("D652", chunk.file)
    if held:
        yield held


def _packed_anew(folder: Path, chunk: Chunk, packed: str) -> bool:
    """Whether the file that has this digest, and not the chunk's, holds the chunk's bytes all the same."""
    again, plain = hashlib.sha256(), hashlib.sha256()
    for piece in _pieces(folder, chunk.file, again.update):
        plain.update(piece)
    return (again.hexdigest(), plain.hexdigest()) == (packed, chunk.sha256)


def _pieces(folder: Path, name: str, read: Callable[[bytes], object]) -> Iterator[bytes]:
    """What is in a file; `read` gets all that the file is."""
    unpacker = isal_zlib.decompressobj(_GZIP)
    try:
        with (folder / name).open("rb") as file:
            while not unpacker.eof:
                data = unpacker.unconsumed_tail
                if not data:
                    data = file.read(_READ)
                    read(data)
                piece = unpacker.decompress(data, PIECE)
                if not piece and not data:
                    break
                if piece:
                    yield piece
            if not unpacker.eof or unpacker.unused_data or file.read(1):
                raise IntegrityError("D652", name)
    except (OSError, _UNPACKABLE):
        raise IntegrityError("D652", name) from None
