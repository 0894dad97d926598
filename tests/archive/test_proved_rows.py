"""Rows with an entry each: what was changed, removed or inserted by hand is found, and nothing rests on it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, insert, select, update

from archive import holds, journal, proved_rows, registry
from archive.audit import audit
from archive.ledger import Ledger
from archive.proved_rows import ALL, HOLDS, LOOKUPS, Proved
from archive.tables import journal as entries
from archive.tables import originals
from archive.upkeep_tables import gone, lookups, witnessed
from archive.upkeep_tables import holds as hold_table
from formats import merkle
from formats.digest import sha256
from formats.errors import IntegrityError
from tests.archive.audit.small import AT, keep_batch, leave_rows
from tests.archive.stores import store_in


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A ledger with three holds, the second lifted, three lookups, two heads of a partner."""
    with Ledger.create(database_url) as made:
        leave_rows(made)
        yield made


def found(ledger: Ledger, proved: tuple[Proved, ...] = ALL) -> list[tuple[str, str, bool]]:
    """What is wrong: name, how, whether an entry is named."""
    with ledger.reading() as connection:
        return [
            (item.name, item.how, item.entry > 0) for each in proved for item in proved_rows.differing(connection, each)
        ]


def _copy(connection: Connection, table: Table, **values: Any) -> None:
    row = dict(connection.execute(select(table).limit(1)).mappings().one())
    connection.execute(insert(table), {**row, **values})


CHANGED, MISSING, INSERTED = proved_rows.CHANGED, proved_rows.MISSING, proved_rows.INSERTED
_OTHER = f"44030001 7 {'0b' * 32}"

DAMAGES: dict[str, tuple[Callable[[Connection], object], list[tuple[str, str, bool]]]] = {
    "a hold removed": (lambda c: c.execute(delete(hold_table).where(hold_table.c.id == 1)), [("holds 1", MISSING, True)]),
    "all holds removed": (
        lambda c: c.execute(delete(hold_table)),
        [("holds 1", MISSING, True), ("holds 2", MISSING, True), ("holds 3", MISSING, True)],
    ),
    "a hold lifted by hand": (
        lambda c: c.execute(update(hold_table).where(hold_table.c.id == 3).values(lifted="2026-11-22T08:00:00Z")),
        [("holds 3", CHANGED, True)],
    ),
    "a lifted hold that holds again": (
        lambda c: c.execute(update(hold_table).where(hold_table.c.id == 2).values(lifted="", lifted_by="")),
        [("holds 2", CHANGED, True)],
    ),
    "a hold on another case": (
        lambda c: c.execute(update(hold_table).where(hold_table.c.id == 1).values(case_number="33010001-2026-000901")),
        [("holds 1", CHANGED, True)],
    ),
    "a hold of nobody": (lambda c: _copy(c, hold_table, id=9), [("holds 9", INSERTED, False)]),
    "a lookup removed": (lambda c: c.execute(delete(lookups).where(lookups.c.id == 1)), [("lookups 1", MISSING, True)]),
    "a counted lookup removed": (
        lambda c: c.execute(delete(lookups).where(lookups.c.id == 3)),
        [("lookups 3", MISSING, True)],
    ),
    "a false lookup": (lambda c: _copy(c, lookups, id=17, subject="9"), [("lookups 17", INSERTED, False)]),
    "a lookup of another": (
        lambda c: c.execute(update(lookups).where(lookups.c.id == 2).values(subject="9")),
        [("lookups 2", CHANGED, True)],
    ),
    "a partner's note": (
        lambda c: c.execute(update(witnessed).where(witnessed.c.size == 7).values(note="nothing")),
        [(f"witnessed {_OTHER}", CHANGED, True)],
    ),
    "a partner's head removed": (
        lambda c: c.execute(delete(witnessed).where(witnessed.c.size == 7)),
        [(f"witnessed {_OTHER}", MISSING, True)],
    ),
}  # fmt: skip


def test_what_was_entered_is_found_as_it_was(ledger: Ledger) -> None:
    """Holds, lifted or not, lookups of any requester, heads: each row agrees with its entry."""
    assert found(ledger) == []
    with ledger.reading() as connection:
        assert {each.table.name: len(connection.execute(select(each.table)).all()) for each in ALL} == {
            "holds": 3,
            "lookups": 3,
            "backups": 0,
            "witnessed": 2,
        }


@pytest.mark.parametrize("kind", DAMAGES)
def test_every_change_by_hand_is_found(ledger: Ledger, kind: str) -> None:
    """Which row, what became of it, and that its entry can be told where it has one."""
    change, expected = DAMAGES[kind]
    with ledger.writing() as connection:
        change(connection)
    assert found(ledger) == expected
    journal.verify(ledger)


def test_a_number_is_given_out_once(ledger: Ledger) -> None:
    """The last hold and the last lookup removed by hand leave a gap that the next ones do not fill."""
    with ledger.writing() as connection:
        connection.execute(delete(hold_table).where(hold_table.c.id == 3))
    assert holds.place(ledger, "33010001-2026-000902", "a suit", "staff-2", AT).number == 4
    assert found(ledger) == [("holds 3", MISSING, True)]


def test_a_number_that_is_given_out_again_hides_nothing(ledger: Ledger) -> None:
    """Were the counter set back as well, the hold that went is missing all the same."""
    with ledger.writing() as connection:
        connection.execute(delete(hold_table).where(hold_table.c.id == 3))
        values = {"id": 3, "direction": "out", "partner": "44030001", "case_number": "33010001-2026-000900"}
        values |= {"why": "y", "placed": "t", "placed_by": "p", "lifted": "", "lifted_by": "", "salt": "0" * 32}
        connection.execute(insert(hold_table), values)
        what = {"hold": 3, "case": "33010001-2026-000900", "row": proved_rows.digest(hold_table, values)}
        journal.append(connection, journal.Entry("t", "hold-placed", what, "why", "how", "staff-2"))
    assert found(ledger, (HOLDS,)) == [("holds 3", MISSING, True)]


def test_nobody_finds_the_content_by_trying(ledger: Ledger) -> None:
    """Two equal lookups have different digests, and none is that of the row without its salt."""
    with ledger.writing() as connection:
        rows = [dict(row) for row in connection.execute(select(lookups)).mappings()]
    told = [line.what["row"] for line in journal.entries(ledger) if "lookup" in line.what]
    assert told == [proved_rows.digest(lookups, row) for row in rows]
    assert len({row["salt"] for row in rows}) == len(rows)
    assert {len(row["salt"]) for row in rows} == {32}
    for row in rows:
        values = [value for name, value in row.items() if name != "salt"]
        assert sha256(json.dumps(values, separators=(",", ":")).encode()) not in told


def test_a_changed_hold_is_not_lifted(ledger: Ledger) -> None:
    """A507: the entry of the lifting would cover what was changed; the other holds are lifted as ever."""
    with ledger.writing() as connection:
        connection.execute(update(hold_table).where(hold_table.c.id == 1).values(why="nothing"))
    with pytest.raises(IntegrityError, match=r"A507.*holds 1"):
        holds.lift(ledger, 1, "staff-3", AT)
    assert holds.lift(ledger, 3, "staff-3", AT).lifted_by == "staff-3"


def test_an_entry_that_cannot_be_read_is_named(ledger: Ledger) -> None:
    """A504, not an error without a code."""
    with ledger.writing() as connection:
        number = connection.execute(select(entries.c.n).where(entries.c.kind == "looked-up")).scalar_one()
        connection.execute(update(entries).where(entries.c.n == number).values(what="["))
    with pytest.raises(IntegrityError, match=f"A504.*entry {number} "):
        found(ledger, (LOOKUPS,))


def test_the_audit_names_them(ledger: Ledger, tmp_path: Path) -> None:
    """A507 with the row, and the entry as the place where there is one."""
    with ledger.writing() as connection:
        connection.execute(delete(hold_table).where(hold_table.c.id == 3))
        _copy(connection, lookups, id=17)
    store = store_in(tmp_path, ledger)
    problems = audit(ledger, store, store.layout.root, at=AT, patience=0.0).problems
    entry = next(line.n for line in journal.entries(ledger) if line.what.get("hold") == 3)
    assert {(problem.code, problem.subject, problem.place) for problem in problems} == {
        ("A507", "holds 3: the row is missing", f"entry {entry}"),
        ("A507", "lookups 17: no such row was entered", ""),
    }


def test_what_is_gone_by_no_order_hides_nothing(tmp_path: Path) -> None:
    """A removed row whose leaf is put among what went lawfully would leave every root as it was: A507 names the leaf."""
    with Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        store = store_in(tmp_path, ledger)
        keep_batch(ledger, store, 0, Random(1))
        with ledger.writing() as connection:
            row = connection.execute(select(originals).order_by(originals.c.id).limit(1)).mappings().one()
            leaf = merkle.leaf_hash(registry.original_line(dict(row))).hex()
            connection.execute(delete(originals).where(originals.c.id == row["id"]))
            connection.execute(insert(gone).values(entry=row["entry"], place=0, leaf=leaf, order_digest="0" * 64))
        problems = audit(ledger, store, store.layout.root, at=AT, patience=0.0).problems
    named = ("A507", f"gone {row['entry']}/0: no such row was entered", f"entry {row['entry']}")
    assert named in {(problem.code, problem.subject, problem.place) for problem in problems}
