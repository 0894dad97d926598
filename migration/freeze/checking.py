"""Chunk files read again: do they hold what their manifest's lines say."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from formats.errors import IntegrityError
from migration.freeze import lines, packing
from migration.freeze.manifest import Chunk
from migration.freeze.sm3 import new_sm3


def digest(file: Path) -> str:
    """SHA-256 (hex) of a file, in bounded memory. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def damaged(folder: Path, chunks: Iterable[Chunk], workers: int) -> Iterator[str]:
    """The names of the chunk files that are missing or not what their chunk says, in order."""
    waiting: deque[tuple[Chunk, Future[bool]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for chunk in chunks:
            waiting.append((chunk, pool.submit(_holds, folder, chunk)))
            if len(waiting) > 2 * workers:
                yield from _bad(waiting.popleft())
        for one in waiting:
            yield from _bad(one)


def _bad(one: tuple[Chunk, Future[bool]]) -> Iterator[str]:
    chunk, holds = one
    if not holds.result():
        yield chunk.file


def _holds(folder: Path, chunk: Chunk) -> bool:
    sm3, rows = new_sm3(), 0
    try:
        for block in lines.whole(packing.unpacked(folder, chunk)):
            sm3.update(block.data)
            rows += block.rows
        packed = digest(folder / chunk.file)
        size = (folder / chunk.file).stat().st_size
    except (IntegrityError, OSError):
        return False
    found = rows, sm3.hexdigest(), size, packed
    return found == (chunk.rows, chunk.sm3, chunk.packed, chunk.packed_sha256)
