"""Writing that stays: all of the bytes, for this account alone, and a full disk is told as such."""

import errno
import os
import stat
from pathlib import Path
from threading import Thread

import pytest

from archive.flushing import disk, flush, make_folder, write_all, write_file
from formats.errors import UnreachableError


def test_all_is_written_where_a_pipe_takes_a_part() -> None:
    """More than a pipe holds at once arrives whole."""
    data = os.urandom(1 << 20)
    out, into = os.pipe()
    writer = Thread(target=_write_and_close, args=(into, data))
    writer.start()
    with os.fdopen(out, "rb") as pipe:
        assert pipe.read() == data
    writer.join()


def _write_and_close(into: int, data: bytes) -> None:
    write_all(into, memoryview(data))
    os.close(into)


def test_a_file_is_new_and_of_its_mode(tmp_path: Path) -> None:
    """Whatever the umask; a file that is there is not touched."""
    before = os.umask(0o777)
    try:
        write_file(tmp_path / "read", b"one")
        write_file(tmp_path / "write", b"two", 0o600)
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("read", "write")] == [0o400, 0o600]
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "read", b"three")
    assert (tmp_path / "read").read_bytes() == b"one"


def test_folders_are_for_this_account_alone(tmp_path: Path) -> None:
    """All that were missing; those that were there stay as they were, and a file in the way is told."""
    tmp_path.chmod(0o755)
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    flush(tmp_path / "a")
    assert [stat.S_IMODE(place.stat().st_mode) for place in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")] == [
        0o755,
        0o700,
        0o700,
    ]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="Not a directory"):
        make_folder(tmp_path / "file" / "x")


def test_a_refusal_of_the_disk_is_s416_without_a_path() -> None:
    """The detail is the system's reason alone."""
    with pytest.raises(UnreachableError) as refused, disk():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/home/somebody/secret")
    assert (refused.value.code, refused.value.detail) == ("S416", "No space left on device")
