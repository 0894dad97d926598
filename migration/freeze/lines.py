"""Canonical bytes in bulk: whole rows out of any pieces, counted and cut, without looking at cells. Pure.

A line feed ends a row if the quotes before it, from the row's start, are even in number: a quote inside a cell is
written twice. Rows may be longer than any piece.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from migration.engine import Block

_OTHERS: Final = bytes(set(range(256)) - {0x22, 0x0A})


def count(data: bytes) -> int:
    """How many rows these whole lines are."""
    marks = data.translate(None, _OTHERS).replace(b'""', b"")
    return len(marks) if b'"' not in marks else sum(map(len, marks.split(b'"')[::2]))


def cut(data: bytes, rows: int) -> tuple[bytes, bytes]:
    """Whole lines in two: the first `rows` of them (or all), and the rest."""
    place = 0
    for _ in range(rows):
        place = _end(data, place)
    return data[:place], data[place:]


def last(data: bytes) -> bytes:
    """The last of whole lines."""
    found, place, quotes = -1, len(data) - 1, 0
    while (found := data.rfind(b"\n", 0, place)) >= 0:
        quotes += data.count(b'"', found, place)
        place = found
        if quotes % 2 == 0:
            break
    return data[found + 1 :]


def whole(pieces: Iterable[bytes]) -> Iterator[Block]:
    """The rows of any pieces of canonical bytes as blocks of whole lines, each ending with a piece's last row."""
    begun: list[bytes] = []
    odd = 0  # whether an odd number of quotes stands in `begun`
    for piece in pieces:
        quotes = odd + piece.count(b'"')
        end = _last_end(piece, quotes)
        if end:
            data = b"".join((*begun, piece[:end]))
            yield Block(data, count(data))
            begun, odd = [], 0
        begun.append(piece[end:])
        odd = (odd + piece.count(b'"', end)) % 2


def _last_end(piece: bytes, quotes: int) -> int:
    """Where the last row ends in a piece, 0 if none does; `quotes` are those up to the piece's end."""
    place = len(piece)
    while (found := piece.rfind(b"\n", 0, place)) >= 0:
        quotes -= piece.count(b'"', found, place)
        place = found
        if quotes % 2 == 0:
            return found + 1
    return 0


def _end(data: bytes, start: int) -> int:
    """Where the row ends that begins at `start`; `start` itself when there is none."""
    place, quotes = start, 0
    while (found := data.find(b"\n", place)) >= 0:
        quotes += data.count(b'"', place, found)
        place = found + 1
        if quotes % 2 == 0:
            return place
    return start
