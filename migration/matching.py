"""Whole numbers that refer to each other, in one type: MariaDB makes no foreign key between two of them. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from migration.catalog import Catalog, TableName
from migration.plan import Carry, TablePlan

_WIDTHS: Final = ("tinyint", "smallint", "mediumint", "int", "bigint", "bigint unsigned")

_Place = tuple[TableName, str]


def matched(catalog: Catalog, tables: tuple[TablePlan, ...]) -> tuple[TablePlan, ...]:
    """The tables with both sides of every foreign key as wide as the wider one."""
    natives = {(table.source, column.source): column.native for table in tables for column in table.columns}
    wide = dict(natives)
    pairs = list(_pairs(catalog, natives))
    while changes := list(_changes(wide, pairs)):
        wide.update(changes)
    return tuple(_widened(table, wide) for table in tables)


def _pairs(catalog: Catalog, natives: dict[_Place, str]) -> Iterator[tuple[_Place, _Place]]:
    primaries = {table.name: table.primary.columns for table in catalog.tables if table.primary}
    for table in catalog.tables:
        for key in table.foreign:
            referred = key.referred or primaries.get(key.table, ())
            for mine, other in zip(key.columns, referred, strict=False):
                pair = (table.name, mine), (key.table, other)
                if all(natives.get(place) in _WIDTHS for place in pair):
                    yield pair


def _changes(wide: dict[_Place, str], pairs: list[tuple[_Place, _Place]]) -> Iterator[tuple[_Place, str]]:
    for pair in pairs:
        widest = max((wide[place] for place in pair), key=_WIDTHS.index)
        yield from ((place, widest) for place in pair if wide[place] != widest)


def _widened(table: TablePlan, wide: dict[_Place, str]) -> TablePlan:
    columns = (
        column
        if wide[table.source, column.source] == column.native
        else replace(column, native=wide[table.source, column.source], carry=Carry.WIDENED, rule="as-what-it-refers-to")
        for column in table.columns
    )
    return replace(table, columns=tuple(columns))
