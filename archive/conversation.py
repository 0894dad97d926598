"""What the ledger knows of a case and its messages, for the judgement on what the partner says next."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from archive.addressed import case_of
from archive.case import State
from archive.dialogue import About
from archive.ledger import Ledger
from archive.tables import DELIVERY, IN, LETTER, OUT, RETURN, WITHDRAWAL, messages


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands, and what the message that is answered is to it; state None where there is no case.

    `digest` is that of the answered message's document, empty where it is not known. `letter` is the id of the contact
    letter with which the case began, `reason` the code for which a person refuses its delivery; both may be empty.
    `posted`: the person was moved by an officially approved posting.
    """

    state: State | None
    outgoing: bool
    about: About
    digest: str
    letter: str = ""
    reason: str = ""
    posted: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a case: direction `out` or `in`, kind, ids, document, how far it has come, times as UTC text."""

    direction: str
    kind: str
    message_id: str
    answers: str
    digest: str
    state: str
    outcome: str
    created: str
    posted: str


def standing(ledger: Ledger, partner: str, case: str, answers: str) -> Standing:
    """Where this case with this partner stands, seen from a message that answers `answers`. Raises S409."""
    with ledger.reading() as connection:
        row = case_of(connection, partner, case)
        said = _message(connection, partner, answers)
    about = _about(row, said, case)
    digest = "" if about == "unknown" or said is None else said.digest
    if row is None:
        return Standing(None, outgoing=False, about=about, digest=digest)
    outgoing, posted = row.direction == OUT, row.posted_person == "1"
    return Standing(State(row.state), outgoing, about, digest, row.letter, row.reason, posted)


def _message(connection: Connection, partner: str, message_id: str) -> Row[Any] | None:
    wanted = select(messages).where(messages.c.partner == partner, messages.c.message_id == message_id)
    return connection.execute(wanted.order_by(messages.c.id.desc())).first() if message_id else None


def _about(case: Row[Any] | None, said: Row[Any] | None, number: str) -> About:
    if case is None or said is None or said.case_number != number:
        return "unknown"
    if said.kind == LETTER:
        return "letter"
    if said.kind == DELIVERY:
        return "delivery" if said.message_id == case.message_id else "earlier"
    return "return" if said.kind == RETURN else "message"


def withdrawn(ledger: Ledger, partner: str, message_id: str) -> bool:
    """Whether the partner has taken this message of its own back before it came. Raises S409."""
    wanted = select(messages.c.id).where(
        messages.c.direction == IN,
        messages.c.kind == WITHDRAWAL,
        messages.c.partner == partner,
        messages.c.answers == message_id,
        messages.c.outcome == "accepted",
    )
    with ledger.reading() as connection:
        return connection.execute(wanted.limit(1)).first() is not None


def said(ledger: Ledger, partner: str, case: str) -> tuple[Said, ...]:
    """Everything that both offices have said about a case, in the order in which it was entered. Raises S409."""
    wanted = select(messages).where(messages.c.partner == partner, messages.c.case_number == case)
    with ledger.reading() as connection:
        rows = connection.execute(wanted.order_by(messages.c.id)).all()
    return tuple(Said(*(getattr(row, name) for name in Said.__dataclass_fields__)) for row in rows)


def sealed(ledger: Ledger, partner: str, digest: str) -> bool:
    """Whether a message that was sealed for this partner has a document with this SHA-256."""
    wanted = select(messages.c.id).where(
        messages.c.direction == OUT, messages.c.partner == partner, messages.c.digest == digest
    )
    with ledger.reading() as connection:
        return connection.execute(wanted.limit(1)).first() is not None
