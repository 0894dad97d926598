"""The schema, and what the code takes from it: names, column types, the compiled validator.

`schema/record-1.xsd` and `schema/message-1.xsd` with what it includes (XSD 1.0) are the one place where names and
lexical forms are fixed.
Names of fields, turned into camelCase, are names of attributes; the order of the fields is the order of the attributes.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from formats.information_form import FormPeriod, FormSums
from formats.messages import (
    Applicant,
    Approval,
    Change,
    Clarification,
    Contact,
    ContactLetter,
    Delivery,
    Finding,
    Message,
    Payee,
    Receipt,
    Reminder,
    Return,
    Withdrawal,
)
from formats.record import (
    AccountYear,
    Benefit,
    Contribution,
    Employer,
    Enrolment,
    MonthTotal,
    OtherEntry,
    Person,
    Subsidy,
)

RECORD_NAMESPACE = "urn:jiexu:record:1"
MESSAGE_NAMESPACE = "urn:jiexu:message:1"
# The minor version that is written; every version 1.x is read.
VERSION = "1.0"

_ROWS: dict[type[NamedTuple], str] = {
    Person: "person",
    Employer: "employer",
    Enrolment: "enrolment",
    Contribution: "contribution",
    Subsidy: "subsidy",
    Benefit: "benefit",
    MonthTotal: "monthTotal",
    AccountYear: "accountYear",
    OtherEntry: "entry",
    Approval: "approval",
    Finding: "finding",
    FormSums: "sums",
    FormPeriod: "period",
    Change: "change",
    Applicant: "applicant",
    Contact: "contact",
    Payee: "payee",
}
# Rows of which there is one where it stands.
SINGLE = frozenset({"person", "sums", "applicant", "contact", "payee"})
ROOTS: Mapping[type[Message], str] = {
    ContactLetter: "contactLetter",
    Delivery: "delivery",
    Return: "return",
    Withdrawal: "withdrawal",
    Reminder: "reminder",
    Clarification: "clarification",
    Receipt: "receipt",
}
_XS = "{http://www.w3.org/2001/XMLSchema}"


class Column(NamedTuple):
    """One attribute of a row: its name, whether it must stand, and what its text must match in full."""

    name: str
    required: bool
    pattern: re.Pattern[str]


def attribute_name(field: str) -> str:
    """The attribute of a field: `employer_due` is `employerDue`."""
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


TAGS: Mapping[type[NamedTuple], str] = _ROWS
ATTRIBUTES: Mapping[type[NamedTuple], tuple[str, ...]] = {
    row: tuple(attribute_name(field) for field in row._fields) for row in _ROWS
}


@contextmanager
def folder() -> Iterator[Path]:
    """The folder with the XSD files, for as long as the context lasts."""
    with resources.as_file(resources.files("formats").joinpath("schema")) as place:
        yield place


@cache
def schema() -> etree.XMLSchema:
    """The compiled schema of all messages, for libxml2."""
    with folder() as place:
        return etree.XMLSchema(file=str(place / "message-1.xsd"))


@cache
def columns(row: type[NamedTuple]) -> tuple[Column, ...]:
    """The attributes of a row of the record with their types, read from the XSD. ValueError for a type without pattern.

    Patterns of one XSD type are alternatives; those that are used here mean the same to `re` as to XSD.
    """
    text = resources.files("formats").joinpath("schema/record-1.xsd").read_bytes()
    document = etree.fromstring(text)
    attributes = document.iterfind(f"{_XS}complexType[@name='{row.__name__}']/{_XS}attribute")
    return tuple(
        Column(
            attribute.get("name", ""),
            attribute.get("use") == "required",
            _pattern(document, attribute.get("type", "")),
        )
        for attribute in attributes
    )


def _pattern(document: etree._Element, name: str) -> re.Pattern[str]:
    facets = document.iterfind(f"{_XS}simpleType[@name='{name}']/{_XS}restriction/{_XS}pattern")
    alternatives = [facet.get("value", "") for facet in facets]
    if not alternatives:
        raise ValueError(f"the type {name} has no pattern")
    return re.compile("|".join(alternatives))
