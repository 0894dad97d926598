# ruff: noqa: S608 -- names are quoted, everything else is of this package
"""One consistent state of a MariaDB database, and its rows as canonical lines.

The state is that of one read-only transaction, which no other process can join. Tables without transactions have no
states: they are locked against writing for as long as the snapshot is open, by a connection that does nothing else.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Final, Self

import pymysql

from formats.errors import IntegrityError, UsageError
from migration import canon
from migration.catalog import TableName
from migration.engine import Block, Bound, Identity, ReadColumn, Reading
from migration.engines.mariadb.connection import Options, connect
from migration.engines.mariadb.faults import number, told
from migration.engines.mariadb.names import full_name, quoted
from migration.engines.mariadb.rendering import beyond, cell, line, natural, ordering, sortable
from migration.engines.mariadb.tables import Facts, facts, without_transactions
from migration.engines.mariadb.wire import Row, Wire

ENGINE: Final = "mariadb"  # MySQL too: what differs stands in the version

_ANY: Final = """SELECT TABLE_NAME FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' LIMIT 1"""
_BLOCK: Final = 256 * 1024
_PATIENCE: Final = 60  # seconds for a table's lock
_SORT: Final = (1024, 8 * 1024 * 1024)  # the bytes by which the server tells values apart when it sorts: least, most
_SORT_BUFFER: Final = 4 * 1024 * 1024


class MariadbSnapshot:
    """See `migration.engine.Snapshot`. Its rows must be read to their end, or the rest is read and thrown away."""

    def __init__(self, options: Options) -> None:
        """Open it. Raises UsageError D601, D609, UnreachableError S409."""
        self._wire = connect(options)
        self._guard: Wire | None = None
        self._facts: dict[TableName, Facts] = {}
        try:
            with told("opening a snapshot"):
                self._lock(options)
                self._wire.fetch("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                self._wire.fetch("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
                self._identity = _identity(self._wire, str(options["database"]))
        except BaseException:
            self.close()
            raise

    def _lock(self, options: Options) -> None:
        loose = without_transactions(self._wire)
        if not loose:
            return
        self._guard = connect(options)
        self._guard.fetch(f"SET SESSION lock_wait_timeout = {_PATIENCE}")
        self._guard.fetch("LOCK TABLES " + ", ".join(f"{quoted(name)} READ" for name in loose))

    @property
    def identity(self) -> Identity:
        """See `Snapshot`. The token is the place in the binary log, and empty without one that has everything."""
        return self._identity

    @property
    def shared(self) -> str:
        """Empty: no other connection can enter a state of MariaDB."""
        return ""

    @property
    def ordered(self) -> bool:
        """Rows come in the order of their key."""
        return True

    def refused(self) -> str:
        """See `Snapshot`. What is tried is a DELETE of no row."""
        with told("tables"):
            tables = self._wire.fetch(_ANY)
        trial = f"DELETE FROM {quoted(tables[0][0])} WHERE FALSE" if tables else "CREATE TABLE jiexu_trial (a int)"
        try:
            self._wire.fetch(trial)
        except pymysql.MySQLError as error:
            return f"{number(error)}: {error.args[-1]}"  # without values: the trial has none
        raise IntegrityError("D630", "MariaDB")

    def ranged(self, reading: Reading) -> bool:
        """See `Snapshot`. Texts only in a collation that is binary to the last blank (`utf8mb4_nopad_bin`)."""
        known = self._known(reading)
        columns = _key(reading)
        return bool(columns) and known.indexed(reading) and all(natural(c, known.charsets[c.name]) for c in columns)

    def bounds(self, reading: Reading, rows: int) -> tuple[tuple[str, ...], ...]:
        """See `Snapshot`."""
        known, columns = self._known(reading), _key(reading)
        keys = Reading(reading.table, columns, reading.key)
        found: list[tuple[str, ...]] = []
        while True:
            query = self._query(keys, found[-1] if found else None, None)
            with told(str(reading.table)):
                # One row more than asked for: what lies behind the last bound is never empty.
                lines = self._wire.fetch(f"{query} LIMIT 2 OFFSET {rows - 1}")
            if len(lines) < 2:
                return tuple(found)
            if lines[0][0] is None:
                raise self._fault(keys, known, "TRUE")
            (cells,) = canon.rows(lines[0][0])
            found.append(tuple(str(text) for text in cells))

    def blocks(self, reading: Reading, after: Bound = None, to: Bound = None) -> Iterator[Block]:
        """See `Snapshot`. Raises IntegrityError D611, D613, D615, D632; UsageError D609; UnreachableError S409."""
        query = self._query(reading, after, to)
        with told(str(reading.table)):
            if not (reading.key and self.ranged(reading)):
                self._widen(reading)
            with closing(self._wire.lines(query, _BLOCK)) as found:
                for lines in found:
                    sound = [data for data in lines if data is not None]
                    if len(sound) < len(lines):
                        break
                    if sound:
                        yield Block(b"".join(sound), len(sound))
                else:
                    return
        raise self._fault(reading, self._known(reading), self._range(reading, after, to))

    def rows(self, reading: Reading, condition: str, most: int) -> tuple[canon.Cells, ...]:
        """The first rows that fulfil a condition, in which the table is `row`; not those that can't be written."""
        known = self._known(reading)
        table = f"{full_name(reading.table)} `row`"
        query = f"SELECT {line(reading, known.charsets)} FROM {table} WHERE {condition} LIMIT {most}"
        return tuple(row for (data,) in self.fetch(reading.table, query) if data for row in canon.rows(data))

    def fetch(self, table: TableName, query: str) -> tuple[Row, ...]:
        """A short answer from this state."""
        with told(str(table)):
            return self._wire.fetch(query)

    def facts(self, table: TableName) -> Facts:
        """The facts of a table, read once."""
        if table not in self._facts:
            with told(str(table)):
                self._facts[table] = facts(self._wire, table)
        return self._facts[table]

    def _known(self, reading: Reading) -> Facts:
        known = self.facts(reading.table)
        if missing := [column.name for column in reading.columns if column.name not in known.charsets]:
            raise IntegrityError("D632", f"{reading.table}: no column {', '.join(missing)}")
        return known

    def _query(self, reading: Reading, after: Bound, to: Bound) -> str:
        known = self._known(reading)
        order = ordering(_key(reading) or reading.columns, known.charsets, keyed=bool(reading.key))
        where = self._range(reading, after, to)
        return f"SELECT {line(reading, known.charsets)} FROM {full_name(reading.table)} WHERE {where} ORDER BY {order}"

    def _range(self, reading: Reading, after: Bound, to: Bound) -> str:
        charsets, columns = self._known(reading).charsets, _key(reading)
        bounds = [(after, ">"), (to, "<=")]
        return " AND ".join(beyond(columns, charsets, key, sign) for key, sign in bounds if key) or "TRUE"

    def _widen(self, reading: Reading) -> None:
        """Let the server sort by whole values: by itself it looks at the first 1,024 bytes only."""
        known, columns = self._known(reading), _key(reading) or reading.columns
        longest = ", ".join(f"COALESCE(MAX(LENGTH({sortable(c, known.charsets[c.name])})), 0)" for c in columns)
        row = self._wire.one(f"SELECT {longest} FROM {full_name(reading.table)}")
        # The server writes the length behind the value, within the same bytes.
        width = max(_SORT[0], max(map(int, row)) + 64)
        if width > _SORT[1]:
            raise UsageError("D609", f"{reading.table}: without a key, values longer than {_SORT[1]} bytes")
        buffer = max(_SORT_BUFFER, 32 * width * len(columns))
        self._wire.fetch(f"SET SESSION max_sort_length = {width}, sort_buffer_size = {buffer}")

    def _fault(self, reading: Reading, known: Facts, where: str) -> IntegrityError | UsageError:
        """Why a line of this range was NULL."""
        for column in reading.columns:
            found = cell(column, known.charsets[column.name])
            if not found.sound:
                continue
            bad = unsound(column.name, found.sound)
            ((rows,),) = self.fetch(
                reading.table, f"SELECT COUNT(*) FROM {full_name(reading.table)} WHERE {where} AND {bad}"
            )
            if rows:
                return IntegrityError(found.code, f"{reading.table}.{column.name}: {rows} rows")
        return UsageError("D609", f"{reading.table}: a row is longer than max_allowed_packet of the server")

    def close(self) -> None:
        """See `Snapshot`."""
        for wire in filter(None, (self._wire, self._guard)):
            if wire.open:
                wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def unsound(name: str, sound: str) -> str:
    """The condition that a value is none that can be written, from the condition that it can."""
    return f"({quoted(name)} IS NOT NULL AND NOT COALESCE({sound}, FALSE))"


def _key(reading: Reading) -> tuple[ReadColumn, ...]:
    columns = {column.name: column for column in reading.columns}
    return tuple(columns[name] for name in reading.key)


def _identity(wire: Wire, name: str) -> Identity:
    (at,) = wire.one("SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ')")
    return Identity(ENGINE, wire.version, name, str(at), _token(wire) if wire.is_mariadb else "")


def _token(wire: Wire) -> str:
    """The snapshot's own place in the binary log.

    Empty when there is none, when it leaves databases out, or when the account may not see whether it does.
    """
    if not wire.one("SELECT @@log_bin")[0]:
        return ""
    try:
        log = wire.fetch("SHOW MASTER STATUS")
    except pymysql.err.OperationalError as error:
        if error.args[0] == 1227:  # the right BINLOG MONITOR is missing
            return ""
        raise
    if not log or any(log[0][2:4]):
        return ""
    place: dict[str, str] = dict(wire.fetch("SHOW STATUS LIKE 'binlog_snapshot_%'"))
    return f"{place['Binlog_snapshot_file']}:{place['Binlog_snapshot_position']}"
