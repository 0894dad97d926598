"""Canonical lines as the rows of a SIARD table, in bulk. Pure.

A regular expression finds the cells of a line in C and checks their form, one `%` writes a row's tags, and some passes
over the whole block do the rest. That nothing stood beside the lines that were found is seen by their lengths, which
add up to the block's. Cells that are too long to stand there are handed out by number.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from formats.errors import IntegrityError
from migration import canon
from migration.catalog import Column, Kind, TableName
from migration.engine import Block
from migration.siard import escapes, sql_types
from migration.siard.form import INSTANCE_SPACE, TABLE_SPACE, VERSION, Place

_LARGE: Final = re.compile(rb"<c(\d+)>\xff(\d+)</c\d+>")
_HEX: Final = re.compile(rb">\\u005Cx([0-9a-f]*)<")
_MISSING: Final = re.compile(rb"<c\d++>T?+Z?+</c\d++>")  # what NULL becomes first
_DOUBLED: Final = b"\xfd"  # octets that UTF-8 does not have: a quote in a text, the end of a row
_ENDED: Final = b"\xfe"
_ENDS: Final = bytes.maketrans(_DOUBLED + _ENDED, b'"\n')
_TEXT: Final = rb'[^"]*+(?:""[^"]*+)*+'
_DAY: Final = rb"(?!0000)\d{4}-\d\d-\d\d"
_CLOCK: Final = rb"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}"
# A cell with its quotes. The closing one is in a group: it tells an empty text from NULL, and is taken out later.
_FORMS: Final = {
    Kind.INTEGER: rb'"(-?\d++")',
    Kind.DECIMAL: rb'"(-?\d++(?:\.\d++)?+")',
    Kind.NUMBER: rb'"(-?\d++(?:\.\d++)?+")',
    Kind.FLOAT: rb'"((?:-?\d++(?:\.\d++)?+(?:e[+-]\d++)?+|NaN|-?Infinity)")',
    Kind.BOOLEAN: rb'"([01]")',
    Kind.DATE: b'"(' + _DAY + b'")',
    Kind.TIME: b'"(' + _CLOCK + b'")',
    Kind.TIMESTAMP: b'"(' + _DAY + b") (" + _CLOCK + b'")',
    Kind.TIMESTAMPTZ: b'"(' + _DAY + b") (" + _CLOCK + rb')\+00"',
    Kind.BYTES: rb'"(\\u005Cx[0-9a-f]*+|\xff\d++)"',  # not here, so that no text looks like octets
    Kind.TEXT: b'"(' + _TEXT + b'")',
    Kind.OTHER: b'"(' + _TEXT + b'")',
}
# How many octets of a cell are in no group, where it is not the opening quote alone.
_BESIDE: Final = {Kind.TIMESTAMP: 2, Kind.TIMESTAMPTZ: 6, Kind.BYTES: 2}
_SHAPES: Final = {Kind.TIME: b"%bZ", Kind.TIMESTAMP: b"%bT%bZ", Kind.TIMESTAMPTZ: b"%bT%bZ"}
_WORDS: Final = {
    Kind.BOOLEAN: ((b'1"', b"true"), (b'0"', b"false")),
    Kind.FLOAT: ((b'Infinity"', b"INF"), (b'-Infinity"', b"-INF")),
}
_BOUNDED: Final = (Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)

NULL: Final = canon.NULL.encode()
END: Final = b"</table>\n"


@dataclass(frozen=True, slots=True)
class Large:
    """A cell with a file of its own: column and record count from 0, `text` is its canonical text."""

    column: int
    record: int
    text: str


class Made(NamedTuple):
    """A block's rows as XML; no cell of them had more octets than `longest`."""

    xml: bytes
    longest: int


def start(place: Place) -> bytes:
    """What stands before the rows."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<table xmlns="{TABLE_SPACE}" xmlns:xsi="{INSTANCE_SPACE}" '
        f'xsi:schemaLocation="{TABLE_SPACE} {place.table}.xsd" version="{VERSION}">\n'
    ).encode()


def content(column: Column, text: str) -> bytes:
    """What stands in the file of a large cell."""
    return bytes.fromhex(text[2:]) if column.kind is Kind.BYTES else text.encode()


def extension(column: Column) -> str:
    """The name's end of the file of a large cell."""
    return "bin" if column.kind is Kind.BYTES else "txt"


class Renderer:
    """Makes XML of one table's canonical lines, block by block in their order.

    `inline` is how many octets a cell of a large object's column may have to stand in the XML itself. `apart` tells
    whether any cell so far had more.
    """

    def __init__(self, name: TableName, columns: Sequence[Column], place: Place, inline: int) -> None:
        self._name = name
        self._columns = columns
        self._place = place
        self._inline = inline + 2  # its quotes
        self._tags = _Tags(columns)
        self._large = tuple(number for number, column in enumerate(columns) if sql_types.is_large(column))
        self._raw = re.compile(b",".join([b'("' + _TEXT + b'"|NULL)'] * len(columns)) + b"\n")
        self._record = 0
        self.apart = False

    def xml(self, block: Block) -> bytes:
        """A block's rows as XML.

        Raises IntegrityError D615, D618 naming the column for a value that SIARD has no form for.
        """
        made = self._tags.xml(escapes.markup(block.data))
        if made is None:
            raise self._wrong(block.data)
        if self._large and made.longest > self._inline and self._long(block.data):
            elements, tokens = self._elements(block)
            made = self._tags.xml(escapes.markup(tokens))
            assert made is not None, "numbers in the place of cells have their form too"
            made = Made(_LARGE.sub(lambda found: elements[int(found[2])], made.xml), 0)
        self._record += block.rows
        return made.xml

    def large(self, block: Block) -> Iterator[Large]:
        """The cells of a block that have files of their own; blocks must come in order, and through `xml` or here."""
        for record, row in enumerate(self._rows(block.data), start=self._record):
            for column in self._large:
                if self._is_long(row[column]):
                    yield Large(column, record, row[column][1:-1].replace(b'""', b'"').decode())
        self._record += block.rows

    def _long(self, data: bytes) -> bool:
        """Whether any cell is too long."""
        return any(self._is_long(row[column]) for row in self._rows(data) for column in self._large)

    def _is_long(self, cell: bytes) -> bool:
        return len(cell) > self._inline and cell != NULL

    def _rows(self, data: bytes) -> list[tuple[bytes, ...]]:
        found = self._raw.findall(data)
        return found if len(self._columns) > 1 else [(cell,) for cell in found]

    def _elements(self, block: Block) -> tuple[list[bytes], bytes]:
        """The elements in the place of cells that are too long, and the block with their numbers for cells."""
        elements: list[bytes] = []
        lines: list[bytes] = []
        for record, row in enumerate(self._rows(block.data), start=self._record):
            cells = list(row)
            for column in self._large:
                if self._is_long(cells[column]):
                    text = cells[column][1:-1].replace(b'""', b'"').decode()
                    cells[column] = b'"\xff%d"' % len(elements)
                    elements.append(self._element(Large(column, record, text)))
            lines.append(b",".join(cells) + b"\n")
        self.apart = self.apart or bool(elements)
        return elements, b"".join(lines)

    def _element(self, large: Large) -> bytes:
        column = self._columns[large.column]
        data = content(column, large.text)
        length = len(data) if column.kind is Kind.BYTES else len(large.text)
        file = self._place.large(large.column, large.record, extension(column))
        digest = hashlib.sha256(data).hexdigest().upper()
        return (
            f'<c{large.column + 1} file="{file}" length="{length}" digestType="SHA-256" digest="{digest}"/>'
        ).encode()

    def _wrong(self, data: bytes) -> IntegrityError:
        """What is wrong with lines that are not as they must be."""
        for cells in canon.rows(data):
            if len(cells) != len(self._columns):
                break
            for column, text in zip(self._columns, cells, strict=True):
                form = re.compile(_FORMS[column.kind])
                if text is not None and not form.fullmatch(escapes.markup(canon.cell(text).encode())):
                    code = "D618" if column.kind in _BOUNDED else "D615"
                    return IntegrityError(code, f"{self._name}.{column.name}")
        return IntegrityError("D671", str(self._name))


class _Tags:
    """Canonical lines between tags, all of a block at once."""

    def __init__(self, columns: Sequence[Column]) -> None:
        forms = [_FORMS[column.kind] for column in columns]
        self._line = re.compile(b",".join(b"(?:%b|NULL)" % form for form in forms) + b"\n")
        tags = [_tagged(number, _SHAPES.get(column.kind, b"%b")) for number, column in enumerate(columns, start=1)]
        self._row = b"<row>%b</row>" % b"".join(tags) + _ENDED
        groups = [re.compile(form).groups for form in forms]
        beside = [_BESIDE.get(column.kind, 1) for column in columns]
        self._beside = sum(beside) + len(columns) - len(self._row.replace(b"%b", b""))
        self._wider = [(sum(groups[:place]), more - 1) for place, more in enumerate(beside) if more > 1]
        self._words = [
            (_tagged(number, plain), _tagged(number, word))
            for number, column in enumerate(columns, start=1)
            for plain, word in _WORDS.get(column.kind, ())
        ]
        self._bytes = any(column.kind is Kind.BYTES for column in columns)

    def xml(self, data: bytes) -> Made | None:
        """Lines, with markup and backslashes escaped, as rows; None if these are not lines of cells of their kinds."""
        found = self._line.findall(data)
        found = [(cell,) for cell in found] if self._line.groups == 1 else found
        rows = [self._row % row for row in found]
        out, nulls = _MISSING.subn(b"", tagged := b"".join(rows))
        missing = sum(more * sum(not row[place] for row in found) for place, more in self._wider)
        if len(tagged) + self._beside * len(found) + (len(NULL) - 1) * nulls - missing != len(data):
            return None
        for plain, word in self._words:
            out = out.replace(plain, word)
        if self._bytes:
            out = _HEX.sub(lambda found: b">%b<" % found[1].upper(), out)
        out = escapes.controls(out)
        out = out.replace(b'""', _DOUBLED) if b'""' in out else out
        return Made(escapes.blanks(out.translate(_ENDS, b'"')), max(map(len, rows), default=0))


def _tagged(number: int, cell: bytes) -> bytes:
    return b"<c%d>%b</c%d>" % (number, cell, number)
