"""Values between Python and canonical text. Pure.

What a driver gives for a cell may be the kind itself, a number or the text of it; whatever does not say the kind's
value exactly is ValueError, never rounded and never cut.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from migration.canon import double
from migration.catalog import Kind
from migration.engine import LoadColumn, ReadColumn

_PLAIN: Final = (int, float, str, Decimal)  # of which a truth value is none
_KEEPING: Final = ("numeric", "decimal")
_WHOLE: Final = re.compile(r"-?\d+")
_BYTES: Final = re.compile(r"\\x(?:[0-9a-f]{2})*")
_TEXTS: Final = re.compile(r"char|text|clob|string", re.IGNORECASE)
_NUMBERS: Final = re.compile(r"int|num|dec|bit", re.IGNORECASE)


def written(value: Any, column: ReadColumn) -> str | None:
    """The canonical text of a driver's value; None for NULL. Raises ValueError for a value that is not of the kind."""
    return None if value is None else _WRITTEN[column.kind](value, column)


def loaded(text: str | None, column: LoadColumn, dialect: str) -> Any:
    """The value that a driver is given for a canonical cell. Raises ValueError for a cell that is not canonical."""
    if text is None:
        return None
    if _TEXTS.search(column.native) and column.kind is not Kind.BYTES:
        return text
    if dialect == "sqlite" and column.kind in _AS_TEXT:
        return text
    return _LOADED[column.kind](text, column)


def _integer(value: Any, _: ReadColumn) -> str:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return str(int(value))
    if isinstance(value, (int, Decimal, float)) and value == int(value):
        return str(int(value))
    raise ValueError("not a whole number")


def _decimal(value: Any, column: ReadColumn) -> str:
    number = _exact(value)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), "finite"
    scale = column.scale or 0
    rest = number.normalize() if exponent < -scale else number
    places = max(scale, -int(rest.as_tuple().exponent))  # more digits than the scale are a difference, and are shown
    text = f"{number:.{places}f}"
    return text.removeprefix("-") if not number else text


def _number(value: Any, column: ReadColumn) -> str:
    """PostgreSQL's numeric without digits of its own keeps the zeros at the end of each value, and gives them."""
    number = _exact(value)
    text = f"{number:f}"
    if isinstance(value, Decimal) and column.native in _KEEPING:
        return text
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if not number else text


def _exact(value: Any) -> Decimal:
    if type(value) not in _PLAIN:
        raise ValueError("not a number")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except ArithmeticError:
        raise ValueError("not a number") from None
    if not number.is_finite():
        raise ValueError("not finite")
    return number


def _float(value: Any, _: ReadColumn) -> str:
    if type(value) not in _PLAIN:
        raise ValueError("not a number")
    return double(float(value))


def _text(value: Any, column: ReadColumn) -> str:
    text = _str(value)
    return text.rstrip(" ") if column.padded else text


def _other(value: Any, _: ReadColumn) -> str:
    return str(value)


def _bytes(value: Any, _: ReadColumn) -> str:
    if isinstance(value, str):
        if not _BYTES.fullmatch(value):
            raise ValueError("not bytes")
        return value
    return "\\x" + bytes(value).hex()


def _boolean(value: Any, _: ReadColumn) -> str:
    if value not in (0, 1, "0", "1"):
        raise ValueError("neither true nor false")
    return str(int(value))


def _date(value: Any, _: ReadColumn) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else _moment(value, _)
    return (value if isinstance(value, date) else date.fromisoformat(_str(value))).isoformat()


def _time(value: Any, _: ReadColumn) -> str:
    return (value if isinstance(value, time) else time.fromisoformat(_str(value))).isoformat("microseconds")


def _moment(value: Any, _: ReadColumn) -> str:
    point = _point(value)
    if point.tzinfo:
        raise ValueError("a zone where there is none")
    return point.isoformat(" ", "microseconds")


def _moment_in_utc(value: Any, _: ReadColumn) -> str:
    point = _point(value)
    point = point.astimezone(UTC) if point.tzinfo else point
    return point.replace(tzinfo=None).isoformat(" ", "microseconds") + "+00"


def _point(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    return datetime.fromisoformat(_str(value))


def _str(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("not a text")
    return value


def _load_boolean(text: str, column: LoadColumn) -> Any:
    if text not in ("0", "1"):
        raise ValueError("neither true nor false")
    return int(text) if _NUMBERS.search(column.native) else text == "1"


def _load_moment(text: str, column: LoadColumn) -> datetime:
    point = datetime.fromisoformat(text)
    zoned = "zone" in column.native.lower() or "timestamptz" in column.native.lower()
    return point if zoned else point.replace(tzinfo=None)


_WRITTEN: Final[Mapping[Kind, Callable[[Any, ReadColumn], str]]] = {
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.NUMBER: _number,
    Kind.FLOAT: _float,
    Kind.TEXT: _text,
    Kind.BYTES: _bytes,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _moment,
    Kind.TIMESTAMPTZ: _moment_in_utc,
    Kind.OTHER: _other,
}
_LOADED: Final[Mapping[Kind, Callable[[str, LoadColumn], Any]]] = {
    Kind.INTEGER: lambda text, _: int(text),
    Kind.DECIMAL: lambda text, _: Decimal(text),
    Kind.NUMBER: lambda text, _: Decimal(text),
    Kind.FLOAT: lambda text, _: float(text),
    Kind.TEXT: lambda text, _: text,
    Kind.BYTES: lambda text, _: bytes.fromhex(text.removeprefix("\\x")),
    Kind.BOOLEAN: _load_boolean,
    Kind.DATE: lambda text, _: date.fromisoformat(text),
    Kind.TIME: lambda text, _: time.fromisoformat(text),
    Kind.TIMESTAMP: lambda text, _: datetime.fromisoformat(text),
    Kind.TIMESTAMPTZ: _load_moment,
    Kind.OTHER: lambda text, _: text,
}
# SQLite has no such types: their text is what it keeps.
_AS_TEXT: Final = frozenset({Kind.DECIMAL, Kind.NUMBER, Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})
