"""Sealing: when, into what, what refuses it, and what one original costs."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from archive import journal
from archive.ledger import Ledger
from archive.ocfl import objects
from archive.segments import catalog_file, sealing
from archive.segments.context import other_ciphers
from archive.segments.store import SegmentOriginals
from archive.tables import members
from archive.tables import segments as segments_table
from formats.errors import IntegrityError
from tests.archive.segments.looking import (
    NOW,
    assert_others_agree,
    assert_reads,
    assert_whole,
    items,
    kinds,
    rows,
    segments,
)
from tests.archive.segments.registered import register_all
from tests.archive.stores import store_in
from tests.parts import need


def test_a_full_segment_takes_no_more_and_is_sealed_when_asked(store: SegmentOriginals, ledger: Ledger) -> None:
    """By size, at the end of the batch that fills it; all stays readable."""
    batches = [[("delivery-sent", os.urandom(1000)) for _ in range(20)] for _ in range(5)]  # 40 KiB of tar each
    kept = [entry for batch in batches for entry in store.keep(batch, NOW)]
    assert [row.state for row in segments(ledger)] == ["sealing", "sealing", "open"]
    assert_reads(store, [entry.digest for entry in kept], [data for batch in batches for _, data in batch])
    assert store.seal_due(NOW) == (1, 2)
    assert [row.state for row in segments(ledger)] == ["sealed", "sealed", "open"]
    assert_reads(store, [entry.digest for entry in kept], [data for batch in batches for _, data in batch])
    assert_whole(store)
    assert_others_agree(store, 2)


def test_an_old_segment_is_sealed_and_a_young_one_stays(store: SegmentOriginals, ledger: Ledger) -> None:
    """By age, when somebody asks; an archive with nothing in it has nothing to seal."""
    assert store.seal_due(NOW, all_of_them=True) == ()
    store.keep(items(0, 2), NOW)
    assert store.seal_due(NOW + timedelta(hours=23)) == ()
    assert store.seal_due(NOW + timedelta(hours=24)) == (1,)
    assert store.seal_due(NOW + timedelta(hours=48)) == ()
    (row,) = segments(ledger)
    entry = journal.entries(ledger)[-1]
    assert entry.kind == "segment-sealed"
    assert entry.what == {
        "segment": 1,
        "members": 2,
        "bytes": row.end + 1024,
        "sha512": row.sha512,
        "inventory": row.inventory,
        "keys": row.keys_sha512,
    }
    assert (row.sealed, row.version) == (entry.at, 1)


def test_outside_tools_check_and_list_it(store: SegmentOriginals, tmp_path: Path) -> None:
    """`sha512sum` says what the ledger says, `tar` unpacks it, `sha256sum -c` agrees with the manifest."""
    store.keep([("delivery-sent", b"one"), ("package-sent", b"two" * 999), ("delivery-sent", b"")], NOW)
    store.seal_due(NOW, all_of_them=True)
    content = store.layout.sealed_tar(1).parent
    told = _run(tmp_path, "sha512sum", str(content / "members.tar"))
    assert told.split()[0] == segments(store.context.ledger)[0].sha512
    listed = _run(tmp_path, "tar", "-tvf", str(content / "members.tar"))
    kinds_listed = [line.split()[1] for line in listed.splitlines()]
    assert kinds_listed == ["delivery-sent/0", "package-sent/0", "delivery-sent/0"]
    _run(tmp_path, "tar", "-xf", str(content / "members.tar"))
    _run(tmp_path, "sha256sum", "--strict", "-c", str(content / "manifest-sha256.txt"))


def _run(folder: Path, program: str, *words: str) -> str:
    return subprocess.run([need(program), *words], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("at", [0, 400, 512 + 5, 3 * 512 - 1, 4 * 512 + 512 + 30])
def test_a_damaged_segment_is_not_sealed(store: SegmentOriginals, ledger: Ledger, at: int) -> None:
    """A flipped bit in a header, a ciphertext or the padding is A502 and names the original; the others stay readable."""
    kept = store.keep([("delivery-sent", b"a" * 900), ("delivery-sent", b"b" * 900)], NOW)
    tar = store.layout.open_tar(1)
    data = bytearray(tar.read_bytes())
    data[at] ^= 4
    tar.write_bytes(data)
    bad, good = kept if at < 3 * 512 else reversed(kept)
    for _ in range(2):
        with pytest.raises(IntegrityError, match=f"A502.*{bad.digest}"):
            store.seal_due(NOW, all_of_them=True)
    assert [row.state for row in segments(ledger)] == ["sealing"]
    assert store.read(good.digest) in (b"a" * 900, b"b" * 900)
    data[at] ^= 4
    tar.write_bytes(data)
    assert store.seal_due(NOW) == (1,)
    assert_whole(store)


@pytest.mark.parametrize("left", [b"x" * 1024, b"x" * 1023, bytes(1024), bytes(2048), b"x" * 5000])
def test_what_a_killed_process_left_is_not_taken_for_the_end(store: SegmentOriginals, left: bytes) -> None:
    """Sealed without a recovery before: the bytes behind the end go, also as many as end a tar (a small original)."""
    kept = store.keep(items(0, 3), NOW)
    with store.layout.open_tar(1).open("ab") as file:
        file.write(left)
    assert store.seal_due(NOW, all_of_them=True) == (1,)
    assert_reads(store, [entry.digest for entry in kept], [data for _, data in items(0, 3)])
    assert_whole(store)
    assert_others_agree(store, 1)


@pytest.mark.parametrize("gone", [range(3), [0], [1], [2]])
def test_a_member_without_a_row_is_named_before_an_object_is_made(
    store: SegmentOriginals, ledger: Ledger, gone: list[int]
) -> None:
    """A507 for any row that is missing from the ledger, the last and all of them too."""
    store.keep(items(0, 3), NOW)
    with ledger.writing() as connection:
        connection.execute(delete(members).where(members.c.place.in_(gone)))
    with pytest.raises(IntegrityError, match=f"A507.*segment 1, place {gone[0]}"):
        store.seal_due(NOW, all_of_them=True)
    assert not store.layout.object_path(1).exists()


def test_one_damaged_segment_does_not_hold_the_others(store: SegmentOriginals, ledger: Ledger) -> None:
    """What is kept after it is sealed all the same; the damage is told each time."""
    store.keep(items(0, 2), NOW)
    store.layout.open_tar(1).write_bytes(bytes(segments(ledger)[0].end))
    sealing.close_due(store.context, NOW, all_of_them=True)
    store.keep(items(5, 2), NOW)
    with pytest.raises(IntegrityError, match="A502"):
        store.seal_due(NOW, all_of_them=True)
    assert [row.state for row in segments(ledger)] == ["sealing", "sealed"]


def test_a_seal_killed_after_the_rename_is_only_entered(
    store: SegmentOriginals, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object that is there counts; the ledger and the journal are brought up to it, the open files go."""
    store.keep(items(0, 3), NOW)
    with monkeypatch.context() as broken:
        broken.setattr(sealing, "_record", None)
        with pytest.raises(TypeError):
            store.seal_due(NOW, all_of_them=True)
    assert [row.state for row in segments(ledger)] == ["sealing"]
    assert store.layout.open_tar(1).exists()
    inventory = objects.stored(store.layout.objects, store.layout.object_id(1)).inventory_sha512
    store.recover(NOW)
    assert store.seal_due(NOW) == (1,)
    (row,) = segments(ledger)
    assert (row.state, row.inventory) == ("sealed", inventory)
    assert kinds(ledger).count("segment-sealed") == 1
    assert list(store.layout.open.iterdir()) == []


def test_open_files_of_a_sealed_segment_go(store: SegmentOriginals, ledger: Ledger) -> None:
    """Killed between the ledger's word and the removal: recovery removes, and puts aside what nobody knows."""
    store.keep(items(0, 3), NOW)
    store.seal_due(NOW, all_of_them=True)
    store.layout.open_tar(1).write_bytes(b"old")
    store.layout.open_keys(9).write_bytes(b"unknown")
    store.recover(NOW)
    assert list(store.layout.open.iterdir()) == []
    assert [file.name for file in store.layout.aside.iterdir()] == ["00000009.keys.pgp"]


def test_open_files_of_a_destroyed_segment_go(store: SegmentOriginals, ledger: Ledger) -> None:
    """What a seal that was killed left in `open/` must not outlive the lawful destruction of the segment."""
    store.keep(items(0, 3), NOW)
    store.seal_due(NOW, all_of_them=True)
    store.layout.open_tar(1).hardlink_to(store.layout.sealed_tar(1))
    with ledger.writing() as connection:
        connection.execute(update(segments_table).values(state="destroyed"))
    store.recover(NOW)
    assert list(store.layout.open.iterdir()) == []


@pytest.mark.parametrize(
    "change", [{"size": 2**62}, {"size": 2**40}, {"size": -5}, {"offset": -5}, {"offset": 2**62}], ids=str
)
def test_a_row_that_points_nowhere_is_a_missing_original(
    store: SegmentOriginals, ledger: Ledger, change: dict[str, int]
) -> None:
    """A501, and no memory is asked for that the file cannot fill."""
    (kept,) = store.keep(items(0, 1), NOW)
    with ledger.writing() as connection:
        connection.execute(update(members).values(**change))
    with pytest.raises(IntegrityError, match=f"A501.*{kept.digest}"):
        store.read(kept.digest)


def test_a_reader_follows_the_segment(store: SegmentOriginals, tmp_path: Path, ledger: Ledger) -> None:
    """Another store that has read it while it was open reads it after it was sealed; a new one too."""
    kept = store.keep(items(0, 3), NOW)
    other = store_in(tmp_path, ledger)
    expected = [data for _, data in items(0, 3)]
    assert_reads(other, [entry.digest for entry in kept], expected)
    store.seal_due(NOW, all_of_them=True)
    assert_reads(other, [entry.digest for entry in kept], expected)
    assert_reads(store_in(tmp_path, ledger), [entry.digest for entry in kept], expected)


def test_a_reader_sees_a_repair(store: SegmentOriginals, tmp_path: Path, ledger: Ledger) -> None:
    """A file put in the place of a damaged one that is open here is found at the next read."""
    (kept,) = store.keep(items(0, 1), NOW)
    store.seal_due(NOW, all_of_them=True)
    tar = store.layout.sealed_tar(1)
    good = tar.read_bytes()
    tar.chmod(0o600)
    tar.write_bytes(good[:600] + b"?" + good[601:])
    with pytest.raises(IntegrityError, match="A502"):
        store.read(kept.digest)
    tar.with_name("new").write_bytes(good)
    tar.with_name("new").replace(tar)
    assert store.read(kept.digest) == items(0, 1)[0][1]


def test_the_catalog_has_each_row_of_the_register(store: SegmentOriginals, ledger: Ledger) -> None:
    """Those of its members; those that came after their segment was sealed stand in the next catalog, once."""
    first = store.keep(items(0, 2), NOW)
    register_all(store, first, "case-1")
    store.seal_due(NOW, all_of_them=True)
    register_all(store, first, "case-2")
    register_all(store, store.keep(items(5, 1), NOW), "case-3")
    store.seal_due(NOW, all_of_them=True)
    store.keep(items(8, 1), NOW)
    store.seal_due(NOW, all_of_them=True)
    found = [_catalog(store, n) for n in (1, 2, 3)]
    case = catalog_file.ORIGINAL_FIELDS.index("case_number")
    assert [[row[case] for row in known.originals] for known in found] == [
        ["case-1", "case-1"],
        ["case-2", "case-2", "case-3"],
        [],
    ]
    assert [known.members for known in found] == [
        tuple((row.digest, row.kind, row.bytes, row.entry) for row in rows(ledger, n)) for n in (1, 2, 3)
    ]


def _catalog(store: SegmentOriginals, n: int) -> catalog_file.Catalog:
    known = sealing.read_catalog(store.context, n)
    assert known is not None
    return known


def test_a_changed_catalog_is_not_believed(store: SegmentOriginals) -> None:
    """A506 for one flipped bit; the next seal goes on without it."""
    store.keep(items(0, 2), NOW)
    store.seal_due(NOW, all_of_them=True)
    file = store.layout.sealed_tar(1).with_name("catalog.bin")
    data = bytearray(file.read_bytes())
    data[20] ^= 1
    (cipher,) = other_ciphers(store.context, 1)
    with pytest.raises(IntegrityError, match="A506"):
        catalog_file.parse(bytes(data), cipher, store.layout.object_id(1))
    file.chmod(0o600)
    file.write_bytes(data)
    assert sealing.read_catalog(store.context, 1) is None
    store.keep(items(5, 2), NOW)
    assert store.seal_due(NOW, all_of_them=True) == (2,)


def test_what_an_original_costs(tmp_path: Path) -> None:
    """At most 1.2 kB and 0.01 inodes an original over its bytes, the ledger's rows and journal counted.

    The register's rows are not: they belong to the cases, and were there before.
    """
    url, payload = f"sqlite:///{tmp_path / 'ledger.db'}", 0
    with Ledger.create(url) as ledger:
        store = store_in(tmp_path, ledger, segment_bytes=1 << 30)
        store.keep(items(0, 1), NOW)
        store.seal_due(NOW, all_of_them=True)
    empty = _usage(tmp_path)
    with Ledger.open(url) as ledger:
        store = store_in(tmp_path, ledger, segment_bytes=1 << 30)
        for _ in range(4):
            batch = [("delivery-sent", os.urandom(2000 + 13 * place)) for place in range(500)]
            payload += sum(entry.size for entry in store.keep(batch, NOW))
        store.seal_due(NOW, all_of_them=True)
    used = _usage(tmp_path)
    assert (used[0] - empty[0] - payload) / 2000 < 1200
    assert (used[1] - empty[1]) / 2000 < 0.01


def _usage(folder: Path) -> tuple[int, int]:
    """Bytes of files, and how many files and folders there are."""
    found = list(folder.rglob("*"))
    return sum(path.stat().st_size for path in found if path.is_file()), len(found)
