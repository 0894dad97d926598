"""A database as a target, through SQLAlchemy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import exc

from formats.errors import IntegrityError
from migration.catalog import TableName
from migration.dialects import dialect
from migration.engine import Copied
from migration.engines.generic import connecting, ledger, statements
from migration.engines.generic.loading import GenericSession
from migration.engines.generic.source import GenericSource

_COUNTED: Final = frozenset({"postgresql", "sqlite"})


@dataclass(frozen=True, slots=True)
class GenericTarget(GenericSource):
    """See `engine.Target`. `url` is SQLAlchemy's."""

    def occupied(self, tables: Sequence[TableName]) -> tuple[TableName, ...]:
        """See `engine.Target`."""
        engine = connecting.engine(self.url)
        with connecting.meanings(engine.dialect.name), connecting.open_writing(engine) as connection:
            look = sa.inspect(connection)
            wanted = (table for table in tables if table.name.lower() != ledger.TABLE)
            return tuple(table for table in wanted if look.has_table(table.name, schema=table.schema or None))

    def execute(self, statements: Sequence[str]) -> None:
        """See `engine.Target`."""
        with connecting.open_writing(connecting.engine(self.url)) as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            for number, statement in enumerate(statements, 1):
                try:
                    connecting.run(connection, statement)
                except exc.DBAPIError as error:
                    raise IntegrityError("D641", f"statement {number}: {type(error.orig).__name__}") from None

    def copied(self, run: str) -> tuple[Copied, ...]:
        """See `engine.Target`."""
        engine = connecting.engine(self.url)
        with connecting.meanings(engine.dialect.name), connecting.open_writing(engine) as connection:
            ledger.prepare(connection)
            connection.commit()
            return ledger.entries(connection, run)

    def held(self, run: str) -> tuple[Copied, ...]:
        """See `engine.Target`."""
        engine = connecting.engine(self.url)
        with connecting.meanings(engine.dialect.name), connecting.open_reading(engine) as connection:
            return ledger.entries(connection, run) if sa.inspect(connection).has_table(ledger.TABLE) else ()

    def withdraw(self, run: str, number: int, table: TableName) -> None:
        """See `engine.Target`."""
        engine = connecting.engine(self.url)
        with connecting.open_writing(engine) as connection, connection.begin(), connecting.meanings(str(table)):
            connection.execute(sa.delete(statements.table(table, ())))
            ledger.forget(connection, run, number)

    def session(self) -> GenericSession:
        """See `engine.Target`."""
        return GenericSession(self.url)

    def refresh(self, tables: Sequence[TableName]) -> None:
        """See `engine.Target`; where an environment needs another command for it, it counts in its own time."""
        engine = connecting.engine(self.url)
        if engine.dialect.name not in _COUNTED:
            return
        names = (dialect(engine.dialect.name).table(table) for table in tables)
        self.execute([f"ANALYZE {name}" for name in names])
