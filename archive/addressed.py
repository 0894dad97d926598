"""What a message of the partner that is no delivery does to a case, in the transaction that answers it."""

from typing import Any, Protocol

from sqlalchemy import Connection, Row, select, update

from archive.arrivals import Incoming
from archive.case import TRANSITIONS, Event, State
from archive.ledger import insert
from archive.tables import DELIVERY, IN, LETTER, OUT, RETURN, cases
from formats.messages import Finding, Outcome


class Ruled(Protocol):
    """A message with the ruling on it: what happens to its case, and whose case a contact letter opens."""

    @property
    def incoming(self) -> Incoming:
        """The message."""

    @property
    def outcome(self) -> Outcome:
        """The answer."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Why."""

    @property
    def event(self) -> Event | None:
        """What happens to the case."""

    @property
    def person(self) -> str:
        """The person number of a case to be opened."""

    @property
    def posted(self) -> str:
        """`1` where that person was moved by an officially approved posting."""


def settle(connection: Connection, item: Ruled, now: str) -> bool:
    """Carry out a ruling. False, and nothing is changed, where the case has moved on since and it holds no more."""
    row = case_of(connection, item.incoming.partner, item.incoming.case)
    if item.incoming.kind == LETTER and item.outcome == "accepted":
        if row is None:
            connection.execute(insert(connection, cases), [_asked(item, now)])
        return row is None
    if item.event is None:
        return True
    state = None if row is None else TRANSITIONS.get((State(row.state), item.event))
    if row is None or state is None:
        return False
    connection.execute(
        update(cases)
        .where(cases.c.id == row.id)
        .values(state=state, updated=now, claim=None, findings=item.findings or row.findings)
    )
    return True


def _asked(item: Ruled, now: str) -> dict[str, Any]:
    entry = item.incoming
    return {
        "case_number": entry.case,
        "direction": OUT,
        "partner": entry.partner,
        "person": item.person,
        "kinds": entry.kinds,
        "state": State.OPEN,
        "opened": now,
        "updated": now,
        "digest": "",
        "findings": (),
        "why": "",
        "letter": entry.message_id,
        "posted_person": item.posted,
    }


def case_of(connection: Connection, partner: str, number: str) -> Row[Any] | None:
    """The case of this number with this partner; an office has one at most."""
    return connection.execute(select(cases).where(cases.c.partner == partner, cases.c.case_number == number)).first()


def direction(connection: Connection, entry: Incoming) -> str:
    """The direction of the case that a message is about."""
    if entry.kind == DELIVERY:
        return IN
    if entry.kind in (LETTER, RETURN):
        return OUT
    row = case_of(connection, entry.partner, entry.case)
    return IN if row is None else str(row.direction)
