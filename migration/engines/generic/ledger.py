"""The ledger of chunks in a target, by SQLAlchemy."""

from typing import Final

import sqlalchemy as sa

from migration.engine import Copied

TABLE: Final = "jiexu_copied"

_LEDGER: Final = sa.Table(
    TABLE,
    sa.MetaData(),
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("table_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("chunk", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("row_count", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.CHAR(64), nullable=False),
)


def prepare(connection: sa.Connection) -> None:
    """Make the table where it is missing."""
    _LEDGER.create(connection, checkfirst=True)


def entries(connection: sa.Connection, run: str) -> tuple[Copied, ...]:
    """The chunks of a run, in order."""
    wanted = sa.select(_LEDGER.c.table_number, _LEDGER.c.chunk, _LEDGER.c.row_count, _LEDGER.c.sha256)
    rows = connection.execute(wanted.where(_LEDGER.c.run == run).order_by(_LEDGER.c.table_number, _LEDGER.c.chunk))
    return tuple(Copied(int(table), int(chunk), int(count), digest) for table, chunk, count, digest in rows)


def enter(connection: sa.Connection, run: str, chunk: Copied) -> None:
    """Enter a chunk; one that is there already breaks the key."""
    values = {
        "run": run,
        "table_number": chunk.table,
        "chunk": chunk.chunk,
        "row_count": chunk.rows,
        "sha256": chunk.sha256,
    }
    connection.execute(sa.insert(_LEDGER), values)


def forget(connection: sa.Connection, run: str, table: int) -> None:
    """Remove the chunks of a table."""
    connection.execute(sa.delete(_LEDGER).where(_LEDGER.c.run == run, _LEDGER.c.table_number == table))
