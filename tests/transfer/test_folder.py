"""A mailbox in a folder."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from formats.errors import UnreachableError
from tests.suites.mailbox import MailboxBehaviour, stored
from transfer.folder import FolderMailbox
from transfer.mailbox import Parcel


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of its own for each test."""

    folder: Path

    def mailbox(self) -> FolderMailbox:
        """The mailbox in it."""
        return FolderMailbox(self.folder)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder with its mailbox."""
    (tmp_path / "mailbox").mkdir()
    return Place(tmp_path / "mailbox")


class TestFolderMailbox(MailboxBehaviour):
    """The behaviour of every mailbox."""


def test_missing_folder_is_unreachable(tmp_path: Path) -> None:
    """A courier disk that is not there is S404, not S407."""
    with pytest.raises(UnreachableError, match="S404"):
        FolderMailbox(tmp_path / "away").list()


def test_planted_link_is_not_followed(place: Place, tmp_path: Path) -> None:
    """Neither writing nor reading goes through a link that somebody planted."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (place.folder / "parcel.part").symlink_to(victim)
    (place.folder / "other").symlink_to(victim)
    [(_, error)] = place.mailbox().put([Parcel("parcel", b"theirs")])
    assert error is not None
    assert error.code == "S407"
    with pytest.raises(UnreachableError, match="S407"):
        place.mailbox().fetch("other", 100)
    assert victim.read_bytes() == b"mine"


def test_pipe_does_not_hang(place: Place) -> None:
    """A named pipe in the mailbox is refused at once."""
    os.mkfifo(place.folder / "parcel")
    with pytest.raises(UnreachableError, match="S407"):
        place.mailbox().fetch("parcel", 100)


def test_full_disk(tmp_path: Path) -> None:
    """A disk that refuses to write is an error of that parcel, and nothing appears under its name."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("/dev/full is not on this machine")
    mailbox = FolderMailbox(tmp_path)
    # Only a device that is always full can stand for a full disk; a link to it is refused earlier, hence the node.
    try:
        os.mknod(tmp_path / "parcel.part", 0o600 | 0o020000, full.stat().st_rdev)
    except PermissionError:
        pytest.skip("only an administrator may make a device")
    [(_, error)] = mailbox.put([Parcel("parcel", b"x" * 100_000)])
    assert error is not None
    assert error.code == "S407"
    assert stored(tmp_path) == {}
