"""A row that lies in no range of keys is not overlooked."""

import pytest

from flows import relocation
from flows.wiring import Office
from migration import column_planning, environment
from migration.engine import Reading
from migration.engines.postgresql import PostgresqlSource
from migration.freeze import Frozen
from migration.mapping import Mapping
from migration.verifying import verify
from migration.verifying.entries import entries
from tests.migration.acceptance import writing
from tests.migration.acceptance.pipeline import migrate
from tests.migration.acceptance.places import Places

LOOSENED = {
    "postgresql": (
        "ALTER TABLE a DROP CONSTRAINT a_pkey",
        "ALTER TABLE a ALTER id DROP IDENTITY, ALTER id DROP NOT NULL",
    ),
    "mariadb": ("ALTER TABLE a DROP PRIMARY KEY, ADD INDEX (id), MODIFY id int NULL",),
}


@pytest.mark.parametrize("engine", LOOSENED)
def test_a_row_without_a_key_is_seen(engine: str, office: Office, places: Places) -> None:
    """Rows with NULL in the key, possible once the target's key is gone, are rows too many; all else is compared."""
    source, target = places.fresh("sqlite"), places.fresh(engine)
    writing.run(source, "CREATE TABLE a (id integer NOT NULL PRIMARY KEY, v text)")
    writing.fill(source, "a", [(number, "x" * 20_000) for number in range(900)])
    done = migrate(office, places.run(), source, target)
    assert len(list(Frozen.open(done.folder.freeze).chunks(1))) > 1
    writing.run(
        target, *LOOSENED[engine], "INSERT INTO a VALUES (NULL, 'ghost')", "UPDATE a SET v = 'y' WHERE id = 850"
    )
    where = environment.target(relocation.address(target))
    found = verify(Frozen.open(done.folder.freeze), done.plan, Mapping(), where, done.folder.path)
    assert (found.equal, found.tables[0].found_rows, found.tables[0].differences) == (False, 901, 2)
    assert sorted(entries(done.folder / "differences.csv")) == [
        ("D662", "a", "NULL", "id"),
        ("D663", "a", '"850"', "v"),
    ]


def test_a_collation_is_not_known_by_its_name(places: Places) -> None:
    """A collation that somebody named "C" says nothing of its order, so its column is not read in ranges."""
    url = places.fresh("postgresql")
    writing.run(
        url,
        "CREATE COLLATION public.\"C\" (provider = libc, locale = 'C')",
        'CREATE TABLE a (k text COLLATE public."C" PRIMARY KEY)',
        'CREATE TABLE b (k text COLLATE pg_catalog."C" PRIMARY KEY)',
    )
    source = PostgresqlSource(url)
    with source.snapshot() as snapshot:
        found = {table.name.name: table for table in source.catalog().tables}
        ranged = {
            name: snapshot.ranged(
                Reading(
                    table.name,
                    column_planning.reading(source.catalog(), table, Mapping()).columns,
                    ("k",),
                )
            )
            for name, table in found.items()
        }
    assert ranged == {"a": False, "b": True}
