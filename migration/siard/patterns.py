r"""One row of a table's XML as a regular expression, and what its matches become. Pure.

`findall` gives each row's cells as `text<`, empty for NULL, in C, and each octet that is in no row as a match of its
own: where no match has one, the block is nothing but rows, their columns in order. One `%` sets 0xFF before and 0xFE
behind each cell — octets that UTF-8 does not have — and two passes over the block make canonical lines.
A strict pattern takes only cells that are canonical as they stand; a lenient one any plain cell, whose conversion is
then Python's, once for each value of a block. What matches neither (attributes, comments, CDATA, nesting), and what
can't be converted, is left to a real parser, whose result is the same: that is a property test.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from formats.errors import IntegrityError
from migration import canon
from migration.catalog import Kind
from migration.engine import ReadColumn
from migration.siard import escapes
from migration.siard.cells import NoSuchDayError, converter

_CELL: Final = b"\xff%b\xfe"
_NULL: Final = re.compile(b"\xff\xfe")  # `sub` looks at the octets once, `bytes.replace` counts them first
_NOTHING: Final = b"%.0b"  # takes the octet that is in no row, and writes nothing
_OCTET: Final = itemgetter(-1)
_CONTROLS: Final = bytes({*range(32)} - {9, 10, 13})  # no characters of XML
_CONTROL: Final = b"\xfd"  # what is written for one, so that it is seen
_MARKS: Final = bytes.maketrans(b"\xff<" + _CONTROLS, b'""' + _CONTROL * len(_CONTROLS))
_PLAIN: Final = rb"[^<]*+"
# Of a column that is not read, so that no translation would see a control character.
_UNREAD: Final = b"[^<" + re.escape(_CONTROLS) + b"]*+"
_PASSED: Final = rb"[^<&%b]*+(?:&(?:lt|gt|amp|quot|apos);[^<&%b]*+)*+" % (re.escape(_CONTROLS), re.escape(_CONTROLS))
_LONG: Final = (
    rb"(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8])"
)
_LEAP: Final = rb"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
_DATE: Final = rb"(?!0000)(?:\d{4}-(?:" + _LONG + rb")|" + _LEAP + rb")"
# Numbers of more digits than any type has are left to the conversion, which refuses them.
_INTEGER: Final = rb"(?:0|-?[1-9]\d{0,999}+)"
_SCALE: Final = 500

_PADDING: Final = re.compile(rb"(?: |\\u0020)*<\Z")

Cells = tuple[bytes, ...]
Convert = Callable[[bytes], bytes]


def strict(column: ReadColumn) -> bytes | None:
    """What a cell of this column looks like that is canonical as it stands; None where one must look at each."""
    scale = column.scale or 0
    match column.kind:
        case Kind.INTEGER:
            return _INTEGER
        case Kind.DECIMAL if scale == 0:
            return _INTEGER
        case Kind.DECIMAL if 0 < scale < _SCALE:
            return rb"(?!-[0.]++<)-?(?:0|[1-9]\d{0,999}+)\.\d{%d}" % scale
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
            cell = strict(column) if column else _PASSED if lenient else _UNREAD
            if column and (cell is None or (lenient and cell is not _PLAIN)):
                cell, convert = _made(self.table, column)
                converts.append((found.index(number), convert))
            assert cell is not None, "what has no pattern is converted"
            whole += b"(?:<c%d>%b</c%d>)?+" % (number, cell, number)
            row += (b"(?:<c%d>(%b<)/c%d>|)" if column else b"(?:<c%d>%b</c%d>|)") % (number, cell, number)
        order = (*(found.index(number) for number in self.order), len(found))
        return Matched(
            re.compile(rb"\s*+(?:<row>" + whole + rb"</row>\s*+)*+"),
            re.compile(rb"\s*+<row>" + row + rb"</row>|([\x00-\xff])"),
            tuple(converts),
            None if order == tuple(range(len(order))) else order,
            b",".join([_CELL] * (len(order) - 1)) + b"\n" + _NOTHING,
            bare=len(found) < self.count and not lenient,
        )


@dataclass(frozen=True, slots=True)
class Matched:
    """A compiled pattern: `whole` matches a block of rows, `row` finds the cells of one of them or an octet between.

    `converts` are made by Python. `order` are the places of a row's cells as they stand in a line, the octet's last,
    None when they stand so already; `line` is a line with places for these. Where it is `bare` it takes no entities:
    nobody would look at those of columns that are not read.
    """

    whole: re.Pattern[bytes]
    row: re.Pattern[bytes]
    converts: Sequence[tuple[int, Convert]]
    order: tuple[int, ...] | None
    line: bytes
    bare: bool

    def count(self, block: bytes) -> int | None:
        """The number of rows of a block of which every cell is canonical but for escapes; None if some may not be."""
        if self.converts or len(block.translate(None, _CONTROLS)) != len(block) or not self.whole.fullmatch(block):
            return None
        return block.count(b"<row>")

    def lines(self, block: bytes) -> tuple[bytes, int] | None:
        """The canonical lines of a block of whole rows and their number; None if it does not match.

        Raises IntegrityError D613, D615 for a cell that is not of its column's kind, D691 for a wrong entity.
        """
        if self.bare and b"&" in block:
            return None
        rows: list[Cells] = self.row.findall(block.replace(b'"', b'""') if b'"' in block else block)
        if any(map(_OCTET, rows)):
            return None
        if self.converts:
            rows = self._converted(rows)
        if self.order is not None:
            rows = [tuple([row[place] for place in self.order]) for row in rows]
        data = b"".join([self.line % row for row in rows])
        data = _NULL.sub(canon.NULL.encode(), data).translate(_MARKS, b"\xfe")
        if _CONTROL in data:
            return None
        return escapes.plain(escapes.entities(data, _inside), _inside), len(rows)

    def _converted(self, rows: Sequence[Cells]) -> list[Cells]:
        columns = list(zip(*rows, strict=True))
        for place, convert in self.converts if columns else ():
            made = {cell: convert(cell) if cell else cell for cell in dict.fromkeys(columns[place])}
            columns[place] = tuple([made[cell] for cell in columns[place]])
        return list(zip(*columns, strict=True))


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
        return b"%b<" % converted(table, column, convert, cell[:-1].decode()).encode()

    return rb"[^<&\\]*+", made


def _unpadded(cell: bytes) -> bytes:
    return _PADDING.sub(b"<", cell)


def _inside(character: bytes) -> bytes:
    return b'""' if character == b'"' else character
