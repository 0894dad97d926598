r"""A stored value's canonical cell, made in Python: for what SQL does not write by itself. Pure.

SQL writes what is stored as it should be (`rendering`); whatever else a column holds comes here, and is either
written, because it can only mean one thing, or is `Stray`:

    decimal, number  a real number as its shortest decimal, if that has no more digits than the scale; a numeral in text
    float            `NaN` in text, which SQLite cannot hold otherwise; canonical text
    date             also with a time of 00:00:00
    timestamp        `YYYY-MM-DD`, then `T` or a blank, `HH:MM`, `:SS`, up to six digits behind a point
    timestamptz      the same with `Z`, `+HH` or `+HH:MM`
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Final

from migration.canon import double
from migration.catalog import Kind
from migration.engine import ReadColumn
from migration.engines.sqlite.declared import Affinity, affinity

Stored = int | float | str | bytes | None

PRIVATE: Final = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")
BEYOND: Final = re.compile(r"-?infinity|\d{5,6}-.*|\d{4,6}-.* BC|0000-(?!00).*", re.ASCII | re.DOTALL)
_INTEGER: Final = re.compile(r"-?(?:[1-9][0-9]*)|0")
_BOOLEAN: Final = re.compile("[01]")
_NUMERAL: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_MOMENT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})0*)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_TIME: Final = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})0*)?)?", re.ASCII)


class Stray(Exception):  # noqa: N818 -- a value, not an error of the program
    """A value that cannot be written as its column's kind: the reason code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def written(column: ReadColumn, stored: Stored) -> str:
    """The canonical cell of a value that is not NULL. Raises Stray D612, D613, D615, D618."""
    return _WRITTEN[column.kind](column, stored)


def number(value: Decimal) -> str:
    """An exact number without zeros at its end. See `canon`, rule 3."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _trimmed(column: ReadColumn, stored: Stored) -> str:
    return _text(stored).rstrip(" ") if column.padded else _text(stored)


def _other(_column: ReadColumn, stored: Stored) -> str:
    if isinstance(stored, float):
        return double(stored)
    return str(stored) if isinstance(stored, int) else _text(stored)


def _text(stored: Stored) -> str:
    if not isinstance(stored, str):
        raise Stray("D615")
    return stored


def _bytes(_column: ReadColumn, stored: Stored) -> str:
    if not isinstance(stored, bytes):
        raise Stray("D615")
    return "\\x" + stored.hex()


def _digits(column: ReadColumn, stored: Stored, form: re.Pattern[str]) -> str:
    """A number in a text, in a column of texts: elsewhere digits in a text are another value than the number."""
    if not isinstance(stored, str) or affinity(column.native) is not Affinity.TEXT or not form.fullmatch(stored):
        raise Stray("D615")
    return stored


def _integer(column: ReadColumn, stored: Stored) -> str:
    if isinstance(stored, int):
        return str(stored)
    return _digits(column, stored, _INTEGER)


def _boolean(column: ReadColumn, stored: Stored) -> str:
    if isinstance(stored, int) and stored in (0, 1):
        return str(stored)
    return _digits(column, stored, _BOOLEAN)


def _exact(column: ReadColumn, stored: Stored) -> Decimal:
    if isinstance(stored, float):
        found = Decimal(repr(stored))
        if not found.is_finite():
            raise Stray("D618")
        return found
    if isinstance(stored, int):
        return Decimal(stored)
    return Decimal(_digits(column, stored, _NUMERAL))


def _number(column: ReadColumn, stored: Stored) -> str:
    return number(_exact(column, stored))


def _decimal(column: ReadColumn, stored: Stored) -> str:
    scale = column.scale or 0
    whole, _, behind = number(_exact(column, stored)).partition(".")
    if len(behind) > scale:
        raise Stray("D615")
    return f"{whole}.{behind:0<{scale}}" if scale else whole


def _float(_column: ReadColumn, stored: Stored) -> str:
    if isinstance(stored, int):
        if int(float(stored)) != stored:
            raise Stray("D615")
        return double(float(stored))
    if isinstance(stored, float):
        return double(stored)
    try:
        held = double(float(_text(stored)))
    except ValueError:
        raise Stray("D615") from None
    if held != stored:
        raise Stray("D615")
    return held


def _time(_column: ReadColumn, stored: Stored) -> str:
    found = _TIME.fullmatch(_text(stored))
    if not found:
        raise Stray("D615")
    hour, minute, second, behind = found.groups()
    if (hour, minute, second or "00", int(behind or 0)) == ("24", "00", "00", 0):
        return "24:00:00.000000"
    try:
        made = time(int(hour), int(minute), int(second or 0), int(f"{behind or '':0<6}"))
    except ValueError:
        raise Stray("D613") from None
    return made.isoformat("microseconds")


def _moment(column: ReadColumn, stored: Stored) -> str:
    kind, text = column.kind, _text(stored)
    if BEYOND.fullmatch(text):
        return text  # what the calendar of four digits does not hold: as PostgreSQL writes it
    found = _MOMENT.fullmatch(text)
    if not found or (kind is not Kind.TIMESTAMPTZ and found[8]):
        raise Stray("D615")
    try:
        day = date(*(int(part) for part in found.groups()[:3]))
        hour, minute, second = (int(part or 0) for part in found.groups()[3:6])
        clock = time(hour, minute, second, int(f"{found[7] or '':0<6}"))
    except ValueError:
        raise Stray("D613") from None
    if kind is Kind.DATE:
        if clock != time(0):
            raise Stray("D615")
        return day.isoformat()
    moment = datetime.combine(day, clock, tzinfo=UTC)
    if kind is Kind.TIMESTAMP:
        return moment.replace(tzinfo=None).isoformat(" ", "microseconds")
    return _in_utc(moment, found[8])


def _in_utc(moment: datetime, zone: str | None) -> str:
    if not zone:
        raise Stray("D615")
    if zone != "Z":
        minutes = int(zone[1:3]) * 60 + int(zone[3:].lstrip(":") or 0)
        try:
            shift = timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes))
            moment = moment.replace(tzinfo=shift).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Stray("D613") from None
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds") + "+00"


_WRITTEN: Final[Mapping[Kind, Callable[[ReadColumn, Stored], str]]] = {
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.NUMBER: _number,
    Kind.FLOAT: _float,
    Kind.TEXT: _trimmed,
    Kind.BYTES: _bytes,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _moment,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _moment,
    Kind.TIMESTAMPTZ: _moment,
    Kind.OTHER: _other,
}
