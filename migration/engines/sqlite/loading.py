"""Chunks into a SQLite file: a chunk's rows and its line of the ledger in one transaction."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Self

import apsw

from formats.errors import IntegrityError, ServiceError
from migration import canon
from migration.engine import Copied, Loading
from migration.engines.sqlite import ledger
from migration.engines.sqlite.binding import Bound, Unfit, binder
from migration.engines.sqlite.connecting import meaning, quote, table, writable


class SqliteSession:
    """See `engine.Session`. One writes at a time: the others wait for its transaction."""

    def __init__(self, path: Path) -> None:
        """Raises UnreachableError S409, IntegrityError D628."""
        self._connection = writable(path)
        try:
            ledger.prepare(self._connection)
        except apsw.Error as error:
            self._connection.close()
            raise meaning(error, ledger.TABLE) from None

    def load(self, run: str, chunk: Copied, loading: Loading, data: Iterable[bytes]) -> None:
        """See `engine.Session`. Foreign keys are not looked at; a rule ON CONFLICT of the table is not followed."""
        try:
            self._connection.execute("BEGIN IMMEDIATE").fetchall()
        except apsw.Error as error:
            raise meaning(error, str(loading.table)) from None
        try:
            ledger.enter(self._connection, run, chunk)
            self._insert(chunk, loading, data)
            self._connection.execute("COMMIT").fetchall()
        except apsw.Error as error:
            self._undo()
            raise _refusal(error, loading) from None
        except BaseException:
            self._undo()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def _insert(self, chunk: Copied, loading: Loading, data: Iterable[bytes]) -> None:
        names = ", ".join(quote(column.name) for column in loading.columns)
        places = ", ".join("?" * len(loading.columns))
        # OR ABORT goes before any rule in the table that would leave a row out.
        statement = f"INSERT OR ABORT INTO {table(loading.table)} ({names}) VALUES ({places})"  # noqa: S608 -- names are quoted
        before = self._connection.total_changes()
        self._connection.executemany(statement, _values(loading, data))
        taken = self._connection.total_changes() - before
        if taken != chunk.rows:
            raise IntegrityError("D642", f"{loading.table}: {taken} rows in the place of {chunk.rows}")

    def _undo(self) -> None:
        """Roll back, if SQLite has not done so by itself."""
        if self._connection.in_transaction:
            with suppress(apsw.Error):  # then the connection is of no use, and closing it rolls back
                self._connection.execute("ROLLBACK").fetchall()


def whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes cut at the ends of lines, wherever the pieces end: a line end in a cell stands in quotes."""
    held: list[bytes] = []  # pieces of a line that has not ended
    open_quotes = 0
    for piece in pieces:
        end, quotes = len(piece), open_quotes + piece.count(b'"')
        while (found := piece.rfind(b"\n", 0, end)) >= 0:
            quotes -= piece.count(b'"', found, end)
            end = found
            if not quotes % 2:
                break
        rest = piece[found + 1 :]
        if found >= 0:
            yield b"".join((*held, piece[: found + 1]))
            held, open_quotes = [], 0
        held.append(rest)
        open_quotes += rest.count(b'"')
    if any(held):
        yield b"".join(held)


def _values(loading: Loading, data: Iterable[bytes]) -> Iterator[list[Bound]]:
    """Rows for the database. Raises IntegrityError D642 for a row that does not fit its columns, D671."""
    binders = [binder(column) for column in loading.columns]
    all_rows = chain.from_iterable(canon.rows(lines) for lines in whole_lines(data))
    for number, cells in enumerate(all_rows, 1):
        if len(cells) != len(binders):
            raise IntegrityError("D642", f"{loading.table}: row {number} has {len(cells)} cells")
        try:
            yield [None if text is None else bind(text) for text, bind in zip(cells, binders, strict=True)]
        except (Unfit, ValueError):
            raise IntegrityError("D642", f"{loading.table}.{_unfit(loading, cells)}: row {number}") from None


def _unfit(loading: Loading, cells: canon.Cells) -> str:
    """The column whose cell cannot be bound."""
    for column, text in zip(loading.columns, cells, strict=True):
        try:
            if text is not None:
                binder(column)(text)
        except (Unfit, ValueError):
            return column.name
    return ""


def _refusal(error: apsw.Error, loading: Loading) -> ServiceError:
    """D642 for what the table refuses: SQLite's own words name tables, columns and constraints only."""
    if isinstance(error, apsw.ConstraintError | apsw.MismatchError | apsw.TooBigError | apsw.SQLError):
        words = (str(error).splitlines() or [""])[0]
        return IntegrityError("D642", f"{loading.table}: {words or type(error).__name__}")
    return meaning(error, str(loading.table))
