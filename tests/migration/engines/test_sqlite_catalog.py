"""What a SQLite database holds: kinds by declared words and by what is stored, constraints, objects, bad values."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from migration.catalog import Catalog, Check, ForeignKey, Kind, Oddity, TableName
from migration.engines.sqlite import SqliteSource, create
from migration.engines.sqlite.declared import Affinity, affinity, by_storage, read


def held(path: Path, *statements: str) -> Catalog:
    """The catalog of a database made by Python's own sqlite3."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return SqliteSource(f"sqlite:///{path}").catalog()


def census(path: Path, name: str = "t") -> list[tuple[str, str, int]]:
    """Code, column and rows of what the census finds in a table."""
    return [(each.code, each.column, each.rows) for each in oddities(path, name)]


def oddities(path: Path, name: str = "t") -> tuple[Oddity, ...]:
    """What the census finds in a table."""
    source = SqliteSource(f"sqlite:///{path}")
    with source.snapshot() as snapshot:
        return source.census(snapshot, source.catalog().table(TableName("", name)))


@pytest.mark.parametrize(
    ("native", "kind", "sizes"),
    [
        ("integer", Kind.INTEGER, (None, None, None)),
        ("unsigned big int", Kind.INTEGER, (None, None, None)),
        ("tinyint(1)", Kind.INTEGER, (None, None, None)),
        ("int(11) unsigned", Kind.INTEGER, (None, None, None)),
        ("boolean", Kind.BOOLEAN, (None, None, None)),
        ("double precision", Kind.FLOAT, (None, None, None)),
        ("decimal(12,2)", Kind.DECIMAL, (None, 12, 2)),
        ("numeric(10, 0)", Kind.DECIMAL, (None, 10, 0)),
        ("numeric(10)", Kind.DECIMAL, (None, 10, 0)),
        ("numeric", Kind.NUMBER, (None, None, None)),
        ("numeric(2,4)", Kind.NUMBER, (None, None, None)),
        ("nvarchar(160)", Kind.TEXT, (160, None, None)),
        ("native character(70)", Kind.TEXT, (70, None, None)),
        ("clob", Kind.TEXT, (None, None, None)),
        ("varbinary(20)", Kind.BYTES, (20, None, None)),
        ("date", Kind.DATE, (None, None, None)),
        ("datetime", Kind.TIMESTAMP, (None, None, None)),
        ("timestamp with time zone", Kind.TIMESTAMPTZ, (None, None, None)),
        ("", None, (None, None, None)),
        ("json", None, (None, None, None)),
        ("string", None, (None, None, None)),
        ("point", None, (None, None, None)),
    ],
)
def test_declared_words(native: str, kind: Kind | None, sizes: tuple[int | None, ...]) -> None:
    """Declared types say kind, length, precision and scale; other words say nothing."""
    said = read(native)
    assert (said.kind, (said.length, said.precision, said.scale)) == (kind, sizes)


@pytest.mark.parametrize(
    ("native", "wanted"),
    [("charint", "integer"), ("string", "numeric"), ("", "none"), ("floating point", "integer"), ("date", "numeric")],
)
def test_affinities_are_those_of_sqlite(native: str, wanted: str) -> None:
    """Affinities follow SQLite's rules in their order, odd ones too (datatype3.html, 3.1)."""
    assert affinity(native) is Affinity(wanted)


def test_what_is_stored_decides_where_words_do_not() -> None:
    """Classes alone or mixed give the kind of a column whose declared type says nothing."""
    assert by_storage(frozenset()) is Kind.TEXT
    assert by_storage(frozenset({"integer"})) is Kind.INTEGER
    assert by_storage(frozenset({"real"})) is Kind.FLOAT
    assert by_storage(frozenset({"integer", "real"})) is Kind.NUMBER
    assert by_storage(frozenset({"blob"})) is Kind.BYTES
    assert by_storage(frozenset({"text", "integer"})) is Kind.OTHER


def test_dates_that_are_numbers_are_numbers(tmp_path: Path) -> None:
    """A column of dates without a text in it holds numbers; with some texts it holds dates, and its numbers are D615."""
    path = tmp_path / "s.db"
    catalog = held(
        path,
        "CREATE TABLE t (unix DATETIME, julian DATE, mixed DATETIME, none DATE, any_)",
        "INSERT INTO t VALUES (1700000000, 2460000.5, '2024-01-01', NULL, 'x'), (1700000001, 2460001.5, 5, NULL, 7)",
    )
    kinds = {column.name: column.kind for column in catalog.tables[0].columns}
    assert kinds == {
        "unix": Kind.INTEGER,
        "julian": Kind.FLOAT,
        "mixed": Kind.TIMESTAMP,
        "none": Kind.DATE,
        "any_": Kind.OTHER,
    }
    assert census(path) == [("D615", "mixed", 1)]
    assert oddities(path)[0].detail == "integer"
    assert oddities(path)[0].keys == (("2",),)  # without a key, the row's number


def test_keys_and_constraints(tmp_path: Path) -> None:
    """Keys with their names, foreign keys with actions and left-out columns, checks, defaults, generated columns."""
    catalog = held(
        tmp_path / "s.db",
        "CREATE TABLE Parent (Id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT UNIQUE, \"a,b\" TEXT DEFAULT 'x,(y')",
        """CREATE TABLE t ( -- a comment, (with brackets
            a INTEGER NOT NULL REFERENCES parent ON DELETE CASCADE ON UPDATE SET NULL,
            "b ""q"" z" VARCHAR(5) CONSTRAINT short CHECK (length("b ""q"" z") < 5), /* , */
            c INT GENERATED ALWAYS AS (a * 2) STORED, d INT AS (a + 1),
            CONSTRAINT pk PRIMARY KEY (a, "b ""q"" z"),
            CONSTRAINT uq UNIQUE ("b ""q"" z" COLLATE NOCASE, c),
            CHECK (a > 0 AND "b ""q"" z" <> ')'),
            CONSTRAINT fk FOREIGN KEY ("b ""q"" z") REFERENCES PARENT (CODE)
        ) WITHOUT ROWID""",
        "CREATE INDEX plain ON t (c, a)",
        "CREATE UNIQUE INDEX partial ON t (c) WHERE c > 5",
        "CREATE INDEX expression ON t (a + 1)",
        "INSERT INTO Parent VALUES (41, 'x', '')",
        "DELETE FROM Parent",
    )
    table = catalog.table(TableName("", "t"))
    assert table.primary is not None
    assert (table.primary.name, table.order) == ("pk", ("a", 'b "q" z'))
    assert [(key.name, key.columns) for key in table.uniques] == [("uq", ('b "q" z', "c"))]
    assert table.foreign == (
        ForeignKey("", ("a",), TableName("", "Parent"), ("Id",), "cascade", "set null"),
        ForeignKey("fk", ('b "q" z',), TableName("", "Parent"), ("code",)),
    )
    assert table.checks == (Check("short", 'length("b ""q"" z") < 5'), Check("", 'a > 0 AND "b ""q"" z" <> \')\''))
    assert [(column.name, column.generated) for column in table.columns][2:] == [("c", "a * 2"), ("d", "a + 1")]
    indexes = {index.name: index for index in table.indexes}
    assert (indexes["plain"].columns, indexes["plain"].definition, indexes["plain"].unique) == (("c", "a"), "", False)
    assert indexes["partial"].unique
    assert "WHERE" in indexes["partial"].definition
    assert "a + 1" in indexes["expression"].definition
    parent = catalog.table(TableName("", "Parent"))
    assert parent.column("a,b").default == "'x,(y'"
    assert parent.column("Id").identity
    assert [key.columns for key in parent.uniques] == [("code",)]
    (sequence,) = catalog.sequences
    assert (sequence.owner, sequence.following) == ((TableName("", "Parent"), "Id"), 42)


def test_views_triggers_and_virtual_tables(tmp_path: Path) -> None:
    """Views with their queries, triggers with their statements; virtual tables and theirs are named, not carried."""
    catalog = held(
        tmp_path / "s.db",
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE UNIQUE)",
        "CREATE VIEW plain AS SELECT a AS x FROM t;",
        'CREATE VIEW "na""med" (one, two) AS SELECT a, b FROM t',
        "CREATE TRIGGER tr AFTER INSERT ON T BEGIN DELETE FROM t WHERE a < 0; END",
        "CREATE VIRTUAL TABLE words USING fts5(content)",
    )
    assert [table.name.name for table in catalog.tables] == ["t"]
    assert [(view.name.name, view.query) for view in catalog.views] == [
        ('na"med', 'WITH "na""med"(one, two) AS (SELECT a, b FROM t) SELECT * FROM "na""med"'),
        ("plain", "SELECT a AS x FROM t"),
    ]
    (trigger,) = catalog.triggers
    assert (trigger.table, trigger.name) == (TableName("", "t"), "tr")
    assert trigger.statement.startswith("CREATE TRIGGER")
    assert {oddity.code for oddity in catalog.oddities} == {"D625"}
    assert catalog.oddities[0].place == "words"
    assert catalog.oddities[-1] == Oddity("D625", TableName("", "t"), "b", detail="collation NOCASE")


def test_views_are_found_in_any_writing() -> None:
    """The query begins behind the first AS that is no name and in no bracket."""
    assert create.view("v", 'create temp view if not exists "as" /* AS */ as select 1 as a') == "select 1 as a"


def test_the_census_names_what_is_bad(tmp_path: Path) -> None:
    """A database full of bad values: each is found, counted, and named with its column and keys."""
    path = tmp_path / "s.db"
    held(
        path,
        "CREATE TABLE p (id INTEGER PRIMARY KEY)",
        """CREATE TABLE t (code TEXT PRIMARY KEY, short VARCHAR(3), name TEXT, raw VARBINARY(2), amount DECIMAL(5,2),
            born DATE, ratio REAL, flag BOOLEAN, parent INTEGER REFERENCES p, "odd""name" INTEGER)""",
        "INSERT INTO p VALUES (1)",
        """INSERT INTO t VALUES
            ('good', 'abc', 'plain', x'0102', 999.99, '2024-01-01', 1.5, 1, 1, 1),
            ('中', '张三李', 'x' || char(0) || 'y', x'010203', 1000, '2023-02-29', 9e999, 2, 2, 'x'),
            (NULL, 'abcd', char(0xE5E5), 'text', 1.234, 5, 'NaN', 'yes', 3, NULL),
            ('c' || char(0), '张三李四', CAST(x'ff' AS TEXT), NULL, -1000.5, '0000-05-05', NULL, 0, NULL, 2.5)""",
        "INSERT INTO t (code, born) VALUES ('d', 'infinity')",
    )
    assert census(path) == [
        ("D612", "code", 1),
        ("D616", "code", 1),
        ("D614", "short", 2),
        ("D611", "name", 1),
        ("D612", "name", 1),
        ("D619", "name", 1),
        ("D614", "raw", 1),
        ("D615", "raw", 1),
        ("D614", "amount", 2),
        ("D615", "amount", 1),
        ("D613", "born", 1),
        ("D615", "born", 1),
        ("D618", "born", 2),
        ("D618", "ratio", 2),
        ("D615", "flag", 2),
        ("D615", 'odd"name', 2),
        ("D617", "parent", 2),
    ]
    found = {(each.code, each.column): each.keys for each in oddities(path)}
    assert found["D614", "short"] == (("NULL",), ("c\0",))
    assert found["D613", "born"] == (("中",),)
    assert found["D617", "parent"] == (("中",), ("NULL",))


def test_a_foreign_key_to_no_key_is_named(tmp_path: Path) -> None:
    """A foreign key whose columns are no key there cannot be checked, and is D617; one to no table misses every row."""
    held(
        tmp_path / "s.db",
        "CREATE TABLE p (a INTEGER)",
        "CREATE TABLE t (a INTEGER PRIMARY KEY REFERENCES p (a))",
        "CREATE TABLE u (a INTEGER PRIMARY KEY, b INTEGER REFERENCES missing (a))",
        "INSERT INTO u VALUES (1, 2), (2, NULL)",
    )
    assert census(tmp_path / "s.db") == [("D617", "", 0)]
    assert census(tmp_path / "s.db", "u") == [("D617", "b", 1)]


def test_the_census_keeps_the_first_keys_only(tmp_path: Path) -> None:
    """All rows are counted, the keys of twenty are kept."""
    held(
        tmp_path / "s.db",
        "CREATE TABLE t (a INTEGER, b TEXT, v INTEGER, PRIMARY KEY (b, a)) WITHOUT ROWID",
        """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
            INSERT INTO t SELECT i, 'k', 'x' FROM n""",
    )
    (found,) = oddities(tmp_path / "s.db")
    assert (found.code, found.rows, len(found.keys), found.keys[0]) == ("D615", 500, 20, ("k", "1"))
