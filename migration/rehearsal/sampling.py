"""Which rows a rehearsal takes: so many of each table, and none that refers to a row outside the sample.

Tables are taken in the order of their references. A reference to a table that comes later (a cycle), or to a row of the
same table that is not taken, becomes NULL where it may; where it may not, the row is passed over, or, in a cycle, the
reference is left out of the sample's catalog. The sample is held in memory: at most 100,000 rows of a table.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from formats.errors import UsageError
from migration import canon
from migration.canon import Cells
from migration.catalog import Catalog, ForeignKey, Table, TableName
from migration.engine import ReadColumn, Reading, Snapshot, Source
from migration.rehearsal.disguise import Disguise
from migration.rehearsal.rules import Rules, check
from migration.rehearsal.source import SampledSource

LARGEST: Final = 100_000

_Keys = dict[tuple[TableName, tuple[str, ...]], set[tuple[str | None, ...]]]


def sample(source: Source, catalog: Catalog, rules: Rules, rows: int, secret: bytes) -> SampledSource:
    """A de-identified sample of `rows` rows a table. `secret`: 32 random bytes that nobody keeps.

    Raises UsageError D695 (rules), S417 for more rows than are held in memory; and as reading does.
    """
    if not 0 < rows <= LARGEST:
        raise UsageError("S417", f"a sample has 1 to {LARGEST} rows of a table")
    check(rules, catalog)
    disguise, keys = Disguise(secret), _Keys()
    tables: dict[TableName, Table] = {}
    lines: dict[TableName, bytes] = {}
    with source.snapshot() as snapshot:
        for table in in_order(catalog.tables):
            kept = _without_hard_cycles(table, tables)
            chosen = list(_chosen(snapshot, kept, tables, keys, rows))
            tables[table.name] = replace(kept, rows=len(chosen), size=0)
            _remember(catalog, table, chosen, keys)
            lines[table.name] = b"".join(_disguised(row, table, rules, disguise) for row in chosen)
    ordered = tuple(tables[table.name] for table in catalog.tables)
    return SampledSource(replace(catalog, tables=ordered, oddities=()), lines)


def in_order(tables: Sequence[Table]) -> list[Table]:
    """Tables so that what is referred to comes first, as far as there is no cycle; else as they were."""
    waiting, done, found = list(tables), set[TableName](), list[Table]()
    while waiting:
        ready = [
            table for table in waiting if all(key.table in done or key.table == table.name for key in table.foreign)
        ]
        taken = ready or waiting[:1]
        found += taken
        done |= {table.name for table in taken}
        waiting = [table for table in waiting if table.name not in done]
    return found


def _without_hard_cycles(table: Table, before: Mapping[TableName, Table]) -> Table:
    """The table without references to later tables that can't be NULL: they could not hold."""
    foreign = tuple(key for key in table.foreign if _there(key, table, before) or _softened(key, table))
    return replace(table, foreign=foreign)


def _there(key: ForeignKey, table: Table, before: Mapping[TableName, Table]) -> bool:
    return key.table in before or key.table == table.name


def _softened(key: ForeignKey, table: Table) -> tuple[int, ...]:
    """The places of the reference's columns that may be NULL."""
    return tuple(place for place, column in enumerate(table.columns) if column.name in key.columns and column.nullable)


def _chosen(
    snapshot: Snapshot, table: Table, before: Mapping[TableName, Table], keys: _Keys, rows: int
) -> Iterator[Cells]:
    columns = tuple(
        ReadColumn(column.name, column.kind, column.native, column.scale, column.padded) for column in table.columns
    )
    places = {column.name: place for place, column in enumerate(table.columns)}
    own = {key.referred: set[tuple[str | None, ...]]() for key in table.foreign if key.table == table.name}
    count = 0
    for block in snapshot.blocks(Reading(table.name, columns, table.order)):
        for cells in canon.rows(block.data):
            fitting = _fitted(cells, table, before, keys, own, places)
            if fitting is None:
                continue
            for referred, seen in own.items():
                seen.add(tuple(fitting[places[name]] for name in referred))
            yield fitting
            count += 1
            if count == rows:
                return


def _fitted(
    cells: Cells,
    table: Table,
    before: Mapping[TableName, Table],
    keys: _Keys,
    own: Mapping[tuple[str, ...], set[tuple[str | None, ...]]],
    places: Mapping[str, int],
) -> Cells | None:
    """The row with its references inside the sample, None if that can't be."""
    row = list(cells)
    for key in table.foreign:
        value = tuple(row[places[name]] for name in key.columns)
        if None in value:
            continue
        if key.table == table.name:
            itself = tuple(row[places[name]] for name in key.referred)
            known = value == itself or value in own[key.referred]
        else:
            known = value in keys.get((key.table, key.referred), set())
        if known:
            continue
        soft = _softened(key, table)
        if not soft or (key.table in before and key.table != table.name):
            return None
        for place in soft:
            row[place] = None
    return tuple(row)


def _remember(catalog: Catalog, table: Table, chosen: Sequence[Cells], keys: _Keys) -> None:
    """Keep the values that other tables refer to."""
    places = {column.name: place for place, column in enumerate(table.columns)}
    wanted = {key.referred for other in catalog.tables for key in other.foreign if key.table == table.name}
    for referred in wanted:
        keys[table.name, referred] = {tuple(row[places[name]] for name in referred) for row in chosen}


def _disguised(row: Cells, table: Table, rules: Rules, disguise: Disguise) -> bytes:
    return canon.line(
        disguise.cell(value, column, rules.rule(table, column) or "blank")
        for value, column in zip(row, table.columns, strict=True)
    )
