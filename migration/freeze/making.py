"""One chunk made: its rows read, checked, hashed and packed into a file of its own beside the freeze.

While a chunk's file is finished the next one's rows are already read, in steps: between them it is seen whether the
file is whole, so that nobody waits for it longer than it takes.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable
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


@dataclass(frozen=True, slots=True)
class Making:
    """A chunk whose rows were all read, up to the key `to`.

    `made` waits until its file is whole, as it is once `ready`, and raises UnreachableError S416; `dropped` takes the
    file away instead.
    """

    to: Bound
    ready: Callable[[], bool]
    made: Callable[[], Made]
    dropped: Callable[[], object]


Steps = Generator[Making | None, None, None]  # of reading chunks: None within one, the chunk behind its last row
Chunks = Generator[Made, None, None]


def in_turn(steps: Steps) -> Chunks:
    """The chunks, each as soon as it is whole, at the latest once the next one's rows were read.

    Raises what reading or making them raises. What is begun then, or when it is closed, is taken away at once: an error
    may be kept while another run makes files of the same names.
    """
    begun = deque[Making]()
    try:
        for step in steps:
            if step:
                begun.append(step)
            if len(begun) > 1 or (begun and begun[0].ready()):
                yield begun.popleft().made()
        while begun:
            yield begun.popleft().made()
    finally:
        steps.close()
        for one in begun:
            one.dropped()


def of_range(snapshot: Snapshot, wanted: Range, folder: Path, work: Path) -> Steps:
    """The chunk of a range, in steps. Raises what reading raises, IntegrityError D611, D671, UnreachableError S416."""
    earlier = wanted.earlier
    if earlier and _stands(snapshot, wanted, earlier, folder):
        yield Making(wanted.to, lambda: True, lambda: Made(earlier, None), _nothing)
        return
    reading = wanted.table.reading
    blocks = checked(snapshot.blocks(reading, wanted.after, wanted.to), reading.table)
    part = _part(work, wanted.table.number, wanted.chunk)
    packed = yield from packing.pack(blocks, part)
    yield _making(packed, part, wanted.table.number, wanted.chunk, wanted.after, wanted.to)


def of_stream(stream: Stream, table: FrozenTable, number: int, after: Bound, work: Path) -> Steps:
    """The chunk of a stream's next rows, whose keys are > `after`, in steps. Raises as `of_range`."""
    part = _part(work, table.number, number)
    packed = yield from packing.pack(stream.take(table.chunk_rows), part)
    to = None if stream.over or not table.reading.key else _key(stream.last, table.reading)
    yield _making(packed, part, table.number, number, after, to)


def _making(begun: packing.Packing, part: Path, table: int, chunk: int, after: Bound, to: Bound) -> Making:
    def made() -> Made:
        packed = begun.packed()
        digests = packed.sha256, packed.sm3, packed.packed, packed.packed_sha256
        name = manifest.file_of(table, chunk)
        return Made(Chunk(table, chunk, name, packed.rows, packed.bytes, *digests, after, to), part)

    return Making(to, lambda: begun.ready, made, begun.discard)


def _nothing() -> None:
    """Nothing was made."""


def _part(work: Path, table: int, chunk: int) -> Path:
    return work / f"{table}-{chunk}.part"


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
