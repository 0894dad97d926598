"""Pruning: what old snapshots alone need goes, what stays is whole, and a killed pruning is gone on with."""

from pathlib import Path

import pytest

from archive import journal
from archive.backup import snapshot
from archive.backup.folder_place import FolderPlace
from archive.backup.place import holds
from archive.backup.pruning import PruneReport, prune
from formats.errors import IntegrityError, UnreachableError, UsageError
from tests.archive.backup.offices import KEY, Office, opened, place_in
from tests.archive.backup.test_backing import contents, damage


def pruned(office: Office, place: FolderPlace, keep: int) -> PruneReport:
    """Prune the place."""
    at = office.later()
    with office.open() as (ledger, store):
        return prune(office.source(ledger, store), place, KEY.verifier, at, keep=keep, named="elsewhere", who="staff-7")


@pytest.fixture
def grown(office: Office, place: FolderPlace) -> list[str]:
    """Four snapshots, more in the archive each time; their ids."""
    made = []
    for number in range(4):
        office.keep([500 + number])
        made.append(office.back_up(place).snapshot)
    return made


def is_whole(place: FolderPlace, name: str) -> bool:
    """Whether the place gives back all of a snapshot."""
    return all(holds(place, file.name, file.size, file.sha256) for file in opened(place, name).snapshot.files)


def test_old_snapshots_go_with_what_they_alone_name(
    office: Office, place: FolderPlace, grown: list[str], tmp_path: Path
) -> None:
    """The newest two stay whole; every file left is named by one of them; the journal has place and counts, once."""
    before = contents(tmp_path / "place")
    (tmp_path / "place/README").write_text("not ours")
    done = pruned(office, place, 2)
    assert (list(done.removed), list(done.kept), done.read_back) == (grown[:2], grown[2:], grown[3])
    after = contents(tmp_path / "place")
    assert after.pop("README") == b"not ours"
    assert len(before) - len(after) == done.files + 2 > 2
    named = {file.name for name in grown[2:] for file in opened(place, name).snapshot.files}
    assert set(after) == named | {snapshot.note_name(name) for name in grown[2:]}
    assert all(is_whole(place, name) for name in grown[2:])
    assert pruned(office, place, 2).files == pruned(office, place, 9).files == 0
    with office.open() as (ledger, _):
        told = [entry for entry in journal.entries(ledger) if entry.kind == "pruned"]
    assert [(entry.who, entry.what) for entry in told] == [
        ("staff-7", {"place": "elsewhere", "snapshots": 2, "files": done.files})
    ]
    assert office.audit().problems == ()
    assert is_whole(place, office.back_up(place).snapshot)


class Failing(FolderPlace):
    """A folder that goes away after some removals."""

    left = 0

    def remove(self, name: str) -> None:
        """Remove, as often as it may."""
        if not self.left:
            raise UnreachableError("S404", "away")
        self.left -= 1
        super().remove(name)


@pytest.mark.parametrize("removals", [0, 1, 2, 3, 7])
def test_interrupted_anywhere_it_is_gone_on_with(
    office: Office, place: FolderPlace, grown: list[str], tmp_path: Path, removals: int
) -> None:
    """Whatever is still listed is whole; the next pruning removes what was left without a list."""
    failing = Failing(tmp_path / "place")
    failing.left = removals
    with pytest.raises(UnreachableError, match="S404"):
        pruned(office, failing, 1)
    listed = snapshot.listed(place)
    assert set(grown[3:]) <= set(listed) <= set(grown)
    assert all(is_whole(place, name) for name in listed)
    pruned(office, place, 1)
    named = {file.name for file in opened(place).snapshot.files}
    assert set(contents(tmp_path / "place")) == named | {snapshot.note_name(grown[3])}


def test_what_would_leave_nothing_is_refused(
    office: Office, place: FolderPlace, grown: list[str], tmp_path: Path
) -> None:
    """Keep none: S421. No snapshot at all: A512. A list that does not hold, another's key: A512. Nothing is removed."""
    before = contents(tmp_path / "place")
    with pytest.raises(UsageError, match="S421"):
        pruned(office, place, 0)
    with pytest.raises(IntegrityError, match="A512"):
        pruned(office, place_in(tmp_path / "empty"), 1)
    assert contents(tmp_path / "place") == before
    damage(tmp_path / "place" / snapshot.note_name(grown[3]), 60)
    changed = contents(tmp_path / "place")
    with pytest.raises(IntegrityError, match="A512"):
        pruned(office, place, 1)
    assert contents(tmp_path / "place") == changed


def test_one_that_stays_must_be_read_back(office: Office, place: FolderPlace, grown: list[str], tmp_path: Path) -> None:
    """The newest is damaged there: alone it may not stay; with a whole one before it, it may."""
    damage(tmp_path / "place" / opened(place).snapshot.file(snapshot.LEDGER).name, 60)
    before = contents(tmp_path / "place")
    with pytest.raises(IntegrityError, match="A512"):
        pruned(office, place, 1)
    assert contents(tmp_path / "place") == before
    assert pruned(office, place, 2).read_back == grown[2]


def test_a_snapshot_that_left_something_out_does_not_count(
    office: Office, place: FolderPlace, grown: list[str], tmp_path: Path
) -> None:
    """What is damaged here lies in the older snapshots only: they stay until a whole one does."""
    office.keep([600])
    damage(next(office.archive.glob("open/*.tar")), 700)
    assert office.back_up(place).damaged
    with pytest.raises(IntegrityError, match="A512"):
        pruned(office, place, 1)
    assert pruned(office, place, 2).read_back == grown[3]
