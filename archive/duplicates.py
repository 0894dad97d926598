"""What came from a partner before: what the judgement on duplicates asks of the ledger."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, and_, bindparam, or_, select

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


# Built once, since SQLAlchemy takes longer to build these statements than the database to execute them. `arrival`
# leaves out what was entered by this same arrival, in a pass that was interrupted.
_OTHERS = and_(
    messages.c.direction == IN,
    messages.c.partner == bindparam("partner"),
    or_(messages.c.arrival.is_(None), messages.c.arrival != bindparam("arrival")),
)
_EARLIER = (
    select(messages.c.message_id, messages.c.digest, messages.c.state, arrivals.c.claim)
    .join(arrivals, arrivals.c.number == messages.c.arrival, isouter=True)
    .where(_OTHERS)
    .order_by(messages.c.digest != bindparam("digest"), messages.c.id.desc())
    .limit(1)
)
_SAME_ID = _EARLIER.where(messages.c.message_id == bindparam("message_id"))
_SAME_CASE = _EARLIER.where(
    messages.c.kind == DELIVERY, messages.c.case_number == bindparam("case"), messages.c.case_number != ""
)
_SAME_SEQUENCE = (
    select(messages.c.message_id)
    .where(
        _OTHERS,
        messages.c.sequence == bindparam("sequence"),
        messages.c.message_id != bindparam("message_id"),
    )
    .limit(1)
)


def known(ledger: Ledger, incoming: Incoming) -> Known:
    """What came before, for the judgement on duplicates (`transfer.receipts.duplicate`)."""
    named = {
        "partner": incoming.partner,
        "arrival": incoming.arrival.number,
        "digest": incoming.digest,
        "message_id": incoming.message_id,
        "case": incoming.case if incoming.kind == DELIVERY else "",
        "sequence": incoming.sequence,
    }
    with ledger.reading() as connection:
        by_id = connection.execute(_SAME_ID, named).first()
        by_case = connection.execute(_SAME_CASE, named).first()
        by_sequence = connection.execute(_SAME_SEQUENCE, named).first()
    return Known(_earlier(by_id), by_sequence.message_id if by_sequence else None, _earlier(by_case))


def _earlier(row: Row[Any] | None) -> Earlier | None:
    if row is None:
        return None
    state: Progress = "working" if row.claim is not None else "failed"
    return Earlier(row.message_id, row.digest, "done" if row.state == MessageState.ANSWERED else state)
