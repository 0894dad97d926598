"""The SELECTs that read a table in canonical order, whole or in ranges of its key. Pure."""

from typing import Final

from migration.catalog import TableName
from migration.engine import Bound, Reading
from migration.engines.postgresql import rendering
from migration.engines.postgresql.connecting import literal, quote

# A query has at most 1,664 columns, those that it is ordered by included; above this they are one array.
_TERMS: Final = 800


def table(name: TableName) -> str:
    """A table's name in SQL."""
    return f"{quote(name.schema)}.{quote(name.name)}" if name.schema else quote(name.name)


def copying(query: str, encoding: str) -> str:
    """The statement that gives a query's rows as canonical lines; what is not known to be text comes as it stands."""
    written = encoding if encoding == "SQL_ASCII" else "UTF8"
    return f"COPY ({query}) TO STDOUT (FORMAT csv, FORCE_QUOTE *, NULL 'NULL', ENCODING '{written}')"


def lines(reading: Reading, origin: str, encoding: str = "", after: Bound = None, to: Bound = None) -> str:
    """A table's rows in order; `origin` is what stands behind FROM.

    `encoding` is the database's, if rows must be put in order by their bytes; empty where the key's own order will do.
    """
    cells = ", ".join(rendering.cell(column, quote(column.name)) for column in reading.columns)
    if not reading.key:
        return _keyless(reading, origin, encoding)
    order = ", ".join(_places(reading, encoding) if encoding else map(quote, reading.key))
    return f"SELECT {cells} FROM {origin}{_between(reading, after, to)} ORDER BY {order}"  # noqa: S608 -- names are quoted


def bounds(reading: Reading, origin: str, rows: int) -> str:
    """The key of every row that ends a range of `rows` rows and has another behind it: what stands before that one.

    The rows are numbered in one pass, however the server goes through them: looking for each end behind the one before
    takes an eighth of the time where the key's index is walked, and sorts the table for every range where it is not.
    """
    columns = {column.name: column for column in reading.columns}
    names = [f"k{at}" for at in range(len(reading.key))]
    before = ", ".join(f"lag({quote(key)}) OVER w AS {name}" for key, name in zip(reading.key, names, strict=True))
    cells = ", ".join(rendering.cell(columns[key], name) for key, name in zip(reading.key, names, strict=True))
    order = ", ".join(quote(key) for key in reading.key)
    return (
        f"SELECT {cells} FROM (SELECT {before}, row_number() OVER w AS at"  # noqa: S608 -- names are quoted
        f" FROM {origin} WINDOW w AS (ORDER BY {order})) AS numbered WHERE at > 1 AND (at - 1) % {rows} = 0 ORDER BY at"
    )


def _keyless(reading: Reading, origin: str, encoding: str) -> str:
    cells = (f"({rendering.cell(column, quote(column.name))})::text" for column in reading.columns)
    texts = ", ".join(f"{cell} AS c{at}" for at, cell in enumerate(cells))
    places = [f"c{at}" for at in range(len(reading.columns))]
    if len(places) > _TERMS:
        marked = (rendering.by_bytes(f"coalesce('1' || {place}, '0')", encoding) for place in places)
        order = f"ARRAY[{', '.join(marked)}]"
    else:
        order = ", ".join(f"{rendering.by_bytes(place, encoding)} NULLS FIRST" for place in places)
    return f"SELECT * FROM (SELECT {texts} FROM {origin}) AS written ORDER BY {order}"  # noqa: S608 -- names are quoted


def _places(reading: Reading, encoding: str) -> list[str]:
    columns = {column.name: column for column in reading.columns}
    return [rendering.order(columns[key], quote(key), encoding) for key in reading.key]


def _between(reading: Reading, after: Bound, to: Bound) -> str:
    key = ", ".join(map(quote, reading.key))
    ends = [f"({key}) {sign} ({', '.join(map(literal, bound))})" for sign, bound in ((">", after), ("<=", to)) if bound]
    return f" WHERE {' AND '.join(ends)}" if ends else ""
