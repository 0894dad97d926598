"""What stands in a target though nothing of the kind was frozen is named, and the rest of the comparison goes on."""

from dataclasses import replace
from pathlib import Path

import pytest

from formats.digest import sha256
from migration.catalog import TableName
from migration.engines.generic import GenericTarget
from migration.engines.sqlite import SqliteTarget
from migration.verifying import Verdict, named
from migration.verifying.entries import entries
from tests.mariadb_server import MariaDB
from tests.migration.acceptance import writing
from tests.migration.workshop import Workshop

Places = list[tuple[str, str, str, str]]
ROWS = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a migration."""
    made = tmp_path / "migration"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def migrated(tmp_path: Path, folder: Path) -> Workshop:
    """A table with a key of numbers, one with a key of texts, and one without; all equal in a file of SQLite."""
    source, target = (SqliteTarget(f"sqlite:///{tmp_path / name}") for name in ("source.db", "target.db"))
    workshop = Workshop("sqlite", source, target, folder)
    fill(workshop)
    assert workshop.verify(*workshop.migrated()).equal
    return workshop


def fill(workshop: Workshop) -> None:
    """Sixty rows with a key of numbers, thirty with one of texts, twenty without."""
    rows = [(str(n), f"2024-01-{n % 28 + 1:02}", f"{n}.50") for n in range(1, ROWS + 1)]
    workshop.make("pay", {"id": "integer", "paid": "date", "amount": "decimal(9,2)"}, rows, ["id"])
    workshop.make("code", {"code": "varchar(9)", "n": "integer"}, [(f"k{n:03}", str(n)) for n in range(30)], ["code"])
    workshop.make("note", {"day": "date", "text": "varchar(9)"}, [("2024-02-03", f"t{n % 7}") for n in range(20)])


def look(workshop: Workshop, *statements: str) -> tuple[Verdict, Places]:
    """What verifying says, and the places in its list, after these statements in the target."""
    writing.run(workshop.target.url, *statements)  # type: ignore[attr-defined]
    verdict = workshop.verify(*workshop.freeze())
    return verdict, list(entries(workshop.folder / "differences.csv"))


def test_values_of_another_kind_are_named_by_their_rows(migrated: Workshop) -> None:
    """Two dates that are none: each is named by table, key and column, and so is what differs in every other cell."""
    verdict, found = look(
        migrated,
        "UPDATE pay SET paid = 'nonsense' WHERE id IN (12, 46)",
        "UPDATE pay SET paid = '2024-02-31', amount = 99 WHERE id = 47",
        "UPDATE pay SET amount = 7 WHERE id = 13",
        "DELETE FROM pay WHERE id = 20",
        "INSERT INTO pay VALUES (99, '2024-01-01', 1)",
    )
    assert found == [
        ("D615", "pay", '"12"', "paid"),
        ("D663", "pay", '"13"', "amount"),
        ("D661", "pay", '"20"', ""),
        ("D615", "pay", '"46"', "paid"),
        ("D613", "pay", '"47"', "paid"),
        ("D663", "pay", '"47"', "amount"),
        ("D662", "pay", '"99"', ""),
    ]
    pay = next(table for table in verdict.tables if table.source == "pay")
    assert (pay.rows, pay.found_rows, pay.chunks, pay.equal_chunks, pay.differences) == (60, 60, 6, 3, 7)
    assert not verdict.equal
    assert [table.differences for table in verdict.tables if table.source != "pay"] == [0, 0]


def test_rows_without_a_key_are_rows_too_many(migrated: Workshop) -> None:
    """SQLite lets NULL into a key of texts: such rows lie in no range, and are named beside what else differs."""
    verdict, found = look(
        migrated,
        "ALTER TABLE code RENAME TO was",
        'CREATE TABLE code (code varchar(9), n integer, PRIMARY KEY ("code"))',
        "INSERT INTO code SELECT * FROM was",
        "DROP TABLE was",
        "INSERT INTO code VALUES (NULL, 1), (NULL, 2)",
        "UPDATE code SET n = 77 WHERE code IN ('k003', 'k025')",
    )
    assert found == [
        ("D662", "code", "NULL", "code"),
        ("D662", "code", "NULL", "code"),
        ("D663", "code", '"k003"', "n"),
        ("D663", "code", '"k025"', "n"),
    ]
    code = next(table for table in verdict.tables if table.source == "code")
    assert (code.found_rows, code.differences, code.equal_chunks) == (32, 4, 1)


def test_a_table_without_a_key_is_compared_without_the_column(migrated: Workshop) -> None:
    """Where no key says which row it is, the column is named, and the other cells are compared as a bag of rows."""
    verdict, found = look(
        migrated,
        "UPDATE note SET day = 'nonsense' WHERE rowid = 3",
        "DELETE FROM note WHERE rowid IN (SELECT rowid FROM note WHERE text = 't5' LIMIT 1)",
    )
    assert found == [("D615", "note", "", "day"), ("D664", "note", '"t5"', "")]
    note = next(table for table in verdict.tables if table.source == "note")
    assert (note.found_rows, note.differences, note.equal_chunks < note.chunks) == (19, 2, True)


def test_a_table_of_which_nothing_can_be_read_differs(migrated: Workshop) -> None:
    """A key that is a number no longer: the table differs, nothing of it counts as found, the others are compared."""
    verdict, found = look(
        migrated,
        "DROP TABLE pay",
        "CREATE TABLE pay (id integer, paid date, amount decimal(9,2))",
        "INSERT INTO pay VALUES ('x', '2024-01-01', 1)",
        "UPDATE code SET n = 77 WHERE code = 'k003'",
    )
    pay = next(table for table in verdict.tables if table.source == "pay")
    assert (pay.found_rows, pay.equal_chunks, verdict.equal) == (0, 0, False)
    assert {(code, table) for code, table, *_ in found} == {("D615", "pay"), ("D663", "code")}


def test_processes_name_the_same(migrated: Workshop) -> None:
    """What two processes find is what one finds."""
    alone, found = look(migrated, "UPDATE pay SET paid = 'nonsense' WHERE id IN (12, 55)")
    frozen, plan = migrated.freeze()
    together = migrated.verify(frozen, plan, workers=2)
    assert together.differences == alone.differences
    assert (together.root, together.found_root, len(found)) == (alone.root, alone.found_root, 2)


def test_days_that_do_not_exist_in_mariadb(tmp_path: Path, folder: Path, mariadb_server: MariaDB) -> None:
    """A zero date that came into the target is D613 with its key; the row's other cells and its table are compared."""
    from migration.engines.mariadb import MariadbTarget

    with mariadb_server.database() as source, mariadb_server.database() as target:
        workshop = Workshop("mariadb", MariadbTarget(source), MariadbTarget(target), folder)
        rows = "SELECT seq, '2024-01-05', seq FROM seq_1_to_60"
        for url in (source, target):
            table = "CREATE TABLE pay (id int NOT NULL PRIMARY KEY, paid date, amount int)"
            writing.run(url, table, f"INSERT INTO pay {rows}")
        frozen, plan = workshop.freeze()
        assert workshop.verify(frozen, plan).equal
        writing.run(
            target, "UPDATE pay SET paid = '0000-00-00' WHERE id = 33", "UPDATE pay SET amount = 0 WHERE id = 34"
        )
        verdict = workshop.verify(frozen, plan)
    assert list(entries(folder / "differences.csv")) == [
        ("D613", "pay", '"33"', "paid"),
        ("D663", "pay", '"34"', "amount"),
    ]
    assert (verdict.tables[0].differences, verdict.tables[0].equal_chunks) == (2, 5)


def test_the_generic_engine_names_them_too(migrated: Workshop) -> None:
    """An engine that sorts in memory: a row without a key, and a value of another kind in a table with a key."""
    generic = replace(migrated, target=GenericTarget(migrated.target.url))  # type: ignore[attr-defined]
    writing.run(
        migrated.target.url,  # type: ignore[attr-defined]
        "ALTER TABLE code RENAME TO was",
        "CREATE TABLE code (code varchar(9) PRIMARY KEY, n integer)",
        "INSERT INTO code SELECT * FROM was",
        "DROP TABLE was",
        "INSERT INTO code VALUES (NULL, 1)",
        "UPDATE code SET n = 'x' WHERE code = 'k004'",
    )
    verdict = generic.verify(*migrated.freeze())
    assert set(entries(generic.folder / "differences.csv")) == {
        ("D662", "code", "NULL", "code"),
        ("D615", "code", "", "n"),
    }
    assert not verdict.equal


def test_a_row_without_a_key_is_shown_by_a_digest(migrated: Workshop) -> None:
    """Of a whole row only twelve digits of its SHA-256 are shown; the key of a table that has one is shown."""
    writing.run(
        migrated.target.url,  # type: ignore[attr-defined]
        "INSERT INTO note VALUES ('2024-02-04', '张三')",
        "DELETE FROM pay WHERE id = 7",
    )
    frozen, plan = migrated.freeze()
    migrated.verify(frozen, plan)
    shown = {(one.code, one.table, one.key) for one in named(migrated.folder / "differences.csv", plan)}
    digest = sha256('"2024-02-04","张三"\n'.encode())[:12]
    assert shown == {("D662", "note", f"row {digest}"), ("D661", "pay", '"7"')}
    assert TableName("", "note") in {table.source for table in plan.tables}
