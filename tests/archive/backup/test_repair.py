"""Repair: every kind of damage that the backup can put right is put right, and what it cannot is named."""

import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from archive import journal
from archive.audit import AuditReport, audit
from archive.backup.folder_place import FolderPlace
from archive.backup.repair import Damaged, RepairReport, repair
from archive.backup.restoring import fetched_dump, fill_ledger
from archive.ledger import Ledger
from archive.tables import journal as entries
from archive.tables import journal_head, members, originals, segments
from archive.upkeep_tables import checkpoints
from formats.digest import sha256
from formats.errors import IntegrityError
from tests.archive.backup.offices import KEY, Office, opened, original, rekeyed
from tests.archive.backup.test_backing import damage
from tests.archive.stores import OFFICE, WRAP, store_in


@pytest.fixture
def broken(backed_up: tuple[Office, Path], tmp_path: Path) -> Office:
    """An office that has a backup, to be damaged."""
    return backed_up[0].copied(tmp_path / "home")


@pytest.fixture
def there(backed_up: tuple[Office, Path]) -> FolderPlace:
    """Its backup."""
    return FolderPlace(backed_up[1])


def repaired(office: Office, place: FolderPlace, who: str = "service") -> RepairReport:
    """Repair an office from the newest snapshot."""
    with office.damaged() as damaged:
        return repair(damaged, place, opened(place), office.later(), who)


def tar(office: Office, number: int = 1) -> Path:
    """The tar of a sealed segment."""
    return next(office.archive.glob(f"ocfl/*/*/*/*{number:08d}/v1/content/members.tar"))


def _swap(first: Path, second: Path) -> None:
    aside = first.with_name("aside")
    first.rename(aside)
    second.rename(first)
    aside.rename(second)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path) -> None:
    aside = path.with_name("elsewhere")
    path.rename(aside)
    path.symlink_to(aside)


def _object(office: Office, number: int = 1) -> Path:
    return tar(office, number).parent.parent.parent


def _open(office: Office, kind: str = "tar") -> Path:
    return office.archive / f"open/00000004.{kind}"


FILES: dict[str, Callable[[Office], None]] = {
    "a bit in a sealed member": lambda o: damage(tar(o), 700),
    "a bit in a header": lambda o: damage(tar(o), 10),
    "a bit in the padding": lambda o: damage(tar(o), 512 + 930),
    "a bit in the tar's end": lambda o: damage(tar(o), -3),
    "a sealed tar cut short": lambda o: _truncate(tar(o), 2000),
    "a sealed tar gone": lambda o: _remove(tar(o)),
    "two tars swapped": lambda o: _swap(tar(o, 2), tar(o, 3)),
    "an object gone": lambda o: _remove(_object(o)),
    "all objects gone": lambda o: _remove(o.archive / "ocfl"),
    "an inventory": lambda o: damage(_object(o) / "inventory.json", 40),
    "every inventory of an object": lambda o: [damage(p, 40) for p in _object(o).rglob("inventory.json")],
    "a sidecar": lambda o: damage(_object(o) / "v2/inventory.json.sha512", 3),
    "a declaration": lambda o: _remove(_object(o) / "0=ocfl_object_1.1"),
    "a manifest": lambda o: damage(tar(o).with_name("manifest-sha256.txt"), 5),
    "a catalogue": lambda o: _remove(tar(o).with_name("catalog.bin")),
    "the older keys": lambda o: damage(_object(o) / "v1/content/keys-1.pgp"),
    "the newer keys": lambda o: _remove(_object(o) / "v2/content/keys-2.pgp"),
    "a folder in a file's place": lambda o: _replace_by_folder(tar(o)),
    "a link in a file's place": lambda o: _link(tar(o).with_name("catalog.bin")),
    "something strange in an object": lambda o: (_object(o) / "v1/content/x").write_bytes(b"x") and None,
    "the root's declaration": lambda o: _remove(o.archive / "ocfl/0=ocfl_1.1"),
    "the root's layout": lambda o: damage(o.archive / "ocfl/ocfl_layout.json"),
    "a bit in an open member": lambda o: damage(_open(o), 600),
    "a bit in an open header": lambda o: damage(_open(o), 5),
    "the open tar cut short": lambda o: _truncate(_open(o), 700),
    "the open tar gone": lambda o: _remove(_open(o)),
    "the open keys": lambda o: damage(_open(o, "keys.pgp")),
    "the open keys gone": lambda o: _remove(_open(o, "keys.pgp")),
}


def _truncate(path: Path, size: int) -> None:
    path.chmod(0o600)
    os.truncate(path, size)


@pytest.mark.parametrize("kind", FILES)
def test_damaged_files_are_put_right(broken: Office, there: FolderPlace, kind: str) -> None:
    """Every file is as it was, nothing is left to be found, each repair is in the journal."""
    before = broken.files()
    FILES[kind](broken)
    report = repaired(broken, there, "staff-7")
    assert report.found
    assert report.left == ()
    assert broken.files() == before
    with broken.open() as (ledger, _):
        told = [entry for entry in journal.entries(ledger) if entry.kind == "repaired"]
    assert [(entry.what["code"], entry.what["subject"], entry.who) for entry in told] == [
        (item.code, item.subject, "staff-7") for item in report.repaired
    ]
    assert len(told) > 0


def _edit(statement: Any) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(statement)


def _cut(connection: Connection) -> None:
    connection.execute(delete(entries).where(entries.c.n > 20))


def _swap_entries(connection: Connection) -> None:
    for old, new in ((5, 9999), (6, 5), (9999, 6)):
        connection.execute(update(entries).where(entries.c.n == old).values(n=new))


def _copy_member(connection: Connection) -> None:
    row = dict(connection.execute(select(members).limit(1)).mappings().one())
    connection.execute(insert(members), {**row, "digest": "f" * 64, "place": 77})


def _stray_original(connection: Connection) -> None:
    row = dict(connection.execute(select(originals).limit(1)).mappings().one())
    connection.execute(insert(originals), {**row, "id": 5000, "message_id": "new", "entry": 3})


_MEMBER = members.c.digest == sha256(original(3))
_ORIGINAL = originals.c.digest == sha256(original(3))

ROWS: dict[str, Callable[[Connection], object]] = {
    "a member's digest": _edit(update(members).where(_MEMBER).values(digest="a" * 64)),
    "a member's offset": _edit(update(members).where(_MEMBER).values(offset=12345)),
    "a member's entry": _edit(update(members).where(_MEMBER).values(entry=1)),
    "a member moved to another's entry": _edit(update(members).where(_MEMBER).values(entry=members.c.entry + 8)),
    "a member gone": _edit(delete(members).where(_MEMBER)),
    "all members gone": _edit(delete(members)),
    "a member too many": _copy_member,
    "an original's case": _edit(update(originals).where(_ORIGINAL).values(case_number="C99999")),
    "an original gone": _edit(delete(originals).where(_ORIGINAL)),
    "an original too many": _stray_original,
    "an original renumbered": _edit(update(originals).where(_ORIGINAL).values(id=4000)),
    "all originals gone": _edit(delete(originals)),
    "a segment's state": _edit(update(segments).where(segments.c.n == 1).values(state="open")),
    "a segment's digest": _edit(update(segments).where(segments.c.n == 2).values(sha512="0" * 128)),
    "a segment's end": _edit(update(segments).where(segments.c.n == 4).values(end=512)),
    "a segment gone": _edit(delete(segments).where(segments.c.n == 3)),
    "all segments gone": _edit(delete(segments)),
    "an entry's text": _edit(update(entries).where(entries.c.n == 7).values(why="because")),
    "an entry's what": _edit(update(entries).where(entries.c.n == 7).values(what="{")),
    "an entry's leaf": _edit(update(entries).where(entries.c.n == 7).values(leaf="0" * 64)),
    "an entry unreadable": _edit(text("UPDATE journal SET why = CAST(x'ff' AS TEXT) WHERE n = 7")),
    "an entry gone": _edit(delete(entries).where(entries.c.n == 7)),
    "entries swapped": _swap_entries,
    "an entry too many": _edit(
        text("INSERT INTO journal SELECT n + 1000, at, kind, what, why, how, who, leaf FROM journal WHERE n = 7")
    ),
    "an entry before the first": _edit(
        text("INSERT INTO journal SELECT -1, at, kind, what, why, how, who, leaf FROM journal WHERE n = 7")
    ),
    "the journal's end noted wrongly": _edit(update(journal_head).values(root="0" * 64)),
    "the journal's frontier": _edit(update(journal_head).values(frontier="0" * 64)),
    "the journal's end not noted": _edit(delete(journal_head)),
    "a signed head": _edit(update(checkpoints).values(root="0" * 64)),
}


def dump_of(ledger: Ledger) -> dict[str, list[Any]]:
    """The rows that a repair may touch, but for the journal's own growth."""
    found = {}
    with ledger.reading() as connection:
        for table in (members, originals, segments, checkpoints):
            columns = [column for column in table.columns if column.name != "checked"]
            found[table.name] = sorted(map(tuple, connection.execute(select(*columns))))
    return found


@pytest.mark.parametrize("kind", ROWS)
def test_damaged_rows_are_put_right(broken: Office, there: FolderPlace, kind: str) -> None:
    """Every row is as it was, nothing is left to be found."""
    with broken.open() as (ledger, _):
        before = dump_of(ledger)
        many = journal.head(ledger).count
        old = journal.entries(ledger)
        with ledger.writing() as connection:
            ROWS[kind](connection)
    report = repaired(broken, there)
    assert report.found
    assert report.left == ()
    assert report.repaired
    with broken.open() as (ledger, _):
        assert dump_of(ledger) == before
        assert journal.entries(ledger)[:many] == old
        journal.verify(ledger)


@pytest.mark.parametrize("kind", ["a bit", "cut", "gone", "rows"])
def test_what_is_newer_than_the_backup_is_named_and_kept(broken: Office, there: FolderPlace, kind: str) -> None:
    """Damage to a newer original cannot be put right: it is named, everything else is put right or left alone."""
    broken.keep([500, 501])
    size = _open(broken).stat().st_size
    damage(_open(broken), 600)
    match kind:
        case "a bit":
            damage(_open(broken), size - 600)
        case "cut":
            _truncate(_open(broken), size - 512)
        case "gone":
            _remove(_open(broken))
        case _:
            with broken.open() as (ledger, _), ledger.writing() as connection:
                connection.execute(update(members).where(members.c.digest == sha256(original(501))).values(bytes=1))
    report = repaired(broken, there)
    assert {item.subject for item in report.repaired} >= {sha256(original(24))}
    named = {problem.subject for problem in report.left}
    assert any(sha256(original(501)) in subject for subject in named), named
    assert not any(sha256(original(number)) in subject for number in range(29) for subject in named)
    with broken.open() as (_, store):
        assert all(store.read(sha256(original(number))) == original(number) for number in range(29))


def test_an_office_can_keep_on_after_losing_new_bytes(broken: Office, there: FolderPlace) -> None:
    """An open segment shorter than the ledger says refuses to keep; after the repair it keeps, the loss is named."""
    broken.keep([500])
    _truncate(_open(broken), 3000)
    with pytest.raises(IntegrityError, match="A508"):
        broken.keep([501])
    repaired(broken, there)
    broken.keep([502])
    with broken.open() as (_, store):
        assert store.read(sha256(original(502))) == original(502)


def test_newer_versions_are_not_undone(broken: Office, there: FolderPlace) -> None:
    """What was sealed, kept or rekeyed after the backup is good and stays, also in an object that is repaired."""
    broken.keep([500, 501])
    with broken.open() as (_, store):
        store.seal_due(broken.later(), all_of_them=True)
    rekeyed(broken)
    before = broken.files()
    damage(tar(broken), 700)
    damage(tar(broken, 4), 700)  # sealed since: the backup has its beginning
    report = repaired(broken, there)
    assert report.left == ()
    assert broken.files() == before


def test_damaged_bytes_stay_aside(broken: Office, there: FolderPlace) -> None:
    """What a repair takes away lies under `aside/`, and the audit knows that folder."""
    damage(tar(broken), 700)
    bad = tar(broken).read_bytes()
    with broken.open() as (ledger, _), ledger.writing() as connection:
        connection.execute(update(originals).where(_ORIGINAL).values(case_number="C99999"))
    repaired(broken, there)
    aside = [path.read_bytes() for path in (broken.archive / "aside").rglob("*") if path.is_file()]
    assert bad in aside
    assert any(b"C99999" in data for data in aside)


def test_nothing_is_done_where_nothing_is_damaged(broken: Office, there: FolderPlace) -> None:
    """An office that holds is left alone, whatever it has that the backup has not."""
    broken.keep([500])
    before = broken.files()
    report = repaired(broken, there)
    assert (report.found, report.repaired, report.left) == ((), (), ())
    assert broken.files() == before
    assert not (broken.archive / "aside").exists()


def test_a_damaged_backup_repairs_nothing_wrongly(
    broken: Office, backed_up: tuple[Office, Path], tmp_path: Path
) -> None:
    """When the copy is damaged too, nothing is put in its place."""
    shutil.copytree(backed_up[1], tmp_path / "place")
    damage(tar(broken), 700)
    damage(tmp_path / "place" / tar(broken).relative_to(broken.archive / "ocfl").as_posix().join(["objects/", ""]), 900)
    bad = tar(broken).read_bytes()
    report = repaired(broken, FolderPlace(tmp_path / "place"))
    assert report.left
    assert tar(broken).read_bytes() == bad


def test_everything_at_once(broken: Office, there: FolderPlace) -> None:
    """Rows, entries and files damaged together are all put right by one or two repairs."""
    before = broken.files()
    for kind in ("an object gone", "a sealed tar gone", "a bit in an open member", "the open keys"):
        if kind != "a sealed tar gone":
            FILES[kind](broken)
    damage(tar(broken, 2), 3000)
    with broken.open() as (ledger, _), ledger.writing() as connection:
        for kind in ("a member gone", "an original's case", "a segment gone", "an entry gone"):
            ROWS[kind](connection)
    for _ in range(2):
        left = repaired(broken, there).left
    assert left == ()
    assert broken.files() == before


def test_repair_of_rows_and_a_keeper_never_wait_for_each_other(
    backed_up: tuple[Office, Path], there: FolderPlace, tmp_path: Path, postgresql_url: str
) -> None:
    """PostgreSQL: who keeps has the segment's row and asks for the journal's end; the repair holds neither meanwhile."""
    office, found = backed_up[0].copied(tmp_path / "home"), opened(there)
    with fetched_dump(there, found.snapshot, WRAP, tmp_path) as dumped:
        fill_ledger(postgresql_url, found.snapshot, dumped, office.later(), "service")
    with Ledger.open(postgresql_url) as ledger, ThreadPoolExecutor(1) as second:
        with ledger.writing() as connection:
            connection.execute(update(segments).where(segments.c.state == "open").values(version=9))
        store = store_in(office.folder, ledger, segment_bytes=12_000)

        def audited() -> AuditReport:
            return audit(ledger, store, office.archive, at=office.later(), verifier=KEY.verifier, patience=0)

        before = [audited()]  # an audit takes segments' rows too, and must not wait in the place of the repair
        damaged = Damaged(ledger, office.archive, OFFICE, WRAP, lambda: before.pop() if before else audited())
        with ledger.writing() as keeper:
            keeper.execute(select(segments).where(segments.c.state == "open").with_for_update())
            mending = second.submit(repair, damaged, there, found, office.later(), "service")
            for _ in range(600):
                with ledger.reading() as watching:
                    waiting = watching.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one()
                if waiting:
                    break
                time.sleep(0.05)
            assert waiting
            journal.lock(keeper)
        report = mending.result()
        assert {problem.code for problem in report.found} == {"A507"}
        assert report.left == ()
