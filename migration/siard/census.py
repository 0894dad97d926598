"""One look at every row of a table in a file: which columns hold what will not go without saying. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from formats.errors import IntegrityError, RefusedError
from migration import canon
from migration.catalog import Column, Kind, Oddity, Table
from migration.engine import Block

_KEYS: Final = 20  # rows that an oddity names by their keys
_PRIVATE: Final = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
# What any odd text has an octet of, and where that octet is common what follows it. Octets are looked for one by one:
# this takes a tenth of the time of one pattern.
_SUSPECT: Final = (
    (b"\x00", None),
    (b"\xee", None),
    (b"\xef", re.compile(rb"\xef[\x80-\xa3]")),
    (b"\xf3", re.compile(rb"\xf3[\xb0-\xbf]")),
    (b"\xf4", None),
)
_NOT_FINITE: Final = re.compile(rb"\"(?:NaN|-?Infinity)\"")
_INFINITE: Final = ("NaN", "Infinity", "-Infinity")
_CHECKS: Final[tuple[tuple[str, Callable[[Column, str], bool]], ...]] = (
    ("D612", lambda column, text: column.kind in (Kind.TEXT, Kind.OTHER) and "\x00" in text),
    ("D618", lambda column, text: column.kind is Kind.FLOAT and text in _INFINITE),
    ("D619", lambda column, text: column.kind in (Kind.TEXT, Kind.OTHER) and bool(_PRIVATE.search(text))),
)


def taken(table: Table, blocks: Iterable[Block]) -> tuple[Oddity, ...]:
    """The oddities of a table's values by code and column, with the keys of the first rows of each."""
    rows: Counter[tuple[str, str]] = Counter()
    keys: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    places = [[column.name for column in table.columns].index(name) for name in table.order]
    try:
        for block in blocks:
            for code, column, cells in _odd(table, block.data):
                rows[code, column] += 1
                first = keys.setdefault((code, column), [])
                if len(first) < _KEYS:
                    first.append(tuple(cells[place] or "" for place in places))
    except (IntegrityError, RefusedError) as error:
        return (Oddity(error.code, table.name, detail=error.detail),)
    return tuple(
        Oddity(code, table.name, column, count, keys=tuple(keys[code, column]))
        for (code, column), count in sorted(rows.items())
    )


def passes(data: bytes) -> bool:
    """Whether no text of these bytes can be odd. Numbers that are not finite are none here: in XML they are words."""
    return not any(octet in data and (not form or form.search(data)) for octet, form in _SUSPECT)


def _odd(table: Table, data: bytes) -> Iterator[tuple[str, str, canon.Cells]]:
    if passes(data) and not (any(column.kind is Kind.FLOAT for column in table.columns) and _NOT_FINITE.search(data)):
        return
    for cells in canon.rows(data):
        for column, text in zip(table.columns, cells, strict=True):
            for code, odd in _CHECKS:
                if text is not None and odd(column, text):
                    yield code, column.name, cells
