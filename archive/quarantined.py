"""The quarantine by the ledger: packages that nobody vouched for when they came, and how they are judged again.

A package is quarantined for what holds at that time: its signer's card had not been added, its key had ended here. Once
a person has put that right the package waits again like one that has just arrived, under its number.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from archive import journal
from archive.journal import Entry
from archive.ledger import Ledger, chunks
from archive.tables import ArrivalState, arrivals, utc_text


@dataclass(frozen=True, slots=True)
class QuarantinedPackage:
    """A package in the quarantine: its number among the arrivals, name, SHA-256, size in bytes, since when, and why.

    `at` is UTC text; `code` is the reason code.
    """

    number: int
    name: str
    digest: str
    size: int
    at: str
    code: str


def listing(ledger: Ledger) -> tuple[QuarantinedPackage, ...]:
    """What the ledger has as quarantined, oldest first. Raises UnreachableError S409."""
    wanted = select(arrivals).where(arrivals.c.state == ArrivalState.QUARANTINED).order_by(arrivals.c.number)
    with ledger.reading() as connection:
        return tuple(
            QuarantinedPackage(row.number, row.name, row.digest, row.size, row.at, row.code)
            for row in connection.execute(wanted)
        )


def retry(ledger: Ledger, numbers: Collection[int], who: str, why: str, at: datetime) -> tuple[int, ...]:
    """Have these quarantined packages wait again; their bytes must lie in the inbox, flushed.

    One that is not quarantined any more, and one whose very twin waits already, is passed over. Returns the numbers of
    those that wait now. Raises UnreachableError S409.
    """
    now = utc_text(at)
    done: list[int] = []
    with ledger.writing() as connection:
        journal.lock(connection)
        waits = {
            (row.name, row.digest)
            for row in connection.execute(
                select(arrivals.c.name, arrivals.c.digest).where(arrivals.c.state == ArrivalState.WAITING)
            )
        }
        wanted = select(arrivals).where(arrivals.c.state == ArrivalState.QUARANTINED).order_by(arrivals.c.number)
        for chunk in chunks(sorted(numbers)):
            for row in connection.execute(wanted.where(arrivals.c.number.in_(chunk))).all():
                if (row.name, row.digest) not in waits:
                    waits.add((row.name, row.digest))
                    done.append(row.number)
        for chunk in chunks(done):
            connection.execute(
                update(arrivals)
                .where(arrivals.c.number.in_(chunk))
                .values(state=ArrivalState.WAITING, code="", claim=None)
            )
        if done:
            how = "to be judged again"
            journal.append(connection, Entry(now, "retried", {"packages": len(done)}, why, how, who))
    return tuple(done)
