"""The document of a case as it was kept, or of a file: what `jiexu show` and lookups of originals print."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive import cases, journal
from archive.cases import CaseRow
from archive.journal import Entry
from archive.segments import catalog
from flows import own_keys, reopening
from flows.times import utc_text
from flows.wiring import Office
from formats import xml
from formats.digest import sha256
from formats.errors import IntegrityError, UsageError
from formats.messages import Delivery

_SENT, _RECEIVED = "delivery-sent", "package-received"


@dataclass(frozen=True, slots=True)
class Document:
    """A document's exact bytes and the SHA-256 of them, lower-case hex.

    `original` is the digest of the kept original that it is, or came in; empty for a document in a file.
    """

    data: bytes
    digest: str
    original: str = ""


def of_case(office: Office, case: str) -> Document:
    """The newest delivery kept of a case, this office's outgoing one first: as sent, or out of the package as received.

    Raises UsageError S412 (no such case), S411 (nothing is kept of it yet), IntegrityError A501, A502, A509; for a
    package that cannot be opened any more RefusedError T1xx.
    """
    found = next(deliveries(office, cases.find(office.ledger, case)), None)
    if found is None:
        raise UsageError("S411", f"{case}: there is no original yet")
    return found


def deliveries(office: Office, case: CaseRow) -> Iterator[Document]:
    """All deliveries kept of a case, the newest first; each is read when it is asked for. Raises as `of_case`."""
    kind = _SENT if case.direction == "out" else _RECEIVED
    keys = own_keys.every(office.settings) if kind == _RECEIVED else ()
    for kept in reversed(cases.originals(office.ledger, case.case)):
        if (kept.kind, kept.direction, kept.partner) == (kind, case.direction, case.partner):
            data = office.store.read(kept.digest)
            if kind == _RECEIVED:
                data = reopening.reopen(office, keys, data, kept.kept).data
            yield Document(data, sha256(data), kept.digest)


@dataclass(frozen=True, slots=True)
class Corrected:
    """A delivery that another one corrects, and the SHA-256 of its document."""

    delivery: Delivery
    digest: str


def corrected(office: Office, delivery: Delivery) -> Corrected | None:
    """The kept delivery of its case that this one corrects; None when it corrects none, or none that is kept here.

    Raises as `of_case`, but for a case that is not known.
    """
    if delivery.correction is None:
        return None
    wanted, header = delivery.correction.digest, delivery.header
    for row in cases.listing(office.ledger, partner=header.sender, direction="in", case=header.case):
        for document in deliveries(office, row):
            if document.digest == wanted:
                message = xml.decode(document.data, office.document_limits)
                return Corrected(message, wanted) if isinstance(message, Delivery) else None
    return None


def of_file(path: Path) -> Document:
    """A document in a file. Raises UsageError S417."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError("S417", f"{path}: {error.strerror}") from None
    return Document(data, sha256(data))


def note_taken_out(
    office: Office, digest: str, who: str, at: datetime, how: str = "decrypted, compared, written to a file"
) -> None:
    """Enter in the journal that an original is handed out as a file (art. 12), before it is; `who` is a staff id.

    Raises IntegrityError A501 when no original has this digest.
    """
    found = catalog.where(office.ledger, digest)
    if found is None:
        raise IntegrityError("A501", digest)
    what: dict[str, str | int] = {"digest": digest, "kind": found.member.kind}
    journal.record(office.ledger, [Entry(utc_text(at), "taken-out", what, "reference (art. 10)", how, who)])
