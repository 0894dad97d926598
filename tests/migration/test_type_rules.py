"""Which type of the target holds a column."""

import pytest

from migration import type_rules
from migration.catalog import Column, Kind
from migration.dialects import DIALECTS
from migration.natives import Native, parse
from migration.plan import Carry

WHOLE, D, N, F, T, B = Kind.INTEGER, Kind.DECIMAL, Kind.NUMBER, Kind.FLOAT, Kind.TEXT, Kind.BYTES


@pytest.mark.parametrize(
    ("source", "column", "target", "native", "carry"),
    [
        ("mariadb", Column("c", WHOLE, "tinyint(1)"), "postgresql", "smallint", Carry.EXACT),
        ("mariadb", Column("c", WHOLE, "mediumint(8) unsigned"), "postgresql", "integer", Carry.EXACT),
        ("mariadb", Column("c", WHOLE, "int(10) unsigned"), "postgresql", "bigint", Carry.EXACT),
        ("mariadb", Column("c", WHOLE, "bigint(20) unsigned zerofill"), "postgresql", "numeric(20,0)", Carry.WIDENED),
        ("mariadb", Column("c", WHOLE, "bigint(20) unsigned"), "sqlite", "text", Carry.DECLARED),
        ("mariadb", Column("c", WHOLE, "bigint(20) unsigned"), "oracle", "number(20,0)", Carry.EXACT),
        ("mariadb", Column("c", WHOLE, "bit(8)"), "postgresql", "bigint", Carry.EXACT),
        ("mariadb", Column("c", WHOLE, "year(4)"), "dameng", "smallint", Carry.EXACT),
        ("sqlite", Column("c", WHOLE, "int"), "postgresql", "bigint", Carry.EXACT),
        ("postgresql", Column("c", WHOLE, "integer", precision=10), "mariadb", "int", Carry.EXACT),
        ("legacy", Column("c", WHOLE, "9(4)", precision=4), "postgresql", "smallint", Carry.EXACT),
        ("legacy", Column("c", WHOLE, "9(20)", precision=20), "postgresql", "numeric", Carry.WIDENED),
        ("postgresql", Column("c", D, "numeric(12,2)", precision=12, scale=2), "mariadb", "decimal(12,2)", Carry.EXACT),
        ("postgresql", Column("c", D, "numeric(70,2)", precision=70, scale=2), "mariadb", "", Carry.REFUSED),
        ("postgresql", Column("c", D, "numeric(40,35)", precision=40, scale=35), "mariadb", "", Carry.REFUSED),
        ("postgresql", Column("c", D, "numeric(16,2)", precision=16, scale=2), "sqlite", "text", Carry.DECLARED),
        ("postgresql", Column("c", D, "numeric(15,2)", precision=15, scale=2), "sqlite", "decimal(15,2)", Carry.EXACT),
        ("postgresql", Column("c", D, "numeric(40,2)", precision=40, scale=2), "oracle", "", Carry.REFUSED),
        ("postgresql", Column("c", D, "numeric(3,5)", precision=3, scale=5), "mariadb", "decimal(5,5)", Carry.EXACT),
        ("postgresql", Column("c", N, "numeric"), "mariadb", "", Carry.REFUSED),
        ("postgresql", Column("c", N, "numeric", precision=9, scale=4), "mariadb", "decimal(38,4)", Carry.DECLARED),
        ("postgresql", Column("c", N, "numeric", precision=50, scale=4), "mariadb", "decimal(50,4)", Carry.DECLARED),
        ("postgresql", Column("c", N, "numeric", precision=9, scale=4), "oracle", "number", Carry.DECLARED),
        ("postgresql", Column("c", N, "numeric"), "opengauss", "numeric", Carry.EXACT),
        ("sqlite", Column("c", N, "numeric"), "postgresql", "numeric", Carry.EXACT),
        ("mariadb", Column("c", F, "float"), "postgresql", "real", Carry.EXACT),
        ("sqlite", Column("c", F, "real"), "postgresql", "double precision", Carry.EXACT),
        ("postgresql", Column("c", F, "real"), "oracle", "binary_float", Carry.EXACT),
        ("postgresql", Column("c", T, "character varying(18)", length=18), "mariadb", "varchar(18)", Carry.EXACT),
        ("postgresql", Column("c", T, "character varying(769)", length=769), "mariadb", "text", Carry.WIDENED),
        ("postgresql", Column("c", T, "text"), "mariadb", "longtext", Carry.WIDENED),
        ("postgresql", Column("c", T, "character(2)", length=2, padded=True), "oracle", "char(2 char)", Carry.EXACT),
        ("postgresql", Column("c", T, "character varying(1001)", length=1001), "oracle", "clob", Carry.WIDENED),
        ("mariadb", Column("c", T, "varchar(18)", length=18), "postgresql", "character varying(18)", Carry.EXACT),
        ("sqlite", Column("c", B, "varbinary(16)", length=16), "dameng", "varbinary(16)", Carry.EXACT),
        (
            "postgresql",
            Column("c", Kind.TIMESTAMPTZ, "timestamp with time zone"),
            "mariadb",
            "datetime(6)",
            Carry.DECLARED,
        ),
        ("mariadb", Column("c", Kind.TIMESTAMPTZ, "timestamp"), "postgresql", "timestamp with time zone", Carry.EXACT),
        ("postgresql", Column("c", Kind.TIME, "time without time zone"), "oracle", "varchar2(15 char)", Carry.DECLARED),
        ("postgresql", Column("c", Kind.BOOLEAN, "boolean"), "mariadb", "tinyint(1)", Carry.WIDENED),
        ("postgresql", Column("c", Kind.OTHER, "text[]"), "sqlite", "text", Carry.DECLARED),
        ("postgresql", Column("c", Kind.OTHER, "public.mood"), "postgresql", "public.mood", Carry.EXACT),
        ("postgresql", Column("c", Kind.OTHER, "public.mood"), "kingbase", "text", Carry.DECLARED),
        ("postgresql", Column("c", Kind.OTHER, "uuid"), "kingbase", "uuid", Carry.EXACT),
        ("mariadb", Column("c", Kind.OTHER, "enum('a','b')"), "mariadb", "enum('a','b')", Carry.EXACT),
    ],
)
def test_a_column_finds_its_type(source: str, column: Column, target: str, native: str, carry: Carry) -> None:
    """The narrowest type that holds every value is chosen; what has none is refused, what changes is declared."""
    choice = type_rules.choose(column, source, target, keyed=False)
    assert (choice.native, choice.carry) == (native, carry)
    assert bool(choice.code) == (carry in (Carry.DECLARED, Carry.REFUSED))


@pytest.mark.parametrize("target", ["mariadb", "oracle", "dameng"])
def test_a_key_of_no_length_is_refused_where_keys_have_one(target: str) -> None:
    """A text without length can't be in a key there: D614, with what to write in the mapping file."""
    choice = type_rules.choose(Column("c", T, "text"), "sqlite", target, keyed=True)
    assert (choice.carry, choice.code) == (Carry.REFUSED, "D614")
    assert "[columns]" in choice.note


@pytest.mark.parametrize(
    ("longest", "target", "length"),
    [(18, "mariadb", 255), (300, "mariadb", 768), (900, "mariadb", None), (900, "oracle", 1000), (18, "sqlite", None)],
)
def test_a_key_takes_the_length_of_its_values(longest: int, target: str, length: int | None) -> None:
    """When the survey measured the texts of a key, it gets a length that they fit in, if the target wants one."""
    assert type_rules.of_length(Column("c", T, "text"), longest, target).length == length


@pytest.mark.parametrize(
    ("column", "native", "carry"),
    [
        (Column("c", D, "numeric(12,2)", precision=12, scale=2), "numeric(12,2)", Carry.DECLARED),
        (Column("c", D, "numeric(12,2)", precision=12, scale=2), "numeric(6,1)", Carry.REFUSED),
        (Column("c", D, "numeric(12,2)", precision=12, scale=2), "numeric(12,3)", Carry.REFUSED),
        (Column("c", D, "numeric(12,2)", precision=12, scale=2), "numeric(13,3)", Carry.DECLARED),
        (Column("c", D, "numeric(12,2)", precision=12, scale=2), "numeric", Carry.DECLARED),
        (Column("c", N, "numeric", precision=9, scale=4), "numeric(20,2)", Carry.REFUSED),
        (Column("c", T, "text"), "varchar(18)", Carry.DECLARED),
    ],
)
def test_the_mapping_file_decides_but_rounds_nothing(column: Column, native: str, carry: Carry) -> None:
    """A site's type goes before the rules; one that would round a number is refused."""
    assert type_rules.declared(column, native).carry is carry


@pytest.mark.parametrize("target", sorted(DIALECTS))
@pytest.mark.parametrize("kind", list(Kind), ids=str)
def test_every_kind_has_a_type_everywhere(target: str, kind: Kind) -> None:
    """A modest column of any kind has a type in every target, and its form can be read."""
    column = Column("c", kind, "x", length=10, precision=10, scale=2)
    choice = type_rules.choose(column, "siard", target, keyed=False)
    assert choice.carry is not Carry.REFUSED
    assert parse(choice.native).base


@pytest.mark.parametrize(
    ("native", "parts"),
    [
        ("numeric(12,2)", Native("numeric", 12, 2, "")),
        ("bigint(20) unsigned", Native("bigint", 20, None, "unsigned")),
        ("VARCHAR2(3 char)", Native("varchar2", 3, None, "")),
        ("number(5,-2)", Native("number", 5, -2, "")),
        ("text[]", Native("text[]", None, None, "")),
        ("enum('a','(')", Native("enum('a','(')", None, None, "")),
        ("", Native("", None, None, "")),
    ],
)
def test_a_native_type_is_taken_apart(native: str, parts: Native) -> None:
    """Base, numbers and rest; one of another form is its own base."""
    assert parse(native) == parts
