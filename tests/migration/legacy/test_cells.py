"""From what legacy files write to canonical cells."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.canon import double
from migration.catalog import Column, Kind
from migration.legacy.cells import Field, Unfit, cells
from migration.legacy.numerals import Sign


def made(kind: Kind, form: str = "", sign: Sign = Sign.LEADING, nulls: tuple[str, ...] = (), **more: int):
    """The cells of a column."""
    return cells(Field(Column("c", kind, str(kind), **more), form, sign, nulls=frozenset(nulls)))


@pytest.mark.parametrize(
    ("kind", "form", "more", "text", "expected"),
    [
        (Kind.INTEGER, "", {}, " 007 ", "7"),
        (Kind.INTEGER, "", {}, "+5", "5"),
        (Kind.INTEGER, "", {}, "-0", "0"),
        (Kind.INTEGER, "", {}, "9223372036854775807", "9223372036854775807"),
        (Kind.INTEGER, "", {}, "", None),
        (Kind.DECIMAL, "", {"precision": 12, "scale": 2}, "12.5", "12.50"),
        (Kind.DECIMAL, "", {"precision": 12, "scale": 2}, "-.5", "-0.50"),
        (Kind.DECIMAL, "", {"precision": 12, "scale": 2}, "-0.00", "0.00"),
        (Kind.DECIMAL, "", {"precision": 12, "scale": 2}, "1.2300", "1.23"),
        (Kind.DECIMAL, "9(10)V99", {"precision": 12, "scale": 2}, "000000012345", "123.45"),
        (Kind.DECIMAL, "S9(3)V9(2)", {"precision": 5, "scale": 2}, "-00001", "-0.01"),
        (Kind.NUMBER, "", {}, "100.500", "100.5"),
        (Kind.NUMBER, "", {}, "-0.0", "0"),
        (Kind.FLOAT, "", {}, "1e15", "1e+15"),
        (Kind.FLOAT, "", {}, "123456789012345", "123456789012345"),
        (Kind.FLOAT, "", {}, "0.00001", "1e-05"),
        (Kind.FLOAT, "", {}, "0.0001", "0.0001"),
        (Kind.BOOLEAN, "", {}, "Y", "1"),
        (Kind.DATE, "YYYYMMDD", {}, "20240229", "2024-02-29"),
        (Kind.DATE, "YYYY/M/D", {}, "2024/2/9", "2024-02-09"),
        (Kind.DATE, "YYYY年M月D日", {}, "2024年12月9日", "2024-12-09"),
        (Kind.TIME, "HHMISS", {}, "235959", "23:59:59.000000"),
        (Kind.TIMESTAMP, "YYYY-MM-DD HH:MI:SS.F", {}, "2024-01-02 03:04:05.6", "2024-01-02 03:04:05.600000"),
        (Kind.BYTES, "", {}, "00FF", "\\x00ff"),
        (Kind.BYTES, "base64", {}, "AP8=", "\\x00ff"),
    ],
)
def test_values_become_canonical(kind, form, more, text, expected):
    """Each way of writing has its one canonical text, alone and as a column."""
    one = made(kind, form, **more)
    assert one.one(text) == expected
    assert list(one.column([text, text])) == [expected, expected]


@pytest.mark.parametrize(
    ("code", "kind", "form", "more", "text"),
    [
        ("D615", Kind.INTEGER, "", {}, "１２"),
        ("D615", Kind.INTEGER, "", {}, "1_000"),
        ("D615", Kind.INTEGER, "", {}, "1\n2"),
        ("D615", Kind.INTEGER, "", {}, "1.5"),
        ("D615", Kind.INTEGER, "", {}, "***"),
        ("D615", Kind.INTEGER, "", {}, "\u30001"),
        ("D614", Kind.INTEGER, "", {}, "9223372036854775808"),
        ("D614", Kind.INTEGER, "", {"precision": 3}, "1000"),
        ("D614", Kind.DECIMAL, "", {"precision": 5, "scale": 2}, "1000.00"),
        ("D614", Kind.DECIMAL, "", {"precision": 5, "scale": 2}, "1.005"),
        ("D615", Kind.DECIMAL, "9(3)V99", {"precision": 5, "scale": 2}, "1.23"),
        ("D615", Kind.DECIMAL, "9(3)V99", {"precision": 5, "scale": 2}, "-12345"),
        ("D615", Kind.INTEGER, "9(3)", {}, "1234"),
        ("D615", Kind.DECIMAL, "", {"precision": 5, "scale": 2}, "."),
        ("D615", Kind.DECIMAL, "", {"precision": 5, "scale": 2}, "1E2"),
        ("D615", Kind.FLOAT, "", {}, "1e999"),
        ("D615", Kind.BOOLEAN, "", {}, "是"),
        ("D613", Kind.DATE, "YYYYMMDD", {}, "00000000"),
        ("D613", Kind.DATE, "YYYYMMDD", {}, "20230229"),
        ("D613", Kind.DATE, "YYYYMMDD", {}, "２０２３０２０１"),
        ("D613", Kind.TIME, "HHMI", {}, "2400"),
        ("D614", Kind.TEXT, "", {"length": 2}, "三个字"),
        ("D615", Kind.BYTES, "", {}, "0"),
    ],
)
def test_values_that_do_not_fit_are_refused(code, kind, form, more, text):
    """What is not of its kind is never bent until it fits, neither alone nor in a column."""
    one = made(kind, form, **more)
    for trial in (lambda: one.one(text), lambda: one.column([text])):
        with pytest.raises(Unfit) as raised:
            trial()
        assert raised.value.code == code
        assert text not in raised.value.why


@pytest.mark.parametrize(
    ("sign", "text", "expected"),
    [
        (Sign.TRAILING, "00125-", "-1.25"),
        (Sign.TRAILING, "00125", "1.25"),
        (Sign.OVERPUNCH, "0012E", "1.25"),
        (Sign.OVERPUNCH, "0012N", "-1.25"),
        (Sign.OVERPUNCH, "0012}", "-1.20"),
    ],
)
def test_signs_behind_and_over_digits(sign, text, expected):
    """A sign behind the digits, or punched over the last one, is read."""
    assert made(Kind.DECIMAL, "S9(3)V99", sign, precision=5, scale=2).one(text) == expected


def test_words_for_null_count_once_blanks_are_gone():
    """A declared word means NULL in any kind; without it a zero date stays an error."""
    assert made(Kind.DATE, "YYYYMMDD", nulls=("00000000",)).column([" 00000000", "20240101"]) == [None, "2024-01-01"]
    assert made(Kind.TEXT, nulls=("",)).column(["", "a"]) == [None, "a"]
    assert made(Kind.TEXT).column(["", "a"]) == ["", "a"]


def test_an_empty_cell_where_none_may_be():
    """NULL in a column that is not nullable is D615, in a key D616."""
    column = Column("c", Kind.INTEGER, "integer", nullable=False)
    for declared, code in ((frozenset[str](), "D615"), (frozenset({"key"}), "D616")):
        with pytest.raises(Unfit) as raised:
            cells(Field(column, declared=declared)).column(["1", ""])
        assert raised.value.code == code


@given(st.lists(st.from_regex(r"[+-]?[0-9]{0,4}(\.[0-9]{0,3})?", fullmatch=True), min_size=1))
def test_whole_columns_are_what_single_cells_are(values):
    """The short way for canonical columns never gives anything else than cell by cell."""
    one = made(Kind.DECIMAL, precision=6, scale=2)

    def single(value):
        try:
            return one.one(value)
        except Unfit as unfit:
            return unfit.code

    expected = [single(value) for value in values]
    wrong = next((code for code in expected if code in ("D614", "D615")), "")
    if not wrong:
        assert list(one.column(values)) == expected
        return
    with pytest.raises(Unfit) as raised:
        one.column(values)
    assert raised.value.code == wrong


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_read_back_as_the_same_double(value):
    """The canonical text of a double has all of it, also minus zero."""
    assert struct.pack("<d", float(double(value))) == struct.pack("<d", value)
