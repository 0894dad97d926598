"""The changes that de-identify: one function a rule, on canonical cells.

A pseudonym is made from an HMAC-SHA-256 of the value under a secret that lives as long as the rehearsal: the same value
gets the same pseudonym in every table, so that references hold, and two values never get the same one.
"""

import hashlib
import hmac
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from stdnum.cn import ric

from formats.errors import UsageError
from migration.catalog import Column, Kind

_HAN_FIRST: Final = 0x4E00
_HAN_COUNT: Final = 20_000
_LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = "0123456789"
_NOWHERE: Final = "110000"  # a division that issues no identity numbers of its own
_DAYS: Final = 28


class Disguise:
    """The pseudonyms of one rehearsal; what they stand for is known while this object lives."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._given: dict[tuple[str, str], str] = {}
        self._taken: set[tuple[str, str]] = set()

    def cell(self, value: str | None, column: Column, rule: str) -> str | None:
        """A cell as it stands in the sample. NULL stays NULL."""
        if value is None or rule == "keep":
            return value
        if rule == "blank":
            return "" if column.kind is Kind.TEXT else None
        if rule in ("year", "month"):
            return _generalised(value, column, 4 if rule == "year" else 7)
        if rule == "round":
            return _rounded(value, column)
        return self._pseudonym(value, column, rule)

    def _pseudonym(self, value: str, column: Column, rule: str) -> str:
        known = self._given.get((rule, value))
        if known is None:
            candidates = (self._candidate(value, column, rule, attempt) for attempt in range(10_000))
            known = next((text for text in candidates if (rule, text) not in self._taken), None)
            if known is None:
                raise UsageError("D695", f"{column.name}: more different values than pseudonyms as short as they are")
            self._given[rule, value] = known
            self._taken.add((rule, known))
        return known

    def _candidate(self, value: str, column: Column, rule: str, attempt: int) -> str:
        stream = _numbers(self._secret, f"{rule}\0{attempt}\0{value}")
        if rule == "identity-number":
            return _identity_number(value, stream)
        if column.kind is Kind.BYTES:
            return "\\x" + "".join(f"{next(stream) % 256:02x}" for _ in range((len(value) - 2) // 2))
        if column.kind is Kind.INTEGER:
            sign, digits = ("-", value[1:]) if value.startswith("-") else ("", value)
            first = "123456789"[next(stream) % 9] if sign or len(digits) > 1 else _DIGITS[next(stream) % 10]
            return sign + first + "".join(_DIGITS[next(stream) % 10] for _ in digits[1:])
        return "".join(_character(character, next(stream)) for character in value)


def _numbers(secret: bytes, text: str) -> Iterator[int]:
    """Numbers without end that only the secret tells."""
    block = hmac.digest(secret, text.encode(), hashlib.sha256)
    while True:
        for place in range(0, len(block), 4):
            yield int.from_bytes(block[place : place + 4], "big")
        block = hmac.digest(secret, block, hashlib.sha256)


def _character(character: str, number: int) -> str:
    if character.isdecimal() and character.isascii():
        return _DIGITS[number % 10]
    if character.isalpha() and character.isascii():
        letter = _LOWER[number % 26]
        return letter.upper() if character.isupper() else letter
    if character.isalpha():
        return chr(_HAN_FIRST + number % _HAN_COUNT)
    return character


def _identity_number(value: str, stream: Iterator[int]) -> str:
    """A valid number after GB 11643 with the birth year of this one, if it has one; the region is nobody's."""
    year = value[6:10] if len(value) == 18 and value[6:10].isdecimal() else str(1940 + next(stream) % 70)
    day = f"{next(stream) % 12 + 1:02d}{next(stream) % _DAYS + 1:02d}"
    body = f"{_NOWHERE}{year}{day}{next(stream) % 1000:03d}"
    check: str = ric.calc_check_digit(f"{body}0")
    return body + check


def _generalised(value: str, column: Column, kept: int) -> str:
    if not (value[:4].isdecimal() and value[4:5] == "-"):
        return value  # infinity and its like say nothing of a person
    day = value[:kept] + "-01-01"[kept - 4 :]
    if column.kind is Kind.DATE:
        return day
    return f"{day} 00:00:00.000000" + ("+00" if column.kind is Kind.TIMESTAMPTZ else "")


def _rounded(value: str, column: Column) -> str:
    if value in ("NaN", "Infinity", "-Infinity"):
        return value
    number = Decimal(value)
    digits = number.adjusted() - 1
    if number and digits > -(column.scale or 0):
        number = number.quantize(Decimal(1).scaleb(digits), ROUND_HALF_EVEN)
    if column.kind is Kind.DECIMAL:
        return f"{number:.{column.scale}f}"
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
