# ruff: noqa: S608 -- names are quoted, everything else is of this package
r"""Loading: a chunk's bytes by LOAD DATA LOCAL, together with its line in the ledger.

With LOCAL the server makes warnings of errors and leaves rows out that are there already. So the rows that it took are
counted, every warning is a refusal, and the transaction is undone.
"""

from collections.abc import Iterable
from typing import Final, Self

import pymysql

from formats.errors import IntegrityError, ServiceError, UsageError
from migration.catalog import Kind, TableName
from migration.engine import Copied, LoadColumn, Loading
from migration.engines.mariadb.connection import Options, connect
from migration.engines.mariadb.faults import meaning, number, said, told
from migration.engines.mariadb.names import LEDGER, Sort, full_name, quoted, sort_of

MAKE_LEDGER: Final = (
    f"CREATE TABLE IF NOT EXISTS {LEDGER} (run varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, table_number int,"
    " chunk int, row_count bigint NOT NULL, sha256 char(64) CHARACTER SET ascii NOT NULL,"
    " PRIMARY KEY (run, table_number, chunk)) ENGINE=InnoDB"
)
_ENTER: Final = f"INSERT INTO {LEDGER} (run, table_number, chunk, row_count, sha256) VALUES (%s, %s, %s, %s, %s)"
# Values are taken as they are or not at all; 0 is a number like others, also where the server numbers rows.
_STRICT: Final = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE',"
    " foreign_key_checks = 1, unique_checks = 1"
)
_ENGINE: Final = """SELECT COALESCE(e.TRANSACTIONS, 'NO') FROM information_schema.TABLES t
 JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
 WHERE t.TABLE_SCHEMA = COALESCE(%s, DATABASE()) AND t.TABLE_NAME = %s"""
_NUMBERED: Final = """SELECT COLUMN_NAME FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = COALESCE(%s, DATABASE()) AND TABLE_NAME = %s AND EXTRA LIKE '%%auto_increment%%'"""
_TWICE: Final = 1062


class MariadbSession:
    """See `migration.engine.Session`."""

    def __init__(self, options: Options) -> None:
        """Connect. Raises UsageError D601, D609 (also when the server takes no LOAD DATA LOCAL), UnreachableError."""
        self._wire = connect(options, loading=True)
        self._numbered: dict[TableName, str] = {}
        try:
            with told("opening a session"):
                if not self._wire.one("SELECT @@local_infile")[0]:
                    raise UsageError("D609", "local_infile is off on the server: SET GLOBAL local_infile = 1")
                self._wire.fetch(_STRICT)
                self._wire.fetch(MAKE_LEDGER)
        except BaseException:
            self._wire.close()
            raise

    def load(self, run: str, chunk: Copied, loading: Loading, data: Iterable[bytes]) -> None:
        """See `Session`. Raises also UsageError D609 for a table without transactions, UnreachableError S409, S416."""
        query = statement(loading, self._checked(loading.table))
        try:
            self._wire.begin()
            self._enter(run, chunk)
            self._take(chunk, loading, query, data)
            self._wire.commit()
        except pymysql.MySQLError as error:
            self._undo()
            raise _refusal(error, str(loading.table)) from None
        except BaseException:
            self._undo()
            raise

    def _checked(self, table: TableName) -> str:
        """The column of the table that the server numbers, or empty, if rows of the table can be taken back."""
        if table not in self._numbered:
            names = (table.schema or None, table.name)
            with told(str(table)):
                engine = self._wire.fetch(_ENGINE, names)
                numbered = self._wire.fetch(_NUMBERED, names)
            if engine != (("YES",),):
                raise UsageError("D609", f"{table} is missing or its engine has no transactions: make it with InnoDB")
            self._numbered[table] = str(numbered[0][0]) if numbered else ""
        return self._numbered[table]

    def _enter(self, run: str, chunk: Copied) -> None:
        try:
            self._wire.fetch(_ENTER, (run, chunk.table, chunk.chunk, chunk.rows, chunk.sha256))
        except pymysql.err.IntegrityError as error:
            if number(error) != _TWICE:
                raise
            raise IntegrityError("D643", f"table {chunk.table}, chunk {chunk.chunk}") from None

    def _take(self, chunk: Copied, loading: Loading, query: str, data: Iterable[bytes]) -> None:
        self._wire.feed = data
        try:
            with self._wire.cursor() as cursor:
                taken = cursor.execute(query)
        finally:
            self._wire.feed = None
        warnings = self._wire.fetch("SHOW WARNINGS LIMIT 1")
        if warnings:
            _, code, message = warnings[0]
            raise IntegrityError("D642", f"{loading.table}: {_place(loading, message)}error {code}")
        if taken != chunk.rows:
            raise IntegrityError("D642", f"{loading.table}: {chunk.rows} rows given, {taken} taken")

    def _undo(self) -> None:
        if self._wire.open:  # else the server has undone it when the connection broke
            self._wire.rollback()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._wire.open:
            self._wire.close()


def statement(loading: Loading, numbered: str = "") -> str:
    """The LOAD DATA statement; cells that are no literals of their type go through variables.

    `numbered` is the column with AUTO_INCREMENT. Beside a SET clause the server gives a 0 in it a new number, whatever
    sql_mode says, unless the column itself stands in that clause.
    """
    changes = {column.name: _change(column, f"@v{at}") for at, column in enumerate(loading.columns)}
    if numbered in changes and any(changes.values()):
        changes[numbered] = changes[numbered] or f"@v{list(changes).index(numbered)}"
    places = [f"@v{at}" if change else quoted(name) for at, (name, change) in enumerate(changes.items())]
    settings = ", ".join(f"{quoted(name)} = {change}" for name, change in changes.items() if change)
    return (
        f"LOAD DATA LOCAL INFILE 'chunk' INTO TABLE {full_name(loading.table)} CHARACTER SET utf8mb4"
        " FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n'"
        f" ({', '.join(places)})" + (f" SET {settings}" if settings else "")
    )


def _change(column: LoadColumn, value: str) -> str:
    """What a cell becomes on the way into its column, or empty where the server reads it as it is."""
    match column.kind, sort_of(column.native):
        case (Kind.BYTES | Kind.OTHER, Sort.BYTES) | (_, Sort.SHAPE):
            # What is no hexadecimal would become NULL without a word; to take it for a number is a warning.
            return f"COALESCE(UNHEX(SUBSTRING({value}, 3)), CAST({value} AS SIGNED))"
        case (Kind.TIMESTAMPTZ, Sort.MOMENT | Sort.DATE):
            return f"LEFT({value}, 26)"
        case (_, Sort.BITS | Sort.YEAR):
            return f"CAST({value} AS UNSIGNED)"
    return ""


def _place(loading: Loading, message: str) -> str:
    """Column and row of a warning, as far as its end names them; what stands before may be a value."""
    end, _, row = message.rpartition(" at row ")
    if not row.isdigit():
        return ""
    names = [column.name for column in loading.columns if end.endswith((f"'{column.name}'", f"`{column.name}`"))]
    return f"{names[0] + ', ' if names else ''}row {row}: "


def _refusal(error: pymysql.MySQLError, table: str) -> ServiceError:
    told_before = meaning(error, table)
    if told_before is None or told_before.code == "D632":
        return IntegrityError("D642", f"{table}: {said(error)}")
    return told_before
