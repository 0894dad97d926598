"""Which entries of the journal can be believed when the journal as a whole does not hold.

As long as it holds, all of them. Otherwise what an entry says of rows proves nothing unless the entry itself is proved:
where the stored leaves still lead to the noted head and to every signed one, each entry that has its own leaf; else the
entries up to the last signed head that still fits.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from archive.entries import line
from archive.journal import pages
from archive.tables import journal, journal_head
from archive.upkeep_tables import checkpoints
from formats.errors import IntegrityError
from formats.merkle import Frontier, leaf_hash


@dataclass(frozen=True, slots=True)
class Belief:
    """Entries up to `limit` (None: all of them) can be believed, but for those in `doubted`."""

    whole: bool
    limit: int | None = None
    doubted: Collection[int] = ()

    def __contains__(self, entry: int) -> bool:
        return entry not in self.doubted and (self.limit is None or entry <= self.limit)


WHOLE = Belief(whole=True)


def broken(connection: Connection) -> Belief:
    """What can be believed of a journal that does not hold; reads all of it."""
    notes = {row.size: row.root for row in connection.execute(select(checkpoints.c.size, checkpoints.c.root))}
    doubted: set[int] = set()
    tree, fitting, end = Frontier(), 0, connection.execute(select(journal_head)).first()
    try:
        for row in pages(connection, select(journal)):
            if row.n != tree.size + 1:
                return Belief(whole=False, limit=fitting, doubted=frozenset(doubted))
            tree = tree.append(_stored(row))
            if not _is_own(row):
                doubted.add(row.n)
            if row.n in notes:
                if notes[row.n] != tree.root().hex():
                    return Belief(whole=False, limit=fitting, doubted=frozenset(doubted))
                fitting = row.n
    except IntegrityError:  # a text that the database cannot read
        return Belief(whole=False, limit=fitting, doubted=frozenset(doubted))
    holds = end is not None and (end.n, end.root) == (tree.size, tree.root().hex()) and max(notes, default=0) <= end.n
    return Belief(whole=False, limit=None if holds else fitting, doubted=frozenset(doubted))


def _stored(row: Row[Any]) -> bytes:
    try:
        return bytes.fromhex(row.leaf)
    except (TypeError, ValueError):
        return b""


def _is_own(row: Row[Any]) -> bool:
    """Whether the stored leaf is that of the entry as it stands."""
    try:
        return bool(leaf_hash(line(*row[:-1])).hex() == row.leaf)
    except (TypeError, ValueError):
        return False
