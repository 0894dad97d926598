"""Transactions on the records database, and what its errors mean.

SQLite: write-ahead log, full synchronisation, 30 s of patience, writers take the lock at the beginning. PostgreSQL:
writers read what is committed at every statement, readers one snapshot. Database messages may quote what stands in a
row, so only those about tables and columns are passed on.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from formats.errors import ServiceError, UnreachableError, UsageError

PATIENCE = 30  # seconds to wait for a lock

_BEGIN = {
    ("sqlite", False): "BEGIN",
    ("sqlite", True): "BEGIN IMMEDIATE",
    ("postgresql", False): "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    ("postgresql", True): "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
}
# PostgreSQL: unique violation, serialization failure, deadlock. SQLite: its names of a unique violation.
_CLASHES = frozenset({"23505", "40001", "40P01", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
_FULL = frozenset({"53100", "SQLITE_FULL"})


class ClashError(Exception):
    """Another process wrote the same thing first, or the database undid the transaction: try it again."""


class RecordsConnection:
    """The way to one records database. Every thread and every process has its own connection."""

    def __init__(self, url: str) -> None:
        """Nothing is opened yet. Raises UsageError S401 for a URL of another kind of database."""
        self._engine = _engine(url)
        self._process = os.getpid()

    @property
    def dialect(self) -> sa.Dialect:
        """SQLAlchemy's dialect of the database; its name is `sqlite` or `postgresql`."""
        return self._engine.dialect

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[sa.Connection]:
        """One transaction: committed at the end of the block, undone when the block raises.

        Raises UnreachableError S409, S416 and UsageError S415; ClashError when trying again will help.
        """
        if self._process != os.getpid():  # after a fork the connections are the parent's
            self._engine.dispose(close=False)
            self._process = os.getpid()
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql(_BEGIN[self.dialect.name, write])
                try:
                    yield connection
                    connection.exec_driver_sql("COMMIT")
                except BaseException:
                    _undo(connection)
                    raise
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            # Not chained: the database's message may hold a person's data.
            raise _meaning(error) from None

    @contextmanager
    def savepoint(self, connection: sa.Connection) -> Iterator[None]:
        """A part of a transaction: undone by itself when the block raises. Raises as `transaction`."""
        connection.exec_driver_sql("SAVEPOINT part")
        try:
            yield
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            meaning = _meaning(error)
            if isinstance(meaning, UsageError):
                connection.exec_driver_sql("ROLLBACK TO SAVEPOINT part")
            raise meaning from None
        except UsageError:
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT part")
            raise
        connection.exec_driver_sql("RELEASE SAVEPOINT part")

    def close(self) -> None:
        """Close all connections of this process."""
        self._engine.dispose(close=self._process == os.getpid())


def _engine(url: str) -> sa.Engine:
    try:
        address = sa.make_url(url)
    except ArgumentError:
        raise UsageError("S401", "the URL of the records database cannot be read") from None
    arguments: dict[str, Any]
    match address.get_backend_name():
        case "sqlite":
            arguments = {"connect_args": {"timeout": PATIENCE}}
        case "postgresql":
            address = address.set(drivername="postgresql+psycopg")
            arguments = {"connect_args": {"connect_timeout": PATIENCE}, "paramstyle": "format"}
        case _:
            raise UsageError("S401", "the records database must be SQLite or PostgreSQL")
    try:
        # AUTOCOMMIT: transaction() begins and ends transactions itself. As many connections as threads ask for.
        engine = sa.create_engine(
            address, isolation_level="AUTOCOMMIT", max_overflow=-1, hide_parameters=True, **arguments
        )
    except (ArgumentError, NoSuchModuleError):
        raise UsageError("S401", "the URL of the records database cannot be used") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # A batch of working lives is 10 MiB: in the small default cache it would be written twice, and checkpointed often.
    for setting in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -16384", "wal_autocheckpoint = 10000"):
        connection.execute(f"PRAGMA {setting}")


def _undo(connection: sa.Connection) -> None:
    """Roll back; a connection that cannot even do that is given up, and the server rolls back."""
    try:
        connection.exec_driver_sql("ROLLBACK")
    except SQLAlchemyError:
        connection.invalidate()


def _meaning(error: Exception) -> ServiceError | ClashError:
    """What a database error means for the caller."""
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    state = str(getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", ""))
    if state in _CLASHES:
        return ClashError()
    if state in _FULL:
        return UnreachableError("S416", state)
    if state.startswith("42"):  # PostgreSQL: no such table or column, no right to it, another type
        return UsageError("S415", cause.diag.message_primary or state)
    if state.startswith(("22", "23")):  # PostgreSQL: a value that does not fit; the message quotes it
        return UsageError("S415", f"{cause.diag.table_name or ''} {cause.diag.column_name or ''} {state}".strip())
    if state == "SQLITE_ERROR" or state.startswith("SQLITE_CONSTRAINT"):  # names tables and columns only
        return UsageError("S415", str(cause))
    if str(cause).startswith("Could not decode"):  # the sqlite3 module, quoting the text
        return UsageError("S415", "text that is not UTF-8")
    return UnreachableError("S409", state or type(cause).__name__)
