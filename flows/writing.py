"""Messages that a person writes about a case: composed, signed, sealed, kept, and entered; a pass posts them.

What a person writes freely may be about the insured person: it stands in the message, which is encrypted, and never in
the journal or the ledger.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from archive import cases, composing, conversation, resuming
from archive.case import Event, State
from archive.cases import CaseRow
from archive.composing import Written
from archive.journal import Entry
from archive.outgoing import MessageKind, SealedPackage
from archive.tables import IN, OUT, RETURN
from flows.headings import heading
from flows.keeping import keep_sent
from flows.times import utc_text
from flows.wiring import Office
from formats import xml
from formats.errors import RefusedError, UsageError
from formats.messages import (
    Asking,
    Awaited,
    Clarification,
    Finding,
    Header,
    Reminder,
    Return,
    Withdrawal,
)
from transfer import envelope
from transfer.naming import PackageName

# Where a case may be given up without a word to the partner, who knows nothing of it yet.
_UNSAID = (State.OPEN, State.APPROVED, State.HELD)


def send_back(
    office: Office, number: str, code: str, note: str, who: str, at: datetime, entries: Sequence[Entry] = ()
) -> None:
    """Return the delivery of a case to the sending office (退回).

    One that is accepted goes back with a message; one that is on hold is refused by its receipt for the same reason,
    and the note goes as a word of its own. `entries` are what else the journal is told, with the note.

    Raises UsageError S411, S412, S421.
    """
    row = cases.find(office.ledger, number)
    if row.direction != IN:
        raise UsageError("S411", f"{number} was not delivered to this office")
    if row.state is State.RECEIVED:
        clarify(office, number, note, "", "", who, at, entries)
        resuming.resume(office.ledger, number, who, _returned(code), at, code)
        return

    def message(header: Header) -> Return:
        return Return(header, row.digest, utc_text(at), (Finding(code),), note)

    _write(office, row, "return", row.message_id, message, Event.SEND_BACK, who, _returned(code), at, entries)


def _returned(code: str) -> str:
    """Why, for journal and ledger."""
    return f"returned by a person: {code}"


def withdraw(office: Office, number: str, why: str, who: str, at: datetime) -> None:
    """End a case of this office: at once where nothing was said of it, else by taking back what was sent (撤回).

    A case that the partner asked for is declined. Raises UsageError S411, S412.
    """
    row = cases.find(office.ledger, number)
    declined = row.direction == OUT and row.letter and not row.corrects
    if row.state in _UNSAID and not declined:
        cases.withdraw(office.ledger, number, who, why, at)
        return
    answers, event = row.message_id, Event.RECALL
    if row.state in _UNSAID:
        answers, event = row.letter, Event.WITHDRAW
    digest = _digest(office, row, answers)
    _write(office, row, "withdrawal", answers, lambda header: Withdrawal(header, digest, why), event, who, why, at)


def remind(office: Office, number: str, awaited: Awaited, due: str, count: int, who: str, at: datetime) -> None:
    """Say what is overdue (催办). Raises UsageError S411, S412."""
    row = cases.find(office.ledger, number)

    def message(header: Header) -> Reminder:
        return Reminder(header, awaited, due, count)

    _write(office, row, "reminder", row.message_id, message, None, who, "what is overdue", at)


def clarify(
    office: Office,
    number: str,
    text: str,
    answers: str,
    respond_by: str,
    who: str,
    at: datetime,
    entries: Sequence[Entry] = (),
) -> None:
    """Ask about a case, or answer: `answers` is the id of the question, empty for a question of one's own (问询).

    `entries` are what else the journal is told in the same transaction.
    """
    row = cases.find(office.ledger, number)

    def message(header: Header) -> Clarification:
        return Clarification(header, "answer" if answers else "question", text, respond_by)

    about = answers or row.message_id or row.letter
    _write(office, row, "clarification", about, message, None, who, "a word about the case", at, entries)


def uphold(office: Office, number: str, text: str, who: str, at: datetime, entries: Sequence[Entry] = ()) -> None:
    """Stand by a delivery that was returned, with the reasons; `entries` are what else the journal is told.

    Raises UsageError S411, S412.
    """
    row = cases.find(office.ledger, number)
    said = conversation.said(office.ledger, row.partner, row.case)
    returned = next((item.message_id for item in reversed(said) if item.kind == RETURN and item.direction == IN), "")
    if row.direction != OUT or not returned:
        raise UsageError("S411", f"{number} was not returned to this office")

    def message(header: Header) -> Clarification:
        return Clarification(header, "answer", text)

    _write(office, row, "clarification", returned, message, Event.UPHOLD, who, "stands by its delivery", at, entries)


def _digest(office: Office, row: CaseRow, message_id: str) -> str:
    """The digest of the document of a message of this case."""
    said = conversation.said(office.ledger, row.partner, row.case)
    found = [item.digest for item in said if item.message_id == message_id]
    if not found:
        raise UsageError("S411", f"{row.case}: nothing has been sent that could be taken back")
    return found[-1]


def _write(
    office: Office,
    row: CaseRow,
    kind: MessageKind,
    answers: str,
    message: Callable[[Header], Asking],
    event: Event | None,
    who: str,
    why: str,
    at: datetime,
    entries: Sequence[Entry] = (),
) -> None:
    """Compose, seal, keep and enter one message about a case."""
    if not answers:
        raise UsageError("S411", f"{row.case}: nothing has been said yet that this could be about")
    message_id, sequence = composing.reserve(office.ledger, row.partner)
    header = heading(office, row.partner, row.case, message_id, sequence, at, answers)
    try:
        document = xml.encode(message(header))
        xml.validate(document, office.document_limits)
    except RefusedError as error:
        raise UsageError("S421", f"the text cannot be sent: {error.code}") from None
    sealed = envelope.seal(document, office.key, office.directory.partner(row.partner).recipient(at), at)
    originals = keep_sent(office, "letter-sent", [(document, sealed)], at)[0]
    package = SealedPackage(
        case=row.case,
        message_id=message_id,
        name=str(PackageName(office.code, row.partner, sequence, message_id)),
        digest=originals[0].digest,
        package_digest=originals[-1].digest,
        size=originals[-1].size,
        originals=originals,
    )
    item = Written(kind, row.partner, answers, sequence, package, event, tuple(entries))
    composing.record_written(office.ledger, item, who, why, at)
