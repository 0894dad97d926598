"""Message -> XML bytes, by string templates: seven times as fast as building a tree (measured on 1,440 rows).

The bytes are the record: digest, signature and archive are over them, so the same message always gives the same bytes.
Every row is one line, values in attributes in the order of the fields; an empty value is an attribute left out.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

from formats.errors import RefusedError
from formats.messages import Delivery, Header, Message, Receipt
from formats.record import Record
from formats.xsd import ATTRIBUTES, MESSAGE_NAMESPACE, RECORD_NAMESPACE, TAGS, VERSION, attribute_name

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_HEADER = tuple(attribute_name(field) for field in Header.__dataclass_fields__)
# What XML 1.0 §2.2 cannot carry, not even as a character reference.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Blanks other than the space would be read back as spaces (XML 1.0 §3.3.3); `>` needs no escape in an attribute.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})


class _Template(NamedTuple):
    """One row class. `parts` begin with the end of the row before: joined with the values they make many rows."""

    parts: tuple[str, ...]
    row: str


def encode(message: Message) -> bytes:
    """The document of a message: UTF-8 with a declaration. Values are not checked against the schema: see `validate`.

    RefusedError R030, with the path, where a value has a character that XML cannot carry.
    """
    parts = _delivery(message) if isinstance(message, Delivery) else _receipt(message)
    # Part by part: one name in Chinese would double the width of all the rows, were they joined as text.
    return b"".join(map(str.encode, parts))


def encode_record(record: Record) -> bytes:
    """A record by itself, as it stands in a delivery: for forms, never for the wire. RefusedError R030."""
    return b"".join(map(str.encode, chain((_DECLARATION,), _record(record))))


def _delivery(message: Delivery) -> Iterator[str]:
    attributes = _attributes(
        ("xmlns", "version", "kinds"), (MESSAGE_NAMESPACE, VERSION, " ".join(message.kinds)), "/delivery"
    )
    yield f"{_DECLARATION}<delivery{attributes}>\n<header{_header(message.header, '/delivery')}/>\n"
    yield f"<approvals>{_rows(message.approvals, '/delivery/approvals')}</approvals>\n"
    yield from _record(message.record)
    yield "</delivery>\n"


def _receipt(message: Receipt) -> Iterator[str]:
    attributes = _attributes(
        ("xmlns", "version", "outcome", "digest", "decided"),
        (MESSAGE_NAMESPACE, VERSION, message.outcome, message.digest, message.decided),
        "/receipt",
    )
    yield f"{_DECLARATION}<receipt{attributes}>\n<header{_header(message.header, '/receipt')}/>\n"
    yield f"<findings>{_rows(message.findings, '/receipt/findings')}</findings>\n"
    if message.checkpoint:
        yield f"<checkpoint{_attributes(('note',), (message.checkpoint,), '/receipt/checkpoint')}/>\n"
    yield "</receipt>\n"


def _header(header: Header, path: str) -> str:
    values = (str(getattr(header, field)) for field in Header.__dataclass_fields__)
    return _attributes(_HEADER, tuple(values), f"{path}/header")


def _record(record: Record) -> Iterator[str]:
    path = "/delivery/record"
    registration, contributions, account = f"{path}/registration", f"{path}/contributions", f"{path}/account"
    person = _attributes(ATTRIBUTES[type(record.person)], record.person, f"{registration}/person")
    yield f'<record xmlns="{RECORD_NAMESPACE}" version="{VERSION}">\n<registration>\n<person{person}/>\n'
    yield f"<employers>{_rows(record.employers, f'{registration}/employers')}</employers>\n"
    yield f"<enrolments>{_rows(record.enrolments, f'{registration}/enrolments')}</enrolments>\n</registration>\n"
    yield "<contributions>"
    yield _rows(record.contributions, contributions)
    yield f"{_rows(record.subsidies, contributions)}</contributions>\n"
    yield f"<benefits>{_rows(record.benefits, f'{path}/benefits')}</benefits>\n"
    yield f"<account>{_rows(record.months, account)}{_rows(record.account, account)}</account>\n"
    yield f"<other>{_rows(record.other, f'{path}/other')}</other>\n</record>\n"


def _rows(rows: Sequence[NamedTuple], path: str) -> str:
    """All rows of one class, each on a line of its own; `path` is that of the element around them."""
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
    return f"\n<{tag}{_attributes(ATTRIBUTES[type(row)], row, f'{path}/{tag}[{number}]')}/>"


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


def _attributes(names: Sequence[str], values: Sequence[str], path: str) -> str:
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
