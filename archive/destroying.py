"""Carrying out a destruction order: what must stay is moved first, then the ledger changes at once, then bytes go.

    1. the order and its signatures are kept as originals, and what is to go is in sealed segments;
    2. the other members of each segment that loses one are written into new segments and read back (`moving.py`);
    3. one transaction: the order is checked once more; rows of what goes become tombstones, rows of what stays point to
       the new segments, every row that went leaves its leaf (`gone.py`), the segments are `destroyed`; the journal has
       an entry `destroyed` whose root covers tombstones and leaves;
    4. the new segments are sealed;
    5. the old objects are removed, and the plain files of what went that an upgrade left (`segments/adoption.py`).

Killed before 3, nothing has changed; killed after it, the same order carried out again goes on at 4. At no moment is
anything that stays unreadable.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from archive import destruction, gone, journal, moving, registry
from archive.destruction import ORDER_KIND, Order, tombstone_line
from archive.flushing import disk, flush
from archive.journal import Entry
from archive.ledger import chunks
from archive.moving import Moved
from archive.ocfl import objects
from archive.registry import FIELDS, original_line
from archive.segments import catalog, sealing
from archive.segments.catalog import member_line
from archive.segments.context import Context
from archive.segments.files import held
from archive.segments.store import SegmentOriginals
from archive.tables import OUT, members, originals, segments, utc_text
from archive.tables import journal as journal_table
from archive.upkeep_tables import gone as gone_table
from archive.upkeep_tables import tombstones
from formats import merkle
from formats.digest import sha256
from formats.retention import Period

_WHY = "the retention period has ended (社会保险业务档案管理规定)"
_TOMBSTONE = (
    *("digest", "kind", "bytes", "direction", "partner", "case_number", "kept_at"),
    *("destroyed", "order_digest", "entry"),
)
_HOW = "ordered and signed by two people"


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What became of an order: its digest, how many rows of the register became tombstones, bytes, segments removed."""

    order: str
    originals: int
    bytes: int
    segments: int


def carry_out(
    store: SegmentOriginals,
    order: bytes,
    signatures: Sequence[bytes],
    who: str,
    at: datetime,
    table: Sequence[Period] | None = None,
) -> Destroyed:
    """Destroy what the order names, all of it, or finish what was begun. The signatures were found good before.

    `at` is now (UTC); `table`: other periods than `formats.retention.periods()`. Raises UsageError S440, S441, S444 as
    `destruction.check`; UnreachableError S416, S409; IntegrityError A501, A502, A508, A509 when what must stay cannot
    be read. Before the ledger has changed nothing is destroyed; after it the same call finishes.
    """
    context, parsed, digest = store.context, destruction.read(order), sha256(order)
    if not _is_entered(context, digest):
        destruction.check(context.ledger, parsed, context.layout.office, at.date(), table)
        _keep_order(store, order, signatures, digest, who, at)
        _seal_touched(store, parsed, at)
        with held(context.layout.seal_lock), held(context.layout.lock):
            touched = _touched(context, parsed)
            moved = moving.copy(context, _staying(context, parsed, touched), at)
            _enter(context, parsed, digest, touched, moved, who, at, table)
    store.recover(at)
    sealing.seal_all(store.context, at)
    _remove(context)
    _remove_adopted(context, parsed)
    return _told(context, digest)


def _is_entered(context: Context, digest: str) -> bool:
    with context.ledger.reading() as connection:
        wanted = select(func.count()).select_from(tombstones).where(tombstones.c.order_digest == digest)
        return bool(connection.execute(wanted).scalar_one())


def _keep_order(
    store: SegmentOriginals, order: bytes, signatures: Sequence[bytes], digest: str, who: str, at: datetime
) -> None:
    """The order and its signatures are originals of the office, of no case."""
    context = store.context
    kept = store.keep([(ORDER_KIND, data) for data in (order, *signatures)], at)
    now = utc_text(at)
    values = [registry.original_values(item, OUT, context.layout.office, "", digest, now) for item in kept]
    with context.ledger.writing() as connection:
        journal.lock(connection)
        registry.register(connection, values, _WHY, who, now)


def _seal_touched(store: SegmentOriginals, order: Order, at: datetime) -> None:
    """Only whole objects are destroyed: what is to go must not lie in the open segment."""
    context = store.context
    with context.ledger.reading() as connection:
        states = {row.n: row.state for row in connection.execute(select(segments.c.n, segments.c.state))}
    if any(states.get(n) != "sealed" for n in _touched(context, order)):
        store.seal_due(at, all_of_them=True)


def _touched(context: Context, order: Order) -> tuple[int, ...]:
    """The segments that lose a member."""
    with context.ledger.reading() as connection:
        found = {
            n
            for chunk in chunks([item.digest for item in order.items])
            for n in connection.execute(select(members.c.segment).where(members.c.digest.in_(chunk))).scalars()
        }
    return tuple(sorted(found))


def _staying(context: Context, order: Order, touched: Sequence[int]) -> list[catalog.Member]:
    going = {item.digest for item in order.items}
    with context.ledger.reading() as connection:
        return [row for n in touched for row in catalog.of_segment(connection, n) if row.digest not in going]


def _enter(
    context: Context,
    order: Order,
    digest: str,
    touched: Sequence[int],
    moved: Sequence[Moved],
    who: str,
    at: datetime,
    table: Sequence[Period] | None,
) -> None:
    """Step 3, in one transaction."""
    now = utc_text(at)
    with context.ledger.writing() as connection:
        rows = [catalog.segment(connection, n, lock=True) for n in touched]
        first = journal.lock(connection).count + 1
        destruction.check_in(connection, order, at.date(), table)
        _leave_members(connection, set(touched), digest)
        connection.execute(delete(members).where(members.c.segment.in_(touched)))
        connection.execute(update(segments).where(segments.c.n.in_(touched)).values(state="destroyed"))
        entries = moving.enter(context, connection, moved, first, at)
        for row in rows:
            assert row is not None
            what: dict[str, str | int] = {"segment": row.n, "members": row.members, "order": digest}
            entries.append(Entry(now, "segment-destroyed", what, _WHY, "what stays was kept again elsewhere", who))
        number = first + len(entries)
        going = {item.digest for item in order.items}
        _leave_originals(connection, going, digest)
        count = _bury(connection, going, digest, number, now)
        root = _root(connection, number, digest).hex()
        size = sum(item.bytes for item in order.items)
        what = {"order": digest, "originals": count, "bytes": size, "root": root}
        entries.append(Entry(now, "destroyed", what, _WHY, _HOW, who))
        journal.append(connection, *entries)


def _leave_members(connection: Connection, touched: Collection[int], digest: str) -> None:
    """The leaves of all members of these segments, before their rows go."""
    for part in chunks(sorted(touched)):
        wanted = select(members).where(members.c.segment.in_(part)).order_by(members.c.entry, members.c.place)
        _leave(connection, [(row.entry, True, member_line(_named(row))) for row in connection.execute(wanted)], digest)


def _leave_originals(connection: Connection, going: Collection[str], digest: str) -> None:
    """The leaves of these originals' rows in the register, before they go."""
    affected = select(originals.c.entry).distinct()
    entries = {
        entry
        for part in chunks(sorted(going))
        for entry in connection.execute(affected.where(originals.c.digest.in_(part))).scalars()
    }
    for part in chunks(sorted(entries)):
        wanted = select(originals).where(originals.c.entry.in_(part)).order_by(originals.c.entry, originals.c.id)
        rows = connection.execute(wanted)
        _leave(connection, [(row.entry, row.digest in going, original_line(_named(row))) for row in rows], digest)


def _leave(connection: Connection, rows: Sequence[tuple[int, bool, bytes]], digest: str) -> None:
    """Rows that go leave their leaves; `rows` are all that their entries still have: (entry, whether it goes, line)."""
    left = gone.of_entries(connection, {entry for entry, _, _ in rows})
    values = []
    for entry, group in groupby(rows, key=lambda row: row[0]):
        present = list(group)
        places = gone.places(len(present), left.get(entry, {}))
        values += [
            {"entry": entry, "place": place, "leaf": merkle.leaf_hash(line).hex(), "order_digest": digest}
            for place, (_, goes, line) in zip(places, present, strict=True)
            if goes
        ]
    if values:
        connection.execute(insert(gone_table), values)


def _bury(connection: Connection, going: Collection[str], digest: str, number: int, now: str) -> int:
    """Tombstones in the place of these originals' rows; returns how many."""
    buried: list[tuple[int, dict[str, Any]]] = []
    for part in chunks(sorted(going)):
        for row in connection.execute(select(originals).where(originals.c.digest.in_(part))):
            named = {name: getattr(row, name) for name in FIELDS}
            values = {**named, "bytes": named.pop("size"), "destroyed": now, "order_digest": digest, "entry": number}
            buried.append((row.id, {name: values[name] for name in _TOMBSTONE}))
        connection.execute(delete(originals).where(originals.c.digest.in_(part)))
    buried.sort(key=lambda item: item[0])
    connection.execute(insert(tombstones), [values for _, values in buried])
    return len(buried)


def _root(connection: Connection, number: int, digest: str) -> bytes:
    """The root of a `destroyed` entry: over its tombstones by id, then the leaves its order left by entry and place."""
    stones = connection.execute(select(tombstones).where(tombstones.c.entry == number).order_by(tombstones.c.id))
    wanted = select(gone_table).where(gone_table.c.order_digest == digest)
    left = connection.execute(wanted.order_by(gone_table.c.entry, gone_table.c.place))
    lines = [
        *(tombstone_line(_named(row)) for row in stones),
        *(gone.line(row.entry, row.place, row.leaf, row.order_digest) for row in left),
    ]
    return merkle.root_of(lines)


def _remove(context: Context) -> None:
    """Remove the objects of segments that the ledger calls destroyed. Raises UnreachableError S416."""
    layout = context.layout
    with held(layout.seal_lock):
        with context.ledger.reading() as connection:
            dead = [row.n for row in catalog.in_state(connection, "destroyed")]
        for n in dead:
            if layout.object_path(n).exists():
                objects.destroy(layout.objects, layout.stage, layout.object_id(n))


def _remove_adopted(context: Context, order: Order) -> None:
    """Remove the plain files that an older home kept of these originals. Raises UnreachableError S416."""
    with disk():
        for item in order.items:
            file = context.layout.adopted_file(item.digest)
            if file.exists():
                file.unlink()
                flush(file.parent)


def _told(context: Context, digest: str) -> Destroyed:
    with context.ledger.reading() as connection:
        kind = (journal_table.c.kind == "destroyed", journal_table.c.what.contains(digest, autoescape=True))
        what = json.loads(connection.execute(select(journal_table.c.what).where(*kind)).scalar_one())
        dead = (journal_table.c.kind == "segment-destroyed", journal_table.c.what.contains(digest, autoescape=True))
        count = connection.execute(select(func.count()).select_from(journal_table).where(*dead)).scalar_one()
    return Destroyed(digest, what["originals"], what["bytes"], count)


def _named(row: Row[Any]) -> Mapping[str, Any]:
    return row._asdict()
