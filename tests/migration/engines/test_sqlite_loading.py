"""Loading SQLite: no column makes another value of a cell, no rule of the table leaves a row out."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import IntegrityError
from migration import canon
from migration.catalog import Kind, TableName
from migration.engine import Copied, LoadColumn, Loading, ReadColumn, Reading
from migration.engines.sqlite import SqliteTarget
from migration.engines.sqlite.loading import whole_lines
from tests.parts import ROOT
from tests.suites.stands import stream

T = TableName("", "t")


@pytest.fixture
def target(tmp_path: Path) -> SqliteTarget:
    """A file that is not there yet."""
    return SqliteTarget(f"sqlite:///{tmp_path / 'target.db'}")


def load(target: SqliteTarget, data: list[bytes], rows: int, *columns: LoadColumn) -> None:
    """Load one chunk."""
    with target.session() as session:
        session.load("run", Copied(1, 1, rows, "0" * 64), Loading(T, columns), data)


AFFINE = [
    (Kind.TEXT, "string", "007"),
    (Kind.TEXT, "integer", " 12 "),
    (Kind.TEXT, "decimal(9,2)", "1e5"),
    (Kind.OTHER, "numeric", "+.5"),
    (Kind.INTEGER, "bigint", "9223372036854775808"),
    (Kind.INTEGER, "real", "5"),
    (Kind.DECIMAL, "decimal(20,2)", "123456789012345678.99"),
    (Kind.DECIMAL, "decimal(30,0)", "99999999999999999999"),
    (Kind.NUMBER, "numeric", "0.12345678901234567890"),
    (Kind.FLOAT, "real", "-0"),
    (Kind.BYTES, "blob", "00"),
    (Kind.BYTES, "blob", "\\x0"),
]


@pytest.mark.parametrize(("kind", "native", "value"), AFFINE)
def test_a_column_that_would_change_a_value_refuses_it(
    target: SqliteTarget, kind: Kind, native: str, value: str
) -> None:
    """A cell of which the column's affinity would make another value is D642 with table, column and row."""
    target.execute([f"CREATE TABLE t (d date, v {native})"])
    columns = (LoadColumn("d", Kind.DATE, "date"), LoadColumn("v", kind, native, 2))
    with pytest.raises(IntegrityError, match="D642") as caught:
        load(target, [canon.line([None, None]) + canon.line([None, value])], 2, *columns)
    assert caught.value.detail == "t.v: row 2"
    assert target.copied("run") == ()


@pytest.mark.parametrize(
    ("kind", "native", "value"),
    [
        (Kind.TEXT, "text", "007"),
        (Kind.TEXT, "", "007"),
        (Kind.INTEGER, "text", "123456789012345678901234567890"),
        (Kind.DECIMAL, "text", "123456789012345678.99"),
        (Kind.DECIMAL, "decimal(15,2)", "9999999999999.99"),
        (Kind.DECIMAL, "real", "-0.10"),
        (Kind.NUMBER, "numeric", "-0.000001"),
        (Kind.NUMBER, "text", "0.12345678901234567890123"),
        (Kind.FLOAT, "numeric", "1e+20"),
        (Kind.FLOAT, "", "-0"),
        (Kind.FLOAT, "text", "1e-07"),
        (Kind.BOOLEAN, "text", "1"),
        (Kind.DATE, "text", "2024-02-29"),
        (Kind.TIMESTAMP, "text", "infinity"),
        (Kind.DATE, "date", "0044-03-15 BC"),
        (Kind.OTHER, "text", '{"a": 1}'),
        (Kind.TEXT, "text", "a\0b"),
    ],
)
def test_whatever_a_type_can_hold_comes_back(target: SqliteTarget, kind: Kind, native: str, value: str) -> None:
    """A kind may be held in another type than its own, and comes back as it was."""
    target.execute([f"CREATE TABLE t (v {native})"])
    data = canon.line([value])
    load(target, [data], 1, LoadColumn("v", kind, native, 2))
    with target.snapshot() as snapshot:
        assert stream(snapshot, Reading(T, (ReadColumn("v", kind, native, 2),), ())) == data


def test_blanks_at_the_end_do_not_count_where_they_are_padding(target: SqliteTarget) -> None:
    """A padded column is written and ordered without the blanks at its end."""
    target.execute(["CREATE TABLE t (v char(5) PRIMARY KEY NOT NULL)", "INSERT INTO t VALUES ('b '), ('a '), ('a!')"])
    reading = Reading(T, (ReadColumn("v", Kind.TEXT, "char(5)", padded=True),), ("v",))
    with target.snapshot() as snapshot:
        assert not snapshot.ranged(reading)
        assert stream(snapshot, reading) == b'"a"\n"a!"\n"b"\n'


def test_no_rule_of_the_table_leaves_a_row_out(target: SqliteTarget) -> None:
    """ON CONFLICT IGNORE and REPLACE in a table do not swallow a row that is there twice."""
    for rule in ("IGNORE", "REPLACE"):
        target.execute(["DROP TABLE IF EXISTS t", f"CREATE TABLE t (a INTEGER UNIQUE ON CONFLICT {rule})"])
        with pytest.raises(IntegrityError, match="D642"):
            load(target, [b'"1"\n"1"\n'], 2, LoadColumn("a", Kind.INTEGER, "integer"))


def test_a_trigger_that_drops_rows_is_noticed(target: SqliteTarget) -> None:
    """A row that a trigger keeps out is missing in the count: D642."""
    trigger = "CREATE TRIGGER n BEFORE INSERT ON t WHEN new.a = 2 BEGIN SELECT RAISE(IGNORE); END"
    target.execute(["CREATE TABLE t (a INTEGER)", trigger])
    with pytest.raises(IntegrityError, match=r"D642.*2 rows in the place of 3"):
        load(target, [b'"1"\n"2"\n"3"\n'], 3, LoadColumn("a", Kind.INTEGER, "integer"))


@given(
    st.lists(st.tuples(st.none() | st.text(alphabet='a"\n,é'), st.none() | st.text(alphabet='"\n'))),
    st.lists(st.integers(0, 200)),
)
def test_lines_are_found_wherever_pieces_end(rows: list[canon.Cells], cuts: list[int]) -> None:
    """However the bytes are cut, they come as whole lines."""
    data = b"".join(map(canon.line, rows))
    ends = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in pairwise(ends)]
    whole = list(whole_lines(pieces))
    assert b"".join(whole) == data
    assert [row for lines in whole for row in canon.rows(lines)] == rows


def test_bytes_that_end_in_a_line_are_refused(target: SqliteTarget) -> None:
    """A chunk cut off in the middle of a line is D671, and nothing of it stays."""
    target.execute(["CREATE TABLE t (a TEXT)"])
    with pytest.raises(IntegrityError, match="D671"):
        load(target, [b'"1"\n"2', b"3"], 2, LoadColumn("a", Kind.TEXT, "text"))
    assert target.copied("run") == ()


def test_a_killed_load_leaves_nothing_or_all(target: SqliteTarget) -> None:
    """A process killed in a chunk leaves the chunks before it, whole, and their lines of the ledger."""
    target.execute(["CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"])
    code = """
import os, sys
from migration import canon
from migration.catalog import Kind, TableName
from migration.engine import Copied, LoadColumn, Loading
from migration.engines.sqlite import SqliteTarget
columns = (LoadColumn("a", Kind.INTEGER, "integer"), LoadColumn("b", Kind.TEXT, "text"))
def data(chunk):
    for at in range(20000):
        yield canon.line((str(chunk * 20000 + at), "x" * 500))
    if chunk == 2:
        os.kill(os.getpid(), 9)
with SqliteTarget(sys.argv[1]).session() as session:
    for chunk in range(3):
        session.load("run", Copied(1, chunk, 20000, "0" * 64), Loading(TableName("", "t"), columns), data(chunk))
"""
    done = subprocess.run([sys.executable, "-c", code, target.url], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert [(copied.chunk, copied.rows) for copied in target.copied("run")] == [(0, 20000), (1, 20000)]
    assert target.catalog().table(T).rows == 40000
