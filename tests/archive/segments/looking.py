"""What the tests of segments look at behind the store's back, and what they keep."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

import ocfl
from sqlalchemy import select

from archive import journal
from archive.ledger import Ledger
from archive.ocfl.validation import validate_root
from archive.segments import catalog
from archive.segments.catalog import Member, Segment
from archive.segments.store import SegmentOriginals
from archive.tables import journal as lines
from archive.tables import members
from formats import merkle

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
KIND = "delivery-sent"


def items(first: int, count: int, size: int = 200) -> list[tuple[str, bytes]]:
    """Originals that tell their number, each of a different size around `size`."""
    return [(KIND, f"{number} ".encode() * (size // 4 + number % 7)) for number in range(first, first + count)]


def rows(ledger: Ledger, n: int) -> list[Member]:
    """The members of a segment."""
    with ledger.reading() as connection:
        return list(catalog.of_segment(connection, n))


def segments(ledger: Ledger) -> list[Segment]:
    """All segments."""
    with ledger.reading() as connection:
        return catalog.in_state(connection, "open", "sealing", "sealed", "destroyed")


def kinds(ledger: Ledger) -> list[str]:
    """The kinds of all journal entries."""
    return [entry.kind for entry in journal.entries(ledger)]


def assert_whole(store: SegmentOriginals) -> None:
    """The journal holds, its roots are those of the rows, every object is valid by our judge."""
    ledger = store.context.ledger
    journal.verify(ledger)
    with ledger.reading() as connection:
        said = {
            row.n: json.loads(row.what)["root"]
            for row in connection.execute(select(lines.c.n, lines.c.what).where(lines.c.kind == "kept"))
        }
        found: dict[int, list[bytes]] = {}
        for row in connection.execute(select(members).order_by(members.c.entry, members.c.place)):
            found.setdefault(row.entry, []).append(catalog.member_line(row._asdict()))
    assert {n: merkle.root_of(leaves).hex() for n, leaves in found.items()} == said
    if store.layout.objects.path.exists():
        assert [flaw for flaw in validate_root(store.layout.objects.path) if flaw.is_error] == []


def assert_others_agree(store: SegmentOriginals, objects: int) -> None:
    """A validator that nobody here wrote finds this many objects, and all of them good."""
    root = ocfl.StorageRoot(root=str(store.layout.objects.path))
    assert root.validate(validate_objects=True, check_digests=True)
    assert (root.num_objects, root.good_objects) == (objects, objects)


def assert_reads(store: SegmentOriginals, digests: Iterable[str], expected: Iterable[bytes]) -> None:
    """These originals are readable and as they were."""
    assert [store.read(digest) for digest in digests] == list(expected)
