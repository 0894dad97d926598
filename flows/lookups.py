"""A lookup from the request to the paper: registered first (`archive.lookup`), then shown as JSON, HTML or PDF.

What is looked up is the records database, or the kept original of one of the person's cases. An original is decrypted
and parsed as a whole, since its digest and its schema can only be checked over all of it; what is out of scope is
dropped before anything else is done with it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archive import cases, lookup
from archive.lookup import Caps, Shown
from archive.scopes import Request, Scope, narrow
from archive.tables import IN
from flows import documents
from flows.wiring import Office
from formats import xml
from formats.codes import code_list
from formats.encoding import encode_record
from formats.errors import UsageError
from formats.forms import forms
from formats.forms.forms import View
from formats.messages import Delivery
from formats.reasons import Language
from formats.record import Record


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown: the request, the registered lookup, and the office that answers."""

    office: str
    request: Request
    shown: Shown
    case: str = ""

    def document(self) -> dict[str, Any]:
        """For `--json`: the record with what is in scope, and nothing else, not even empty."""
        scope = self.shown.scope
        return {
            "lookup": self.shown.number,
            "at": self.shown.at,
            "requester": self.request.requester,
            "purpose": self.request.purpose,
            "scope": scope.text(),
            "case": self.case,
            "record": _visible(self.shown.record, scope),
        }

    def html(self, language: Language) -> bytes:
        """The form. Raises RefusedError R030 for characters that XML cannot carry."""
        return forms.html(encode_record(self.shown.record), language, self._view(language))

    def _view(self, language: Language) -> View:
        request, scope = self.request, self.shown.scope
        kinds = (code_list("insurance_kind").text(kind, language) for kind in scope.kinds)
        period = f"{scope.first or '…'} – {scope.last or '…'}" if scope.first or scope.last else ""
        facts = (
            ("fact.office", self.office),
            ("fact.at", self.shown.at),
            ("fact.lookup", str(self.shown.number)),
            ("fact.requester", forms.text(f"requester.{request.requester}", language)),
            ("fact.requester_id", request.requester_id),
            ("fact.purpose", forms.text(f"purpose.{request.purpose}", language)),
            ("fact.basis", "; ".join(filter(None, (request.basis, request.application)))),
            ("fact.items", ", ".join(forms.text(f"group.{group}", language) for group in scope.groups)),
            ("fact.kinds", ", ".join(kinds)),
            ("fact.period", period),
            ("fact.case", self.case),
        )
        return View(scope.groups, tuple(fact for fact in facts if fact[1]), lookup=True)


def look_up(office: Office, request: Request, at: datetime, case: str = "") -> Answer:
    """Look up a person's record, or the original of one of the person's cases. Raises as `archive.lookup.look_up`."""
    settings = office.settings.lookup
    caps = Caps(settings.person_per_day, settings.per_day)
    read = _original(office, case) if case else office.records.read_scope
    shown = lookup.look_up(office.ledger, request, read, caps, at)
    return Answer(f"{office.settings.name} ({office.code})", request, shown, case)


def _original(office: Office, case: str) -> Callable[[str, Scope], Record]:
    """How the kept original of a case of this person is read.

    Whose an outgoing case is, stands in the ledger; whose an incoming one, only where it was taken in, in the records
    database: of what was refused nobody knows here that it is this person's.
    """

    def read(person: str, scope: Scope) -> Record:
        """Raise UsageError S412 also for a case of somebody else: whose it is, is not told."""
        row = cases.find(office.ledger, case)
        digest = row.digest
        if row.direction == IN:
            taken = office.records.taken_in(case)
            whose, digest = (taken.person, taken.digest) if taken and taken.sender == row.partner else ("", "")
        else:
            whose = row.person
        if not whose or whose != person:
            raise UsageError("S412", case)
        kept = next((item for item in documents.deliveries(office, row) if item.digest == digest), None)
        message = xml.decode(kept.data, office.document_limits) if kept else None
        if not isinstance(message, Delivery):
            raise UsageError("S412", case)
        return narrow(message.record, scope)

    return read


def _visible(record: Record, scope: Scope) -> dict[str, Any]:
    parts: dict[str, Any] = {"person": {name: getattr(record.person, name) for name in scope.person}}
    for part in scope.parts:
        rows = getattr(record, part)
        fields = scope.employers if part == "employers" else rows[0]._fields if rows else ()
        parts[part] = [{name: getattr(row, name) for name in fields} for row in rows]
    return parts
