"""One chunk made: its rows read, checked, hashed and packed into a file of its own beside the freeze."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from migration import canon
from migration.engine import Block, Bound, Reading, Snapshot
from migration.freeze import checking, lines, manifest, packing
from migration.freeze.manifest import Chunk
from migration.freeze.state import FrozenTable
from migration.freeze.stream import Stream, checked


@dataclass(frozen=True, slots=True)
class Range:
    """The rows of a chunk that can be read by themselves. `earlier` is what another run wrote of this chunk."""

    table: FrozenTable
    chunk: int
    after: Bound
    to: Bound
    earlier: Chunk | None


@dataclass(frozen=True, slots=True)
class Made:
    """A chunk, and the file that has still to be put in its place; None when the right one lies there already."""

    chunk: Chunk
    part: Path | None


def of_range(snapshot: Snapshot, wanted: Range, folder: Path, work: Path) -> Made:
    """The chunk of a range. Raises what reading raises, IntegrityError D611, D671, UnreachableError S416."""
    if wanted.earlier and _stands(snapshot, wanted, wanted.earlier, folder):
        return Made(wanted.earlier, None)
    reading = wanted.table.reading
    blocks = checked(snapshot.blocks(reading, wanted.after, wanted.to), reading.table)
    part = _part(work, wanted.table.number, wanted.chunk)
    return Made(_chunk(wanted.table.number, wanted.chunk, packing.pack(blocks, part), wanted.after, wanted.to), part)


def of_stream(stream: Stream, table: FrozenTable, number: int, after: Bound, work: Path) -> Made:
    """The chunk of a stream's next rows, whose keys are > `after`. Raises as `of_range`."""
    part = _part(work, table.number, number)
    packed = packing.pack(stream.take(table.chunk_rows), part)
    to = None if stream.over or not table.reading.key else _key(stream.last, table.reading)
    return Made(_chunk(table.number, number, packed, after, to), part)


def _part(work: Path, table: int, chunk: int) -> Path:
    return work / f"{table}-{chunk}.part"


def _chunk(table: int, chunk: int, packed: packing.Packed, after: Bound, to: Bound) -> Chunk:
    name = manifest.file_of(table, chunk)
    digests = packed.sha256, packed.sm3, packed.packed, packed.packed_sha256
    return Chunk(table, chunk, name, packed.rows, packed.bytes, *digests, after, to)


def _stands(snapshot: Snapshot, wanted: Range, earlier: Chunk, folder: Path) -> bool:
    """Whether an earlier run's chunk is of the same range, its file is whole, and its rows still read the same."""
    if (earlier.after, earlier.to) != (wanted.after, wanted.to):
        return False
    try:
        if checking.digest(folder / earlier.file) != earlier.packed_sha256:
            return False
    except FileNotFoundError:
        return False
    return _digest(snapshot.blocks(wanted.table.reading, wanted.after, wanted.to)) == earlier.sha256


def _digest(blocks: Iterable[Block]) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block.data)
    return digest.hexdigest()


def _key(data: bytes, reading: Reading) -> tuple[str, ...]:
    """The key of the last of whole lines."""
    (cells,) = canon.rows(lines.last(data))
    names = [column.name for column in reading.columns]
    values = (cells[names.index(name)] for name in reading.key)
    return tuple(value or "" for value in values)
