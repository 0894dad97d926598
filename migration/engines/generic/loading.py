"""Loading chunks row by row: cells become values, values go in batches through the driver's executemany."""

from collections.abc import Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy import exc

from formats.errors import IntegrityError
from migration import canon
from migration.engine import Copied, Loading
from migration.engines.generic import connecting, ledger, rendering, statements

_BATCH: Final = 500  # rows


class GenericSession:
    """See `engine.Session`."""

    def __init__(self, url: str) -> None:
        """Nothing is opened yet."""
        self._engine = connecting.engine(url)
        self._connection: sa.Connection | None = None

    def load(self, run: str, chunk: Copied, loading: Loading, data: Iterable[bytes]) -> None:
        """See `engine.Session`. The ledger's line comes first, so that a second loader of the chunk waits or fails."""
        connection = self._connection
        assert connection is not None, "a session is a context manager"
        place = str(loading.table)
        with connection.begin():
            try:
                ledger.enter(connection, run, chunk)
            except exc.IntegrityError:
                raise IntegrityError("D643", f"table {chunk.table} chunk {chunk.chunk}") from None
            with connecting.meanings(place, "D642"):
                rows = _insert(connection, loading, data)
            if rows != chunk.rows:
                raise IntegrityError("D642", f"{place}: {rows} rows instead of {chunk.rows}")

    def __enter__(self) -> Self:
        self._connection = connecting.open_writing(self._engine)
        with connecting.meanings(ledger.TABLE):
            ledger.prepare(self._connection)
            self._connection.commit()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._connection is not None:
            self._connection.close()


def whole_lines(data: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes cut behind line ends that stand outside quotes, so that every piece is whole rows."""
    held = b""
    for piece in data:
        held += piece
        end = held.rfind(b"\n") + 1
        while end and held.count(b'"', 0, end) % 2:
            end = held.rfind(b"\n", 0, end - 1) + 1
        if end:
            yield held[:end]
            held = held[end:]
    if held:
        yield held


def _insert(connection: sa.Connection, loading: Loading, data: Iterable[bytes]) -> int:
    insertion = sa.insert(statements.table(loading.table, (column.name for column in loading.columns)))
    found = _values(connection, loading, data)
    count = 0
    while batch := list(islice(found, _BATCH)):
        connection.execute(insertion, batch)
        count += len(batch)
    return count


def _values(connection: sa.Connection, loading: Loading, data: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    dialect = connection.dialect.name
    for piece in whole_lines(data):
        for number, cells in enumerate(canon.rows(piece), 1):
            if len(cells) != len(loading.columns):
                raise IntegrityError("D642", f"{loading.table}: {len(cells)} cells in row {number} of a block")
            row = {}
            for text, column in zip(cells, loading.columns, strict=True):
                try:
                    row[column.name] = rendering.loaded(text, column, dialect)
                except (ValueError, ArithmeticError):
                    raise IntegrityError("D642", f"{loading.table}.{column.name}: not a {column.kind}") from None
            yield row
