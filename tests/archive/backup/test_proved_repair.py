"""Repair of holds, lookups, backups and partners' heads: put back as entered, or named where nobody knows how."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, insert, select, update

from archive import holds, registry
from archive.backup.folder_place import FolderPlace
from archive.backup.repair import RepairReport, repair
from archive.proved_rows import ALL
from archive.tables import originals
from archive.upkeep_tables import backups, gone, lookups, witnessed
from archive.upkeep_tables import holds as hold_table
from formats import merkle
from tests.archive.audit.small import leave_rows
from tests.archive.backup.offices import Office, opened, place_in


@pytest.fixture(scope="module")
def left(built: Office, tmp_path_factory: pytest.TempPathFactory) -> tuple[Office, Path]:
    """An office with rows of every kind and two backups; the second has the row of the first."""
    office = built.copied(tmp_path_factory.mktemp("left") / "home")
    with office.open() as (ledger, _):
        leave_rows(ledger)
    folder = office.folder.parent / "place"
    for _ in range(2):
        office.back_up(place_in(folder))
    return office, folder


@pytest.fixture
def broken(left: tuple[Office, Path], tmp_path: Path) -> Office:
    """The office, to be damaged."""
    return left[0].copied(tmp_path / "home")


def repaired(office: Office, folder: Path) -> RepairReport:
    """Repair from the newest snapshot."""
    place = FolderPlace(folder)
    with office.damaged() as damaged:
        return repair(damaged, place, opened(place), office.later(), "service")


def rows(office: Office) -> dict[str, list[Any]]:
    """Every row of these tables, and of the register."""
    with office.open() as (ledger, _), ledger.reading() as connection:
        tables = [*(each.table for each in ALL), originals, gone]
        return {table.name: sorted(map(tuple, connection.execute(select(table)))) for table in tables}


def changed(office: Office, change: Callable[[Connection], object]) -> None:
    """Damage the ledger."""
    with office.open() as (ledger, _), ledger.writing() as connection:
        change(connection)


def _again(connection: Connection, table: Table, **values: Any) -> None:
    row = dict(connection.execute(select(table).limit(1)).mappings().one())
    connection.execute(insert(table), {**row, **values})


def _hidden(connection: Connection) -> None:
    """A row of the register removed, its leaf put among what is gone."""
    row = dict(connection.execute(select(originals).order_by(originals.c.id).limit(1)).mappings().one())
    leaf = merkle.leaf_hash(registry.original_line(row)).hex()
    connection.execute(delete(originals).where(originals.c.id == row["id"]))
    connection.execute(insert(gone).values(entry=row["entry"], place=0, leaf=leaf, order_digest="0" * 64))


_FIRST = backups.c.id == 1

DAMAGES: dict[str, Callable[[Connection], object]] = {
    "all holds gone": lambda c: c.execute(delete(hold_table)),
    "a hold lifted by hand": lambda c: c.execute(update(hold_table).where(hold_table.c.id == 3).values(lifted="now")),
    "a hold's case": lambda c: c.execute(update(hold_table).where(hold_table.c.id == 1).values(case_number="x")),
    "a hold renumbered": lambda c: c.execute(update(hold_table).where(hold_table.c.id == 1).values(id=8)),
    "a hold of nobody": lambda c: _again(c, hold_table, id=9),
    "a lookup gone": lambda c: c.execute(delete(lookups).where(lookups.c.id == 2)),
    "a lookup's subject": lambda c: c.execute(update(lookups).where(lookups.c.id == 1).values(subject="9")),
    "a false lookup": lambda c: _again(c, lookups, id=17),
    "a backup gone": lambda c: c.execute(delete(backups).where(_FIRST)),
    "a backup's place": lambda c: c.execute(update(backups).where(_FIRST).values(place="nowhere")),
    "a backup twice": lambda c: _again(c, backups, id=17),
    "a partner's head gone": lambda c: c.execute(delete(witnessed)),
    "a partner's note": lambda c: c.execute(update(witnessed).values(note="x")),
    "a removal that was hidden": _hidden,
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_rows_are_put_back_as_they_were(broken: Office, left: tuple[Office, Path], kind: str) -> None:
    """Every row is as it was, nothing is left to be found."""
    before = rows(broken)
    changed(broken, DAMAGES[kind])
    assert rows(broken) != before
    report = repaired(broken, left[1])
    assert report.found
    assert report.repaired
    assert report.left == ()
    assert rows(broken) == before


def test_a_hold_that_was_lifted_since_is_put_back_as_lifted(broken: Office, left: tuple[Office, Path]) -> None:
    """The backup has it as it held; when and by whom it was lifted says the entry."""
    with broken.open() as (ledger, _):
        holds.lift(ledger, 3, "staff-9", broken.later())
    before = rows(broken)
    changed(broken, lambda c: c.execute(delete(hold_table).where(hold_table.c.id == 3)))
    assert repaired(broken, left[1]).left == ()
    assert rows(broken) == before


def test_what_is_newer_than_the_backup(broken: Office, left: tuple[Office, Path]) -> None:
    """A newer hold that was lifted by hand holds again; one that is gone is named and stays named."""
    with broken.open() as (ledger, _):
        placed = [holds.place(ledger, "33010001-2026-000900", "a suit", "staff-2", broken.later()) for _ in range(2)]
    assert [hold.number for hold in placed] == [4, 5]
    changed(broken, lambda c: c.execute(update(hold_table).where(hold_table.c.id == 4).values(lifted="now")))
    changed(broken, lambda c: c.execute(delete(hold_table).where(hold_table.c.id == 5)))
    report = repaired(broken, left[1])
    assert [item.subject for item in report.repaired] == ["holds 4"]
    assert [problem.subject for problem in report.left] == ["holds 5: the row is missing"]
    with broken.open() as (ledger, _):
        assert placed[0] in holds.listing(ledger)


def test_what_goes_aside_names_nobody(broken: Office, left: tuple[Office, Path]) -> None:
    """A false lookup lies aside without whom it was of and who asked."""
    changed(broken, lambda c: _again(c, lookups, id=17, subject="330100099", requester_id="C-330100099"))
    assert repaired(broken, left[1]).left == ()
    (aside,) = (broken.archive / "aside").rglob("rows.jsonl")
    assert '"id": 17' in aside.read_text(encoding="utf-8")
    assert "330100099" not in aside.read_text(encoding="utf-8")
