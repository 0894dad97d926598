"""Numbers that environments write in more than one way: kept as they are, or told."""

import pytest

from flows import relocation
from flows.relocation import PROOF
from flows.wiring import Office
from migration import environment, proof
from migration.freeze import Frozen
from migration.mapping import Mapping
from migration.proof import Proof
from migration.verifying import verify
from tests.migration.acceptance import writing
from tests.migration.acceptance.pipeline import Done, migrate
from tests.migration.acceptance.places import Places

ZEROS = [("1", "1.50"), ("2", "1.5"), ("3", "100.000"), ("4", "0.00"), ("5", "-0.10"), ("6", "7"), ("7", "1e3")]
# Doubles whose shortest digits lie exactly between two of them: PostgreSQL writes one digit more than all others.
TIED = ("1.8014398509481992e+16", "3.6028797018963984e+16", "-5.7646075230342323e+17")
NUMBERS = "CREATE TABLE a (id int PRIMARY KEY, n numeric, m numeric(9,2))"


def proven(done: Done) -> Proof:
    """The signed proof of a migration."""
    return proof.decode((done.folder / PROOF).read_bytes())


def numbers(places: Places) -> str:
    """A PostgreSQL database of numbers with zeros at their end."""
    source = places.fresh("postgresql")
    writing.run(source, NUMBERS, "CREATE TABLE b (n numeric, k text)")
    writing.run(source, *(f"INSERT INTO a VALUES ({key}, '{number}', 5)" for key, number in ZEROS))
    writing.run(source, "INSERT INTO b VALUES ('1.5', 'b'), ('1.50', 'a'), ('2.00', 'a')")
    return source


def test_postgresql_keeps_the_zeros_at_the_end_of_a_number(office: Office, places: Places) -> None:
    """1.50 is 1.50 in the target too, without a loss; a target that has 1.5 instead is not equal."""
    source, target = numbers(places), places.fresh("postgresql")
    done = migrate(office, places.run(), source, target)
    assert done.losses == [("D622", "public.b", "exact")]
    for table in ("a", "b"):
        before, after = ([tuple(map(str, row)) for row in writing.rows(url, table)] for url in (source, target))
        assert sorted(before) == sorted(after)
    assert ("1", "1.50", "5.00") in [tuple(map(str, row)) for row in writing.rows(target, "a")]
    writing.run(target, "UPDATE a SET n = trim_scale(n)")
    where = environment.target(relocation.address(target))
    found = verify(Frozen.open(done.folder.freeze), done.plan, Mapping(), where, done.folder.path)
    assert found.tables[0].differences == 4


@pytest.mark.parametrize("engine", ["mariadb", "sqlite"])
def test_other_environments_are_told_to_drop_them(engine: str, office: Office, places: Places) -> None:
    """The plan names each column whose zeros are not kept; the values are equal, and a changed one is found."""
    source, target = numbers(places), places.fresh(engine)
    done = migrate(office, places.run(), source, target)
    told = {loss.place for loss in done.plan.losses if "1.50 is 1.5" in loss.detail}
    assert told == {"public.a.n", "public.b.n"}
    assert {loss.code for loss in done.plan.losses if loss.place in told} == {"D624"}
    writing.run(target, "UPDATE a SET n = 1.6 WHERE id = 1")
    where = environment.target(relocation.address(target))
    found = verify(Frozen.open(done.folder.freeze), done.plan, Mapping(), where, done.folder.path)
    assert [table.differences for table in found.tables] == [1, 0]


@pytest.mark.parametrize("engine", ["mariadb", "sqlite"])
def test_a_double_of_other_digits_is_the_same_double(engine: str, office: Office, places: Places) -> None:
    """Three doubles that the target writes shorter are equal, and counted; another double is a difference."""
    source, target = places.fresh("postgresql"), places.fresh(engine)
    rows = ", ".join(f"({key}, '{number}')" for key, number in enumerate((*TIED, "0.1", "1e300", "-1e15")))
    writing.run(source, "CREATE TABLE a (id int PRIMARY KEY, d float8)", f"INSERT INTO a VALUES {rows}")
    done = migrate(office, places.run(), source, target)
    found = proven(done)
    assert (found.verdict, found.tables[0].spelled, found.tables[0].differences) == ("equal", len(TIED), 0)
    assert found.root == found.target_root
    writing.run(target, "UPDATE a SET d = 18014398509481996 WHERE id = 0")
    where = environment.target(relocation.address(target))
    again = verify(Frozen.open(done.folder.freeze), done.plan, Mapping(), where, done.folder.path)
    assert (again.equal, again.tables[0].differences) == (False, 1)
