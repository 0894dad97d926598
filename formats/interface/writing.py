"""A record as documents of GB/T 40217-2021: one XML document for each class of information that has rows.

The bytes are GB 18030 and declare it as `GB18030`; the published instances write a blank in the name, which no parser
takes. What the interface has no place for is not written: `gbt40217.uncarried` counts it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from formats.charsets import PRIVATE
from formats.conversions import to_cell
from formats.errors import RefusedError
from formats.interface.gbt40217 import NAMESPACE, Element, Table, documents, tables, value_of
from formats.interface.values import fits
from formats.record import Record

ENCODING = "GB18030"

# What XML 1.0 cannot carry at all.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(record: Record) -> Mapping[str, bytes]:
    """The documents of one person's record: the name of the root -> the document's bytes.

    Raises RefusedError, with table, row and element: R030 for a character that XML cannot carry, S466 for one for
    private use, S462 for a value that does not have its element's format or code.
    """
    return {name: _document(name, record) for name in documents() if any(t.rows(record) for t in _of(name))}


def _of(document: str) -> Iterator[Table]:
    return (table for table in tables() if table.document == document)


def _document(name: str, record: Record) -> bytes:
    lines = [f'<?xml version="1.0" encoding="{ENCODING}"?>', f'<{name} xmlns="{NAMESPACE}">']
    for table in _of(name):
        for number, row in enumerate(table.rows(record), 1):
            cells = "".join(_cell(element, row, record, f"{table.name}[{number}]") for element in table.elements)
            lines.append(f"<{table.name}>{cells}</{table.name}>")
    return "\n".join((*lines, f"</{name}>\n")).encode(ENCODING)


def _cell(element: Element, row: Any, record: Record, place: str) -> str:
    """One element; nothing for an absent value."""
    of_person = element.field.startswith("person.")
    value = (
        value_of(record.person, element.field.removeprefix("person.")) if of_person else value_of(row, element.field)
    )
    if not value:
        return ""
    place = f"{place}/{element.name}"
    try:
        text = str(to_cell(element.rule)[value])
    except ValueError:
        raise RefusedError("S462", place) from None
    if _ILLEGAL.search(text):
        raise RefusedError("R030", place)
    if PRIVATE.search(text):
        raise RefusedError("S466", place)
    if not fits(text, element.format):
        raise RefusedError("S462", f"{place}: not {element.format}")
    number = f' locID="{element.id}"' if element.id else ""
    return f"<{element.name}{number}>{_escaped(text)}</{element.name}>"


def _escaped(text: str) -> str:
    return escape(text, {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"})
