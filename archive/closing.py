"""Closing: a partner's receipt (回执) brings one of this office's own cases to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from archive import claims, journal
from archive.arrivals import Incoming, finish
from archive.case import Event, State, advance
from archive.claims import Owner
from archive.journal import Entry, extent
from archive.ledger import Ledger, insert
from archive.originals import Kept
from archive.registry import original_values, register
from archive.tables import DELIVERY, IN, OUT, RECEIPT, ArrivalState, MessageState, cases, messages, utc_text
from formats.messages import Finding, Outcome

_EVENTS: dict[Outcome, Event] = {"accepted": Event.ACCEPT, "rejected": Event.REJECT, "on-hold": Event.PUT_ON_HOLD}
_FINAL = (State.ACCEPTED, State.REJECTED)
_WHY = "transfer of the insurance relation"


@dataclass(frozen=True, slots=True)
class ReceivedReceipt:
    """A receipt from a proved sender. `answers`: message id, `digest`: of the document that it answers."""

    incoming: Incoming
    answers: str
    outcome: Outcome
    findings: tuple[Finding, ...]
    digest: str
    original: Kept


def record_receipt(
    ledger: Ledger,
    owner: Owner,
    incoming: Incoming,
    answers: str,
    outcome: Outcome,
    findings: tuple[Finding, ...],
    digest: str,
    original: Kept,
    who: str,
    at: datetime,
) -> str | None:
    """As `record_receipts`, for one."""
    receipt = ReceivedReceipt(incoming, answers, outcome, findings, digest, original)
    return record_receipts(ledger, owner, [receipt], who, at)[0]


def record_receipts(
    ledger: Ledger, owner: Owner, receipts: Sequence[ReceivedReceipt], who: str, at: datetime
) -> tuple[str | None, ...]:
    """Close the cases that these receipts answer; in this order, in one transaction.

    For each: None when it fits, also when it says again what an earlier one said, and its arrival is done; else the
    code of the reason, and nothing is written, so that the arrival can be quarantined: C401 it answers no delivery of
    this office, C402 it is for other bytes than were sent, C403 it contradicts an earlier one. Raises UnreachableError
    S409 when one of the arrivals is no longer this owner's.
    """
    now = utc_text(at)
    closed: list[ReceivedReceipt] = []
    codes: list[str | None] = []
    kept: list[dict[str, Any]] = []
    with ledger.writing() as connection:
        journal.lock(connection)
        claims.confirm(connection, owner, at, [receipt.incoming.arrival.number for receipt in receipts])
        for receipt in receipts:
            sent = _sent(connection, receipt)
            code, state = _judge(connection, receipt, sent)
            codes.append(code)
            if code is None and sent is not None:
                if state is not None:
                    _close(connection, receipt, sent, state, now)
                    closed.append(receipt)
                _enter(connection, receipt, sent, now)
                kept.append(_as_original(receipt, sent, now))
        fitting = [receipt for receipt, code in zip(receipts, codes, strict=True) if code is None]
        finish(connection, [receipt.incoming.arrival.number for receipt in fitting], ArrivalState.DONE)
        register(connection, kept, _WHY, who, now)
        if closed:
            journal.append(connection, _entry(closed, who, now))
    return tuple(codes)


def _sent(connection: Connection, receipt: ReceivedReceipt) -> Row[Any] | None:
    """The delivery that the receipt says it answers, with its case."""
    wanted = (
        select(
            messages.c.id,
            messages.c.digest,
            messages.c.case_number,
            messages.c.partner,
            cases.c.id.label("case_id"),
            cases.c.state.label("case_state"),
        )
        .join(cases, (cases.c.direction == OUT) & (cases.c.case_number == messages.c.case_number))
        .where(
            messages.c.direction == OUT,
            messages.c.kind == DELIVERY,
            messages.c.partner == receipt.incoming.partner,
            messages.c.message_id == receipt.answers,
        )
    )
    return connection.execute(wanted).first()


def _judge(connection: Connection, receipt: ReceivedReceipt, sent: Row[Any] | None) -> tuple[str | None, State | None]:
    """The code of what does not fit, or the case's new state; neither when nothing changes."""
    if sent is None:
        return "C401", None
    if receipt.digest != sent.digest:
        return "C402", None
    state, event = State(sent.case_state), _EVENTS[receipt.outcome]
    if state is State.SEALED:  # the answer came before the posting was entered
        state = advance(state, Event.POST)
    if state is advance(State.IN_TRANSIT, event):
        return None, None
    if state in _FINAL:
        late = event is Event.PUT_ON_HOLD and receipt.incoming.sequence < _last_sequence(connection, receipt)
        return (None, None) if late else ("C403", None)
    return None, advance(state, event)


def _last_sequence(connection: Connection, receipt: ReceivedReceipt) -> int:
    """The highest sequence number of the receipts that answer the same delivery."""
    wanted = select(func.max(messages.c.sequence)).where(
        messages.c.direction == IN,
        messages.c.partner == receipt.incoming.partner,
        messages.c.answers == receipt.answers,
    )
    return int(connection.execute(wanted).scalar() or 0)


def _close(connection: Connection, receipt: ReceivedReceipt, sent: Row[Any], state: State, now: str) -> None:
    answered = MessageState.ANSWERED if state in _FINAL else MessageState.POSTED
    connection.execute(
        update(messages).where(messages.c.id == sent.id).values(state=answered, outcome=receipt.outcome, claim=None)
    )
    connection.execute(
        update(cases).where(cases.c.id == sent.case_id).values(state=state, updated=now, findings=receipt.findings)
    )


def _enter(connection: Connection, receipt: ReceivedReceipt, sent: Row[Any], now: str) -> None:
    """The receipt's own message, once."""
    item = receipt.incoming
    message = {
        "direction": IN,
        "partner": item.partner,
        "message_id": item.message_id,
        "sequence": item.sequence,
        "kind": RECEIPT,
        "case_number": sent.case_number,
        "name": item.arrival.name,
        "digest": item.digest,
        "package_digest": item.package_digest,
        "size": item.arrival.size,
        "state": MessageState.ANSWERED,
        "answers": receipt.answers,
        "outcome": receipt.outcome,
        "arrival": item.arrival.number,
        "created": now,
        "posted": "",
    }
    connection.execute(insert(connection, messages).values(message).on_conflict_do_nothing())


def _as_original(receipt: ReceivedReceipt, sent: Row[Any], now: str) -> dict[str, Any]:
    item = receipt.incoming
    return original_values(receipt.original, OUT, item.partner, sent.case_number, item.message_id, now)


def _entry(closed: Sequence[ReceivedReceipt], who: str, now: str) -> Entry:
    outcomes = [receipt.outcome for receipt in closed]
    what = {
        **extent([receipt.incoming.case or receipt.answers for receipt in closed]),
        "accepted": outcomes.count("accepted"),
        "rejected": outcomes.count("rejected"),
        "on_hold": outcomes.count("on-hold"),
    }
    return Entry(now, "closed", what, _WHY, "answered by the partner", who)
