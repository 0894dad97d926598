"""What arrives at this office: deliveries to be answered, and receipts for its own cases (`closing.py`).

As in `outgoing`: claimed, worked on outside the ledger, recorded; each function is one transaction. What concerns one
arrival raises UnreachableError S409 when another process has taken the arrival over; what records a batch leaves such
arrivals out and says what it recorded.

Errors of every function: UnreachableError S409 when the database does not answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, select, update

from archive import addressed, claims, counters, journal
from archive.arrivals import Arrival, Incoming, NewArrival, claim, finish, quarantine, record_arrivals
from archive.case import TRANSITIONS, Event, State, advance
from archive.claims import Owner
from archive.closing import ReceivedReceipt, record_receipt, record_receipts
from archive.duplicates import Earlier, Known, known, overtaken
from archive.journal import Entry, extent
from archive.ledger import Ledger, chunks, insert, update_each
from archive.originals import Kept
from archive.outgoing import SealedPackage, message_values, sent_values
from archive.registry import original_values, register
from archive.tables import (
    DELIVERY,
    IN,
    OUT,
    RECEIPT,
    ArrivalState,
    MessageState,
    cases,
    messages,
    utc_text,
)
from formats.messages import Finding, Outcome

__all__ = [
    "Answer",
    "AnsweredDelivery",
    "Arrival",
    "Earlier",
    "Incoming",
    "Known",
    "NewArrival",
    "ReceivedReceipt",
    "claim",
    "known",
    "prepare",
    "quarantine",
    "record_answered",
    "record_arrivals",
    "record_receipt",
    "record_receipts",
    "repeat_answer",
]

_WHY = "transfer of the insurance relation"

# What identifies the content of an incoming message: partner, message id, the document's digest.
Content = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """The receipt's message id and its number in the sequence to the partner."""

    message_id: str
    sequence: int


@dataclass(frozen=True, slots=True)
class AnsweredDelivery:
    """A message with its answer: the receipt is kept and ready to leave; `original` is the package as received.

    `event` is what happens to the case of a message that is no delivery, and `person` the person number for which a
    contact letter opens one; `posted` is `1` where the letter says that the person was officially posted.
    """

    incoming: Incoming
    outcome: Outcome
    findings: tuple[Finding, ...]
    receipt: SealedPackage
    original: Kept
    event: Event | None = None
    person: str = ""
    posted: str = ""


def prepare(ledger: Ledger, owner: Owner, incoming: Sequence[Incoming], at: datetime) -> tuple[Answer | None, ...]:
    """Enter messages that are to be answered, deliveries with their cases, and reserve their receipts' ids, in order.

    A message that was entered before gets the same ids again. None, and nothing is entered, for one that another
    process has overtaken since it was judged (`duplicates.overtaken`). Raises UnreachableError S409 when one of the
    arrivals is no longer this owner's.
    """
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        claims.confirm(connection, owner, at, [item.arrival.number for item in incoming])
        late = overtaken(connection, incoming)
        numbers = [item.arrival.number for item in incoming]
        incoming = [item for item in incoming if item.arrival.number not in late]
        entered = _entered(connection, incoming)
        fresh = {_content(item): item for item in incoming if _content(item) not in entered}
        _enter_cases(connection, [item for item in incoming if not _is_answered(item, entered)], now)
        _enter(connection, fresh.values(), now)
        again = [item for item in incoming if _content(item) in entered and not _is_answered(item, entered)]
        update_each(connection, messages, [{"key": entered[_content(item)].id, **_arrived(item)} for item in again])
        rows = _entered(connection, incoming)
    found = {item.arrival.number: rows[_content(item)] for item in incoming}
    answers = {number: Answer(row.answer_id, row.answer_sequence) for number, row in found.items()}
    return tuple(map(answers.get, numbers))


def _content(item: Incoming) -> Content:
    return (item.partner, item.message_id, item.digest)


def _entered(connection: Connection, incoming: Sequence[Incoming]) -> dict[Content, Row[Any]]:
    wanted = select(messages).where(messages.c.direction == IN)
    return {
        (row.partner, row.message_id, row.digest): row
        for chunk in chunks(sorted({item.message_id for item in incoming}))
        for partner in sorted({item.partner for item in incoming})
        for row in connection.execute(wanted.where(messages.c.partner == partner, messages.c.message_id.in_(chunk)))
    }


def _is_answered(item: Incoming, entered: Mapping[Content, Row[Any]]) -> bool:
    row = entered.get(_content(item))
    return row is not None and row.state == MessageState.ANSWERED


def _enter(connection: Connection, fresh: Iterable[Incoming], now: str) -> None:
    groups: dict[str, list[Incoming]] = {}
    for item in fresh:
        groups.setdefault(item.partner, []).append(item)
    for partner, group in sorted(groups.items()):
        numbers = counters.reserve(connection, counters.sequence(partner), len(group))
        connection.execute(
            insert(connection, messages),
            [_message(item, number, now) for item, number in zip(group, numbers, strict=True)],
        )


def _arrived(item: Incoming) -> dict[str, Any]:
    """How a message came: the same one may come again before it is answered."""
    return {
        "name": item.arrival.name,
        "package_digest": item.package_digest,
        "size": item.arrival.size,
        "arrival": item.arrival.number,
    }


def _message(item: Incoming, answer_sequence: int, now: str) -> dict[str, Any]:
    return {
        "direction": IN,
        "partner": item.partner,
        "message_id": item.message_id,
        "sequence": item.sequence,
        "kind": item.kind,
        "case_number": item.case,
        "digest": item.digest,
        **_arrived(item),
        "state": MessageState.RECEIVED,
        "answers": item.answers,
        "outcome": "",
        "answer_id": str(uuid4()),
        "answer_sequence": answer_sequence,
        "created": now,
        "posted": "",
    }


def _enter_cases(connection: Connection, incoming: Sequence[Incoming], now: str) -> None:
    """New cases are `received`, and those that asked for a delivery; a refused one is again when another comes."""
    named = {(item.partner, item.case): item for item in incoming if item.case and item.kind == DELIVERY}
    rows = _cases(connection, named)
    fixed = {"direction": IN, "person": "", "state": State.RECEIVED, "opened": now, "updated": now, "why": ""}
    fresh = [
        {
            "partner": item.partner,
            "case_number": item.case,
            "kinds": item.kinds,
            "digest": item.digest,
            "findings": (),
            "message_id": item.message_id,
            **fixed,
        }
        for key, item in named.items()
        if key not in rows
    ]
    if fresh:
        connection.execute(insert(connection, cases), fresh)
    again = [(row, named[key], _delivered(State(row.state))) for key, row in rows.items()]
    update_each(
        connection,
        cases,
        [
            {"key": row.id, "state": state, "updated": now, "message_id": item.message_id}
            for row, item, state in again
            if state is not None
        ],
    )


def _delivered(state: State) -> State | None:
    """Where a case stands once a delivery has come; None where that changes nothing yet."""
    if state is State.SEALED:  # the answer came before the posting of the letter was entered
        state = advance(state, Event.POST)
    event = Event.REDELIVER if state is State.REJECTED else Event.DELIVER
    return TRANSITIONS.get((state, event))


def _cases(connection: Connection, named: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Row[Any]]:
    """Incoming cases by partner and number."""
    groups: dict[str, list[str]] = {}
    for partner, number in named:
        groups.setdefault(partner, []).append(number)
    wanted = select(cases).where(cases.c.direction == IN)
    return {
        (row.partner, row.case_number): row
        for partner, numbers in groups.items()
        for chunk in chunks(numbers)
        for row in connection.execute(wanted.where(cases.c.partner == partner, cases.c.case_number.in_(chunk)))
    }


def record_answered(
    ledger: Ledger, owner: Owner, answered: Sequence[AnsweredDelivery], who: str, at: datetime
) -> tuple[str, ...]:
    """Close messages that were prepared: case, receipt ready to post, arrival, originals, in one transaction.

    Returns the ids of the messages really recorded: one whose case has moved on since it was judged is judged again.
    """
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        mine = claims.held(connection, owner, at, [item.incoming.arrival.number for item in answered])
        entered = _entered(connection, [item.incoming for item in answered])
        done = [
            item for item in answered if item.incoming.arrival.number in mine and _content(item.incoming) in entered
        ]
        done = [item for item in done if item.incoming.kind == DELIVERY or addressed.settle(connection, item, now)]
        if not done:
            return ()
        _close_messages(connection, done, entered)
        _enter_receipts(connection, done, now)
        _close_cases(connection, done, now)
        _enter_originals(connection, done, who, now)
        finish(connection, [item.incoming.arrival.number for item in done], ArrivalState.DONE)
        journal.append(connection, *_answering_entries(done, who, now))
    return tuple(item.incoming.message_id for item in done)


def _close_messages(
    connection: Connection, done: Sequence[AnsweredDelivery], entered: Mapping[Content, Row[Any]]
) -> None:
    values = [
        {
            "key": entered[_content(item.incoming)].id,
            "state": MessageState.ANSWERED,
            "outcome": item.outcome,
            **_arrived(item.incoming),
        }
        for item in done
    ]
    update_each(connection, messages, values)


def _enter_receipts(connection: Connection, done: Sequence[AnsweredDelivery], now: str) -> None:
    """A receipt made again, for a document that came again under another name, takes the first one's place."""
    receipts = {item.receipt.message_id: item for item in done}
    wanted = select(messages.c.id, messages.c.message_id).where(messages.c.direction == OUT)
    there = {
        row.message_id: row.id
        for chunk in chunks(list(receipts))
        for row in connection.execute(wanted.where(messages.c.message_id.in_(chunk)))
    }
    entered = _entered(connection, [item.incoming for item in done])
    rows = {
        key: message_values(
            item.receipt,
            RECEIPT,
            item.incoming.message_id,
            item.incoming.partner,
            entered[_content(item.incoming)].answer_sequence,
            item.outcome,
            now=now,
        )
        for key, item in receipts.items()
    }
    fresh = [row for key, row in rows.items() if key not in there]
    if fresh:
        connection.execute(insert(connection, messages), fresh)
    update_each(connection, messages, [{"key": there[key], **row} for key, row in rows.items() if key in there])


def _close_cases(connection: Connection, done: Sequence[AnsweredDelivery], now: str) -> None:
    """An accepted case stays accepted, whatever becomes of further deliveries of it, unless one corrects it."""
    deliveries = [item for item in done if item.incoming.kind == DELIVERY]
    named = {(item.incoming.partner, item.incoming.case) for item in deliveries if item.incoming.case}
    rows = _cases(connection, named)
    states = {key: State(row.state) for key, row in rows.items()}
    changes: dict[int, dict[str, Any]] = {}
    for item in deliveries:
        key = (item.incoming.partner, item.incoming.case)
        state = _answer(states[key], item) if key in rows else None
        if state is not None:
            states[key] = state
            changes[rows[key].id] = {
                "key": rows[key].id,
                "state": state,
                "updated": now,
                "digest": item.incoming.digest,
                "message_id": item.incoming.message_id,
                "findings": item.findings,
                "reason": "",
            }
    update_each(connection, cases, list(changes.values()))


def _answer(state: State, item: AnsweredDelivery) -> State | None:
    """Where the answer brings the case; None where it changes nothing."""
    outcome = item.outcome
    if item.incoming.corrects and (state, Event.REPLACE) in TRANSITIONS:
        return advance(state, Event.REPLACE) if outcome == "accepted" else None
    if state is State.REJECTED:  # another delivery of the case was refused meanwhile
        state = advance(state, Event.REDELIVER)
    if state is not State.RECEIVED:
        return None
    if outcome == "on-hold":
        return state
    return advance(state, Event.TAKE_IN if outcome == "accepted" else Event.REFUSE)


def _enter_originals(connection: Connection, done: Sequence[AnsweredDelivery], who: str, now: str) -> None:
    values = [
        row
        for item in done
        for entry in (item.incoming,)
        for direction in (addressed.direction(connection, entry),)
        for row in (
            original_values(item.original, direction, entry.partner, entry.case, entry.message_id, now),
            *sent_values(item.receipt, direction, entry.partner, now),
        )
    ]
    register(connection, values, _WHY, who, now)


def _answering_entries(done: Sequence[AnsweredDelivery], who: str, now: str) -> list[Entry]:
    deliveries = [item for item in done if item.incoming.kind == DELIVERY]
    entries = [_answering_entry(deliveries, who, now)] if deliveries else []
    for item in done:
        if item.incoming.kind != DELIVERY:
            what = {**extent([item.incoming.case]), "kind": item.incoming.kind, "outcome": item.outcome}
            entries.append(Entry(now, "read", what, _WHY, "package kept, receipt signed and encrypted", who))
    return entries


def _answering_entry(done: Sequence[AnsweredDelivery], who: str, now: str) -> Entry:
    outcomes = [item.outcome for item in done]
    what: dict[str, str | int] = {
        **extent([item.incoming.case for item in done]),
        "accepted": outcomes.count("accepted"),
        "rejected": outcomes.count("rejected"),
        "on_hold": outcomes.count("on-hold"),
    }
    return Entry(now, "answered", what, _WHY, "package kept, receipt signed and encrypted", who)


def repeat_answer(
    ledger: Ledger, owner: Owner, arrival: Arrival, partner: str, message_id: str, who: str, at: datetime
) -> None:
    """A delivery came again: the receipt that answered `message_id` is ready to post again, the arrival is done."""
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        claims.confirm(connection, owner, at, [arrival.number])
        connection.execute(
            update(messages)
            .where(messages.c.direction == OUT, messages.c.partner == partner, messages.c.answers == message_id)
            .values(state=MessageState.SEALED, claim=None)
        )
        finish(connection, [arrival.number], ArrivalState.DONE)
        what: dict[str, str | int] = {"arrival": arrival.number, "answers": message_id}
        journal.append(connection, Entry(now, "repeated", what, "M200", "receipt made ready again", who))
