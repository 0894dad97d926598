"""What a lawful destruction leaves of the rows that it took away or moved: their leaves, in the tree of their entry.

The journal's entries `kept` and `registered` carry the root of a tree over the lines of their rows (RFC 6962). When
rows go, each leaves its leaf hash at its place among the rows of its entry; with these the entry's root still proves
the rows that stayed. The lines of the table `gone` are themselves under the root of the `destroyed` entry.
"""

import json
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, select

from archive.ledger import chunks
from archive.upkeep_tables import gone


def leaves(present: Sequence[bytes], gone: Mapping[int, bytes]) -> list[bytes]:
    """The leaf hashes of an entry in order: of the rows that stayed (`present`, in order) and of those that went.

    `gone` has the hashes of the rows that went by their place among all rows of the entry, from 0. A place that the
    rows do not reach is passed over: the root that comes of it is then another than the entry's, which tells.
    """
    filled: list[bytes] = []
    staying = iter(present)
    for place in range(len(present) + len(gone)):
        hashed = gone[place] if place in gone else next(staying, None)
        if hashed is not None:
            filled.append(hashed)
    return filled


def places(staying: int, gone: Collection[int]) -> list[int]:
    """The places, among all rows of an entry, of the `staying` rows that it still has, in order."""
    return [place for place in range(staying + len(gone)) if place not in gone][:staying]


def of_entries(connection: Connection, entries: Collection[int]) -> dict[int, dict[int, bytes]]:
    """What is gone of these journal entries: entry -> place -> leaf hash. Entries of which nothing went are absent."""
    found: dict[int, dict[int, bytes]] = {}
    for chunk in chunks(sorted(entries)):
        for row in connection.execute(select(gone).where(gone.c.entry.in_(chunk))):
            found.setdefault(row.entry, {})[row.place] = bytes.fromhex(row.leaf)
    return found


def line(entry: int, place: int, leaf: str, order_digest: str) -> bytes:
    """A row of `gone` as it enters the root of its `destroyed` entry; `leaf` and `order_digest` in lower-case hex."""
    return json.dumps([entry, place, leaf, order_digest], ensure_ascii=False, separators=(",", ":")).encode()
