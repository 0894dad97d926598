"""Files from the mailbox: entered, taken by one process, brought to their end.

Errors of every function: UnreachableError S409 when the database does not answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from archive import claims, journal
from archive.claims import Owner
from archive.journal import Entry
from archive.ledger import Ledger, chunks, insert
from archive.tables import DELIVERY, ArrivalState, arrivals, utc_text


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
    """A message from a proved sender, opened. `digest` is the document's; `case` is empty when it could not be read.

    `kind` is the message's as the ledger has it; `answers` is the id of the message that it answers, `corrects` that of
    the delivery that it corrects; empty where there is none.
    """

    arrival: Arrival
    partner: str
    message_id: str
    sequence: int
    case: str
    kinds: tuple[str, ...]
    digest: str
    package_digest: str
    kind: str = DELIVERY
    answers: str = ""
    corrects: str = ""


def record_arrivals(ledger: Ledger, items: Sequence[NewArrival], who: str, at: datetime) -> int:
    """Enter files that are in the inbox, flushed. One that waits already (same name and digest) is not entered again.

    Returns how many are new.
    """
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        waiting = {
            (row.name, row.digest)
            for chunk in chunks([item.digest for item in items])
            for row in connection.execute(
                select(arrivals).where(arrivals.c.state == ArrivalState.WAITING, arrivals.c.digest.in_(chunk))
            )
        }
        fresh = [item for item in dict.fromkeys(items) if (item.name, item.digest) not in waiting]
        if fresh:
            fixed = {"state": ArrivalState.WAITING, "code": "", "at": now}
            values = [{"name": item.name, "digest": item.digest, "size": item.size, **fixed} for item in fresh]
            connection.execute(insert(connection, arrivals), values)
            what: dict[str, str | int] = {"packages": len(fresh), "bytes": sum(item.size for item in fresh)}
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


def waiting(ledger: Ledger) -> tuple[str, ...]:
    """The digests of the files that have arrived and wait, claimed or not."""
    wanted = select(arrivals.c.digest).where(arrivals.c.state == ArrivalState.WAITING)
    with ledger.reading() as connection:
        return tuple(row.digest for row in connection.execute(wanted))


def quarantine(ledger: Ledger, owner: Owner, arrival: Arrival, code: str, who: str, at: datetime) -> None:
    """The package lies in the quarantine, for this reason."""
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        claims.confirm(connection, owner, at, [arrival.number])
        finish(connection, [arrival.number], ArrivalState.QUARANTINED, code)
        what: dict[str, str | int] = {"arrival": arrival.number, "digest": arrival.digest, "code": code}
        journal.append(connection, Entry(now, "quarantined", what, code, "moved to the quarantine", who))


def finish(connection: Connection, numbers: Sequence[int], state: ArrivalState, code: str = "") -> None:
    """These arrivals are at their end."""
    for chunk in chunks(numbers):
        connection.execute(
            update(arrivals).where(arrivals.c.number.in_(chunk)).values(state=state, code=code, claim=None)
        )
