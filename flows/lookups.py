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
from archive.tables import OUT
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
    read = _original(office, case, at) if case else office.records.read_scope
    shown = lookup.look_up(office.ledger, request, read, caps, at)
    return Answer(f"{office.settings.name} ({office.code})", request, shown, case)


def _original(office: Office, case: str, at: datetime) -> Callable[[str, Scope], Record]:
    """How the kept original of an outgoing case of this person is read."""

    def read(person: str, scope: Scope) -> Record:
        """Raise UsageError S412 also for a case of somebody else: whose it is, is not told."""
        row = cases.find(office.ledger, case)
        if row.direction != OUT or row.person != person:
            raise UsageError("S412", case)
        message = xml.decode(documents.of_case(office, case, at).data, office.document_limits)
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
