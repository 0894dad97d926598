"""What came from a partner before: what the judgement on duplicates asks of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, bindparam, or_, select

from archive.arrivals import Incoming
from archive.ledger import Ledger, chunks
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


def overtaken(connection: Connection, incoming: Sequence[Incoming]) -> frozenset[int]:
    """The arrivals whose messages another process has overtaken since they were judged, by their numbers.

    With other content under the same message id, with another message under the same sequence number, or with a
    delivery of the same case that is being worked on. They must be judged once more.
    """
    wanted = (
        select(messages, arrivals.c.claim.label("at_work"))
        .join(arrivals, arrivals.c.number == messages.c.arrival, isouter=True)
        .where(messages.c.direction == IN)
    )
    found: set[int] = set()
    for partner in sorted({item.partner for item in incoming}):
        for group in chunks([item for item in incoming if item.partner == partner]):
            same = or_(
                messages.c.message_id.in_([item.message_id for item in group]),
                messages.c.sequence.in_([item.sequence for item in group]),
                and_(
                    messages.c.case_number.in_([item.case for item in group if item.case and item.kind == DELIVERY]),
                    messages.c.kind == DELIVERY,
                    messages.c.state != MessageState.ANSWERED,
                ),
            )
            rows = connection.execute(wanted.where(messages.c.partner == partner, same)).all()
            found |= {item.arrival.number for item in group if any(_overtakes(row, item) for row in rows)}
    return frozenset(found)


def _overtakes(row: Row[Any], item: Incoming) -> bool:
    """Whether this message forbids to go on with that one."""
    if row.arrival == item.arrival.number:
        return False
    if row.message_id == item.message_id:
        return bool(row.digest != item.digest)
    if row.sequence == item.sequence:
        return True
    same = row.kind == item.kind == DELIVERY and row.case_number == item.case != ""
    return same and row.state != MessageState.ANSWERED and row.at_work is not None


def _earlier(row: Row[Any] | None) -> Earlier | None:
    if row is None:
        return None
    state: Progress = "working" if row.claim is not None else "failed"
    return Earlier(row.message_id, row.digest, "done" if row.state == MessageState.ANSWERED else state)
