"""PostgreSQL as a target of a migration."""

from collections.abc import Sequence
from typing import Final

import psycopg

from formats.errors import IntegrityError, ServiceError, UnreachableError
from migration.catalog import TableName
from migration.engine import Copied
from migration.engines.postgresql import ledger, statements
from migration.engines.postgresql.connecting import Connection, connect, meaning
from migration.engines.postgresql.loading import PostgresqlSession
from migration.engines.postgresql.source import PostgresqlSource

# Keys and indexes are built in 256 MiB, unless the server gives more: its usual 64 are soon too few.
_ROOM_TO_BUILD: Final = (
    "SELECT set_config('maintenance_work_mem', '256MB', false)"
    " WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes('256MB')"
)


class PostgresqlTarget(PostgresqlSource):
    """See `engine.Target`."""

    __slots__ = ()

    def occupied(self, tables: Sequence[TableName]) -> tuple[TableName, ...]:
        """See `engine.Target`. A view or another relation of the name counts as well."""
        with connect(self.server, reading=False) as connection:
            return tuple(name for name in tables if name.name != ledger.TABLE and _exists(connection, name))

    def execute(self, statements: Sequence[str]) -> None:
        """See `engine.Target`."""
        with connect(self.server, reading=False) as connection:
            for number, statement in enumerate((_ROOM_TO_BUILD, *statements)):
                try:
                    connection.execute(statement.encode())
                except psycopg.Error as error:
                    raise _refusal(error, number) from None

    def copied(self, run: str) -> tuple[Copied, ...]:
        """See `engine.Target`."""
        with connect(self.server, reading=False) as connection:
            ledger.prepare(connection)
            return ledger.entries(connection, run)

    def held(self, run: str) -> tuple[Copied, ...]:
        """See `engine.Target`."""
        with connect(self.server, reading=False) as connection:  # the ledger is in the user's own default schema
            there = _exists(connection, TableName("", ledger.TABLE))
            return ledger.entries(connection, run) if there else ()

    def withdraw(self, run: str, number: int, table: TableName) -> None:
        """See `engine.Target`. The table comes first: whoever still loads it is waited for."""
        with connect(self.server, reading=False) as connection:
            try:
                with connection.transaction():
                    connection.execute(f"TRUNCATE {statements.table(table)}".encode())
                    ledger.forget(connection, run, number)
            except psycopg.Error as error:
                raise meaning(error, str(table)) from None

    def session(self) -> PostgresqlSession:
        """See `engine.Target`."""
        return PostgresqlSession(self.server)

    def refresh(self, tables: Sequence[TableName]) -> None:
        """See `engine.Target`."""
        with connect(self.server, reading=False) as connection:
            for name in tables:
                try:
                    connection.execute(f"ANALYZE {statements.table(name)}".encode())
                except psycopg.Error as error:
                    raise meaning(error, str(name)) from None


def _exists(connection: Connection, name: TableName) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [statements.table(name)]).fetchone()
    return bool(row and row[0])


def _refusal(error: psycopg.Error, number: int) -> ServiceError:
    """D641 with what names tables and columns only: a message of another class may quote a value."""
    meant = meaning(error, f"statement {number}")
    if isinstance(meant, UnreachableError):
        return meant
    state, diag = error.sqlstate or "", error.diag
    words = diag.message_primary if state.startswith("42") else " ".join(filter(None, _named(diag)))
    return IntegrityError("D641", f"statement {number}: {words} ({state})")


def _named(diag: psycopg.errors.Diagnostic) -> tuple[str | None, ...]:
    return (diag.table_name, diag.column_name, diag.constraint_name)
