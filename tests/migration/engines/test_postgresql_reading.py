"""How PostgreSQL's values are written, what the census finds in them, and what a snapshot does when something is wrong."""

import pytest
import sqlalchemy as sa

from formats.errors import IntegrityError, ServiceError, UnreachableError, UsageError
from migration import canon
from migration.catalog import Kind, Oddity, TableName
from migration.engine import Copied, LoadColumn, Loading, ReadColumn, Reading
from migration.engines.postgresql import PostgresqlSource, PostgresqlTarget
from migration.engines.postgresql.connecting import connect
from migration.engines.postgresql.rendering import family
from tests.servers import PostgreSQL

T = TableName("public", "t")

# kind wanted, scale, padded; type held in; what is stored, as SQL; canonical cell
HELD = [
    (Kind.INTEGER, None, False, "decimal(38,10)", "5", "5"),
    (Kind.INTEGER, None, False, "numeric", "100", "100"),
    (Kind.DECIMAL, 2, False, "numeric", "1.5", "1.50"),
    (Kind.DECIMAL, 2, False, "numeric(20,4)", "-1.5", "-1.50"),
    (Kind.DECIMAL, 2, False, "numeric(20,4)", "1.5678", "1.5678"),  # a difference is shown, not rounded away
    (Kind.DECIMAL, 2, False, "integer", "7", "7.00"),
    (Kind.DECIMAL, 0, False, "bigint", "7", "7"),
    (Kind.DECIMAL, 2, False, "text", "'1.50'", "1.50"),
    (Kind.DECIMAL, 2, False, "numeric(12,2)", "'NaN'", "NaN"),
    (Kind.NUMBER, None, False, "numeric(20,6)", "1.5", "1.5"),
    (Kind.NUMBER, None, False, "numeric", "1e10", "10000000000"),
    (Kind.NUMBER, None, False, "numeric", "0.00", "0.00"),
    (Kind.NUMBER, None, False, "numeric(20,6)", "0.00", "0"),
    (Kind.NUMBER, None, False, "bigint", "100", "100"),
    (Kind.FLOAT, None, False, "real", "0.1", "0.10000000149011612"),
    (Kind.FLOAT, None, False, "public.small", "0.1", "0.10000000149011612"),
    (Kind.TEXT, None, True, "char(4)", "'a'", "a"),
    (Kind.TEXT, None, True, "varchar(4)", "'a  '", "a"),
    (Kind.TEXT, None, False, "varchar(4)", "'a  '", "a  "),
    (Kind.TEXT, None, False, "uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    (Kind.BOOLEAN, None, False, "smallint", "1", "1"),
    (Kind.BOOLEAN, None, False, "text", "'0'", "0"),
    (Kind.INTEGER, None, False, "boolean", "true", "1"),
    (Kind.DATE, None, False, "timestamp(0)", "'2024-02-29'", "2024-02-29"),
    (Kind.DATE, None, False, "timestamp", "'2024-02-29 01:00'", "2024-02-29 01:00:00"),
    (Kind.DATE, None, False, "date", "'infinity'", "infinity"),
    (Kind.DATE, None, False, "date", "'0044-03-15 BC'", "0044-03-15 BC"),
    (Kind.TIME, None, False, "time(0)", "'24:00'", "24:00:00.000000"),
    (Kind.TIMESTAMP, None, False, "date", "'2024-02-29'", "2024-02-29 00:00:00.000000"),
    (Kind.TIMESTAMP, None, False, "timestamp(0)", "'-infinity'", "-infinity"),
    (Kind.TIMESTAMP, None, False, "timestamp", "'10000-01-01'", "10000-01-01 00:00:00"),
    (Kind.TIMESTAMP, None, False, "timestamp", "'0001-12-31 BC'", "0001-12-31 00:00:00 BC"),
    (Kind.TIMESTAMP, None, False, "timestamptz", "'2024-01-01 08:00+08'", "2024-01-01 00:00:00.000000"),
    (Kind.TIMESTAMPTZ, None, False, "timestamp", "'2024-01-01'", "2024-01-01 00:00:00.000000+00"),
    (Kind.TIMESTAMPTZ, None, False, "timestamptz", "'infinity'", "infinity"),
    (Kind.BYTES, None, False, "bytea", "'a\\134b'", "\\x615c62"),
    (Kind.OTHER, None, False, "text[]", "ARRAY['a','b c',NULL]", '{a,"b c",NULL}'),
    (Kind.OTHER, None, False, "jsonb", """'{"b":1, "a":[]}'""", '{"a": [], "b": 1}'),
    (Kind.OTHER, None, False, "interval", "'1 year 2 hours'", "1 year 02:00:00"),
    (Kind.OTHER, None, False, "money", "1234.5", "$1,234.50"),
    (Kind.OTHER, None, False, "public.mood", "'好'", "好"),
    (Kind.OTHER, None, False, "timetz", "'10:00+08'", "10:00:00+08"),
]


@pytest.fixture
def target(postgresql_url: str) -> PostgresqlTarget:
    """An empty database whose own settings are not those of canonical bytes."""
    target = PostgresqlTarget(postgresql_url)
    name = sa.make_url(postgresql_url).database
    settings = (
        "TimeZone = 'Asia/Shanghai'",
        "DateStyle = 'German'",
        "bytea_output = 'escape'",
        "extra_float_digits = -5",
    )
    target.execute([f"ALTER DATABASE {name} SET {setting}" for setting in settings])
    target.execute([f"ALTER DATABASE {name} SET IntervalStyle = 'iso_8601'"])
    target.execute(["CREATE TYPE public.mood AS ENUM ('好')", "CREATE DOMAIN public.small AS real"])
    return target


def lines(target: PostgresqlSource, *columns: ReadColumn, key: tuple[str, ...] = ()) -> bytes:
    """The table's canonical bytes."""
    with target.snapshot() as snapshot:
        return b"".join(block.data for block in snapshot.blocks(Reading(T, columns, key)))


def test_a_cell_comes_out_in_the_form_of_its_kind(target: PostgresqlTarget) -> None:
    """Whatever type holds a value, and whatever the database is set to, it is written in the form that is asked for."""
    names = [f"c{at}" for at in range(len(HELD))]
    columns = ", ".join(f"{name} {native}" for name, (_, _, _, native, _, _) in zip(names, HELD, strict=True))
    stored = ", ".join(stored for _, _, _, _, stored, _ in HELD)
    target.execute([f"CREATE TABLE public.t ({columns})", f"INSERT INTO public.t VALUES ({stored})"])
    target.execute(["INSERT INTO public.t DEFAULT VALUES"])
    natives = [column.native for column in target.catalog().table(T).columns]
    for name, native, (kind, scale, padded, *_, cell) in zip(names, natives, HELD, strict=True):
        data = lines(target, ReadColumn(name, kind, native, scale, padded))
        assert data == b"NULL\n" + canon.line([cell]), (kind, native)


def test_types_are_known_by_both_spellings() -> None:
    """A type is known as DDL writes it and as the server does; others are nobody's."""
    assert {family(native) for native in ("timestamp(3)", "timestamp(3) without time zone")} == {"timestamp"}
    assert {family(native) for native in ("varchar(18)", "character varying(18)", "text")} == {"text"}
    assert {family(native) for native in ("text[]", "public.text", "integer[]", "box")} == {""}


def test_the_census_names_what_is_odd(target: PostgresqlTarget) -> None:
    """Each oddity is found with its column, the number of rows, and the keys of the first ones in order."""
    columns = "id text PRIMARY KEY, name text, f float8, n numeric, d date, ts timestamptz, at time, ref int"
    odd = "'k' || g, U&'\\E78D', '-0', 'NaN', 'infinity', '10000-01-01', '24:00', 7"
    target.execute(
        [
            "CREATE TABLE public.other (id int PRIMARY KEY)",
            f"CREATE TABLE public.t ({columns})",
            f"INSERT INTO public.t SELECT {odd} FROM generate_series(10, 34) AS g",
            "INSERT INTO public.t VALUES ('a', '好', 1.5, 123.4560, '2024-01-01', '2024-01-01', '23:59', NULL)",
            "ALTER TABLE public.t ADD CONSTRAINT to_other FOREIGN KEY (ref) REFERENCES public.other NOT VALID",
        ]
    )
    with target.snapshot() as snapshot:
        found = target.census(snapshot, target.catalog().table(T))
    keys = tuple((f"k{number}",) for number in range(10, 30))
    assert found == (
        Oddity("D624", T, "id", 26, "length 3"),
        Oddity("D619", T, "name", 25, "", keys),
        Oddity("D620", T, "f", 25, "-0", keys),
        Oddity("D618", T, "n", 25, "", keys),
        Oddity("D624", T, "n", 26, "precision 6, scale 3"),
        Oddity("D618", T, "d", 25, "", keys),
        Oddity("D618", T, "ts", 25, "", keys),
        Oddity("D615", T, "at", 25, "24:00", keys),
        Oddity("D617", T, "ref", 25, "to_other to public.other", keys),
    )


def test_foreign_keys_whose_triggers_sleep_are_checked(target: PostgresqlTarget) -> None:
    """Orphans that came in while triggers were off are found as long as they are off."""
    target.execute(
        [
            "CREATE TABLE public.other (id int PRIMARY KEY)",
            "CREATE TABLE public.t (id int PRIMARY KEY, ref int REFERENCES public.other)",
            "ALTER TABLE public.t DISABLE TRIGGER ALL",
            "INSERT INTO public.t VALUES (1, 5), (2, NULL)",
        ]
    )
    with target.snapshot() as snapshot:
        (oddity,) = target.census(snapshot, target.catalog().table(T))
    assert (oddity.code, oddity.rows, oddity.keys) == ("D617", 1, (("1",),))


def test_bytes_that_are_no_text_are_found_and_refused(postgresql_server: PostgreSQL) -> None:
    """In a database of SQL_ASCII the census names text that is not UTF-8, and reading it is D611."""
    postgresql_server.execute("CREATE DATABASE raw TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    try:
        target = PostgresqlTarget(postgresql_server.url("raw"))
        good = "ab\n" + "".join(map(chr, (0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF)))
        target.execute(
            ["CREATE TABLE public.t (id int PRIMARY KEY, name text)", f"INSERT INTO public.t VALUES (1, '{good}')"]
        )
        table = target.catalog().table(T)
        columns = [ReadColumn(column.name, column.kind, column.native) for column in table.columns]
        assert lines(target, *columns, key=("id",)) == canon.line(["1", good])
        bad = (b"\xd5\xc5", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"a\xe5\xbc", b"\x80")
        with connect(target.server, reading=False) as connection:
            connection.execute("SET client_encoding = 'SQL_ASCII'")
            for number, text in enumerate(bad, 2):
                connection.execute(b"INSERT INTO public.t VALUES (%d, '%s')" % (number, text))
        with target.snapshot() as snapshot:
            assert target.census(snapshot, table) == (
                Oddity("D611", T, "name", 6, "", tuple((str(number),) for number in range(2, 8))),
            )
        with pytest.raises(IntegrityError, match=r"D611.*public\.t"):
            lines(target, *columns, key=("id",))
    finally:
        postgresql_server.execute("DROP DATABASE raw WITH (FORCE)")


@pytest.mark.parametrize("encoding", ["EUC_CN", "LATIN1"])
def test_other_encodings_are_read_as_utf8(postgresql_server: PostgreSQL, encoding: str) -> None:
    """The server translates a database in another encoding; keys are in the order of UTF-8 all the same."""
    text = ["张三", "李四", "a"] if encoding == "EUC_CN" else ["é", "ü", "a"]
    postgresql_server.execute(f"CREATE DATABASE other TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    try:
        target = PostgresqlTarget(postgresql_server.url("other"))
        rows = ", ".join(f"('{each}')" for each in text)
        target.execute(["CREATE TABLE public.t (a text PRIMARY KEY)", f"INSERT INTO public.t VALUES {rows}"])
        assert target.catalog().encoding == encoding
        assert lines(target, ReadColumn("a", Kind.TEXT, "text"), key=("a",)).decode().split() == [
            f'"{each}"' for each in sorted(text, key=str.encode)
        ]
    finally:
        postgresql_server.execute("DROP DATABASE other WITH (FORCE)")


def test_a_reader_may_stop_early(target: PostgresqlTarget) -> None:
    """A reader that takes the first block only leaves the snapshot as it was: it is read again, whole."""
    target.execute(
        ["CREATE TABLE public.t AS SELECT g AS a, repeat('x', 1000) AS b FROM generate_series(1, 20000) AS g"]
    )
    reading = Reading(T, (ReadColumn("a", Kind.INTEGER, "integer"), ReadColumn("b", Kind.TEXT, "text")), ("a",))
    with target.snapshot() as snapshot:
        for _ in range(3):
            blocks = snapshot.blocks(reading)
            assert next(blocks).data.startswith(b'"1","x')
            blocks.close()
        assert sum(block.rows for block in snapshot.blocks(reading)) == 20_000
        left = snapshot.blocks(reading)
        next(left)
    del left


def test_an_error_does_not_end_the_snapshot(target: PostgresqlTarget) -> None:
    """A table that is missing or a column that is not there is a coded error; the snapshot reads on."""
    target.execute(["CREATE TABLE public.t (a int)", "INSERT INTO public.t VALUES (1)"])
    column = ReadColumn("a", Kind.INTEGER, "integer")
    with target.snapshot() as snapshot:
        with pytest.raises(IntegrityError, match=r"D632.*public\.none is missing"):
            list(snapshot.blocks(Reading(TableName("public", "none"), (column,), ())))
        with pytest.raises(UsageError, match=r'D609.*"b"'):
            list(snapshot.blocks(Reading(T, (ReadColumn("b", Kind.INTEGER, "integer"),), ())))
        assert [block.data for block in snapshot.blocks(Reading(T, (column,), ()))] == [b'"1"\n']


def test_a_write_that_is_not_refused_is_an_error(target: PostgresqlTarget) -> None:
    """Where the connection accepts a write, that is D630, and the write is undone."""
    with target.snapshot() as snapshot:
        snapshot._connection.execute("ROLLBACK")
        snapshot._connection.execute("BEGIN")
        with pytest.raises(IntegrityError, match="D630"):
            snapshot.refused()
        snapshot._connection.execute("COMMIT")
    assert target.catalog().tables == ()


def test_rows_behind_a_policy_are_an_error(target: PostgresqlTarget, postgresql_server: PostgreSQL) -> None:
    """A user from whom a policy hides rows does not read a smaller table: it is refused."""
    postgresql_server.execute("DROP ROLE IF EXISTS clerk")
    postgresql_server.execute("CREATE ROLE clerk LOGIN")
    target.execute(
        [
            "CREATE TABLE public.t (a int)",
            "ALTER TABLE public.t ENABLE ROW LEVEL SECURITY",
            "GRANT SELECT ON public.t TO clerk",
        ]
    )
    clerk = PostgresqlSource(target.url.replace("postgres@", "clerk@"))
    with pytest.raises(UsageError, match=r'D609.*"t"'):
        lines(clerk, ReadColumn("a", Kind.INTEGER, "integer"))
    with clerk.snapshot() as snapshot:
        assert snapshot.identity.token


def test_a_shared_state_that_is_gone_is_said(target: PostgresqlTarget) -> None:
    """Joining a state that nobody holds any more can be tried again with a new one."""
    with target.snapshot() as snapshot:
        shared = snapshot.shared
    for name in (shared, "nonsense'"):
        with pytest.raises(UnreachableError, match=r"S409.*no longer held"):
            target.snapshot(name)


@pytest.mark.parametrize(
    ("native", "cell", "told"),
    [
        ("varchar(3)", "secret110101", "D642.*public.t line 2 column a b.*22001"),
        ("integer", "secret", "D642.*public.t line 2 column a b.*22P02"),
        ('text CHECK (length("a b") < 5)', "secret", "D642.*public.t line 2 constraint .*23514"),
        ("text NOT NULL", None, "D642.*public.t line 2 column a b.*23502"),
        ("text UNIQUE", "1", "D642.*public.t line 2 constraint .*23505"),
    ],
)  # fmt: skip
def test_a_refused_row_is_named_by_its_place(
    target: PostgresqlTarget, native: str, cell: str | None, told: str
) -> None:
    """A row that the server refuses is named by table, line, column and constraint, never by what stands in it."""
    target.execute([f'CREATE TABLE public.t ("a b" {native})'])
    loading = Loading(T, (LoadColumn("a b", Kind.TEXT, native),))
    with target.session() as session, pytest.raises(IntegrityError, match=told) as caught:
        session.load("run", Copied(1, 1, 2, ""), loading, [canon.line(["1"]), canon.line([cell])])
    assert "secret" not in repr(caught.value)
    assert "constraint" in str(caught.value) or "column a b" in str(caught.value)


def test_a_refused_statement_keeps_values_to_itself(target: PostgresqlTarget) -> None:
    """A statement that fails over what stands in rows names table and constraint, not the value."""
    target.execute(["CREATE TABLE public.t (a text)", "INSERT INTO public.t VALUES ('secret'), ('secret')"])
    with pytest.raises(IntegrityError, match=r"D641.*statement 2: t k \(23505\)") as caught:
        target.execute(["SELECT 1", "ALTER TABLE public.t ADD CONSTRAINT k UNIQUE (a)"])
    assert "secret" not in repr(caught.value)
    with pytest.raises(IntegrityError, match=r"D641.*statement 1: +\(22P02\)"):
        target.execute(["SELECT 'secret'::int"])


def test_a_server_that_does_not_answer_is_said_without_the_password() -> None:
    """A connection that fails is S409, to be tried again; the password is nowhere in it."""
    source = PostgresqlSource("postgresql://u:verysecret@127.0.0.1:1/x?connect_timeout=3")
    with pytest.raises(UnreachableError, match=r"S409.*127\.0\.0\.1/x") as caught:
        source.catalog()
    assert "verysecret" not in repr(caught.value) + str(caught.value) + repr(source)


@pytest.mark.parametrize(
    "url", ["", "mysql+pymysql://h/x", "sqlite:///x", "postgresql://h/x?nonsense=1", "postgresql://h:port/x"]
)
def test_a_url_that_is_not_understood_is_a_usage_error(url: str) -> None:
    """A URL that is none, of another database or with an unknown parameter is D601."""
    with pytest.raises(ServiceError, match="D601"):
        PostgresqlSource(url).snapshot()


@pytest.mark.parametrize("name", ["postgresql", "opengauss", "kingbase"])
def test_relatives_are_reached_as_postgresql(postgresql_url: str, name: str) -> None:
    """openGauss and KingbaseES are reached by their own URLs through the same driver, and keep their names."""
    url = postgresql_url.replace("postgresql+psycopg", name)
    target = PostgresqlTarget(url)
    assert target.server.engine == name
    target.execute(["CREATE TABLE public.t (a int)"])
    assert target.catalog().engine == name
    assert target.catalog().tables[0].name == T
