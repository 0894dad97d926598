"""Partners' signed heads: every receipt brings one, and this office keeps it as a witness.

A partner that rewrites its journal, or cuts it off and goes on, must sign a second head of some size, or can never
again show that its journal grew from what is kept here. Two heads of one size with different roots are the proof: both
notes are kept, each signed by the partner's own key.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from archive import checkpoints, journal
from archive.checkpoints import Checkpoint
from archive.entries import Entry
from archive.ledger import Ledger
from archive.tables import utc_text
from archive.upkeep_tables import witnessed as table
from formats.digest import sha256
from formats.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A partner's head: whose (agency code), how many entries, the root in hex, when it came (UTC text), the note."""

    partner: str
    size: int
    root: str
    at: str
    note: str


def witness(ledger: Ledger, partner: str, note: str, verifier: str, at: datetime, who: str = "service") -> Checkpoint:
    """Keep a partner's signed head; one that is kept already changes nothing. `verifier` is the partner's public key.

    Raises IntegrityError A527: it is not signed by the key; A510: the partner has signed another head of as many
    entries; the note is kept before that is raised.
    """
    head = checkpoints.open_note(note, verifier)
    with ledger.reading() as connection:
        roots = _roots(connection, partner, head.size)
    if head.root not in roots:
        with ledger.writing() as connection:
            journal.lock(connection)
            roots = _roots(connection, partner, head.size)
            if head.root not in roots:
                _keep(connection, Witnessed(partner, head.size, head.root, utc_text(at), note), who)
    if roots - {head.root}:
        raise IntegrityError("A510", f"partner {partner} has signed two heads of {head.size} entries")
    return head


def witnessed(ledger: Ledger, partner: str = "") -> tuple[Witnessed, ...]:
    """The heads that are kept, of one partner or of all, by partner and size."""
    wanted = select(table.c.partner, table.c.size, table.c.root, table.c.at, table.c.note)
    if partner:
        wanted = wanted.where(table.c.partner == partner)
    with ledger.reading() as connection:
        rows = connection.execute(wanted.order_by(table.c.partner, table.c.size, table.c.id))
        return tuple(Witnessed(*row) for row in rows)


def _roots(connection: Connection, partner: str, size: int) -> set[str]:
    return set(
        connection.execute(select(table.c.root).where(table.c.partner == partner, table.c.size == size)).scalars()
    )


def _keep(connection: Connection, head: Witnessed, who: str) -> None:
    connection.execute(
        insert(table).values(partner=head.partner, size=head.size, root=head.root, at=head.at, note=head.note)
    )
    what: dict[str, str | int] = {"partner": head.partner, "size": head.size, "root": head.root}
    what["note"] = sha256(head.note.encode())
    journal.append(connection, Entry(head.at, "witnessed", what, "a receipt came", "the partner's head was kept", who))
