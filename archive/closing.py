"""Closing: a partner's receipt (回执) says what became of a message of this office, and moves its case on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, func, select, update

from archive import claims, dialogue, journal
from archive.arrivals import Incoming, finish
from archive.case import Event, State, advance
from archive.claims import Owner
from archive.dialogue import Effect
from archive.journal import Entry, extent
from archive.ledger import Ledger, insert
from archive.originals import Kept
from archive.registry import original_values, register
from archive.tables import IN, OUT, RECEIPT, ArrivalState, MessageState, cases, messages, utc_text
from formats.messages import Finding, Outcome

_FINAL = ("accepted", "rejected")
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
    """Move on the cases of the messages that these receipts answer; in this order, in one transaction.

    For each: None when it fits, also when it says again what an earlier one said, and its arrival is done; else the
    code of the reason, and nothing is written, so that the arrival can be quarantined: C401 it answers no message of
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
                _note(connection, receipt, sent)
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
    """The message that the receipt says it answers, with its case."""
    wanted = (
        select(
            messages.c.id,
            messages.c.kind,
            messages.c.digest,
            messages.c.case_number,
            messages.c.partner,
            messages.c.outcome,
            (cases.c.message_id == messages.c.message_id).label("stands"),
            cases.c.id.label("case_id"),
            cases.c.state.label("case_state"),
            cases.c.direction.label("case_direction"),
        )
        .join(cases, (cases.c.partner == messages.c.partner) & (cases.c.case_number == messages.c.case_number))
        .where(
            messages.c.direction == OUT,
            messages.c.kind != RECEIPT,
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
    state = State(sent.case_state)
    posted = advance(state, Event.POST) if state is State.SEALED else state  # the answer came before the posting
    effect = _effect(connection, receipt, sent, posted)
    if effect.code:
        return effect.code, None
    if effect.event is None:
        return None, None
    return None, advance(posted, effect.event)


def _effect(connection: Connection, receipt: ReceivedReceipt, sent: Row[Any], state: State) -> Effect:
    """What the receipt does to the case, by the kind of what it answers."""
    match sent.kind:
        case "delivery":
            earlier = cast("Outcome | None", sent.outcome or None)
            late = earlier is not None and receipt.incoming.sequence < _last_sequence(connection, receipt)
            return dialogue.of_delivery(state, receipt.outcome, earlier=earlier, late=late, stands=bool(sent.stands))
        case "contact-letter":
            return dialogue.of_letter(state, receipt.outcome)
        case "return":
            return dialogue.of_return(state, receipt.outcome)
        case "withdrawal":
            return dialogue.of_withdrawal(state, receipt.outcome, outgoing=sent.case_direction == OUT)
        case _:
            return Effect()


def _last_sequence(connection: Connection, receipt: ReceivedReceipt) -> int:
    """The highest sequence number of the receipts that answer the same message."""
    wanted = select(func.max(messages.c.sequence)).where(
        messages.c.direction == IN,
        messages.c.partner == receipt.incoming.partner,
        messages.c.answers == receipt.answers,
    )
    return int(connection.execute(wanted).scalar() or 0)


def _note(connection: Connection, receipt: ReceivedReceipt, sent: Row[Any]) -> None:
    """What the newest receipt says of the message; a final answer stays."""
    if sent.outcome in _FINAL:
        return
    answered = MessageState.ANSWERED if receipt.outcome in _FINAL else MessageState.POSTED
    connection.execute(
        update(messages).where(messages.c.id == sent.id).values(state=answered, outcome=receipt.outcome, claim=None)
    )


def _close(connection: Connection, receipt: ReceivedReceipt, sent: Row[Any], state: State, now: str) -> None:
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
    return original_values(receipt.original, sent.case_direction, item.partner, sent.case_number, item.message_id, now)


def _entry(closed: Sequence[ReceivedReceipt], who: str, now: str) -> Entry:
    outcomes = [receipt.outcome for receipt in closed]
    what = {
        **extent([receipt.incoming.case or receipt.answers for receipt in closed]),
        "accepted": outcomes.count("accepted"),
        "rejected": outcomes.count("rejected"),
        "on_hold": outcomes.count("on-hold"),
    }
    return Entry(now, "closed", what, _WHY, "answered by the partner", who)
