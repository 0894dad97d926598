"""Faults planted in a real target: each is found, and named by table, key and column."""

from dataclasses import replace

import pytest

from formats import merkle
from formats.digest import sha256
from formats.errors import IntegrityError
from migration.canon import Cells
from migration.verifying import Verdict, leaf
from tests.migration.workshop import Workshop, named

NAMES = ("张三", "李四", "a|b", "<null>", "", "x ", "X", "\f\v", "e\u0301", "O'Hara")
KEYED = {"id": "integer", "name": "text", "amount": "numeric(12,2)", "paid": "date", "note": "text"}
KEYLESS = {"town": "text", "persons": "integer"}


def rows(count: int) -> list[Cells]:
    """Rows 10, 20, 30 … of the keyed table; every third note is NULL, every fifth empty."""
    notes = (None if n % 3 == 0 else "" if n % 5 == 0 else f"n{n}" for n in range(1, count + 1))
    return [
        (str(n * 10), NAMES[n % len(NAMES)], f"{n}.01", f"2024-01-{n % 28 + 1:02}", note)
        for n, note in enumerate(notes, 1)
    ]


def towns() -> list[Cells]:
    """Rows of the table without a key: some of them three times."""
    return [(f"镇{n % 9}", str(n % 3)) for n in range(24)] + [("镇x", None), (None, "7"), (None, None)]


@pytest.fixture
def migrated(workshop: Workshop) -> Workshop:
    """A workshop whose target is equal: 43 rows with a key in five chunks, 27 without in three."""
    workshop.make("contrib", KEYED, rows(43), ["id"])
    workshop.make("towns", KEYLESS, towns())
    frozen, plan = workshop.migrated()
    verdict = workshop.verify(frozen, plan)
    assert verdict.equal
    assert [(one.rows, one.found_rows, one.chunks, one.equal_chunks) for one in verdict.tables] == [
        (43, 43, 5, 5),
        (27, 27, 3, 3),
    ]
    return workshop


def look(workshop: Workshop, *statements: str) -> tuple[Verdict, list[Cells]]:
    """What verifying says after these statements in the target."""
    workshop.target.execute(
        [
            one.format(contrib=named(workshop.table("contrib")), towns=named(workshop.table("towns")))
            for one in statements
        ]
    )
    return workshop.verify(*workshop.freeze())


CELLS = {
    "one cent": ("50", "amount = amount + 0.01", "amount", "5.01", "5.02"),
    "one code point": ("100", "name = '张𠀀'", "name", "张三", "张𠀀"),
    "a composed letter": ("80", "name = 'é'", "name", "e\u0301", "é"),
    "a trailing blank": ("50", "name = 'x'", "name", "x ", "x"),
    "a letter's case": ("60", "name = 'x'", "name", "X", "x"),
    "empty for NULL": ("30", "note = ''", "note", None, ""),
    "NULL for empty": ("50", "note = NULL", "note", "", None),
    "NULL for <null>": ("30", "name = NULL", "name", "<null>", None),
    "f and v for form feed and tab": ("70", "name = 'fv'", "name", "\f\v", "fv"),
    "one day": ("70", "paid = '2024-01-09'", "paid", "2024-01-08", "2024-01-09"),
    "the first row": ("10", "note = 'N1'", "note", "n1", "N1"),
    "the last row": ("430", "note = 'N43'", "note", "n43", "N43"),
}


@pytest.mark.parametrize("fault", CELLS.values(), ids=CELLS)
def test_a_changed_cell_is_named(migrated: Workshop, fault: tuple[str, str, str, str | None, str | None]) -> None:
    """A cell that differs by the least is found: table, key, column and both values stand in the list."""
    key, change, *entry = fault
    verdict = look(migrated, f"UPDATE {{contrib}} SET {change} WHERE id = {key}")
    assert not verdict.equal
    assert migrated.listed() == [("D663", str(migrated.table("contrib")), f'"{key}"', *entry)]
    assert [one.differences for one in verdict.tables] == [1, 0]
    assert [one.chunks - one.equal_chunks for one in verdict.tables] == [1, 0]
    assert [one.found_rows for one in verdict.tables] == [43, 27]


@pytest.mark.parametrize("key", [1, 11, 105, 201, 435], ids=str)
def test_a_row_too_many_is_named(migrated: Workshop, key: int) -> None:
    """An extra row is found wherever its key lies: below and above all others, between two, at a chunk's border."""
    verdict = look(migrated, f"INSERT INTO {{contrib}} (id, amount) VALUES ({key}, 1)")
    assert migrated.listed() == [("D662", str(migrated.table("contrib")), f'"{key}"', "", None, None)]
    assert verdict.tables[0].found_rows == 44
    assert not verdict.equal


@pytest.mark.parametrize("key", [10, 100, 110, 430], ids=str)
def test_a_lost_row_is_named(migrated: Workshop, key: int) -> None:
    """A missing row is found: the first, the last, those at a chunk's border."""
    verdict = look(migrated, f"DELETE FROM {{contrib}} WHERE id = {key}")
    assert migrated.listed() == [("D661", str(migrated.table("contrib")), f'"{key}"', "", None, None)]
    assert not verdict.equal


def test_equal_counts_are_no_proof(migrated: Workshop) -> None:
    """A row less and another row more: the counts are the same, the verdict is not."""
    verdict = look(
        migrated, "DELETE FROM {contrib} WHERE id = 200", "INSERT INTO {contrib} (id, amount) VALUES (205, 1)"
    )
    assert [one.found_rows for one in verdict.tables] == [43, 27]
    assert [(entry[0], entry[2]) for entry in migrated.listed()] == [("D661", '"200"'), ("D662", '"205"')]
    assert not verdict.equal


def test_exchanged_values_are_named(migrated: Workshop) -> None:
    """Two rows that have exchanged their values, so that every column's sum stays: four cells are named."""
    verdict = look(
        migrated,
        "UPDATE {contrib} SET amount = 33.01, paid = '2024-01-06' WHERE id = 120",
        "UPDATE {contrib} SET amount = 12.01, paid = '2024-01-13' WHERE id = 330",
    )
    found = [(entry[2], *entry[3:]) for entry in migrated.listed()]
    assert found == [
        ('"120"', "amount", "12.01", "33.01"),
        ('"120"', "paid", "2024-01-13", "2024-01-06"),
        ('"330"', "amount", "33.01", "12.01"),
        ('"330"', "paid", "2024-01-06", "2024-01-13"),
    ]
    assert verdict.tables[0].chunks - verdict.tables[0].equal_chunks == 2


def test_exchanged_columns_are_named(migrated: Workshop) -> None:
    """Two columns of a row that have exchanged their values: both are named."""
    look(migrated, "UPDATE {contrib} SET name = note, note = name WHERE id = 110")
    assert [entry[3:] for entry in migrated.listed()] == [("name", "李四", "n11"), ("note", "n11", "李四")]


@pytest.mark.parametrize(
    ("statement", "entries"),
    [
        ("INSERT INTO {towns} VALUES ('镇1', 1)", [("D664", '"镇1","1"')]),
        ("INSERT INTO {towns} VALUES (NULL, NULL)", [("D664", "NULL,NULL")]),
        ("INSERT INTO {towns} VALUES ('', NULL)", [("D662", '"",NULL')]),
        ("INSERT INTO {towns} VALUES ('龟', 1)", [("D662", '"龟","1"')]),
        ("DELETE FROM {towns} WHERE town = '镇x'", [("D661", '"镇x",NULL')]),
        (
            "DELETE FROM {towns} WHERE town = '镇1'",
            [("D661", '"镇1","1"')] * 3,
        ),
        ("UPDATE {towns} SET persons = 8 WHERE persons = 7", [("D661", 'NULL,"7"'), ("D662", 'NULL,"8"')]),
    ],
)
def test_a_table_without_a_key_is_a_bag_of_rows(
    migrated: Workshop, statement: str, entries: list[tuple[str, str]]
) -> None:
    """Rows that are alike are counted: one too often, one too seldom and another one are told apart."""
    verdict = look(migrated, statement)
    assert [(entry[0], entry[2]) for entry in migrated.listed()] == entries
    assert [one.differences for one in verdict.tables] == [0, len(entries)]
    assert not verdict.equal


def test_the_list_is_for_the_operator_alone(migrated: Workshop) -> None:
    """The list of differences has mode 0600 and its digest is the verdict's; a later one takes its place."""
    verdict = look(migrated, "DELETE FROM {contrib} WHERE id > 200")
    path = migrated.folder / "differences.csv"
    assert path.stat().st_mode & 0o777 == 0o600
    assert (verdict.differences.lines, verdict.differences.sha256) == (23, sha256(path.read_bytes()))
    assert {entry[0] for entry in migrated.listed()} == {"D661"}


def test_processes_find_the_same(migrated: Workshop) -> None:
    """Two processes give the verdict and the list of one."""
    changes = ("UPDATE {contrib} SET note = 'y' WHERE id > 150", "DELETE FROM {towns} WHERE persons = 2")
    alone = look(migrated, *changes)
    entries = migrated.listed()
    frozen, plan = migrated.freeze()
    together = migrated.verify(frozen, plan, workers=2)
    assert migrated.listed() == entries
    assert len(entries) > 20
    assert together.differences == alone.differences
    strip = [replace(one, seconds=0.0) for one in together.tables]
    assert strip == [replace(one, seconds=0.0) for one in alone.tables]
    assert (together.root, together.found_root) == (alone.root, alone.found_root)


def test_roots_are_trees_of_the_leaves(migrated: Workshop) -> None:
    """A table's root is the RFC 9162 tree over its chunks' table, number, rows and digest: anyone computes it again."""
    frozen, plan = migrated.freeze()
    verdict = migrated.verify(frozen, plan)
    leaves = [
        [leaf(one.table, one.chunk, one.rows, one.sha256) for one in frozen.chunks(table.number)]
        for table in plan.tables
    ]
    assert [one.root for one in verdict.tables] == [merkle.root_of(own).hex() for own in leaves]
    assert verdict.root == verdict.found_root == merkle.root_of(line for own in leaves for line in own).hex()


def test_a_missing_table_or_column_is_no_verdict(migrated: Workshop) -> None:
    """A target without one of the plan's tables or columns is refused with their names."""
    with pytest.raises(IntegrityError) as refusal:
        look(migrated, "DROP TABLE {towns}", "ALTER TABLE {contrib} RENAME COLUMN note TO remark")
    assert refusal.value.code == "D666"
    assert "towns" in refusal.value.detail
    assert "contrib.note" in refusal.value.detail
