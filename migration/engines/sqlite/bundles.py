"""The rows of a range in bundles: SQLite joins some hundred rows into one value, Python takes one step for all of them.

A bundle's rows are read along the index that orders them, and are joined as they are read. SQLite does not promise to
join them in that order, so each bundle's last row must be the one that the same index, asked with ORDER BY, has there.
Whatever can't be read so is read row by row: where another row is the last, where rows are long, and behind a key that
is not stored as it should be.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import apsw

from formats.errors import IntegrityError
from migration.engine import Block, Bound, Reading
from migration.engines.sqlite import marking
from migration.engines.sqlite.keys import Keys

_SIZE: Final = 262_144  # bytes that a bundle shall have at most, unless one row has more
_LONGEST: Final = 16 * _SIZE  # bytes that it can have at most
_FIRST: Final = 16  # rows


@dataclass(frozen=True, slots=True)
class Bundles:
    """The bundles of one reading. `line`: a row's expression (`marking.line`). `singly`: rows of a range one by one."""

    connection: apsw.Connection
    reading: Reading
    keys: Keys
    line: str
    singly: Callable[[Bound, Bound], Iterator[Block]]

    def blocks(self, after: Bound, to: Bound) -> Iterator[Block]:
        """The rows whose key is > `after` and <= `to`. Raises ValueError if a text is not UTF-8, apsw.Error."""
        rows = _FIRST
        while True:
            try:
                end = self._end(after, to, rows)
            except (IntegrityError, UnicodeDecodeError):  # the row itself will say what is the matter, and where
                yield from self.singly(after, to)
                return
            if end is None:
                return
            marked, count = self._together(after, end)
            if marked is None or not self._ends_with(marked, end):
                yield from self.singly(after, end)
                rows = 1
            else:
                yield Block(marking.lines(marked, count, len(self.reading.columns)), count, utf8=True)
                rows = max(1, min(marking.TOGETHER, 2 * rows, count * _SIZE // len(marked)))
            after = end

    def _end(self, after: Bound, to: Bound, rows: int) -> Bound:
        """The key that ends the next rows, at most so many; None when there are none. Raises IntegrityError D615."""
        end = self._key(after, to, f"{self.keys.natural_order} LIMIT 1 OFFSET {rows - 1}")
        return end or self._key(after, to, f"{self.keys.reversed_order} LIMIT 1")

    def _key(self, after: Bound, to: Bound, order: str) -> Bound:
        where, given = self.keys.between(after, to)
        query = f"SELECT {self.keys.names} FROM {self.keys.along}{where} ORDER BY {order}"  # noqa: S608 -- names are quoted
        found: Any = self.connection.execute(query, given).fetchall()
        return self.keys.bound(self.reading, found[0]) if found else None

    def _together(self, after: Bound, to: Bound) -> tuple[bytes | None, int]:
        """The rows of a range, marked, and how many they are; None when they are too long for one value."""
        where, given = self.keys.between(after, to)
        query = f"SELECT {marking.together(self.line)}, count(*) FROM {self.keys.along}{where}"  # noqa: S608 -- names are quoted
        found: Any
        with self._bounded():
            try:
                ((found, count),) = self.connection.execute(query, given)
            except apsw.TooBigError:
                return None, 0
        return found, count

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """No value becomes longer than a bundle may be."""
        usual = self.connection.limit(apsw.SQLITE_LIMIT_LENGTH, _LONGEST)
        try:
            yield
        finally:
            self.connection.limit(apsw.SQLITE_LIMIT_LENGTH, usual)

    def _ends_with(self, marked: bytes, end: tuple[str, ...]) -> bool:
        cells = dict(zip((column.name for column in self.reading.columns), marking.last(marked), strict=False))
        return all(cells.get(name) == text.encode() for name, text in zip(self.reading.key, end, strict=True))
