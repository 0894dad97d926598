"""Restore: a whole office and one case, from a place and one secret key alone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from archive import journal
from archive.backup import restoring, snapshot
from archive.backup.folder_place import FolderPlace
from archive.backup.one_case import originals_of
from archive.backup.place import Place
from archive.ledger import Ledger
from archive.tables import cases, members, originals
from formats.digest import sha256
from formats.errors import IntegrityError, UsageError
from tests.archive.backup.offices import HOME, KEY, NOW, Office, opened, original
from tests.archive.backup.test_backing import damage
from tests.archive.stores import WRAP
from tests.archive.wraps import MemoryWrap


def restore(place: Place, home: Path, name: str = "", url: str = "") -> Office:
    """Restore a whole office, as `flows.backups` does."""
    found = opened(place, name).snapshot
    with restoring.staging(home, found.id) as stage:
        restoring.fetch_files(place, found, stage)
        restoring.put_home(stage, restoring.read_home(place, found, WRAP))
        with restoring.fetched_dump(place, found, WRAP, stage) as dumped:
            restoring.fill_ledger(url or restoring.fresh_ledger(stage), found, dumped, NOW, "service")
        restoring.move_in(stage, home)
    return Office(home, NOW)


def _place(backed_up: tuple[Office, Path]) -> FolderPlace:
    return FolderPlace(backed_up[1])


def test_an_office_comes_back_byte_for_byte(backed_up: tuple[Office, Path], tmp_path: Path) -> None:
    """Archive and spool equal the source, every original opens, the audit finds nothing, the journal says `restored`."""
    back = restore(_place(backed_up), tmp_path / "back")
    assert back.files() == backed_up[0].files()
    assert {path: (back.folder / path).read_bytes() for path in HOME} == HOME
    report = back.audit(deep=True)
    assert (report.problems, report.originals) == ((), 29)
    with back.open() as (ledger, store):
        assert all(store.read(sha256(original(number))) == original(number) for number in range(29))
        told = journal.entries(ledger, last=2)[0]
    assert (told.kind, told.what) == (
        "restored",
        {"snapshot": opened(_place(backed_up)).snapshot.id, "cases": 0, "originals": 29},
    )
    back.keep([800])
    assert back.audit().problems == ()


def test_nothing_is_left_beside_a_restored_home(backed_up: tuple[Office, Path], tmp_path: Path) -> None:
    """The staging folder is gone, files are for the office's account alone, objects are read-only."""
    back = restore(_place(backed_up), tmp_path / "back")
    assert [path.name for path in tmp_path.iterdir()] == ["back"]
    modes = {path.stat().st_mode & 0o777 for path in back.folder.rglob("*") if path.is_file()}
    assert modes <= {0o400, 0o600}
    assert {path.stat().st_mode & 0o777 for path in (back.archive / "ocfl").rglob("*") if path.is_file()} == {0o400}


def test_the_ledger_can_go_into_postgresql(backed_up: tuple[Office, Path], tmp_path: Path, postgresql_url: str) -> None:
    """A ledger given by a URL gets the rows; a killed restore of the same snapshot is gone on with, another is S414."""
    place = _place(backed_up)
    restore(place, tmp_path / "back", url=postgresql_url)
    with Ledger.open(postgresql_url) as there, backed_up[0].open() as (here, _):
        for table in (members, originals):
            wanted = select(table).order_by(table.c.digest)
            with there.reading() as first, here.reading() as second:
                assert first.execute(wanted).all() == second.execute(wanted).all()
        assert journal.verify(there, verifier=KEY.verifier).count == opened(place).snapshot.entries + 1
    restore(place, tmp_path / "again", url=postgresql_url)
    with Ledger.open(postgresql_url) as there, there.writing() as connection:
        connection.execute(cases.insert(), _a_case())
        connection.execute(journal.journal.delete())
    with pytest.raises(UsageError, match="S414"):
        restore(place, tmp_path / "third", url=postgresql_url)
    assert not (tmp_path / "third").exists()


def _a_case() -> dict[str, object]:
    texts = dict.fromkeys(("case_number", "direction", "partner", "person", "state", "opened", "updated"), "x")
    return {**texts, "kinds": ("110",), "digest": "", "findings": (), "why": ""}


def test_a_home_that_is_there_is_not_touched(backed_up: tuple[Office, Path], tmp_path: Path) -> None:
    """Anything at the home is S414 and stays; an empty folder is fine."""
    (tmp_path / "back").mkdir()
    (tmp_path / "back/x").write_bytes(b"mine")
    with pytest.raises(UsageError, match="S414"):
        restore(_place(backed_up), tmp_path / "back")
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["x"]
    (tmp_path / "empty").mkdir()
    assert restore(_place(backed_up), tmp_path / "empty").files()


def test_an_interrupted_restore_goes_on(backed_up: tuple[Office, Path], tmp_path: Path) -> None:
    """What was fetched before is used where it holds and fetched again where it does not; half files are no files."""
    place, home = _place(backed_up), tmp_path / "back"
    found = opened(place).snapshot
    with pytest.raises(KeyboardInterrupt), restoring.staging(home, found.id) as stage:
        restoring.fetch_files(place, found, stage, _after(20))
    assert not home.exists()
    fetched = sorted(path for path in (tmp_path / ".back.restoring").rglob("*.tar"))
    damage(fetched[0], 99)
    (fetched[0].parent / ".x.part").write_bytes(b"half")
    (fetched[0].parent / ".x.part").unlink()
    assert restore(place, home).files() == backed_up[0].files()


def _after(count: int) -> restoring.Steps:
    seen = iter(range(count))

    def step(_name: str, _count: int) -> None:
        if next(seen, None) is None:
            raise KeyboardInterrupt

    return step


def test_another_snapshot_begins_anew(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """What an interrupted restore of a newer snapshot left does not get into the home of an older one."""
    first = office.back_up(place)
    earlier = office.files()
    office.keep([500])
    with office.open() as (_, store):
        store.seal_due(office.later(), all_of_them=True)
    second = office.back_up(place)
    found = opened(place, second.snapshot).snapshot
    with restoring.staging(tmp_path / "back", found.id) as stage:
        restoring.fetch_files(place, found, stage)
    assert restore(place, tmp_path / "back", first.snapshot).files() == earlier


@pytest.mark.parametrize("kind", ["objects", "open", "spool", "ledger", "home"])
@pytest.mark.parametrize("how", ["flip", "cut", "longer", "missing"])
def test_damage_at_the_place_is_never_restored(
    backed_up: tuple[Office, Path], tmp_path: Path, kind: str, how: str
) -> None:
    """A file altered, cut, lengthened or missing: A512 (A509 for a wrapped key), and there is no home."""
    folder = tmp_path / "place"
    shutil.copytree(backed_up[1], folder)
    wanted = ("*.enc",) if kind in ("ledger", "home") else ("*.tar", "*.json", "*pgp" if kind == "spool" else "*.txt")
    file = min(path for pattern in wanted for path in (folder / kind).rglob(pattern))
    file.chmod(0o600)
    if how == "flip":
        damage(file, 11)
    elif how == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] if how == "cut" else file.read_bytes() + b"\0")
    with pytest.raises(IntegrityError, match="A512"):
        restore(FolderPlace(folder), tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_the_wrong_key_opens_nothing(backed_up: tuple[Office, Path]) -> None:
    """Another secret key is A509."""
    with pytest.raises(IntegrityError, match="A509"):
        restoring.open_snapshot(_place(backed_up), "", MemoryWrap())


def test_the_verifier_may_come_from_the_backup(backed_up: tuple[Office, Path]) -> None:
    """Without a verifier the one inside is used, and that is said; another one given is A512."""
    own = restoring.open_snapshot(_place(backed_up), "", WRAP)
    assert (own.own, own.verifier) == (True, KEY.verifier)
    assert not opened(_place(backed_up)).own
    other = type(KEY).generate(KEY.name).verifier
    with pytest.raises(IntegrityError, match="A512"):
        restoring.open_snapshot(_place(backed_up), "", WRAP, other)


def test_an_empty_place_has_nothing_to_restore(place: FolderPlace) -> None:
    """No snapshot is A512; a snapshot that is not there, too."""
    for name in ("", "20260101T000000Z-0000", "../x"):
        with pytest.raises(IntegrityError, match="A512"):
            opened(place, name)


def _recovered(place: Place, case: str, folder: Path) -> Iterator[tuple[str, str, bytes]]:
    return originals_of(place, opened(place).snapshot, WRAP, case, folder)


@pytest.mark.parametrize("number", [0, 7, 12, 24, 28])
def test_one_case_comes_back(backed_up: tuple[Office, Path], tmp_path: Path, number: int) -> None:
    """The originals of a case, sealed, rekeyed or in the open segment, without a home."""
    (found,) = _recovered(_place(backed_up), f"C{number:05}", tmp_path)
    assert tuple(found) == ("delivery-sent", sha256(original(number)), original(number))
    assert list(tmp_path.iterdir()) == []


def test_a_case_nobody_knows_is_told(backed_up: tuple[Office, Path], tmp_path: Path) -> None:
    """A case without originals in the snapshot is S412."""
    with pytest.raises(UsageError, match=r"S412.*C99999"):
        list(_recovered(_place(backed_up), "C99999", tmp_path))


def test_damage_to_a_case_is_named(backed_up: tuple[Office, Path], tmp_path: Path) -> None:
    """A bit flipped in the case's member is A502 with its digest; damage to its neighbours does not hinder it."""
    folder = tmp_path / "place"
    shutil.copytree(backed_up[1], folder)
    (tar,) = folder.glob("open/00000004-*.tar")
    damage(tar, 600)
    with pytest.raises(IntegrityError, match=f"A502.*{sha256(original(24))}"):
        list(_recovered(FolderPlace(folder), "C00024", tmp_path))
    (found,) = _recovered(FolderPlace(folder), "C00026", tmp_path)
    assert found[2] == original(26)


def test_a_restored_office_backs_up_to_the_same_place(office: Office, place: FolderPlace, tmp_path: Path) -> None:
    """After a restore from an older snapshot life goes on; all snapshots of both lives restore."""
    first = office.back_up(place)
    office.keep([500])
    second = office.back_up(place)
    back = restore(place, tmp_path / "back", first.snapshot)
    back.clock = office.later(hours=1)
    back.keep([501])
    third = back.back_up(place)
    for name, files in ((second.snapshot, office.files()), (third.snapshot, back.files())):
        assert restore(place, tmp_path / name, name).files() == files
    assert snapshot.listed(place) == tuple(sorted([first.snapshot, second.snapshot, third.snapshot]))
