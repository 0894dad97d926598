"""Databases made and changed by statements, as their applications would, past anything of ours."""

from collections.abc import Iterable, Sequence

import psycopg
import pymysql
import sqlalchemy as sa
from apsw import Connection

Row = Sequence[object]


def run(url: str, *statements: str, mode: str = "") -> None:
    """Run statements, each for good; `mode` is MariaDB's sql_mode, with which foreign keys are not looked at."""
    address = sa.make_url(url)
    match address.get_backend_name():
        case "sqlite":
            with Connection(address.database or "") as database:
                for statement in statements:
                    database.execute(statement)
        case "postgresql":
            with _postgresql(address) as server:
                for statement in statements:
                    server.execute(statement.encode())
        case _:
            with _mariadb(address) as connection, connection.cursor() as cursor:
                cursor.execute("SET SESSION sql_mode = %s, foreign_key_checks = 0", (mode,))
                for statement in statements:
                    cursor.execute(statement)


def fill(url: str, table: str, rows: Iterable[Row]) -> None:
    """Put rows into a table, by parameters."""
    address, rows = sa.make_url(url), list(rows)
    places = len(rows[0])
    match address.get_backend_name():
        case "sqlite":
            with Connection(address.database or "") as database:
                database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * places)})", rows)
        case "postgresql":
            with _postgresql(address) as server, server.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * places)})".encode(), rows)
        case _:
            with _mariadb(address) as connection, connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * places)})", rows)


def _postgresql(address: sa.URL) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(host=str(address.query["host"]), user=address.username, dbname=address.database)


def _mariadb(address: sa.URL) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    socket = str(address.query["unix_socket"])
    return pymysql.connect(
        unix_socket=socket, user="root", database=address.database, charset="utf8mb4", autocommit=True
    )


def rows(url: str, table: str) -> list[Row]:
    """All rows of a table as the driver gives them."""
    address, query = sa.make_url(url), f"SELECT * FROM {table}"
    match address.get_backend_name():
        case "sqlite":
            with Connection(address.database or "") as database:
                return list(database.execute(query))
        case "postgresql":
            with _postgresql(address) as server:
                return list(server.execute(query.encode()))
        case _:
            with _mariadb(address) as connection, connection.cursor() as cursor:
                cursor.execute(query)
                return list(cursor.fetchall())
