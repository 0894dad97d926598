"""The contributions of a document, read without a tree: a working life has 1,440 of them, 95 % of its bytes.

libxml2 needs most of its time to parse and to validate these rows, and lxml to hand them out. Where they stand in the
plain form that `encoding.py` writes, they are lifted out of the bytes instead, and only the rest goes to libxml2: four
times as fast. The form is checked completely, so the lifted rows are those that the long way gives:

1. The rows are `<contribution name="value"…/>`, each after a line feed, names in order, and nothing stands between
   them (their lengths add up to the length of the region).
2. Every value matches the pattern of its type, read from the XSD. No pattern admits `<`, `&`, a quotation mark or a
   blank other than the space, so the values are their own text and the region is well-formed.
3. The region stands in the record's `<contributions>`: that text and every other beginning of such a tag occurs once.
   The rest has no comment and no CDATA section in which it could be hidden, and declares just the two namespaces of a
   plain document, so that no foreign element can hold it either, once libxml2 says that the rest is valid.

Whatever is otherwise takes the long way, with the same result: that is a property test.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache, partial
from typing import NamedTuple

from formats.record import Contribution
from formats.xsd import MESSAGE_NAMESPACE, RECORD_NAMESPACE, TAGS, Column, columns

_OPEN = b"<contributions>"
_TAG = f"\n<{TAGS[Contribution]}"
_LAST = _TAG.encode() + b" "
_END = b"/>"
_TAG_BEGINS = b"<contribution"
_DECLARES = b"xmlns"
_DECLARATIONS = (f'<delivery xmlns="{MESSAGE_NAMESPACE}"'.encode(), f'<record xmlns="{RECORD_NAMESPACE}"'.encode())

_contribution = partial(tuple.__new__, Contribution)


class Lifted(NamedTuple):
    """The document without its contributions, and these."""

    rest: bytes
    contributions: tuple[Contribution, ...]


def lift(data: bytes) -> Lifted | None:
    """Take the contributions out of a document; None where the document or one row is not in the plain form.

    The rest has still to be parsed and validated. Raises nothing, whatever the bytes.
    """
    start, end = _region(data)
    rest = data[:start] + data[end:]
    if start == end or not _is_plain(rest):
        return None
    region = data[start:end]
    return Lifted(rest, rows) if region.isascii() and (rows := _rows(region.decode("ascii"))) else None


def without(data: bytes, contributions: Sequence[Contribution]) -> bytes | None:
    """The document without the contributions from which `encoding.py` has just written it; None where one is not plain.

    What the encoder writes stands in the plain form by its making, so only the values are looked at, a column at a
    time. The rest has still to be parsed and validated.
    """
    start, end = _region(data)
    rest = data[:start] + data[end:]
    fits = start < end and _is_plain(rest) and all(map(_fits, columns(Contribution), zip(*contributions, strict=True)))
    return rest if fits else None


def _region(data: bytes) -> tuple[int, int]:
    """Where the contributions begin and end; nowhere (0, 0) when there are none."""
    start = data.find(_OPEN) + len(_OPEN)
    last = data.rfind(_LAST)
    end = data.find(_END, last) + len(_END)
    return (start, end) if len(_OPEN) <= start <= last < end else (0, 0)


def _fits(column: Column, values: Iterable[str]) -> bool:
    """Whether every value matches its column's type."""
    distinct = set(values)
    if not column.required:
        distinct.discard("")
    return all(map(column.pattern.fullmatch, distinct))


def _is_plain(rest: bytes) -> bool:
    """Whether the rest of a document has one place for contributions, which is the record's if the rest is valid."""
    return (
        rest.count(_TAG_BEGINS) == 1
        and b"<!" not in rest
        and rest.count(_DECLARES) == len(_DECLARATIONS)
        and all(declaration in rest for declaration in _DECLARATIONS)
    )


def _rows(region: str) -> tuple[Contribution, ...] | None:
    fields = columns(Contribution)
    found = _pattern().findall(region)
    values_of = list(zip(*found, strict=True))
    missing = 0
    for column, values in zip(fields, values_of, strict=False):
        if not _fits(column, values):
            return None
        if not column.required:
            missing += values.count("") * len(f' {column.name}=""')
    length = len(found) * _empty_length() + sum(len("".join(values)) for values in found) - missing
    return tuple(map(_contribution, found)) if length == len(region) else None


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile(_TAG + "".join(_attribute(column) for column in columns(Contribution)) + "/>")


def _attribute(column: Column) -> str:
    text = f' {column.name}="([^"]++)"'
    return text if column.required else f"(?:{text})?"


@cache
def _empty_length() -> int:
    return len(_TAG) + sum(len(f' {column.name}=""') for column in columns(Contribution)) + len("/>")
