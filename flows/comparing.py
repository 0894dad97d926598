"""Two versions of a case's record side by side: as delivered and as corrected, or as delivered and as it is now.

What a comparison prints names places alone; the values go into the page, which is a file for this user only.
"""

from dataclasses import dataclass
from datetime import datetime

from archive import cases
from archive.cases import CaseRow
from flows import documents
from flows.approved import drafted_at
from flows.documents import Document
from flows.wiring import Office
from formats import xml
from formats.changes import Difference, differences
from formats.errors import IntegrityError, UsageError
from formats.messages import Delivery
from formats.pension.forms import forms_of
from formats.pension.parameters import parameters
from formats.workdays import beijing_day


@dataclass(frozen=True, slots=True)
class Comparison:
    """Where two versions of a case's record differ, with both values: about a person.

    `before` is a kept delivery, `after` the one that took its place; None where it is the records database as it is.
    """

    case: str
    before: Document
    after: Document | None
    differences: tuple[Difference, ...]


def of_case(office: Office, number: str) -> Comparison:
    """The two newest deliveries kept of a case. Raises UsageError S411 (fewer than two); as `documents.of_case`."""
    found: dict[str, Document] = {}
    for document in documents.deliveries(office, cases.find(office.ledger, number)):
        found.setdefault(document.digest, document)  # one that came twice is one
        if len(found) == 2:
            break
    if len(found) < 2:
        raise UsageError("S411", f"{number}: nothing kept of it has been corrected")
    after, before = found.values()
    told = differences(_delivery(office, before, number), _delivery(office, after, number))
    return Comparison(number, before, after, told)


def reread(office: Office, number: str) -> Comparison:
    """The delivery that was sent last, beside the record as the records database has it now (复核, art. 16).

    The information forms are made for the same day as then, so that the day alone changes nothing. Raises UsageError
    S411 (not an outgoing case, or nothing was sent), S412; ServiceError S409, S412, S415; as `documents.of_case`.
    """
    row = cases.find(office.ledger, number)
    if row.direction != "out":
        raise UsageError("S411", f"{number} is not delivered by this office")
    document = documents.of_case(office, number)
    before = _delivery(office, document, number)
    return Comparison(number, document, None, differences(before, _now(office, row, before)))


def _now(office: Office, row: CaseRow, before: Delivery) -> Delivery:
    """The delivery as it would be today, but for its header and approvals."""
    record = office.records.read(row.person, before.kinds)
    forms = before.forms
    if row.letter:
        day = beijing_day(drafted_at(before.approvals, datetime.fromisoformat(before.header.sent)))
        forms = forms_of(record, before.kinds, day, parameters(), posted=row.posted_person == "1")
    return Delivery(before.header, before.kinds, before.approvals, record, forms)


def _delivery(office: Office, document: Document, number: str) -> Delivery:
    """Raises IntegrityError A502 for a kept original that is no delivery."""
    message = xml.decode(document.data, office.document_limits)
    if not isinstance(message, Delivery):
        raise IntegrityError("A502", number)
    return message
