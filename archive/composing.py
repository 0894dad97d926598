"""Messages that a person writes about a case: return, withdrawal, reminder, clarification.

A person's message gets its id and number first, is signed, sealed and kept outside the ledger, and is then entered with
what it does to the case in one transaction. Killed before that, nothing was said; the number stays unused.

Errors of every function: UnreachableError S409 when the database does not answer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, update

from archive import counters, journal, objections
from archive.addressed import case_of
from archive.case import TRANSITIONS, Event, State
from archive.journal import Entry, extent
from archive.ledger import Ledger
from archive.outgoing import MessageKind, SealedPackage, message_values, sent_values
from archive.registry import register
from archive.tables import cases, messages, utc_text
from formats.errors import UsageError


@dataclass(frozen=True, slots=True)
class Written:
    """A message that a person wrote, kept and ready to leave; `event` is what it does to the case, None nothing.

    `entries` are what else the journal is told in the same transaction.
    """

    kind: MessageKind
    partner: str
    answers: str
    sequence: int
    package: SealedPackage
    event: Event | None
    entries: tuple[Entry, ...] = ()


def reserve(ledger: Ledger, partner: str) -> tuple[str, int]:
    """A message id and the next number in the sequence to the partner."""
    with ledger.writing() as connection:
        return str(uuid4()), counters.reserve(connection, counters.sequence(partner), 1)[0]


def record_written(ledger: Ledger, item: Written, who: str, why: str, at: datetime) -> None:
    """Enter a message of a person, with what it does to the case. Raises UsageError S411, S412."""
    now = utc_text(at)
    number = item.package.case
    with ledger.writing() as connection:
        journal.lock(connection)
        row = case_of(connection, item.partner, number)
        if row is None:
            raise UsageError("S412", number)
        values: dict[str, Any] = {"updated": now}
        if item.event is not None:
            state = TRANSITIONS.get((State(row.state), item.event))
            if state is None:
                raise UsageError("S411", f"{number}: a case that is {row.state} cannot {item.event}")
            values |= {"state": state, "claim": None, "why": why}
        connection.execute(update(cases).where(cases.c.id == row.id).values(**values))
        message = message_values(item.package, item.kind, item.answers, item.partner, item.sequence, now=now)
        connection.execute(insert(messages).values(message))
        register(connection, sent_values(item.package, row.direction, item.partner, now), why, who, now)
        objections.admit(connection, item.entries)
        what: dict[str, str | int] = {**extent([number]), "kind": item.kind}
        journal.append(connection, Entry(now, "written", what, why, "signed, encrypted and kept", who), *item.entries)
