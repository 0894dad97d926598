r"""One row of a table's XML as a regular expression, and what its matches become. Pure.

`findall` over a block of rows gives each row's cells as `>text<`, empty for NULL, in C. They are joined by 0xFF, rows
by 0xFE — octets that UTF-8 does not have — and a few replacements over the whole block make canonical lines of them.
A strict pattern takes only cells that are canonical as they stand; a lenient one any plain cell, whose conversion is
then Python's. What matches neither (attributes, comments, CDATA, nesting) is left to a real parser.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from formats.errors import IntegrityError
from migration.catalog import Kind
from migration.engine import ReadColumn
from migration.siard import escapes
from migration.siard.cells import NoSuchDayError, converter

_CELL: Final = b"\xff"
_ROW: Final = b"\xfe"
_NOT_NULL: Final = b"\xff\xff", b"\xffNULL\xff"
_PLAIN: Final = rb"[^<]*+"
_LONG: Final = (
    rb"(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8])"
)
_LEAP: Final = rb"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
_DATE: Final = rb"(?!0000)(?:\d{4}-(?:" + _LONG + rb")|" + _LEAP + rb")"
_INTEGER: Final = rb"(?:0|-?[1-9]\d*+)"

_PADDING: Final = re.compile(rb"(?: |\\u0020)*<\Z")

Cells = tuple[bytes, ...]
Convert = Callable[[bytes], bytes]


def strict(column: ReadColumn) -> bytes | None:
    """What a cell of this column looks like that is canonical as it stands; None where one must look at each."""
    match column.kind:
        case Kind.INTEGER:
            return _INTEGER
        case Kind.DECIMAL if column.scale:
            return rb"(?!-[0.]++<)-?(?:0|[1-9]\d*+)\.\d{%d}" % column.scale
        case Kind.DECIMAL:
            return _INTEGER
        case Kind.DATE:
            return _DATE
        case Kind.TEXT | Kind.OTHER if not column.padded:
            return _PLAIN
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Rows:
    """How the rows of one table become canonical lines. `count` columns in the file, `chosen` of them are read.

    `chosen` maps a column's number in the file to how it is read; `order` are their numbers as cells stand in a line.
    `table` is its name, for errors.
    """

    table: str
    count: int
    chosen: Mapping[int, ReadColumn]
    order: tuple[int, ...]

    def compiled(self) -> tuple["Matched", ...]:
        """The strict pattern and the lenient one, to be tried in this order."""
        return self._matched(lenient=False), self._matched(lenient=True)

    def _matched(self, *, lenient: bool) -> "Matched":
        found = sorted(self.chosen)
        converts: list[tuple[int, Convert]] = []
        whole, row = b"", b""
        for number in range(1, self.count + 1):
            column = self.chosen.get(number)
            cell = strict(column) if column else _PLAIN
            if column and (cell is None or (lenient and cell is not _PLAIN)):
                cell, convert = _made(self.table, column)
                converts.append((found.index(number), convert))
            assert cell is not None, "what has no pattern is converted"
            group = b"(>%b<)" if column else b">%b<"
            whole += b"(?:<c%d>%b</c%d>)?+" % (number, cell, number)
            row += b"(?:<c%d" % number + group % cell + b"/c%d>)?+" % number
        order = tuple(found.index(number) for number in self.order)
        return Matched(
            re.compile(rb"\s*+(?:<row>" + whole + rb"</row>\s*+)*+"),
            re.compile(b"<row>" + row + b"</row>"),
            tuple(converts),
            None if order == tuple(range(len(order))) else order,
        )


@dataclass(frozen=True, slots=True)
class Matched:
    """A compiled pattern: `whole` matches a block of rows, `row` finds its cells, `converts` are made by Python.

    `order` are the places of a row's cells as they stand in a line, None when they stand so already.
    """

    whole: re.Pattern[bytes]
    row: re.Pattern[bytes]
    converts: Sequence[tuple[int, Convert]]
    order: tuple[int, ...] | None

    def lines(self, block: bytes) -> tuple[bytes, int] | None:
        """The canonical lines of a block of whole rows and their number; None if it does not match.

        Raises IntegrityError D613, D615 for a cell that is not of its column's kind, D691 for a wrong entity.
        """
        if not self.whole.fullmatch(block):
            return None
        found = self.row.findall(block.replace(b'"', b'""') if b'"' in block else block)
        rows: list[Cells] = [(cell,) for cell in found] if found and isinstance(found[0], bytes) else found
        if self.converts:
            rows = [self._converted(row) for row in rows]
        if self.order is not None:
            rows = [tuple(row[place] for place in self.order) for row in rows]
        return _joined(rows), len(rows)

    def _converted(self, row: Cells) -> Cells:
        cells = list(row)
        for place, convert in self.converts:
            if cell := cells[place]:
                cells[place] = convert(cell)
        return tuple(cells)


def converted(table: str, column: ReadColumn, convert: Callable[[str], str], text: str) -> str:
    """A cell in its canonical form. Raises IntegrityError D613, D615 naming table and column."""
    try:
        return convert(text)
    except NoSuchDayError:
        raise IntegrityError("D613", f"{table}.{column.name}") from None
    except ValueError as error:
        raise IntegrityError("D615", f"{table}.{column.name}: {error}") from None


def _made(table: str, column: ReadColumn) -> tuple[bytes, Convert]:
    """What a cell looks like that Python can convert without a parser, and its conversion."""
    if column.kind in (Kind.TEXT, Kind.OTHER):
        return rb"[^<&]*+", _unpadded
    convert = converter(column)

    def made(cell: bytes) -> bytes:
        return b">%b<" % converted(table, column, convert, cell[1:-1].decode()).encode()

    return rb"[^<&\\]*+", made


def _unpadded(cell: bytes) -> bytes:
    return _PADDING.sub(b"<", cell)


def _joined(rows: Sequence[Cells]) -> bytes:
    """Canonical lines of rows of marked cells."""
    if not rows:
        return b""
    join: Callable[[Cells], bytes] = _CELL.join
    data = _CELL + (_CELL + _ROW + _CELL).join(map(join, rows)) + _CELL
    for plain, canonical in (
        _NOT_NULL,
        _NOT_NULL,  # again, for every second NULL of a row of them
        (b"<\xff>", b'","'),
        (b"<\xff\xfe\xff>", b'"\n"'),
        (b"\xff\xfe\xff", _ROW),
    ):
        data = data.replace(plain, canonical)
    data = data[1:-1]
    for plain, canonical in ((b"<", b'"'), (b"\xff>", b',"'), (b"\xfe>", b'\n"'), (_CELL, b","), (_ROW, b"\n")):
        data = data.replace(plain, canonical)
    opened = b'"' + data[1:] if data.startswith(b">") else data
    return escapes.plain(escapes.entities(opened, _inside), _inside) + b"\n"


def _inside(character: bytes) -> bytes:
    return b'""' if character == b'"' else character
