"""Backups: what they hold, what a second one writes, and what a place does to them."""

import os
import random
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from archive import journal
from archive.backup import snapshot
from archive.backup.folder_place import FolderPlace
from archive.backup.place import Place
from archive.backup.restoring import read
from archive.checkpoints import open_note
from archive.upkeep_tables import backups, checkpoints
from formats.digest import sha256
from formats.errors import IntegrityError, UnreachableError
from tests.archive.backup.offices import KEY, OFFICE, Office, opened, original, place_in


def contents(folder: Path) -> dict[str, bytes]:
    """Every file at a place."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def damage(path: Path, at: int = 0) -> None:
    """Flip one bit of a file, as a medium does."""
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))


class Lying:
    """A place that says it wrote what it did not, or not so."""

    def __init__(self, place: Place, lie: str, about: int) -> None:
        self._place, self._lie, self._about, self._count = place, lie, about, 0

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        """As it is."""
        return self._place.names(prefix)

    def read(self, name: str) -> Iterator[bytes]:
        """As it is."""
        return self._place.read(name)

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Every write is right but one."""
        self._count += 1
        if self._count - 1 != self._about:
            self._place.write(name, chunks)
            return
        data = b"".join(chunks)
        wrong = {"drop": None, "cut": data[:-1], "flip": bytes([data[0] ^ 1]) + data[1:], "zero": bytes(len(data))}
        told = wrong[self._lie]
        if told is not None:
            self._place.write(name, [told])

    def remove(self, name: str) -> None:
        """As it is."""
        self._place.remove(name)


def test_a_backup_holds_everything(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """Every file of the archive and the spool is there byte for byte, under the digests of a signed list."""
    report = office.back_up(place)
    found = opened(place).snapshot
    held = {file.path: b"".join(read(place, file)) for file in found.files}
    assert report.damaged == found.damaged == ()
    assert held | office.files() == held
    assert set(held) - set(office.files()) == {"ledger", "ledger.key", "home", "home.key"}
    assert (report.files, report.bytes) == (len(held), sum(map(len, held.values())))
    assert all(sha256(held[file.path]) == file.sha256 for file in found.files)


def test_a_backup_is_remembered(office: Office, place: FolderPlace) -> None:
    """The ledger has the backup, its journal the entry, and the signed head that went with it."""
    report = office.back_up(place, who="staff-7")
    note = snapshot.read_note(place, report.snapshot)
    with office.open() as (ledger, _):
        with ledger.reading() as connection:
            (row,) = connection.execute(select(backups)).all()
            heads = {item.size: item.note for item in connection.execute(select(checkpoints))}
        (entry,) = journal.entries(ledger, last=1)
        journal.verify(ledger, verifier=KEY.verifier)
    assert (row.place, row.snapshot, row.files, row.digest) == (
        "elsewhere",
        report.snapshot,
        report.files,
        sha256(note),
    )
    told = {"place": "elsewhere", "snapshot": report.snapshot, "files": report.files, "bytes": report.bytes}
    assert (entry.kind, entry.who, entry.what) == ("backed-up", "staff-7", {**told, "digest": report.digest})
    found = opened(place).snapshot
    assert heads[found.entries] == found.checkpoint
    assert open_note(found.checkpoint, KEY.verifier).root == found.root


def test_nothing_at_the_place_is_readable(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """Neither an original, a case, nor a setting stands there in clear, and no passphrase at all."""
    office.back_up(place)
    everything = b"".join(contents(tmp_path / "place").values())
    for secret in (original(0)[:30], original(25)[:30], b"C00001", b"office.toml", b"[office]"):
        assert secret not in everything


def test_a_second_backup_writes_only_what_is_new(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """Without anything new only the ledger, the home and the list are written; a new original brings its segment."""
    office.back_up(place)
    before = contents(tmp_path / "place")
    idle = office.back_up(place, budget=timedelta(0))
    after = contents(tmp_path / "place")
    assert after | before == after
    assert {name.split("/")[0] for name in set(after) - set(before)} == {"ledger", "home", "snapshots"}
    assert idle.written == len(after) - len(before) == 5
    office.keep([500])
    office.back_up(place, budget=timedelta(0))
    fresh = {name for name in set(contents(tmp_path / "place")) - set(after) if not name.startswith(("ledger", "home"))}
    assert {name.split("/")[0] for name in fresh} == {"open", "snapshots"}
    assert {name.rpartition("/")[2].partition("-")[0] for name in fresh if name[0] == "o"} == {"00000004"}


def test_sealing_and_rekeying_are_followed(office: Office, place: FolderPlace) -> None:
    """After a seal the object comes over; after a change of key its new version, with the inventory of that version."""
    from tests.archive.backup.offices import rekeyed

    office.back_up(place)
    with office.open() as (_, store):
        store.seal_due(office.later(), all_of_them=True)
    second = office.back_up(place)
    rekeyed(office)
    third = office.back_up(place)
    assert second.damaged == third.damaged == ()
    held = {file.path: b"".join(read(place, file)) for file in opened(place).snapshot.files}
    assert held | office.files() == held
    earlier = {file.path: b"".join(read(place, file)) for file in opened(place, second.snapshot).snapshot.files}
    assert not any(path.endswith("v3/inventory.json") for path in earlier)
    assert all(data == held.get(path, data) for path, data in earlier.items() if "/v" in path and "content" in path)


def test_files_are_read_again_in_turns(office: Office, place: FolderPlace) -> None:
    """Without time nothing old is read; with all the time everything is, and the list remembers when."""
    first = office.back_up(place)
    assert first.verified == first.files
    second = office.back_up(place, budget=timedelta(0))
    old = [file for file in opened(place).snapshot.files if file.verified < opened(place).snapshot.at]
    assert len(old) == second.files - second.verified > 0
    third = office.back_up(place, budget=None)
    assert third.verified == third.files


@pytest.mark.parametrize("lie", ["drop", "cut", "flip", "zero"])
def test_a_place_that_lies_is_found(office: Office, backed_up: tuple[Office, Path], tmp_path: Path, lie: str) -> None:
    """Whichever write is lost or altered, the backup fails with A511 and there is no snapshot."""
    many = sum(1 for path in backed_up[1].rglob("*") if path.is_file())
    assert many > 30
    for about in (0, many // 2, many - 1):
        folder = tmp_path / f"place-{about}"
        with pytest.raises(IntegrityError, match="A511"):
            office.back_up(Lying(place_in(folder), lie, about))
        assert snapshot.listed(FolderPlace(folder)) == ()


@pytest.mark.parametrize("kind", ["objects", "open", "spool"])
def test_a_bit_that_flips_at_the_place_is_found_and_healed(
    office: Office, place: FolderPlace, tmp_path: Path, kind: str
) -> None:
    """Reading everything again finds the file; the source is good, so it is written anew and named."""
    office.back_up(place)
    before = contents(tmp_path / "place")
    for name in random.Random(kind).sample([name for name in before if name.startswith(kind)], 2):
        damage(tmp_path / "place" / name, 7)
        assert office.back_up(place, budget=None).healed == (name,)
        assert contents(tmp_path / "place")[name] == before[name]


def test_a_flipped_bit_without_a_good_source_is_an_error(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """When copy and source are both damaged the backup fails with A511, and the copy stays as it is."""
    office.back_up(place)
    (tar,) = [name for name in contents(tmp_path / "place") if name.endswith("1/v1/content/members.tar")]
    damage(tmp_path / "place" / tar)
    copy = (tmp_path / "place" / tar).read_bytes()
    damage(office.archive / tar.replace("objects/", "ocfl/"), 600)
    with pytest.raises(IntegrityError, match=r"A511|A506"):
        office.back_up(place, budget=None)
    assert (tmp_path / "place" / tar).read_bytes() == copy


def test_a_missing_copy_comes_back(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """What was deleted or cut short at the place is written again by the next backup, without being told to look."""
    office.back_up(place)
    before = contents(tmp_path / "place")
    tars = [name for name in before if name.endswith(".tar")]
    (tmp_path / "place" / tars[0]).unlink()
    (tmp_path / "place" / tars[1]).chmod(0o600)
    os.truncate(tmp_path / "place" / tars[1], 100)
    report = office.back_up(place, budget=timedelta(0))
    assert report.healed == (tars[1],)
    assert {name: data for name, data in contents(tmp_path / "place").items() if name in tars} == {
        name: before[name] for name in tars
    }


def test_damage_here_is_not_copied_as_good(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """A damaged segment is left out and named, the rest is backed up; what was copied before stays good."""
    tars = sorted(office.archive.glob("ocfl/*/*/*/*/v1/content/members.tar"))
    damage(tars[0], 700)
    (office.archive / "open/00000004.keys.pgp").unlink()
    report = office.back_up(place)
    names = {path for _, path in report.damaged}
    assert names == {tars[0].relative_to(office.folder).as_posix(), "archive/open/00000004.keys.pgp"}
    assert opened(place).snapshot.damaged == report.damaged
    assert report.files > 20


def test_an_open_segment_damaged_here_is_named_by_its_original(office: Office, place: FolderPlace) -> None:
    """A bit flipped in a member of the open segment: the backup names the original and leaves the segment out."""
    damage(office.archive / "open/00000004.tar", 600)
    report = office.back_up(place)
    assert report.damaged == (("A502", sha256(original(24))),)


def test_bytes_behind_the_end_are_left_behind(office: Office, place: FolderPlace) -> None:
    """What an interrupted keep left behind the ledger's end does not travel."""
    good = (office.archive / "open/00000004.tar").read_bytes()
    with (office.archive / "open/00000004.tar").open("ab") as tar:
        tar.write(b"left over")
    office.back_up(place)
    found = opened(place).snapshot
    assert b"".join(read(place, found.file("archive/open/00000004.tar"))) == good


def test_names_that_other_bytes_took_are_passed_by(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """Bytes of another life of the office are at the place under the same names: both snapshots hold."""
    other = office.copied(tmp_path / "other")
    office.keep([600])
    other.keep([700])
    first, second = office.back_up(place), other.back_up(place)
    for name, folder in ((first.snapshot, office), (second.snapshot, other)):
        found = opened(place, name).snapshot
        tar = b"".join(read(place, found.file("archive/open/00000004.tar")))
        assert tar == (folder.archive / "open/00000004.tar").read_bytes()
    assert first.snapshot != second.snapshot


def test_a_snapshot_of_another_key_is_not_believed(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """A list that was altered or signed by somebody else is A512, and the next backup does not build on it."""
    report = office.back_up(place)
    note = tmp_path / "place" / snapshot.note_name(report.snapshot)
    damage(note, 50)
    with pytest.raises(IntegrityError, match="A512"):
        opened(place)
    again = office.back_up(place)
    assert again.damaged == ()
    assert opened(place).snapshot.id == again.snapshot


def test_the_newest_snapshot_is_the_one_made_last(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """Two backups in one second, or after the clock was set back, keep their order; a strange name does not hinder."""
    first = office.back_up(place)
    office.clock -= timedelta(days=3)
    second = office.back_up(place)
    assert snapshot.newest(place) == second.snapshot > first.snapshot
    (tmp_path / "place/snapshots/99999999T999999Z-0000.note").write_bytes(b"")
    assert office.back_up(place).damaged == ()


def test_every_line_of_the_list_counts(office: Office, place: FolderPlace) -> None:
    """A note cut, a line less, another snapshot's name: A512."""
    report = office.back_up(place)
    note = snapshot.read_note(place, report.snapshot)
    lines = note.splitlines(keepends=True)
    for wrong in (note[:-1], note[: len(note) // 2], b"".join(lines[:3] + lines[4:]), b"", b"\xff"):
        with pytest.raises(IntegrityError, match="A512"):
            snapshot.opened(wrong, report.snapshot, KEY.verifier)
    with pytest.raises(IntegrityError, match="A512"):
        snapshot.opened(note, "20260101T000000Z-0000", KEY.verifier)


@pytest.mark.parametrize("path", ["/etc/passwd", "archive/../x", "keys/x", "archive", "inbox//x", "archive/./x"])
def test_a_list_cannot_lead_out_of_the_home(path: str) -> None:
    """Even a signed list with a path outside archive and spool is refused."""
    file = snapshot.File(path, "objects/x", 1, "0" * 64, "", "t")
    made = snapshot.Snapshot("20260101T000000Z-0000", OFFICE, "t", 0, "", "", "", (file,))
    with pytest.raises(IntegrityError, match="A512"):
        snapshot.opened(snapshot.signed(made, KEY), made.id, KEY.verifier)


def test_what_is_settled_meanwhile_is_not_lost(office: Office, place: FolderPlace) -> None:
    """A package that the view says is waiting, and that was settled before it was copied, comes from the archive."""
    from archive import incoming
    from archive.incoming import NewArrival

    data = original(0)
    with office.open() as (ledger, _):
        incoming.record_arrivals(ledger, [NewArrival("a.xml.pgp", sha256(data), len(data))], "service", office.later())
    office.back_up(place)
    found = opened(place).snapshot
    assert b"".join(read(place, found.file(f"inbox/{sha256(data)}.pgp"))) == data


def test_a_place_that_is_full_is_told_so(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """A place that refuses to write is S416; afterwards a backup is made as if nothing had been."""
    (tmp_path / "place/objects").write_bytes(b"in the way")
    with pytest.raises(UnreachableError, match="S416"):
        office.back_up(place)
    (tmp_path / "place/objects").unlink()
    assert office.back_up(place).damaged == ()


def test_the_audit_finds_nothing_of_a_backup(office: Office, place: FolderPlace) -> None:
    """A backup leaves nothing in the archive that the audit would name."""
    office.back_up(place)
    assert office.audit(deep=True).problems == ()
