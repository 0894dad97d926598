"""Numbers as legacy files write them: plain digits, implied points, signs before, behind or punched over. Pure.

Only the digits 0–9 of ASCII count: full-width digits, which Python's own `int` would take, are not a number here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from migration.canon import double

_PLAIN = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?")
_PICTURE = re.compile(r"(S?)9(?:\(([0-9]{1,3})\)|(9*))(?:V(?:9(?:\(([0-9]{1,3})\)|(9*)))?)?")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_PUNCHED: Final = {
    **{letter: ("", str(digit)) for digit, letter in enumerate("{ABCDEFGHI")},
    **{letter: ("-", str(digit)) for digit, letter in enumerate("}JKLMNOPQR")},
}
WORDS: Final = frozenset({"NaN", "Infinity", "-Infinity"})


class Sign(StrEnum):
    """Where the sign of a number stands: before it, behind it, or in its last digit (`{A…I` plus, `}J…R` minus)."""

    LEADING = "leading"
    TRAILING = "trailing"
    OVERPUNCH = "overpunch"


@dataclass(frozen=True, slots=True)
class Picture:
    """A number's form: digits before and behind the point that is not written, and whether it may be negative."""

    signed: bool
    whole: int
    scale: int


def picture(form: str) -> Picture:
    """The form of a COBOL picture: `9(10)V99`, `S9(8)V9(2)`. Raises ValueError for any other."""
    found = _PICTURE.fullmatch(form)
    if not found:
        raise ValueError(form)
    whole = int(found[2]) if found[2] else 1 + len(found[3] or "")
    point = form.partition("V")[2]
    scale = (int(found[4]) if found[4] else 1 + len(found[5] or "")) if point else 0
    return Picture(bool(found[1]), whole, scale)


def parts(text: str, sign: Sign) -> tuple[str, str, str] | None:
    """Sign (`-` or empty), digits before the point and digits behind it; None for what is not a number."""
    if sign is Sign.TRAILING and text[-1:] in ("+", "-"):
        text = text[-1] + text[:-1] if text[0] not in "+-" else ""
    elif sign is Sign.OVERPUNCH and text[-1:] in _PUNCHED:
        before, digit = _PUNCHED[text[-1]]
        text = before + text[:-1] + digit if text[0] not in "+-" else ""
    found = _PLAIN.fullmatch(text)
    if not found or not (found[2] or found[3]):
        return None
    return ("-" if found[1] == "-" else ""), found[2].lstrip("0"), found[3] or ""


def implied(form: Picture, sign: Sign) -> Callable[[str], tuple[str, str, str] | None]:
    """From digits without a point to the parts of the number that this form makes of them."""

    def read(text: str) -> tuple[str, str, str] | None:
        found = parts(text, sign)
        if not found or "." in text or (found[0] and not form.signed) or len(found[1]) > form.whole + form.scale:
            return None
        digits = found[1].rjust(form.scale, "0")
        border = len(digits) - form.scale
        return found[0], digits[:border], digits[border:]

    return read


def decimal_text(found: tuple[str, str, str], scale: int) -> str | None:
    """The canonical text of a decimal; None if digits other than 0 stand behind the scale."""
    sign, whole, fraction = found
    if fraction[scale:].strip("0"):
        return None
    fraction = fraction[:scale].ljust(scale, "0")
    zero = not whole and not fraction.strip("0")
    text = f"{whole or '0'}.{fraction}" if scale else whole or "0"
    return text if zero else sign + text


def number_text(found: tuple[str, str, str]) -> str:
    """The canonical text of an exact number."""
    fraction = found[2].rstrip("0")
    text = f"{found[1] or '0'}.{fraction}" if fraction else found[1] or "0"
    return text if text == "0" else found[0] + text


def parsed_float(text: str) -> str | None:
    """The canonical text of a double that is written as a number; None for what is not one or is beyond a double."""
    if text in WORDS:
        return text
    if not _FLOAT.fullmatch(text):
        return None
    found = double(float(text))
    return None if found in WORDS else found
