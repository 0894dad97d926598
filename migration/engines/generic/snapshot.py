"""One state of a database, read row by row."""

import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy import exc

from formats.errors import IntegrityError
from migration import canon
from migration.canon import Cells
from migration.engine import Block, Bound, Identity, ReadColumn, Reading
from migration.engines.generic import connecting, rendering, statements
from migration.freeze import ordering

_FETCHED: Final = 500  # rows at once
_BLOCK: Final = 256 * 1024


class GenericSnapshot:
    """See `engine.Snapshot`. No other process can share it; rows without a key of numbers are sorted here."""

    shared = ""
    ordered = True

    def __init__(self, url: str) -> None:
        """Open it. Raises UsageError D601, D602, D609; UnreachableError S409."""
        self._engine = connecting.engine(url)
        self._connection = connecting.open_reading(self._engine)
        with connecting.meanings(self._engine.dialect.name):
            at = str(self._connection.scalar(sa.select(sa.func.current_timestamp())))
        version = ".".join(map(str, self._engine.dialect.server_version_info or ()))
        database = str(self._engine.url.database or "")
        self.identity = Identity(connecting.name(self._engine), version, database, at, "")

    def refused(self) -> str:
        """See `engine.Snapshot`: no row is deleted from the first table, which is refused nevertheless."""
        names = sorted(sa.inspect(self._connection).get_table_names())
        if not names:
            return "there is no table to write to"
        deletion = sa.delete(sa.table(sa.sql.elements.quoted_name(names[0], quote=True))).where(sa.literal(1) == 0)
        try:
            if self._engine.dialect.name == "postgresql":
                with self._connection.begin_nested():  # where a refusal ends the transaction
                    self._connection.execute(deletion)
            else:
                self._connection.execute(deletion)
        except exc.DBAPIError as error:
            return str(error.orig).strip()
        raise IntegrityError("D630", names[0])

    def ranged(self, reading: Reading) -> bool:
        """See `engine.Snapshot`: keys of numbers."""
        return statements.ranged(reading)

    def bounds(self, reading: Reading, rows: int) -> tuple[tuple[str, ...], ...]:
        """See `engine.Snapshot`."""
        with connecting.meanings(str(reading.table)):
            found = self._connection.execute(statements.bounds(reading, rows))
            return tuple(tuple(str(int(value)) for value in row) for row in found)

    def blocks(self, reading: Reading, after: Bound = None, to: Bound = None) -> Iterator[Block]:
        """See `engine.Snapshot`."""
        found = self._unsorted(reading, after, to)
        if statements.ranged(reading):
            yield from found
            return
        with tempfile.TemporaryDirectory(prefix="jiexu-") as folder:
            yield from ordering.by_key(found, reading, Path(folder) / "sorted.db")

    def values(self, reading: Reading) -> Iterator[tuple[Any, ...]]:
        """The rows as the driver gives them, in no order to rely on."""
        for rows in self._fetched(reading, None, None):
            yield from rows

    def close(self) -> None:
        """See `engine.Snapshot`."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _unsorted(self, reading: Reading, after: Bound, to: Bound) -> Iterator[Block]:
        held: list[bytes] = []
        size = 0
        with closing(self._fetched(reading, after, to)) as fetched:
            for rows in fetched:
                for row in rows:
                    held.append(canon.line(_cells(row, reading)))
                    size += len(held[-1])
                    if size >= _BLOCK:
                        yield Block(b"".join(held), len(held))
                        held, size = [], 0
        if held:
            yield Block(b"".join(held), len(held))

    def _fetched(self, reading: Reading, after: Bound, to: Bound) -> Generator[list[tuple[Any, ...]], None, None]:
        query = statements.rows(reading, after, to)
        options = {"stream_results": True, "max_row_buffer": _FETCHED}
        with (
            connecting.meanings(str(reading.table), "D615"),
            self._connection.execute(query, execution_options=options) as result,
        ):
            while rows := result.fetchmany(_FETCHED):
                yield [tuple(row) for row in rows]


def _cells(row: tuple[Any, ...], reading: Reading) -> Cells:
    try:
        return tuple(map(rendering.written, row, reading.columns))
    except ValueError:
        wrong = next(column for value, column in zip(row, reading.columns, strict=True) if not readable(value, column))
        raise IntegrityError("D615", f"{reading.table}.{wrong.name}") from None


def readable(value: Any, column: ReadColumn) -> bool:
    """Whether the value is one of the column's kind."""
    try:
        rendering.written(value, column)
    except ValueError:
        return False
    return True
