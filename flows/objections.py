"""Objections (异议, art. 16): entered at the office that the person turns to, decided where the record is checked.

At the new office the delivery goes back with C421, or the objection is checked there; at the old one the case stays as
it is until somebody corrects it, or stands by it with reasons. What people write stands in messages, which are
encrypted; journal and ledger have times, staff ids and the ending.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from archive import cases, conversation
from archive import objections as register
from archive.case import State
from archive.cases import CaseRow
from archive.conversation import Said
from archive.objections import Objection
from archive.tables import CLARIFICATION, DELIVERY, IN, OUT, RETURN
from flows import own_keys, reopening, writing
from flows.wiring import Office
from formats import xml
from formats.errors import UsageError
from formats.messages import Clarification, Message, Return

# The person objects to the record.
OBJECTED = "C421"


def object_to(office: Office, number: str, note: str, who: str, at: datetime, *, here: bool = False) -> None:
    """Register an objection. At the new office the delivery goes back with the note, unless it is checked `here`.

    Raises UsageError S411 (nothing is delivered, or an objection is open), S412; S421 for a note that goes nowhere, or
    for none where it goes to the sending office.
    """
    row = cases.find(office.ledger, number)
    goes_back = row.direction == IN and not here
    if goes_back != bool(note):
        raise UsageError("S421", "the note goes to the sending office with the delivery: --note without --here there")
    pending = _open(office, row)
    cut_off = goes_back and pending is not None and _cut_off(office, row, pending)
    if pending is not None and not cut_off:
        raise UsageError("S411", f"{number} has an objection that is open")
    if not goes_back:
        register.enter(office.ledger, number, who, at)
        return
    entries = () if cut_off else (register.entered(number, "returned", who, at),)
    writing.send_back(office, number, OBJECTED, note, who, at, entries)


def correct(office: Office, number: str, code: str, who: str, why: str, at: datetime) -> None:
    """Open a case again to be corrected; an objection was right then. Where the new office checked it, it ends only.

    `code` is why; empty for C421 where there is an objection, and else for C420. Raises UsageError S411, S412.
    """
    row = cases.find(office.ledger, number)
    if row.direction == IN:
        register.decide(office.ledger, number, "corrected", who, at)
        return
    pending = _open(office, row)
    entries = () if pending is None else (register.decided(number, "corrected", who, at),)
    reason = code or ("C420" if pending is None else OBJECTED)
    cases.reopen(office.ledger, number, reason, who, why, at, entries)


def uphold(office: Office, number: str, text: str, who: str, at: datetime) -> None:
    """Stand by a delivery that was returned or objected to, with the reasons, which the partner reads.

    Raises UsageError S411, S412.
    """
    row = cases.find(office.ledger, number)
    pending = _open(office, row)
    entries = () if pending is None else (register.decided(number, "stands", who, at),)
    if row.direction == OUT and row.state is State.RETURNED:
        writing.uphold(office, number, text, who, at, entries)
    elif pending is None or pending.route != "here":
        raise UsageError("S411", f"{number} was not returned to this office, and no objection is checked here")
    else:
        writing.clarify(office, number, text, row.message_id, "", who, at, entries)


def of_case(office: Office, row: CaseRow) -> tuple[Objection, ...]:
    """The objections to a case, as both offices' messages say how they came and ended. Raises as `Segments.read`."""
    return _told(office, row, register.registered(office.ledger, row.case))


def every(office: Office) -> tuple[Objection, ...]:
    """All objections, by case in the order of the cases' opening. Raises as `Segments.read`."""
    known: dict[str, list[Objection]] = {}
    for item in register.registered(office.ledger):
        known.setdefault(item.case, []).append(item)
    waiting = (State.RETURNED, State.REJECTED)
    rows = [row for row in cases.listing(office.ledger) if row.case in known or row.state in waiting]
    return tuple(item for row in rows for item in _told(office, row, known.get(row.case, ())))


def _told(office: Office, row: CaseRow, known: Sequence[Objection]) -> tuple[Objection, ...]:
    """Those that are registered, with what the messages say of them, and the one that came and is open."""
    said = conversation.said(office.ledger, row.partner, row.case)
    told = [_completed(item, said) for item in known]
    came = _came(office, row, said)
    if came and not any(not item.ending for item in told):
        told.append(Objection(row.case, came, "partner", "received"))
    return tuple(told)


def reasons(office: Office, row: CaseRow) -> str:
    """What the office that stood by the record wrote last; empty where nobody did. Raises as `Segments.read`."""
    said = conversation.said(office.ledger, row.partner, row.case)
    for item in reversed([item for item in said if item.kind == CLARIFICATION]):
        message = _message(office, row, item)
        if isinstance(message, Clarification) and message.kind == "answer":
            return message.text
    return ""


def _open(office: Office, row: CaseRow) -> Objection | None:
    return next((item for item in of_case(office, row) if not item.ending), None)


def _cut_off(office: Office, row: CaseRow, pending: Objection) -> bool:
    """Whether the process was killed after the objection was entered, and before the delivery on hold was refused.

    A delivery that came after it is another one, which the objection has led to: its correction.
    """
    if row.state is not State.RECEIVED or pending.route != "returned":
        return False
    said = conversation.said(office.ledger, row.partner, row.case)
    return any(one.message_id == row.message_id and one.created <= pending.entered for one in said)


def _completed(item: Objection, said: Sequence[Said]) -> Objection:
    """With what the messages say: when the partner's return came, or how the partner answered ours."""
    if item.route == "received":
        came = [one for one in said if (one.kind, one.direction) == (RETURN, IN) and one.created <= item.decided]
        return replace(item, entered=came[-1].created, entered_by="partner") if came else item
    if item.ending or item.route != "returned":
        return item
    returns = [one.message_id for one in said if (one.kind, one.direction) == (RETURN, OUT)]
    later = [one for one in said if one.created >= item.entered]
    if returns:  # the newest return is the objection's: none is open while another is entered
        place = [one.message_id for one in said].index(returns[-1])
        if said[place].created >= item.entered:
            later = list(said[place:])
    for one in later:
        ending = _answered(one, returns[-1:])
        if ending:
            return replace(item, decided=one.created, decided_by="partner", ending=ending)
    return item


def _answered(one: Said, returned: Sequence[str]) -> str:
    """How a message ends the objection that went out with a return; empty where it does not."""
    if one.message_id in returned:
        return "stands" if one.outcome == "rejected" else ""
    if one.direction == IN and one.kind == DELIVERY and one.outcome == "accepted":
        return "corrected"
    return "stands" if one.direction == IN and one.kind == CLARIFICATION and one.answers in returned else ""


def _came(office: Office, row: CaseRow, said: Sequence[Said]) -> str:
    """When the return or the refusal came with which this outgoing case waits for an objection's check, or empty."""
    if row.direction != OUT:
        return ""
    if row.state is State.REJECTED:
        return row.updated if OBJECTED in (finding.code for finding in row.findings) else ""
    returns = [item for item in said if (item.kind, item.direction) == (RETURN, IN)]
    if row.state is not State.RETURNED or not returns:
        return ""
    message = _message(office, row, returns[-1])
    codes = [finding.code for finding in message.findings] if isinstance(message, Return) else []
    return returns[-1].created if OBJECTED in codes else ""


def _message(office: Office, row: CaseRow, said: Said) -> Message | None:
    """A message of a case out of what is kept of it; None where that is gone."""
    kind = "letter-received" if said.direction == IN else "letter-sent"
    for kept in cases.originals(office.ledger, row.case):
        if (kept.kind, kept.message_id, kept.partner) == (kind, said.message_id, row.partner):
            data = office.store.read(kept.digest)
            if kind == "letter-received":
                data = reopening.reopen(office, own_keys.every(office.settings), data, kept.kept).data
            return xml.decode(data, office.document_limits)
    return None
