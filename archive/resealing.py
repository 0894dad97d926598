"""Sealing anew: a message that waits to leave gets another package, since a key has changed meanwhile.

Document, message id, sequence number and name stay what they are; what was kept stays kept, and the new signature and
package are kept and registered beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from archive import claims, journal
from archive.claims import Owner
from archive.journal import Entry, extent
from archive.ledger import Ledger, chunks
from archive.originals import Kept
from archive.registry import original_values, register
from archive.tables import OUT, MessageState, messages, originals, utc_text

_WHY = "a key has changed since it was sealed"


@dataclass(frozen=True, slots=True)
class Resealed:
    """A waiting message in another package: what of it is kept anew, the signature first, the package last.

    `before` is the digest of the package that it takes the place of.
    """

    message_id: str
    before: str
    originals: tuple[Kept, ...]

    @property
    def package(self) -> Kept:
        """The new package."""
        return self.originals[-1]


def signatures(ledger: Ledger, partner: str, ids: Sequence[str], until: datetime) -> dict[str, str]:
    """The digest of each message's newest kept signature, by message id, where that was kept until this time.

    `ids` are of messages to this partner.
    """
    found: dict[str, str] = {}
    newest = (
        select(func.max(originals.c.id))
        .where(originals.c.kind == "signature-sent", originals.c.partner == partner)
        .group_by(originals.c.message_id)
    )
    with ledger.reading() as connection:
        for chunk in chunks(ids):
            of_these = originals.c.id.in_(newest.where(originals.c.message_id.in_(chunk)))
            columns = select(originals.c.message_id, originals.c.digest)
            for row in connection.execute(columns.where(of_these, originals.c.kept_at <= utc_text(until))):
                found[row.message_id] = row.digest
    return found


def record_resealed(
    ledger: Ledger, owner: Owner, partner: str, fingerprint: str, items: Sequence[Resealed], who: str, at: datetime
) -> tuple[str, ...]:
    """Have these messages to one partner leave in their new packages, sealed to its key of this fingerprint.

    The originals must be kept and flushed before. Returns the message ids of those really changed: a message that
    another process has taken over, or that leaves in yet another package by now, is not touched. Raises
    UnreachableError S409.
    """
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        if not claims.holds(connection, owner, at):
            return ()
        rows = _mine(connection, owner, partner, [item.message_id for item in items])
        changed = [(rows[item.message_id], item) for item in items if _is_its(rows.get(item.message_id), item)]
        for row, item in changed:
            fresh = {"package_digest": item.package.digest, "size": item.package.size}
            connection.execute(update(messages).where(messages.c.id == row.id).values(**fresh))
        kept = [
            original_values(one, row.case_direction, partner, row.case_number, row.message_id, now)
            for row, item in changed
            for one in item.originals
        ]
        register(connection, kept, _WHY, who, now)
        if changed:
            what = {**extent([row.case_number for row, _ in changed]), "partner": partner, "fingerprint": fingerprint}
            how = "the same documents signed and encrypted anew"
            journal.append(connection, Entry(now, "resealed", what, _WHY, how, who))
    return tuple(row.message_id for row, _ in changed)


def _mine(connection: Connection, owner: Owner, partner: str, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """The messages among these that this owner still has to post, each with its case's direction.

    That is the one under which its document is in the register: it was entered with the message.
    """
    document = (originals.c.message_id == messages.c.message_id) & (originals.c.digest == messages.c.digest)
    columns = [messages.c[name] for name in ("id", "message_id", "case_number", "package_digest")]
    wanted = (
        select(*columns, originals.c.direction.label("case_direction"))
        .join(originals, document & (originals.c.partner == messages.c.partner))
        .where(
            messages.c.direction == OUT,
            messages.c.partner == partner,
            messages.c.state == MessageState.SEALED,
            messages.c.claim == owner.token,
        )
    )
    return {
        row.message_id: row
        for chunk in chunks(ids)
        for row in connection.execute(wanted.where(messages.c.message_id.in_(chunk)))
    }


def _is_its(row: Row[Any] | None, item: Resealed) -> bool:
    return row is not None and row.package_digest == item.before
