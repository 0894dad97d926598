"""What the receiver's checks would say of an imported record, were it delivered: schema and business rules."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from formats import rules, validation, xml
from formats.errors import RefusedError
from formats.interface.assembling import first_of_each
from formats.messages import Delivery, Finding, Header
from formats.record import Record

_RECORD = "/delivery/record"
_ATTRIBUTE = re.compile(r"/([A-Za-z]+)(?:\[[0-9]+\])?/@([A-Za-z]+)$")
_MISSING = "missing attribute"
# Places in the schema's verdict that are looked at: what such files never say is missing in every row.
_MOST_PLACES = 5_000
# A header that names nobody: the checks of a record do not ask for it.
_HEADER = Header(
    message_id="00000000-0000-4000-8000-000000000000",
    case="10000000-2000-000001",
    sender="10000000",
    receiver="10000001",
    sequence=1,
    sent="2000-01-01T00:00:00Z",
    environment="test",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of a record; `missing`: what a delivery needs and such files never say, as `rowType.field`."""

    findings: tuple[Finding, ...]
    missing: tuple[str, ...]


def check(record: Record, on: date, carried: Collection[str]) -> Checked:
    """The receiver's findings about the record itself, with paths in a delivery; `on` is the day of the check.

    A value that is missing is no finding where it is none of those that the files can say (`carried`).
    """
    delivery = Delivery(header=_HEADER, kinds=_kinds(record), approvals=(), record=record)
    found, missing = list[Finding](), set[str]()
    for finding in _shape(delivery):
        place = _ATTRIBUTE.search(finding.path)
        name = f"{place[1]}.{place[2]}" if place else ""
        if finding.found == _MISSING and name not in carried:
            missing.add(name)
        else:
            found.append(finding)
    return Checked(first_of_each((*found, *rules.check(delivery, on))), tuple(sorted(missing)))


def _shape(delivery: Delivery) -> Iterable[Finding]:
    """What the schema says of the record."""
    try:
        data = xml.encode(delivery)
        xml.decode(data)
    except RefusedError as error:
        if error.code != "M160":
            return (Finding(error.code, error.detail),)
        places = validation.explain(data, _MOST_PLACES) or (Finding("M160", _RECORD),)
        return (finding for finding in places if finding.path.startswith(_RECORD))
    return ()


def _kinds(record: Record) -> tuple[str, ...]:
    """The insurance kinds that the record has rows of."""
    parts = (
        record.enrolments,
        record.contributions,
        record.subsidies,
        record.benefits,
        record.months,
        record.account,
    )
    return tuple(sorted({row.kind for part in parts for row in part}))
