"""The drill (art. 25): what a restore elsewhere brought back, held against the office itself, original by original.

A drill that only read the backup would prove the backup to be itself. So it restores the whole office into a temporary
home, audits that deep, and then compares: the bytes of every original, and every row of the archive and the journal up
to the snapshot's end. What went lawfully since - rows whose leaves lie in `gone` - may be missing here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from archive import journal as log
from archive.audit.report import Problem
from archive.audit.rows import MEMBERS, ORIGINALS, Covered
from archive.entries import Entry
from archive.ledger import Ledger, chunks
from archive.tables import journal, members, originals
from archive.upkeep_tables import checkpoints, gone, tombstones
from formats.errors import ServiceError
from formats.merkle import leaf_hash

TABLES = (members, originals, tombstones, gone, checkpoints, journal)

_PAGE = 500  # rows compared at once

Read = Callable[[str], bytes]
Steps = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two offices that are compared: its ledger, and a way to read an original by its digest."""

    ledger: Ledger
    read: Read


@dataclass(frozen=True, slots=True)
class Compared:
    """What was compared, and what does not agree. `newer` counts originals that the office has kept since."""

    originals: int
    bytes: int
    rows: int
    newer: int
    problems: tuple[Problem, ...]


def compare(own: Side, restored: Side, entries: int, steps: Steps = lambda _name, _count: None) -> Compared:
    """Hold a restored office against the one that was backed up when its journal had this many entries.

    `steps("compared", n)` is told after each original. Raises UnreachableError S409.
    """
    problems: list[Problem] = []
    count = size = rows = 0
    for table in TABLES:
        for page in _pages(restored.ledger, table, entries):
            rows += len(page)
            problems += _differing(own.ledger, table, page)
    for digest, length in _digests(restored.ledger):
        count, size = count + 1, size + length
        problems += _original(own, restored, digest)
        steps("compared", 1)
    newer = sum(1 for _ in _digests(own.ledger)) - count
    return Compared(count, size, rows, max(0, newer), tuple(problems))


def record(ledger: Ledger, snapshot: str, found: Compared, problems: int, now: str, who: str) -> None:
    """Enter the drill in the journal; `now` is UTC text. Raises UnreachableError S409, IntegrityError A504."""
    what: dict[str, str | int] = {"snapshot": snapshot, "originals": found.originals, "bytes": found.bytes}
    what["problems"] = problems
    how = "restored elsewhere, every original and row compared"
    log.record(ledger, [Entry(now, "drilled", what, "emergency drill (art. 25)", how, who)])


def _pages(ledger: Ledger, table: Table, entries: int) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table in pages by their primary key; of the journal only what the snapshot had."""
    keys = list(table.primary_key.columns)
    wanted = select(table).order_by(*keys)
    if table is journal:
        wanted = wanted.where(journal.c.n <= entries)
    if table is checkpoints:
        wanted = wanted.where(checkpoints.c.size <= entries)
    with ledger.reading() as connection, connection.execute(wanted.execution_options(yield_per=_PAGE)) as found:
        for part in found.mappings().partitions():
            yield [dict(row) for row in part]


def _differing(own: Ledger, table: Table, page: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """Rows that the office has otherwise, or has no more."""
    keys = [column.name for column in table.primary_key.columns]
    with own.reading() as connection:
        here = {tuple(row[name] for name in keys): row for row in _same_keys(connection, table, keys, page)}
        for row in page:
            key = tuple(row[name] for name in keys)
            if here.get(key) != row and not _went(connection, table, row):
                yield Problem("A504" if table is journal else "A507", f"{table.name} {' '.join(map(str, key))}")


def _same_keys(
    connection: Connection, table: Table, keys: Sequence[str], page: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    for chunk in chunks(page):
        which: ColumnElement[bool]
        if len(keys) == 1:
            which = table.c[keys[0]].in_([row[keys[0]] for row in chunk])
        else:
            which = or_(*(and_(*(table.c[name] == row[name] for name in keys)) for row in chunk))
        yield from (dict(row) for row in connection.execute(select(table).where(which)).mappings())


def _went(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Whether a row of members or originals was taken away lawfully since: its leaf stands for it."""
    covered: Covered | None = {members: MEMBERS, originals: ORIGINALS}.get(table)
    if covered is None:
        return False
    leaf = leaf_hash(covered.line(row)).hex()
    wanted = select(gone.c.place).where(gone.c.entry == row["entry"], gone.c.leaf == leaf)
    return connection.execute(wanted.limit(1)).first() is not None


def _digests(ledger: Ledger) -> Iterator[tuple[str, int]]:
    """Every original that is kept, with its size in bytes."""
    page = [("", 0)]
    while page:
        wanted = select(members.c.digest, members.c.bytes).where(members.c.digest > page[-1][0])
        with ledger.reading() as connection:
            rows = connection.execute(wanted.order_by(members.c.digest).limit(_PAGE))
            page = [(row.digest, row.bytes) for row in rows]
        yield from page


def _original(own: Side, restored: Side, digest: str) -> Iterator[Problem]:
    """Problems with one original: of the copy, of the office's own, or between the two."""
    try:
        data = restored.read(digest)
    except ServiceError as error:
        yield Problem(error.code, digest, "restored")
        return
    try:
        same = own.read(digest) == data
    except ServiceError as error:
        if not _is_destroyed(own.ledger, digest):
            yield Problem(error.code, digest, "own")
        return
    if not same:
        yield Problem("A502", digest, "own")


def _is_destroyed(ledger: Ledger, digest: str) -> bool:
    with ledger.reading() as connection:
        wanted = select(tombstones.c.id).where(tombstones.c.digest == digest).limit(1)
        return connection.execute(wanted).first() is not None
