"""Mapping profiles: cells of any office's database become the record's values and back, exactly or not at all."""

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.conversions import Cell, Rule, to_cell, to_record
from formats.errors import UsageError
from formats.profile import ROW_TYPES, SHIPPED, RowProfile, canonical, canonical_text, parse, shipped
from tests.builders import a_contribution, a_person, a_record
from tests.profiles import agency, agency_text, carried

_PROFILES = {name: shipped(name) for name in SHIPPED} | {"agency": agency()}


def _cells(rule: Rule) -> st.SearchStrategy[Cell]:
    """What an office's column with this conversion may hold."""
    if rule.codes:
        return st.none() | st.sampled_from([local for local, _ in rule.codes])
    year, month, day = st.integers(1900, 2100), st.integers(1, 12), st.integers(1, 31)
    by_kind: dict[str, st.SearchStrategy[Any]] = {
        # U+FE10 itself stands for a private-use character in the agency's profile.
        "text": st.text(st.characters(exclude_characters="\ufe10", exclude_categories=["Cs"]), min_size=1, max_size=20),
        "money": st.decimals(-(10**14) + 1, 10**14 - 1, places=2).map(_plain),
        "rate": st.decimals(-9999, 9999, places=rule.places).map(_plain),
        "months": st.integers(0, 999),
        "month6": st.builds(lambda y, m: f"{y}{m:02}", year, month),
        "date8": st.builds(lambda y, m, d: f"{y}{m:02}{d:02}", year, month, day),
        "date10": st.builds(lambda y, m, d: f"{y}-{m:02}-{d:02}", year, month, day),
        "date19": st.builds(lambda y, m, d: f"{y}-{m:02}-{d:02} 00:00:00", year, month, day),
    }
    return st.none() | by_kind[rule.kind]


def _plain(number: Decimal) -> str:
    return f"{number or abs(number):f}"


@st.composite
def _rows(draw: st.DrawFn) -> tuple[RowProfile[Any], list[tuple[Cell, ...]]]:
    row = draw(st.sampled_from([row for profile in _PROFILES.values() for row in profile.rows if row.table]))
    cells = st.tuples(*(_cells(field.rule) for field in row.fields if field.column))
    return row, draw(st.lists(cells, max_size=4))


@given(_rows())
def test_rows_come_back(case: tuple[RowProfile[Any], list[tuple[Cell, ...]]]) -> None:
    """A database row that becomes a row of the record becomes the same database row again, in every row type."""
    row, rows = case
    assert row.to_rows(row.from_rows(rows)) == rows


@pytest.mark.parametrize("profile", _PROFILES.values(), ids=_PROFILES)
def test_record_comes_back(profile: Any) -> None:
    """A whole record that becomes database rows becomes the same record again, as far as the profile can hold it."""
    record = carried(a_record(), profile)
    parts: list[Any] = [(record.person,), record.employers, record.enrolments, record.contributions, record.subsidies]
    parts += [record.benefits, record.months, record.account, record.other]
    for row, rows in zip(profile.rows, parts, strict=True):
        if not row.table:
            continue
        assert row.from_rows(row.to_rows(rows)) == rows
        assert all(type(made) is row.make for made in row.from_rows(row.to_rows(rows)))


def test_canonical_columns() -> None:
    """The built-in profile calls columns by the field's codes and writes months and dates without hyphens."""
    row = canonical().contribution
    cells = dict(zip(row.columns, row.to_rows([a_contribution(month="2021-03")])[0], strict=True))
    assert (row.table, row.person_number) == ("ac43", "aac001")
    assert {name: cells[name] for name in ("aae140", "aae003", "aae180", "aaa042", "aae079")} == {
        "aae140": "110",
        "aae003": "202103",
        "aae180": "7000.00",
        "aaa042": "0.1600",
        "aae079": "20210320",
    }


def test_every_field_is_mapped() -> None:
    """The profile has every field of every row type, in the order of the row classes."""
    for row in canonical().rows:
        names = [re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", field.name) for field in row.fields]
        assert tuple(names) == ROW_TYPES[row.name]._fields


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("7416.2", "7416.20"),
        ("7416.250", "7416.25"),
        ("007.00", "7.00"),
        ("-0.00", "0.00"),
        ("-0.50", "-0.50"),
        (7416, "7416.00"),
        (Decimal("7416.2500"), "7416.25"),
        (Decimal("1E+2"), "100.00"),
        ("99999999999999.99", "99999999999999.99"),
        (None, ""),
        ("", ""),
    ],
)
def test_money_is_made_canonical(cell: Cell, value: str) -> None:
    """Text, integers and exact decimals become money with two places, without loss."""
    assert to_record(Rule("money", 2))[cell] == value


@pytest.mark.parametrize(
    "cell", [7416.25, 7416.0, "7416.255", Decimal("0.001"), "1e3", "７", "1,000.00", True, b"7.00", Decimal("NaN")]
)
def test_inexact_money_is_refused(cell: Cell) -> None:
    """Floats, more places than two and whatever is no plain decimal are refused, and the value is not quoted."""
    conversion = to_record(Rule("money", 2))
    assert conversion["7416.00"]
    assert conversion[7416] == conversion[Decimal(7416)] == "7416.00"  # equal as keys to 7416.0, which stays refused
    with pytest.raises(ValueError, match=r"instead of|more than") as caught:
        conversion[cell]
    assert str(cell) not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("month6", "202113"),
        ("month6", "2021-01"),
        ("month6", "20211"),
        ("date8", "20210132"),
        ("date8", "2021-01-01"),
        ("date10", "20210101"),
        ("date10", "2021-01-01 00:00:00"),
        ("date19", "2021-01-01 08:30:00"),
        ("date19", "2021-01-01"),
        ("months", "-1"),
        ("months", 1.0),
        ("months", "1.5"),
        ("text", 330106.0),
        ("text", b"x"),
    ],
)
def test_other_cells_are_refused(kind: Any, cell: Cell) -> None:
    """A cell that is not what the profile says is refused."""
    with pytest.raises(ValueError, match="instead of"):
        to_record(Rule(kind))[cell]


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("month6", 202101, "2021-01"),
        ("date8", Decimal(20210131), "2021-01-31"),
        ("months", "12", "12"),
        ("months", Decimal(12), "12"),
        ("text", 330106, "330106"),
        ("text", Decimal("33E+1"), "330"),
    ],
)
def test_whole_numbers_are_read(kind: Any, cell: Cell, value: str) -> None:
    """Offices keep months, dates and codes as numbers too."""
    assert to_record(Rule(kind))[cell] == value


def test_memory_is_bounded() -> None:
    """A conversion forgets, rather than remember every value of every person."""
    conversion = to_record(Rule("rate", 6))
    for number in range(120_000):
        conversion[f"0.{number:06}"]
    assert len(conversion) <= 50_000


def test_errors_name_the_place() -> None:
    """A wrong cell is reported by table, column and field; an unknown code likewise, without the value."""
    row = agency().person
    cells = list(row.to_rows([a_person()])[0])
    cells[row.columns.index("性别")] = "秘"
    with pytest.raises(UsageError) as caught:
        row.from_rows([tuple(cells)])
    assert caught.value.code == "S460"
    assert caught.value.detail == ("人员基本信息.性别 (person.sex): a code that is not in the profile's code table")


def test_constant_cannot_hold_another_value() -> None:
    """A value that the office has no column for is refused, not dropped."""
    with pytest.raises(UsageError, match=r"person\.nationality"):
        agency().person.to_rows([a_person(nationality="KOR")])


def test_leave_is_for_kinds_alone() -> None:
    """A code table whose codes leave rows out serves the field kind alone: nothing else makes a row not ours."""
    text = canonical_text().replace('sex = { column = "aac004" }', 'sex = { column = "aac004", codes = "sex" }')
    text += '[codes.sex]\n"M" = "1"\n[leave]\nsex = ["X"]\n'
    with pytest.raises(UsageError, match=r"leave\.sex: only the codes of kind"):
        parse(text)


def test_absent_row_types_have_nothing_beside() -> None:
    """A section that is absent says nothing else; person and employer cannot be absent."""
    start, end = canonical_text().index("[entry]"), len(canonical_text())
    without = canonical_text()[:start] + "[entry]\nabsent = true\n"
    assert end > start
    assert parse(without).lacks == ("entry.*",)
    assert parse(without).entry.from_rows([]) == ()
    with pytest.raises(UsageError, match="no such rows"):
        parse(without).entry.to_rows(a_record().other)
    for wrong in ("[entry]\nabsent = false\n", '[entry]\nabsent = true\ntable = "zz01"\n'):
        with pytest.raises(UsageError, match="entry"):
            parse(canonical_text()[:start] + wrong)


def test_shipped_profiles_by_name() -> None:
    """A shipped profile bears its own name; another name is S401 and says which there are."""
    assert [shipped(name).name for name in SHIPPED] == list(SHIPPED)
    assert shipped("canonical") == canonical()
    with pytest.raises(UsageError, match=r"S401.*medical-platform") as caught:
        shipped("../canonical")
    assert caught.value.exit_status == 2


def test_codes_and_private_characters_are_mapped() -> None:
    """Codes go through the code table and private-use characters become what they stand for."""
    row = agency().person
    cells = row.to_rows([a_person(name="周\ufe10明", sex="2")])[0]
    assert cells[row.columns.index("aac003")] == "周\ue78d明"
    assert cells[row.columns.index("性别")] == "F"
    assert to_cell(row.field("name").rule)["\ue000"] == "\ue000"


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('name = "canonical"', "name =", "not TOML"),
        ('name = "canonical"', "", "name: this entry is missing"),
        ('table = "ac43"', "", r"contribution\.table: this entry is missing"),
        ('table = "ac43"', "table = 43", r"contribution\.table: must be text"),
        ("[subsidy]", "[subsidies]", "unknown: subsidies"),
        ("[employer]", '[employer]\npersonNumber = "aac001"', "employer: unknown: personNumber"),
        ('wage = { column = "aac040", as = "money" }', "", r"contribution\.fields\.wage: this section is missing"),
        ('sex = { column = "aac004" }', 'sex = "aac004"', r"person\.fields\.sex: must be a table"),
        ('sex = { column = "aac004" }', 'gender = { column = "aac004" }', r"person\.fields: unknown: gender"),
        ('sex = { column = "aac004" }', 'sex = { column = "aac004", kind = "text" }', r"sex: unknown: kind"),
        ('sex = { column = "aac004" }', 'sex = { column = "aac003" }', "person: one column is used twice"),
        ('sex = { column = "aac004" }', 'sex = { column = "aac004", as = "float" }', r"sex\.as: must be one of"),
        ('sex = { column = "aac004" }', 'sex = { column = "aac004", codes = "sex" }', r"sex\.codes: must name"),
        ('sex = { column = "aac004" }', 'sex = { column = "aac004", places = 2 }', r"sex\.places"),
        ('name = { column = "aac003" }', 'name = { constant = "X" }', "must be columns"),
        ('employerId = { column = "aab001" }', 'employerId = { column = "aab001", as = "months" }', "plain text"),
        ('name = "canonical"', 'name = "x"\n[codes.sex]\nM = "1"\nm = "1"', r"codes\.sex: must be one to one"),
        ('name = "canonical"', 'name = "x"\n[privateUse]\n"E000" = "U+FE10"', "U[+]XXXX"),
        ('name = "canonical"', 'name = "x"\n[leave]\nkinds = ["9"]', r"leave\.kinds: must name a table"),
        (
            'name = "canonical"',
            'name = "x"\n[codes.kinds]\n"9" = "110"\n[leave]\nkinds = ["9"]',
            r"leave\.kinds: a code is mapped and left out",
        ),
        ('sex = { column = "aac004" }', 'sex = { same = "gender" }', r"sex\.same: must name another field"),
        ('sex = { column = "aac004" }', 'sex = { same = "sex" }', r"sex\.same: must name another field"),
        (
            'sex = { column = "aac004" }',
            'sex = { column = "aac004", also = "aac003" }',
            "person: one column is used twice",
        ),
        ('[employer]\ntable = "ab01"\n', "[employer]\nabsent = true\n", r"employer: unknown: fields"),
        ('name = "canonical"', 'name = "x"\n[privateUse]\n"U+E000" = "U+D800"', "U[+]XXXX"),
    ],
)
def test_wrong_profiles_are_refused(old: str, new: str, where: str) -> None:
    """A profile with a mistake is refused with S415 and the place of the mistake."""
    text = canonical_text()
    assert old in text
    with pytest.raises(UsageError, match=where) as caught:
        parse(text.replace(old, new))
    assert caught.value.code == "S415"


def test_parsing_is_pure() -> None:
    """The same text gives equal profiles."""
    assert parse(agency_text()) == agency()
