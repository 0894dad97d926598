"""One chunk's file: canonical bytes packed into gzip and hashed on the way, and unpacked again.

Hashing, packing and writing run in threads beside the reading; all of them let other threads run meanwhile. But each
has to wait for Python's lock behind every call, often longer than the call took: so they get much at a time.
"""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
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
_AHEAD: Final = 2  # batches that wait for it
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
    """A gzip file being written: hashes what goes in and what comes out. Not for two threads at once."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
        self.plain, self.packed = hashlib.sha256(), hashlib.sha256()
        self.size = 0

    def add(self, data: bytes) -> None:
        """Take some more canonical bytes."""
        self.plain.update(data)
        self._write(self._packer.compress(data))

    def finish(self) -> None:
        """Write the rest, and flush the file."""
        self._write(self._packer.flush())
        os.fsync(self._handle)

    def _write(self, data: bytes) -> None:
        self.packed.update(data)
        self.size += len(data)
        disk.write_all(self._handle, data)


def pack(blocks: Iterable[Block], path: Path) -> Packed:
    """Write these blocks into a new file of mode 0400, flushed; its name is not.

    Raises UnreachableError S416, and whatever reading the blocks raises; no file is left then.
    """
    with disk.refusals():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        return _packed(blocks, _File(handle))
    except BaseException:
        path.unlink()
        raise
    finally:
        os.close(handle)


def _packed(blocks: Iterable[Block], file: _File) -> Packed:
    sm3 = new_sm3()
    rows = size = 0
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1) as packing, ThreadPoolExecutor(1) as hashing:
        for batch in _batches(blocks):
            rows, size = rows + batch.rows, size + len(batch.data)
            waiting += (packing.submit(file.add, batch.data), hashing.submit(sm3.update, batch.data))
            while len(waiting) > 2 * _AHEAD:
                _done(waiting.popleft())
        for future in waiting:
            _done(future)
        _done(packing.submit(file.finish))
    digests = file.plain.hexdigest(), sm3.hexdigest()
    return Packed(rows, size, *digests, file.size, file.packed.hexdigest())


def _batches(blocks: Iterable[Block]) -> Iterator[Block]:
    held, rows, size = list[bytes](), 0, 0
    for block in blocks:
        held.append(block.data)
        rows, size = rows + block.rows, size + len(block.data)
        if size >= _BATCH:
            yield Block(b"".join(held), rows)
            held, rows, size = [], 0, 0
    if held:
        yield Block(b"".join(held), rows)


def _done(future: Future[Any]) -> None:
    with disk.refusals():
        future.result()


def unpacked(folder: Path, chunk: Chunk) -> Iterator[bytes]:
    """A chunk's canonical bytes in blocks of 256 KiB, not cut at lines.

    Raises IntegrityError D652, before the last block is given, when they are not the chunk's bytes.
    """
    digest, size, held = hashlib.sha256(), 0, b""
    for piece in _pieces(folder, chunk.file):
        digest.update(piece)
        size += len(piece)
        if size > chunk.bytes:
            raise IntegrityError("D652", chunk.file)
        if held:
            yield held
        held = piece
    if (size, digest.hexdigest()) != (chunk.bytes, chunk.sha256):
        raise IntegrityError("D652", chunk.file)
    if held:
        yield held


def _pieces(folder: Path, name: str) -> Iterator[bytes]:
    unpacker = isal_zlib.decompressobj(_GZIP)
    try:
        with (folder / name).open("rb") as file:
            while not unpacker.eof:
                data = unpacker.unconsumed_tail or file.read(_READ)
                piece = unpacker.decompress(data, PIECE)
                if not piece and not data:
                    break
                if piece:
                    yield piece
            if not unpacker.eof or unpacker.unused_data or file.read(1):
                raise IntegrityError("D652", name)
    except (OSError, _UNPACKABLE):
        raise IntegrityError("D652", name) from None
