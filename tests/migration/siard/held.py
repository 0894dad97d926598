"""A source whose rows are held in memory, what is written of it as SIARD, and SIARD files changed on purpose."""

import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from migration import canon
from migration.canon import Cells
from migration.catalog import Catalog, Column, Oddity, Table, TableName
from migration.engine import Block, Bound, Identity, ReadColumn, Reading, Snapshot
from migration.freeze import Frozen, FrozenTable, freeze
from migration.siard import About, SiardSource, write

AT = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
ABOUT = About("养老保险", "社会保险中心", "2001–2024", "全部 <资料> & 附件", "张三", "010-0000", user="lao  wang\\x")


@dataclass(frozen=True, slots=True)
class Held:
    """A source of these tables; rows in the order of their keys."""

    held: Catalog
    rows: Mapping[TableName, Sequence[Cells]]

    def catalog(self) -> Catalog:
        """The catalog."""
        return self.held

    def census(self, _snapshot: Snapshot, _table: Table) -> tuple[Oddity, ...]:
        """Nothing is odd."""
        return ()

    def snapshot(self, _shared: str = "") -> "HeldSnapshot":
        """The rows."""
        return HeldSnapshot(self)


class HeldSnapshot:
    """The rows of a `Held`."""

    shared = ""
    ordered = True

    def __init__(self, source: Held) -> None:
        self._source = source

    @property
    def identity(self) -> Identity:
        """A state that never changes."""
        return Identity("held", "1", self._source.held.name, "", "always")

    def refused(self) -> str:
        """Memory takes no writes here."""
        return "no"

    def ranged(self, _reading: Reading) -> bool:
        """No ranges."""
        return False

    def bounds(self, _reading: Reading, _rows: int) -> tuple[tuple[str, ...], ...]:
        """No ranges."""
        return ()

    def blocks(self, reading: Reading, _after: Bound = None, _to: Bound = None) -> Iterator[Block]:
        """Blocks of a few rows."""
        rows = self._source.rows[reading.table]
        for start in range(0, len(rows), 3):
            part = rows[start : start + 3]
            yield Block(b"".join(map(canon.line, part)), len(part))

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def reading(table: Table) -> Reading:
    """How a table is read whole."""
    return Reading(table.name, tuple(map(read, table.columns)), table.order)


def read(column: Column) -> ReadColumn:
    """How a column is read."""
    return ReadColumn(column.name, column.kind, column.native, column.scale, column.padded)


def frozen(catalog: Catalog, rows: Mapping[TableName, Sequence[Cells]], folder: Path) -> Frozen:
    """A freeze of these rows, three chunks a table or so."""
    tables = [
        FrozenTable(number, reading(table), len(rows[table.name]) // 3 + 1)
        for number, table in enumerate(catalog.tables, start=1)
    ]
    return freeze(Held(catalog, rows), tables, catalog, folder, at=AT)


def archived(catalog: Catalog, rows: Mapping[TableName, Sequence[Cells]], folder: Path, inline: int = 4000) -> Path:
    """A SIARD file of these rows."""
    file = folder / "archive.siard"
    write(frozen(catalog, rows, folder / "freeze"), file, about=ABOUT, at=AT, inline=inline)
    return file


def lines(file: Path, name: TableName) -> bytes:
    """A table's canonical lines as the source gives them."""
    source = SiardSource(file)
    with source.snapshot() as snapshot:
        return b"".join(block.data for block in snapshot.blocks(reading(source.catalog().table(name))))


def rows_of(data: Sequence[Cells]) -> bytes:
    """Rows as canonical lines."""
    return b"".join(map(canon.line, data))


def changed(file: Path, entry: str, change: Callable[[bytes], bytes]) -> Path:
    """A copy of a SIARD file with one entry changed; the digest in its metadata does not hold any more."""
    copy = file.with_name("changed.siard")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info.filename, change(data) if info.filename == entry else data)
    return copy
