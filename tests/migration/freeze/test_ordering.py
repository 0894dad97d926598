"""Rows of files put in the order of their key."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.errors import IntegrityError
from migration import canon
from migration.catalog import Key, Table
from migration.engine import Block
from migration.freeze import ordering
from tests.migration.freeze.memory import KIND, NOTE, PERSON, keyed, reading

TEXT = st.text(alphabet='ab"\n\x00,张', max_size=4)
NUMBER = st.integers(-(10**25), 10**25).map(str) | st.integers(-20, 20).map(str)
KINDS = st.lists(st.tuples(TEXT, NUMBER), unique=True, max_size=20)
NOTES = st.lists(st.tuples(st.none() | TEXT, st.none() | NUMBER), max_size=20)
TURNED = replace(KIND, primary=Key("", ("year", "code")))
FIRST = replace(KIND, primary=Key("", ("code",)))
BEHIND = replace(PERSON, primary=Key("", ("name",)))
ANY = {
    PERSON: st.tuples(NUMBER, st.none() | TEXT),
    BEHIND: st.tuples(st.none() | NUMBER, TEXT),
    KIND: st.tuples(TEXT, NUMBER),
    TURNED: st.tuples(TEXT, NUMBER),
    FIRST: st.tuples(TEXT, NUMBER),
    NOTE: st.tuples(st.none() | TEXT, st.none() | NUMBER),
}
PEOPLE = st.lists(st.tuples(NUMBER, TEXT), unique_by=lambda row: row[0], max_size=20)


def blocks(rows: Sequence[canon.Cells], size: int = 3) -> Iterator[Block]:
    """The rows, a few at a time."""
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        yield Block(b"".join(map(canon.line, part)), len(part))


def lines(found: Iterator[Block]) -> list[canon.Cells]:
    """The rows of blocks whose counts are right."""
    every = list(found)
    assert all(len(list(canon.rows(block.data))) == block.rows for block in every)
    return [row for block in every for row in canon.rows(block.data)]


@pytest.mark.parametrize("memory", [1, 64 * 2**20], ids=["runs", "at once"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_rows_come_in_the_order_of_canonical_bytes(
    memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    """Numbers of any size, texts of any characters, several columns, no key at all: the order is that of `canon`."""
    monkeypatch.setattr(ordering, "_MEMORY", memory)
    for table, strategy in ((PERSON, PEOPLE), (KIND, KINDS), (NOTE, NOTES)):
        rows: list[canon.Cells] = list(data.draw(strategy))
        found = ordering.by_key(blocks(rows), reading(table), tmp_path / "sorted.db")
        assert lines(found) == sorted(rows, key=lambda row, table=table: keyed(table, row))
        assert not (tmp_path / "sorted.db").exists()


@pytest.mark.parametrize("memory", [1, 64 * 2**20])
def test_keys_that_occur_twice_are_counted(memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """D616 names the table and how many rows have a key that another has; no key is named."""
    monkeypatch.setattr(ordering, "_MEMORY", memory)
    rows = (("3", "a"), ("1", "b"), ("3", "c"), ("2", "d"), ("1", "e"), ("3", "f"))
    with pytest.raises(IntegrityError) as caught:
        lines(ordering.by_key(blocks(rows), reading(PERSON), tmp_path / "sorted.db"))
    assert (caught.value.code, caught.value.detail) == ("D616", "public.person: 3 rows")
    assert not (tmp_path / "sorted.db").exists()


def test_null_in_a_key_is_refused(tmp_path: Path) -> None:
    """A key column without a value gives D616."""
    with pytest.raises(IntegrityError, match=r"D616.*NULL"):
        lines(ordering.by_key(blocks((("a", None),)), reading(KIND), tmp_path / "sorted.db"))


def test_bytes_that_are_no_rows_are_refused(tmp_path: Path) -> None:
    """A block with anything beside rows gives D671: nothing is left out."""
    with pytest.raises(IntegrityError, match="D671"):
        lines(ordering.by_key([Block(b'"1","a"\n"2",b\n', 2)], reading(PERSON), tmp_path / "sorted.db"))


@pytest.mark.parametrize(
    ("table", "rows", "rises"),
    [
        (PERSON, (("-2", ""), ("-1", ""), ("9", ""), ("10", "")), True),
        (PERSON, (("1", ""), ("2", ""), ("3", ""), ("2", "")), False),
        (PERSON, (("1", ""), ("1", "")), False),
        (FIRST, (("z\n", "1"), ("b", "1")), False),
        (NOTE, ((None, "1"), ("a", "1"), ("a", "1")), True),
        (NOTE, (("a", "1"), (None, "1")), False),
    ],
)
def test_rising_rows_pass_as_they_are(table: Table, rows: Sequence[canon.Cells], rises: bool) -> None:
    """Rows in order pass unchanged, across blocks too; equal keys, or one that falls, are out of order."""
    found = ordering.rising(blocks(rows), reading(table))
    if rises:
        assert lines(found) == list(rows)
    else:
        with pytest.raises(ordering.OrderError):
            lines(found)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), table=st.sampled_from(tuple(ANY)), size=st.integers(1, 4), sort=st.booleans())
def test_rows_rise_when_their_canonical_order_does(data: st.DataObject, table: Table, size: int, sort: bool) -> None:
    """Keys at any place, of one column or two, of numbers and of texts with quotes and line ends, block after block."""
    rows: list[canon.Cells] = data.draw(st.lists(ANY[table], max_size=8))
    rows = sorted(rows, key=lambda row: keyed(table, row)) if sort else rows
    places = [keyed(table, row) for row in rows]
    if all(left < right or (left == right and not table.primary) for left, right in pairwise(places)):
        assert lines(ordering.rising(blocks(rows, size), reading(table))) == rows
    else:
        with pytest.raises(ordering.OrderError):
            lines(ordering.rising(blocks(rows, size), reading(table)))


@pytest.mark.parametrize("name", ["a", "a\n"])
def test_null_in_a_key_that_rises_is_refused(name: str) -> None:
    """A key column without a value gives D616 before anything is put in order, whether its rows are one line each."""
    with pytest.raises(IntegrityError, match=r"D616.*NULL"):
        lines(ordering.rising(blocks(((None, name), ("1", "b"))), reading(PERSON)))
