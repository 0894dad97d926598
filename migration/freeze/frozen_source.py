"""A freeze as a source: what it keeps can be migrated, frozen and compared again like any database."""

import errno
import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from formats.errors import IntegrityError, UsageError
from migration import canon
from migration.catalog import Catalog, Column, Oddity, Table
from migration.engine import Block, Bound, Identity, Reading, Snapshot
from migration.freeze import lines, seal
from migration.freeze.frozen import Frozen
from migration.freeze.manifest import Chunk


@dataclass(frozen=True, slots=True)
class FrozenSource:
    """The freeze in a folder, as `migration.engine.Source`."""

    folder: Path

    def catalog(self) -> Catalog:
        """The source's catalog with the tables that were frozen. Raises IntegrityError D651, D652."""
        frozen = Frozen.open(self.folder)
        names, every = set(frozen.tables.values()), frozen.catalog
        tables = (table for table in every.tables if table.name in names)
        counted = {frozen.tables[number]: frozen.rows(number) for number in frozen.tables}
        return replace(every, tables=tuple(replace(table, rows=counted[table.name]) for table in tables))

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:  # noqa: ARG002 - every source is asked so
        """Nothing: what is odd was found when the source was surveyed."""
        return ()

    def snapshot(self, shared: str = "") -> "FrozenSnapshot":
        """The only state that it has. Raises IntegrityError D651, D652, also when it is not the one that was shared."""
        frozen = Frozen.open(self.folder)
        if shared not in ("", frozen.digest):
            raise IntegrityError("D652", seal.FILE)
        return FrozenSnapshot(frozen)


class FrozenSnapshot:
    """The state that a freeze keeps, as `migration.engine.Snapshot`."""

    ordered = True

    def __init__(self, frozen: Frozen) -> None:
        self._frozen = frozen
        self._numbers = {name: number for number, name in frozen.tables.items()}
        self._read: tuple[int, tuple[Chunk, ...]] = (0, ())  # the table that was asked for last

    @property
    def identity(self) -> Identity:
        """That of the source that was frozen; the token is the freeze's digest."""
        return replace(self._frozen.identity, token=self._frozen.digest)

    @property
    def shared(self) -> str:
        """The freeze's digest."""
        return self._frozen.digest

    def refused(self) -> str:
        """Try to write into the seal as it is opened here. Raises IntegrityError D630."""
        handle = os.open(self._frozen.folder / seal.FILE, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.write(handle, b"\n")
        except OSError as error:
            return f"{errno.errorcode[error.errno or 0]}: {error.strerror}"
        finally:
            os.close(handle)
        raise IntegrityError("D630", seal.FILE)

    def ranged(self, reading: Reading) -> bool:
        """Whether the table has a key: every chunk's borders are known."""
        return bool(reading.key) and self._frozen.reading(self._number(reading)) == reading

    def bounds(self, reading: Reading, rows: int) -> tuple[tuple[str, ...], ...]:
        """Borders of chunks, so that ranges have at least `rows` rows, or a chunk's."""
        found, held = list[tuple[str, ...]](), 0
        for chunk in self._chunks(reading):
            held += chunk.rows
            if chunk.to is not None and held >= rows:
                found.append(chunk.to)
                held = 0
        return tuple(found)

    def blocks(self, reading: Reading, after: Bound = None, to: Bound = None) -> Iterator[Block]:
        """The lines as they were frozen, or some of their cells.

        Raises IntegrityError D652; UsageError D609 for cells in another form, and for a range of some cells.
        """
        frozen = self._frozen.reading(self._number(reading))
        if frozen == reading:
            yield from self._lines(reading, after, to)
        elif after is None and to is None:
            places = [frozen.columns.index(column) for column in reading.columns]
            yield from (_some(block, places) for block in self._lines(frozen, None, None))
        else:
            raise UsageError("D609", f"{reading.table} is read in another order than it was frozen")

    def _lines(self, reading: Reading, after: Bound, to: Bound) -> Iterator[Block]:
        span = _Span(reading, after, to)
        for chunk in span.touched(self._chunks(reading)):
            blocks = lines.whole(self._frozen.data(chunk))
            yield from blocks if span.holds(chunk) else map(span.within, blocks)

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _chunks(self, reading: Reading) -> tuple[Chunk, ...]:
        number = self._number(reading)
        if self._read[0] != number:
            self._read = number, self._frozen.chunks(number)
        return self._read[1]

    def _number(self, reading: Reading) -> int:
        number = self._numbers.get(reading.table)
        if number is None or not _among(reading, self._frozen.reading(number)):
            raise UsageError("D609", f"{reading.table} is read otherwise than it was frozen")
        return number


def _among(reading: Reading, frozen: Reading) -> bool:
    """Whether the reading's cells were frozen, in this form and in this order of rows."""
    return reading.key == frozen.key and set(reading.columns) <= set(frozen.columns)


def _some(block: Block, places: list[int]) -> Block:
    rows = (canon.line(row[place] for place in places) for row in canon.rows(block.data))
    return Block(b"".join(rows), block.rows)


class _Span:
    """The rows whose key is > `after` and <= `to`."""

    def __init__(self, reading: Reading, after: Bound, to: Bound) -> None:
        names = [column.name for column in reading.columns]
        self._columns = [Column(c.name, c.kind, c.native, scale=c.scale) for c in reading.columns]
        self._key = [names.index(name) for name in reading.key]
        self._bounds = after, to
        self._after, self._to = self._order(after), self._order(to)

    def touched(self, chunks: tuple[Chunk, ...]) -> tuple[Chunk, ...]:
        """Those of a table's chunks in which rows may lie."""
        first, stop = 0, len(chunks) - 1
        if self._after is not None:
            first = bisect_right(chunks, self._after, hi=stop, key=self._end)
        if self._to is not None:
            stop = bisect_left(chunks, self._to, hi=stop, key=self._end)
        return chunks[first : stop + 1]

    def holds(self, chunk: Chunk) -> bool:
        """Whether the whole of a touched chunk lies within."""
        below, above = self._order(chunk.after), self._order(chunk.to)
        begun = self._after is None or (below is not None and below >= self._after)
        return begun and (self._to is None or (above is not None and above <= self._to))

    def within(self, block: Block) -> Block:
        """A block's rows that lie within."""
        rows = [canon.line(cells) for cells in canon.rows(block.data) if self._inside(cells)]
        return Block(b"".join(rows), len(rows))

    def _inside(self, cells: canon.Cells) -> bool:
        order = canon.order(cells, self._columns, self._key)
        return (self._after is None or order > self._after) and (self._to is None or order <= self._to)

    def _end(self, chunk: Chunk) -> canon.Order:
        end = self._order(chunk.to)
        assert end is not None, "only the last chunk has no end"
        return end

    def _order(self, bound: Bound) -> canon.Order | None:
        if bound is None:
            return None
        cells: list[str | None] = [None] * len(self._columns)
        for place, value in zip(self._key, bound, strict=True):
            cells[place] = value
        return canon.order(tuple(cells), self._columns, self._key)
