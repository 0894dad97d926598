"""The register of originals: which case each kept original belongs to, each batch under a root in the journal.

An entry `registered` carries the tree hash (RFC 9162 §2.1) over the lines of the rows that it entered, so that an audit
finds a row that was changed, added or removed, and one row can be proved to a third party without showing the others.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from archive import journal
from archive.journal import Entry
from archive.ledger import Ledger, chunks
from archive.originals import Kept
from archive.tables import DELIVERY, IN, OUT, messages, originals, utc_text
from formats import merkle

FIELDS = ("digest", "kind", "size", "direction", "partner", "case_number", "message_id", "kept_at")

_IDENTITY = ("digest", "kind", "direction", "partner", "message_id")

Identity = tuple[Any, ...]


def original_values(kept: Kept, direction: str, partner: str, case: str, message_id: str, now: str) -> dict[str, Any]:
    """A kept original as a row of the register; `direction` is the case's, `now` UTC text."""
    return {
        "digest": kept.digest,
        "kind": kept.kind,
        "size": kept.size,
        "direction": direction,
        "partner": partner,
        "case_number": case,
        "message_id": message_id,
        "kept_at": now,
    }


def original_line(row: Mapping[str, Any]) -> bytes:
    """A row's line under its entry's root: canonical JSON of the values of `FIELDS`."""
    return json.dumps([row[name] for name in FIELDS], ensure_ascii=False, separators=(",", ":")).encode()


def register(connection: Connection, values: Sequence[Mapping[str, Any]], why: str, who: str, now: str) -> None:
    """Enter originals and the root over them in the journal, in the transaction of the act; known ones are left out."""
    known = _known(connection, values)
    fresh = {_identity(row): row for row in values if _identity(row) not in known}
    if not fresh:
        return
    rows = list(fresh.values())
    number = journal.lock(connection).count + 1
    connection.execute(insert(originals), [{**row, "entry": number} for row in rows])
    what: dict[str, str | int] = {"originals": len(rows), "root": merkle.root_of(map(original_line, rows)).hex()}
    journal.append(connection, Entry(now, "registered", what, why, "entered in the register of originals", who))


def prove_earlier(ledger: Ledger, who: str, at: datetime) -> int:
    """Bring the rows that an earlier version entered under a root of their own; returns how many there were."""
    with ledger.writing() as connection:
        number = journal.lock(connection).count + 1
        wanted = select(originals).where(originals.c.entry == 0).order_by(originals.c.id)
        rows = [dict(row) for row in connection.execute(wanted).mappings()]
        if rows:
            connection.execute(update(originals).where(originals.c.entry == 0).values(entry=number))
            what: dict[str, str | int] = {
                "originals": len(rows),
                "root": merkle.root_of(map(original_line, rows)).hex(),
            }
            how = "entered by an earlier version, proved from now on"
            journal.append(connection, Entry(utc_text(at), "registered", what, "the ledger was upgraded", how, who))
    return len(rows)


def packages_sent(ledger: Ledger, digests: Sequence[str]) -> set[str]:
    """Which of these digests are those of packages that this office's messages are, or were, sent in."""
    wanted = select(messages.c.package_digest).where(messages.c.direction == OUT)
    with ledger.reading() as connection:
        return {
            digest
            for chunk in chunks(digests)
            for digest in connection.execute(wanted.where(messages.c.package_digest.in_(chunk))).scalars()
        }


def register_packages(ledger: Ledger, packages: Sequence[Kept], who: str, at: datetime) -> None:
    """Register packages that an earlier version posted and kept elsewhere, each under the message that left in it."""
    by_digest = {kept.digest: kept for kept in packages}
    with ledger.writing() as connection:
        journal.lock(connection)
        wanted = select(messages).where(messages.c.direction == OUT)
        rows = [
            original_values(
                by_digest[row.package_digest],
                OUT if row.kind == DELIVERY else IN,
                row.partner,
                row.case_number,
                row.message_id,
                row.created,
            )
            for chunk in chunks(sorted(by_digest))
            for row in connection.execute(wanted.where(messages.c.package_digest.in_(chunk)))
        ]
        register(connection, rows, "the ledger was upgraded", who, utc_text(at))


def _known(connection: Connection, values: Iterable[Mapping[str, Any]]) -> set[Identity]:
    columns = [originals.c[name] for name in _IDENTITY]
    wanted = sorted({row["message_id"] for row in values})
    return {
        tuple(row)
        for chunk in chunks(wanted)
        for row in connection.execute(select(*columns).where(originals.c.message_id.in_(chunk)))
    }


def _identity(row: Mapping[str, Any]) -> Identity:
    return tuple(row[name] for name in _IDENTITY)
