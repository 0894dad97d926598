"""Declared rules on canonical bytes: what they alter, what they refuse, what they leave alone."""

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import IntegrityError, UsageError
from migration import canon
from migration.canon import Cells
from migration.catalog import Kind, TableName
from migration.copying.conversion import Alteration, convert, converted
from migration.copying.rules import Rules, check_rules
from migration.mapping import Conversion, Mapping
from migration.plan import Carry, ColumnPlan, Needs, Plan, TablePlan

COLUMNS = {
    "id": Kind.INTEGER,
    "kind": Kind.TEXT,
    "paid": Kind.DATE,
    "seen": Kind.TIMESTAMPTZ,
    "amount": Kind.DECIMAL,
}
KINDS = Conversion("kinds 2024", "public.contrib.kind", {"1": "110", "2": "210", "9": "9"}, "refuse")
ROWS: list[Cells] = [
    ("1", "1", "2024-01-01", "2024-01-01 00:00:00.000000+00", "1.00"),
    ("2", "2", "0000-00-00", None, "2.00"),
    ("3", None, None, "0000-00-00 00:00:00.000000+00", "3.00"),
    ("4", "9", "2024-01-04", None, None),
]


def table(key: tuple[str, ...] = ("id",)) -> TablePlan:
    """A table of five columns."""
    columns = tuple(
        ColumnPlan(
            source=name,
            target=name,
            kind=kind,
            scale=2 if kind is Kind.DECIMAL else None,
            padded=False,
            source_native="x",
            native="x",
            carry=Carry.EXACT,
            rule="same",
        )
        for name, kind in COLUMNS.items()
    )
    return TablePlan(7, TableName("public", "contrib"), TableName("", "contrib"), columns, key, 100, 4)


def plan(target: str = "postgresql", key: tuple[str, ...] = ("id",)) -> Plan:
    """A plan of the one table."""
    return Plan("mariadb", target, "", "", (table(key),), (), (), Needs(0, 0, 0, 0))


def rules(*conversions: Conversion, values: dict[str, str] | None = None, target: str = "postgresql") -> Rules:
    """The rules of a mapping with these decisions."""
    return check_rules(plan(target), Mapping(conversions=conversions, values=values or {}))


def chunk(rows: list[Cells]) -> bytes:
    """Canonical bytes."""
    return b"".join(map(canon.line, rows))


def test_codes_are_converted_and_listed() -> None:
    """A listed value becomes the other, NULL stays NULL, and each alteration names key, column, old, new and rule."""
    found = convert(chunk(ROWS), table(), rules(KINDS)[7])
    assert [row[1] for row in canon.rows(found.data)] == ["110", "210", None, "9"]
    assert found.alterations == (
        Alteration("public.contrib", ("1",), "kind", "1", "110", "kinds 2024"),
        Alteration("public.contrib", ("2",), "kind", "2", "210", "kinds 2024"),
    )
    assert found.refusals == ()


def test_zero_dates_become_null_or_a_date() -> None:
    """0000-00-00 becomes what the site says, in the form of the column's kind."""
    null = convert(chunk(ROWS), table(), rules(values={"zero-date": "null"})[7])
    assert [row[2:4] for row in canon.rows(null.data)][1:3] == [(None, None), (None, None)]
    day = convert(chunk(ROWS), table(), rules(values={"zero-date": "1900-01-01"})[7])
    assert [row[2:4] for row in canon.rows(day.data)][1:3] == [
        ("1900-01-01", None),
        (None, "1900-01-01 00:00:00.000000+00"),
    ]
    assert [(one.key, one.column, one.rule) for one in day.alterations] == [
        (("2",), "paid", "zero-date"),
        (("3",), "seen", "zero-date"),
    ]


def test_nul_characters_are_removed_before_codes_are_looked_up() -> None:
    """0x00 goes first, so that a code with it is still a code; both alterations are listed."""
    rows: list[Cells] = [("1", "\x001", None, None, None), ("2", "a\x00b\x00", None, None, None)]
    kinds = replace(KINDS, otherwise="keep")
    found = convert(chunk(rows), table(), rules(kinds, values={"nul-character": "remove"})[7])
    assert [row[1] for row in canon.rows(found.data)] == ["110", "ab"]
    assert [(one.old, one.new, one.rule) for one in found.alterations] == [
        ("\x001", "1", "nul-character"),
        ("1", "110", "kinds 2024"),
        ("a\x00b\x00", "ab", "nul-character"),
    ]


def test_bytes_without_a_mark_pass_untouched() -> None:
    """A chunk in which no rule finds anything is given back as the very same object."""
    data = chunk(ROWS[:1])
    found = convert(data, table(), rules(values={"zero-date": "null", "nul-character": "remove"})[7])
    assert found.data is data


def test_an_unlisted_value_is_refused_with_column_and_count() -> None:
    """D644 names the column and how many cells, and no value; nothing of the chunk is given from there on."""
    rows = [(str(n), "X9" if n % 2 else "1", None, None, None) for n in range(10)]
    found = convert(chunk(rows), table(), rules(KINDS)[7])
    assert {one.value for one in found.refusals} == {"X9"}
    with pytest.raises(IntegrityError) as refusal:
        list(converted([chunk(rows)], table(), rules(KINDS)[7]))
    assert refusal.value.code == "D644"
    assert refusal.value.detail == "public.contrib.kind: 5 cells (kinds 2024)"
    keep = rules(replace(KINDS, otherwise="keep"))[7]
    assert b"X9" in b"".join(converted([chunk(rows)], table(), keep))


def test_a_key_is_never_altered() -> None:
    """A conversion of a key's column is refused before anything is read, a zero date in a key when it is met: D645."""
    with pytest.raises(UsageError) as refusal:
        check_rules(plan(), Mapping(conversions=(replace(KINDS, column="public.contrib.id"),)))
    assert refusal.value.code == "D645"
    dated = plan(key=("paid",))
    found = check_rules(dated, Mapping(values={"zero-date": "null"}))[7]
    with pytest.raises(IntegrityError) as late:
        list(converted([chunk(ROWS)], table(("paid",)), found))
    assert (late.value.code, late.value.detail) == ("D645", "public.contrib.paid: 1 cells (zero-date)")


@pytest.mark.parametrize(
    ("conversions", "values"),
    [
        ((replace(KINDS, column="public.contrib.nothing"),), {}),
        ((KINDS, replace(KINDS, name="again")), {}),
        ((replace(KINDS, column="public.contrib.paid"),), {}),
        ((replace(KINDS, column="public.contrib.amount", values={"1.0": "2.00"}),), {}),
        ((), {"zero-date": "never"}),
        ((), {"nul-character": "\x00"}),
    ],
)
def test_rules_that_can_not_be_meant_are_refused(conversions: tuple[Conversion, ...], values: dict[str, str]) -> None:
    """An unknown column, a second conversion, values not of the column's kind: D603."""
    with pytest.raises(UsageError) as refusal:
        rules(*conversions, values=values)
    assert refusal.value.code == "D603"


def test_a_target_that_has_a_place_for_a_value_gets_it() -> None:
    """MariaDB holds zero dates and 0x00 itself: there the rules of [values] have nothing to do."""
    assert rules(values={"zero-date": "null", "nul-character": "remove"}, target="mariadb") == {}


def test_rules_cross_processes() -> None:
    """Rules are pickled and come back equal."""
    made = rules(KINDS, values={"zero-date": "null"})
    assert pickle.loads(pickle.dumps(made)) == made


@given(
    st.lists(st.tuples(*[st.sampled_from([None, "", "1", "2", '"', ",\n", '"\n"', "\x00", "9"])] * 5), max_size=12),
    st.integers(1, 40),
)
def test_any_cut_of_the_blocks_gives_the_same(rows: list[Cells], size: int) -> None:
    """However a chunk is cut into blocks, the converted bytes are the same as of the whole."""
    data = chunk(rows)
    made = check_rules(
        plan(key=()), Mapping(conversions=(replace(KINDS, otherwise="keep"),), values={"nul-character": "?"})
    )[7]
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    assert b"".join(converted(blocks, table(()), made)) == convert(data, table(()), made).data
