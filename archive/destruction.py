"""Lawful destruction: what is due, the order that names it, and what must be true before anything goes.

An order lists originals by their digests, each with every row of the register that has it, so that what two people sign
is exactly what goes. It fits only as long as nothing of that has changed: an order is carried out whole or refused
whole. Carrying it out is `destroying.py`; whose signatures are over it is for `flows/destroying.py` to know.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, or_, select

from archive import holds, proved_rows
from archive.holds import CaseKey
from archive.ledger import Ledger, chunks
from archive.tables import members, originals, utc_text
from formats import retention
from formats.errors import UsageError
from formats.retention import Period

FORMAT: Final = "urn:jiexu:destruction-order:1"
ORDER_KIND: Final = "destruction-order"  # the kind under which an order and its signatures are kept

_ROW: Final = ("kind", "direction", "partner", "case_number", "message_id", "kept_at")
_TOMBSTONE: Final = (
    "digest",
    "kind",
    "bytes",
    "direction",
    "partner",
    "case_number",
    "kept_at",
    "destroyed",
    "order_digest",
)


@dataclass(frozen=True, slots=True)
class Item:
    """One original in an order: its digest, its size, the day from which it may go (ISO), its rows in the register.

    A row is (kind, direction, partner, case number, message id, kept at), in the order of entering.
    """

    digest: str
    bytes: int
    due: str
    rows: tuple[tuple[str, ...], ...]

    def cases(self) -> Iterator[CaseKey]:
        """The cases to which it belongs."""
        return ((row[1], row[2], row[3]) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Order:
    """A destruction order: whose, when it was written (UTC text), what is to go."""

    office: str
    made: str
    items: tuple[Item, ...]


def tombstone_line(row: Mapping[str, Any]) -> bytes:
    """A tombstone's line under the root of its `destroyed` entry: canonical JSON of its values but id and entry."""
    return json.dumps([row[name] for name in _TOMBSTONE], ensure_ascii=False, separators=(",", ":")).encode()


def due(ledger: Ledger, on: date, table: Sequence[Period] | None = None) -> tuple[Item, ...]:
    """The originals whose periods have all ended on this day and that no hold keeps, in the order of their digests.

    Bytes that several cases share are due when they are for each. `table`: other periods than `retention.periods()`.
    """
    with ledger.reading() as connection:
        held = holds.held(connection)
        digests = _ripe(connection, on, retention.periods() if table is None else table)
        found = list(_items(connection, digests, on, table))
    return tuple(item for item, end in found if end is not None and end <= on and held.isdisjoint(item.cases()))


def write(office: str, items: Sequence[Item], at: datetime) -> bytes:
    """The order that two people sign: canonical JSON and a line feed."""
    listed = [
        {"digest": item.digest, "bytes": item.bytes, "due": item.due, "rows": [list(row) for row in item.rows]}
        for item in items
    ]
    order = {"format": FORMAT, "office": office, "made": utc_text(at), "originals": listed}
    return (json.dumps(order, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()


def read(data: bytes) -> Order:
    """The order in these bytes. Raises UsageError S444 unless they are exactly in the form that `write` gives."""
    try:
        order = json.loads(data)
        items = tuple(
            Item(item["digest"], item["bytes"], item["due"], tuple(tuple(row) for row in item["rows"]))
            for item in order["originals"]
        )
        made = datetime.strptime(order["made"], "%Y-%m-%dT%H:%M:%S%z")
        exact = write(order["office"], items, made) == data
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UsageError("S444", "the order cannot be read") from None
    if not exact or not items or [item.digest for item in items] != sorted({item.digest for item in items}):
        raise UsageError("S444", "the order is not in its exact form")
    return Order(order["office"], order["made"], items)


def check(ledger: Ledger, order: Order, office: str, on: date, table: Sequence[Period] | None = None) -> None:
    """Whether all of this order may go on this day; the whole is refused for the first original that may not.

    Raises UsageError S444 (another office's order, an original that is not kept, or not as the order says), S440 (its
    period has not ended), S441 (a hold keeps it). The detail names digest or case.
    """
    if order.office != office:
        raise UsageError("S444", f"it is an order of office {order.office}")
    with ledger.reading() as connection:
        check_in(connection, order, on, table)


def check_in(connection: Connection, order: Order, on: date, table: Sequence[Period] | None = None) -> None:
    """The same inside the transaction that carries the order out.

    Raises IntegrityError A507 as well, when holds are not what the journal says: one may have been lifted unseen.
    """
    proved_rows.require(connection, proved_rows.HOLDS)
    digests = [item.digest for item in order.items]
    ends = {item.digest: (item, end) for item, end in _items(connection, digests, on, table)}
    held = holds.held(connection)
    for item in order.items:
        known, end = ends.get(item.digest, (None, None))
        if known is None or (known.bytes, known.rows) != (item.bytes, item.rows):
            raise UsageError("S444", f"{item.digest} is not kept, or not as the order says")
        if end is None or on < end:
            raise UsageError("S440", f"{item.digest}: {end or 'permanent'}")
        if kept := next((case for case in item.cases() if case in held), None):
            raise UsageError("S441", f"case {kept[2]}")
    _check_members(connection, digests)


def _check_members(connection: Connection, digests: Sequence[str]) -> None:
    """What is to go must be where the catalog says; bytes that are lost are not destroyed but missing."""
    there = {
        digest
        for chunk in chunks(digests)
        for digest in connection.execute(select(members.c.digest).where(members.c.digest.in_(chunk))).scalars()
    }
    if missing := next((digest for digest in digests if digest not in there), None):
        raise UsageError("S444", f"{missing} is not kept, or not as the order says")


def _ripe(connection: Connection, on: date, table: Sequence[Period]) -> list[str]:
    """Digests of which at least one row's period may have ended."""
    kinds = sorted({row.kind for row in table if row.years is not None})
    limits = [(kind, retention.period(kind, on, table)) for kind in kinds]
    old = [
        and_(originals.c.kind == kind, originals.c.kept_at < f"{on.year - found.years:04}")
        for kind, found in limits
        if found is not None and found.years is not None and on.year > found.years
    ]
    if not old:
        return []
    return sorted(connection.execute(select(originals.c.digest).where(or_(*old)).distinct()).scalars())


def _items(
    connection: Connection, digests: Sequence[str], on: date, table: Sequence[Period] | None
) -> Iterator[tuple[Item, date | None]]:
    """These originals as an order has them, each with the end of its longest period (None: never), by digest."""
    wanted = select(originals).order_by(originals.c.digest, originals.c.id)
    for chunk in chunks(sorted(digests)):
        rows = connection.execute(wanted.where(originals.c.digest.in_(chunk))).all()
        for digest, group in groupby(rows, key=lambda row: str(row.digest)):
            yield _item(digest, list(group), on, table)


def _item(digest: str, rows: Sequence[Row[Any]], on: date, table: Sequence[Period] | None) -> tuple[Item, date | None]:
    ends = [retention.ends(row.kind, date.fromisoformat(row.kept_at[:10]), on, table) for row in rows]
    end = max((end for end in ends if end is not None), default=None) if None not in ends else None
    told = tuple(tuple(str(getattr(row, name)) for name in _ROW) for row in rows)
    return Item(digest, rows[0].size, end.isoformat() if end else "", told), end
