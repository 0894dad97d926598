"""How MariaDB's values become canonical bytes: what has gone wrong somewhere, and what must be refused."""

import math
import random
import struct
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from psycopg import connect as postgresql

from formats.errors import IntegrityError, UnreachableError, UsageError
from migration import canon
from migration.catalog import Kind
from migration.engine import ReadColumn, Reading
from migration.engines.mariadb import MariadbSource, MariadbTarget
from migration.engines.mariadb.wire import Wire
from tests.mariadb_server import MariaDB, mariadb
from tests.migration.engines.mariadb_parts import load, read, reading, rows, run, socket_of, table

LEGACY = "ALLOW_INVALID_DATES"


def doubles() -> list[float]:
    """Doubles of every size."""
    chance = random.Random(4)
    found = (struct.unpack("<d", chance.randbytes(8))[0] for _ in range(1500))
    sized = (chance.uniform(-10, 10) * 10.0**power for power in range(-25, 25) for _ in range(30))
    short = (float(f"{chance.randrange(1, 999)}e{power}") for power in range(-25, 25) for _ in range(5))
    edges = (1e15, 1e-4, 1e-5, 1e-15, 1e-16, 999999999999999.9, 9.999999999999999e-05, 123456789012345678.0)
    return [value for value in (*found, *sized, *short, *edges) if math.isfinite(value) and value]


def test_doubles_are_written_as_postgresql_writes_them(mariadb_url: str, postgresql_url: str) -> None:
    """Doubles of every size come out in the very digits and exponents of PostgreSQL, and so do singles.

    From 2**54 on some shortest digits lie exactly between two doubles; PostgreSQL then writes one more. Python does
    as MariaDB does, so those are compared with Python's, and their form with PostgreSQL's.
    """
    values = doubles()
    run(mariadb_url, "CREATE TABLE f (id int PRIMARY KEY, d double, s float)")
    singles = [value if 1e-37 < abs(value) < 1e37 else 0.5 for value in values]
    parts = [f"({at}, {d!r}, {s!r})" for at, (d, s) in enumerate(zip(values, singles, strict=True))]
    run(mariadb_url, f"INSERT INTO f VALUES {', '.join(parts)}")
    with postgresql(postgresql_url.replace("+psycopg", "")) as connection:
        query = "SELECT v::float8::text, w::float8::real::float8::text FROM unnest(%s::float8[], %s::float8[]) x(v, w)"
        expected = connection.execute(query, (values, singles)).fetchall()
    found = [text for row in read(mariadb_url, "f") for text in row[1:] if text]
    wanted = [text for row in expected for text in row]
    assert len(found) == len(wanted) == 2 * len(values)
    for text, other in zip(found, wanted, strict=True):
        number = float(other)
        assert text == (other if abs(number) < 2**54 or repr(number) == other else repr(number))


def test_every_type_is_written_by_its_kind(mariadb_url: str) -> None:
    """Unsigned, zero-filled, bit, year, set, uuid and geometry values come out in their canonical form."""
    run(
        mariadb_url,
        """CREATE TABLE t (id bigint unsigned PRIMARY KEY, z int(8) unsigned zerofill, dz decimal(8,2) zerofill,
         b bit(64), y year, c char(5), e enum('a','it''s'), s set('x','y'), j json, u uuid, g geometry, r varbinary(4),
         n decimal(20,0), t1 time(1), d3 datetime(3), ts timestamp NULL)""",
        """INSERT INTO t VALUES (18446744073709551615, 42, 1.5, 18446744073709551615, 1901, 'a', 'it''s', 'x,y',
         '{"a":  "é"}', '123e4567-e89b-12d3-a456-426655440000', POINT(1, 2), X'00ff', -5, '12:34:56.7',
         '2024-02-29 01:02:03.004', '2024-01-01 00:00:00')""",
        "INSERT INTO t (id, y) VALUES (1, 0)",
    )
    first, second = read(mariadb_url, "t")
    assert first == ("1", None, None, None, "0", *([None] * 11))
    assert second == (
        *("18446744073709551615", "42", "1.50", "18446744073709551615", "1901", "a", "it's", "x,y", '{"a":  "é"}'),
        *("123e4567-e89b-12d3-a456-426655440000", "\\x000000000101000000000000000000f03f0000000000000040", "\\x00ff"),
        *("-5", "12:34:56.700000", "2024-02-29 01:02:03.004000", "2024-01-01 00:00:00.000000+00"),
    )


def test_a_column_is_written_in_the_form_of_another(mariadb_url: str) -> None:
    """A target's wider type gives the source's form, and keeps digits that the source could not have had."""
    run(
        mariadb_url,
        """CREATE TABLE t (id decimal(20,0) PRIMARY KEY, n decimal(38,10), d decimal(38,10), b bit(1), v varchar(9),
         m datetime(6), w datetime(6), i varchar(20), f decimal(20,6), x double)""",
        """INSERT INTO t VALUES (7, 12.5, 12.5, 1, 'a  ', '2024-01-02', '2024-01-02', '12', 0.25, 12.5),
         (10, 100, 12.345, 0, 'b', '2024-01-02 00:00:01', '2024-01-02', '-3', 1e13, 12.345)""",
    )
    kinds: dict[str, tuple[Kind, int | None]] = {
        "id": (Kind.INTEGER, None),
        "n": (Kind.NUMBER, None),
        "d": (Kind.DECIMAL, 2),
        "b": (Kind.BOOLEAN, None),
        "m": (Kind.DATE, None),
        "w": (Kind.TIMESTAMPTZ, None),
        "i": (Kind.INTEGER, None),
        "f": (Kind.FLOAT, None),
        "x": (Kind.DECIMAL, 2),
    }
    day = "2024-01-02"
    assert read(mariadb_url, "t", **kinds) == [
        ("7", "12.5", "12.50", "1", "a  ", day, f"{day} 00:00:00.000000+00", "12", "0.25", "12.50"),
        *[
            (
                *("10", "100", "12.3450000000", "0", "b", f"{day} 00:00:01.000000", f"{day} 00:00:00.000000+00"),
                *("-3", "10000000000000", "12.345"),
            )
        ],
    ]


def test_blanks_at_the_end_do_not_count_where_the_source_had_char(mariadb_url: str) -> None:
    """A varchar that holds a CHAR of the source is read without the blanks at the end, another with them."""
    run(mariadb_url, "CREATE TABLE t (a varchar(9), b varchar(9))", "INSERT INTO t VALUES ('x  ', 'x  ')")
    found = reading(table(mariadb_url, "t"))
    columns = tuple(ReadColumn(c.name, c.kind, c.native, padded=c.name == "a") for c in found.columns)
    with MariadbTarget(mariadb_url).snapshot() as snapshot:
        assert rows(snapshot, Reading(found.table, columns, ())) == [("x", "x  ")]


@pytest.mark.parametrize(
    ("native", "value", "code"),
    [
        ("date", "0000-00-00", "D613"),
        ("date", "2024-00-00", "D613"),
        ("date", "2024-01-00", "D613"),
        ("date", "2023-02-29", "D613"),
        ("date", "0000-01-01", "D613"),
        ("datetime", "0000-00-00 00:00:00", "D613"),
        ("datetime(6)", "2024-02-31 12:00:00", "D613"),
        ("timestamp NULL", "0000-00-00 00:00:00", "D613"),
        ("time", "24:00:01", "D615"),
        ("time(3)", "-00:00:00.001", "D615"),
        ("time", "838:59:59", "D615"),
    ],
)
def test_values_that_do_not_exist_are_named(mariadb_url: str, native: str, value: str, code: str) -> None:
    """The census counts dates and times that no other database knows; reading them is refused, NULL is none of them."""
    run(
        mariadb_url,
        f"CREATE TABLE t (id int PRIMARY KEY, v {native})",
        f"INSERT INTO t VALUES (1, NULL), (2, '{value}'), (3, '{value}'), (4, NULL)",
        mode=LEGACY,
    )
    source, found = MariadbSource(mariadb_url), table(mariadb_url, "t")
    with source.snapshot() as snapshot:
        (oddity,) = source.census(snapshot, found)
        assert (oddity.code, oddity.place, oddity.rows, oddity.keys) == (code, "t.v", 2, (("2",), ("3",)))
        with pytest.raises(IntegrityError, match=code) as caught:
            rows(snapshot, reading(found))
        assert caught.value.detail == "t.v: 2 rows"
        assert [row for block in snapshot.blocks(reading(found), None, ("1",)) for row in canon.rows(block.data)] == [
            ("1", None)
        ]


def test_the_last_moment_of_a_day_is_a_time(mariadb_url: str) -> None:
    """24:00:00, which PostgreSQL has too, is read as it is."""
    run(mariadb_url, "CREATE TABLE t (v time)", "INSERT INTO t VALUES ('24:00:00')")
    assert read(mariadb_url, "t") == [("24:00:00.000000",)]


def test_made_characters_of_gbk_are_not_lost_as_question_marks(mariadb_url: str) -> None:
    """GBK's private characters, which the server turns into question marks, are counted and refused; others are read."""
    run(
        mariadb_url,
        "CREATE TABLE t (id int PRIMARY KEY, v varchar(9) CHARACTER SET gbk, w varchar(9) CHARACTER SET latin1)",
        "INSERT INTO t VALUES (1, '张三', 'é\x81'), (2, '?', '?')",
    )
    assert read(mariadb_url, "t") == [("1", "张三", "é\x81"), ("2", "?", "?")]
    run(mariadb_url, "INSERT INTO t VALUES (3, _gbk X'D5C5AAA1', NULL)")
    source, found = MariadbSource(mariadb_url), table(mariadb_url, "t")
    with source.snapshot() as snapshot:
        (oddity,) = source.census(snapshot, found)
        assert (oddity.code, oddity.place, oddity.keys) == ("D611", "t.v", (("3",),))
        with pytest.raises(IntegrityError, match="D611"):
            rows(snapshot, reading(found))
    assert [(o.code, o.place) for o in source.catalog().oddities] == [("D624", "t.v"), ("D624", "t.w")]


def test_the_census_finds_odd_texts_and_orphans(mariadb_url: str) -> None:
    """Private-use characters, 0x00, values outside an enum and rows without their parent are counted, with keys."""
    run(
        mariadb_url,
        "CREATE TABLE parent (a int, b varchar(9), PRIMARY KEY (a, b))",
        """CREATE TABLE t (code varchar(9) PRIMARY KEY, v text, e enum('a'), a int, b varchar(9),
         CONSTRAINT up FOREIGN KEY (a, b) REFERENCES parent (a, b), boss varchar(9) REFERENCES t (code))""",
        "INSERT INTO parent VALUES (1, 'x')",
        """INSERT INTO t VALUES ('k1', CONCAT('a', _utf8mb4 X'EE9E8D'), 'a', 1, 'x', 'k1'),
         ('k2', CONCAT('a', CHAR(0)), 'zzz', 2, 'x', 'none'), ('k3', _utf8mb4 X'F3B08080', NULL, NULL, 'y', NULL),
         ('k4', '𠮷', NULL, 1, NULL, 'k2')""",
    )
    source, found = MariadbSource(mariadb_url), table(mariadb_url, "t")
    with source.snapshot() as snapshot:
        odd = source.census(snapshot, found)
        assert source.census(snapshot, table(mariadb_url, "parent")) == ()
    assert sorted((o.code, o.column, o.rows, o.keys) for o in odd) == [
        ("D612", "v", 1, (("k2",),)),
        ("D615", "e", 1, (("k2",),)),
        ("D617", "a, b", 1, (("k2",),)),
        ("D617", "boss", 1, (("k2",),)),
        ("D619", "v", 2, (("k1",), ("k3",))),
    ]


@pytest.mark.parametrize(
    ("collation", "ranged"),
    [("utf8mb4_nopad_bin", True), ("utf8mb4_bin", False), ("utf8mb4_general_ci", False), ("latin1_nopad_bin", False)],
)
def test_text_keys_are_in_the_order_of_bytes_whatever_the_collation(
    mariadb_url: str, collation: str, ranged: bool
) -> None:
    """Only a collation that is binary to the last blank is read in ranges; in every one the order is that of bytes."""
    charset = collation.partition("_")[0]
    run(mariadb_url, f"CREATE TABLE t (k varchar(20) CHARACTER SET {charset} COLLATE {collation} PRIMARY KEY)")
    keys = ["b", "B2", "a", "a\x01", "aé", "z", "a-b", "A3", "ab", "", "€", "c\t", "c"]
    load(mariadb_url, "t", [(key,) for key in keys])
    found = reading(table(mariadb_url, "t"))
    with MariadbTarget(mariadb_url).snapshot() as snapshot:
        assert snapshot.ranged(found) is ranged
        assert rows(snapshot, found) == [(key,) for key in sorted(keys, key=str.encode)]


def test_texts_that_differ_behind_the_first_kilobyte_are_in_order(mariadb_url: str) -> None:
    """Without a key, long values are ordered by their last byte too, which the server by itself leaves out."""
    run(mariadb_url, "CREATE TABLE t (v longtext, w longblob)")
    texts = [("好" * 100_000 + letter, "\\x" + "00" * size) for letter in "cab" for size in (200_001, 200_000)]
    load(mariadb_url, "t", list(texts))
    assert read(mariadb_url, "t") == sorted(texts)


def test_a_row_longer_than_the_server_sends_is_refused(mariadb_url: str) -> None:
    """A line that the server cannot make is no NULL: the reading ends with D609 that names the setting."""
    run(mariadb_url, "CREATE TABLE t (id int PRIMARY KEY, v longblob)")
    run(mariadb_url, "INSERT INTO t VALUES (1, REPEAT('x', 9000000)), (2, 'y')")
    with pytest.raises(UsageError, match="max_allowed_packet"):
        read(mariadb_url, "t")


def test_rows_of_any_length_are_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Rows on both sides of every length at which the protocol changes are read whole."""
    edges = (0, 250, 65_535, 65_540, 16_777_200, 16_777_215, 16_777_220)
    lines = [size + more for size in edges for more in range(-6, 7) if size + more > 8]
    with mariadb(["--max-allowed-packet=64M"]) as server, server.database() as url:
        run(url, "CREATE TABLE t (v longtext, id int PRIMARY KEY)")
        # A line is the text and its quotes, a comma, the number and its quotes, and LF.
        rows = [(100 + at, size - 9) for at, size in enumerate(lines)]
        run(url, *(f"INSERT INTO t VALUES (REPEAT('x', {size}), {at})" for at, size in rows))
        with MariadbTarget(url).snapshot() as snapshot:
            data = b"".join(block.data for block in snapshot.blocks(reading(table(url, "t"))))
    assert [len(line) + 1 for line in data.splitlines()] == [max(size, 9) for size in lines]


def test_reading_may_be_left_in_the_middle(mariadb_url: str) -> None:
    """A reading that is not ended leaves its snapshot fit for the next one, and closing in the middle is no error."""
    run(mariadb_url, "CREATE TABLE t (id int PRIMARY KEY, v text)")
    run(mariadb_url, "INSERT INTO t SELECT seq, REPEAT('x', 1000) FROM seq_1_to_5000")
    found = reading(table(mariadb_url, "t"))
    with MariadbTarget(mariadb_url).snapshot() as snapshot:
        blocks = snapshot.blocks(found)
        assert next(blocks).rows < 5000
        del blocks
        assert len(rows(snapshot, found)) == 5000
        held = snapshot.blocks(found)
        next(held)
        snapshot.close()
        held.close()


def test_a_server_that_ends_the_connection_is_unreachable(mariadb_url: str) -> None:
    """A connection that is killed while a table is read is S409."""
    run(mariadb_url, "CREATE TABLE t (id int PRIMARY KEY, v text)")
    run(mariadb_url, "INSERT INTO t SELECT seq, REPEAT('x', 1000) FROM seq_1_to_20000")
    found = reading(table(mariadb_url, "t"))
    with MariadbTarget(mariadb_url).snapshot() as snapshot:
        blocks = snapshot.blocks(found)
        next(blocks)
        run(mariadb_url, f"KILL {snapshot._wire.thread_id()}")
        with pytest.raises(UnreachableError, match="S409"):
            list(blocks)
        with pytest.raises(UnreachableError, match="S409"):
            rows(snapshot, found)


def test_a_table_that_changes_is_told(mariadb_url: str) -> None:
    """A table that is dropped, or loses a column, before it is read is D632."""
    run(mariadb_url, "CREATE TABLE t (id int PRIMARY KEY, v text)", "CREATE TABLE u (id int PRIMARY KEY)")
    t, u = (reading(table(mariadb_url, name)) for name in "tu")
    run(mariadb_url, "ALTER TABLE t DROP COLUMN v", "DROP TABLE u")
    with MariadbTarget(mariadb_url).snapshot() as snapshot:
        for found in (t, u):
            with pytest.raises(IntegrityError, match="D632"):
                rows(snapshot, found)


@pytest.mark.parametrize("engine", ["MyISAM", "Aria", "MEMORY"])
def test_tables_without_transactions_are_locked_while_they_are_read(mariadb_url: str, engine: str) -> None:
    """Such a table is a warning, nobody can write it while a snapshot is open, and everybody can afterwards."""
    run(mariadb_url, f"CREATE TABLE t (id int PRIMARY KEY) ENGINE={engine}", "CREATE TABLE u (id int) ENGINE=InnoDB")
    run(mariadb_url, "INSERT INTO t VALUES (1)")
    assert [(o.code, o.place) for o in MariadbSource(mariadb_url).catalog().oddities] == [("D621", "t")]
    with MariadbSource(mariadb_url).snapshot() as snapshot:
        assert rows(snapshot, reading(table(mariadb_url, "t"))) == [("1",)]
        assert "READ ONLY" in snapshot.refused()
        run(mariadb_url, "INSERT INTO u VALUES (1)")
        with pytest.raises(Exception, match=r"[Ll]ock"):
            run(mariadb_url, "SET SESSION lock_wait_timeout = 1", "INSERT INTO t VALUES (2)")
    run(mariadb_url, "INSERT INTO t VALUES (2)")
    assert read(mariadb_url, "t") == [("1",), ("2",)]


def test_an_empty_database_refuses_a_write_too(mariadb_url: str) -> None:
    """Where there is no table to try it on, making one is refused."""
    with MariadbSource(mariadb_url).snapshot() as snapshot:
        assert "READ ONLY" in snapshot.refused()
    assert MariadbSource(mariadb_url).catalog().tables == ()


def test_settings_of_the_server_do_not_change_what_is_read() -> None:
    """A server set up for an application (row limits, another zone, quotes, padding, time limits) gives the same."""
    options = (
        *(
            "--default-time-zone=+08:00",
            "--sql-mode=ANSI_QUOTES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES",
        ),
        *("--max-statement-time=1", "--character-set-server=gbk", "--idle-transaction-timeout=1"),
    )
    with mariadb(options) as server, server.database() as url:
        server.execute("SET GLOBAL sql_select_limit = 2")
        run(url, "CREATE TABLE t (id int PRIMARY KEY, c char(5), ts timestamp)")
        run(url, "SET time_zone = '+00:00'", "INSERT INTO t SELECT seq, 'a\\\\', '2024-01-01' FROM seq_1_to_5")
        assert read(url, "t") == [(str(at), "a\\", "2024-01-01 00:00:00.000000+00") for at in range(1, 6)]


def test_the_binary_log_tells_a_written_database() -> None:
    """With a binary log the token is equal while nothing is written and another afterwards; one that leaves out is none."""
    with mariadb(["--log-bin", "--server-id=1"]) as server, server.database() as url:
        run(url, "CREATE TABLE t (id int PRIMARY KEY)")
        tokens = []
        for statement in ("SELECT 1", "INSERT INTO t VALUES (1)", "UPDATE t SET id = 2"):
            run(url, statement)
            for _ in range(2):
                with MariadbSource(url).snapshot() as snapshot:
                    tokens.append(snapshot.identity.token)
        assert tokens[0] == tokens[1] != tokens[2] == tokens[3] != tokens[4] == tokens[5]
        assert all(tokens)
    with (
        mariadb(["--log-bin", "--server-id=1", "--binlog-ignore-db=other"]) as server,
        server.database() as url,
        MariadbSource(url).snapshot() as snapshot,
    ):
        assert snapshot.identity.token == ""


def test_an_account_that_may_only_read_will_do(mariadb_server: MariaDB, mariadb_url: str) -> None:
    """SELECT is enough for catalog, census and reading; without LOCK TABLES a table without transactions is refused."""
    name = urlsplit(mariadb_url).path.strip("/")
    run(mariadb_url, "CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, 'a')")
    mariadb_server.execute(
        *(
            "CREATE USER reader@localhost IDENTIFIED BY 'p@ss/w:rd'",
            f"GRANT SELECT ON {name}.* TO reader@localhost",
        )
    )
    url = mariadb_url.replace("root@", "reader:p%40ss%2Fw%3Ard@")
    try:
        source = MariadbSource(url)
        with source.snapshot() as snapshot:
            assert source.census(snapshot, table(url, "t")) == ()
            assert rows(snapshot, reading(table(url, "t"))) == [("1", "a")]
            assert snapshot.refused()
        run(mariadb_url, "CREATE VIEW w AS SELECT 1 AS x")
        assert source.catalog().views == ()
        assert [(o.code, o.place, o.detail) for o in source.catalog().oddities] == [
            ("D625", "w", "view that needs the right SHOW VIEW")
        ]
        run(mariadb_url, "ALTER TABLE t ENGINE = MyISAM")
        with pytest.raises(UsageError, match="D609"):
            source.snapshot()
        with pytest.raises(UsageError, match="D609") as caught:
            MariadbSource(url.replace("p%40ss", "wrong")).catalog()
        assert "w:rd" not in str(caught.value)
        assert "p%40ss" not in repr(source)
    finally:
        mariadb_server.execute("DROP USER reader@localhost")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://a/b", "D601"),
        ("mysql+pymysql://root@/", "D601"),
        ("nonsense", "D601"),
        ("mysql://root@/d?unix_socket=/none&surprise=1", "D601"),
    ],
)
def test_a_url_that_names_no_database_is_refused(url: str, code: str) -> None:
    """Another engine's URL, one without a database and one with an unknown option are D601."""
    with pytest.raises(UsageError, match=code):
        MariadbSource(url).catalog()


@pytest.mark.parametrize("word", ["mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"])
def test_every_way_to_write_the_url_is_read(mariadb_url: str, word: str) -> None:
    """MariaDB's and MySQL's names, with and without the driver, are the same."""
    url = word + mariadb_url.removeprefix("mysql+pymysql").replace("&charset=utf8mb4", "")
    run(url, "CREATE TABLE t (v text)", "INSERT INTO t VALUES ('😀')")
    assert read(url, "t") == [("😀",)]


def test_no_server_is_unreachable(tmp_path: object) -> None:
    """Where no server answers, everything is S409."""
    for url in (f"mariadb://root@/d?unix_socket={tmp_path}/none", "mariadb://root@127.0.0.1:1/d"):
        for act in (MariadbTarget(url).catalog, MariadbTarget(url).snapshot, MariadbTarget(url).session):
            with pytest.raises(UnreachableError, match="S409"):
                act()


def test_a_state_is_not_shared(mariadb_url: str) -> None:
    """A snapshot says that it cannot be shared, and joining one is refused."""
    with MariadbSource(mariadb_url).snapshot() as snapshot:
        assert snapshot.shared == ""
    with pytest.raises(UsageError, match="D609"):
        MariadbSource(mariadb_url).snapshot("something")


def test_lines_equal_what_plain_python_makes_of_plain_rows(mariadb_url: str) -> None:
    """Random rows of texts, numbers and bytes read by a plain SELECT and written in Python give the same bytes."""
    chance = random.Random(11)
    letters = "aA\"',\\\n\r\t 张𠮷😀é\x01\x7f"
    run(
        mariadb_url,
        "CREATE TABLE t (id int PRIMARY KEY, a varchar(40), b decimal(14,3), c blob, d bigint, e datetime(6))",
    )
    expected = []
    with Wire(unix_socket=str(socket_of(mariadb_url)), user="root", charset="utf8mb4", autocommit=True) as wire:
        wire.select_db(urlsplit(mariadb_url).path.strip("/"))
        for at in range(500):
            text = "".join(chance.choices(letters, k=chance.randrange(30)))
            amount = Decimal(chance.randrange(-(10**10), 10**10)).scaleb(-3)
            row = (at, text, amount, chance.randbytes(chance.randrange(20)), chance.getrandbits(63), None)
            wire.fetch("INSERT INTO t VALUES (%s, %s, %s, %s, %s, %s)", row)
        for i, a, b, c, d, e in wire.fetch("SELECT id, a, b, c, d, e FROM t ORDER BY id"):
            expected.append((str(i), a, f"{b:.3f}", "\\x" + c.hex(), str(d), e))
    assert read(mariadb_url, "t") == expected
