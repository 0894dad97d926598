"""Cells as other tools write them, types as they name them, and the escapes of the standard."""

import math
import random
import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import IntegrityError
from migration.catalog import Column, Kind
from migration.engine import ReadColumn
from migration.siard import escapes, sql_types
from migration.siard.cells import converter, shortest
from migration.siard.sql_types import Typed

# What the reference reader takes for white space, which it collapses: Java's own.
BLANKS = "[\\x09-\\x0d\\x1c-\\x20\\u1680\\u2000-\\u2006\\u2008-\\u200a\\u2028\\u2029\\u205f\\u3000]+"


@pytest.mark.parametrize(
    ("kind", "text", "canonical"),
    [
        (Kind.INTEGER, " +007 ", "7"),
        (Kind.INTEGER, "-0", "0"),
        (Kind.DECIMAL, "12.5", "12.50"),
        (Kind.DECIMAL, ".5", "0.50"),
        (Kind.DECIMAL, "-0.000", "0.00"),
        (Kind.DECIMAL, "9" * 40, "9" * 40 + ".00"),
        (Kind.NUMBER, "0012.500", "12.5"),
        (Kind.NUMBER, "-0.0", "0"),
        (Kind.NUMBER, "100", "100"),
        (Kind.FLOAT, "1.0E7", "10000000"),
        (Kind.FLOAT, "1.0E-5", "1e-05"),
        (Kind.FLOAT, "INF", "Infinity"),
        (Kind.FLOAT, "-INF", "-Infinity"),
        (Kind.FLOAT, "-0.0", "-0"),
        (Kind.BOOLEAN, "true", "1"),
        (Kind.BOOLEAN, "0", "0"),
        (Kind.BYTES, "0AfF", "\\x0aff"),
        (Kind.BYTES, "", "\\x"),
        (Kind.DATE, "2024-02-29Z", "2024-02-29"),
        (Kind.TIME, "09:08:43.879Z", "09:08:43.879000"),
        (Kind.TIMESTAMP, "2016-08-16T09:08:43Z", "2016-08-16 09:08:43.000000"),
        (Kind.TIMESTAMP, "2016-08-16T09:08:43.123456000", "2016-08-16 09:08:43.123456"),
        (Kind.TIMESTAMPTZ, "2016-08-16T01:08:43.5+08:00", "2016-08-15 17:08:43.500000+00"),
        (Kind.TEXT, " 张 ", " 张 "),
    ],
)
def test_a_cell_becomes_canonical(kind: Kind, text: str, canonical: str) -> None:
    """Every lexical form that XML Schema allows for a value gives the one canonical form."""
    assert converter(ReadColumn("c", kind, "", 2))(text) == canonical


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.INTEGER, "1.0"),
        (Kind.INTEGER, "1_0"),
        (Kind.DECIMAL, "1E2"),
        (Kind.DECIMAL, "1.234"),
        (Kind.NUMBER, ""),
        (Kind.FLOAT, "1,5"),
        (Kind.FLOAT, "1e999"),
        (Kind.BOOLEAN, "yes"),
        (Kind.BYTES, "0"),
        (Kind.DATE, "2023-02-29"),
        (Kind.DATE, "0000-01-01"),
        (Kind.TIME, "24:00:00"),
        (Kind.TIME, "12:60:00"),
        (Kind.TIMESTAMP, "2016-08-16T09:08:43.1234567"),
        (Kind.TIMESTAMP, "2016-08-16T09:08:43+08:00"),
        (Kind.TIMESTAMPTZ, "0001-01-01T00:00:00+08:00"),
    ],
)
def test_a_cell_that_is_not_of_its_kind_is_no_cell(kind: Kind, text: str) -> None:
    """It raises ValueError and does not repeat the cell."""
    with pytest.raises(ValueError, match=r"^[a-z0-9 ]+$"):
        converter(ReadColumn("c", kind, "", 2))(text)


def test_a_single_is_widened() -> None:
    """A REAL of 0.1 is the single nearest to it, written as the double that it is; written so, it stays itself."""
    column = converter(ReadColumn("c", Kind.FLOAT, "real"))
    assert column("0.1") == "0.10000000149011612" == column("0.10000000149011612")


def test_doubles_read_back_as_themselves() -> None:
    """Any double, written with the fewest digits and PostgreSQL's exponents, is the same double."""
    chance = random.Random(7)
    for _ in range(5000):
        value = struct.unpack("<d", chance.randbytes(8))[0]
        if math.isfinite(value):
            assert float(shortest(value)) == value
    assert [shortest(value) for value in (1e15, 1e14, 123456789012345.0, 1234567890123456.0, 0.0001, 0.00001)] == [
        *("1e+15", "100000000000000", "123456789012345", "1.234567890123456e+15", "0.0001", "1e-05"),
    ]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("INT", Typed(Kind.INTEGER, precision=10)),
        ("NUMERIC(10, 3)", Typed(Kind.DECIMAL, precision=10, scale=3)),
        ("DECIMAL( 10 )", Typed(Kind.DECIMAL, precision=10, scale=0)),
        ("DEC", Typed(Kind.NUMBER)),
        ("FLOAT(7)", Typed(Kind.FLOAT)),
        ("CHAR", Typed(Kind.TEXT, length=1, padded=True)),
        ("CHARACTER  VARYING(20)", Typed(Kind.TEXT, length=20)),
        ("NCHAR VARYING(256)", Typed(Kind.TEXT, length=256)),
        ("CLOB(4M)", Typed(Kind.TEXT)),
        ("NATIONAL CHARACTER LARGE OBJECT(4 G)", Typed(Kind.TEXT)),
        ("VARBINARY(256)", Typed(Kind.BYTES, length=256)),
        ("TIME(3)", Typed(Kind.TIME)),
        ("TIMESTAMP(9)", Typed(Kind.OTHER)),
        ("TIMESTAMP WITH TIME ZONE(6)", Typed(Kind.TIMESTAMPTZ)),
        ("INTERVAL SECOND(2, 5)", Typed(Kind.OTHER)),
        ("DATALINK", Typed(Kind.OTHER)),
        ("GEOMETRY", None),
        ("", None),
    ],
)
def test_types_of_the_standard(text: str, typed: Typed | None) -> None:
    """Each type that SQL:2008 has is of a kind; any other text is of none."""
    assert sql_types.kind_of(text) == typed


@pytest.mark.parametrize(
    ("column", "written"),
    [
        (Column("c", Kind.INTEGER, "smallint"), "SMALLINT"),
        (Column("c", Kind.INTEGER, "integer"), "BIGINT"),
        (Column("c", Kind.INTEGER, "bigint(20) unsigned"), "DECIMAL(20,0)"),
        (Column("c", Kind.INTEGER, "number(38)", precision=38), "DECIMAL(38,0)"),
        (Column("c", Kind.DECIMAL, "number(3,5)", precision=3, scale=5), "DECIMAL(5,5)"),
        (Column("c", Kind.TEXT, "text"), "CLOB"),
        (Column("c", Kind.TEXT, "varchar(8000)", length=8000), "CLOB(8000)"),
        (Column("c", Kind.TEXT, "char(2)", length=2, padded=True), "CHAR(2)"),
        (Column("c", Kind.BYTES, "varbinary(2001)", length=2001), "BLOB"),
        (Column("c", Kind.OTHER, "xml"), "XML"),
        (Column("c", Kind.OTHER, "jsonb"), "CLOB"),
        (Column("c", Kind.FLOAT, "real"), "REAL"),
    ],
)
def test_types_for_other_environments(column: Column, written: str) -> None:
    """A column of any environment has a type of the standard that holds all its values."""
    assert sql_types.type_of(column) == written
    assert sql_types.kind_of(written) is not None


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escapes_are_taken_back(text: str) -> None:
    """Any text comes back from its escaped form, in which no blank is lost by trimming or collapsing."""
    escaped = escapes.escaped(text)
    assert escapes.unescaped(escaped) == text
    assert re.sub(BLANKS, " ", escaped).strip(" ") == escaped


def test_half_a_character_is_refused() -> None:
    """Two halves make one character; one half is damage."""
    assert escapes.unescaped("\\uD83D\\uDE00") == "😀"
    with pytest.raises(IntegrityError, match="D691"):
        escapes.unescaped("\\uD83D x")
