"""The ledger: the office's own database of cases, messages, arrivals, originals, claims and the journal.

SQLite (one file, mode 0600, write-ahead log, flushed at every commit) and PostgreSQL behave alike here: a writing
transaction of SQLite holds the write lock from its beginning; on PostgreSQL, what writes to the journal takes turns at
its head, and what claims work skips rows that another transaction has locked.

The functions on the ledger are in `cases`, `outgoing`, `incoming` and `journal`; each is one transaction.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    Text,
    bindparam,
    column,
    create_engine,
    event,
    func,
    inspect,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, IntegrityError, InterfaceError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from archive.tables import VERSION_TABLE
from formats.errors import ServiceError, UnreachableError, UsageError

VERSION = "0004"  # the newest revision in archive/revisions

_WAIT = 30  # seconds for a lock, then S409
_UPGRADE_LOCK = 0x6A697875  # any number; PostgreSQL advisory locks are known by one
_CHUNK = 500  # values in one IN list

T = TypeVar("T")


class Ledger:
    """One open ledger. Safe to share between threads, not between processes."""

    def __init__(self, engine: Engine) -> None:
        """Use `create`, `open` or `upgrade`."""
        self._engine = engine

    @classmethod
    def create(cls, url: str) -> Self:
        """Make a new ledger in an empty database. Raises UsageError S401, S414, S417; UnreachableError S409."""
        place = _parse(url)
        file = _file(place)
        if file:
            _make_private(file)
        ledger = cls(_engine(place))
        with _closed_on_error(ledger), ledger.writing() as connection:
            _lock_schema(connection)
            if inspect(connection).has_table(VERSION_TABLE):
                raise UsageError("S414", "the ledger")
            _apply(connection)
        return ledger

    @classmethod
    def open(cls, url: str) -> Self:
        """Open a ledger. Raises UsageError S401, S402 (there is none), S410 (other version); UnreachableError S409."""
        ledger = cls._existing(url)
        with _closed_on_error(ledger), ledger.reading() as connection:
            version = _version(connection)
            if version != VERSION:
                raise UsageError("S410", f"the ledger has version {version}, this program {VERSION}")
        return ledger

    @classmethod
    def upgrade(cls, url: str) -> str:
        """Bring a ledger to this program's version, in one transaction, and return the version.

        Raises UsageError S401, S402, S410 (it is newer than this program); UnreachableError S409.
        """
        with cls._existing(url) as ledger, ledger.writing() as connection:
            _lock_schema(connection)
            version = _version(connection)
            if version > VERSION:
                raise UsageError("S410", f"the ledger has version {version}, this program {VERSION}")
            _apply(connection)
        return VERSION

    @classmethod
    def _existing(cls, url: str) -> Self:
        place = _parse(url)
        file = _file(place)
        if file and not file.exists():
            raise UsageError("S402", file.name)
        return cls(_engine(place))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the ledger throughout. Raises UnreachableError S409, S416."""
        isolation: Any = {} if self._engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with _coded(), self._engine.connect().execution_options(**isolation) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed and flushed when the block ends, else undone. Raises as `reading`."""
        with _coded(), self._engine.connect().execution_options(writes=True) as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_WAIT}s'; SET LOCAL synchronous_commit = on")
            yield connection

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _closed_on_error(ledger: Ledger) -> Iterator[None]:
    try:
        yield
    except BaseException:
        ledger.close()
        raise


def insert(connection: Connection, rows: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT."""
    return sqlite.insert(rows) if connection.dialect.name == "sqlite" else postgresql.insert(rows)


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in pieces that fit into one IN list."""
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def update_each(connection: Connection, rows: Table, values: Sequence[Mapping[str, Any]]) -> None:
    """Update rows, each with its own values: a mapping has the row's primary key as `key` and the columns to set."""
    if values:
        (primary,) = rows.primary_key.columns
        columns: dict[str, Any] = {name: bindparam(name) for name in values[0] if name != "key"}
        connection.execute(update(rows).where(primary == bindparam("key")).values(columns), values)


def _parse(url: str) -> URL:
    try:
        place = make_url(url)
    except ArgumentError:
        raise UsageError("S401", "the ledger's URL cannot be read") from None
    if place.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError("S401", f"a ledger cannot be in {place.get_backend_name()}")
    return place


def _file(place: URL) -> Path | None:
    if place.get_backend_name() != "sqlite":
        return None
    if not place.database or place.database == ":memory:":
        raise UsageError("S401", "a ledger in SQLite is a file")
    return Path(place.database)


def _make_private(file: Path) -> None:
    """Only the office's own account may read the ledger; SQLite gives its side files the same mode."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        file.chmod(0o600)
    except OSError as error:
        raise UsageError("S417", f"{file.name}: {error.strerror}") from None


def _engine(place: URL) -> Engine:
    """Errors must not quote rows, hence `hide_parameters`."""
    if place.get_backend_name() == "sqlite":
        engine = create_engine(place, hide_parameters=True, connect_args={"timeout": _WAIT})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_engine(place, hide_parameters=True, pool_pre_ping=True)
    except (NoSuchModuleError, ImportError):
        raise UsageError("S401", f"there is no driver for {place.drivername}") from None


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver's own transactions begin too late and do not cover DDL
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the write lock at once: it would be refused, without waiting, if it first read and then wrote."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _coded() -> Iterator[None]:
    """Errors of the database as errors with a code; the text of a driver may quote values and is left out."""
    try:
        yield
    except IntegrityError:
        raise
    except (DatabaseError, InterfaceError) as error:
        raise _trouble(error) from None


def _trouble(error: DBAPIError) -> ServiceError:
    name = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    if name in ("SQLITE_FULL", "53100"):
        return UnreachableError("S416", "the ledger")
    return UnreachableError("S409", f"the ledger: {name or type(error.orig).__name__}")


def _version(connection: Connection) -> str:
    if not inspect(connection).has_table(VERSION_TABLE):
        raise UsageError("S402", "there is no ledger in this database")
    versions = select(func.max(column("version_num", Text))).select_from(table(VERSION_TABLE))
    return str(connection.execute(versions).scalar_one())


def _lock_schema(connection: Connection) -> None:
    """Two processes do not change the schema at once."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})


def _apply(connection: Connection) -> None:
    # Here, because Alembic takes as long to load as everything else, and opening a ledger does not need it.
    from archive import revisions  # noqa: PLC0415

    revisions.apply(connection)
