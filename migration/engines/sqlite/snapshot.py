"""One state of a SQLite file, held by a read transaction, and its rows as canonical lines."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import apsw

from formats.errors import IntegrityError, UnreachableError
from migration.engine import Block, Bound, Identity, ReadColumn, Reading
from migration.engines.sqlite import marking, rendering, state
from migration.engines.sqlite.bundles import Bundles
from migration.engines.sqlite.cells import Stray, written
from migration.engines.sqlite.connecting import meaning, quote, read_only, table
from migration.engines.sqlite.keys import Keys

_BLOCK: Final = 262_144  # bytes
_TRIES: Final = 20


class SqliteSnapshot:
    """See `engine.Snapshot`. `connection` is for this package; `wide` says that the database is in UTF-16."""

    ordered = True

    def __init__(self, path: Path, shared: str = "") -> None:
        """Raises UnreachableError S409; IntegrityError D632 when `shared` is no longer the state of the file."""
        self._path = path
        self.connection = read_only(path)
        self._columns: list[tuple[str, ReadColumn]] = []
        self._numbers: dict[tuple[str, ReadColumn], int] = {}
        self._naming: dict[Reading, Keys] = {}
        self.connection.create_scalar_function(rendering.FUNCTION, self._cell, 3)
        self.connection.create_scalar_function(rendering.UTF8, _utf8, 1, deterministic=True)
        try:
            self._token = self._begin()
            self.encoding = self._one("PRAGMA encoding")
            at = self._one("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now')")
        except BaseException:
            self.close()
            raise
        if shared and shared != self._token:
            self.close()
            raise IntegrityError("D632", f"{path.name}: written since the first process began to read")
        self.wide = self.encoding != "UTF-8"
        self._identity = Identity("sqlite", apsw.sqlite_lib_version(), path.name, at, self._token)

    @property
    def identity(self) -> Identity:
        """See `engine.Snapshot`."""
        return self._identity

    @property
    def shared(self) -> str:
        """See `engine.Snapshot`. A process that joins begins a transaction of its own, if the file is still the same.

        With a rollback journal it is, while this snapshot is open. With a write-ahead log a writer may come between.
        """
        return self._token

    def refused(self) -> str:
        """See `engine.Snapshot`."""
        try:
            self.connection.execute('CREATE TABLE "main"."jiexu_refused" (x)').fetchall()
        except apsw.ReadOnlyError as error:
            return str(error)
        except apsw.Error as error:
            raise meaning(error, self._path.name) from None
        raise IntegrityError("D630", self._path.name)

    def ranged(self, reading: Reading) -> bool:
        """See `engine.Snapshot`."""
        return self._keys(reading).ranged

    def bounds(self, reading: Reading, rows: int) -> tuple[tuple[str, ...], ...]:
        """See `engine.Snapshot`."""
        keys = self._keys(reading)
        found: list[tuple[str, ...]] = []
        while True:
            after = found[-1] if found else None
            where, given = keys.between(after, None)
            query = (
                f"SELECT {keys.names} FROM {table(reading.table)}{where}"  # noqa: S608 -- names are quoted
                f" ORDER BY {keys.natural_order} LIMIT 2 OFFSET {rows - 1}"
            )
            ends = self._rows(reading, query, given)
            if len(ends) < 2:  # nothing lies behind
                return tuple(found)
            found.append(keys.bound(reading, ends[0]))

    def blocks(self, reading: Reading, after: Bound = None, to: Bound = None) -> Iterator[Block]:
        """See `engine.Snapshot`. A text that is not valid is D611."""
        if not after and self._keys(reading).ranged:
            self._complete(reading)
        with self._telling(reading):
            try:
                yield from self._blocks(reading, after, to)
            except ValueError:
                raise self._invalid(reading, after, to) from None

    def close(self) -> None:
        """See `engine.Snapshot`."""
        self.connection.close(force=True)  # a stream that was not read to its end does not matter

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _begin(self) -> str:
        """Begin to read, and say what state it is: that before the beginning, if it is still that behind it."""
        try:
            for _ in range(_TRIES):
                self.connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
                before = state.token(self.connection, self._path)
                self.connection.execute("BEGIN; SELECT count(*) FROM sqlite_schema").fetchall()
                state.settle(self.connection)
                if state.token(self.connection, self._path) == before:
                    return before
                self.connection.execute("ROLLBACK").fetchall()
        except apsw.Error as error:
            raise meaning(error, self._path.name) from None
        raise UnreachableError("S409", f"{self._path.name}: written all the time")

    def _one(self, query: str) -> str:
        return str(self.connection.execute(query).fetchall()[0][0])

    def _keys(self, reading: Reading) -> Keys:
        """How a reading's rows are put in order, worked out once."""
        if reading not in self._naming:
            values = [
                rendering.value(column, self._number(reading, column), key=column.name in reading.key, wide=self.wide)
                for column in reading.columns
            ]
            try:
                self._naming[reading] = Keys.of(self.connection, reading, values, wide=self.wide)
            except apsw.Error as error:
                raise meaning(error, str(reading.table)) from None
        return self._naming[reading]

    def _blocks(self, reading: Reading, after: Bound, to: Bound) -> Iterator[Block]:
        keys, columns = self._keys(reading), len(reading.columns)
        if self.wide:
            line = rendering.line(reading.columns, keys.values)
            yield from _in_blocks(self._one_by_one(line, reading, after, to), 0, _encoded)
            return
        line = self._marked(reading)

        def singly(after: Bound, to: Bound) -> Iterator[Block]:
            rows = self._one_by_one(marking.single(line), reading, after, to)
            yield from _in_blocks(rows, marking.more(columns), partial(marking.lines_of, columns=columns))

        if keys.ranged:
            yield from Bundles(self.connection, reading, keys, line, singly).blocks(after, to)
        else:
            yield from singly(after, to)

    def _marked(self, reading: Reading) -> str:
        cells = (
            marking.cell(column, self._number(reading, column), key=column.name in reading.key)
            for column in reading.columns
        )
        return marking.line(list(cells))

    def _one_by_one(self, line: str, reading: Reading, after: Bound, to: Bound) -> apsw.Cursor:
        """The rows of a range, each as this expression, in order."""
        keys = self._keys(reading)
        where, given = keys.between(after, to)
        query = f"SELECT {line} FROM {table(reading.table)}{where} ORDER BY {keys.order}"  # noqa: S608 -- names are quoted
        return self.connection.execute(query, given)

    def _invalid(self, reading: Reading, after: Bound, to: Bound) -> IntegrityError:
        """D611 with the column of the first text of these rows that is not valid: each of them is looked at."""
        values = [
            rendering.value(column, self._number(reading, column), key=column.name in reading.key, wide=True)
            for column in reading.columns
        ]
        try:
            for _ in self._one_by_one(rendering.line(reading.columns, values), reading, after, to):
                continue
        except IntegrityError as error:
            return error
        return IntegrityError("D611", str(reading.table))

    def _number(self, reading: Reading, column: ReadColumn) -> int:
        place = (str(reading.table), column)
        if place not in self._numbers:
            self._numbers[place] = len(self._columns)
            self._columns.append(place)
        return self._numbers[place]

    def _cell(self, *given: Any) -> str:
        """`jiexu_cell` of `rendering`."""
        number, storage, value = given
        name, column = self._columns[number]
        place = f"{name}.{column.name}"
        if value is None:
            raise IntegrityError("D616", place)
        try:
            return written(column, value.decode(self.encoding) if storage == "text" else value)
        except UnicodeDecodeError:
            raise IntegrityError("D611", place) from None
        except Stray as stray:
            raise IntegrityError(stray.code, f"{place}: {storage}") from None

    def _complete(self, reading: Reading) -> None:
        """A row with NULL in its key lies in no range: it is looked for before the first one is read. Raises D616."""
        for name in self._keys(reading).nullable:
            query = f"SELECT 1 FROM {table(reading.table)} WHERE {quote(name)} IS NULL LIMIT 1"  # noqa: S608 -- names are quoted
            if self._rows(reading, query, []):
                raise IntegrityError("D616", f"{reading.table}.{name}")

    def _rows(self, reading: Reading, query: str, given: list[int | str]) -> list[tuple[Any, ...]]:
        with self._telling(reading):
            return self.connection.execute(query, given).fetchall()

    @contextmanager
    def _telling(self, reading: Reading) -> Iterator[None]:
        """What SQLite's errors mean. Raises IntegrityError D611 for a text that cannot be read."""
        try:
            yield
        except UnicodeDecodeError:
            raise IntegrityError("D611", str(reading.table)) from None
        except apsw.Error as error:
            raise meaning(error, str(reading.table)) from None


def _utf8(*given: Any) -> bytes | None:
    (text,) = given
    return None if text is None else text.encode()


def _in_blocks(rows: Iterable[tuple[Any, ...]], more: int, make: Callable[[list[Any]], bytes]) -> Iterator[Block]:
    """The rows in blocks; each becomes longer by `more`, and by the quotes in it.

    This loop runs once a row: nothing is called in it that need not be.
    """
    lines: list[Any] = []
    size = 0
    for (line,) in rows:
        lines.append(line)
        size += len(line) + more
        if size >= _BLOCK:
            yield Block(make(lines), len(lines), utf8=True)
            lines, size = [], 0
    if lines:
        yield Block(make(lines), len(lines), utf8=True)


def _encoded(lines: list[str]) -> bytes:
    return "\n".join([*lines, ""]).encode()
