"""One consistent state of a PostgreSQL database: a read-only transaction, whose state other processes can join.

The token is the server's own description of what the state sees (which transactions had ended), with the cluster's
number and time line: a transaction that writes always changes it.
"""

import contextlib
import select
from collections.abc import Iterator
from typing import Any, Self

import psycopg
from psycopg import pq

from formats.errors import IntegrityError, UnreachableError, UsageError
from migration import canon
from migration.canon import Cells
from migration.catalog import Kind, TableName
from migration.engine import Block, Bound, Identity, Reading
from migration.engines.postgresql import rendering, statements
from migration.engines.postgresql.connecting import Server, connect, literal, meaning

BLOCK = 256 * 1024  # bytes
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_READ_ONLY = "25006"
_BINARY = ("C", "POSIX", "C.UTF-8", "C.utf8", "ucs_basic", "pg_c_utf8")

_NO_EXPORT = (
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InsufficientPrivilege,
)

_STATE = """
SELECT current_setting('server_version'), current_database(), pg_current_snapshot()::text, d.oid::text,
       to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), pg_encoding_to_char(d.encoding),
       current_setting('server_version_num')::int
FROM pg_database AS d WHERE d.datname = current_database()
"""
_CLUSTER = """
SELECT s.system_identifier::text || '/' || c.timeline_id FROM pg_control_system() AS s, pg_control_checkpoint() AS c
"""
# Which columns of a table have a collation of their own or the database's that orders by bytes. From PostgreSQL 15 on
# the database may go by ICU's rules, whatever `datcollate` says, and anybody may name a collation of rules "C".
_COLLATIONS = """
SELECT a.attname FROM pg_attribute AS a JOIN pg_collation AS c ON c.oid = a.attcollation
JOIN pg_database AS d ON d.datname = current_database()
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND c.collnamespace = 'pg_catalog'::regnamespace
  AND CASE WHEN c.collname = 'default' THEN d.datcollate = ANY(%s){provider} ELSE c.collname = ANY(%s) END
"""
# Which columns of a table may hold NULL, also because their constraint was never checked.
_NULLABLE = """
SELECT a.attname FROM pg_attribute AS a
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND (NOT a.attnotnull OR EXISTS (
  SELECT FROM pg_constraint AS o
  WHERE o.conrelid = a.attrelid AND o.contype = 'n' AND NOT o.convalidated AND a.attnum = ANY(o.conkey)))
"""
_NOT_ICU = " AND d.datlocprovider <> 'i'"


class PostgresqlSnapshot:
    """See `engine.Snapshot`. Not for several threads."""

    ordered = True

    def __init__(self, server: Server, shared: str = "") -> None:
        """Begin the transaction, or join the state that `shared` names.

        Raises UsageError D601, UnreachableError S409 (also for a shared state that is no longer held).
        """
        self._engine = server.engine
        self._connection = connect(server, reading=True)
        try:
            self.shared = shared or self._exported()
            if shared:
                self._join(shared)
            self.identity = self._identify()
        except psycopg.Error as error:
            self._connection.close()
            raise meaning(error, self._engine) from None
        except BaseException:
            self._connection.close()
            raise
        self._origins: dict[TableName, str] = {}
        self._natural: dict[Reading, bool] = {}

    def refused(self) -> str:
        """See `engine.Snapshot`."""
        self._run("SAVEPOINT trial")
        try:
            self._connection.execute("CREATE TABLE public.jiexu_trial (trial integer)")
        except psycopg.Error as error:
            self._run("ROLLBACK TO SAVEPOINT trial")
            if error.sqlstate == _READ_ONLY:
                return error.diag.message_primary or _READ_ONLY
            raise meaning(error, "trial of a write") from None
        self._run("ROLLBACK TO SAVEPOINT trial")
        raise IntegrityError("D630", self.identity.name)

    def ranged(self, reading: Reading) -> bool:
        """See `engine.Snapshot`: whether the key's own order is the canonical one, so that its index serves.

        A row with NULL in its key lies in no range: where there may be one, there are none.
        """
        if reading not in self._natural:
            columns = {column.name: column for column in reading.columns}
            binary, nullable = self._binary(reading.table), self._nullable(reading.table)
            self._natural[reading] = bool(reading.key) and all(
                key not in nullable and rendering.naturally(columns[key], binary=key in binary) for key in reading.key
            )
        return self._natural[reading]

    def bounds(self, reading: Reading, rows: int) -> tuple[tuple[str, ...], ...]:
        """See `engine.Snapshot`."""
        found = self.answers(statements.bounds(reading, self.origin(reading.table), rows), str(reading.table))
        return tuple(tuple(str(value) for value in key) for key in found)

    def blocks(self, reading: Reading, after: Bound = None, to: Bound = None) -> Iterator[Block]:
        """See `engine.Snapshot`. Raises IntegrityError D611 for text that is not UTF-8, D632 for a missing table.

        Raises UsageError D609 for floats of a server before PostgreSQL 12, which does not write the shortest digits.
        """
        if self.version < 120_000 and any(column.kind is Kind.FLOAT for column in reading.columns):
            raise UsageError("D609", f"{reading.table}: this server does not write floats exactly")
        origin = self.origin(reading.table)
        query = statements.lines(reading, origin, "" if self.ranged(reading) else self.encoding, after, to)
        for block in self.stream(query, str(reading.table)):
            if self.encoding == "SQL_ASCII":
                _check(block.data, str(reading.table))
            yield block

    def stream(self, query: str, place: str) -> Iterator[Block]:
        """A query's rows as canonical lines, in blocks. Raises as `connecting.meaning`."""
        pgconn = self._connection.pgconn
        self._run("SAVEPOINT reading")
        whole = False
        try:
            result = pgconn.exec_(statements.copying(query, self.encoding).encode())
            if result.status != pq.ExecStatus.COPY_OUT:
                raise psycopg.errors.error_from_result(result)
            yield from _blocks(pgconn)
            _end(pgconn)
            whole = True
        except psycopg.Error as error:
            raise meaning(error, place) from None
        finally:
            if not whole:
                self._stop()
            elif not self._connection.closed:
                self._run("RELEASE SAVEPOINT reading")

    def answers(self, query: str, place: str) -> list[Cells]:
        """The rows of a query of few rows, each cell as text; bytes that are no text are written with backslashes."""
        return [
            cells
            for block in self.stream(query, place)
            for cells in canon.rows(block.data.decode(errors="backslashreplace").encode())
        ]

    def origin(self, table: TableName) -> str:
        """What stands behind FROM: a partitioned table with its parts, any other without those that inherit from it.

        Raises IntegrityError D632 when there is no such table.
        """
        if table not in self._origins:
            name = statements.table(table)
            rows = self._run("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", name)
            if not rows:
                raise IntegrityError("D632", f"{table} is missing")
            self._origins[table] = name if rows[0][0] == "p" else f"ONLY {name}"
        return self._origins[table]

    def close(self) -> None:
        """See `engine.Snapshot`."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _exported(self) -> str:
        """The name under which others join this transaction's state; empty where the server exports none."""
        self._connection.execute(_BEGIN)
        try:
            row = self._connection.execute("SELECT pg_export_snapshot()").fetchone()
        except (
            psycopg.errors.FeatureNotSupported,
            psycopg.errors.UndefinedFunction,
            psycopg.errors.InsufficientPrivilege,
        ):
            self._connection.execute("ROLLBACK")
            self._connection.execute(_BEGIN)
            return ""
        assert row is not None, "a SELECT without FROM gives a row"
        return str(row[0])

    def _join(self, shared: str) -> None:
        try:
            self._connection.execute(_BEGIN)
            self._connection.execute(f"SET TRANSACTION SNAPSHOT {literal(shared)}".encode())
        except (psycopg.errors.InvalidParameterValue, psycopg.errors.UndefinedObject):
            raise UnreachableError("S409", "the shared snapshot is no longer held") from None

    def _identify(self) -> Identity:
        (row,) = self._connection.execute(_STATE).fetchall()
        version, name, seen, database, at, self.encoding, self.version = row
        return Identity(self._engine, version, name, at, f"{self._cluster()}/{database}/{seen}")

    def _cluster(self) -> str:
        self._connection.execute("SAVEPOINT cluster")
        try:
            row = self._connection.execute(_CLUSTER).fetchone()
        except psycopg.errors.InsufficientPrivilege:
            self._connection.execute("ROLLBACK TO SAVEPOINT cluster")
            return ""
        return str(row[0]) if row else ""

    def _binary(self, table: TableName) -> frozenset[str]:
        if self.encoding not in rendering.AS_IT_STANDS:
            return frozenset()
        binary = list(_BINARY)
        query = _COLLATIONS.format(provider=_NOT_ICU if self.version >= 150_000 else "")
        return frozenset(row[0] for row in self._run(query, statements.table(table), binary, binary))

    def _nullable(self, table: TableName) -> frozenset[str]:
        return frozenset(row[0] for row in self._run(_NULLABLE, statements.table(table)))

    def _run(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        try:
            cursor = self._connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise meaning(error, self.identity.name) from None

    def _stop(self) -> None:
        """End a COPY that failed or that its reader left, so that the connection can be used again."""
        pgconn = self._connection.pgconn
        if pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
            self._connection.cancel_safe()
            with contextlib.suppress(psycopg.errors.QueryCanceled):  # what was asked for
                _end(pgconn)
        if not self._connection.closed:
            self._run("ROLLBACK TO SAVEPOINT reading")


def _blocks(pgconn: pq.abc.PGconn) -> Iterator[Block]:
    """What COPY sends, a row at a time, joined to blocks. Waits without holding other threads up.

    Each row is added at once, while the processor has it at hand: to join some thousands later costs three times that.
    """
    lines = bytearray()
    rows = 0
    get = pgconn.get_copy_data
    while True:
        count, data = get(1)
        if count > 0:
            lines += data
            rows += 1
            if len(lines) >= BLOCK:
                yield Block(bytes(lines), rows)
                lines.clear()
                rows = 0
        elif count == 0:
            select.select([pgconn.socket], [], [])
            pgconn.consume_input()
        else:
            break
    if rows:
        yield Block(bytes(lines), rows)


def _end(pgconn: pq.abc.PGconn) -> None:
    """Take what a COPY has not sent yet, and its result. Raises psycopg.Error if it failed."""
    failed = None
    while result := pgconn.get_result():
        if result.status == pq.ExecStatus.COPY_OUT:
            for _ in _blocks(pgconn):
                continue
        elif result.status != pq.ExecStatus.COMMAND_OK:
            failed = psycopg.errors.error_from_result(result)
    if failed:
        raise failed


def _check(data: bytes, place: str) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise IntegrityError("D611", place) from None
