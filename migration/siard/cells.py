"""One cell of a SIARD file in its canonical form, by the kind of its column. Pure.

A cell is what stands in the XML behind entities and escapes; its lexical form is that of XML Schema.
"""

import re
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from functools import partial
from math import isfinite
from typing import Final

from migration.canon import double
from migration.catalog import Kind
from migration.engine import ReadColumn

Convert = Callable[[str], str]

_BLANKS: Final = " \t\r\n"  # what XML Schema takes off before it reads a number or a day
_TRUTHS: Final = {"true": "1", "1": "1", "false": "0", "0": "0"}
_FLOATS: Final = {"INF": "Infinity", "+INF": "Infinity", "-INF": "-Infinity", "NaN": "NaN"}
_FLOAT: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_INTEGER: Final = re.compile(r"[+-]?\d+")
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\d)Z?")
_TIME: Final = re.compile(r"(\d\d:\d\d:\d\d)(?:\.(\d+))?Z?")
_TIMESTAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_WIDEST: Final = Context(prec=4000)


class NoSuchDayError(ValueError):
    """A day that no calendar has."""


def converter(column: ReadColumn) -> Convert:
    """What makes a cell of this column canonical. It raises ValueError, without the cell, for one that can't be."""
    match column.kind:
        case Kind.DECIMAL:
            return partial(_decimal, column.scale or 0)
        case Kind.FLOAT:
            return _single if column.native == "real" else _double
        case Kind.TEXT | Kind.OTHER:
            return _unpadded if column.padded else str
        case _:
            return _CONVERTERS[column.kind]


def _unpadded(text: str) -> str:
    return text.rstrip(" ")


def _integer(text: str) -> str:
    return str(int(_of(_INTEGER, text)))


def _decimal(scale: int, text: str) -> str:
    number = _exact(text)
    shown = number.quantize(Decimal(1).scaleb(-scale), context=_WIDEST)
    if shown != number:
        raise ValueError("more digits behind the point than its type has")
    return f"{shown or abs(shown):f}"


def _number(text: str) -> str:
    shown = f"{_exact(text):f}"
    shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return "0" if shown in ("-0", "") else shown


def _exact(text: str) -> Decimal:
    found = _of(_DECIMAL, text)
    if len(found) > _WIDEST.prec // 2:
        raise ValueError("more digits than any type has")
    return Decimal(found)


def _double(text: str) -> str:
    stripped = text.strip(_BLANKS)
    return _FLOATS.get(stripped) or shortest(float(_of(_FLOAT, text)))


def _single(text: str) -> str:
    stripped = text.strip(_BLANKS)
    if stripped in _FLOATS:
        return _FLOATS[stripped]
    try:
        return shortest(struct.unpack("<f", struct.pack("<f", float(_of(_FLOAT, text))))[0])
    except OverflowError:
        raise ValueError("wider than its type") from None


def shortest(value: float) -> str:
    """The cell of a finite double. Raises ValueError for what is beyond a double."""
    if not isfinite(value):
        raise ValueError("wider than its type")
    return double(value)


def _bytes(text: str) -> str:
    return "\\x" + _of(_HEX, text).lower()


def _boolean(text: str) -> str:
    found = _TRUTHS.get(text.strip(_BLANKS))
    if found is None:
        raise ValueError("neither true nor false")
    return found


def _date(text: str) -> str:
    found = _match(_DATE, text)
    return _day(found[1])


def _time(text: str) -> str:
    found = _match(_TIME, text)
    return f"{_clock(found[1])}.{_fraction(found[2])}"


def _timestamp(text: str) -> str:
    found = _match(_TIMESTAMP, text)
    if found[4] not in (None, "Z"):
        raise ValueError("an offset of a column without a time zone")
    return f"{_day(found[1])} {_clock(found[2])}.{_fraction(found[3])}"


def _moment(text: str) -> str:
    found = _match(_TIMESTAMP, text)
    fraction = _fraction(found[3])
    offset = "+00:00" if found[4] in (None, "Z") else found[4]
    try:
        moment = datetime.fromisoformat(f"{_day(found[1])} {_clock(found[2])}{offset}").astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 0001 to 9999") from None
    return f"{moment.replace(tzinfo=None).isoformat(sep=' ', timespec='seconds')}.{fraction}+00"


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise NoSuchDayError("a day that does not exist") from None


def _clock(text: str) -> str:
    if not (text <= "23:59:59" and text[3] < "6" and text[6] < "6"):
        raise ValueError("not a time of day")
    return text


def _fraction(digits: str | None) -> str:
    """Six digits of a second."""
    given = (digits or "").rstrip("0")
    if len(given) > 6:
        raise ValueError("more than six digits of a second")
    return given.ljust(6, "0")


def _of(pattern: re.Pattern[str], text: str) -> str:
    return _match(pattern, text)[0]


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text.strip(_BLANKS))
    if not found:
        raise ValueError("not in the form of its type")
    return found


_CONVERTERS: Final[dict[Kind, Convert]] = {
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.BYTES: _bytes,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _timestamp,
    Kind.TIMESTAMPTZ: _moment,
}
