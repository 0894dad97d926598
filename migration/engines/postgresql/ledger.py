"""The target's ledger of the chunks that it holds: a line is written in the transaction that loads its chunk."""

from typing import Final

import psycopg

from formats.errors import IntegrityError
from migration.engine import Copied
from migration.engines.postgresql.connecting import Connection, meaning

TABLE: Final = "jiexu_copied"

# Several processes may make the table at once: they wait for each other.
_PREPARE: Final = f"""
SELECT pg_advisory_lock(hashtext('{TABLE}'));
CREATE TABLE IF NOT EXISTS {TABLE} (
    run varchar(64), table_number int, chunk int, row_count bigint NOT NULL, sha256 char(64) NOT NULL,
    PRIMARY KEY (run, table_number, chunk)
);
SELECT pg_advisory_unlock(hashtext('{TABLE}'));
"""
_ENTRIES: Final = (
    "SELECT table_number, chunk, row_count, sha256 FROM jiexu_copied WHERE run = %s ORDER BY table_number, chunk"
)
_ENTER: Final = "INSERT INTO jiexu_copied (run, table_number, chunk, row_count, sha256) VALUES (%s, %s, %s, %s, %s)"
_FORGET: Final = "DELETE FROM jiexu_copied WHERE run = %s AND table_number = %s"


def prepare(connection: Connection) -> None:
    """Make the table where it is missing, in the user's default schema. Raises UsageError D609 without the right to."""
    try:
        connection.execute(_PREPARE.encode())
    except psycopg.Error as error:
        raise meaning(error, TABLE) from None


def entries(connection: Connection, run: str) -> tuple[Copied, ...]:
    """The chunks of a run, in order."""
    try:
        return tuple(Copied(*row) for row in connection.execute(_ENTRIES, [run]))
    except psycopg.Error as error:
        raise meaning(error, TABLE) from None


def enter(connection: Connection, run: str, chunk: Copied) -> None:
    """Enter a chunk; whoever enters the same one waits for the end of this transaction. Raises IntegrityError D643."""
    try:
        connection.execute(_ENTER, [run, chunk.table, chunk.chunk, chunk.rows, chunk.sha256])
    except psycopg.errors.UniqueViolation:
        raise IntegrityError("D643", f"table {chunk.table} chunk {chunk.chunk}") from None
    except psycopg.Error as error:
        raise meaning(error, TABLE) from None


def forget(connection: Connection, run: str, table: int) -> None:
    """Remove the chunks of a table. Raises psycopg.Error."""
    connection.execute(_FORGET, [run, table])
