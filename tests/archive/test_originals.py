"""Originals in a folder: write-once files, flushed before they are named, safe among processes."""

import errno
import os
import re
import resource
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archive.originals import FolderOriginals
from formats.digest import sha256
from formats.errors import UnreachableError
from tests.parts import ROOT, need
from tests.suites.originals import OriginalStoreSuite, Spoil

KEEP = """
import sys
from pathlib import Path
from archive.originals import FolderOriginals
items = [("delivery-sent", f"{place} ".encode() * 5000) for place in range(int(sys.argv[2]))]
print("ready", flush=True)
sys.stdin.readline()
print(len(FolderOriginals(Path(sys.argv[1])).keep(items)))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The store's folder, which is not there yet."""
    return tmp_path / "office" / "archive"


@pytest.fixture
def store(root: Path) -> FolderOriginals:
    """An empty store."""
    return FolderOriginals(root)


def _file(root: Path, digest: str) -> Path:
    return root / digest[:2] / digest[2:4] / digest


@pytest.fixture
def damage(root: Path) -> Spoil:
    """Flip one bit."""

    def flip(digest: str) -> None:
        file = _file(root, digest)
        data = bytearray(file.read_bytes())
        data[0] ^= 1
        file.chmod(0o600)
        file.write_bytes(data)

    return flip


@pytest.fixture
def lose(root: Path) -> Spoil:
    """Remove the file."""
    return lambda digest: _file(root, digest).unlink()


class TestFolderOriginals(OriginalStoreSuite):
    """The behaviour of every store, shown by the folder."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> FolderOriginals:
        """The store of the fixture `root`."""
        return FolderOriginals(tmp_path / "office" / "archive")


def test_nobody_else_can_read_and_nobody_write(store: FolderOriginals, root: Path) -> None:
    """Files of mode 0400 in folders of mode 0700, whatever the umask."""
    before = os.umask(0)
    try:
        (kept,) = store.keep([("delivery-sent", b"one")])
    finally:
        os.umask(before)
    file = _file(root, kept.digest)
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert {stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*")) if path.is_dir()} == {0o700}


def test_the_name_is_what_sha256sum_says(store: FolderOriginals, root: Path) -> None:
    """An outside tool checks the archive without this program."""
    (kept,) = store.keep([("delivery-sent", b"one")])
    told = subprocess.run([need("sha256sum"), _file(root, kept.digest)], capture_output=True, text=True, check=True)
    assert told.stdout.split()[0] == kept.digest


def test_foreign_files_are_named(store: FolderOriginals, root: Path) -> None:
    """What somebody else put there is listed under its path, an original in the wrong folder too."""
    (kept,) = store.keep([("delivery-sent", b"one")])
    (root / "note.txt").write_bytes(b"?")
    (root / "00").mkdir(exist_ok=True)
    (root / "00" / kept.digest).write_bytes(b"one")
    assert set(store.digests()) == {kept.digest, "note.txt", f"00/{kept.digest}"}


def test_two_processes_keep_the_same_bytes(root: Path, store: FolderOriginals) -> None:
    """At the same time, each with success; every file is whole and there once."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", KEEP, str(root), "60"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0] for process in processes] == ["60\n", "60\n"]
    assert len(list(store.digests())) == 60
    assert all(sha256(store.read(digest)) == digest for digest in store.digests())
    assert list((root / "stage").iterdir()) == []


def test_every_file_and_folder_is_flushed_before_it_counts(root: Path, tmp_path: Path) -> None:
    """System calls: each staged file is flushed before its rename, then every folder on the way to it."""
    trace = tmp_path / "trace"
    watch = [need("strace"), "-f", "-y", "-e", "trace=fsync,rename,renameat,renameat2", "-o", str(trace)]
    command = [*watch, sys.executable, "-c", KEEP, str(root), "3"]
    subprocess.run(command, cwd=ROOT, input="\n", capture_output=True, text=True, check=True)
    calls = trace.read_text().splitlines()
    renames = [(place, *re.findall(r'"([^"]+)"', call)[-2:]) for place, call in enumerate(calls) if "rename" in call]
    flushes = {path: place for place, call in enumerate(calls) for path in re.findall(r"fsync\(\d+<([^>]+)>", call)}
    assert len(renames) == 3
    for place, staged, final in renames:
        assert flushes[staged] < place
        for folder in list(Path(final).parents)[:4]:
            assert flushes[str(folder)] > place


def test_a_full_disk_leaves_what_was_there(store: FolderOriginals, root: Path) -> None:
    """S416 when a file cannot be written whole; nothing half-written is left, and later it works."""
    (kept,) = store.keep([("delivery-sent", b"one")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))  # the kernel writes 5000 bytes, then refuses
    try:
        with pytest.raises(UnreachableError, match="S416"):
            store.keep([("delivery-sent", b"small"), ("delivery-sent", b"x" * 20_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(store.digests()) == [kept.digest]
    assert list((root / "stage").iterdir()) == []
    assert store.keep([("delivery-sent", b"x" * 20_000)])[0].size == 20_000


def test_a_folder_that_cannot_be_made_has_a_code(tmp_path: Path) -> None:
    """A file in the way is S416 with the system's own word for it."""
    (tmp_path / "archive").write_bytes(b"")
    with pytest.raises(UnreachableError, match=os.strerror(errno.ENOTDIR)):
        FolderOriginals(tmp_path / "archive").keep([("delivery-sent", b"one")])


def test_the_sweep_removes_stale_files_only(store: FolderOriginals, root: Path) -> None:
    """What a killed process left in the stage goes after a while; originals stay."""
    (kept,) = store.keep([("delivery-sent", b"one")])
    (root / "stage" / "left").write_bytes(b"half")
    now = datetime.now(UTC)
    assert store.sweep(timedelta(hours=1), now) == 0
    assert store.sweep(timedelta(hours=1), now + timedelta(hours=2)) == 1
    assert list(store.digests()) == [kept.digest]
