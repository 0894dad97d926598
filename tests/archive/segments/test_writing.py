"""Keeping: all or nothing, one writer among processes and threads, the ledger's end is the truth."""

import os
import re
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from archive import journal
from archive.ledger import Ledger
from archive.segments.files import held
from archive.segments.store import SegmentOriginals
from formats.digest import sha256
from formats.errors import IntegrityError, UnreachableError
from tests.archive.segments.killing import workers
from tests.archive.segments.looking import NOW, assert_reads, assert_whole, items, kinds, rows, segments
from tests.archive.segments.worker import SEGMENT
from tests.archive.stores import store_in
from tests.parts import ROOT, need

KEEP_ONE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from archive.ledger import Ledger
from tests.archive.stores import store_in
now = datetime(2026, 11, 22, 8, tzinfo=UTC)
with Ledger.open(sys.argv[1]) as ledger:
    store = store_in(Path(sys.argv[2]), ledger)
    store.keep([("delivery-sent", b"before")], now)
    print("kept", file=sys.stderr, flush=True)
    store.keep([("delivery-sent", b"one"), ("delivery-sent", b"two" * 1000)], now)
    print("kept", file=sys.stderr, flush=True)
    store.seal_due(now, all_of_them=True)
"""


def test_a_batch_is_one_entry_with_the_root_of_its_rows(store: SegmentOriginals, ledger: Ledger) -> None:
    """The first keep opens a segment; each batch has its entry, and every row that entry's number."""
    store.keep(items(0, 3), NOW)
    store.keep(items(2, 3), NOW)
    assert kinds(ledger) == ["segment-opened", "kept", "kept"]
    assert [row.entry for row in rows(ledger, 1)] == [2, 2, 2, 3, 3]
    entry = journal.entries(ledger)[2]
    assert (entry.what["segment"], entry.what["first"], entry.what["members"]) == (1, 3, 2)
    assert entry.what["bytes"] == sum(len(data) for _, data in items(3, 2))
    assert_whole(store)


def test_a_failing_transaction_keeps_nothing(
    store: SegmentOriginals, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written when the ledger refused is cut off by the next keep, whose members stand in its place."""
    store.keep(items(0, 2), NOW)
    end = segments(ledger)[0].end
    with monkeypatch.context() as broken:
        broken.setattr(journal, "append", None)
        with pytest.raises(TypeError):
            store.keep(items(5, 3), NOW)
    assert segments(ledger)[0].end == end
    kept = store.keep(items(8, 1), NOW)
    assert rows(ledger, 1)[2].offset == end + 512
    assert_reads(store, [entry.digest for entry in kept], [items(8, 1)[0][1]])
    with pytest.raises(IntegrityError, match="A501"):
        store.read(sha256(items(5, 1)[0][1]))


def test_bytes_that_are_missing_stop_all_keeping(store: SegmentOriginals, ledger: Ledger) -> None:
    """A508 when the open tar is shorter than the ledger says, or gone: nothing is written, nothing entered."""
    store.keep(items(0, 2), NOW)
    tar = store.layout.open_tar(1)
    whole = tar.read_bytes()
    tar.write_bytes(whole[:-1])
    for act in (lambda: store.keep(items(5, 1), NOW), lambda: store.recover(NOW)):
        with pytest.raises(IntegrityError, match="A508"):
            act()
    assert tar.read_bytes() == whole[:-1]
    assert len(rows(ledger, 1)) == 2
    tar.unlink()
    with pytest.raises(IntegrityError, match="A508"):
        store.keep(items(5, 1), NOW)
    tar.write_bytes(whole)
    store.keep(items(5, 1), NOW)
    assert_whole(store)


def test_what_lies_behind_the_end_is_put_aside(store: SegmentOriginals) -> None:
    """Left by a killed process, or by a newer ledger than the one that is there: it is cut off and not lost."""
    store.keep(items(0, 2), NOW)
    tar = store.layout.open_tar(1)
    end = tar.stat().st_size
    for text in (b"left by a killed process", b"left by another"):
        with tar.open("ab") as file:
            file.write(text)
        store.recover(NOW)
        assert tar.stat().st_size == end
    assert {file.name: file.read_bytes() for file in store.layout.aside.iterdir()} == {
        f"00000001-{end}.tail": b"left by a killed process",
        f"00000001-{end}.tail.1": b"left by another",
    }


def test_a_key_that_does_not_open_stops_all_keeping(store: SegmentOriginals, tmp_path: Path, ledger: Ledger) -> None:
    """A509 when the file of keys of the open segment was changed: nothing is encrypted that nobody can read."""
    store.keep(items(0, 2), NOW)
    store.layout.open_keys(1).chmod(0o600)
    store.layout.open_keys(1).write_bytes(b"something else")
    with pytest.raises(IntegrityError, match="A509"):
        store_in(tmp_path, ledger).keep(items(5, 1), NOW)
    assert len(rows(ledger, 1)) == 2


def test_files_that_the_ledger_does_not_know_are_put_aside(store: SegmentOriginals) -> None:
    """A process killed before its first commit, or a ledger restored from a backup: nothing is written over."""
    layout = store.layout
    layout.open.mkdir(parents=True)
    layout.open_tar(1).write_bytes(b"bytes")
    layout.open_keys(1).write_bytes(b"keys")
    store.keep(items(0, 1), NOW)
    assert sorted(file.name for file in layout.aside.iterdir()) == ["00000001.keys.pgp", "00000001.tar"]
    assert (layout.aside / "00000001.tar").read_bytes() == b"bytes"


def test_nobody_else_can_read(store: SegmentOriginals) -> None:
    """Folders of mode 0700, files of 0600 or 0400, whatever the umask."""
    before = os.umask(0)
    try:
        store.keep(items(0, 1), NOW)
        store.seal_due(NOW, all_of_them=True)
        store.keep(items(1, 1), NOW)
    finally:
        os.umask(before)
    found = {path: path.stat().st_mode & 0o777 for path in (store.layout.root, *store.layout.root.rglob("*"))}
    assert {mode for path, mode in found.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in found.items() if path.is_file()} == {0o600, 0o400}


def test_an_original_may_be_larger_than_a_segment(store: SegmentOriginals, ledger: Ledger) -> None:
    """It lies in a segment by itself that takes no more."""
    large = os.urandom(5 * 2**20)
    (kept,) = store.keep([("delivery-sent", large)], NOW)
    store.keep(items(0, 1), NOW)
    assert [(row.state, row.members) for row in segments(ledger)] == [("sealing", 1), ("open", 1)]
    assert store.read(kept.digest) == large


def test_processes_take_turns(tmp_path: Path, database_url: str) -> None:
    """Three processes keep at once, partly the same originals, over many segments, on either database."""
    with Ledger.create(database_url) as ledger, workers(database_url, tmp_path) as started:
        for first in (0, 60, 100):
            started.start("keep", first, 12, 10)
        done = [started.line() for _ in range(36)]
        assert sorted(done) == sorted(f"kept {first + 10 * each}" for first in (0, 60, 100) for each in range(1, 13))
        store = store_in(tmp_path, ledger, segment_bytes=SEGMENT)
        store.seal_due(NOW)
        store.recover(NOW)
        assert sum(row.members for row in segments(ledger)) == 220
        assert_reads(store, *zip(*((sha256(data), data) for _, data in items(0, 220)), strict=True))
        assert_whole(store)


def test_threads_take_turns(store: SegmentOriginals, ledger: Ledger) -> None:
    """Four threads with one store: all of theirs is kept, while others read."""
    failed: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 40, 8):
                for entry in store.keep(items(number, 8), NOW):
                    store.read(entry.digest)
        except BaseException as error:  # noqa: BLE001 - told to the test
            failed.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 20, 40, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sum(row.members for row in segments(ledger)) == 100
    assert_whole(store)


def test_a_full_disk_loses_nothing(store: SegmentOriginals, ledger: Ledger) -> None:
    """The kernel takes a part of a write and then refuses: S416, nothing kept of the batch, and later it works."""
    kept = store.keep(items(0, 3), NOW)
    end = segments(ledger)[0].end
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (end + 5000, hard))
    try:
        with pytest.raises(UnreachableError, match="S416"):
            store.keep([("delivery-sent", b"x" * 100), ("delivery-sent", b"y" * 20_000)], NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.layout.open_tar(1).stat().st_size == end
    assert_reads(store, [entry.digest for entry in kept], [data for _, data in items(0, 3)])
    assert store.keep([("delivery-sent", b"y" * 20_000)], NOW)[0].size == 20_000
    assert_whole(store)


def test_all_is_flushed_before_it_counts(tmp_path: Path, ledger: Ledger) -> None:
    """System calls: the tar is flushed before the ledger's log, files and folders of an object before its rename."""
    trace = tmp_path / "trace"
    watched = "trace=fsync,fdatasync,rename,renameat,renameat2,write,writev,unlink"
    command = [need("strace"), "-f", "-y", "-e", watched, "-s", "8", "-o", str(trace), sys.executable, "-c", KEEP_ONE]
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    subprocess.run([*command, url, str(tmp_path)], cwd=ROOT, capture_output=True, check=True)
    calls = trace.read_text().splitlines()
    told = [place for place, call in enumerate(calls) if '"kept' in call]
    assert len(told) == 2
    between = calls[told[0] : told[1]]
    tar = _places(between, r"fdatasync\(\d+<[^>]*/open/00000001.tar>")
    log = _places(between, r"(fdatasync|fsync)\(\d+<[^>]*ledger.db-wal>")
    assert len(tar) == 1
    assert tar[0] < log[-1]
    written = _places(between, r"writev?\(\d+<[^>]*/open/00000001.tar>")
    assert written
    assert written[-1] < tar[0]
    sealing = calls[told[1] :]
    (renamed,) = _places(sealing, r'rename.*/stage/[^"]*object".*segment')
    before, after = sealing[:renamed], sealing[renamed:]
    for name in ("members.tar", "manifest-sha256.txt", "catalog.bin", "keys-1.pgp", "v1/inventory.json", "v1/content"):
        assert _places(before, rf"fsync\(\d+<[^>]*/stage/[^>]*{re.escape(name)}>"), name
    (unlinked,) = _places(after, r'unlink.*open/00000001.tar"')
    assert _places(after[:unlinked], r"fsync\(\d+<[^>]*/ocfl>")
    assert _places(after[:unlinked], r"(fdatasync|fsync)\(\d+<[^>]*ledger.db-wal>")


def _places(calls: list[str], pattern: str) -> list[int]:
    return [place for place, call in enumerate(calls) if re.search(pattern, call)]


def test_a_lock_that_others_hold_is_told_at_once(tmp_path: Path) -> None:
    """Who does not want to wait gets S445, and the lock when it is free again."""
    lock = tmp_path / "lock"
    with held(lock), pytest.raises(UnreachableError, match="S445"), held(lock, wait=False):
        pass
    with held(lock, wait=False):
        assert lock.exists()
