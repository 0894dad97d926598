"""Dates and times as legacy files write them, read by a declared form. Pure.

A form is made of `YYYY`, `MM`, `DD`, `HH`, `MI`, `SS` (so many digits), `M`, `D`, `H` (one or two), `F` (one to six
digits of a second's fraction), and anything else as it stands: `YYYYMMDD`, `YYYY/M/D`, `YYYY-MM-DD HH:MI:SS.F`.
"""

import datetime as dt
import re
from collections.abc import Callable
from typing import Final

from migration.catalog import Kind

_TOKENS: Final = {
    "YYYY": "(?P<year>[0-9]{4})",
    "MM": "(?P<month>[0-9]{2})",
    "M": "(?P<month>[0-9]{1,2})",
    "DD": "(?P<day>[0-9]{2})",
    "D": "(?P<day>[0-9]{1,2})",
    "HH": "(?P<hour>[0-9]{2})",
    "H": "(?P<hour>[0-9]{1,2})",
    "MI": "(?P<minute>[0-9]{2})",
    "SS": "(?P<second>[0-9]{2})",
    "F": "(?P<fraction>[0-9]{1,6})",
}
_TOKEN = re.compile("YYYY|MM|MI|M|DD|D|HH|H|SS|F|.", re.DOTALL)
_NEEDED: Final = {
    Kind.DATE: {"year", "month", "day"},
    Kind.TIME: {"hour", "minute"},
    Kind.TIMESTAMP: {"year", "month", "day"},
}
_FORBIDDEN: Final = {Kind.DATE: {"hour", "minute", "second", "fraction"}, Kind.TIME: {"year", "month", "day"}}
FORMS: Final = {Kind.DATE: "YYYY-MM-DD", Kind.TIME: "HH:MI:SS", Kind.TIMESTAMP: "YYYY-MM-DD HH:MI:SS"}


def reader(kind: Kind, form: str) -> Callable[[str], str | None]:
    """From a text in this form to its canonical text, or to None for a date or time that does not exist.

    Raises ValueError for a form that does not make a value of this kind.
    """
    try:
        pattern = re.compile("".join(_TOKENS.get(token) or re.escape(token) for token in _TOKEN.findall(form)))
    except re.error:
        raise ValueError(form) from None
    names = set(pattern.groupindex)
    if not names >= _NEEDED[kind] or names & _FORBIDDEN.get(kind, set()):
        raise ValueError(form)

    def read(text: str) -> str | None:
        found = pattern.fullmatch(text)
        if not found:
            return None
        parts = found.groupdict()
        fraction = (parts.pop("fraction", None) or "").ljust(6, "0")
        numbers = {name: int(value) for name, value in parts.items()}
        try:
            moment = dt.datetime(**({"year": 1, "month": 1, "day": 1} | numbers), microsecond=int(fraction))  # type: ignore[arg-type]  # noqa: DTZ001
        except ValueError:
            return None
        return _text(kind, moment)

    return read


def _text(kind: Kind, moment: dt.datetime) -> str:
    if kind is Kind.DATE:
        return moment.date().isoformat()
    time = moment.time().isoformat("microseconds")
    return time if kind is Kind.TIME else f"{moment.date().isoformat()} {time}"
