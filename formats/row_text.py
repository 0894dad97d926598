"""Rows and attributes -> text of XML, by templates: what every message is written with.

Every row is one line, values in attributes in the order of the fields; an empty value is an attribute left out.
"""

import re
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

from formats.errors import RefusedError
from formats.xsd import ATTRIBUTES, TAGS

# What XML 1.0 §2.2 cannot carry, not even as a character reference.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Blanks other than the space would be read back as spaces (XML 1.0 §3.3.3); `>` needs no escape in an attribute.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})


class _Template(NamedTuple):
    """One row class. `parts` begin with the end of the row before: joined with the values they make many rows."""

    parts: tuple[str, ...]
    row: str


def rows_text(rows: Sequence[NamedTuple], path: str) -> str:
    """All rows of one class, each on a line of its own; `path` is that of the element around them.

    RefusedError R030, with the path, where a value has a character that XML cannot carry.
    """
    if not rows:
        return ""
    template = _template(type(rows[0]))
    values: list[str] = list(chain.from_iterable(rows))
    if _is_plain(values):
        parts = [""] * (2 * len(values))
        parts[::2] = template.parts * len(rows)
        parts[1::2] = values
        return "".join(parts)[len('"/>') :] + '"/>'
    return "".join(_row(template, row, path, number) for number, row in enumerate(rows, start=1))


def _row(template: _Template, row: NamedTuple, path: str, number: int) -> str:
    if _is_plain(row):
        return template.row % row
    tag = TAGS[type(row)]
    return f"\n<{tag}{attributes_text(ATTRIBUTES[type(row)], row, f'{path}/{tag}[{number}]')}/>"


def _is_plain(values: Sequence[str]) -> bool:
    """Whether no value is empty or needs an escape. May say no needlessly, as for an ideographic space.

    Joined by quotation marks, a mark or an emptiness among the values shows; unprintable is all that XML cannot carry
    and every blank but the space.
    """
    joined = '"'.join(values)
    return (
        joined.isprintable()
        and "&" not in joined
        and "<" not in joined
        and '""' not in joined
        and joined.count('"') == len(values) - 1
        and bool(values[0] and values[-1])
    )


def row_text(row: NamedTuple, path: str) -> str:
    """One row by itself, as `<tag …/>`; `path` is its own. RefusedError R030."""
    return f"<{TAGS[type(row)]}{attributes_text(ATTRIBUTES[type(row)], row, path)}/>"


def attributes_text(names: Sequence[str], values: Sequence[str], path: str) -> str:
    """Attributes with a blank before each; a value that is empty is left out. RefusedError R030."""
    return "".join(
        f' {name}="{_escape(value, path, name)}"' for name, value in zip(names, values, strict=True) if value
    )


def _escape(value: str, path: str, name: str) -> str:
    if _ILLEGAL.search(value):
        raise RefusedError("R030", f"{path}/@{name}")
    return value.translate(_ESCAPES)


@cache
def _template(row: type[NamedTuple]) -> _Template:
    first, *others = ATTRIBUTES[row]
    parts = (f'"/>\n<{TAGS[row]} {first}="', *(f'" {name}="' for name in others))
    return _Template(parts, "%s".join((*parts, '"/>'))[len('"/>') :])
