"""Rows of `members`, `originals` and `tombstones` against the roots in the journal entries that cover them (A507).

An entry `kept`, `registered` or `destroyed` carries the tree hash (RFC 9162 §2.1) over the lines of its rows. A group
of rows whose root is another was edited, or lost or gained a row; `telling` finds out which, where that can be told.
Rows that have an entry each are in `archive.proved_rows`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from archive import gone
from archive.audit.belief import Belief
from archive.destruction import tombstone_line
from archive.registry import original_line
from archive.segments.catalog import member_line
from archive.tables import journal, members, originals
from archive.upkeep_tables import gone as gone_table
from archive.upkeep_tables import tombstones
from formats.merkle import leaf_hash, root

_PAGE = 2000  # rows read at once


@dataclass(frozen=True, slots=True)
class Covered:
    """A table whose rows stand under journal entries of one kind, in this order; `line` is a row's line."""

    table: Table
    kind: str
    order: tuple[str, ...]
    count: str  # the field of the entry that says how many rows it covers
    line: Callable[[Mapping[str, Any]], bytes]


MEMBERS = Covered(members, "kept", ("place",), "members", member_line)
ORIGINALS = Covered(originals, "registered", ("id",), "originals", original_line)
TOMBSTONES = Covered(tombstones, "destroyed", ("id",), "originals", tombstone_line)


@dataclass(frozen=True, slots=True)
class Group:
    """The rows under one entry that are not what the entry says; `gone` are leaves of rows that went lawfully."""

    covered: Covered
    entry: int
    at: str
    what: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]
    gone: Mapping[int, bytes] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def expected(self) -> int:
        """How many rows there should be."""
        return int(self.what.get(self.covered.count, 0)) - len(self.gone)

    def holds_with(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Whether these rows, in order, are the ones that the entry covers."""
        present = [leaf_hash(self.covered.line(row)) for row in rows]
        return root(gone.leaves(present, self.gone)).hex() == self.what.get("root")


def differing(connection: Connection, belief: Belief) -> tuple[Group, ...]:
    """Every group of rows that is not what its entry says, of the entries that can be believed."""
    return tuple(
        group
        for covered in (MEMBERS, ORIGINALS, TOMBSTONES)
        for group in _groups(connection, covered)
        if group.entry in belief and not _holds(connection, group)
    )


def _groups(connection: Connection, covered: Covered) -> Iterator[Group]:
    """Rows and entries side by side, by the entry's number; one of the two may be missing."""
    wanted = select(covered.table).order_by("entry", *covered.order).execution_options(yield_per=_PAGE)
    entries = select(journal.c.n, journal.c.at, journal.c.what).where(journal.c.kind == covered.kind)
    said = iter(connection.execute(entries.order_by(journal.c.n).execution_options(yield_per=_PAGE)))
    upcoming = next(said, None)
    for number, rows in groupby(connection.execute(wanted).mappings(), key=itemgetter("entry")):
        while upcoming is not None and upcoming.n < number:
            yield _group(covered, upcoming.n, upcoming, ())
            upcoming = next(said, None)
        if upcoming is not None and upcoming.n == number:
            yield _group(covered, number, upcoming, rows)
            upcoming = next(said, None)
        else:
            yield _group(covered, number, None, rows)
    while upcoming is not None:
        yield _group(covered, upcoming.n, upcoming, ())
        upcoming = next(said, None)


def _group(covered: Covered, number: int, entry: Row[Any] | None, rows: Iterable[Any]) -> Group:
    try:
        what = json.loads(entry.what) if entry is not None else {}
    except ValueError:
        what = {}  # the journal's own check names the entry
    return Group(covered, number, entry.at if entry is not None else "", what, tuple(rows))


def _holds(connection: Connection, group: Group) -> bool:
    if group.covered is TOMBSTONES:
        return _destroyed_root(connection, group) == group.what.get("root")
    return group.holds_with(group.rows) or with_gone(connection, group).holds_with(group.rows)


def with_gone(connection: Connection, group: Group) -> Group:
    """The group with the leaves that rows left when they went."""
    return replace(group, gone=gone.of_entries(connection, [group.entry]).get(group.entry, {}))


def _destroyed_root(connection: Connection, group: Group) -> str:
    """The root over an order's tombstones and, behind them, over the rows of `gone` that the order left."""
    order = select(gone_table).where(gone_table.c.order_digest == str(group.what.get("order", "")))
    left = connection.execute(order.order_by(gone_table.c.entry, gone_table.c.place))
    lines = [tombstone_line(row) for row in group.rows]
    lines += [gone.line(row.entry, row.place, row.leaf, row.order_digest) for row in left]
    return root(leaf_hash(line) for line in lines).hex()


def unordered(connection: Connection) -> list[tuple[int, int]]:
    """Rows of `gone`, as (entry, place), that stand under no order which was carried out.

    Those of an order are under the root of its entry; any other could hide that a row was removed.
    """
    entries = connection.execute(select(journal.c.what).where(journal.c.kind == TOMBSTONES.kind)).scalars()
    orders = {str(json.loads(what).get("order", "")) for what in entries}
    wanted = select(gone_table).order_by(gone_table.c.entry, gone_table.c.place)
    return [(row.entry, row.place) for row in connection.execute(wanted) if row.order_digest not in orders]
