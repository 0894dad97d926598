"""Rows that SQLite joins many at a time are those that it gives one by one: the same, in the same order."""

import random
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw
import pytest

from formats.errors import IntegrityError
from migration import canon
from migration.engine import Bound, ReadColumn, Reading
from migration.engines.sqlite import SqliteSource, bundles, marking
from migration.engines.sqlite.snapshot import SqliteSnapshot
from tests.suites.stands import stream

ROWS = 3 * marking.TOGETHER + 7

TABLES = {
    "row number": ("id INTEGER PRIMARY KEY, v TEXT", ["id"]),
    "number with an index": ("id BIGINT NOT NULL PRIMARY KEY, v TEXT", ["id"]),
    "text": ("v TEXT NOT NULL PRIMARY KEY, id INTEGER", ["v"]),
    "two columns, the other way round": ("v TEXT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (id, v)", ["id", "v"]),
    "without row number": ("id BIGINT NOT NULL PRIMARY KEY, v TEXT", ["id"]),
}


def made(path: Path, columns: str, rows: list[tuple[int, Any]], option: str = "") -> SqliteSource:
    """A table `t` with these rows, entered in any order."""
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"CREATE TABLE t ({columns}) {option}")
        database.executemany("INSERT INTO t (id, v) VALUES (?, ?)", random.Random(5).sample(rows, len(rows)))
        database.commit()
    return SqliteSource(f"sqlite:///{path}")


def reading(source: SqliteSource) -> Reading:
    """All of the table."""
    table = source.catalog().tables[0]
    columns = tuple(ReadColumn(c.name, c.kind, c.native, c.scale, c.padded) for c in table.columns)
    return Reading(table.name, columns, table.order)


def values(rows: int) -> list[tuple[int, Any]]:
    """Rows with texts of all sorts, of which no two are alike."""
    chance = random.Random(rows)
    texts = ["", '"', "NULL", "张", "\0", "\n", "\U0010ffff", "ab" * 90]
    return [(at * 7 - 500, f"{chance.choice(texts)}{at}{chance.choice(texts)}") for at in range(rows)]


def expected(source: SqliteSource, rows: list[tuple[int, Any]]) -> bytes:
    """Their canonical lines in the order of the key."""
    asked = reading(source)
    names = [column.name for column in asked.columns]
    cells = [{"id": at, "v": text} for at, text in rows]
    cells.sort(key=lambda row: [row[name].encode() if name == "v" else row[name] for name in asked.key])
    return b"".join(canon.line([None if row[name] is None else str(row[name]) for name in names]) for row in cells)


@pytest.fixture
def singly(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Bound, Bound]]:
    """The ranges that are read row by row."""
    seen: list[tuple[Bound, Bound]] = []
    usual = SqliteSnapshot._one_by_one

    def watched(self: SqliteSnapshot, line: str, reading: Reading, after: Bound, to: Bound) -> apsw.Cursor:
        seen.append((after, to))
        return usual(self, line, reading, after, to)

    monkeypatch.setattr(SqliteSnapshot, "_one_by_one", watched)
    return seen


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("rows", [0, 1, 15, 16, 17, ROWS])
def test_every_key_orders_bundles(tmp_path: Path, name: str, rows: int, singly: list[Any]) -> None:
    """Whole, and range by range, a table comes in the order of its key; no row is read by itself."""
    columns, key = TABLES[name]
    source = made(tmp_path / "s.db", columns, values(rows), "WITHOUT ROWID" if "without" in name else "")
    asked = reading(source)
    assert list(asked.key) == key
    with source.snapshot() as snapshot:
        whole = stream(snapshot, asked)
        ends = [None, *snapshot.bounds(asked, 100), None]
        parts = [b"".join(block.data for block in snapshot.blocks(asked, *ends)) for ends in pairwise(ends)]
        counted = [sum(block.rows for block in snapshot.blocks(asked, *ends)) for ends in pairwise(ends)]
    assert whole == b"".join(parts) == expected(source, values(rows))
    assert sum(counted) == rows
    assert not singly


def test_rows_that_come_in_another_order_are_put_in_order(tmp_path: Path, singly: list[Any]) -> None:
    """A SQLite that reads an index the other way round where nothing is said of the order changes nothing."""
    source = made(tmp_path / "s.db", "id BIGINT NOT NULL PRIMARY KEY, v TEXT", values(ROWS))
    with source.snapshot() as snapshot:
        snapshot.connection.execute("PRAGMA reverse_unordered_selects = ON").fetchall()
        assert stream(snapshot, reading(source)) == expected(source, values(ROWS))
    assert singly


@pytest.mark.parametrize("long", [0, 20, 900, ROWS - 1])
def test_long_rows_are_not_joined(
    tmp_path: Path, long: int, singly: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where rows together are longer than a value may be, they are read one by one, and are the same."""
    monkeypatch.setattr(bundles, "_LONGEST", 100_000)
    rows = [
        (at, "长" * 60_000 if long <= at < long + 3 else text)
        for at, text in enumerate(text for _, text in values(ROWS))
    ]
    source = made(tmp_path / "s.db", "id INTEGER PRIMARY KEY, v TEXT", rows)
    with source.snapshot() as snapshot:
        usual = snapshot.connection.limit(apsw.SQLITE_LIMIT_LENGTH)
        blocks = list(snapshot.blocks(reading(source)))
        assert snapshot.connection.limit(apsw.SQLITE_LIMIT_LENGTH) == usual
    assert b"".join(block.data for block in blocks) == expected(source, rows)
    assert 0 < len(singly) < 10
    assert sum(len(block.data) > 200_000 for block in blocks) <= 3


def test_bundles_grow_only_to_a_size(tmp_path: Path, singly: list[Any]) -> None:
    """Of rows of some kilobytes as many are joined as make a quarter of a megabyte."""
    rows = [(at, "x" * 4000) for at in range(700)]
    source = made(tmp_path / "s.db", "id INTEGER PRIMARY KEY, v TEXT", rows)
    with source.snapshot() as snapshot:
        sizes = [len(block.data) for block in snapshot.blocks(reading(source))]
    assert max(sizes) < 300_000
    assert len(sizes) < 20
    assert not singly


@pytest.mark.parametrize("at", [0, 40, ROWS - 1])
@pytest.mark.parametrize(
    ("columns", "value", "code"),
    [
        ("id BIGINT NOT NULL PRIMARY KEY, v TEXT", 7.5, "D615"),
        ("id BIGINT NOT NULL PRIMARY KEY, v TEXT", "seven", "D615"),
        ("id BIGINT NOT NULL PRIMARY KEY, v TEXT", b"seven", "D615"),
        ("id BIGINT PRIMARY KEY, v TEXT", None, "D616"),
    ],
)
def test_a_key_that_is_none_is_said(tmp_path: Path, columns: str, value: Any, code: str, at: int) -> None:
    """A key stored as something else, wherever it stands, is refused with its column, and no row is left out."""
    rows = [(value if place == at else place, "v") for place in range(ROWS)]
    source = made(tmp_path / "s.db", columns, rows)
    with source.snapshot() as snapshot, pytest.raises(IntegrityError, match=code) as refused:
        stream(snapshot, reading(source))
    assert refused.value.detail.startswith("t.id")


def test_a_key_that_is_not_utf8_is_said(tmp_path: Path) -> None:
    """A text in the key that is not UTF-8 is D611 with its column, also where it ends a bundle."""
    source = made(tmp_path / "s.db", "v TEXT NOT NULL PRIMARY KEY, id INTEGER", [(1, "a")])
    with closing(sqlite3.connect(tmp_path / "s.db")) as database:
        database.execute("INSERT INTO t (id, v) VALUES (2, CAST(x'62ff' AS TEXT))")
        database.commit()
    with source.snapshot() as snapshot, pytest.raises(IntegrityError, match="D611") as refused:
        stream(snapshot, reading(source))
    assert refused.value.detail == "t.v"
