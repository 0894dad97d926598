"""Connections to a SQLite file, and what errors of SQLite mean.

Nothing here opens the file by itself: closing it would drop the locks that SQLite holds in this process.
"""

import os
from pathlib import Path
from typing import Final

import apsw

from formats.errors import IntegrityError, ServiceError, UnreachableError
from migration.catalog import TableName

PATIENCE: Final = 60_000  # milliseconds to wait for a lock

# A file from elsewhere may hold functions in its schema; a name that is no column must not become a text.
_BOTH: Final = ("trusted_schema = OFF", "foreign_keys = OFF")
_READING: Final = ("query_only = ON", "cache_size = -8192")
_WRITING: Final = ("synchronous = FULL", "cache_size = -8192")


def read_only(path: Path) -> apsw.Connection:
    """A connection that cannot write. Raises UnreachableError S409, IntegrityError D628."""
    if not path.is_file():
        raise UnreachableError("S409", f"{path}: no such file")
    return _opened(path, apsw.SQLITE_OPEN_READONLY, _READING)


def writable(path: Path) -> apsw.Connection:
    """A connection that writes; a missing file is made, for its owner alone. Raises as `read_only`."""
    if not path.exists():
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:  # another process was quicker
            return writable(path)
        except OSError as error:
            raise UnreachableError("S409", f"{path}: {error.strerror}") from None
    return _opened(path, apsw.SQLITE_OPEN_READWRITE, _WRITING)


def quote(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def table(name: TableName) -> str:
    """A table's name in SQL."""
    return f'"main".{quote(name.name)}'


def meaning(error: apsw.Error, place: str) -> ServiceError:
    """What an error of SQLite means; its own words are passed on where they name tables and columns only."""
    match error:
        case apsw.BusyError() | apsw.LockedError():
            return UnreachableError("S409", f"{place}: locked by another process")
        case apsw.NotADBError() | apsw.CorruptError():
            return IntegrityError("D628", f"{place}: {_words(error)}")
        case apsw.ReadOnlyError():
            if getattr(error, "extendedresult", 0) == apsw.SQLITE_READONLY_ROLLBACK:
                return IntegrityError("D628", f"{place}: an interrupted write must first be undone by its own program")
            return UnreachableError("S409", f"{place}: cannot be written")
        case apsw.FullError():
            return UnreachableError("S416", place)
        case apsw.SQLError() | apsw.SchemaChangeError():
            return IntegrityError("D632", f"{place}: {_words(error)}")
        case apsw.TooBigError():
            return IntegrityError("D614", f"{place}: a row longer than SQLite's limit")
    return UnreachableError("S409", f"{place}: {type(error).__name__}")


def _words(error: apsw.Error) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _opened(path: Path, flags: int, settings: tuple[str, ...]) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(path), flags=flags)
    except apsw.Error as error:
        raise meaning(error, path.name) from None
    try:
        connection.set_busy_timeout(PATIENCE)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        for setting in (*_BOTH, *settings):
            connection.execute(f"PRAGMA {setting}").fetchall()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # the first look at the file itself
    except apsw.Error as error:
        connection.close()
        raise meaning(error, path.name) from None
    return connection
