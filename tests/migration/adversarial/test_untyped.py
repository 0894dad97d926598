"""Columns of SQLite that hold numbers and texts side by side."""

from flows import relocation
from flows.wiring import Office
from migration import environment
from migration.freeze import Frozen
from migration.mapping import Mapping
from migration.verifying import verify
from migration.verifying.entries import entries
from tests.migration.acceptance import writing
from tests.migration.acceptance.pipeline import migrate
from tests.migration.acceptance.places import Places


def test_numbers_that_become_texts_are_said(office: Office, places: Places) -> None:
    """A column without a type that holds 1 beside 'x' holds '1' in the target: a declared loss, not the same."""
    source = places.fresh("sqlite")
    writing.run(
        source, "CREATE TABLE a (id integer PRIMARY KEY, m, n)", "INSERT INTO a VALUES (1, 1, 2.0), (2, 'x', 1)"
    )
    losses = migrate(office, places.run(), source, places.fresh("sqlite")).losses
    assert [place for code, place, carry in losses if (code, carry) == ("D624", "declared")] == ["a.m", "a.n"]


def test_any_of_a_strict_table_is_a_column_without_a_type(office: Office, places: Places) -> None:
    """ANY of a STRICT table keeps digits as text beside numbers: what that loses is said, and digits alone lose nothing."""
    source, target = places.fresh("sqlite"), places.fresh("sqlite")
    writing.run(source, "CREATE TABLE a (id integer PRIMARY KEY, m ANY, n ANY) STRICT")
    writing.fill(source, "a", [(1, 1, "007"), (2, "x", "1e5"), (3, "007", "x")])
    done = migrate(office, places.run(), source, target)
    told = [place for code, place, carry in done.losses if (code, carry) == ("D624", "declared")]
    assert (told, done.report.rows) == (["a.m"], 3)


def test_numbers_of_any_size_arrive(office: Office, places: Places) -> None:
    """Numbers beyond 64 bits, and numerals beside texts in a column that makes numbers of them, are the same again."""
    source, target = places.fresh("sqlite"), places.fresh("sqlite")
    writing.run(source, "CREATE TABLE a (id integer PRIMARY KEY, n numeric, s string)")
    rows = [(1, 12345678901234567890.0, "007"), (2, 1e100, "x"), (3, 0.1, 2.5), (4, -(2**63), "1e5"), (5, None, "")]
    writing.fill(source, "a", rows)
    assert migrate(office, places.run(), source, target).report.rows == 5


def test_digits_are_not_the_number(office: Office, places: Places) -> None:
    """Where a column of whole numbers holds a text of the same digits since, the comparison does not say equal."""
    source, target = places.fresh("sqlite"), places.fresh("sqlite")
    writing.run(source, "CREATE TABLE a (id integer PRIMARY KEY, n)", "INSERT INTO a VALUES (1, 5)")
    done = migrate(office, places.run(), source, target)
    writing.run(target, "UPDATE a SET n = '5'")
    where = environment.target(relocation.address(target))
    assert not verify(Frozen.open(done.folder.freeze), done.plan, Mapping(), where, done.folder.path).equal
    assert list(entries(done.folder / "differences.csv")) == [("D615", "a", '"1"', "n")]
