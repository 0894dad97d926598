"""The journal: the maintenance log of art. 12, one entry an act, chained so that a change shows.

An entry says when, what, why, how and who. Its hash is SHA-256 over its canonical JSON, in which the hash of the entry
before it stands; so nobody can change, drop, insert or reorder an entry without changing every hash after it. Whoever
remembers a head (number and hash) can also tell whether the journal's end was cut off.

An entry is written in the transaction of the act itself: what was done is in the journal, and what is in the journal
was done. One entry may stand for a batch of cases. Nothing of a person is ever in it, not even the person number.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from archive.ledger import Ledger
from archive.tables import journal, journal_head
from formats.digest import sha256
from formats.errors import IntegrityError

_CASES = ("cases", "first", "last")

# Every kind of entry, with the fields of `what`. The README's list is compared with this one.
EVENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "opened": _CASES,
        "approved": ("stage", *_CASES),
        "held": (*_CASES, "codes"),
        "released": _CASES,
        "withdrawn": _CASES,
        "sealed": (*_CASES, "bytes"),
        "posted": (*_CASES, "deliveries", "receipts"),
        "closed": (*_CASES, "accepted", "rejected", "on_hold"),
        "arrived": ("packages", "bytes"),
        "quarantined": ("arrival", "digest", "code"),
        "answered": (*_CASES, "accepted", "rejected", "on_hold"),
        "repeated": ("arrival", "answers"),
        "office-created": ("office",),
        "ledger-upgraded": ("version",),
        "partner-added": ("partner", "fingerprint"),
        "audited": ("originals", "bytes", "cases", "problems"),
    }
)

_PAGE = 5000  # rows read at once


@dataclass(frozen=True, slots=True)
class Entry:
    """One act of maintenance (art. 12): `at` (UTC text) when, `what` with the fields of its kind, why, how, who."""

    at: str
    kind: str
    what: Mapping[str, str | int]
    why: str
    how: str
    who: str


@dataclass(frozen=True, slots=True)
class Head:
    """The journal's end: how many entries there are and the hash of the last. An empty journal has 0 and zeros."""

    count: int
    hash: str


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in its place: its number from 1, the fields of `Entry`, the hash before it and its own."""

    n: int
    at: str
    kind: str
    what: Mapping[str, str | int]
    why: str
    how: str
    who: str
    previous: str
    hash: str


EMPTY = Head(0, "0" * 64)


def record(ledger: Ledger, entries: Iterable[Entry]) -> Head:
    """Write entries in a transaction of their own. Raises ValueError for a kind or fields not in EVENTS."""
    with ledger.writing() as connection:
        lock(connection)
        return append(connection, *entries)


def lock(connection: Connection) -> Head:
    """Take the turn of writing, until the transaction ends; every journalled transaction does this first.

    Raises IntegrityError A504 when the ledger has lost its note of the journal's end.
    """
    row = connection.execute(select(journal_head).with_for_update()).first()
    if row is None:
        raise IntegrityError("A504", "the note of the journal's end is gone")
    return Head(row.n, row.hash)


def extent(cases: Sequence[str]) -> dict[str, str | int]:
    """Which cases an entry stands for: how many, the first and the last number."""
    return {"cases": len(cases), "first": min(cases, default=""), "last": max(cases, default="")}


def append(connection: Connection, *entries: Entry) -> Head:
    """Write entries inside the transaction of the act. Raises ValueError for a kind or fields not in EVENTS."""
    head = lock(connection)
    rows = []
    for entry in entries:
        if set(EVENTS.get(entry.kind, ())) != set(entry.what):
            raise ValueError(f"the journal knows no {entry.kind} with {', '.join(entry.what)}")
        columns: dict[str, str | int] = {
            "n": head.count + 1,
            "at": entry.at,
            "kind": entry.kind,
            "what": _canonical(entry.what),
            "why": entry.why,
            "how": entry.how,
            "who": entry.who,
            "previous": head.hash,
        }
        head = Head(head.count + 1, _hash(columns))
        rows.append({**columns, "hash": head.hash})
    if rows:
        connection.execute(insert(journal), rows)
        connection.execute(update(journal_head).values(n=head.count, hash=head.hash))
    return head


def entries(ledger: Ledger, *, first: int = 1, last: int | None = None) -> tuple[Line, ...]:
    """The entries from number `first` on, in order; of these only the `last` so many, if that is given."""
    with ledger.reading() as connection:
        if last is not None:
            first = max(first, _head(connection).count - last + 1)
        rows = connection.execute(select(journal).where(journal.c.n >= first).order_by(journal.c.n))
        return tuple(
            Line(row.n, row.at, row.kind, json.loads(row.what), row.why, row.how, row.who, row.previous, row.hash)
            for row in rows
        )


def head(ledger: Ledger) -> Head:
    """The journal's end, to be remembered outside the house."""
    with ledger.reading() as connection:
        return _head(connection)


def verify(ledger: Ledger, head: Head | None = None) -> Head:
    """Recompute the whole chain in one view of the ledger; returns its end.

    `head` is one remembered from before. Raises IntegrityError A504 naming the first entry that does not hold: one
    changed, missing, inserted or moved; the end not where the ledger says; the remembered entry gone or different.
    """
    wanted = select(journal).order_by(journal.c.n).execution_options(yield_per=_PAGE)
    end = EMPTY
    with ledger.reading() as connection:
        with connection.execute(wanted) as rows:
            for row in rows:
                end = _follow(end, row)
                if head is not None and head.count == end.count and head.hash != end.hash:
                    raise IntegrityError("A504", f"entry {row.n} is not the remembered one")
        known = _head(connection)
    if known != end:
        raise IntegrityError("A504", f"entry {max(known.count, end.count)} is not the end that the ledger has noted")
    if head is not None and head.count > end.count:
        raise IntegrityError("A504", f"entry {end.count + 1} is missing: the journal was cut off")
    return end


def _follow(end: Head, row: Row[Any]) -> Head:
    """The journal's end with this row behind it. Raises IntegrityError A504."""
    if row.n != end.count + 1:
        raise IntegrityError("A504", f"entry {end.count + 1} is missing")
    if row.previous != end.hash or row.hash != _hash(_columns(row)):
        raise IntegrityError("A504", f"entry {row.n} was changed")
    return Head(row.n, row.hash)


def _head(connection: Connection) -> Head:
    row = connection.execute(select(journal_head)).first()
    return Head(row.n, row.hash) if row else EMPTY


def _columns(row: Row[Any]) -> dict[str, Any]:
    columns = row._asdict()
    del columns["hash"]
    return columns


def _hash(columns: Mapping[str, str | int]) -> str:
    return sha256(_canonical(columns).encode())


def _canonical(value: Mapping[str, str | int]) -> str:
    """JSON with sorted keys and no spaces (RFC 8785 for text and whole numbers)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
