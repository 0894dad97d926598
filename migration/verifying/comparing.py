"""Chunks of the freeze beside what an environment holds: first their digests, and where these differ row by row.

A chunk whose rows can be asked for by a range of keys is compared by itself; the first range has no lower and the last
no upper bound, so that rows beyond the ends are seen. Other tables are read as one stream and cut after as many rows as
the chunks have; from the first cut that is not equal on, rows are laid side by side by their order. What can't be read
as its kind is a difference of its own (`odd`).
"""

import hashlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from formats.errors import IntegrityError
from migration.copying.listing import Listed, Listing, one_cell
from migration.copying.rules import TableRules
from migration.engine import Block, Reading, Snapshot, Source
from migration.freeze import Chunk, Frozen
from migration.freeze.stream import Stream
from migration.plan import TablePlan
from migration.verifying import odd
from migration.verifying.expecting import Expected
from migration.verifying.merging import Difference, aligned, differences, spelled
from migration.verifying.odd import Span

COLUMNS: Final = ("code", "table", "key", "column", "expected", "found")

Tell = Callable[[Difference], None]
Wanted = Iterable[tuple[int, Iterable[Block]]]  # the rows of each chunk as they should be, with its place

_ALL: Final = sys.maxsize  # rows: all that are left


@dataclass(frozen=True, slots=True)
class Part:
    """Some chunks of one table and how an environment is read for them; `streamed`: all chunks, by one stream.

    `bare` are the places of columns whose numbers the environment keeps without zeros at their end.
    """

    table: TablePlan
    reading: Reading
    rules: TableRules | None
    chunks: tuple[Chunk, ...]
    streamed: bool
    bare: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ChunkVerdict:
    """One chunk: rows and SHA-256 (hex) as they should be and as they were read, and how many differences it has.

    `spelled` cells have other digits for the very same double: they are no difference, and count as they should be.
    `found_sha256` is empty where nothing could be read.
    """

    table: int
    chunk: int
    rows: int
    sha256: str
    found_rows: int
    found_sha256: str
    differences: int
    spelled: int
    seconds: float

    @property
    def equal(self) -> bool:
        """Whether the environment holds the very same values."""
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
    """Compare these chunks. Raises IntegrityError D632, D644, D645, D652; UnreachableError S409, S416."""
    frozen = Frozen.open(job.folder)
    scratch = job.out.with_suffix(".sort")
    with job.environment.snapshot(job.shared) as snapshot, Listing(job.out, COLUMNS) as listing:
        found = [one for part in job.parts for one in compare(snapshot, frozen, part, scratch, entry(listing))]
        return GroupVerdict(tuple(found), listing.finish())


def entry(listing: Listing) -> Tell:
    """What enters a difference in the list."""
    return lambda one: listing.write((one.code, one.table, one_cell(one.key), one.column, one.expected, one.found))


def compare(snapshot: Snapshot, frozen: Frozen, part: Part, scratch: Path, tell: Tell) -> Iterator[ChunkVerdict]:
    """Compare the part's chunks with what the snapshot has, in order; `tell` is told every difference."""
    span = Span(snapshot, part.reading, scratch)
    if part.streamed:
        expected = Expected(frozen, part.table, part.rules, part.chunks, scratch, part.bare)
        yield from _compared(span, part, expected, tell)
        return
    for chunk in part.chunks:
        expected = Expected(frozen, part.table, part.rules, (chunk,), scratch, part.bare)
        yield from _compared(replace(span, after=chunk.after, to=chunk.to), part, expected, tell)


def _compared(span: Span, part: Part, expected: Expected, tell: Tell) -> Iterator[ChunkVerdict]:
    first = 0
    try:
        with closing(span.blocks()) as blocks:
            stream = Stream(blocks)
            for verdict in _digested(expected, stream):
                if not verdict.equal:
                    break
                yield verdict
                first += 1
            stream.skip(_ALL)  # so that what can't be read shows before any difference is told
    except IntegrityError as error:
        if error.code not in odd.CODES:
            raise
        yield from _spared(span, part, expected, tell, first, error.code)
        return
    if first < len(expected.chunks):
        with closing(span.blocks()) as blocks:
            stream = Stream(blocks)
            stream.skip(sum(chunk.rows for chunk in expected.chunks[:first]))
            chunks = [*enumerate(expected.chunks)][first:]
            yield from _side_by_side(part.table, part.reading, chunks, expected.blocks(first), stream, tell)


def _spared(span: Span, part: Part, expected: Expected, tell: Tell, first: int, code: str) -> Iterator[ChunkVerdict]:
    """What is odd as differences, everything else row by row; the chunks from place `first` on are not equal."""
    found = odd.rest(span, part.table, ranged=not part.streamed)
    digests, chunks = list(expected.digests()), list(enumerate(expected.chunks))
    if found is None:
        tell(Difference(code, str(part.table.source), ()))
        for place, chunk in chunks[first:]:
            number = 1 if place == first else 0
            yield ChunkVerdict(chunk.table, chunk.chunk, chunk.rows, digests[place], 0, "", number, 0, 0.0)
        return
    for one in found.odd:
        tell(one)
    waiting = len(found.odd)
    with closing(found.span.blocks()) as blocks:
        wanted, stream = odd.projected(expected, found), Stream(blocks)
        verdicts = _side_by_side(found.table, found.span.reading, chunks, wanted, stream, tell)
        for (place, _), verdict in zip(chunks, verdicts, strict=True):
            waiting += verdict.differences
            if place >= first:
                yield replace(verdict, sha256=digests[place], differences=waiting)
                waiting = 0


def _digested(expected: Expected, stream: Stream) -> Iterator[ChunkVerdict]:
    """The chunks by their digests: the stream is cut after as many rows as each has, the last has the rest."""
    last = len(expected.chunks) - 1
    for place, (chunk, digest) in enumerate(zip(expected.chunks, expected.digests(), strict=True)):
        began, tally = time.monotonic(), _Tally()
        for block in stream.take(chunk.rows if place < last else _ALL):
            tally.add(block.data, block.rows)
        yield tally.verdict(chunk, digest, began)


def _side_by_side(
    table: TablePlan, reading: Reading, chunks: list[tuple[int, Chunk]], wanted: Wanted, stream: Stream, tell: Tell
) -> Iterator[ChunkVerdict]:
    """Compare these chunks row by row with what the stream has from there on."""
    began = time.monotonic()
    rows = ((place, row) for place, blocks in wanted for row in odd.keyed(blocks, reading))
    pairs = differences(aligned(rows, odd.keyed(stream.take(_ALL), reading), chunks[-1][0]), table)
    pair, different = next(pairs, (None, ()))
    for place, chunk in chunks:
        tally, digest = _Tally(), hashlib.sha256()
        while pair is not None and pair.chunk == place:
            digest.update(pair.expected)
            same = not different and pair.found
            tally.add(pair.expected if same else pair.found, 1 if pair.found else 0)
            tally.spelled += spelled(pair) if same else 0
            for one in different:
                tally.differences += 1
                tell(one)
            pair, different = next(pairs, (None, ()))
        yield tally.verdict(chunk, digest.hexdigest(), began)


class _Tally:
    """What was read of one chunk: rows, bytes, differences, doubles of other digits."""

    def __init__(self) -> None:
        self._rows = 0
        self._digest = hashlib.sha256()
        self.differences = 0
        self.spelled = 0

    def add(self, data: bytes, rows: int) -> None:
        """Count some more rows."""
        self._rows += rows
        self._digest.update(data)

    def verdict(self, chunk: Chunk, digest: str, began: float) -> ChunkVerdict:
        """What it comes to, beside what should be."""
        found = (self._rows, self._digest.hexdigest(), self.differences, self.spelled, time.monotonic() - began)
        return ChunkVerdict(chunk.table, chunk.chunk, chunk.rows, digest, *found)
