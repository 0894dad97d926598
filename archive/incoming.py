"""What arrives at this office: files from the mailbox, deliveries to be answered, receipts for its own cases.

As in `outgoing`: claimed, worked on outside the ledger, recorded; each function is one transaction. What concerns one
arrival raises UnreachableError S409 when another process has taken the arrival over; what records a batch leaves such
arrivals out and says what it recorded.

Errors of every function: UnreachableError S409 when the database does not answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select, update

from archive import claims, counters, journal
from archive.claims import Owner
from archive.journal import Entry
from archive.ledger import Ledger, chunks, insert
from archive.tables import DELIVERY, IN, OUT, ArrivalState, MessageState, arrivals, cases, messages, utc_text

Progress = Literal["done", "working", "failed"]


@dataclass(frozen=True, slots=True)
class NewArrival:
    """A file fetched from the mailbox: its name there, its SHA-256, its size in bytes."""

    name: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that has arrived and waits; `number` counts them."""

    number: int
    name: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message from a proved sender, opened. `digest` is the document's; `case` is empty when it could not be read."""

    arrival: Arrival
    partner: str
    message_id: str
    sequence: int
    case: str
    kinds: tuple[str, ...]
    digest: str
    package_digest: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """A message that came before: `done` has its receipt, `working` is being worked on, `failed` came to no end."""

    message_id: str
    digest: str
    state: Progress


@dataclass(frozen=True, slots=True)
class Known:
    """What came from the same partner before, other than through the same arrival.

    `message` has the same message id; `sequence_of` is the id of another message with the same sequence number;
    `delivery` is of the same case. Of several, one with the same document, else the latest. None where there is none.
    """

    message: Earlier | None = None
    sequence_of: str | None = None
    delivery: Earlier | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The receipt's message id and its number in the sequence to the partner."""

    message_id: str
    sequence: int


def record_arrivals(ledger: Ledger, items: Sequence[NewArrival], who: str, at: datetime) -> int:
    """Enter files that are in the inbox, flushed. One that waits already (same name and digest) is not entered again.

    Returns how many are new.
    """
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        waiting = {
            (row.name, row.digest)
            for chunk in chunks([item.name for item in items])
            for row in connection.execute(
                select(arrivals).where(arrivals.c.state == ArrivalState.WAITING, arrivals.c.name.in_(chunk))
            )
        }
        fresh = [item for item in dict.fromkeys(items) if (item.name, item.digest) not in waiting]
        if fresh:
            fixed = {"state": ArrivalState.WAITING, "code": "", "at": now}
            values = [{"name": item.name, "digest": item.digest, "size": item.size, **fixed} for item in fresh]
            connection.execute(insert(connection, arrivals), values)
            what = {"packages": len(fresh), "bytes": sum(item.size for item in fresh)}
            journal.append(connection, Entry(now, "arrived", what, "collection", "fetched from the mailbox", who))
    return len(fresh)


def claim(ledger: Ledger, owner: Owner, limit: int, at: datetime) -> tuple[Arrival, ...]:
    """Take up to `limit` waiting arrivals that nobody has, oldest first."""
    wanted = (
        select(arrivals)
        .where(arrivals.c.state == ArrivalState.WAITING, arrivals.c.claim.is_(None))
        .order_by(arrivals.c.number)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    with ledger.writing() as connection:
        claims.admit(connection, owner, at)
        rows = connection.execute(wanted).all()
        for chunk in chunks([row.number for row in rows]):
            connection.execute(update(arrivals).where(arrivals.c.number.in_(chunk)).values(claim=owner.token))
    return tuple(Arrival(row.number, row.name, row.digest, row.size) for row in rows)


def known(ledger: Ledger, incoming: Incoming) -> Known:
    """What came before, for the judgement on duplicates (`transfer.receipts.duplicate`)."""
    same_id = messages.c.message_id == incoming.message_id
    same_case = and_(
        messages.c.kind == DELIVERY, messages.c.case_number == incoming.case, messages.c.case_number != ""
    )
    with ledger.reading() as connection:
        by_id = _earlier(connection, incoming, same_id)
        by_case = _earlier(connection, incoming, same_case)
        by_sequence = connection.execute(
            select(messages.c.message_id)
            .where(
                _others(incoming),
                messages.c.sequence == incoming.sequence,
                messages.c.message_id != incoming.message_id,
            )
            .limit(1)
        ).first()
    return Known(by_id, by_sequence.message_id if by_sequence else None, by_case)


def _others(incoming: Incoming) -> ColumnElement[bool]:
    """Messages of this partner that were not entered by this same arrival, in a pass that was interrupted."""
    other = or_(messages.c.arrival.is_(None), messages.c.arrival != incoming.arrival.number)
    return and_(messages.c.direction == IN, messages.c.partner == incoming.partner, other)


def _earlier(connection: Connection, incoming: Incoming, same: ColumnElement[bool]) -> Earlier | None:
    wanted = (
        select(messages.c.message_id, messages.c.digest, messages.c.state, arrivals.c.claim)
        .join(arrivals, arrivals.c.number == messages.c.arrival, isouter=True)
        .where(_others(incoming), same)
        .order_by(messages.c.digest != incoming.digest, messages.c.id.desc())
        .limit(1)
    )
    row = connection.execute(wanted).first()
    if row is None:
        return None
    state: Progress = "working" if row.claim is not None else "failed"
    return Earlier(row.message_id, row.digest, "done" if row.state == MessageState.ANSWERED else state)


def quarantine(ledger: Ledger, owner: Owner, arrival: Arrival, code: str, who: str, at: datetime) -> None:
    """The package lies in the quarantine, for this reason."""
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        claims.confirm(connection, owner, at, arrival.number)
        finish(connection, [arrival.number], ArrivalState.QUARANTINED, code)
        what = {"arrival": arrival.number, "digest": arrival.digest, "code": code}
        journal.append(connection, Entry(now, "quarantined", what, code, "moved to the quarantine", who))


def repeat_answer(
    ledger: Ledger, owner: Owner, arrival: Arrival, partner: str, message_id: str, who: str, at: datetime
) -> None:
    """A delivery came again: the receipt that answered `message_id` is ready to post again, the arrival is done."""
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        claims.confirm(connection, owner, at, arrival.number)
        connection.execute(
            update(messages)
            .where(messages.c.direction == OUT, messages.c.partner == partner, messages.c.answers == message_id)
            .values(state=MessageState.SEALED, claim=None)
        )
        finish(connection, [arrival.number], ArrivalState.DONE)
        what = {"arrival": arrival.number, "answers": message_id}
        journal.append(connection, Entry(now, "repeated", what, "M200", "receipt made ready again", who))


def finish(connection: Connection, numbers: Sequence[int], state: ArrivalState, code: str = "") -> None:
    """These arrivals are at their end."""
    for chunk in chunks(numbers):
        connection.execute(
            update(arrivals).where(arrivals.c.number.in_(chunk)).values(state=state, code=code, claim=None)
        )
