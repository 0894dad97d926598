"""What an environment holds though it can't be written as its kind, or without a key: named, and the rest compared.

Nothing of the kind was frozen, so all of it is a difference. A row with NULL in its key is one that the source has not.
A value that can't be written ends every reading of its row: its column is left out, the others are compared, and its
rows are looked for by halving the range of keys where ranges can be read.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final

from formats.errors import IntegrityError
from migration import canon
from migration.canon import Cells
from migration.engine import Block, Bound, ReadColumn, Reading, Snapshot
from migration.freeze.ordering import Keyed, Keys, by_key
from migration.freeze.stream import Stream
from migration.plan import TablePlan
from migration.verifying.expecting import Expected
from migration.verifying.merging import Difference

CODES: Final = frozenset({"D611", "D612", "D613", "D614", "D615", "D616", "D618"})  # of what reading can't write

_NO_KEY: Final = "D616"


@dataclass(frozen=True, slots=True)
class Span:
    """What is read of a table: all of it, or the rows whose key is > `after` and <= `to`.

    `scratch` is where a temporary file may stand. `loose`: rows with NULL in their key come first, before all ranges.
    """

    snapshot: Snapshot
    reading: Reading
    scratch: Path
    after: Bound = None
    to: Bound = None
    loose: bool = False

    @property
    def key(self) -> tuple[ReadColumn, ...]:
        """The columns of the key as they are read; none where the table has none."""
        return tuple(column for column in self.reading.columns if column.name in self.reading.key)

    def blocks(self) -> Generator[Block, None, None]:
        """The rows in order. Raises IntegrityError D611 … D618, and D671."""
        if self.loose:
            yield from self._loosely()
            return
        found = self.snapshot.blocks(self.reading, self.after, self.to)
        yield from found if self.snapshot.ordered else by_key(found, self.reading, self.scratch.with_suffix(".found"))

    def only(self, columns: Iterable[ReadColumn]) -> "Span":
        """The same rows with these columns alone, in the order of the reading."""
        wanted = {column.name for column in columns}
        return self.read(tuple(column for column in self.reading.columns if column.name in wanted))

    def read(self, columns: tuple[ReadColumn, ...]) -> "Span":
        """The same rows with other columns."""
        return replace(self, reading=replace(self.reading, columns=columns))

    def fault(self) -> IntegrityError | None:
        """What reading raises of `CODES`, if it does."""
        try:
            for _ in self.blocks():
                continue
        except IntegrityError as error:
            if error.code not in CODES:
                raise
            return error
        return None

    def _loosely(self) -> Iterator[Block]:
        """Read as if there were no key, which finds what lies in no range, and put in order here."""
        keys, bare = Keys(self.reading), replace(self.reading, key=())

        def rows(*, without: bool) -> Iterator[Block]:
            """The rows with NULL in their key, or all the others."""
            for block in self.snapshot.blocks(bare):
                for cells in canon.rows(block.data):
                    if (_null(cells, self.reading) is not None) is without:
                        yield Block(canon.line(cells), 1)

        if self.after is None:
            yield from rows(without=True)
        low, high = (_order(self.reading, self.key, bound) for bound in (self.after, self.to))
        for block in by_key(rows(without=False), self.reading, self.scratch.with_suffix(".loose")):
            for place, line in keys.keyed(block):
                if (low is None or place > low) and (high is None or place <= high):
                    yield Block(line, 1)


@dataclass(frozen=True, slots=True)
class Rest:
    """What can be compared of a span where something is odd: fewer columns, and a difference for all that is not."""

    table: TablePlan
    span: Span
    odd: tuple[Difference, ...]


def rest(span: Span, table: TablePlan, *, ranged: bool) -> Rest | None:
    """What can be compared; None where it is nothing. `ranged`: ranges of the span can be read by themselves."""
    if span.key and (error := span.only(span.key).fault()):
        span = replace(span, loose=True)
        if error.code != _NO_KEY or span.only(span.key).fault():
            return None
    names = dict(zip(span.reading.columns, table.columns, strict=True))
    faults = {column: _fault(span, column) for column in span.reading.columns}
    sound = tuple(column for column, code in faults.items() if not code)
    odd = tuple(
        Difference(own, str(table.source), key, names[column].source)
        for column, code in faults.items()
        if code
        for own, key in (_rows(span, column) if ranged and not span.loose else [(code, ())])
    )
    if not sound or not (odd or span.loose):
        return None
    return Rest(replace(table, columns=tuple(names[column] for column in sound)), span.read(sound), odd)


def keyed(blocks: Iterable[Block], reading: Reading) -> Iterator[Keyed]:
    """Rows with what they are put in order by; one with NULL in its key right behind the row that it follows."""
    keys, before = Keys(reading), b""
    for block in blocks:
        try:
            rows = keys.keyed(block)
        except IntegrityError as error:
            if error.code != _NO_KEY:
                raise
            rows = _laid(block, keys, reading, before)
        yield from rows
        before = rows[-1][0] if rows else before


def projected(expected: Expected, found: Rest) -> Iterator[tuple[int, Iterator[Block]]]:
    """The rows of all chunks as they should be, with the columns of `found` alone; each chunk with its place."""
    names = [column.source for column in expected.table.columns]
    places = [names.index(column.source) for column in found.table.columns]

    def fewer(blocks: Iterable[Block]) -> Iterator[Block]:
        """Rows with the wanted cells."""
        for block in blocks:
            lines = [canon.line([cells[place] for place in places]) for cells in canon.rows(block.data)]
            yield Block(b"".join(lines), len(lines))

    chunks = expected.blocks(0)
    if expected.table.key:
        return ((place, fewer(blocks)) for place, blocks in chunks)
    rows = fewer(chain.from_iterable(blocks for _, blocks in chunks))
    stream = Stream(by_key(rows, found.span.reading, found.span.scratch.with_suffix(".fewer")))
    return ((place, stream.take(chunk.rows)) for place, chunk in enumerate(expected.chunks))


def _fault(span: Span, column: ReadColumn) -> str:
    if column in span.key:
        return ""
    error = span.only((*span.key, column)).fault()
    return error.code if error else ""


def _rows(span: Span, column: ReadColumn) -> Iterator[tuple[str, Cells]]:
    """The rows whose value can't be read: why, and their keys."""
    key = [column.name for column in span.key]
    places = [key.index(name) for name in span.reading.key]
    rows = (cells for block in span.only(span.key).blocks() for cells in canon.rows(block.data))
    keys = [tuple(str(cells[place]) for place in places) for cells in rows]
    return _halved(span.only((*span.key, column)), keys)


def _halved(span: Span, keys: list[tuple[str, ...]]) -> Iterator[tuple[str, Cells]]:
    """Those of the keys whose rows can't be read, each with the reason; `keys` are all that the span has."""
    error = span.fault() if keys else None
    if error is None:
        return
    if len(keys) == 1:
        yield error.code, keys[0]
        return
    middle = len(keys) // 2
    yield from _halved(replace(span, to=keys[middle - 1]), keys[:middle])
    yield from _halved(replace(span, after=keys[middle - 1]), keys[middle:])


def _laid(block: Block, keys: Keys, reading: Reading, before: bytes) -> list[Keyed]:
    rows: list[Keyed] = []
    for cells in canon.rows(block.data):
        line = canon.line(cells)
        if _null(cells, reading) is None:
            rows += keys.keyed(Block(line, 1))
            before = rows[-1][0]
        else:
            rows.append((before, line))
    return rows


def _null(cells: Cells, reading: Reading) -> str | None:
    """The first column of the key that is NULL in this row."""
    pairs = zip(cells, reading.columns, strict=True)
    return next((column.name for cell, column in pairs if cell is None and column.name in reading.key), None)


def _order(reading: Reading, key: tuple[ReadColumn, ...], bound: Bound) -> bytes | None:
    """What a bound is put in order by."""
    if bound is None:
        return None
    named = {column.name: column for column in key}
    columns = tuple(named[name] for name in reading.key)
    return Keys(Reading(reading.table, columns, reading.key)).keyed(Block(canon.line(bound), 1))[0][0]
