"""The journal: the maintenance log of art. 12, one entry an act, a Merkle log so that a change shows.

An entry says when, what, why, how and who. The entries are the leaves of a tree after RFC 6962; the ledger keeps its
root, and what is needed to append to it, beside them. Nobody can change, drop, insert or reorder an entry without
changing the root, and a root that was signed (a checkpoint) and left the house cannot be taken back: whoever holds one
can tell that the journal was rewritten or that its end was cut off.

An entry is written in the transaction of the act itself: what was done is in the journal, and what is in the journal
was done. One entry may stand for a batch of cases. Nothing of a person is ever in it, not even the person number.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlalchemy.exc import OperationalError

from archive import checkpoints
from archive.checkpoints import Checkpoint, JournalKey
from archive.entries import EVENTS, Entry, Line, leaves, line, rows
from archive.ledger import Ledger
from archive.tables import journal, journal_head, utc_text
from archive.upkeep_tables import checkpoints as signed_heads
from formats.errors import IntegrityError
from formats.merkle import EMPTY_ROOT, HASH_BYTES, Frontier, leaf_hash

__all__ = ["EMPTY", "EVENTS", "Entry", "Head", "Line"]

_PAGE = 250  # rows read at once; more are slower, for the garbage collector looks at each
_LAST = select(func.max(journal.c.n))
_END = select(journal_head.c.n, journal_head.c.root, journal_head.c.frontier)


@dataclass(frozen=True, slots=True)
class Head:
    """The journal's end: how many entries there are, and the root of their tree (RFC 6962) in hex."""

    count: int
    root: str


EMPTY = Head(0, EMPTY_ROOT.hex())


def record(ledger: Ledger, entries: Iterable[Entry]) -> Head:
    """Write entries in a transaction of their own. Raises ValueError for a kind or fields not in EVENTS."""
    with ledger.writing() as connection:
        return append(connection, *entries)


@contextmanager
def around(ledger: Ledger, *entries: Entry) -> Iterator[None]:
    """Entries for an act outside the ledger: they are committed when the block has done it, and not when it fails.

    A process killed between the act and the commit has done it without an entry: the act must be one that is done
    again, to the same end. Raises as `record`.
    """
    with ledger.writing() as connection:
        append(connection, *entries)
        yield


def lock(connection: Connection) -> Head:
    """Take the turn of writing, until the transaction ends; every journalled transaction does this first.

    Raises IntegrityError A504 when the ledger's note of the journal's end is gone or was changed.
    """
    return _head_of(_locked(connection))


def extent(cases: Sequence[str]) -> dict[str, str | int]:
    """Which cases an entry stands for: how many, the first and the last number."""
    return {"cases": len(cases), "first": min(cases, default=""), "last": max(cases, default="")}


def append(connection: Connection, *entries: Entry) -> Head:
    """Write entries inside the transaction of the act. Raises ValueError for a kind or fields not in EVENTS."""
    frontier = _locked(connection)
    fresh = list(rows(entries, frontier.size + 1))
    if fresh:
        connection.execute(insert(journal), fresh)
        frontier = frontier.extend(bytes.fromhex(row["leaf"]) for row in fresh)
        connection.execute(update(journal_head).values(head_values(frontier)))
    return _head_of(frontier)


def head_values(frontier: Frontier) -> dict[str, str | int]:
    """A journal's end as the columns of its row in the ledger."""
    hashes = " ".join(part.hex() for part in frontier.hashes)
    return {"n": frontier.size, "root": frontier.root().hex(), "frontier": hashes}


def entries(ledger: Ledger, *, first: int = 1, last: int | None = None) -> tuple[Line, ...]:
    """The entries from number `first` on, in order; of these only the `last` so many, if that is given.

    Raises IntegrityError A504 for one that cannot be read.
    """
    with ledger.reading() as connection:
        if last is not None:
            first = max(first, _head(connection).count - last + 1)
        return tuple(map(entry_of, pages(connection, select(journal), first - 1)))


def entry_of(row: Row[Any]) -> Line:
    """A row of the journal as a value. Raises IntegrityError A504 when `what` cannot be read."""
    try:
        what = json.loads(row.what)
    except (ValueError, TypeError, RecursionError):
        what = None
    if not isinstance(what, dict):
        raise IntegrityError("A504", f"entry {row.n} was changed")
    return Line(row.n, row.at, row.kind, what, row.why, row.how, row.who, row.leaf)


def head(ledger: Ledger) -> Head:
    """The journal's end, as the ledger has noted it."""
    with ledger.reading() as connection:
        return _head(connection)


def checkpoint(ledger: Ledger, key: JournalKey, at: datetime) -> str:
    """The signed head of the journal: signed and kept now, or the one that was kept when it had as many entries.

    Raises IntegrityError A504; A510 when a head of so many entries was signed and is another.
    """
    with ledger.reading() as connection:
        note = _signed(connection, _head(connection))
    if note is not None:
        return note
    with ledger.writing() as connection:
        end = lock(connection)
        note = _signed(connection, end)
        if note is None:
            note = checkpoints.sign(Checkpoint(key.name, end.count, end.root), key)
            values = {"size": end.count, "root": end.root, "at": utc_text(at), "note": note}
            connection.execute(insert(signed_heads), values)
    return note


def verify(ledger: Ledger, checkpoints: Iterable[Checkpoint] = (), verifier: str = "") -> Head:
    """Compute everything anew in one view of the ledger, and return the journal's end; memory is bounded.

    The tree is compared with the ledger's note of its end, with every signed head that the ledger keeps (and its
    signature with `verifier`, where that is given) and with `checkpoints` that others kept.

    Raises IntegrityError A504 naming the first entry that does not hold: one changed, missing, inserted or moved, or
    the end not where the ledger says; A510 naming the entries between the last signed head that fits and the first
    that does not: what an editor gets who computes leaves and end anew; A527: a signed head was not signed.
    """
    with ledger.reading() as connection:
        noted = connection.execute(_END).first()
        if noted is None:
            raise IntegrityError("A504", "the note of the journal's end is gone")
        others = sorted(checkpoints, key=attrgetter("size"))
        leaves = _checked_leaves(connection)
        frontier, fitting = Frontier(), 0
        for known in merge(_kept(connection, verifier), others, key=attrgetter("size")):
            frontier = frontier.extend(islice(leaves, known.size - frontier.size))
            if frontier.size < known.size:
                _compare(noted, frontier)  # what the ledger itself still knows says it better
            fitting = known.fits(frontier, fitting)
        frontier = frontier.extend(leaves)
        _compare(noted, frontier)
    return _head_of(frontier)


def pages(connection: Connection, wanted: Select[Any], after: int | None = None) -> Iterator[Row[Any]]:
    """The rows of a select on the journal behind a number, in order, a page in memory; it must select `n` first.

    Raises IntegrityError A504 naming an entry whose text the database itself cannot read.
    """
    try:
        with connection.execute(_behind(wanted, after), execution_options={"yield_per": _PAGE}) as found:
            for row in found:
                yield row
                after = row[0]
    except OperationalError as error:
        if "decode to UTF-8" not in str(error.orig):  # of SQLite, which takes any octets as text
            raise
        yield from _one_by_one(connection, wanted, after)


def _one_by_one(connection: Connection, wanted: Select[Any], after: int | None) -> Iterator[Row[Any]]:
    """The rows up to the one that cannot be read. Raises IntegrityError A504 naming that."""
    while True:
        try:
            row = connection.execute(_behind(wanted, after).limit(1)).one()
        except OperationalError:
            raise IntegrityError("A504", f"entry {(after or 0) + 1} was changed") from None
        yield row
        after = row[0]


def _behind(wanted: Select[Any], after: int | None) -> Select[Any]:
    ordered = wanted.order_by(journal.c.n)
    return ordered if after is None else ordered.where(journal.c.n > after)


def checked(row: Row[Any]) -> tuple[bytes, bytes]:
    """The line and the leaf hash of a row of the whole table, in that order of columns. Raises IntegrityError A504."""
    n, at, kind, what, why, how, who, leaf = row
    try:
        text = line(n, at, kind, what, why, how, who)
    except (TypeError, ValueError):  # a column that holds no text
        text = b""
    found = leaf_hash(text)
    if found.hex() != leaf:
        raise IntegrityError("A504", f"entry {n} was changed")
    return text, found


def _checked_leaves(connection: Connection) -> Iterator[bytes]:
    """The leaf hash of every entry, computed and compared. Raises IntegrityError A504."""
    coming, count = pages(connection, select(journal)), 0
    while True:
        page = list[Row[Any]]()
        try:
            page.extend(islice(coming, _PAGE))
        except IntegrityError:  # one cannot be read; those before it may not hold
            yield from _checked_each(page, count)
            raise
        if not page:
            return
        yield from _checked_page(page, count)
        count += len(page)


def _checked_page(page: Sequence[Row[Any]], count: int) -> Iterable[bytes]:
    """The leaf hashes of rows behind so many that hold: all at once, and one by one when any does not hold."""
    try:
        found = leaves(page)
    except (TypeError, ValueError):  # a column that holds no text
        return _checked_each(page, count)
    in_place = page[0][0] == count + 1 and page[-1][0] == count + len(page)  # numbers are whole and stand but once
    holds = in_place and [leaf.hex() for leaf in found] == [row[7] for row in page]
    return found if holds else _checked_each(page, count)


def _checked_each(page: Sequence[Row[Any]], count: int) -> Iterator[bytes]:
    """The same one by one. Raises IntegrityError A504 naming the first that does not hold."""
    for expected, row in enumerate(page, start=count + 1):
        if row[0] > expected:
            raise IntegrityError("A504", f"entry {expected} is missing")
        if row[0] < expected:
            raise IntegrityError("A504", f"entry {row[0]} does not belong there")
        yield checked(row)[1]


def _kept(connection: Connection, verifier: str) -> Iterator[Checkpoint]:
    """The signed heads that the ledger keeps, by size. Raises IntegrityError A510, A527."""
    after = -1
    ordered = select(signed_heads).order_by(signed_heads.c.size).limit(_PAGE)
    while page := connection.execute(ordered.where(signed_heads.c.size > after)).fetchall():
        for row in page:
            try:
                found = checkpoints.open_note(row.note, verifier) if verifier else checkpoints.parse(row.note)
            except IntegrityError as error:
                raise IntegrityError("A527", f"the kept head of {row.size} entries: {error.detail}") from None
            if (found.size, found.root) != (row.size, row.root):
                raise IntegrityError("A510", f"the kept head of {row.size} entries is not the one that was signed")
            yield found
        after = page[-1].size


def _compare(noted: Row[Any], frontier: Frontier) -> None:
    """Whether the journal ends as the ledger has noted. Raises IntegrityError A504."""
    if noted.n != frontier.size:
        known = noted.n if isinstance(noted.n, int) else 0
        if known > frontier.size:
            raise IntegrityError("A504", f"entry {frontier.size + 1} is missing")
        raise IntegrityError("A504", f"entry {known + 1} is behind the end that the ledger has noted")
    kept = _frontier(noted)
    if kept is None:
        raise IntegrityError("A504", f"entry {noted.n} is not the end that the ledger has noted")
    start = 0
    for mine, theirs, width in zip(frontier.hashes, kept.hashes, frontier.widths(), strict=True):
        if mine != theirs:
            raise IntegrityError("A504", f"entries {start + 1} to {start + width} are not those that were entered")
        start += width


def _locked(connection: Connection) -> Frontier:
    """The journal's tree, locked. Raises IntegrityError A504."""
    row = connection.execute(_END.with_for_update()).first()
    if row is None:
        raise IntegrityError("A504", "the note of the journal's end is gone")
    frontier = _frontier(row)
    last = connection.execute(_LAST).scalar_one()  # only once the lock is there
    if frontier is None or frontier.size != (last or 0):
        raise IntegrityError("A504", "the journal's end is not the one that the ledger has noted")
    return frontier


def _frontier(row: Row[Any]) -> Frontier | None:
    """The tree that the ledger has noted, or None where the note contradicts itself."""
    try:
        frontier = Frontier(row.n, tuple(map(bytes.fromhex, row.frontier.split())))
        sound = row.n >= 0 and [*map(len, frontier.hashes)] == [HASH_BYTES] * row.n.bit_count()
    except (ValueError, TypeError, AttributeError):
        return None
    return frontier if sound and head_values(frontier) == row._asdict() else None


def _signed(connection: Connection, end: Head) -> str | None:
    """The kept note of a head with as many entries. Raises IntegrityError A510 when it is of another."""
    row = connection.execute(select(signed_heads).where(signed_heads.c.size == end.count)).first()
    if row is None:
        return None
    if row.root != end.root:
        raise IntegrityError("A510", f"the head of {end.count} entries that was signed is another")
    return str(row.note)


def _head(connection: Connection) -> Head:
    row = connection.execute(_END).first()
    return Head(row.n, row.root) if row else EMPTY


def _head_of(frontier: Frontier) -> Head:
    return Head(frontier.size, frontier.root().hex())
