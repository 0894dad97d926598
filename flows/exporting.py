"""A person's record handed out in the form of GB/T 40217-2021: a lookup in law, bound to a case, one person a call.

1. the request is held against the law and the caps, and registered (`archive.lookup`), also when it is refused;
2. only what is in its scope is read;
3. the journal says that a file is handed out, under which lookup, of which case, with the file's digest; then, and only
   then, the file is written.

There is no way to export a person of whom this office has no case, nor more than one at a time (art. 22).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from archive import bound_cases, cases, journal, lookup
from archive.journal import Entry
from archive.lookup import Caps, Shown
from archive.scopes import Request, Scope
from archive.tables import IN
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import UsageError
from formats.interface import container, gbt40217
from formats.interface.writing import write
from formats.record import Record

FORMAT = "gbt40217"


@dataclass(frozen=True, slots=True)
class Export:
    """What is handed out: the file's bytes and digest, of which case and lookup, and what the form has no place for."""

    data: bytes
    digest: str
    case: str
    shown: Shown
    documents: Mapping[str, int]
    uncarried: Mapping[str, int]


def subject_of(office: Office, case: str) -> str:
    """The person number of a case's person at this office, empty where it is not known here. Raises S412, S409."""
    row = cases.find(office.ledger, case)
    if row.person or row.direction != IN:
        return row.person
    taken = office.records.taken_in(case)
    return taken.person if taken and taken.sender == row.partner else ""


def export(office: Office, request: Request, case: str, at: datetime) -> Export:
    """The record of the request's subject within its scope, as one ZIP of the interface's documents.

    `case` may be empty: then the newest case of this person stands for it. Raises UsageError S412 where no case of this
    office is about the person, S430, S431 as `archive.lookup.look_up`; RefusedError S462, S466, R030 as
    `formats.interface.writing.write`: then nothing is handed out.
    """
    bound = case or bound_cases.newest_of(office.ledger, request.subject)

    def read(person: str, scope: Scope) -> Record:
        """Raise UsageError S412 for a person of whom this office has no case."""
        if not bound or not person or subject_of(office, bound) != person:
            raise UsageError("S412", bound)
        return office.records.read_scope(person, scope)

    settings = office.settings.lookup
    shown = lookup.look_up(office.ledger, request, read, Caps(settings.person_per_day, settings.per_day), at)
    documents = write(shown.record)
    data = container.pack(documents)
    digest = sha256(data)
    _enter(office, request, shown, bound, digest)
    sizes = {name: len(document) for name, document in documents.items()}
    return Export(data, digest, bound, shown, sizes, gbt40217.uncarried(shown.record))


def _enter(office: Office, request: Request, shown: Shown, case: str, digest: str) -> None:
    what: dict[str, str | int] = {"lookup": shown.number, "case": case, "format": FORMAT, "digest": digest}
    how = "within the lookup's scope, written to a file"
    journal.record(office.ledger, [Entry(shown.at, "exported", what, "art. 22", how, request.who)])
