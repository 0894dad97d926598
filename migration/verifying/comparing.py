"""Chunks of the freeze beside what an environment holds: first their digests, and where these differ row by row.

A chunk whose rows can be asked for by a range of keys is compared by itself; the first range has no lower and the last
no upper bound, so that rows beyond the ends are seen. Other tables are read as one stream and cut after as many rows as
the chunks have; from the first cut that is not equal on, rows are laid side by side by their order.
"""

import hashlib
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from migration.copying.listing import Listed, Listing, one_cell
from migration.copying.rules import TableRules
from migration.engine import Block, Reading, Snapshot, Source
from migration.freeze import Chunk, Frozen
from migration.freeze.ordering import Keyed, Keys, by_key
from migration.freeze.stream import Stream
from migration.plan import TablePlan
from migration.verifying.expecting import Expected
from migration.verifying.merging import Difference, aligned, differences

COLUMNS: Final = ("code", "table", "key", "column", "expected", "found")

Found = Callable[[], Generator[Block, None, None]]  # what an environment has, read anew at each call

_ALL: Final = sys.maxsize  # rows: all that are left


@dataclass(frozen=True, slots=True)
class Part:
    """Some chunks of one table and how an environment is read for them; `streamed`: all chunks, by one stream."""

    table: TablePlan
    reading: Reading
    rules: TableRules | None
    chunks: tuple[Chunk, ...]
    streamed: bool


@dataclass(frozen=True, slots=True)
class ChunkVerdict:
    """One chunk: rows and SHA-256 (hex) as they should be and as they were read, and how many differences it has."""

    table: int
    chunk: int
    rows: int
    sha256: str
    found_rows: int
    found_sha256: str
    differences: int
    seconds: float

    @property
    def equal(self) -> bool:
        """Whether the environment holds the very same bytes."""
        return (self.rows, self.sha256) == (self.found_rows, self.found_sha256)


@dataclass(frozen=True, slots=True)
class VerifyJob:
    """Some parts to be compared, as values that cross processes: what `verify_group` does.

    `shared` is the snapshot to join (empty: a new one), `folder` the freeze's, `out` where the differences go, if any.
    """

    environment: Source
    shared: str
    folder: Path
    parts: tuple[Part, ...]
    out: Path


@dataclass(frozen=True, slots=True)
class GroupVerdict:
    """The chunks of a group, and the list of differences that stands at the job's `out`."""

    chunks: tuple[ChunkVerdict, ...]
    listed: Listed


def verify_group(job: VerifyJob) -> GroupVerdict:
    """Compare these chunks. Raises IntegrityError D611 … D618, D652; UnreachableError S409, S416."""
    frozen = Frozen.open(job.folder)
    scratch = job.out.with_suffix(".sort")
    with job.environment.snapshot(job.shared) as snapshot, Listing(job.out, COLUMNS) as listing:
        found = [one for part in job.parts for one in compare(snapshot, frozen, part, scratch, entry(listing))]
        return GroupVerdict(tuple(found), listing.finish())


def entry(listing: Listing) -> Callable[[Difference], None]:
    """What enters a difference in the list."""
    return lambda one: listing.write((one.code, one.table, one_cell(one.key), one.column, one.expected, one.found))


def compare(
    snapshot: Snapshot, frozen: Frozen, part: Part, scratch: Path, tell: Callable[[Difference], None]
) -> Iterator[ChunkVerdict]:
    """Compare the part's chunks with what the snapshot has, in order; `tell` is told every difference."""
    if part.streamed:

        def everything() -> Generator[Block, None, None]:
            blocks = snapshot.blocks(part.reading)
            yield from blocks if snapshot.ordered else by_key(blocks, part.reading, scratch.with_suffix(".found"))

        yield from _compared(part, Expected(frozen, part.table, part.rules, part.chunks, scratch), everything, tell)
        return
    for chunk in part.chunks:

        def ranged(chunk: Chunk = chunk) -> Generator[Block, None, None]:
            yield from snapshot.blocks(part.reading, chunk.after, chunk.to)

        yield from _compared(part, Expected(frozen, part.table, part.rules, (chunk,), scratch), ranged, tell)


def _compared(
    part: Part, expected: Expected, found: Found, tell: Callable[[Difference], None]
) -> Iterator[ChunkVerdict]:
    first = 0
    with closing(found()) as blocks:
        for verdict in _digested(expected, Stream(blocks)):
            if not verdict.equal:
                break
            yield verdict
            first += 1
    if first < len(expected.chunks):
        with closing(found()) as blocks:
            yield from _side_by_side(part, expected, first, Stream(blocks), tell)


def _digested(expected: Expected, stream: Stream) -> Iterator[ChunkVerdict]:
    """The chunks by their digests: the stream is cut after as many rows as each has, the last has the rest."""
    last = len(expected.chunks) - 1
    for place, (chunk, digest) in enumerate(zip(expected.chunks, expected.digests(), strict=True)):
        began, tally = time.monotonic(), _Tally()
        for block in stream.take(chunk.rows if place < last else _ALL):
            tally.add(block.data, block.rows)
        yield tally.verdict(chunk, digest, began)


def _side_by_side(
    part: Part, expected: Expected, first: int, stream: Stream, tell: Callable[[Difference], None]
) -> Iterator[ChunkVerdict]:
    """Compare row by row from the chunk at place `first` on; what comes before is known to be equal."""
    keys, began = Keys(part.reading), time.monotonic()
    stream.skip(sum(chunk.rows for chunk in expected.chunks[:first]))
    wanted = ((place, row) for place, blocks in expected.blocks(first) for row in _keyed(blocks, keys))
    last = len(expected.chunks) - 1
    pairs = differences(aligned(wanted, _keyed(stream.take(_ALL), keys), last), part.table)
    pair, different = next(pairs, (None, ()))
    for place, chunk in enumerate(expected.chunks[first:], first):
        tally, digest = _Tally(), hashlib.sha256()
        while pair is not None and pair.chunk == place:
            digest.update(pair.expected)
            tally.add(pair.found, 1 if pair.found else 0)
            for one in different:
                tally.differences += 1
                tell(one)
            pair, different = next(pairs, (None, ()))
        yield tally.verdict(chunk, digest.hexdigest(), began)


def _keyed(blocks: Iterable[Block], keys: Keys) -> Iterator[Keyed]:
    return (row for block in blocks for row in keys.keyed(block))


class _Tally:
    """What was read of one chunk: rows, bytes, differences."""

    def __init__(self) -> None:
        self._rows = 0
        self._digest = hashlib.sha256()
        self.differences = 0

    def add(self, data: bytes, rows: int) -> None:
        """Count some more rows."""
        self._rows += rows
        self._digest.update(data)

    def verdict(self, chunk: Chunk, digest: str, began: float) -> ChunkVerdict:
        """What it comes to, beside what should be."""
        found = (self._rows, self._digest.hexdigest(), self.differences, time.monotonic() - began)
        return ChunkVerdict(chunk.table, chunk.chunk, chunk.rows, digest, *found)
