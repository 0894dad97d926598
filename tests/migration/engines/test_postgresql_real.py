"""Real databases in PostgreSQL: the canonical bytes are those that Python makes of a plain SELECT."""

import subprocess
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from struct import pack, unpack
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from formats.digest import sha256
from migration import canon
from migration.canon import Cells
from migration.catalog import Catalog, Column, Kind, Table
from migration.engine import Copied, LoadColumn, Loading, ReadColumn, Reading
from migration.engines.postgresql import PostgresqlSource, PostgresqlTarget, statements
from tests.parts import need, shared_data
from tests.servers import PostgreSQL


def _chinook() -> Path:
    return shared_data("databases/chinook/Chinook_PostgreSql.sql")


def _northwind() -> Path:
    return shared_data("databases/northwind/northwind.sql")


FILES: dict[str, tuple[Callable[[], Path], int, int]] = {
    "chinook": (_chinook, 11, 15_607),
    "northwind": (_northwind, 14, 3_362),
}


def fill(url: str, file: Path) -> None:
    """Run a file of SQL by psql, without what makes the database or goes to another."""
    address = sa.make_url(url)
    lines = file.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith(("DROP DATABASE", "CREATE DATABASE", "\\c ")))
    place = [f"--host={address.query['host']}", f"--username={address.username}", f"--dbname={address.database}"]
    done = subprocess.run(
        [need("psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", *place],
        input=text.encode(),
        capture_output=True,
        check=False,
        env={"PGCLIENTENCODING": "UTF8"},
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(params=sorted(FILES))
def name(request: pytest.FixtureRequest) -> str:
    """The name of a real database."""
    found: str = request.param
    return found


@pytest.fixture
def url(name: str, postgresql_url: str) -> str:
    """The URL of a database that holds it."""
    fill(postgresql_url, FILES[name][0]())
    return postgresql_url


def reading(table: Table) -> Reading:
    """How the whole table is read."""
    columns = (ReadColumn(c.name, c.kind, c.native, c.scale, c.padded) for c in table.columns)
    return Reading(table.name, tuple(columns), table.order)


def plainly(url: str, table: Table) -> list[Cells]:
    """The table's rows by a SELECT without any order, each cell written by the rules of `canon` in Python."""
    address = sa.make_url(url)
    with psycopg.connect(host=address.query["host"], user="postgres", dbname=address.database) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        rows = connection.execute(f"SELECT {names} FROM {statements.table(table.name)}".encode()).fetchall()
    return [tuple(_cell(value, column) for value, column in zip(row, table.columns, strict=True)) for row in rows]


def _cell(value: Any, column: Column) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return str(int(value))
        case Decimal():
            return f"{value:.{column.scale}f}"
        case float():
            wide = unpack("f", pack("f", value))[0] if column.native == "real" else value
            return repr(wide).removesuffix(".0")
        case bytes():
            return "\\x" + value.hex()
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S.%f") + ("+00" if column.kind is Kind.TIMESTAMPTZ else "")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value).rstrip(" ") if column.padded else str(value)


def ordered(rows: list[Cells], table: Table) -> list[Cells]:
    """The rows as `canon.order` has them."""
    places = [table.columns.index(table.column(name)) for name in table.order]
    return sorted(rows, key=lambda cells: canon.order(cells, table.columns, places))


def read(source: PostgresqlSource, catalog: Catalog) -> Iterator[tuple[Table, bytes]]:
    """Every table with its canonical bytes, from one snapshot."""
    with source.snapshot() as snapshot:
        for table in catalog.tables:
            yield table, b"".join(block.data for block in snapshot.blocks(reading(table)))


def test_canonical_bytes_are_those_of_python(name: str, url: str) -> None:
    """Every table reads as the rows of a plain SELECT written in Python, in the same order, and all rows are there."""
    source = PostgresqlSource(url)
    catalog = source.catalog()
    count = 0
    for table, data in read(source, catalog):
        assert list(canon.rows(data)) == ordered(plainly(url, table), table), table.name
        count += sum(1 for _ in canon.rows(data))
    assert (len(catalog.tables), count) == FILES[name][1:]


def test_the_census_finds_nothing_odd_in_clean_data(url: str) -> None:
    """A clean database has no oddities but the measures of numbers and keys without length."""
    source = PostgresqlSource(url)
    catalog = source.catalog()
    with source.snapshot() as snapshot:
        found = [oddity for table in catalog.tables for oddity in source.census(snapshot, table)]
    assert {oddity.code for oddity in found} <= {"D624"}


def test_bytes_loaded_again_are_the_same(url: str, postgresql_server: PostgreSQL) -> None:
    """What was read is loaded into tables of the same natives elsewhere and reads as the same bytes."""
    source = PostgresqlSource(url)
    catalog = source.catalog()
    with postgresql_server.database() as elsewhere:
        target = PostgresqlTarget(elsewhere)
        with target.session() as session:
            for number, (table, data) in enumerate(read(source, catalog), 1):
                target.execute([_create(table)])
                columns = (LoadColumn(c.name, c.kind, c.native, c.scale) for c in table.columns)
                copied = Copied(number, 1, sum(1 for _ in canon.rows(data)), sha256(data))
                session.load("run", copied, Loading(table.name, tuple(columns)), [data])
        assert dict(read(target, catalog)) == dict(read(source, catalog))


def _create(table: Table) -> str:
    columns = ", ".join(f'"{column.name}" {column.native}' for column in table.columns)
    return f"CREATE TABLE {statements.table(table.name)} ({columns})"


def test_the_catalog_is_what_sqlalchemy_sees(url: str) -> None:
    """Tables, columns, keys and foreign keys are those that SQLAlchemy's own reflection finds."""
    catalog = PostgresqlSource(url).catalog()
    engine = sa.create_engine(url)
    seen = sa.inspect(engine)
    assert {table.name.name for table in catalog.tables} == set(seen.get_table_names())
    for table in catalog.tables:
        name = table.name.name
        assert [(c.name, c.nullable) for c in table.columns] == [
            (column["name"], column["nullable"]) for column in seen.get_columns(name)
        ]
        primary = seen.get_pk_constraint(name)["constrained_columns"]
        assert list(table.primary.columns if table.primary else ()) == primary
        assert {(foreign.columns, foreign.table.name, foreign.referred) for foreign in table.foreign} == {
            (tuple(foreign["constrained_columns"]), foreign["referred_table"], tuple(foreign["referred_columns"]))
            for foreign in seen.get_foreign_keys(name)
        }
        assert {(index.name, index.columns) for index in table.indexes} == {
            (index["name"], tuple(index["column_names"])) for index in seen.get_indexes(name)
        }
    engine.dispose()
