"""What came from a partner before: what the judgement on duplicates asks of the ledger."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from archive.arrivals import Incoming
from archive.ledger import Ledger
from archive.tables import DELIVERY, IN, MessageState, arrivals, messages

Progress = Literal["done", "working", "failed"]


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


def known(ledger: Ledger, incoming: Incoming) -> Known:
    """What came before, for the judgement on duplicates (`transfer.receipts.duplicate`)."""
    same_id = messages.c.message_id == incoming.message_id
    same_case = and_(messages.c.kind == DELIVERY, messages.c.case_number == incoming.case, messages.c.case_number != "")
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
