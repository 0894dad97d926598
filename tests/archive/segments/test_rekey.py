"""Change of the archive key: new files of keys, the same tars; who reads what afterwards."""

from pathlib import Path

import pytest

from archive.ledger import Ledger
from archive.segments import keys, rekey
from archive.segments.store import SegmentOriginals
from formats.errors import IntegrityError
from tests.archive.segments.looking import NOW, assert_others_agree, assert_reads, assert_whole, items, kinds, segments
from tests.archive.stores import WRAP, store_in
from tests.archive.wraps import MemoryWrap

NEW = MemoryWrap()


@pytest.fixture
def digests(store: SegmentOriginals) -> list[str]:
    """Two sealed segments and an open one with six originals."""
    kept = []
    for first in (0, 2, 4):
        kept += store.keep(items(first, 2), NOW)
        if first < 4:
            store.seal_due(NOW, all_of_them=True)
    return [entry.digest for entry in kept]


EXPECTED = [data for _, data in items(0, 6)]


def test_the_new_key_alone_reads_all(store: SegmentOriginals, ledger: Ledger, digests: list[str]) -> None:
    """Also what is kept afterwards; the rows and the journal name the new files; objects are valid."""
    before = {row.n: store.layout.tar(row.n, row.state).stat() for row in segments(ledger)}
    assert rekey.rekey(store.context, WRAP, NEW, "AB12", NOW) == (1, 2, 3)
    assert {row.n: store.layout.tar(row.n, row.state).stat() for row in segments(ledger)} == before
    other = store_in(store.layout.root.parent, ledger, wrap=NEW)
    assert_reads(other, digests, EXPECTED)
    other.keep(items(6, 2), NOW)
    other.seal_due(NOW, all_of_them=True)
    assert [row.version for row in segments(ledger)] == [2, 2, 1]
    assert kinds(ledger).count("segment-rekeyed") == 3
    assert kinds(ledger).count("archive-key-changed") == 1
    for row in segments(ledger):
        message = store.layout.sealed_keys(row.n, row.version).read_bytes()
        assert keys.sha512(message) == row.keys_sha512
        assert f"keys-{row.version}.pgp" in store.layout.objects.files(store.layout.object_id(row.n))
        assert f"keys-{row.version - 1}.pgp" not in store.layout.objects.files(store.layout.object_id(row.n))
    assert_whole(other)
    assert_others_agree(other, 3)


def test_the_old_key_still_reads_the_old_versions(store: SegmentOriginals, ledger: Ledger, digests: list[str]) -> None:
    """What was sealed before; not what was open then (A509), for whose old file there is no use any more."""
    rekey.rekey(store.context, WRAP, NEW, "AB12", NOW)
    old = store_in(store.layout.root.parent, ledger)
    assert_reads(old, digests[:4], EXPECTED[:4])
    with pytest.raises(IntegrityError, match="A509"):
        old.read(digests[4])


def test_a_change_that_was_broken_off_goes_on(
    store: SegmentOriginals, ledger: Ledger, digests: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done is not done again; what came into the object and not into the ledger is entered."""
    noted = rekey._note_sealed
    with monkeypatch.context() as broken:
        broken.setattr(
            rekey, "_note_sealed", lambda context, row, *rest: noted(context, row, *rest) if row.n == 1 else 0 / 0
        )
        with pytest.raises(ZeroDivisionError):
            rekey.rekey(store.context, WRAP, NEW, "AB12", NOW)
    assert [row.version for row in segments(ledger)] == [2, 1, 0]
    store.recover(NOW)
    assert [row.version for row in segments(ledger)] == [2, 2, 0]
    assert rekey.rekey(store.context, WRAP, NEW, "AB12", NOW) == (3,)
    assert kinds(ledger).count("segment-rekeyed") == 3
    assert_reads(store_in(store.layout.root.parent, ledger, wrap=NEW), digests, EXPECTED)
    assert_whole(store)


def test_the_next_change_begins_anew(store: SegmentOriginals, ledger: Ledger, digests: list[str]) -> None:
    """A completed change is not taken for a part of the next one, also to the same key again."""
    for _ in range(2):
        rekey.rekey(store.context, WRAP, NEW, "AB12", NOW)
        rekey.rekey(store.context, NEW, WRAP, "CD34", NOW)
    assert [row.version for row in segments(ledger)] == [5, 5, 0]
    assert_reads(store_in(store.layout.root.parent, ledger), digests, EXPECTED)


def test_open_keys_killed_before_they_took_their_place(
    store: SegmentOriginals, ledger: Ledger, digests: list[str], tmp_path: Path
) -> None:
    """The next file of keys is read at once when the ledger names it, and goes to its place; else it never counted."""
    rekey.rekey(store.context, WRAP, NEW, "AB12", NOW)
    current, following = store.layout.open_keys(3), store.layout.next_keys(3)
    following.write_bytes(current.read_bytes())
    current.chmod(0o600)
    current.write_bytes(keys.wrapped(WRAP, bytes(32)))
    other = store_in(tmp_path, ledger, wrap=NEW)
    assert_reads(other, digests, EXPECTED)
    other.recover(NOW)
    assert not following.exists()
    following.write_bytes(b"never counted")
    other.recover(NOW)
    assert not following.exists()
    assert_reads(store_in(tmp_path, ledger, wrap=NEW), digests, EXPECTED)


def test_neither_key_opens(store: SegmentOriginals, digests: list[str]) -> None:
    """A509, and nothing is changed."""
    with pytest.raises(IntegrityError, match="A509"):
        rekey.rekey(store.context, MemoryWrap(), NEW, "AB12", NOW)
    assert_reads(store, digests, EXPECTED)


def test_a_lost_file_of_keys_does_not_lose_originals(
    store: SegmentOriginals, ledger: Ledger, digests: list[str]
) -> None:
    """As long as another version's file opens."""
    rekey.rekey(store.context, WRAP, NEW, "AB12", NOW)
    store.layout.sealed_keys(1, 2).unlink()
    assert_reads(store_in(store.layout.root.parent, ledger), digests[:2], EXPECTED[:2])
    store.layout.sealed_keys(1, 1).unlink()
    with pytest.raises(IntegrityError, match="A509"):
        store_in(store.layout.root.parent, ledger).read(digests[0])


def test_a_file_of_keys_that_is_no_file(store: SegmentOriginals, ledger: Ledger, digests: list[str]) -> None:
    """It is passed over for another version's; where there is no other, A509."""
    rekey.rekey(store.context, WRAP, NEW, "AB12", NOW)
    for version in (2, 1):
        store.layout.sealed_keys(1, version).unlink()
        store.layout.sealed_keys(1, version).mkdir()
        reader = store_in(store.layout.root.parent, ledger)
        if version == 2:
            assert_reads(reader, digests[:2], EXPECTED[:2])
    with pytest.raises(IntegrityError, match="A509"):
        reader.read(digests[0])


def test_a_planted_file_of_keys_is_not_wrapped_anew(
    store: SegmentOriginals, ledger: Ledger, digests: list[str]
) -> None:
    """Whoever has the public keys can make a file that opens; the segment's key is in the one that the ledger names."""
    for n in (1, 2):
        planted = store.layout.sealed_keys(n, 9)
        planted.parent.mkdir(parents=True)
        planted.write_bytes(keys.wrapped(WRAP, keys.fresh()))
    rekey.rekey(store.context, WRAP, NEW, "AB12", NOW)
    assert_reads(store_in(store.layout.root.parent, ledger, wrap=NEW), digests, EXPECTED)
