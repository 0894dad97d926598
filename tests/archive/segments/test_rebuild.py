"""The ledger's rows from the archive's files alone."""

import pytest

from archive.ledger import Ledger
from archive.segments import rekey
from archive.segments.rebuild import rebuild
from archive.segments.store import SegmentOriginals
from archive.tables import originals
from formats.errors import IntegrityError
from tests.archive.segments.looking import NOW, items, rows, segments
from tests.archive.segments.registered import register_all
from tests.archive.stores import OFFICE, WRAP
from tests.archive.wraps import MemoryWrap


def test_everything_sealed_comes_back(store: SegmentOriginals, ledger: Ledger) -> None:
    """Rows of segments, members and originals are those of the ledger, also after a change of key."""
    for number in range(3):
        kept = store.keep(items(number * 10, 5, 300), NOW)
        register_all(store, kept, f"case-{number}")
        store.seal_due(NOW, all_of_them=True)
        register_all(store, kept[:2], f"late-{number}")
        if number == 1:
            rekey.rekey(store.context, WRAP, MemoryWrap(older=(WRAP.secret,)), "AB12", NOW)
    store.keep(items(90, 1), NOW)
    store.seal_due(NOW, all_of_them=True)
    found = list(rebuild(store.layout.root, MemoryWrap(older=(WRAP.secret,)), OFFICE))
    assert [entry.segment for entry in found] == segments(ledger)
    assert [list(entry.members) for entry in found] == [rows(ledger, entry.segment.n) for entry in found]
    with ledger.reading() as connection:
        expected = [row._asdict() for row in connection.execute(originals.select().order_by(originals.c.id))]
    assert sorted((row for entry in found for row in entry.originals), key=lambda row: row["id"]) == expected
    assert len(expected) == 21


def test_the_open_segment_comes_back_without_its_cases(store: SegmentOriginals, ledger: Ledger) -> None:
    """Members by their headers and by decryption; bytes behind the end that are no member are left out."""
    store.keep(items(0, 5), NOW)
    with store.layout.open_tar(1).open("ab") as file:
        file.write(b"left by a killed process" * 50)
    (found,) = rebuild(store.layout.root, WRAP, OFFICE)
    assert [row._replace(entry=2) for row in found.members] == rows(ledger, 1)
    assert found.segment == segments(ledger)[0]._replace(opened="")


def test_an_empty_archive_has_no_rows(store: SegmentOriginals) -> None:
    """Nothing there, nothing told."""
    assert list(rebuild(store.layout.root, WRAP, OFFICE)) == []


@pytest.mark.parametrize("header", [b"zzzzzzzz", b"0000000z", b"\xff" * 512])
def test_a_damaged_header_is_told(store: SegmentOriginals, header: bytes) -> None:
    """A507 for a tar whose headers cannot be read, by its checksum or its names."""
    store.keep(items(0, 3), NOW)
    store.seal_due(NOW, all_of_them=True)
    tar = store.layout.sealed_tar(1)
    tar.chmod(0o600)
    with tar.open("r+b") as file:
        file.write(header)
    with pytest.raises(IntegrityError, match="A507"):
        list(rebuild(store.layout.root, WRAP, OFFICE))
