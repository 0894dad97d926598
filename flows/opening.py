"""Opening: from a package in the inbox to a judgement on it. Nothing is changed here.

The checks, in the order of the exchange protocol; each names the first thing that does not hold:

1. size, framing, decryption, integrity, decompression, signature, signer (`transfer.envelope`): a package whose sender
   is not proved is for the quarantine, and nothing of it is parsed;
2. XML, schema (`formats.xml`);
3. addressee, environment, message id (`transfer.receipts`);
4. duplicate: (sender, case, digest) and how far the earlier one has come;
5. approvals, business rules. Conflicts with local data are found while the record is taken in (`settling.py`).

From a proved sender, a failure of 2 to 5 is a refusal that a rejecting receipt answers; but what was to be a receipt is
never answered.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from archive import duplicates
from archive.arrivals import Arrival, Incoming
from archive.case import Event
from flows import documents, judging, own_keys
from flows.documents import Corrected
from flows.wiring import Office
from formats import rules, validation, xml
from formats.digest import sha256
from formats.errors import RefusedError
from formats.messages import Asking, ContactLetter, Delivery, Finding, Message, Receipt
from formats.workdays import beijing_day
from transfer import envelope, receipts, signed_approvals
from transfer.envelope import OfficeKey, Opened
from transfer.naming import PackageName, parse_name
from transfer.receipts import Earlier

# The local name of the first tag, whatever its namespace and however broken the rest.
_FIRST_TAG = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A package whose sender is not proved, or that must not be answered; with the reason code."""

    arrival: Arrival
    code: str


@dataclass(frozen=True, slots=True)
class Addressed:
    """A message from a proved sender that is to be answered: taken up, or refused where there are blocking findings.

    `message` is None when the document could not be read. `event` is what a message that is no delivery does to its
    case, `person` the person number for whom a contact letter opens one, `posted` what that letter says of a posting.
    `corrected` is the kept delivery that a correction names.
    """

    arrival: Arrival
    incoming: Incoming
    package: bytes
    message: Asking | None
    findings: tuple[Finding, ...]
    event: Event | None = None
    person: str = ""
    posted: str = ""
    corrected: Corrected | None = None

    @property
    def delivery(self) -> Delivery | None:
        """The delivery, where it is one."""
        return self.message if isinstance(self.message, Delivery) else None


@dataclass(frozen=True, slots=True)
class Answered:
    """A receipt from a proved sender."""

    arrival: Arrival
    incoming: Incoming
    package: bytes
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Repeated:
    """A message that was answered before: the same receipt goes out again."""

    arrival: Arrival
    partner: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message whose twin is being worked on."""

    arrival: Arrival


Opening = Quarantined | Addressed | Answered | Repeated | Waiting


def unseal(office: Office, package: bytes, at: datetime, keys: Sequence[OfficeKey] = ()) -> Opened:
    """Decrypt a package with every guard and prove who signed it. Raises RefusedError T1xx.

    `keys` instead of those that open what arrives at this time.
    """
    keys = keys or office.opening_keys(at)
    return envelope.unseal(package, keys, office.directory.pins(), at, office.envelope_limits)


def arrived(office: Office, arrival: Arrival) -> bytes:
    """The package as it arrived. Raises IntegrityError A501, A502.

    When two passes collect at once, the same bytes can have arrived twice, and who settled them first has taken the
    file away: they are among the originals then, or in the quarantine.
    """
    digest = arrival.digest
    place = next((place for place in (office.inbox, office.quarantine) if place.has(digest)), office.store)
    return place.read(digest)


def open_package(office: Office, arrival: Arrival, at: datetime) -> Opening:
    """Open and judge one package of the inbox. Raises ServiceError when a part of the service fails."""
    package = arrived(office, arrival)
    name = parse_name(arrival.name)
    if name is None:
        return Quarantined(arrival, "M192")
    try:
        opened = unseal(office, package, at, _keys(office, arrival))
    except RefusedError as error:
        return Quarantined(arrival, error.code)
    if name.sender != opened.office:
        return Quarantined(arrival, "T133")
    return _read(office, arrival, package, name, opened, at)


def _keys(office: Office, arrival: Arrival) -> tuple[OfficeKey, ...]:
    """With what to open a package that does not arrive but is kept, as one that was on hold: every key there ever was.

    Empty for one that arrives.
    """
    arrives = office.inbox.has(arrival.digest) or office.quarantine.has(arrival.digest)
    return () if arrives else own_keys.every(office.settings)


def _read(office: Office, arrival: Arrival, package: bytes, name: PackageName, opened: Opened, at: datetime) -> Opening:
    """Judge the document in a package whose sender is proved and named by its file."""
    try:
        message = xml.decode(opened.data, office.document_limits)
    except RefusedError as error:
        if _is_receipt(opened.data):
            return Quarantined(arrival, error.code)
        unread = Addressed(arrival, _unread(arrival, opened, name), package, None, _unreadable(error, opened.data))
        return _first_time(office, unread)
    found = receipts.inspect(message, opened.office, name, office.code, office.settings.environment)
    if found and found.code.startswith("T"):
        return Quarantined(arrival, found.code)
    entry = _entry(arrival, opened, message)
    if isinstance(message, Receipt):
        return Quarantined(arrival, found.code) if found else Answered(arrival, entry, package, message)
    addressed = _first_time(office, Addressed(arrival, entry, package, message, (found,) if found else ()))
    if not isinstance(addressed, Addressed) or found:
        return addressed
    return _judged(office, addressed, message, opened.data, at)


def _judged(office: Office, addressed: Addressed, message: Asking, document: bytes, at: datetime) -> Addressed:
    """With the findings on what it says, and what it does to its case."""
    if isinstance(message, (Delivery, ContactLetter)):
        approved = receipts.approvals(message, office.settings.stages) or _signed(office, message, document)
        if approved:
            return replace(addressed, findings=approved)
    if isinstance(message, Delivery):
        stands = judging.standing(office, message)
        findings = judging.refused(office, message, stands) or rules.check(
            message, beijing_day(at), posted=stands.posted
        )
        if not rules.blocks(findings):
            findings += judging.unpaid(office, message, stands)
        return replace(addressed, findings=findings, corrected=documents.corrected(office, message))
    judged = judging.judge(office, message)
    return replace(addressed, findings=judged.findings, event=judged.event, person=judged.person, posted=judged.posted)


def _signed(office: Office, message: Delivery | ContactLetter, document: bytes) -> tuple[Finding, ...]:
    """What is wrong with the signatures under the approvals, where the sender's staff card is on file."""
    people = office.partner_people(message.header.sender)
    return () if people is None else signed_approvals.findings(message, document, people)


def _is_receipt(document: bytes) -> bool:
    """Whether a document that cannot be read was to be a receipt. A receipt is never answered.

    Two offices that cannot read each other's receipts would answer them for ever.
    """
    tag = _FIRST_TAG.search(document)
    return tag is not None and tag[1] == b"receipt"


def _first_time(office: Office, opening: Addressed) -> Opening:
    """The message itself when it comes for the first time; else what its earlier coming makes of it."""
    entry = opening.incoming
    known = duplicates.known(office.ledger, entry)
    decision = receipts.duplicate(_known(known, entry.message_id), entry.digest)
    if isinstance(decision, Finding):
        return Quarantined(opening.arrival, decision.code)
    if decision == "repeat":
        answered = known.message or known.delivery
        return Repeated(opening.arrival, entry.partner, answered.message_id if answered else entry.message_id)
    return Waiting(opening.arrival) if decision == "wait" else opening


def _known(known: duplicates.Known, message_id: str) -> receipts.Known:
    """What the ledger knows, in the words of the judgement."""
    message, delivery = (Earlier(item.digest, item.state) if item else None for item in (known.message, known.delivery))
    return receipts.Known(message_id, message, known.sequence_of, delivery)


def _entry(arrival: Arrival, opened: Opened, message: Message) -> Incoming:
    header = message.header
    return Incoming(
        arrival=arrival,
        partner=opened.office,
        message_id=header.message_id,
        sequence=header.sequence,
        case=header.case,
        kinds=message.kinds if isinstance(message, (Delivery, ContactLetter)) else (),
        digest=sha256(opened.data),
        package_digest=arrival.digest,
        kind=judging.kind_of(message),
        answers=header.answers,
        corrects=message.correction.message_id if isinstance(message, Delivery) and message.correction else "",
    )


def _unread(arrival: Arrival, opened: Opened, name: PackageName) -> Incoming:
    """What is known of a document that could not be read: its file's name, and who signed it."""
    return Incoming(
        arrival=arrival,
        partner=opened.office,
        message_id=name.message_id,
        sequence=name.sequence,
        case="",
        kinds=(),
        digest=sha256(opened.data),
        package_digest=arrival.digest,
    )


def _unreadable(error: RefusedError, document: bytes) -> tuple[Finding, ...]:
    explained = validation.explain(document) if error.code == "M160" else ()
    return explained or (Finding(error.code, path=error.detail),)
