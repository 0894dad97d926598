"""Queries of a reading, as SQLAlchemy has them for every dialect. Pure."""

import re
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from migration.catalog import Kind, TableName
from migration.engine import Bound, ReadColumn, Reading

_NUMERIC: Final = re.compile(r"int|num|dec|serial|year", re.IGNORECASE)


def table(name: TableName, columns: Iterable[str]) -> sa.TableClause:
    """A table with columns of these names, all quoted; what a column's values are is the driver's business."""
    found: list[sa.ColumnClause[Any]] = [sa.column(quoted_name(column, quote=True)) for column in columns]
    schema = quoted_name(name.schema, quote=True) if name.schema else None
    return sa.table(quoted_name(name.name, quote=True), *found, schema=schema)


def ranged(reading: Reading) -> bool:
    """Whether the environment orders the key as `canon` does: columns that are numbers, held as numbers."""
    columns = {column.name: column for column in reading.columns}
    return bool(reading.key) and all(_by_number(columns[name]) for name in reading.key)


def rows(reading: Reading, after: Bound, to: Bound) -> sa.Select[Any]:
    """The rows of a range, in order where the reading is ranged, else as they come."""
    origin = table(reading.table, (column.name for column in reading.columns))
    query = sa.select(*(_read(origin.c[column.name], column) for column in reading.columns))
    if not ranged(reading):
        return query
    key = [origin.c[name] for name in reading.key]
    if after is not None:
        query = query.where(_above(key, after))
    if to is not None:
        query = query.where(sa.not_(_above(key, to)))
    return query.order_by(*key)


def bounds(reading: Reading, every: int) -> sa.Select[Any]:
    """The key of each row whose place in order is a multiple of `every` and which is not the last."""
    origin = table(reading.table, reading.key)
    key = [origin.c[name] for name in reading.key]
    place = sa.func.row_number().over(order_by=key).label("jiexu_place")
    following = sa.func.count().over().label("jiexu_count")
    counted = sa.select(*key, place, following).select_from(origin).subquery()
    wanted = [counted.c[name] for name in reading.key]
    at = counted.c.jiexu_place
    return sa.select(*wanted).where(at % every == 0, at < counted.c.jiexu_count).order_by(at)


def _read(column: sa.ColumnElement[Any], wanted: ReadColumn) -> sa.ColumnElement[Any]:
    """The column; as the text that the environment gives for it, or a single as the double that it is."""
    if wanted.kind is Kind.OTHER:
        return sa.cast(column, sa.Text()).label(None)
    if wanted.kind is Kind.FLOAT and wanted.native in ("real", "float4"):
        return sa.cast(column, sa.Double()).label(None)
    return column


def _by_number(column: ReadColumn) -> bool:
    whole = column.kind is Kind.INTEGER or (column.kind is Kind.DECIMAL and column.scale == 0)
    return whole and bool(_NUMERIC.search(column.native))


def _above(key: list[Any], bound: tuple[str, ...]) -> sa.ColumnElement[bool]:
    """Whether a row's key is behind a bound: its first column, or that alike and the second, and so on."""
    values = [int(text) for text in bound]
    return sa.or_(
        *(
            sa.and_(*(key[other] == values[other] for other in range(place)), key[place] > values[place])
            for place in range(len(key))
        )
    )
