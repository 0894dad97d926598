"""A SQLite file as a target of a migration. A file that is missing is made, for its owner alone (mode 0600)."""

from collections.abc import Sequence

import apsw

from formats.errors import IntegrityError, ServiceError, UnreachableError
from migration.catalog import TableName
from migration.engine import Copied
from migration.engines.sqlite import ledger
from migration.engines.sqlite.connecting import meaning, read_only, table, writable
from migration.engines.sqlite.loading import SqliteSession
from migration.engines.sqlite.source import SqliteSource


class SqliteTarget(SqliteSource):
    """See `engine.Target`. Rollback journal or write-ahead log: as the file has it."""

    __slots__ = ()

    def occupied(self, tables: Sequence[TableName]) -> tuple[TableName, ...]:
        """See `engine.Target`. Names are compared without regard to case, as SQLite does; a view counts as well."""
        if not self.path.exists():
            return ()
        connection = read_only(self.path)
        try:
            query = "SELECT lower(name) FROM sqlite_schema WHERE type IN ('table', 'view')"
            held = {name for (name,) in connection.execute(query)} - {ledger.TABLE}
        except apsw.Error as error:
            raise meaning(error, self.path.name) from None
        finally:
            connection.close()
        return tuple(name for name in tables if name.name.lower() in held)

    def execute(self, statements: Sequence[str]) -> None:
        """See `engine.Target`."""
        connection = writable(self.path)
        try:
            for number, statement in enumerate(statements, 1):
                try:
                    connection.execute(statement).fetchall()
                except apsw.Error as error:
                    raise _refusal(error, number) from None
        finally:
            connection.close()

    def copied(self, run: str) -> tuple[Copied, ...]:
        """See `engine.Target`."""
        connection = writable(self.path)
        try:
            ledger.prepare(connection)
            return ledger.entries(connection, run)
        except apsw.Error as error:
            raise meaning(error, ledger.TABLE) from None
        finally:
            connection.close()

    def held(self, run: str) -> tuple[Copied, ...]:
        """See `engine.Target`."""
        if not self.path.exists():
            return ()
        connection = read_only(self.path)
        try:
            query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND lower(name) = ?"
            there = connection.execute(query, (ledger.TABLE,)).fetchall()
            return ledger.entries(connection, run) if there else ()
        except apsw.Error as error:
            raise meaning(error, ledger.TABLE) from None
        finally:
            connection.close()

    def withdraw(self, run: str, number: int, table: TableName) -> None:
        """See `engine.Target`."""
        connection = writable(self.path)
        try:
            with connection:
                connection.execute(_emptying(table)).fetchall()
                ledger.forget(connection, run, number)
        except apsw.Error as error:
            raise meaning(error, str(table)) from None
        finally:
            connection.close()

    def session(self) -> SqliteSession:
        """See `engine.Target`."""
        return SqliteSession(self.path)

    def refresh(self, tables: Sequence[TableName]) -> None:
        """See `engine.Target`."""
        self.execute([f"ANALYZE {table(name)}" for name in tables])


def _emptying(name: TableName) -> str:
    return f"DELETE FROM {table(name)}"  # noqa: S608 -- names are quoted


def _refusal(error: apsw.Error, number: int) -> ServiceError:
    """D641 with SQLite's own words, which name tables, columns and constraints; a lock is no refusal."""
    meant = meaning(error, f"statement {number}")
    refused = isinstance(error, apsw.ConstraintError | apsw.SQLError | apsw.ReadOnlyError)
    if isinstance(meant, UnreachableError) and not refused:
        return meant
    words = (str(error).splitlines() or [type(error).__name__])[0]
    return IntegrityError("D641", f"statement {number}: {words}")
