"""What a catalog says of a PostgreSQL database that has everything."""

import pytest

from migration.catalog import Catalog, Check, Column, ForeignKey, Index, Key, Kind, NamedType, TableName
from migration.engine import ReadColumn, Reading
from migration.engines.postgresql import PostgresqlTarget

SCRIPT = """
CREATE SCHEMA "人事";
CREATE TYPE "人事"."级别" AS ENUM ('低', 'high''s', 'mid');
CREATE DOMAIN public.id_number AS varchar(18) NOT NULL CONSTRAINT long CHECK (length(VALUE) > 2);
CREATE DOMAIN public.narrow AS public.id_number;
CREATE TYPE public.pair AS (a int, "b c" text);
CREATE SEQUENCE public.loose START 5 INCREMENT 5;
CREATE TABLE public.person (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  no public.narrow UNIQUE,
  old serial,
  name varchar(20) NOT NULL DEFAULT 'x',
  code char(4),
  pay numeric(12,2),
  free numeric,
  negative numeric(3,-2),
  short smallint, single real, double double precision, ok boolean, born date, at time(3),
  seen timestamp(3) with time zone, made timestamp,
  level "人事"."级别", tags text[], doc jsonb, mark uuid, raw bytea, span interval, cash money,
  total numeric(14,2) GENERATED ALWAYS AS (pay * 2) STORED,
  spoken text COLLATE "C",
  CONSTRAINT paid CHECK (pay >= 0)
);
COMMENT ON TABLE public.person IS '人';
COMMENT ON COLUMN public.person.pay IS 'per month';
CREATE TABLE "人事".job (
  person bigint NOT NULL REFERENCES public.person ON DELETE CASCADE ON UPDATE SET NULL, "from" date NOT NULL, what text,
  PRIMARY KEY ("from", person)
);
CREATE TABLE public.parts (id int NOT NULL, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES FROM (0) TO (10);
CREATE TABLE public.parts_2 PARTITION OF public.parts FOR VALUES FROM (10) TO (20);
INSERT INTO public.parts VALUES (15, 'b'), (1, 'a');
CREATE TABLE public.parent (a int);
CREATE TABLE public.child (b int) INHERITS (public.parent);
INSERT INTO public.parent VALUES (1);
INSERT INTO public.child VALUES (2, 3);
CREATE INDEX plain ON public.person (name, pay);
CREATE UNIQUE INDEX one ON public.person (code);
CREATE INDEX part ON public.person (lower(name)) WHERE ok;
CREATE INDEX down ON public.person (pay DESC);
CREATE INDEX pattern ON public.person (name text_pattern_ops);
CREATE VIEW public.a_view AS SELECT 1 AS one;
CREATE VIEW public.z_view AS SELECT id FROM public.person;
CREATE OR REPLACE VIEW public.a_view AS SELECT id::int AS one FROM public.z_view;
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE INSERT ON public.person FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE MATERIALIZED VIEW public.kept AS SELECT 1 AS one;
SELECT nextval('public.loose'), nextval('public.loose'), setval('public.person_id_seq', 41, false);
"""


@pytest.fixture
def target(postgresql_url: str) -> PostgresqlTarget:
    """A database with one of everything."""
    target = PostgresqlTarget(postgresql_url)
    target.execute([SCRIPT])
    return target


@pytest.fixture
def catalog(target: PostgresqlTarget) -> Catalog:
    """Its catalog."""
    return target.catalog()


PERSON = TableName("public", "person")


def test_columns_have_their_kind_and_measures(catalog: Catalog) -> None:
    """Each column has kind, native type, length, digits, default, generation, identity and comment as declared."""
    columns = {column.name: column for column in catalog.table(PERSON).columns}
    assert columns["id"] == Column("id", Kind.INTEGER, "bigint", nullable=False, precision=19, identity=True)
    assert columns["old"] == Column("old", Kind.INTEGER, "integer", nullable=False, precision=10, identity=True)
    assert columns["no"] == Column("no", Kind.TEXT, "public.narrow", nullable=False, length=18)
    assert columns["name"] == Column(
        "name", Kind.TEXT, "character varying(20)", nullable=False, length=20, default="'x'::character varying"
    )
    assert columns["code"] == Column("code", Kind.TEXT, "character(4)", length=4, padded=True)
    assert columns["pay"] == Column("pay", Kind.DECIMAL, "numeric(12,2)", precision=12, scale=2, comment="per month")
    assert columns["free"] == Column("free", Kind.NUMBER, "numeric")
    assert columns["negative"] == Column("negative", Kind.DECIMAL, "numeric(3,-2)", precision=5, scale=0)
    assert columns["seen"] == Column("seen", Kind.TIMESTAMPTZ, "timestamp(3) with time zone")
    assert columns["level"] == Column("level", Kind.OTHER, '"人事"."级别"')
    assert columns["tags"] == Column("tags", Kind.OTHER, "text[]")
    total = columns["total"]
    assert (total.default, total.generated) == (None, "(pay * (2)::numeric)")
    assert {name: columns[name].kind for name in ("short", "single", "double", "ok", "born", "at", "made", "raw")} == {
        "short": Kind.INTEGER,
        "single": Kind.FLOAT,
        "double": Kind.FLOAT,
        "ok": Kind.BOOLEAN,
        "born": Kind.DATE,
        "at": Kind.TIME,
        "made": Kind.TIMESTAMP,
        "raw": Kind.BYTES,
    }


def test_keys_checks_and_indexes_are_listed(catalog: Catalog) -> None:
    """Keys, foreign keys with their actions, checks and indexes stand with their table, extra indexes as statements."""
    person, job = catalog.table(PERSON), catalog.table(TableName("人事", "job"))
    assert person.primary == Key("person_pkey", ("id",))
    assert person.uniques == (Key("person_no_key", ("no",)),)
    assert person.checks == (Check("paid", "(pay >= (0)::numeric)"),)
    assert person.comment == "人"
    assert job.primary == Key("job_pkey", ("from", "person"))
    assert job.foreign == (ForeignKey("job_person_fkey", ("person",), PERSON, ("id",), "cascade", "set null"),)
    indexes = {index.name: index for index in person.indexes}
    assert indexes["plain"] == Index("plain", ("name", "pay"))
    assert indexes["one"] == Index("one", ("code",), unique=True)
    assert {name for name, index in indexes.items() if index.definition} == {"part", "down", "pattern"}
    assert indexes["part"].definition == "CREATE INDEX part ON public.person USING btree (lower((name)::text)) WHERE ok"


def test_other_objects_are_listed(catalog: Catalog) -> None:
    """Views come behind those they read, sequences with the number they give next, types with their statements."""
    assert [table.name.name for table in catalog.tables] == ["child", "parent", "parts", "person", "job"]
    assert [str(view.name) for view in catalog.views] == ["public.z_view", "public.a_view"]
    assert catalog.views[1].query.endswith("AS one\n   FROM public.z_view")
    assert {(each.name.name, each.following, each.increment, each.owner) for each in catalog.sequences} == {
        ("loose", 15, 5, None),
        ("person_id_seq", 41, 1, (PERSON, "id")),
        ("person_old_seq", 1, 1, (PERSON, "old")),
    }
    assert catalog.types == (
        NamedType(
            TableName("人事", "级别"),
            "enum",
            "CREATE TYPE \"人事\".\"级别\" AS ENUM ('低', 'high''s', 'mid')",
            ("低", "high's", "mid"),
        ),
        NamedType(
            TableName("public", "id_number"),
            "domain",
            "CREATE DOMAIN public.id_number AS character varying(18) NOT NULL"
            " CONSTRAINT long CHECK ((length((VALUE)::text) > 2))",
        ),
        NamedType(TableName("public", "narrow"), "domain", "CREATE DOMAIN public.narrow AS public.id_number"),
        NamedType(TableName("public", "pair"), "composite", 'CREATE TYPE public.pair AS (a integer, "b c" text)'),
    )
    assert catalog.routines == (TableName("public", "touch"),)
    assert [(each.table, each.name) for each in catalog.triggers] == [(PERSON, "touched")]
    assert catalog.triggers[0].statement.startswith("CREATE TRIGGER touched BEFORE INSERT ON public.person")


def test_what_is_left_behind_is_said(catalog: Catalog) -> None:
    """Materialized views, inheritance, partitions, strict numbering and collations are D625 with their place."""
    assert [(each.code, each.place, each.detail) for each in catalog.oddities] == [
        ("D625", "public.child", "inherits from public.parent"),
        ("D625", "public.kept", "materialized view"),
        ("D625", "public.parts", "partitions RANGE (id)"),
        ("D625", "public.person", "column id: GENERATED ALWAYS AS IDENTITY"),
        ("D625", "public.person.spoken", "collation C"),
    ]


def test_a_partitioned_table_is_one_and_heirs_are_not(target: PostgresqlTarget) -> None:
    """A partitioned table is read with its parts; a table without the rows of those that inherit from it."""
    with target.snapshot() as snapshot:

        def rows(name: str, key: tuple[str, ...], *columns: ReadColumn) -> bytes:
            reading = Reading(TableName("public", name), columns, key)
            return b"".join(block.data for block in snapshot.blocks(reading))

        number = ReadColumn("id", Kind.INTEGER, "integer")
        assert rows("parts", ("id",), number, ReadColumn("v", Kind.TEXT, "text")) == b'"1","a"\n"15","b"\n'
        assert rows("parent", (), ReadColumn("a", Kind.INTEGER, "integer")) == b'"1"\n'
        assert rows("child", (), ReadColumn("b", Kind.INTEGER, "integer")) == b'"3"\n'


def test_statements_of_types_and_views_make_them_again(target: PostgresqlTarget, catalog: Catalog) -> None:
    """Dropped and made again from the catalog, types and views are the same catalog."""
    views = [f"CREATE VIEW {view.name.schema}.{view.name.name} AS {view.query}" for view in catalog.views]
    target.execute(["DROP VIEW public.a_view", "DROP VIEW public.z_view", *views])
    target.execute(["DROP TYPE public.pair", catalog.types[-1].definition])
    again = target.catalog()
    assert (again.views, again.types) == (catalog.views, catalog.types)
