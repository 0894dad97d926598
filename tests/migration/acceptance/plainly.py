"""Rows by plain SELECTs of the drivers, with nothing of ours between: what a database holds, in everybody's words.

Environments hold the same value in types of their own, so a value is written as one text: a number as its digits, a
moment as ISO 8601 with a blank, octets in hexadecimal. Everything else is the text that it is.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from struct import pack, unpack
from typing import Any

import psycopg
import pymysql
import sqlalchemy as sa

Row = tuple[str | None, ...]
Held = dict[str, Counter[Row]]

_REAL = 700  # PostgreSQL's number of the type `real`
_FLOAT = 4  # MariaDB's of `float`, of which it shows six digits unless a double is asked for
_ENDS = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.(\d+)")


def held(url: str) -> Held:
    """Every table's rows and how often each is there, by the table's name; the copy's own ledger is left out."""
    return {name: Counter(rows) for name, rows in _tables(url) if name != "jiexu_copied"}


def names(url: str) -> set[str]:
    """All tables of a database, the copy's own ledger too."""
    return {name for name, _ in _tables(url)}


def word(value: Any) -> str | None:
    """A value as the one text that it has everywhere."""
    match value:
        case None:
            return None
        case bool():
            return str(int(value))
        case int() | float() | Decimal():
            return _number(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
        case bytes() | memoryview():
            return bytes(value).hex()
        case datetime():
            return _moment(value.isoformat(" "))
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str((datetime(1, 1, 1, tzinfo=UTC) + value).time())
        case _:
            return _moment(str(value))


def single(value: float) -> float:
    """The double that a single is."""
    found: float = unpack("f", pack("f", value))[0]
    return found


def _number(value: Decimal) -> str:
    return "0" if value == 0 else f"{value.normalize():f}"


def _moment(text: str) -> str:
    found = _ENDS.fullmatch(text)
    return ".".join(filter(None, (found[1], found[2].rstrip("0")))) if found else text


def _tables(url: str) -> Iterator[tuple[str, list[Row]]]:
    address = sa.make_url(url)
    reading = {"sqlite": _sqlite, "postgresql": _postgresql, "mysql": _mariadb}
    for name, rows in reading[address.get_backend_name()](address):
        yield name, [tuple(map(word, row)) for row in rows]


def _sqlite(address: sa.URL) -> Iterator[tuple[str, Iterable[Any]]]:
    with closing(sqlite3.connect(address.database or "")) as database:
        listed = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        for (name,) in database.execute(listed).fetchall():
            yield name, database.execute(f'SELECT * FROM "{name}"').fetchall()


def _postgresql(address: sa.URL) -> Iterator[tuple[str, Iterable[Any]]]:
    place = {"host": str(address.query["host"]), "user": address.username, "dbname": address.database}
    with psycopg.connect(**place) as database:  # type: ignore[arg-type]
        database.execute("SET TimeZone = 'UTC'")
        listed = (
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, name in database.execute(listed).fetchall():
            found = database.execute(f'SELECT * FROM "{schema}"."{name}"'.encode())
            singles = {at for at, column in enumerate(found.description or ()) if column.type_code == _REAL}
            yield name, [_widened(row, singles) for row in found.fetchall()]


def _widened(row: tuple[Any, ...], singles: set[int]) -> tuple[Any, ...]:
    """The row with its singles as the doubles that they are."""
    if not singles:
        return row
    return tuple(single(value) if at in singles and value is not None else value for at, value in enumerate(row))


def _mariadb(address: sa.URL) -> Iterator[tuple[str, Iterable[Any]]]:
    socket = str(address.query["unix_socket"])
    database = pymysql.connect(unix_socket=socket, user="root", database=address.database, charset="utf8mb4")
    with database, database.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
        for name, _ in cursor.fetchall():
            cursor.execute(f"SELECT * FROM `{name}` LIMIT 0")
            columns = [f"`{one[0]}`{' + 0e0' * (one[1] == _FLOAT)}" for one in cursor.description or ()]
            cursor.execute(f"SELECT {', '.join(columns)} FROM `{name}`")
            yield name, cursor.fetchall()
