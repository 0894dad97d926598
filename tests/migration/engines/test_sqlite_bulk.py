"""What SQLite's rows are many at a time is what they are one by one: the census's glances, and lines made in blocks."""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import IntegrityError
from migration import canon
from migration.catalog import Catalog, Oddity
from migration.engine import ReadColumn, Reading
from migration.engines.sqlite import SqliteSource, glance, marking
from tests.suites.stands import stream

COLUMNS = """
    id INTEGER PRIMARY KEY, words TEXT, wide VARCHAR(6), loose, counted INTEGER, money DECIMAL(9,2), exact NUMERIC,
    ratio DOUBLE, yes BOOLEAN, day DATE, at TIMESTAMP, moment TIMESTAMPTZ, clock TIME, raw BLOB
"""
PLAIN: tuple[Any, ...] = (
    *(
        b"abc",
        "杭州市".encode(),
        "，（補）".encode(),
        b"Jos\xc3\xa9",
        b"",
        b"+",
        1,
        7,
        7.25,
        7.0,
        2.5,
        7,
        1,
        b"2024-02-29",
    ),
    *(b"2024-02-29 10:11:12", b"2024-02-29 10:11:12.123456+00", b"10:11:12"),
)
# Bytes are stored as a text; what shall be a blob is a bytearray.
ODD: tuple[Any, ...] = (
    *(b"\xfe\xfe", b"\xfe\xfea", b"a\xfe\xfe", b'"\xfe\xfe"'),
    *(b"\xff", b"\xfe", b"\xfea", b"a\xff", b"a\xfe", b"a\xfd", b"a\xfc", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x82\x80"),
    *(b"\xc4\xba\x80", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\xe4\xb8", b"\x80", b"\xbf\x80"),
    *(b"\0", b"a\0b", "张\0".encode(), b"\x1f", b"\f\v", "\x80\x85".encode(), "\ue000".encode(), "张\uf8ff".encode()),
    *("\ue5e5a".encode(), "\U000f0000".encode(), "\U0010fffd".encode(), "\ufffe\ufeff".encode(), "\uf900".encode()),
    *("\U0001f600".encode(), "\U000e0001".encode(), "\U0003fffd".encode(), "六个字正好吧".encode(), "张".encode() * 7),
    *(b"'\"',\n", b'"\xfe"', b"1234567", b"0000-00-00", b"2023-02-30", b"infinity", b"20240-01-01", b"0044-03-15 BC"),
    *(
        b"2024-02-29\0x",
        b"24:00:00",
        b"007",
        b"NaN",
        b"1e5",
        bytearray(b"\xff\x00"),
        bytearray(b"text"),
        bytearray(b""),
    ),
    *(0, 2, -1, 2**63 - 1, -(2**63), 12345678, 1.005, 0.1, -0.0, 1e15, 1e300, 5e-324, 123456789.5, 10000000.0),
    *(9999999.99, 9999999.995, float("inf"), float("-inf"), None),
)


def filled(path: Path, create: str, rows: list[tuple[Any, ...]], *, pragma: str = "encoding = 'UTF-8'") -> SqliteSource:
    """A database with these rows in every table, texts as the bytes that they are."""
    with closing(sqlite3.connect(path)) as made:
        made.execute(f"PRAGMA {pragma}")
        made.executescript(create)
        for (name,) in made.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            places = ", ".join("iif(?, CAST(? AS TEXT), ?)" if at else "?" for at in range(len(rows[0])))
            made.executemany(f"INSERT INTO {name} VALUES ({places})", (_given(row) for row in rows))
        made.commit()
    return SqliteSource(f"sqlite:///{path}")


def _given(row: tuple[Any, ...]) -> list[Any]:
    return [row[0], *(part for value in row[1:] for part in (isinstance(value, bytes), value, value))]


def census(source: SqliteSource, catalog: Catalog, name: str) -> tuple[Oddity, ...]:
    """What the census says of a table, by the name of `t`."""
    table = next(table for table in catalog.tables if table.name.name == name)
    as_t = replace(table.name, name="t")
    with source.snapshot() as snapshot:
        return tuple(replace(odd, table=as_t) for odd in source.census(snapshot, table))


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.6])
def test_what_is_glanced_at_is_what_is_looked_at(tmp_path: Path, share: float) -> None:
    """A table whose rows are glanced at has the very oddities of one whose values are all looked at, by row number."""
    chance = random.Random(f"{share}")
    numbers = [-(2**63), -7, *range(1, 2600), 10**9, 2**63 - 2, 2**63 - 1]
    rows = [(number, *(_value(chance, share, at) for at in range(13))) for number in numbers]
    create = f"CREATE TABLE t ({COLUMNS}); CREATE TABLE w ({COLUMNS}) WITHOUT ROWID;"
    source = filled(tmp_path / "s.db", create, rows)
    catalog = source.catalog()
    found = census(source, catalog, "t")
    assert found == census(source, catalog, "w")
    assert {odd.code for odd in found} >= {"D611", "D612", "D613", "D614", "D615", "D618", "D619"} or share < 0.1


def _value(chance: random.Random, share: float, at: int) -> Any:
    if chance.random() < share:
        return chance.choice(ODD)
    own = (
        PLAIN[:6],
        PLAIN[:6],
        PLAIN[:7],
        *([each] for each in (7, 7.25, 2.5, 1.5, 1)),
        *([each] for each in PLAIN[13:]),
    )
    return chance.choice([*(own[at] if at < len(own) else [bytearray(b"\x00")]), None])


@pytest.mark.parametrize("odd", [value for value in ODD if value is not None], ids=repr)
def test_one_odd_value_is_not_passed_over(tmp_path: Path, odd: Any) -> None:
    """Every odd value, alone among plain ones in each column, is found as by one look at every value."""
    create = "".join(f"CREATE TABLE {name} ({COLUMNS}) {how};" for name, how in (("t", ""), ("w", "WITHOUT ROWID")))
    plain = (b"abc", b"x", "张".encode(), 7, 7.25, 2.5, 1.5, 1, *PLAIN[13:], bytearray(b"\x00"))
    rows = [(at, *(odd if at == place else value for place, value in enumerate(plain))) for at in range(14)]
    source = filled(tmp_path / "s.db", create, rows)
    catalog = source.catalog()
    assert census(source, catalog, "t") == census(source, catalog, "w")


def test_large_texts_are_glanced_at_in_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large texts are, no more of them are taken together than one row or the bound, and none is left out."""
    monkeypatch.setattr(glance, "_SIZE", 1000)
    sizes = [0, 1, 3, 999, 1000, 1001, 5000, *[10] * 300, 2500, *[400] * 20]
    rows = [(at, b"x" * size) for at, size in enumerate(sizes)]
    rows[3] = (3, b"x" * 998 + b"\0")
    source = filled(tmp_path / "s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", rows)
    table = source.catalog().tables[0]
    seen: list[int] = []
    with source.snapshot() as snapshot:
        monkeypatch.setattr(
            glance, "_sound", lambda texts: seen.append(len(texts or b"")) or b"\0" not in (texts or b"")
        )
        (odd,) = source.census(snapshot, table)
    assert (odd.code, odd.rows, odd.keys) == ("D612", 1, (("3",),))
    assert max(size for size in seen if size not in {1001, 2500, 5000}) <= 1000 + 300
    assert sum(sizes) <= sum(seen) <= sum(sizes) + len(sizes)


@pytest.mark.parametrize("names", ["rowid", "rowid, oid", "rowid, oid, _rowid_"])
def test_columns_named_like_row_numbers(tmp_path: Path, names: str) -> None:
    """A column that has a name of the row number is not taken for it."""
    count = names.count(",") + 1
    rows = [(7, *[7] * (count - 1), b"a\0") for _ in range(3)]
    source = filled(tmp_path / "s.db", f"CREATE TABLE t ({names}, v TEXT)", rows)
    (odd,) = census(source, source.catalog(), "t")
    assert (odd.code, odd.rows) == ("D612", 3)
    assert odd.keys == (tuple(((str(at),) if count < 3 else ()) for at in (1, 2, 3)))


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_lines_of_every_text(tmp_path: Path, encoding: str) -> None:
    """Texts with quotes, commas, line ends, NUL and words for NULL, and NULL itself, are written as canonical lines."""
    texts = [
        "",
        '"',
        '""',
        '","',
        '"\n"',
        "NULL",
        '"NULL"',
        "a\0b",
        ",",
        "\n",
        "张\"，'",
        "\x7f\x80",
        "\U0010ffff",
        None,
    ]
    chance = random.Random(7)
    rows = [(at, *(chance.choice(texts) for _ in range(3))) for at in range(3000)]
    given = [(row[0], *(text if text is None else text.encode() for text in row[1:])) for row in rows]
    create = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b VARCHAR(9), c)"
    source = filled(
        tmp_path / "s.db", create, given if encoding == "UTF-8" else rows, pragma=f"encoding = '{encoding}'"
    )
    assert _read(source) == b"".join(canon.line((str(row[0]), *row[1:])) for row in rows)


def _read(source: SqliteSource) -> bytes:
    table = source.catalog().tables[0]
    columns = tuple(ReadColumn(c.name, c.kind, c.native, c.scale, c.padded) for c in table.columns)
    with source.snapshot() as snapshot:
        return stream(snapshot, Reading(table.name, columns, table.order))


@pytest.mark.parametrize("text", [value for value in ODD if isinstance(value, bytes)], ids=repr)
@pytest.mark.parametrize("place", [1, 2, 3])
def test_no_octets_pass_for_marks(tmp_path: Path, text: bytes, place: int) -> None:
    """A text that is not UTF-8 is D611 with its column, whatever octets it has and wherever it stands; others are read."""
    rows = [(at, *(text if (at, column) == (1, place) else b'x"' for column in (1, 2, 3))) for at in range(3)]
    source = filled(tmp_path / "s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT)", rows)
    try:
        cells = [(str(row[0]), *(cell.decode() for cell in row[1:])) for row in rows]
    except UnicodeDecodeError:
        with pytest.raises(IntegrityError, match="D611") as refused:
            _read(source)
        assert refused.value.detail == f"t.{'abc'[place - 1]}"
    else:
        assert _read(source) == b"".join(map(canon.line, cells))


_CONTENT = st.binary(max_size=6) | st.sampled_from(
    [b"\xfe", b"\xfe\xfe", b'"\xfe\xfe"', b"\xff", b"\xfd", b"\xfc", b"\xfd\xff", b'"', b""]
)


@given(st.integers(1, 4).flatmap(lambda wide: st.lists(st.tuples(*[st.none() | _CONTENT] * wide), min_size=1)))
def test_marks_become_canonical_lines_or_nothing(rows: list[tuple[bytes | None, ...]]) -> None:
    """Rows joined by marks become their canonical lines, or are refused if, and only if, a text is not UTF-8."""
    rows = [tuple(b"x" if cell and cell >= b"\xfe" else cell for cell in row) for row in rows]  # as the SQL sees to
    given = [b"\xff".join(b"\xfe\xfe" if cell is None else cell for cell in row) for row in rows]
    try:
        wanted = b"".join(canon.line([None if cell is None else cell.decode() for cell in row]) for row in rows)
    except UnicodeDecodeError:
        with pytest.raises(ValueError, match=r"mark|codec"):
            marking.lines(b"\xfd".join(given), len(given), len(rows[0]))
        with pytest.raises(ValueError, match=r"mark|codec"):
            marking.lines_of(given, len(rows[0]))
    else:
        assert marking.lines(b"\xfd".join(given), len(given), len(rows[0])) == wanted
        assert marking.lines_of(given, len(rows[0])) == wanted


@pytest.mark.parametrize("scale", [0, 2, 4, 15, 16, 20])
def test_no_double_is_written_with_other_digits(tmp_path: Path, scale: int) -> None:
    """Doubles beside a decimal of the scale, and near 15 digits, are written as the digits they are, or refused."""
    chance = random.Random(scale)
    near = [chance.randrange(10 ** chance.randrange(1, 18)) / 10**scale for _ in range(400)]
    values = [0.0, -0.0, 1e15, 10.0 ** (15 - scale), -(10.0 ** (15 - scale)), *(chance.random() for _ in range(50))]
    values += [*near, *(-value for value in near), *(value * (1 + 2.0**-52) for value in near)]
    fit = [value for value in values if -Decimal(repr(value)).normalize().as_tuple().exponent <= scale]
    odd = [value for value in values if value not in fit]
    create = f"CREATE TABLE t (id INTEGER PRIMARY KEY, v DECIMAL(38,{scale}))"
    cells = [row[1] or "" for row in canon.rows(_read(filled(tmp_path / "fit.db", create, list(enumerate(fit)))))]
    for value, text in zip(fit, cells, strict=True):
        assert float(text) == value
        assert len(text.partition(".")[2]) == scale
        assert Decimal(text) == Decimal(repr(value)) or abs(value) >= 10 ** (15 - scale)
    source = filled(tmp_path / "odd.db", create, list(enumerate(odd)))
    (oddity,) = census(source, source.catalog(), "t")
    assert (oddity.code, oddity.rows) == ("D615", len(odd))
