"""The ledger as text: every table of it in one view, in a form that any database can take back.

JSON lines: a head with the ledger's version, then for each table a line with its name and columns and one line a row,
at the end how many of each there were. Values are those of the columns themselves (text, whole numbers, null), rows
stand in the order of their primary key, so that the same ledger gives the same bytes on SQLite and on PostgreSQL.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Integer, Table, Text, column, delete, func, insert, select, table, text
from sqlalchemy.sql.expression import ColumnElement, TableClause

from archive.ledger import VERSION
from archive.upkeep_tables import metadata
from formats.errors import IntegrityError, UsageError

FORMAT = 1
TABLES: Mapping[str, Table] = {item.name: item for item in metadata.sorted_tables}  # referred to before referring

_PAGE = 5000  # rows read, or written, at once

Value = str | int | None


class Row(NamedTuple):
    """One row: its table, and its values by column."""

    table: str
    values: dict[str, Value]


def lines(connection: Connection) -> Iterator[bytes]:
    """The whole ledger as the transaction sees it, a line at a time, each ended by a newline."""
    total = 0
    yield _line({"format": FORMAT, "version": VERSION})
    for name, known in TABLES.items():
        yield _line({"table": name, "columns": [item.name for item in known.columns]})
        for values in _rows(connection, name):
            yield _line(values)
            total += 1
    yield _line({"rows": total, "tables": len(TABLES)})


def rows(pieces: Iterable[bytes], wanted: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of a dump, of these tables only if any are named.

    Raises IntegrityError A512 (not a dump, or cut off), UsageError S410 (of another version of the ledger).
    """
    current, columns, total, many, ended = "", [""], 0, 0, False
    for number, line in enumerate(_split(pieces)):
        value = _parsed(line, number)
        if number == 0:
            _check_head(value)
        elif isinstance(value, list):
            total += 1
            if len(value) != len(columns):
                raise IntegrityError("A512", f"line {number + 1} of the ledger's dump has another number of values")
            if not wanted or current in wanted:
                yield Row(current, dict(zip(columns, value, strict=True)))
        elif "table" in value:
            many += 1
            current, columns = str(value["table"]), [str(item) for item in value["columns"]]
            if current not in TABLES or not set(columns) <= set(TABLES[current].columns.keys()):
                raise IntegrityError("A512", f"line {number + 1} of the ledger's dump names a table nobody knows")
        else:
            ended = value == {"rows": total, "tables": many}
    if not ended:
        raise IntegrityError("A512", "the ledger's dump was cut off")


def load(connection: Connection, pieces: Iterable[bytes]) -> int:
    """Put a dump into a ledger that holds nothing yet; gives the number of rows.

    What a fresh ledger has of itself (the journal's empty head) makes way. Raises as `rows`; UsageError S414 when the
    ledger holds anything.
    """
    if not is_empty(connection):
        raise UsageError("S414", "the ledger")
    for item in reversed([*TABLES.values()]):
        connection.execute(delete(item))
    held: list[dict[str, Value]] = []
    current, total = "", 0
    for row in rows(pieces):
        if held and (row.table != current or len(held) == _PAGE):
            connection.execute(insert(plain(current)), held)
            held = []
        current = row.table
        held.append(row.values)
        total += 1
    if held:
        connection.execute(insert(plain(current)), held)
    _count_on(connection)
    return total


def is_empty(connection: Connection) -> bool:
    """Whether the ledger holds no row but what a fresh one has."""
    return not any(
        connection.execute(select(item).limit(1)).first() for item in TABLES.values() if item.name != "journal_head"
    )


def plain(name: str) -> TableClause:
    """A table whose values are those in the columns, without what `archive.tables` makes of them."""
    return table(name, *(column(item.name, _kind(item)) for item in TABLES[name].columns))


def _rows(connection: Connection, name: str) -> Iterator[list[Value]]:
    columns = plain(name).c
    order = [_bytewise(connection, columns[item.name]) for item in TABLES[name].primary_key.columns]
    wanted = select(*columns).order_by(*order).execution_options(yield_per=_PAGE)
    with connection.execute(wanted) as found:
        for row in found:
            yield list(row)


def _kind(item: ColumnElement[Any]) -> Integer | BigInteger | Text:
    return BigInteger() if isinstance(item.type, Integer) else Text()


def _bytewise(connection: Connection, item: ColumnElement[Any]) -> ColumnElement[Any]:
    """PostgreSQL orders text as its language does; SQLite by its bytes."""
    if connection.dialect.name == "postgresql" and isinstance(item.type, Text):
        return item.collate("C")
    return item


def _count_on(connection: Connection) -> None:
    """PostgreSQL numbers new rows from a counter of its own, which rows put in with their numbers do not move."""
    if connection.dialect.name != "postgresql":
        return
    for name, item in TABLES.items():
        (first, *more) = item.primary_key.columns
        counter = connection.execute(
            text("SELECT pg_get_serial_sequence(:name, :key)"), {"name": name, "key": first.name}
        ).scalar_one()
        if counter and not more:
            last = connection.execute(select(func.max(first))).scalar_one()
            if last:
                moved = text("SELECT setval(CAST(:counter AS regclass), :last)")
                connection.execute(moved, {"counter": counter, "last": last})


def _line(value: Mapping[str, Any] | Sequence[Value]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        raise IntegrityError("A512", "the ledger's dump was cut off")


def _parsed(line: bytes, number: int) -> Any:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, (dict, list)):
        raise IntegrityError("A512", f"line {number + 1} of the ledger's dump cannot be read")
    return value


def _check_head(value: Any) -> None:
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise IntegrityError("A512", "this is no dump of a ledger that this program knows")
    if value.get("version") != VERSION:
        raise UsageError("S410", f"the backup's ledger has version {value.get('version')}, this program {VERSION}")
