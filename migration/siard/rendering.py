"""Canonical lines as the rows of a SIARD table, in bulk. Pure.

A regular expression finds the cells of a line in C and checks their form, one `%` writes a row's tags, and a few
replacements over the whole block do the rest. Cells that are too long to stand there are handed out by number.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from formats.errors import IntegrityError
from migration import canon
from migration.catalog import Column, Kind, TableName
from migration.engine import Block
from migration.siard import escapes, sql_types
from migration.siard.form import INSTANCE_SPACE, TABLE_SPACE, VERSION, Place

_LARGE: Final = re.compile(rb"<c(\d+)>\xff(\d+)</c\d+>")
_HEX: Final = re.compile(rb">\\u005Cx([0-9a-f]*)<")
_TEXT: Final = rb'[^"]*+(?:""[^"]*+)*+'
_DAY: Final = rb"(?!0000)\d{4}-\d\d-\d\d"
_CLOCK: Final = rb"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}"
_FORMS: Final = {
    Kind.INTEGER: rb'"(-?\d++)"',
    Kind.DECIMAL: rb'"(-?\d++(?:\.\d++)?+)"',
    Kind.NUMBER: rb'"(-?\d++(?:\.\d++)?+)"',
    Kind.FLOAT: rb'"(-?\d++(?:\.\d++)?+(?:e[+-]\d++)?+|NaN|-?Infinity)"',
    Kind.BOOLEAN: rb'"([01])"',
    Kind.DATE: b'"(' + _DAY + b')"',
    Kind.TIME: b'"(' + _CLOCK + b')"',
    Kind.TIMESTAMP: b'"(' + _DAY + b") (" + _CLOCK + b')"',
    Kind.TIMESTAMPTZ: b'"(' + _DAY + b") (" + _CLOCK + rb')\+00"',
    Kind.BYTES: rb'"(\\u005Cx[0-9a-f]*+|\xff\d++)"',
    # With its quotes, which tell an empty text from NULL.
    Kind.TEXT: b'("' + _TEXT + b'")',
    Kind.OTHER: b'("' + _TEXT + b'")',
}
_SHAPES: Final = {Kind.TIME: b"%bZ", Kind.TIMESTAMP: b"%bT%bZ", Kind.TIMESTAMPTZ: b"%bT%bZ"}
_WORDS: Final = {
    Kind.BOOLEAN: ((b"1", b"true"), (b"0", b"false")),
    Kind.FLOAT: ((b"Infinity", b"INF"), (b"-Infinity", b"-INF")),
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
        data = escapes.markup(block.data)
        if not self._tags.match(data):
            raise self._wrong(block.data)
        if self._large and self._long(data):
            elements, tokens = self._elements(block)
            out = self._tags.xml(escapes.markup(tokens))
            out = _LARGE.sub(lambda found: elements[int(found[2])], out)
        else:
            out = self._tags.xml(data)
        self._record += block.rows
        return out

    def large(self, block: Block) -> Iterator[Large]:
        """The cells of a block that have files of their own; blocks must come in order, and through `xml` or here."""
        for record, row in enumerate(self._rows(block.data), start=self._record):
            for column in self._large:
                if self._is_long(row[column]):
                    yield Large(column, record, row[column][1:-1].replace(b'""', b'"').decode())
        self._record += block.rows

    def _long(self, data: bytes) -> bool:
        """Whether any cell may be too long; some that are not, by their entities."""
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
        line = b",".join(b"(?:%b|NULL)" % _FORMS[column.kind] for column in columns) + b"\n"
        self._line = re.compile(line)
        self._whole = re.compile(b"(?:" + re.sub(rb"\((?!\?)", b"(?:", line) + b")*+")
        shapes = [_SHAPES.get(column.kind, b"%b") for column in columns]
        self._row = b"<row>%b</row>" % b"".join(_tagged(n, shape) for n, shape in enumerate(shapes, start=1))
        self._dropped = [_tagged(n, shape.replace(b"%b", b"")) for n, shape in enumerate(shapes, start=1)]
        self._words = [
            (_tagged(number, plain), _tagged(number, word))
            for number, column in enumerate(columns, start=1)
            for plain, word in _WORDS.get(column.kind, ())
        ]
        self._bytes = any(column.kind is Kind.BYTES for column in columns)

    def match(self, data: bytes) -> bool:
        """Whether these are whole lines whose cells all have the form of their kind."""
        return self._whole.fullmatch(data) is not None

    def xml(self, data: bytes) -> bytes:
        """Lines, with markup and backslashes escaped, as rows."""
        out = b"".join(map(self._row.__mod__, self._line.findall(data)))
        for null in self._dropped:
            out = out.replace(null, b"")
        for plain, word in self._words:
            out = out.replace(plain, word)
        if self._bytes:
            out = _HEX.sub(lambda found: b">%b<" % found[1].upper(), out)
        out = out.replace(b'>"', b">").replace(b'"</', b"</")
        out = out.replace(b'""', b'"') if b'""' in out else out
        return escapes.blanks(escapes.controls(out)).replace(b"</row>", b"</row>\n")


def _tagged(number: int, cell: bytes) -> bytes:
    return b"<c%d>%b</c%d>" % (number, cell, number)
