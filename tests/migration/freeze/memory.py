"""Sources for the freeze's tests: rows in memory, and rows made as they are read."""

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from formats.errors import IntegrityError
from migration import canon
from migration.catalog import Catalog, Column, Key, Kind, Oddity, Table, TableName
from migration.engine import Block, Bound, Identity, ReadColumn, Reading, Snapshot
from migration.freeze import FrozenTable

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)

PERSON = Table(
    TableName("public", "person"),
    (Column("id", Kind.INTEGER, "bigint", nullable=False), Column("name", Kind.TEXT, "text")),
    primary=Key("person_pk", ("id",)),
)
KIND = Table(
    TableName("public", "kind"),
    (Column("code", Kind.TEXT, "text", nullable=False), Column("year", Kind.INTEGER, "integer", nullable=False)),
    primary=Key("", ("code", "year")),
)
NOTE = Table(TableName("public", "note"), (Column("a", Kind.TEXT, "text"), Column("b", Kind.INTEGER, "integer")))

Rows = tuple[canon.Cells, ...]


def reading(table: Table) -> Reading:
    """How a table is read whole."""
    columns = tuple(ReadColumn(c.name, c.kind, c.native, c.scale, c.padded) for c in table.columns)
    return Reading(table.name, columns, table.order)


def keyed(table: Table, cells: canon.Cells) -> canon.Order:
    """A row's place in the order of its table."""
    names = [column.name for column in table.columns]
    return canon.order(cells, table.columns, [names.index(name) for name in table.order])


def catalog(*tables: Table) -> Catalog:
    """A catalog of these tables."""
    return Catalog("memory", "1", "office", "UTF-8", tables)


def frozen_tables(*tables: Table, rows: int = 10) -> tuple[FrozenTable, ...]:
    """These tables, numbered, in chunks of so many rows."""
    return tuple(FrozenTable(number, reading(table), rows) for number, table in enumerate(tables, start=1))


def people(count: int, name: str = "张三") -> Rows:
    """Rows of `PERSON`."""
    return tuple((str(n), f'{name} "{n}"\n') for n in range(1, count + 1))


@dataclass(frozen=True, slots=True)
class MemorySource:
    """Tables with rows. `ranged`: keyed tables are read by ranges; `ordered`: rows are given in order."""

    tables: tuple[tuple[Table, Rows], ...]
    token: str = "t1"
    name: str = "office"
    shared: str = "shared"
    ranged: bool = True
    ordered: bool = True
    block: int = 7
    fail_at: int = 0  # the block at which reading fails, counted over everything

    def catalog(self) -> Catalog:
        """Its tables."""
        return catalog(*(table for table, _ in self.tables))

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:  # noqa: ARG002 - every source is asked so
        """Nothing is odd."""
        return ()

    def snapshot(self, shared: str = "") -> "MemorySnapshot":
        """Its only state."""
        assert shared in ("", self.shared)
        return MemorySnapshot(self)


class MemorySnapshot:
    """The state of a `MemorySource`."""

    def __init__(self, source: MemorySource) -> None:
        self._source = source
        self._blocks = 0
        self.identity = Identity("memory", "1", source.name, f"then {source.token}", source.token)
        self.shared, self.ordered = source.shared, source.ordered

    def refused(self) -> str:
        """It can't be written."""
        return "read only"

    def ranged(self, reading: Reading) -> bool:
        """As the source says, for tables with a key."""
        return self._source.ranged and bool(reading.key)

    def bounds(self, reading: Reading, rows: int) -> tuple[tuple[str, ...], ...]:
        """Every so many rows, but the last."""
        table, every = self._table(reading)
        names = [column.name for column in table.columns]
        ends = every[rows - 1 : len(every) - 1 : rows]
        return tuple(tuple(row[names.index(name)] or "" for name in reading.key) for row in ends)

    def blocks(self, reading: Reading, after: Bound = None, to: Bound = None) -> Iterator[Block]:
        """The rows, a few at a time."""
        table, every = self._table(reading)
        low, high = (bound and keyed(table, self._row(table, bound)) for bound in (after, to))
        rows = [
            row for row in every if (not low or keyed(table, row) > low) and (not high or keyed(table, row) <= high)
        ]
        for start in range(0, len(rows), self._source.block):
            self._blocks += 1
            if self._blocks == self._source.fail_at:
                raise IntegrityError("D615", str(table.name))
            part = rows[start : start + self._source.block]
            yield Block(b"".join(map(canon.line, part)), len(part))

    def _table(self, reading: Reading) -> tuple[Table, Sequence[canon.Cells]]:
        table, rows = next((table, rows) for table, rows in self._source.tables if table.name == reading.table)
        return table, sorted(rows, key=lambda row: keyed(table, row)) if self.ordered else rows

    @staticmethod
    def _row(table: Table, bound: tuple[str, ...]) -> canon.Cells:
        values = dict(zip(table.order, bound, strict=True))
        return tuple(values.get(column.name) for column in table.columns)

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class EndlessSource(MemorySource):
    """One table of `count` rows which are made as they are read, so that none of them takes memory."""

    count: int = 0

    def snapshot(self, shared: str = "") -> "EndlessSnapshot":  # noqa: ARG002 - every source is asked so
        """Its only state."""
        return EndlessSnapshot(self)


class EndlessSnapshot(MemorySnapshot):
    """The state of an `EndlessSource`: a stream, in order or from the last to the first."""

    def __init__(self, source: EndlessSource) -> None:
        super().__init__(source)
        self._count = source.count

    def blocks(self, *_: object) -> Iterator[Block]:
        """The rows, two thousand at a time."""
        numbers = iter(range(self._count) if self.ordered else range(self._count, 0, -1))
        while part := list(itertools.islice(numbers, 2000)):
            lines = "".join(f'"{n}","{n * 2654435761 % 4294967296:010} 张三 {"x" * 40}"\n' for n in part)
            yield Block(lines.encode(), len(part))


@dataclass(frozen=True, slots=True)
class DyingSource(MemorySource):
    """A source at which every process dies but the first."""

    def snapshot(self, shared: str = "") -> MemorySnapshot:
        """Its only state."""
        if shared:
            os._exit(1)
        return MemorySnapshot(self)
