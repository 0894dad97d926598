"""Connections through SQLAlchemy: opened by URL, made read-only by its own means, errors told in codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import NullPool

from formats.errors import IntegrityError, ServiceError, UnreachableError, UsageError

# What must be installed for a driver that is missing.
_PACKAGES: Final = {
    "oracle": "oracledb (pip install oracledb)",
    "dm": "dmPython and its SQLAlchemy dialect, which come with the Dameng server (drivers/python)",
    "postgresql": "psycopg (pip install psycopg[binary])",
    "mysql": "pymysql (pip install pymysql)",
    "mariadb": "pymysql (pip install pymysql)",
}
_NAMES: Final = {"dm": "dameng", "mysql": "mariadb"}

# How a transaction becomes one state that nobody writes to, by dialect.
_READ_ONLY: Final = {
    "postgresql": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET LOCAL TIME ZONE 'UTC'"),
    "oracle": ("SET TRANSACTION READ ONLY",),
    "dm": ("SET TRANSACTION READ ONLY",),
    "sqlite": ("PRAGMA query_only = on", "BEGIN"),
}


def engine(url: str) -> sa.Engine:
    """The engine of a URL; nothing is opened yet. Raises UsageError D601, D602."""
    try:
        address = sa.make_url(url)
    except exc.ArgumentError:
        raise UsageError("D601", "not a URL") from None
    name = address.drivername.partition("+")[0]
    try:
        return sa.create_engine(address, poolclass=NullPool, hide_parameters=True)
    except (exc.NoSuchModuleError, ModuleNotFoundError):
        raise UsageError("D602", _PACKAGES.get(name, address.drivername)) from None


def name(found: sa.Engine) -> str:
    """The engine's name as catalogs and plans have it."""
    return _NAMES.get(found.dialect.name, found.dialect.name)


@contextmanager
def meanings(place: str, code: str = "D609") -> Iterator[None]:
    """Errors of the environment within the block as `code` with the place, or UnreachableError S409.

    The environment's own words are left out: they may quote values and passwords.
    """
    try:
        yield
    except exc.DBAPIError as error:
        raise meaning(error, place, code) from None
    except UnicodeDecodeError:
        raise IntegrityError("D611", place) from None


def meaning(error: exc.DBAPIError, place: str, code: str) -> ServiceError:
    """What an error of the environment means."""
    kind = type(error.orig).__name__
    if error.connection_invalidated or (isinstance(error, exc.OperationalError) and not error.statement):
        return UnreachableError("S409", f"{place}: {kind}")
    return (UsageError if code == "D609" else IntegrityError)(code, f"{place}: {kind}")


def open_writing(found: sa.Engine) -> sa.Connection:
    """A connection. Raises UnreachableError S409."""
    try:
        return found.connect()
    except exc.DBAPIError as error:
        raise UnreachableError("S409", f"{found.dialect.name}: {type(error.orig).__name__}") from None


def open_reading(found: sa.Engine) -> sa.Connection:
    """A connection in a transaction that reads one state and can't write.

    Raises UnreachableError S409; UsageError D609 for an environment that is not known to have such a transaction.
    """
    if found.dialect.name not in _READ_ONLY:
        raise UsageError("D609", f"no read-only transaction is known for {found.dialect.name}")
    connection = open_writing(found)
    with meanings(found.dialect.name):
        for statement in _READ_ONLY[found.dialect.name]:
            run(connection, statement)
    return connection


def run(connection: sa.Connection, statement: str) -> None:
    """Run one statement as it is: no sign in it stands for a value."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
