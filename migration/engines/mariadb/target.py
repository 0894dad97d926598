# ruff: noqa: S608 -- names are quoted, everything else is of this package
"""A MariaDB or MySQL database as a target."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pymysql

from formats.errors import IntegrityError
from migration.catalog import TableName
from migration.engine import Copied
from migration.engines.mariadb.connection import connect
from migration.engines.mariadb.faults import meaning, number, said, told
from migration.engines.mariadb.loading import MAKE_LEDGER, MariadbSession
from migration.engines.mariadb.names import LEDGER, full_name
from migration.engines.mariadb.source import MariadbSource

# Strict, but with the server's own escapes in texts: triggers and checks that are carried as written need them.
_SETTINGS: Final = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 1"
)
_NAMES: Final = """SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_SCHEMA = DATABASE() FROM information_schema.TABLES
 WHERE TABLE_TYPE <> 'SYSTEM VIEW'"""
_COPIED: Final = f"SELECT table_number, chunk, row_count, sha256 FROM {LEDGER} WHERE run = %s ORDER BY 1, 2"
_THERE: Final = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s"
_FORGET: Final = f"DELETE FROM {LEDGER} WHERE run = %s AND table_number = %s"
_TWICE: Final = frozenset({1062, 1586})


@dataclass(frozen=True, slots=True)
class MariadbTarget(MariadbSource):
    """See `migration.engine.Target`. Statements that define tables are for good one by one, whatever follows."""

    def occupied(self, tables: Sequence[TableName]) -> tuple[TableName, ...]:
        """See `Target`."""
        with connect(self.options) as wire, told("reading the names"):
            folded = bool(wire.one("SELECT @@lower_case_table_names")[0])
            names = {TableName("" if own else schema, name) for schema, name, own in wire.fetch(_NAMES)}
        if not folded:
            return tuple(table for table in tables if table in names and table.name != LEDGER)
        lower = {(name.schema.lower(), name.name.lower()) for name in names}
        return tuple(t for t in tables if (t.schema.lower(), t.name.lower()) in lower and t.name.lower() != LEDGER)

    def execute(self, statements: Sequence[str]) -> None:
        """See `Target`. A backslash in a text of a statement is written twice.

        Raises IntegrityError D641; D627 when a key finds two rows equal, which in the source differ.
        """
        with connect(self.options) as wire:
            with told("opening a session"):
                wire.fetch(_SETTINGS)
            for at, statement in enumerate(statements, 1):
                try:
                    wire.fetch(statement)
                except pymysql.MySQLError as error:
                    raise _refusal(error, f"statement {at}") from None

    def copied(self, run: str) -> tuple[Copied, ...]:
        """See `Target`."""
        with connect(self.options) as wire, told(LEDGER):
            wire.fetch(MAKE_LEDGER)
            return tuple(Copied(*row) for row in wire.fetch(_COPIED, (run,)))

    def held(self, run: str) -> tuple[Copied, ...]:
        """See `Target`."""
        with connect(self.options) as wire, told(LEDGER):
            there = wire.fetch(_THERE, (LEDGER,))
            return tuple(Copied(*row) for row in wire.fetch(_COPIED, (run,))) if there else ()

    def withdraw(self, run: str, number: int, table: TableName) -> None:
        """See `Target`. No TRUNCATE, which ends a transaction: a table of many rows takes its time."""
        with connect(self.options) as wire, told(str(table)):
            wire.begin()
            wire.fetch(f"DELETE FROM {full_name(table)}")
            wire.fetch(_FORGET, (run, number))
            wire.commit()

    def session(self) -> MariadbSession:
        """See `Target`. Raises UsageError D609 when the server takes no LOAD DATA LOCAL."""
        return MariadbSession(self.options)

    def refresh(self, tables: Sequence[TableName]) -> None:
        """See `Target`. Raises IntegrityError D641 for a table that cannot be counted."""
        with connect(self.options) as wire, told("ANALYZE"):
            for table in tables:
                said_of = wire.fetch(f"ANALYZE NO_WRITE_TO_BINLOG TABLE {full_name(table)}")
                if any(kind == "Error" for _, _, kind, _ in said_of):
                    raise IntegrityError("D641", f"ANALYZE {table}")


def _refusal(error: pymysql.MySQLError, subject: str) -> Exception:
    if number(error) in _TWICE:
        return IntegrityError("D627", f"{subject}: {said(error)}")
    told_before = meaning(error, subject)
    if told_before is None or told_before.code in ("D632", "D609"):
        return IntegrityError("D641", f"{subject}: {said(error)}")
    return told_before
