"""Canonical cells as values for SQLite, such that no column makes another value of them. Pure.

A column of an affinity changes what it is given: '007' becomes 7 in a numeric column, -0 becomes 0, a number of 17
digits a double. Whatever would come back as another cell is refused before it is stored.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from migration.canon import double
from migration.catalog import Kind
from migration.engine import LoadColumn
from migration.engines.sqlite.declared import Affinity, affinity

Bound = int | float | str | bytes | None
Binder = Callable[[str], Bound]

_EXACT_DIGITS: Final = 15  # as many decimal digits survive in a double
_LARGEST: Final = 2**63
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")
_NUMERAL: Final = re.compile(r"[ \t-\r]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t-\r]*", re.ASCII)


class Unfit(Exception):  # noqa: N818 -- a value, not an error of the program
    """A cell that the column would change."""


def binder(column: LoadColumn) -> Binder:
    """What makes a column's value of a cell that is not NULL; it raises `Unfit`, or ValueError for a bad cell."""
    held = affinity(column.native)
    if column.kind is Kind.BYTES:
        return _bytes
    if held is Affinity.TEXT:
        return str
    if column.kind is Kind.FLOAT:
        return _any_float if held is Affinity.NONE else _float
    if column.kind in (Kind.INTEGER, Kind.BOOLEAN):
        return _small_integer if held is Affinity.REAL else _integer
    if column.kind in (Kind.DECIMAL, Kind.NUMBER):
        return _number
    if held is Affinity.NONE:
        return str
    return _mixed if column.kind is Kind.OTHER else _text


def _bytes(text: str) -> bytes:
    if not text.startswith("\\x"):
        raise Unfit
    return bytes.fromhex(text[2:])


def _integer(text: str) -> int:
    value = int(text)
    if not -_LARGEST <= value < _LARGEST:
        raise Unfit
    return value


def _small_integer(_text: str) -> int:
    raise Unfit  # a column of reals gives back 1.0


def _number(text: str) -> int | float:
    if "." not in text and -_LARGEST <= int(text) < _LARGEST:
        return int(text)
    if len(text) > _EXACT_DIGITS and Decimal(repr(float(text))) != Decimal(text):
        raise Unfit
    return float(text)


def _any_float(text: str) -> float | str:
    return text if text == "NaN" else float(text)  # SQLite stores a NaN as NULL


def _float(text: str) -> float | str:
    if text == "-0":
        raise Unfit
    return _any_float(text)


def _mixed(text: str) -> int | float | str:
    """A numeral of a column that holds texts beside numbers: a number, if that is written so again."""
    if not _NUMERAL.fullmatch(text):
        return text
    if _INTEGER.fullmatch(text) and -_LARGEST <= int(text) < _LARGEST:
        return int(text)
    if double(float(text)) != text:
        raise Unfit
    return float(text)


def _text(text: str) -> str:
    if _NUMERAL.fullmatch(text):
        raise Unfit
    return text
