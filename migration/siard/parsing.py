"""A table's XML as canonical lines: block by block in bulk, and by a real parser where it is not that plain.

Memory is that of some blocks, or of the largest row. A document type, another encoding than UTF-8, a cut-off end and
anything that is no row are refused.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, cast

from lxml import etree

from formats.errors import IntegrityError, RefusedError
from migration import canon
from migration.engine import Block, ReadColumn
from migration.siard.cells import converter
from migration.siard.escapes import unescaped
from migration.siard.form import TABLE_SPACE
from migration.siard.patterns import Matched, Rows, converted

Large = Callable[[ReadColumn, Mapping[str, str]], str]
Passes = Callable[[bytes], bool]

BLOCK: Final = 256 * 1024

_IN: Final = f"{{{TABLE_SPACE}}}"
_HEAD: Final = 64 * 1024
_END: Final = b"</row>"
_ROOT: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:<\?xml[^>]*\?>)?(?:\s|<!--(?:(?!--).)*-->)*(<table(?:\s[^<>]*)?>)", re.DOTALL
)
_CODED: Final = re.compile(rb"encoding\s*=\s*[\"'](?!utf-?8[\"'])", re.IGNORECASE)
_NO_CHARACTER: Final = re.compile(b"\xef\xbf[\xbe\xbf]")  # U+FFFE, U+FFFF


def _none_passes(_: bytes) -> bool:
    """Every row is wanted."""
    return False


def blocks(
    pieces: Iterable[bytes], rows: Rows, large: Large, limit: int, passes: Passes = _none_passes
) -> Iterator[Block]:
    """The rows of a table's XML. `large` reads a cell from the file that its attributes name, as its column's text.

    `limit` is the largest row in bytes. Rows of whose XML `passes` says so come without their lines, as a number only,
    if all their cells are canonical and have no escapes or entities.

    Raises RefusedError D691 for what is no SIARD table, IntegrityError D613, D615 for a cell that is not of its
    column's kind; the text of a cell stands in no error.
    """
    coming = iter(pieces)
    root, rest = _root(coming, rows.table)
    matched = rows.compiled()
    parser = _Parser(rows, large, root)
    buffer, searched = bytearray(rest), 0
    while True:
        end = buffer.rfind(_END, searched)
        if end >= 0:
            cut = end + len(_END)
            block = bytes(memoryview(buffer)[:cut])
            lines = _plain(block, rows.table, matched, passes)
            if lines is None and (b"<!" in block or b"<?" in block):
                break
            yield Block(*lines, utf8=True) if lines else parser.block(block)
            del buffer[:cut]
        searched = max(len(buffer) - len(_END), 0)
        if len(buffer) > limit:
            raise RefusedError("D691", f"{rows.table}: a row of more than {limit} bytes")
        piece = next(coming, b"")
        if not piece:
            if bytes(buffer).strip() != b"</table>":
                break
            return
        buffer += piece
    # A comment or CDATA may hold what looks like a row's end: from here on a parser alone decides.
    yield from parser.stream(chain((bytes(buffer),), coming), limit)


def _plain(block: bytes, table: str, matched: Iterable[Matched], passes: Passes) -> tuple[bytes, int] | None:
    """The canonical lines of whole rows and their number, if these are plain and have no fault to be named."""
    clean = _clean(block, table)
    if (b"]" in clean and b"]]>" in clean) or (b"\xef" in clean and _NO_CHARACTER.search(clean)):
        return None  # no text of XML has these
    pure = b"&" not in clean and b"\\" not in clean and passes(clean)
    try:
        for one in matched:
            if pure and (count := one.count(clean)) is not None:
                return b"", count
            if lines := one.lines(clean):
                return lines
    except IntegrityError:
        return None  # the parser finds the first fault of them all
    return None


class _Parser:
    """Rows by libxml2, for whatever is not plain."""

    def __init__(self, rows: Rows, large: Large, root: bytes) -> None:
        self._rows = rows
        self._large = large
        self._root = root
        self._places = {number: place for place, number in enumerate(rows.order)}
        self._converts = {number: converter(column) for number, column in rows.chosen.items()}

    def block(self, data: bytes) -> Block:
        """Whole rows."""
        return next(iter(self.stream((data, b"</table>"), len(data))), Block(b"", 0))

    def stream(self, pieces: Iterable[bytes], limit: int) -> Iterator[Block]:
        """Rows up to the end of the table."""
        parser = etree.XMLPullParser(("end",), tag=f"{_IN}row", resolve_entities=False, no_network=True, huge_tree=True)
        lines: list[bytes] = []
        size = fed = 0
        try:
            for piece in chain((self._root,), pieces):
                parser.feed(piece)
                fed += len(piece)
                for _, row in parser.read_events():
                    element = cast("Any", row)  # the only events are ends of elements
                    lines.append(self._line(element))
                    size, fed = size + len(lines[-1]), 0
                    self._forget(element)
                if fed > limit + BLOCK:
                    raise RefusedError("D691", f"{self._rows.table}: a row of more than {limit} bytes")
                if size > BLOCK:
                    yield Block(b"".join(lines), len(lines))
                    lines, size = [], 0
            if parser.close().tag != f"{_IN}table":
                raise RefusedError("D691", f"{self._rows.table}: not a table of SIARD")
        except etree.XMLSyntaxError:
            raise RefusedError("D691", f"{self._rows.table}: its rows are not XML") from None
        if lines:
            yield Block(b"".join(lines), len(lines))

    def _line(self, row: etree._Element) -> bytes:
        cells: list[str | None] = [None] * len(self._places)
        before = 0
        for element in row:
            if not isinstance(element.tag, str):
                if element.tag is etree.Entity:
                    raise RefusedError("D691", f"{self._rows.table}: an entity that is not XML's own")
                continue
            number = self._number(element.tag)
            if number <= before:
                raise RefusedError("D691", f"{self._rows.table}: columns out of their order")
            before = number
            if number in self._places:
                cells[self._places[number]] = self._cell(number, element)
        return canon.line(cells)

    def _forget(self, row: etree._Element) -> None:
        """Let a row that was read, and those before it, go. Raises RefusedError D691 for something between rows."""
        row.clear()
        parent = row.getparent()
        if parent is None:
            return
        for before in list(row.itersiblings(preceding=True)):
            if isinstance(before.tag, str) and before.tag != row.tag:
                raise RefusedError("D691", f"{self._rows.table}: something that is no row")
            parent.remove(before)

    def _number(self, tag: str) -> int:
        name = tag.removeprefix(f"{_IN}c")
        if name == tag or not (name.isascii() and name.isdigit()) or not 0 < int(name) <= self._rows.count:
            raise RefusedError("D691", f"{self._rows.table}: an element that is no column")
        return int(name)

    def _cell(self, number: int, element: etree._Element) -> str:
        column = self._rows.chosen[number]
        if element.get("file") is not None:
            text = self._large(column, {str(name): str(value) for name, value in element.attrib.items()})
        else:
            if any(child.tag is etree.Entity or isinstance(child.tag, str) for child in element):
                raise RefusedError("D691", f"{self._rows.table}.{column.name}: more than a text in a cell")
            text = unescaped("".join((element.text or "", *(child.tail or "" for child in element))))
        return converted(self._rows.table, column, self._converts[number], text)


def _root(coming: Iterator[bytes], table: str) -> tuple[bytes, bytes]:
    """The start tag of the table's element, and what was read behind it."""
    head = b""
    while not (found := _ROOT.match(head)):
        piece = next(coming, b"")
        if not piece or len(head) > _HEAD or b"<!DOCTYPE" in head or _CODED.search(head[:100]):
            raise RefusedError("D691", f"{table}: not a table of SIARD in UTF-8, or one with a document type")
        head += piece
    if _CODED.search(head[: found.start(1)]):
        raise RefusedError("D691", f"{table}: not in UTF-8")
    if f'"{TABLE_SPACE}"'.encode() not in found[1] and f"'{TABLE_SPACE}'".encode() not in found[1]:
        raise RefusedError("D691", f"{table}: not a table of SIARD 2")
    if found[1].endswith(b"/>"):
        return found[1][:-2] + b">", b"</table>" + head[found.end() :]
    return found[1], head[found.end() :]


def _clean(block: bytes, table: str) -> bytes:
    """The block with XML's line ends. Raises RefusedError D691 for octets that are not UTF-8."""
    try:
        if not block.isascii():
            block.decode()
    except UnicodeDecodeError:
        raise RefusedError("D691", f"{table}: not in UTF-8") from None
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block else block
