"""References of a file source that lead nowhere: files enforce no foreign keys, so the survey looks (D617).

The keys that are referred to stand in a temporary SQLite database on the disk, so that memory stays bounded.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

import apsw

from migration import canon
from migration.canon import Cells
from migration.catalog import Catalog, ForeignKey, Oddity, Table
from migration.engine import ReadColumn, Reading, Snapshot

_CODE: Final = "D617"
_SHOWN: Final = 20  # keys that an oddity names


def orphans(snapshot: Snapshot, catalog: Catalog) -> Iterator[Oddity]:
    """One oddity a foreign key that some rows break: how many, and the first keys. Raises what reading does."""
    for table in catalog.tables:
        for key in table.foreign:
            broken, first = 0, list[Cells]()
            for row in _broken(snapshot, catalog, table, key):
                broken += 1
                if len(first) < _SHOWN:
                    first.append(row)
            if broken:
                keys = tuple(tuple(value or "" for value in row) for row in first)
                yield Oddity(_CODE, table.name, ", ".join(key.columns), broken, f"{key.name} to {key.table}", keys)


def _broken(snapshot: Snapshot, catalog: Catalog, table: Table, key: ForeignKey) -> Iterator[Cells]:
    """The keys of the rows whose reference is whole and leads nowhere."""
    referred = catalog.table(key.table)
    with apsw.Connection("") as known:
        known.execute("CREATE TABLE known (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        columns = key.referred or referred.order
        values = ((_digest(row),) for row in _rows(snapshot, referred, columns))
        known.executemany("INSERT OR IGNORE INTO known VALUES (?)", values)
        count = len(key.columns)
        for row in _rows(snapshot, table, (*key.columns, *table.order)):
            value = row[:count]
            if None in value:
                continue
            if not known.execute("SELECT 1 FROM known WHERE digest = ?", (_digest(value),)).fetchall():
                yield row[count:] or value


def _rows(snapshot: Snapshot, table: Table, names: tuple[str, ...]) -> Iterator[Cells]:
    wanted = tuple(table.column(name) for name in dict.fromkeys(names))
    places = [[column.name for column in wanted].index(name) for name in names]
    columns = tuple(ReadColumn(one.name, one.kind, one.native, one.scale, one.padded) for one in wanted)
    for block in snapshot.blocks(Reading(table.name, columns, ())):
        for row in canon.rows(block.data):
            yield tuple(row[place] for place in places)


def _digest(values: Cells) -> bytes:
    return hashlib.sha256(canon.line(values)).digest()
