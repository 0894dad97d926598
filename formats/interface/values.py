"""What a value of an interface must look like, and what went wrong with one that a spreadsheet has touched."""

import re

from formats.identifiers import is_resident_number

_FORMAT = re.compile(r"(C|I|D)(\.\.)?([0-9]+)(?:\.([0-9]+))?")
_DIGITS = re.compile(r"[0-9]+")
_DECIMAL = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?")
_FLOAT = re.compile(r"[0-9]+(?:\.[0-9]*)?[eE]\+?[0-9]{1,3}|[0-9]{15,18}\.0+")
_OLD_NUMBER = re.compile(r"[1-9][0-9]{14}")
_CUT_NUMBER = re.compile(r"[1-9][0-9]{14}000")
# A month or a date as a spreadsheet gives it: days since 1899-12-30, a float, or with separators.
_SERIAL = re.compile(
    r"[1-9][0-9]{4}(?:\.[0-9]+)?|[0-9]{6,8}\.0+|[0-9]{4}[-/.年][0-9]{1,2}(?:[-/.月][0-9]{0,2}日?)?(?: .*)?"
)
_NUMBERS = ("socialSecurityNumber", "documentNumber")
_TIMES = ("month6", "date8", "date10")


def fits(text: str, form: str) -> bool:
    """Whether a text has the format of its data element: `C6`, `C..16`, `I..3`, `D16.2` (GB/T 18142).

    The width of a decimal counts its point.
    """
    found = _FORMAT.fullmatch(form)
    if found is None:
        raise ValueError(form)
    kind, variable, width, places = found[1], found[2], int(found[3]), int(found[4] or 0)
    if kind == "C":
        return 0 < len(text) <= width and (bool(variable) or len(text) == width)
    if kind == "I":
        return _DIGITS.fullmatch(text) is not None and len(text) <= width
    number = _DECIMAL.fullmatch(text)
    return number is not None and len(text.lstrip("-")) <= width and len(number[2] or "") <= places


def spoilt(text: str, field: str, kind: str) -> str:
    """The reason code of what a spreadsheet or an old system made of a value, or empty: S463, S464, S465.

    `field` is the XML name of the record's field, `kind` how its text is to be converted (`conversions.Kind`).
    """
    if field in _NUMBERS:
        # Fifteen digits are all that a double keeps: the last three are zeros then.
        if _FLOAT.fullmatch(text) or (_CUT_NUMBER.fullmatch(text) and not is_resident_number(text)):
            return "S465"
        return "S463" if field == _NUMBERS[0] and _OLD_NUMBER.fullmatch(text) else ""
    return "S464" if kind in _TIMES and _SERIAL.fullmatch(text) else ""
