"""Freezing: one state of a source written into a folder, whatever interrupts it.

A run that was cut off is gone on with by calling `freeze` again on its folder. What the source's new snapshot says
decides: if it is the very state of the earlier run, its chunks stand; else each is read again, and a range's file is
kept only if the rows are the same. So a finished freeze is always one state.

Workers only make files beside the freeze. This process puts them in their places and enters them in the manifest, so
a worker that outlives it changes nothing.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from migration import canon, catalog_file
from migration.catalog import Catalog, TableName
from migration.engine import Snapshot, Source
from migration.freeze import beginning, disk, making, ordering, seal
from migration.freeze.beginning import WORK
from migration.freeze.frozen import Frozen
from migration.freeze.journal import Journal
from migration.freeze.making import Chunks, Made, Range, Steps
from migration.freeze.manifest import Chunk
from migration.freeze.readers import Readers
from migration.freeze.sealing import seal_folder
from migration.freeze.state import FrozenTable, State
from migration.freeze.stream import Stream, checked

_SORTED = "sorted.db"


@dataclass(frozen=True, slots=True)
class Progress:
    """A chunk that is safe now: of which table, its number, its rows and canonical bytes."""

    table: TableName
    chunk: int
    rows: int
    bytes: int


def _unseen(_: Progress) -> None:
    """Nobody looks."""


def freeze(
    source: Source,
    tables: Sequence[FrozenTable],
    catalog: Catalog,
    folder: Path,
    *,
    workers: int = 1,
    at: datetime,
    progress: Callable[[Progress], object] = _unseen,
) -> Frozen:
    """The source's rows in this folder, all in one state; a finished freeze of the same source is given as it is.

    `tables` are in the order of their numbers, `catalog` is the source's, `at` is now (aware). It may be killed at any
    time and called again. `workers` processes read tables whose keys have ranges, if the source can share its state.

    Raises IntegrityError D653 (the folder's freeze is of another source, catalog or plan), D630 (the source takes
    writes), D611, D616, D671, D652 and what reading raises, UsageError D607 (the folder holds something else),
    UnreachableError S416 (the disk), S445 (another process freezes into it), ServiceError S419.
    """
    with beginning.held(folder):
        if not (folder / seal.FILE).exists():
            with source.snapshot() as snapshot:
                taken = _state(snapshot, tables, catalog, at)
                with disk.refusals():
                    beginning.begin(folder, taken, catalog)
                    begun = Journal(folder, folder / WORK)
                with begun as journal, Readers(source, snapshot, folder, workers) as readers:
                    _Run(snapshot, journal, readers, folder, progress).write(tables)
            with disk.refusals():
                seal_folder(folder, taken.at)
        with disk.refusals():
            beginning.tidy(folder)
        return _finished(folder, tables, catalog)


def _state(snapshot: Snapshot, tables: Sequence[FrozenTable], catalog: Catalog, at: datetime) -> State:
    utc = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    how = snapshot.refused(), not snapshot.shared
    return State(canon.VERSION, snapshot.identity, utc, *how, catalog_file.digest(catalog), tuple(tables))


def _finished(folder: Path, tables: Sequence[FrozenTable], catalog: Catalog) -> Frozen:
    frozen = Frozen.open(folder)
    beginning.expect(frozen.state, catalog_file.digest(catalog), tuple(tables))
    return frozen


class _Run:
    """One run over all tables."""

    def __init__(
        self,
        snapshot: Snapshot,
        journal: Journal,
        readers: Readers,
        folder: Path,
        progress: Callable[[Progress], object],
    ) -> None:
        self._snapshot, self._journal, self._readers = snapshot, journal, readers
        self._folder, self._work, self._progress = folder, folder / WORK, progress

    def write(self, tables: Sequence[FrozenTable]) -> None:
        """Every chunk that the journal does not have yet."""
        last = self._journal.last
        for table in tables:
            if last and last.table > table.number:
                continue
            done = last if last and last.table == table.number else None
            with closing(self._made(table, done)) as chunks:
                for made in chunks:
                    self._keep(made, table)

    def _made(self, table: FrozenTable, done: Chunk | None) -> Chunks:
        reading = table.reading
        if not self._snapshot.ordered:
            return self._sorted(table, done)
        if self._snapshot.ranged(reading):
            return self._readers.make(self._ranges(table, done))
        return self._streamed(Stream(checked(self._snapshot.blocks(reading), reading.table)), table, done)

    def _ranges(self, table: FrozenTable, done: Chunk | None) -> Iterator[Range]:
        """The table's ranges behind `done`; a run that goes on has those of the first."""
        file = self._work / f"ranges-{table.number}.json"
        if not file.exists():
            ends = self._snapshot.bounds(table.reading, table.chunk_rows)
            with disk.refusals():
                disk.replace(file, json.dumps(ends).encode())
        ends = tuple(tuple(end) for end in json.loads(file.read_bytes()))
        borders = enumerate(zip((None, *ends), (*ends, None), strict=True), start=1)
        for chunk, (after, to) in borders:
            if not done or chunk > done.chunk:
                yield Range(table, chunk, after, to, self._journal.earlier(table.number, chunk))

    def _sorted(self, table: FrozenTable, done: Chunk | None) -> Chunks:
        """The chunks of rows in the order of a file: as they come, or sorted once they turn out not to rise."""
        reading = table.reading
        blocks = checked(self._snapshot.blocks(reading), reading.table)
        try:
            yield from self._streamed(Stream(ordering.rising(blocks, reading)), table, done)
        except ordering.OrderError:
            with disk.refusals():
                self._journal.rewind(table.number)
        else:
            return
        blocks = checked(self._snapshot.blocks(reading), reading.table)
        rows = ordering.by_key(blocks, reading, self._work / _SORTED)
        yield from self._streamed(Stream(rows), table, None)

    def _streamed(self, stream: Stream, table: FrozenTable, done: Chunk | None) -> Chunks:
        """The stream's chunks behind `done`; a table without rows has one chunk without rows."""
        return making.in_turn(self._read(stream, table, done))

    def _read(self, stream: Stream, table: FrozenTable, done: Chunk | None) -> Steps:
        chunk, after = (done.chunk, done.to) if done else (0, None)
        stream.skip(chunk * table.chunk_rows)
        while chunk == 0 or not stream.over:
            chunk += 1
            for read in making.of_stream(stream, table, chunk, after, self._work):
                yield read
                after = read.to if read else after

    def _keep(self, made: Made, table: FrozenTable) -> None:
        """Put a chunk in its place, and then into the journal."""
        chunk = made.chunk
        with disk.refusals():
            if made.part:
                file = self._folder / chunk.file
                disk.make_folder(file.parent)
                made.part.replace(file)
                disk.flush(file.parent)
            self._journal.append(chunk)
        self._progress(Progress(table.reading.table, chunk.chunk, chunk.rows, chunk.bytes))
