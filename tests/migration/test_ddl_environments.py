"""The statements run in real environments, and what stands there afterwards is what the source had."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from migration import catalog_file, plan_file, planning, surveying
from migration.catalog import Catalog
from migration.copying import copy
from migration.engine import Target
from migration.engines.generic import GenericTarget
from migration.engines.mariadb import MariadbTarget
from migration.engines.postgresql import PostgresqlTarget
from migration.engines.sqlite import SqliteTarget
from migration.freeze import freeze
from migration.mapping import Mapping
from migration.plan import Act, Carry
from migration.verifying import verify
from migration.verifying.structure import structure
from tests.parts import need, shared_data
from tests.servers import PostgreSQL

AT = datetime(2024, 5, 1, tzinfo=UTC)

# Everything at once that a plan has to say: names, types, computed and numbered columns, constraints, objects.
NASTY = """
CREATE TYPE mood AS ENUM ('sad', 'o''k');
CREATE DOMAIN postcode AS varchar(6) CHECK (value ~ '^[0-9]*$');
CREATE SCHEMA "人 员";
CREATE SEQUENCE lone START 40 INCREMENT 2;
CREATE TABLE "人 员"."order" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "desc" text NOT NULL DEFAULT 'x''y', m mood DEFAULT 'sad',
    p postcode, tags text[] DEFAULT '{}', u uuid, j jsonb, b boolean DEFAULT true, n numeric,
    amount numeric(12,2) NOT NULL DEFAULT 0.00 CHECK (amount >= 0), d date DEFAULT current_date,
    ts timestamptz DEFAULT now(), total numeric(14,2) GENERATED ALWAYS AS (amount * 2) STORED, c char(3), r real,
    x bytea, s integer DEFAULT nextval('lone'), state text CHECK (state IN ('a', 'b')),
    weird text CHECK (length(weird) > 2)
);
CREATE TABLE "人 员".child (
    id serial PRIMARY KEY, parent bigint REFERENCES "人 员"."order" (id) ON DELETE CASCADE, small smallint REFERENCES
    "人 员"."order" (id), code text UNIQUE, UNIQUE (parent, code)
);
CREATE INDEX ON "人 员".child (lower(code));
CREATE INDEX child_parent ON "人 员".child (parent, code);
CREATE TABLE nokey (a int, b text);
CREATE VIEW v1 AS SELECT a FROM nokey;
CREATE VIEW a0 AS SELECT a FROM v1;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TRIGGER t BEFORE INSERT ON nokey FOR EACH ROW EXECUTE FUNCTION f();
COMMENT ON TABLE nokey IS 'it''s';
COMMENT ON COLUMN nokey.a IS 'col\\';
INSERT INTO "人 员"."order" (amount, n) VALUES (1, 1.2345);
INSERT INTO "人 员"."order" ("desc", m, p, tags, u, j, b, n, amount, d, ts, c, r, x, state)
    SELECT 'd' || g, 'o''k', '0123', ARRAY['a', 'b "c"'], gen_random_uuid(), '{"a": 1}', g % 2 = 0, round(g / 7.0, 9),
        g * 1.01, date '2020-01-01' + g, now() + g * interval '1 hour', 'x', g / 3.0, '\\x00ff', 'a'
    FROM generate_series(1, 500) AS g;
INSERT INTO nokey SELECT g % 3, 'x' FROM generate_series(1, 50) AS g;
INSERT INTO nokey VALUES (NULL, ''), (NULL, NULL);
INSERT INTO "人 员".child (parent, code) VALUES (1, 'a');
"""


def _script(name: str) -> str:
    if name == "nasty":
        return NASTY
    file = {"chinook": "chinook/Chinook_PostgreSql.sql", "northwind": "northwind/northwind.sql"}[name]
    lines = shared_data(f"databases/{file}").read_text(encoding="utf-8-sig").splitlines()
    return "\n".join(line for line in lines if not line.startswith("\\c") and "DATABASE" not in line)


def _survey_of(url: str, name: str) -> Catalog:
    command = [need("psql"), "-q", "-v", "ON_ERROR_STOP=1", url.replace("+psycopg", "")]
    subprocess.run(command, input=_script(name), text=True, check=True, stdout=subprocess.DEVNULL)
    return surveying.survey(PostgresqlTarget(url))


def _carried(found: Catalog, target: Target, engine: str) -> None:
    assert catalog_file.decode(catalog_file.encode(found)) == catalog_file.without_keys(found)
    plan = planning.plan(found, engine)
    assert plan_file.decode(plan_file.encode(plan)) == plan
    assert not list(plan.refused())
    target.execute(plan.statements(*Act))
    there = target.catalog()
    assert structure(plan, found, there, triggers=True) == ()
    for one in plan.tables:
        held = {column.name: column.nullable for column in there.table(one.target).columns}
        source = found.table(one.source)
        assert {column.target for column in one.columns} <= set(held)
        assert all(not held[column.target] for column in one.columns if not source.column(column.source).nullable)


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Callable[[], Target]]:
    """An engine's name and what gives an empty database of it."""
    makers: dict[str, Callable[[], Target]] = {
        "sqlite": lambda: SqliteTarget(f"sqlite:///{tmp_path / 'target.db'}"),
        "mariadb": lambda: MariadbTarget(request.getfixturevalue("mariadb_url")),
        "postgresql": lambda: PostgresqlTarget(request.getfixturevalue("postgresql_url")),
    }
    return request.param, makers[request.param]


@pytest.mark.parametrize("name", ["nasty", "chinook", "northwind"])
def test_rows_come_over_in_the_planned_types(
    postgresql_server: PostgreSQL, target: tuple[str, Callable[[], Target]], name: str, tmp_path: Path
) -> None:
    """Frozen, copied and compared by plan every row is equal, to the target's engine and to the one in Python."""
    engine, make = target
    with postgresql_server.database() as url:
        found = catalog_file.without_keys(_survey_of(url, name))
        plan = planning.plan(found, engine)
        frozen = freeze(PostgresqlTarget(url), planning.frozen_tables(found), found, tmp_path / "freeze", at=AT)
    there = make()
    (tmp_path / "run").mkdir()
    copy(frozen, plan, Mapping(), there, tmp_path / "run", "run", at=AT)
    assert verify(frozen, plan, Mapping(), there, tmp_path / "run").equal
    if isinstance(there, (PostgresqlTarget, SqliteTarget)):
        assert verify(frozen, plan, Mapping(), GenericTarget(there.url), tmp_path / "run").equal


@pytest.mark.parametrize("name", ["nasty", "chinook", "northwind"])
def test_postgresql_stands_in_every_target(
    postgresql_server: PostgreSQL, target: tuple[str, Callable[[], Target]], name: str
) -> None:
    """Tables, keys, indexes, checks, references, numbering and views of real databases are made without a refusal."""
    with postgresql_server.database() as url:
        _carried(_survey_of(url, name), target[1](), target[0])


def test_sqlite_stands_in_every_target(tmp_path: Path, target: tuple[str, Callable[[], Target]]) -> None:
    """The same for a real SQLite file."""
    file = tmp_path / "source.sqlite"
    shutil.copy(shared_data("databases/chinook/Chinook_Sqlite.sqlite"), file)
    _carried(surveying.survey(SqliteTarget(f"sqlite:///{file}")), target[1](), target[0])


def test_a_survey_counts_rows_and_is_told_for_people(postgresql_url: str) -> None:
    """Rows are counted, not estimated; the report names tables, rows and what is odd, in each language."""
    found = _survey_of(postgresql_url, "nasty")
    assert [table.rows for table in found.tables] == [52, 1, 501]
    seen: list[object] = []
    surveying.survey(PostgresqlTarget(postgresql_url), seen=seen.append)
    assert seen == [table.name for table in found.tables]
    report = "\n".join(surveying.report(found))
    assert "人 员.order" in report
    assert "D624 人 员.order.n" in report
    assert surveying.report(found, "zh") != surveying.report(found)
    quick = surveying.survey(PostgresqlTarget(postgresql_url), census=False)
    assert [odd.code for odd in quick.oddities if odd.code == "D624"] == []


def test_the_same_engine_carries_every_column_exactly(postgresql_url: str) -> None:
    """Between PostgreSQL and itself every column is exact."""
    plan = planning.plan(_survey_of(postgresql_url, "northwind"), "postgresql")
    assert {column.carry for one in plan.tables for column in one.columns} == {Carry.EXACT}
