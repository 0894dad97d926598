"""The drill's comparison: a restored office against the one that was backed up."""

from pathlib import Path

import pytest
from sqlalchemy import delete, update

from archive.audit.report import Problem
from archive.backup import drill
from archive.backup.drill import Compared, Side
from archive.backup.folder_place import FolderPlace
from archive.tables import journal, members, originals
from archive.upkeep_tables import gone, tombstones
from formats.digest import sha256
from tests.archive.backup.offices import Office, opened, original
from tests.archive.backup.test_backing import damage
from tests.archive.backup.test_restoring import restore


@pytest.fixture
def pair(backed_up: tuple[Office, Path], tmp_path: Path) -> tuple[Office, Office]:
    """An office with a backup, and what was restored from it."""
    place = FolderPlace(backed_up[1])
    return backed_up[0].copied(tmp_path / "home"), restore(place, tmp_path / "back")


def compared(pair: tuple[Office, Office], backed_up: tuple[Office, Path]) -> Compared:
    """Compare the two."""
    entries = opened(FolderPlace(backed_up[1])).snapshot.entries
    with pair[0].open() as (ledger, store), pair[1].open() as (other, copies):
        return drill.compare(Side(ledger, store.read), Side(other, copies.read), entries)


def test_a_good_restore_compares_equal(pair: tuple[Office, Office], backed_up: tuple[Office, Path]) -> None:
    """Every original and row is compared and nothing differs; what was kept since is counted."""
    pair[0].keep([500, 501])
    found = compared(pair, backed_up)
    assert (found.originals, found.bytes, found.newer, found.problems) == (29, 29 * 900, 2, ())
    assert found.rows > 29 * 2


DAMAGES = {
    "restored bytes": (1, None, Problem("A502", sha256(original(24)), "restored")),
    "own bytes": (0, None, Problem("A502", sha256(original(24)), "own")),
    "restored row": (
        1,
        update(originals).where(originals.c.digest == sha256(original(3))).values(case_number="C9"),
        Problem("A507", "originals 4"),
    ),
    "own row": (
        0,
        update(members).where(members.c.digest == sha256(original(3))).values(place=88),
        Problem("A507", f"members {sha256(original(3))}"),
    ),
    "own row gone": (
        0,
        delete(originals).where(originals.c.digest == sha256(original(3))),
        Problem("A507", "originals 4"),
    ),
    "own entry": (0, update(journal).where(journal.c.n == 5).values(why="because"), Problem("A504", "journal 5")),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_every_difference_is_named(pair: tuple[Office, Office], backed_up: tuple[Office, Path], kind: str) -> None:
    """A bit or a row that differs on either side is named, and nothing else."""
    side, statement, problem = DAMAGES[kind]
    if statement is None:
        damage(pair[side].archive / "open/00000004.tar", 600)
    else:
        with pair[side].open() as (ledger, _), ledger.writing() as connection:
            connection.execute(statement)
    found = compared(pair, backed_up).problems
    assert problem in found
    assert len(found) == 1 or kind == "own row"  # a member with another place cannot be read either


def test_what_went_lawfully_is_no_problem(pair: tuple[Office, Office], backed_up: tuple[Office, Path]) -> None:
    """An original destroyed since the snapshot has a tombstone, and its row a leaf: the drill does not name it."""
    from archive.backup.drill import MEMBERS, ORIGINALS
    from formats.merkle import leaf_hash

    digest = sha256(original(3))
    with pair[0].open() as (ledger, _), ledger.writing() as connection:
        for covered in (MEMBERS, ORIGINALS):
            which = covered.table.c.digest == digest
            row = connection.execute(covered.table.select().where(which)).mappings().one()
            leaf = leaf_hash(covered.line(row)).hex()
            values = {"entry": row["entry"], "place": 3, "leaf": leaf, "order_digest": "o"}
            connection.execute(gone.insert(), values)
            connection.execute(delete(covered.table).where(which))
        texts = ("digest", "kind", "direction", "partner", "case_number", "kept_at", "destroyed", "order_digest")
        connection.execute(tombstones.insert(), {**dict.fromkeys(texts, "x"), "digest": digest, "bytes": 1, "entry": 1})
    assert compared(pair, backed_up).problems == ()
