"""GB/T 40217-2021, the data interface for audits of old-age insurance funds: its tables and elements, as far as known.

The standard has one XML document for each class of information, with Chinese element names, one row after the other,
and `locID`, the six digits of a data element, as an optional attribute. Its text was not at hand: `tables/elements.csv`
marks every element `listed` (name, number and format were seen) or `unsure` (inferred), `tables/tables.csv` each table,
with a note on what is inferred. Who has the standard at hand corrects these two files.

It is made for pension funds (kinds 110, 120, 170): `uncarried` says what of a record has no place in it.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, cast

from formats.codes import code_list
from formats.conversions import KINDS, Rule
from formats.profile_rows import ROW_TYPES
from formats.record import Record
from formats.xsd import attribute_name

NAMESPACE = "http://sxbw.audit.gov.cn/AppsDataInterfaceStandard/2019/Pension/XMLSchema"
# The element by which a row says whose it is.
WHOSE = "person.socialSecurityNumber"

Certainty = Literal["listed", "unsure"]

# Row type -> the field of `Record` that has its rows.
PARTS: Mapping[str, str] = {
    "enrolment": "enrolments",
    "contribution": "contributions",
    "subsidy": "subsidies",
    "benefit": "benefits",
    "monthTotal": "months",
    "accountYear": "account",
    "entry": "other",
}


_PLACES = {
    kind: {attribute_name(field): place for place, field in enumerate(kind._fields)} for kind in ROW_TYPES.values()
}


@dataclass(frozen=True, slots=True)
class Element:
    """A data element: its name in XML, its number (`locID`, may be unknown), its code, its format (`C..16`, `D16.2`).

    `field` is the field of the row, or `person.FIELD` where a row of another type carries one of the person's; `rule`
    how its text is converted.
    """

    name: str
    id: str
    code: str
    format: str
    field: str
    rule: Rule
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the document (class of information) that holds it, the element of one row, the row type, its kinds."""

    number: int
    document: str
    name: str
    row: str
    kinds: tuple[str, ...]
    elements: tuple[Element, ...]
    certainty: Certainty

    def rows(self, record: Record) -> tuple[Any, ...]:
        """The rows of a record that belong into this table; of a person at most one."""
        if self.row == "person":
            own = [element.field for element in self.elements if not element.field.startswith("person.")]
            return (record.person,) if any(value_of(record.person, field) for field in own) else ()
        if self.row == "employer":
            return record.employers
        rows = getattr(record, PARTS[self.row])
        return tuple(row for row in rows if row.kind in self.kinds)


@cache
def tables() -> tuple[Table, ...]:
    """All tables that are spoken here, in the order of their numbers."""
    elements = _elements()
    return tuple(
        Table(
            number=int(row["number"]),
            document=row["document"],
            name=row["element"],
            row=row["row"],
            kinds=tuple(row["kinds"].split()),
            elements=elements[row["number"]],
            certainty=cast("Certainty", row["certainty"]),
        )
        for row in _read("tables")
    )


def documents() -> tuple[str, ...]:
    """The names of the documents, each the name of its root."""
    return tuple(dict.fromkeys(table.document for table in tables()))


@cache
def carried() -> frozenset[str]:
    """All that documents of the interface can say, as `rowType.field`."""
    fields = ((table.row, element.field) for table in tables() for element in table.elements)
    return frozenset(field if field.startswith("person.") else f"{row}.{field}" for row, field in fields)


def uncarried(record: Record) -> Mapping[str, int]:
    """What of this record has no place in the interface: `rowType` or `rowType.field` -> how many rows have it.

    A row type is counted with its rows of kinds that the interface does not know.
    """
    found: dict[str, int] = {}
    for row, rows in _rows(record):
        carried = [table for table in tables() if table.row == row]
        kinds = {kind for table in carried for kind in table.kinds}
        inside = [one for one in rows if carried and (not kinds or one.kind in kinds)]
        if len(inside) < len(rows):
            found[row] = len(rows) - len(inside)
        for field in map(attribute_name, ROW_TYPES[row]._fields):
            count = sum(bool(value_of(one, field)) for one in inside)
            if count and not _has(record, row, field):
                found[f"{row}.{field}"] = count
    return found


def value_of(row: Any, field: str) -> str:
    """The value of the field with this XML name."""
    return str(row[_PLACES[type(row)][field]])


def _has(record: Record, row: str, field: str) -> bool:
    """Whether some table carries this field of this row type; one of the person's, whether it has a row to stand in."""
    if any(element.field == field for table in tables() if table.row == row for element in table.elements):
        return True
    beside = [table for table in tables() if any(element.field == f"person.{field}" for element in table.elements)]
    return row == "person" and any(table.rows(record) for table in beside)


def _rows(record: Record) -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield "person", (record.person,)
    yield "employer", record.employers
    yield from ((row, getattr(record, part)) for row, part in PARTS.items())


def _elements() -> Mapping[str, tuple[Element, ...]]:
    """The elements of each table, in the order of the file."""
    found: dict[str, list[Element]] = {}
    for row in _read("elements"):
        element = Element(
            name=row["element"],
            id=row["id"],
            code=row["code"],
            format=row["format"],
            field=row["field"],
            rule=_rule(row["as"]),
            certainty=cast("Certainty", row["certainty"]),
        )
        for number in row["tables"].split():
            found.setdefault(number, []).append(element)
    return {number: tuple(elements) for number, elements in found.items()}


def _rule(written: str) -> Rule:
    """A kind of conversion, or the name of a code list whose names stand for its codes."""
    if written in KINDS:
        return Rule(written, {"money": 2, "rate": 4}.get(written, 0))
    codes = code_list(written).codes.values()
    return Rule(codes=tuple((code.zh, code.code) for code in codes))


def _read(name: str) -> list[dict[str, str]]:
    text = resources.files("formats").joinpath(f"interface/tables/{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
