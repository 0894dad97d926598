"""From the texts of a legacy file's cells to canonical cells, a column at a time. Pure.

Whole columns that are canonical already pass by one regular expression; only others are looked at cell by cell.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from migration.catalog import Column, Kind
from migration.legacy import moments, numerals
from migration.legacy.numerals import Sign

Texts = Sequence[str | None]

_DIGITS: Final = 18  # so many digits are always within 64 bits
_RECURRING: Final = frozenset({Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.BOOLEAN})
_LIMIT: Final = 2**63
_TRIMS: Final[dict[str, Callable[[str, str], str]]] = {
    "none": lambda text, _: text,
    "left": str.lstrip,
    "right": str.rstrip,
    "both": str.strip,
}
TRIMS: Final = tuple(_TRIMS)


class Unfit(Exception):  # noqa: N818
    """A cell that can't be written as its column's kind: the reason's code, and why, without the value."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(code, why)
        self.code = code
        self.why = why


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a file: what it is, and how its values are written there.

    `form`: of a date, or a picture of digits, or `hex` or `base64`. `nulls` are the words that mean NULL. `trim` of a
    text removes the characters in `blanks`; they always go from around other kinds. `start` (from 0) and `size` are
    bytes in a record of fixed width. `declared`: what the description itself says; of DBF the rest is the file's.
    """

    column: Column
    form: str = ""
    sign: Sign = Sign.LEADING
    trues: frozenset[str] = frozenset({"1", "T", "t", "Y", "y"})
    falses: frozenset[str] = frozenset({"0", "F", "f", "N", "n"})
    nulls: frozenset[str] = frozenset()
    trim: str = "none"
    blanks: str = " "
    start: int = 0
    size: int = 0
    declared: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class Cells:
    """How one column's cells become canonical.

    `whole` makes a column canonical at once, or gives None where some of it needs a look. `read` makes one text
    canonical, None for NULL, or raises Unfit. `empty`: why there may be no NULL, or nothing if there may.
    """

    whole: Callable[[Sequence[str]], Sequence[str] | None]
    read: Callable[[str], str | None]
    empty: str

    def one(self, value: str | None) -> str | None:
        """The canonical cell, None for NULL. Raises Unfit D613–D616, D623."""
        result = None if value is None else self.read(value)
        if result is None and self.empty:
            raise Unfit(self.empty, "empty, but its column is not nullable")
        return result

    def column(self, values: Texts) -> Texts:
        """The canonical cells. Raises Unfit for the first that can't be."""
        if None in values:
            return list(map(self.one, values))
        texts: Sequence[str] = values  # type: ignore[assignment]
        ready = self.whole(texts)
        if ready is not None:
            return ready
        return list(map(self.one if self.empty else self.read, texts))


def cells(described: Field) -> Cells:
    """How a column's cells become canonical. Raises ValueError for a form that its kind does not have."""
    column = described.column
    empty = "D616" if "key" in described.declared else "D615"
    return Cells(_whole(described), _reader(described), "" if column.nullable else empty)


def _whole(described: Field) -> Callable[[Sequence[str]], Sequence[str] | None]:
    column, nulls, blanks = described.column, described.nulls, described.blanks
    if column.kind is Kind.TEXT:
        return _whole_text(described)
    pattern = _canonical(described)
    if pattern is None:
        return lambda _: None

    def whole(values: Sequence[str]) -> Sequence[str] | None:
        if values and values[0] != values[0].strip(blanks):
            values = [value.strip(blanks) for value in values]
        joined = "\n".join(values) + "\n"
        single = joined.count("\n") == len(values)  # a cell may itself have a line end
        ready = single and pattern.fullmatch(joined) and (not nulls or nulls.isdisjoint(values))
        return values if ready else None

    return whole


def _whole_text(described: Field) -> Callable[[Sequence[str]], Sequence[str] | None]:
    nulls, blanks, length = described.nulls, described.blanks, described.column.length
    trim = None if described.trim == "none" else _TRIMS[described.trim]

    def whole(values: Sequence[str]) -> Sequence[str] | None:
        if trim:
            values = [trim(value, blanks) for value in values]
        short = not length or not values or len(max(values, key=len)) <= length
        return values if short and (not nulls or nulls.isdisjoint(values)) else None

    return whole


def _canonical(described: Field) -> re.Pattern[str] | None:
    """What a whole column of canonical numbers looks like; None where numbers are written in a form of their own."""
    column = described.column
    if described.form or described.sign is not Sign.LEADING or column.kind not in (Kind.INTEGER, Kind.DECIMAL):
        return None
    scale = column.scale or 0
    digits = min(column.precision or _DIGITS, _DIGITS if column.kind is Kind.INTEGER else 1000) - scale
    whole = f"(?:0|[1-9][0-9]{{0,{digits - 1}}})" if digits > 0 else "0"
    point = rf"\.[0-9]{{{scale}}}" if scale else ""
    return re.compile(rf"(?:(?:-(?!0(?:\.0*)?\n))?{whole}{point}\n)*")


def _reader(described: Field) -> Callable[[str], str | None]:
    """From a text to its canonical text, None for NULL; raises Unfit."""
    kind = described.column.kind
    if kind is Kind.TEXT:
        return _text(described)
    if kind is Kind.OTHER:
        return _refuse
    nulls, blanks, read = described.nulls | {""}, described.blanks, _READERS[kind](described)

    def stripped(value: str) -> str | None:
        value = value.strip(blanks)
        return None if value in nulls else read(value)

    # Dates and booleans recur.
    return lru_cache(8192)(stripped) if kind in _RECURRING else stripped


def _refuse(_: str) -> str:
    raise Unfit("D623", "a type of the file that is not known")


def _text(described: Field) -> Callable[[str], str | None]:
    trim, blanks, nulls, length = _TRIMS[described.trim], described.blanks, described.nulls, described.column.length

    def read(value: str) -> str | None:
        value = trim(value, blanks)
        if value in nulls:
            return None
        if length is not None and len(value) > length:
            raise Unfit("D614", f"longer than {length} characters")
        return value

    return read


def _numeral(described: Field) -> Callable[[str], tuple[str, str, str]]:
    """The parts of a number, by the column's form and sign."""
    sign, column = described.sign, described.column
    take = numerals.implied(numerals.picture(described.form), sign) if described.form else None

    def read(text: str) -> tuple[str, str, str]:
        found = take(text) if take else numerals.parts(text, sign)
        if not found:
            raise Unfit("D615", "not a number of its form")
        if column.precision is not None and len(found[1]) > column.precision - (column.scale or 0):
            raise Unfit("D614", f"more digits than {column.native}")
        return found

    return read


def _integer(described: Field) -> Callable[[str], str]:
    numeral = _numeral(described)

    def read(text: str) -> str:
        value = numerals.decimal_text(numeral(text), 0)
        if value is None:
            raise Unfit("D615", "not a whole number")
        if not -_LIMIT <= int(value) < _LIMIT:
            raise Unfit("D614", "beyond 64 bits")
        return value

    return read


def _decimal(described: Field) -> Callable[[str], str]:
    numeral, scale = _numeral(described), described.column.scale or 0

    def read(text: str) -> str:
        value = numerals.decimal_text(numeral(text), scale)
        if value is None:
            raise Unfit("D614", f"more than {scale} digits behind the point")
        return value

    return read


def _number(described: Field) -> Callable[[str], str]:
    numeral = _numeral(described)
    return lambda text: numerals.number_text(numeral(text))


def _float(_: Field) -> Callable[[str], str]:
    def read(text: str) -> str:
        value = numerals.parsed_float(text)
        if value is None:
            raise Unfit("D615", "not a number that a double can hold")
        return value

    return read


def _boolean(described: Field) -> Callable[[str], str]:
    words = dict.fromkeys(described.trues, "1") | dict.fromkeys(described.falses, "0")

    def read(text: str) -> str:
        if text not in words:
            raise Unfit("D615", "neither of the words for true and false")
        return words[text]

    return read


def _moment(described: Field) -> Callable[[str], str]:
    kind = described.column.kind
    form = described.form or moments.FORMS[kind]
    take = moments.reader(kind, form)

    def read(text: str) -> str:
        value = take(text)
        if value is None:
            raise Unfit("D613", f"not a {kind} written {form}, or one that does not exist")
        return value

    return read


def _bytes(described: Field) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            return (
                "\\x"
                + (
                    bytes.fromhex(text.removeprefix("\\x")) if hexadecimal else base64.b64decode(text, validate=True)
                ).hex()
            )
        except (ValueError, binascii.Error):
            raise Unfit("D615", f"not bytes written in {described.form or 'hex'}") from None

    if described.form not in ("", "hex", "base64"):
        raise ValueError(described.form)
    hexadecimal = described.form != "base64"
    return read


_READERS: Final[dict[Kind, Callable[[Field], Callable[[str], str]]]] = {
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.NUMBER: _number,
    Kind.FLOAT: _float,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _moment,
    Kind.TIME: _moment,
    Kind.TIMESTAMP: _moment,
    Kind.BYTES: _bytes,
}
KINDS: Final = frozenset({Kind.TEXT, *_READERS})
