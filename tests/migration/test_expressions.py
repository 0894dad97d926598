"""Defaults and checks in another environment's SQL."""

import pytest

from migration import expressions
from migration.catalog import Column, Kind
from migration.dialects import DIALECTS

NAMES = {name: name for name in ("price", "status", "a", "Order Date")} | {"old": "new"}


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("((price > (0)::numeric))", "`price` > 0"),
        ("(((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))", None),
        ("((status = ANY (ARRAY['a'::text, 'o''k'::text])))", "`status` IN ('a', 'o''k')"),
        ("((a >= 1) AND (a <= 12))", "(`a` >= 1 AND `a` <= 12)"),
        (
            "price >= 0 and (price < 100 or status is not null)",
            "(`price` >= 0 AND (`price` < 100 OR `status` IS NOT NULL))",
        ),
        ("NOT (a = -1)", "NOT (`a` = -1)"),
        ("a not in (1,2)", "`a` NOT IN (1, 2)"),
        ("a not between 1 and 3", "`a` NOT BETWEEN 1 AND 3"),
        ("[Order Date] IS NULL", "`Order Date` IS NULL"),
        ("\"status\" != 'x'", "`status` <> 'x'"),
        ("old <> 0.5", "`new` <> 0.5"),
    ],
)
def test_simple_checks_are_said_in_another_sql(condition: str, said: str | None) -> None:
    """A check of simple comparisons is written with the target's names and quotes."""
    said = said or "`status` IN ('a', 'b')"
    assert expressions.check(condition, NAMES, DIALECTS["mariadb"], texts=True) == said


@pytest.mark.parametrize(
    "condition",
    [
        "length(a) > 2",
        "a > b",
        "a > status",
        "status > 'a'",
        "status ~ 'x'",
        "status like 'x%'",
        "(a)::integer >= 1",
        "(status)::varchar(3) = 'abc'",
        "a = 'x\\y'",
        "a = 1; drop table x",
        "a = 1 --",
        "a",
        "",
        "a = ",
        "(a = 1",
        "a = 1)",
        "a = 1 b",
        "unknown = 1",
    ],
)
def test_a_check_that_may_mean_something_else_is_not_said(condition: str) -> None:
    """Functions, orders of texts, casts that alter values, and what is not understood whole are left out."""
    assert expressions.check(condition, NAMES, DIALECTS["postgresql"], texts=True) is None


def test_texts_are_not_compared_when_the_source_compares_them_otherwise() -> None:
    """A source whose texts are alike in spite of case has no check over texts carried."""
    assert expressions.check("status = 'a'", NAMES, DIALECTS["postgresql"], texts=False) is None
    assert expressions.check("a = 1", NAMES, DIALECTS["postgresql"], texts=False) == '"a" = 1'


@pytest.mark.parametrize(
    ("kind", "default", "postgresql", "mariadb"),
    [
        (Kind.TEXT, "'x''y'::character varying", "'x''y'", "'x''y'"),
        (Kind.TEXT, "''", "''", "''"),
        (Kind.TEXT, "'a\\b'", None, None),
        (Kind.TEXT, "upper('x')", None, None),
        (Kind.TEXT, "NULL::text", None, None),
        (Kind.INTEGER, "((0))", "0", "0"),
        (Kind.INTEGER, "'-1'::integer", "-1", "-1"),
        (Kind.INTEGER, "nextval('x'::regclass)", None, None),
        (Kind.DECIMAL, "0.00", "0.00", "0.00"),
        (Kind.BOOLEAN, "true", "true", "1"),
        (Kind.BOOLEAN, "0", "false", "0"),
        (Kind.BOOLEAN, "maybe()", None, None),
        (Kind.DATE, "CURRENT_DATE", "CURRENT_DATE", "(curdate())"),
        (Kind.TIMESTAMP, "now()", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP(6)"),
        (Kind.TIMESTAMP, "current_timestamp()", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP(6)"),
        (Kind.TIMESTAMP, "'0000-00-00 00:00:00'", None, None),
        (Kind.BYTES, "'x'", None, None),
    ],
)
def test_defaults_that_mean_the_same_everywhere(
    kind: Kind, default: str, postgresql: str | None, mariadb: str | None
) -> None:
    """Literals and the present moment are said in the target's SQL, anything else is not."""
    column = Column("c", kind, "x", default=default)
    assert expressions.default(column, DIALECTS["postgresql"]) == postgresql
    assert expressions.default(column, DIALECTS["mariadb"]) == mariadb


@pytest.mark.parametrize(
    ("text", "bare"), [("((a) + (b))", "(a) + (b)"), ("(a) + (b)", "(a) + (b)"), ("((')'))", "')'"), ("(", "(")]
)
def test_brackets_around_the_whole_are_taken_off(text: str, bare: str) -> None:
    """Only brackets that close at the very end go, also when a text within holds one."""
    assert expressions.unwrapped(text) == bare
