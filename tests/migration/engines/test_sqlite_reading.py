"""Reading SQLite: against plain Python, real files, stray values, journals, and files that are none."""

import hashlib
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import IntegrityError, ServiceError, UnreachableError, UsageError
from migration import canon
from migration.canon import double
from migration.catalog import Column, Kind, Table
from migration.engine import ReadColumn, Reading
from migration.engines.sqlite import SqliteSource, SqliteTarget
from tests.parts import ROOT, shared_data
from tests.suites.stands import stream

SECRET = "110101199003074258"


def made(path: Path, *statements: str, rows: Iterable[tuple[Any, ...]] = ()) -> SqliteSource:
    """A database made by Python's own sqlite3; `rows` go into table `t`."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        for row in rows:
            connection.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(row))})", row)
        connection.commit()
    return SqliteSource(f"sqlite:///{path}")


def reading(table: Table) -> Reading:
    """A table read as its catalog has it."""
    columns = tuple(ReadColumn(c.name, c.kind, c.native, c.scale, c.padded) for c in table.columns)
    return Reading(table.name, columns, table.order)


def read(source: SqliteSource, name: str = "t") -> list[canon.Cells]:
    """The rows of a table."""
    table = next(table for table in source.catalog().tables if table.name.name == name)
    with source.snapshot() as snapshot:
        return list(canon.rows(stream(snapshot, reading(table))))


def plainly(value: Any, column: Column) -> str | None:
    """A value as the rules of `canon` have it, in the plainest Python."""
    if value is None:
        return None
    if column.kind is Kind.DECIMAL:
        return f"{value:.{column.scale}f}"
    if column.kind is Kind.TIMESTAMP:
        return f"{value}.000000"
    if column.kind is Kind.BYTES:
        return "\\x" + value.hex()
    return double(value) if isinstance(value, float) else str(value)


def test_a_real_database_is_read_as_plain_python_reads_it() -> None:
    """Every table of Chinook gives the bytes that sqlite3 and the rules of `canon` give, in the same order."""
    path = shared_data("databases/chinook") / "Chinook_Sqlite.sqlite"
    source = SqliteSource(f"sqlite:///{path}")
    catalog = source.catalog()
    assert len(catalog.tables) == 11
    assert sum(table.rows for table in catalog.tables) == 15_607
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as plain, source.snapshot() as snapshot:
        for table in catalog.tables:
            rows = [
                tuple(plainly(value, column) for value, column in zip(row, table.columns, strict=True))
                for row in plain.execute(f'SELECT * FROM "{table.name}"')
            ]
            for key in (table.order, ()):
                places = [[column.name for column in table.columns].index(name) for name in key]
                rows.sort(key=lambda cells: canon.order(cells, table.columns, places))
                wanted = b"".join(map(canon.line, rows))
                assert stream(snapshot, Reading(table.name, reading(table).columns, key)) == wanted
            assert source.census(snapshot, table) == ()


def test_chinook_is_known_by_its_kinds() -> None:
    """Lengths, scales, dates, composite keys, foreign keys, indexes and numbering of Chinook are in its catalog."""
    catalog = SqliteSource(f"sqlite:///{shared_data('databases/chinook') / 'Chinook_Sqlite.sqlite'}").catalog()
    tables = {table.name.name: table for table in catalog.tables}
    assert tables["Track"].column("Name").length == 200
    price = tables["Track"].column("UnitPrice")
    assert (price.kind, price.native, price.precision, price.scale) == (Kind.DECIMAL, "numeric(10,2)", 10, 2)
    assert tables["Invoice"].column("InvoiceDate").kind is Kind.TIMESTAMP
    assert tables["PlaylistTrack"].order == ("PlaylistId", "TrackId")
    assert [key.columns for key in tables["Track"].foreign] == [("AlbumId",), ("GenreId",), ("MediaTypeId",)]
    assert [index.columns for index in tables["Track"].indexes] == [("AlbumId",), ("GenreId",), ("MediaTypeId",)]
    assert tables["Album"].primary is not None
    assert tables["Album"].primary.name == "PK_Album"
    assert {each.owner[0].name: each.following for each in catalog.sequences if each.owner}["Album"] == 348
    assert catalog.encoding == "UTF-8"
    assert all(table.size > 0 for table in catalog.tables)


@given(st.floats(allow_nan=False))
def test_floats_are_written_so_that_they_read_back(value: float) -> None:
    """A double is written in as few digits as Python needs, and reads back as the same double."""
    text = double(value)
    assert float(text) == value
    assert sum(map(str.isdigit, text.partition("e")[0].strip("0.-"))) <= 17
    assert ("e" in text) == (value != 0 and abs(value) != float("inf") and not 1e-4 <= abs(value) < 1e15)


@pytest.mark.parametrize("scale", [0, 1, 2, 4, 6])
def test_money_comes_out_as_it_was_meant(tmp_path: Path, scale: int) -> None:
    """Decimals of up to 15 digits, stored by SQLite as doubles or whole numbers, come out digit by digit."""
    chance = random.Random(scale)
    meant = [0, 1, -1, 5, 10**14, 10**15 - 1, -(10**15) + 1]
    meant += [chance.randrange(-(10 ** chance.randrange(1, 16)), 10 ** chance.randrange(1, 16)) for _ in range(5000)]
    texts = [f"{'-' * (value < 0)}{abs(value):0{scale + 1}}" for value in meant]
    texts = [f"{text[:-scale]}.{text[-scale:]}" if scale else text for text in texts]
    source = made(
        tmp_path / "s.db",
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, amount DECIMAL(15,{scale}))",
        rows=[(at, float(text)) for at, text in enumerate(texts)],
    )
    assert [amount for _, amount in read(source)] == texts


@pytest.mark.parametrize(
    ("native", "stored", "wanted"),
    [
        ("date", "2024-02-29", "2024-02-29"),
        ("date", "2024-02-29 00:00:00.000", "2024-02-29"),
        ("datetime", "2024-02-29", "2024-02-29 00:00:00.000000"),
        ("datetime", "2024-02-29T12:34", "2024-02-29 12:34:00.000000"),
        ("datetime", "2024-02-29 12:34:56.7", "2024-02-29 12:34:56.700000"),
        ("datetime", "2024-02-29 12:34:56.123456", "2024-02-29 12:34:56.123456"),
        ("datetime", "2024-02-29 12:34:56.123456000", "2024-02-29 12:34:56.123456"),
        ("timestamptz", "2024-02-29T12:34:56+08:00", "2024-02-29 04:34:56.000000+00"),
        ("timestamptz", "2024-02-29T12:34:56Z", "2024-02-29 12:34:56.000000+00"),
        ("time", "12:34", "12:34:00.000000"),
        ("time", "24:00:00", "24:00:00.000000"),
        ("decimal(18,2)", 123456789012345.67, "123456789012345.67"),
        ("decimal(9,2)", 7, "7.00"),
        ("numeric", 1e-7, "0.0000001"),
        ("numeric", 1e20, "100000000000000000000"),
        ("double", 5, "5"),
        ("real", "NaN", "NaN"),
        ("real", float("-inf"), "-Infinity"),
        ("", 7, "7"),
        ("uuid", "a-b", "a-b"),
    ],
)
def test_what_can_mean_one_thing_is_written(tmp_path: Path, native: str, stored: Any, wanted: str) -> None:
    """Values stored in another form than the canonical one come out in it where they can mean one thing only."""
    source = made(tmp_path / "s.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {native})", rows=[(1, stored)])
    assert read(source) == [("1", wanted)]


@pytest.mark.parametrize(
    ("native", "stored", "code"),
    [
        ("integer", "x" + SECRET, "D615"),
        ("integer", 1.5, "D615"),
        ("integer", 9.3e18, "D615"),
        ("boolean", 2, "D615"),
        ("boolean", "true", "D615"),
        ("decimal(12,2)", 1.005, "D615"),
        ("decimal(12,2)", -0.001, "D615"),
        ("decimal(12,2)", "12,50", "D615"),
        ("decimal(12,2)", float("inf"), "D618"),
        ("numeric", float("inf"), "D618"),
        ("real", "1.50 元", "D615"),
        ("text", b"\x00", "D615"),
        ("blob", SECRET, "D615"),
        ("date", "2023-02-30", "D613"),
        ("date", "0000-00-00", "D613"),
        ("date", "2024/02/01", "D615"),
        ("date", "2024-02-01 10:00:00", "D615"),
        ("date", "now", "D615"),
        ("date", "2024-02-01\0" + SECRET, "D615"),
        ("datetime", "2024-02-01 25:00:00", "D613"),
        ("datetime", "2024-02-01 10:00:00+08:00", "D615"),
        ("datetime", "2024-02-01 10:00:00.1234567", "D615"),
        ("datetime", "2024-02-01 10:00:00.123456\0" + SECRET, "D615"),
        ("timestamptz", "2024-02-01 10:00:00", "D615"),
        ("timestamptz", "0001-01-01 00:00:00+08:00", "D613"),
        ("time", "25:00:00", "D613"),
    ],
)
def test_what_is_not_of_its_kind_is_refused(tmp_path: Path, native: str, stored: Any, code: str) -> None:
    """A value that cannot be written as its kind is refused with table and column, without itself; the census says so."""
    other = {"date": "2024-01-01", "datetime": "2024-01-01", "timestamptz": "2024-01-01Z", "time": "10:00"}.get(native)
    source = made(
        tmp_path / "s.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {native})", rows=[(1, other), (7, stored)]
    )
    with pytest.raises(IntegrityError, match=code) as caught:
        read(source)
    assert "t.v" in caught.value.detail
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None
    with source.snapshot() as snapshot:
        (oddity,) = source.census(snapshot, source.catalog().tables[0])
    assert (oddity.code, oddity.column, oddity.rows, oddity.keys) == (code, "v", 1, (("7",),))


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """Bytes in a text that are not UTF-8 are D611 with their column, in a value and in a key, whole and in ranges."""
    source = made(
        tmp_path / "s.db",
        "CREATE TABLE t (code TEXT PRIMARY KEY NOT NULL, a TEXT, b TEXT)",
        "CREATE TABLE k (code TEXT PRIMARY KEY NOT NULL, a TEXT, b TEXT)",
        """INSERT INTO t VALUES ('1', 'a,b"', 'x,"y' || char(10)), ('2', 'c,"', CAST(x'31ff32' AS TEXT))""",
        "INSERT INTO k VALUES (CAST(x'fe' AS TEXT), '', ''), (CAST(x'ff' AS TEXT), '', '')",
    )
    for name, column in (("t", "t.b"), ("k", "k.code")):
        with pytest.raises(IntegrityError, match="D611") as caught:
            read(source, name)
        assert caught.value.detail == column
    table = next(table for table in source.catalog().tables if table.name.name == "k")
    with source.snapshot() as snapshot, pytest.raises(IntegrityError, match="D611"):
        snapshot.bounds(reading(table), 1)


def test_half_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    """In a database in UTF-16, where SQL would write another character for it, half a pair is D611."""
    source = made(
        tmp_path / "s.db",
        "PRAGMA encoding = 'UTF-16le'",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
        "INSERT INTO t VALUES (1, CAST(x'00d86100' AS TEXT))",
    )
    with pytest.raises(IntegrityError, match=r"D611.*t\.v"):
        read(source)
    with source.snapshot() as snapshot:
        (oddity,) = source.census(snapshot, source.catalog().tables[0])
    assert (oddity.code, oddity.column) == ("D611", "v")


def test_zero_bytes_in_text_are_carried(tmp_path: Path) -> None:
    """A text is read to its end, past 0x00, where SQLite's own functions stop."""
    source = made(tmp_path / "s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", rows=[(1, 'a\0"b')])
    assert read(source) == [("1", 'a\0"b')]


def test_a_key_may_not_be_null(tmp_path: Path) -> None:
    """SQLite lets NULL into a text key: it is D616, in the whole table and before the first range."""
    source = made(
        tmp_path / "s.db", "CREATE TABLE t (code TEXT PRIMARY KEY, v INTEGER)", rows=[("a", 1), (None, 2), ("b", 3)]
    )
    table = source.catalog().tables[0]
    with source.snapshot() as snapshot:
        assert snapshot.ranged(reading(table))
        for to in (None, ("a",)):
            with pytest.raises(IntegrityError, match=r"D616.*t\.code"):
                stream(snapshot, reading(table), None, to)
        (oddity,) = source.census(snapshot, table)
    assert (oddity.code, oddity.rows) == ("D616", 1)


@pytest.mark.parametrize("collation", ["NOCASE", "RTRIM"])
def test_another_collation_does_not_order(tmp_path: Path, collation: str) -> None:
    """Whatever collation a key has, rows stand in the order of its bytes; then it is not read by ranges."""
    values = ["b", "A", "a1", "B2", "_", "a ", "张"]
    source = made(
        tmp_path / "s.db",
        f"CREATE TABLE t (code TEXT NOT NULL PRIMARY KEY COLLATE {collation})",
        rows=[(value,) for value in values],
    )
    assert [code for (code,) in read(source)] == sorted(values, key=str.encode)
    with source.snapshot() as snapshot:
        assert not snapshot.ranged(reading(source.catalog().tables[0]))


def test_numbers_held_in_text_are_ordered_by_number(tmp_path: Path) -> None:
    """A key of whole numbers too long for SQLite stands in text, and is read in the order of the numbers."""
    values = [0, 9, 10, -9, -10, -11, 10**25, 10**25 + 1, -(10**25), -(10**25) - 1, 2**63, 5]
    made(tmp_path / "s.db", "CREATE TABLE t (n TEXT NOT NULL PRIMARY KEY)", rows=[(str(value),) for value in values])
    table = SqliteSource(f"sqlite:///{tmp_path / 's.db'}").catalog().tables[0]
    wanted = Reading(table.name, (ReadColumn("n", Kind.DECIMAL, "text", 0),), ("n",))
    with SqliteSource(f"sqlite:///{tmp_path / 's.db'}").snapshot() as snapshot:
        assert not snapshot.ranged(wanted)
        assert [int(n or "") for (n,) in canon.rows(stream(snapshot, wanted))] == sorted(values)


def test_a_key_without_an_index_is_read_in_one(tmp_path: Path) -> None:
    """Ranges are for keys with an index in their very order; a table of 1,500 columns is read all the same."""
    names = [f"c{at}" for at in range(1500)]
    source = made(
        tmp_path / "s.db",
        f"CREATE TABLE t ({', '.join(f'{name} INTEGER' for name in names)})",
        rows=[range(1500), range(1500)],
    )
    assert read(source) == [tuple(map(str, range(1500)))] * 2
    table = source.catalog().tables[0]
    with source.snapshot() as snapshot:
        assert not snapshot.ranged(Reading(table.name, reading(table).columns, ("c1",)))
        assert source.census(snapshot, table) == ()


def test_ranges_of_a_key_use_its_index(tmp_path: Path) -> None:
    """A range of a composite key is searched for, not scanned."""
    source = made(tmp_path / "s.db", "CREATE TABLE t (a INTEGER NOT NULL, b TEXT NOT NULL, v TEXT, PRIMARY KEY (a, b))")
    table = source.catalog().tables[0]
    with source.snapshot() as snapshot:
        assert snapshot.ranged(reading(table))
        seen: list[str] = []
        snapshot.connection.exec_trace = lambda _cursor, query, _given: seen.append(query) or True
        stream(snapshot, reading(table), ("1", "a"), ("2", "b"))
        snapshot.connection.exec_trace = None
        plan = str(snapshot.connection.execute(f"EXPLAIN QUERY PLAN {seen[-1]}", (1, "a", 2, "b")).fetchall())
    assert "SEARCH" in plan
    assert "TEMP B-TREE" not in plan


def _folder(path: Path) -> dict[str, tuple[str, int]]:
    return {
        each.name: (hashlib.sha256(each.read_bytes()).hexdigest(), each.stat().st_mtime_ns) for each in path.iterdir()
    }


def test_nothing_changes_beside_a_source(tmp_path: Path) -> None:
    """Survey, census, reading and a refused write leave the folder of a source as it was: names, bytes and times."""
    source = made(tmp_path / "s.db", "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)", rows=[(1, "x"), (2, None)])
    before = _folder(tmp_path)
    table = source.catalog().tables[0]
    with source.snapshot() as snapshot:
        source.census(snapshot, table)
        stream(snapshot, Reading(table.name, reading(table).columns, ()))
        assert "readonly" in snapshot.refused()
    assert _folder(tmp_path) == before


def test_a_write_ahead_log_is_read_and_left(tmp_path: Path) -> None:
    """What stands in the log alone is read; the database and its log are not written."""
    path = tmp_path / "s.db"
    made(path, "PRAGMA journal_mode = WAL", "CREATE TABLE t (a INTEGER PRIMARY KEY)")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("INSERT INTO t VALUES (7)")
        writer.commit()
        before = {name: found for name, found in _folder(tmp_path).items() if not name.endswith("-shm")}
        assert len(before) == 2
        # In a process of its own: here, closing the files just looked at has dropped the writer's locks.
        code = (
            "import sys; from tests.migration.engines.test_sqlite_reading import read, SqliteSource\n"
            "print(read(SqliteSource(sys.argv[1])))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, f"sqlite:///{path}"], cwd=ROOT, capture_output=True, check=True
        )
        assert done.stdout.decode().strip() == "[('7',)]"
        assert {name: found for name, found in _folder(tmp_path).items() if not name.endswith("-shm")} == before


def test_a_reader_keeps_writers_out(tmp_path: Path) -> None:
    """While a snapshot of a file with a rollback journal is open, nobody can commit to it; afterwards they can."""
    source = made(tmp_path / "s.db", "CREATE TABLE t (a INTEGER PRIMARY KEY)")
    with closing(
        apsw.Connection(str(tmp_path / "s.db"))
    ) as writer:  # sqlite3 is another library, with locks of its own
        with source.snapshot() as snapshot:
            token = snapshot.identity.token
            writer.execute("BEGIN; INSERT INTO t VALUES (1)").fetchall()
            with pytest.raises(apsw.BusyError):
                writer.execute("COMMIT").fetchall()
        writer.execute("COMMIT").fetchall()
    with source.snapshot() as snapshot:
        assert snapshot.identity.token != token


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_snapshot_of_another_state_is_not_joined(tmp_path: Path, journal: str) -> None:
    """Whoever joins after something was written is refused (D632), also after a write of one page in an old log."""
    source = made(tmp_path / "s.db", f"PRAGMA journal_mode = {journal}", "CREATE TABLE t (a INTEGER PRIMARY KEY)")
    tokens = set()
    with closing(apsw.Connection(str(tmp_path / "s.db"))) as writer:
        for number in range(5):
            writer.execute("UPDATE t SET a = a + 1" if number else "INSERT INTO t VALUES (1)").fetchall()
            with source.snapshot() as snapshot:
                token = snapshot.shared
            with source.snapshot(token) as joined:
                assert joined.identity.token == token
            for old in tokens:
                with pytest.raises(IntegrityError, match="D632"):
                    source.snapshot(old)
            tokens.add(token)
    assert len(tokens) == 5


def test_an_interrupted_write_is_not_undone(tmp_path: Path) -> None:
    """A database beside which the journal of a killed writer lies is D628, and stays as it is."""
    path = tmp_path / "s.db"
    made(path, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)", rows=[(at, "x" * 500) for at in range(2000)])
    killed = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA cache_size = 5');"
        "c.execute(\"UPDATE t SET b = 'y' || b\"); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(path)], check=False)
    before = _folder(tmp_path)
    assert set(before) == {"s.db", "s.db-journal"}
    with pytest.raises(IntegrityError, match="D628"):
        SqliteSource(f"sqlite:///{path}").snapshot()
    assert _folder(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "error", "code"),
    [(None, UnreachableError, "S409"), (b"no database at all, but text" * 100, IntegrityError, "D628")],
)
def test_what_is_no_database_is_said(
    tmp_path: Path, content: bytes | None, error: type[ServiceError], code: str
) -> None:
    """A missing file is S409 and not made; a file of something else is D628."""
    path = tmp_path / "s.db"
    if content:
        path.write_bytes(content)
    with pytest.raises(error, match=code):
        SqliteSource(f"sqlite:///{path}").catalog()
    assert path.exists() is bool(content)


def test_a_damaged_page_is_said(tmp_path: Path) -> None:
    """A page that does not hold together is D628 when it is read."""
    path = tmp_path / "s.db"
    source = made(path, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)", rows=[(at, "x" * 500) for at in range(200)])
    table = source.catalog().tables[0]
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 4096 // 2 * 4096)
        file.write(b"\xff" * 4096)
    with source.snapshot() as snapshot, pytest.raises(IntegrityError, match="D628"):
        stream(snapshot, reading(table))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://host/name", "nothing"])
def test_what_is_no_file_is_refused(url: str) -> None:
    """A URL that names no SQLite file is D601."""
    with pytest.raises(UsageError, match="D601"):
        SqliteSource(url).snapshot()


def test_a_changed_schema_is_said(tmp_path: Path) -> None:
    """A column or table that is not there is D632, and never a text of its name."""
    source = made(tmp_path / "s.db", "CREATE TABLE t (a INTEGER PRIMARY KEY)", rows=[(1,)])
    table = source.catalog().tables[0]
    with source.snapshot() as snapshot:
        for columns in ([ReadColumn("none", Kind.TEXT, "text")], [ReadColumn('a"', Kind.TEXT, "text")]):
            with pytest.raises(IntegrityError, match="D632"):
                stream(snapshot, Reading(table.name, tuple(columns), ()))


def test_a_target_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """A missing target is empty, and made with mode 0600 by the first statement."""
    target = SqliteTarget(f"sqlite:///{tmp_path / 'new.db'}")
    assert target.occupied([]) == ()
    assert not (tmp_path / "new.db").exists()
    target.execute(["CREATE TABLE t (a)"])
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600
