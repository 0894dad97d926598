"""How one cell of an office's database becomes a value of the record, and back.

The record's values are text (`record.py`); an office may hold them as text, as integers or as exact decimals. A cell
that cannot be carried over exactly is refused, never rounded: above all floating-point numbers, which many a SQLite
`DECIMAL` column really holds.

Months, codes and amounts repeat all through a working life, so every conversion remembers what it has converted.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import cache
from typing import Any, Literal, get_args

Kind = Literal["text", "money", "rate", "months", "month6", "date8", "date10", "date19"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# What a database driver may give out and take. A float can arrive, and is refused.
Cell = str | int | Decimal | float | bytes | None

_MEMORY = 50_000
_EXACT = Context(prec=60)
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_CANONICAL = {places: re.compile(rf"-?(?:0|[1-9][0-9]*)\.[0-9]{{{places}}}") for places in (2, 4, 6)}
_COUNT = re.compile(r"[0-9]{1,9}")
_COMPACT_MONTH = re.compile(r"([0-9]{4})(0[1-9]|1[0-2])")
_COMPACT_DATE = re.compile(r"([0-9]{4})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")
_MIDNIGHT = re.compile(r"([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])) 00:00:00")
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_DATE = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


@dataclass(frozen=True, slots=True)
class Rule:
    """How one column is converted.

    `places`: decimal places of money (2) and rates (4 or 6). `codes`: pairs (office's code, national code), one to one.
    `characters`: pairs (the office's private-use character, the Unicode character), for text without codes.
    """

    kind: Kind = "text"
    places: int = 0
    codes: tuple[tuple[str, str], ...] = ()
    characters: tuple[tuple[str, str], ...] = ()


class UnknownCodeError(ValueError):
    """A code that the code table does not have."""


class Conversion(dict[Any, Any]):
    """A conversion that remembers, used as a mapping: `conversion[cell]`. Raises ValueError with what is wrong.

    Only text (and the absent value) is remembered: a float equals an integer or a decimal of the same value as a key,
    and would slip through.
    """

    __slots__ = ("_convert",)

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        """`convert` makes the value of a cell, or raises ValueError."""
        super().__init__()
        self._convert = convert

    def __missing__(self, cell: Any) -> Any:
        """Convert, and remember."""
        value = self._convert(cell)
        if cell is None or type(cell) is str:
            if len(self) >= _MEMORY:
                self.clear()
            self[cell] = value
        return value


@cache
def to_record(rule: Rule) -> Conversion:
    """The conversion from a database cell to the record's text; the absent value (NULL, empty) becomes `""`."""
    convert = _with_codes(dict(rule.codes)) if rule.codes else _reader(rule)
    return Conversion(lambda cell: "" if cell is None or cell == "" else convert(cell))


@cache
def to_cell(rule: Rule) -> Conversion:
    """The conversion from the record's text to a database cell; the absent value becomes NULL."""
    convert = _with_codes({national: local for local, national in rule.codes}) if rule.codes else _writer(rule)
    return Conversion(lambda value: None if value == "" else convert(value))


def _reader(rule: Rule) -> Callable[[Cell], str]:
    match rule.kind:
        case "money" | "rate":
            return lambda cell: _decimal(cell, rule.places)
        case "months":
            return lambda cell: str(_count(cell))
        case "month6":
            return lambda cell: "-".join(_parts(_COMPACT_MONTH, cell, "a month YYYYMM"))
        case "date8":
            return lambda cell: "-".join(_parts(_COMPACT_DATE, cell, "a date YYYYMMDD"))
        case "date10":
            return lambda cell: "-".join(_parts(_DATE, cell, "a date YYYY-MM-DD"))
        case "date19":
            return lambda cell: _parts(_MIDNIGHT, cell, "a date YYYY-MM-DD 00:00:00")[0]
        case "text":
            table = str.maketrans(dict(rule.characters))
            return lambda cell: _text(cell).translate(table)


def _writer(rule: Rule) -> Callable[[str], Cell]:
    match rule.kind:
        case "money" | "rate":
            return lambda value: _decimal(value, rule.places)
        case "months":
            return _count
        case "month6":
            return lambda value: "".join(_parts(_MONTH, value, "a month YYYY-MM"))
        case "date8":
            return lambda value: "".join(_parts(_DATE, value, "a date YYYY-MM-DD"))
        case "date10":
            return lambda value: "-".join(_parts(_DATE, value, "a date YYYY-MM-DD"))
        case "date19":
            return lambda value: "-".join(_parts(_DATE, value, "a date YYYY-MM-DD")) + " 00:00:00"
        case "text":
            table = str.maketrans({ours: theirs for theirs, ours in rule.characters})
            return lambda value: value.translate(table)


def _with_codes(codes: Mapping[str, str]) -> Callable[[Cell], str]:
    def convert(cell: Cell) -> str:
        try:
            return codes[_text(cell)]
        except KeyError:
            raise UnknownCodeError("a code that is not in the profile's code table") from None

    return convert


def _text(cell: Cell) -> str:
    """Text as it is; a whole number by its digits."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, Decimal) and cell.is_finite() and cell == cell.to_integral_value():
        return f"{cell:.0f}"
    raise ValueError(_wrong(cell, "text"))


def _decimal(cell: Cell, places: int) -> str:
    """The exact decimal with so many places: `7416.2`, `7416.20` and Decimal('7416.200') are `7416.20`."""
    if isinstance(cell, str):
        if _CANONICAL[places].fullmatch(cell) and not cell.startswith("-0"):
            return cell
        number = Decimal(cell) if _DECIMAL.fullmatch(cell) else None
    else:
        number = Decimal(cell) if isinstance(cell, int | Decimal) and not isinstance(cell, bool) else None
    if number is None or not number.is_finite():
        raise ValueError(_wrong(cell, "an exact decimal"))
    with localcontext(_EXACT):
        exact = number.quantize(Decimal(1).scaleb(-places))
        if exact != number:
            raise ValueError(f"a decimal with more than {places} places")
        return f"{exact or abs(exact):f}"


def _count(cell: Cell) -> int:
    """A whole number that is not negative."""
    text = _text(cell)
    if not _COUNT.fullmatch(text):
        raise ValueError(_wrong(cell, "a whole number"))
    return int(text)


def _parts(pattern: re.Pattern[str], cell: Cell, expected: str) -> tuple[str, ...]:
    found = pattern.fullmatch(_text(cell))
    if found is None:
        raise ValueError(_wrong(cell, expected))
    return tuple(found.groups())


def _wrong(cell: Cell, expected: str) -> str:
    """What was found instead, by kind: the value itself may be personal."""
    found = {str: "other text", bool: "a truth value", int: "another number", float: "a floating-point number"}
    return f"{found.get(type(cell), type(cell).__name__)} instead of {expected}"
