"""Loading chunks into PostgreSQL: the canonical bytes go as they are into `COPY … FROM STDIN`."""

import re
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import psycopg

from formats.errors import IntegrityError, ServiceError, UnreachableError
from migration.engine import Copied, Loading
from migration.engines.postgresql import ledger, statements
from migration.engines.postgresql.connecting import Connection, Server, connect, meaning, quote


class PostgresqlSession:
    """See `engine.Session`."""

    def __init__(self, server: Server) -> None:
        """Nothing is opened yet."""
        self._server = server
        self._connection: Connection | None = None

    def load(self, run: str, chunk: Copied, loading: Loading, data: Iterable[bytes]) -> None:
        """See `engine.Session`. The ledger's line comes first, so that a second loader of the chunk waits."""
        connection = self._connection
        assert connection is not None, "a session is a context manager"
        try:
            with connection.transaction():
                ledger.enter(connection, run, chunk)
                rows = _copy(connection, loading, data)
                if rows != chunk.rows:
                    raise IntegrityError("D642", f"{loading.table}: {rows} rows instead of {chunk.rows}")
        except psycopg.Error as error:
            raise _refusal(error, loading) from None

    def __enter__(self) -> Self:
        self._connection = connect(self._server, reading=False)
        ledger.prepare(self._connection)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._connection is not None:
            self._connection.close()


def _copy(connection: Connection, loading: Loading, data: Iterable[bytes]) -> int:
    columns = ", ".join(quote(column.name) for column in loading.columns)
    statement = (
        f"COPY {statements.table(loading.table)} ({columns}) FROM STDIN (FORMAT csv, NULL 'NULL', ENCODING 'UTF8')"
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement.encode()) as copy:
            for piece in data:
                copy.write(piece)
        return cursor.rowcount


def _refusal(error: psycopg.Error, loading: Loading) -> ServiceError:
    """D642 with table, line, column and constraint. The server's own words are left out: they quote values."""
    meant = meaning(error, str(loading.table))
    if isinstance(meant, UnreachableError):
        return meant
    line, column = _place(error.diag.context or "", loading)
    parts = [
        str(loading.table),
        f"line {line}" if line else "",
        f"column {error.diag.column_name or column}" if error.diag.column_name or column else "",
        f"constraint {error.diag.constraint_name}" if error.diag.constraint_name else "",
        f"({error.sqlstate})",
    ]
    return IntegrityError("D642", " ".join(filter(None, parts)))


def _place(context: str, loading: Loading) -> tuple[str, str]:
    """The line and the column in a context like `COPY name, line 2, column number: "…"`, in any of its languages."""
    found = re.match(r"COPY " + re.escape(loading.table.name) + r"\D*?(\d+)", context)
    if not found:
        return "", ""
    rest = context[found.end() :]
    longest = sorted((column.name for column in loading.columns), key=len, reverse=True)
    column = (name for name in longest if re.match(r"\W*\w*\W*" + re.escape(name) + ": ", rest))
    return found[1], next(column, "")
