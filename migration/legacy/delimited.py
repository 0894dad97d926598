"""Delimited files (CSV): lines to batches of texts.

A line end (LF or CR LF) is never part of a character in any declared encoding, so bytes are cut at LF before they are
decoded; a delimiter may be (the second byte of a Chinese character may be `|`), so only text is cut at delimiters.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from formats.charsets import MARK, Charset, byte_order_mark
from formats.errors import IntegrityError
from migration.legacy.batches import BATCH, CHUNK, Batch, Watched, unread, without_end_mark

if TYPE_CHECKING:
    from _csv import Reader

csv.field_size_limit(2**28)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the lines are cut. `quote` and `escape` may be empty. `header`: `check` its names, `skip` it, or `none`."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    header: str = "check"


def batches(file: Watched, charset: Charset, dialect: Dialect, names: Sequence[str]) -> Iterator[Batch]:
    """The records of one file.

    Raises IntegrityError D628 for quotes out of place and a header with other names, D632 if the file changed.
    """
    bad: deque[int] = deque()
    texts = _texts(file, charset, bad)
    name = file.path.name
    reader = _cut(chain.from_iterable(io.StringIO(text, newline="\n") for text in texts), dialect)
    number = 1
    try:
        if dialect.header != "none":
            first = next(reader, [])
            if dialect.header == "check" and first != list(names):
                raise IntegrityError("D628", f"{name}: the header does not have the described columns in their order")
            _places(first, bad)
        while True:
            line = reader.line_num + 1
            rows = list(islice(reader, BATCH))
            if not rows:
                return
            yield _batch(name, rows, number, (line, reader.line_num), len(names), bad)
            number += len(rows)
    except csv.Error as error:
        raise IntegrityError("D628", f"{name} line {reader.line_num}: {error}") from None


def header(path: Path, charset: Charset, dialect: Dialect) -> list[str]:
    """The names in the first line. Raises IntegrityError D611, D628 if it is no header, UnreachableError S409."""
    with unread(path) as file:
        line = file.readline(CHUNK)
    text, bad = charset.marked(line[_mark(path.name, line, charset) :])
    if bad:
        raise IntegrityError("D611", f"{path.name}: the header is not {charset.name}")
    names = next(_cut([text], dialect), [])
    if len(set(names)) != len(names) or not all(names) or not names:
        raise IntegrityError("D628", f"{path.name}: the header has a name twice, or an empty one")
    return names


def _cut(lines: Iterable[str], dialect: Dialect) -> "Reader":
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        strict=True,
    )


def _texts(file: Watched, charset: Charset, bad: deque[int]) -> Iterator[str]:
    """The text of whole lines, chunk by chunk; the places of undecodable bytes go into `bad`."""
    rest, start = [b""], 0
    for chunk in chain(without_end_mark(file.chunks()), (b"",)):
        end = chunk.rfind(b"\n") + 1
        if chunk and not end:
            rest.append(chunk)
            continue
        data = b"".join((*rest, chunk[:end]))
        rest = [chunk[end:]]
        if not data:
            continue
        if not start:
            start = _mark(file.path.name, data, charset)
            data = data[start:]
        yield _decoded(data, start, charset, bad)
        start += len(data)


def _mark(name: str, data: bytes, charset: Charset) -> int:
    """The length of the byte order mark. Raises IntegrityError D628 for another encoding's than the declared."""
    encoding = byte_order_mark(data)
    if encoding not in ("", charset.name):
        raise IntegrityError("D628", f"{name} begins with the mark of {encoding}, declared is {charset.name}")
    return len(codecs.BOM_UTF8) if encoding else 0


def _decoded(data: bytes, start: int, charset: Charset, bad: deque[int]) -> str:
    try:
        return charset.decode(data)
    except UnicodeDecodeError:
        pieces = []
        for line in data.split(b"\n"):
            text, places = charset.marked(line)
            pieces.append(text)
            bad.extend(start + place for place in places)
            start += len(line) + 1
        return "\n".join(pieces)


def _batch(name: str, rows: list[list[str]], number: int, lines: tuple[int, int], width: int, bad: deque[int]) -> Batch:
    """`lines`: on which the first row begins, and the last ends."""
    undecoded = {}
    if bad:
        for row, cells in enumerate(rows):
            undecoded.update({(row, column): place for column, place in _places(cells, bad) if column < width})
    begins: Sequence[int] = range(lines[0], lines[1] + 1)
    if len(begins) != len(rows):
        begins = list(accumulate((1 + "".join(cells).count("\n") for cells in rows[:-1]), initial=lines[0]))
    broken = {}
    if set(map(len, rows)) != {width}:
        broken = {
            row: f"{len(cells)} cells instead of {width}" for row, cells in enumerate(rows) if len(cells) != width
        }
        rows = [cells if len(cells) == width else [""] * width for cells in rows]
    columns = list(zip(*rows, strict=True))
    return Batch(name, range(number, number + len(rows)), columns, begins, undecoded, broken)


def _places(cells: Sequence[str], bad: deque[int]) -> list[tuple[int, int]]:
    """Column and file's byte of the first mark in each cell that has one; its marks' places are taken from `bad`."""
    found = []
    for column, text in enumerate(cells):
        places = [bad.popleft() for _ in MARK.finditer(text)]
        if places:
            found.append((column, places[0]))
    return found
