"""The target's ledger of the chunks that it holds: a line is written in the transaction that loads its chunk."""

from typing import Final

import apsw

from formats.errors import IntegrityError
from migration.engine import Copied

TABLE: Final = "jiexu_copied"
_PREPARE: Final = f"""
CREATE TABLE IF NOT EXISTS "main".{TABLE} (
    run varchar(64) NOT NULL, table_number int NOT NULL, chunk int NOT NULL, row_count bigint NOT NULL,
    sha256 char(64) NOT NULL, PRIMARY KEY (run, table_number, chunk)
)
"""
_ENTRIES: Final = (
    "SELECT table_number, chunk, row_count, sha256 FROM jiexu_copied WHERE run = ? ORDER BY table_number, chunk"
)
_ENTER: Final = "INSERT INTO jiexu_copied (run, table_number, chunk, row_count, sha256) VALUES (?, ?, ?, ?, ?)"
_FORGET: Final = "DELETE FROM jiexu_copied WHERE run = ? AND table_number = ?"


def prepare(connection: apsw.Connection) -> None:
    """Make the table where it is missing. Raises apsw.Error."""
    connection.execute(_PREPARE).fetchall()


def entries(connection: apsw.Connection, run: str) -> tuple[Copied, ...]:
    """The chunks of a run, in order. Raises apsw.Error."""
    return tuple(Copied(*row) for row in connection.execute(_ENTRIES, (run,)))


def enter(connection: apsw.Connection, run: str, chunk: Copied) -> None:
    """Enter a chunk. Raises IntegrityError D643, apsw.Error."""
    try:
        connection.execute(_ENTER, (run, chunk.table, chunk.chunk, chunk.rows, chunk.sha256)).fetchall()
    except apsw.ConstraintError:
        raise IntegrityError("D643", f"table {chunk.table} chunk {chunk.chunk}") from None


def forget(connection: apsw.Connection, run: str, table: int) -> None:
    """Remove the chunks of a table. Raises apsw.Error."""
    connection.execute(_FORGET, (run, table)).fetchall()
