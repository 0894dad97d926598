"""Processes that freeze a real database and are killed at random instants."""

import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psycopg
from sqlalchemy.engine import make_url

from migration.catalog import Catalog
from migration.engine import ReadColumn, Reading, Source
from migration.freeze import Frozen, FrozenTable, freeze
from tests.parts import ROOT

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
ROWS = 6000
LONGEST = 30  # seconds

# A process that has everything loaded and forks for each freeze: "pid", and "done" or "killed" when it has ended.
PROGRAM = """
import os, sys
from pathlib import Path
from tests.migration.freeze.killing import run

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        try:
            url, folder, workers = line.rstrip().split(chr(9))
            run(url, Path(folder), int(workers))
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    print(pid, flush=True)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print({0: "done", -9: "killed"}.get(status, "failed"), flush=True)
"""

TABLES = (
    "CREATE TABLE person (id integer PRIMARY KEY, name text, born date)",
    "CREATE TABLE kind (code text{binary} NOT NULL, year integer NOT NULL, PRIMARY KEY (code, year))",
    "CREATE TABLE note (a text, b integer)",
)


def opened(url: str) -> Source:
    """The source that a URL names."""
    if url.startswith("sqlite"):
        from migration.engines.sqlite import SqliteSource

        return SqliteSource(url)
    from migration.engines.postgresql import PostgresqlSource

    return PostgresqlSource(url)


def fill(url: str) -> None:
    """Make three tables: a key of a number, a key of a text and a number, no key."""
    people = [(n, f'张三 "{n}"\n', f"19{n % 90 + 10}-01-02") for n in range(ROWS)]
    kinds = [(f"K{n % 7}", n) for n in range(ROWS // 4)]
    notes = [(None if n % 9 == 0 else f"n{n % 50}", n % 100) for n in range(ROWS // 4)]
    rows = {"person": people, "kind": kinds, "note": notes}
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(make_url(url).database or "")) as connection, connection:
            for statement in TABLES:
                connection.execute(statement.format(binary=""))
            for name, every in rows.items():
                connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(every[0]))})", every)
        return
    place = make_url(url)
    host = str(place.query["host"])
    with psycopg.connect(host=host, user=place.username, dbname=place.database) as server, server.cursor() as cursor:
        for statement in TABLES:
            cursor.execute(statement.format(binary=' COLLATE "C"').encode())
        for name, every in rows.items():
            places = ", ".join(["%s"] * len(every[0]))
            cursor.executemany(f"INSERT INTO {name} VALUES ({places})".encode(), every)


def tables(catalog: Catalog, rows: int = 250) -> tuple[FrozenTable, ...]:
    """Every table of a catalog, in chunks of so many rows."""
    found = []
    for number, table in enumerate(catalog.tables, start=1):
        columns = tuple(ReadColumn(c.name, c.kind, c.native, c.scale, c.padded) for c in table.columns)
        found.append(FrozenTable(number, Reading(table.name, columns, table.order), rows))
    return tuple(found)


def unsized(catalog: Catalog) -> Catalog:
    """A catalog without the numbers that a server estimates anew now and then."""
    return replace(catalog, tables=tuple(replace(table, rows=0, size=0) for table in catalog.tables))


def run(url: str, folder: Path, workers: int) -> Frozen:
    """Freeze the database into the folder."""
    source = opened(url)
    catalog = unsized(source.catalog())
    return freeze(source, tables(catalog), catalog, folder, workers=workers, at=AT)


@contextmanager
def forker() -> Iterator["Forker"]:
    """A process that freezes."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    try:
        yield Forker(process.stdin, process.stdout)
    finally:
        process.stdin.close()
        process.wait(LONGEST)
        process.stdout.close()


class Forker:
    """Freezes, each in a process of its own, that may be killed."""

    def __init__(self, asks: IO[bytes], answers: IO[bytes]) -> None:
        self._asks, self._answers = asks, answers

    def freeze(self, url: str, folder: Path, workers: int, after: float | None = None) -> str:
        """Freeze; kill it after so many seconds. Gives "done", "killed" or "failed"."""
        self._asks.write(f"{url}\t{folder}\t{workers}\n".encode())
        self._asks.flush()
        pid = int(self._answers.readline())
        if not select.select([self._answers], [], [], LONGEST if after is None else after)[0]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return self._answers.readline().decode().strip()

    def until_done(self, url: str, folder: Path, workers: int, instants: Iterator[float], most: int) -> int:
        """Freeze until one gets to its end, and kill at most so many before; how many were killed."""
        killed = 0
        while (end := self.freeze(url, folder, workers, next(instants) if killed < most else None)) == "killed":
            killed += 1
        assert end == "done"
        return killed


def instants(longest: float) -> Iterator[float]:
    """Seconds, from none to a little more than a freeze takes."""
    while True:
        yield random.uniform(0, longest * 1.1)
