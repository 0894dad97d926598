"""A de-identified sample: nothing of a person in it, references that hold, and a source like any other."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import UsageError
from formats.identifiers import is_resident_number
from migration import canon
from migration.catalog import Catalog, Column, ForeignKey, Key, Kind, Table, TableName
from migration.engine import ReadColumn, Reading
from migration.rehearsal import draft, parse, sample
from migration.rehearsal.disguise import Disguise
from migration.rehearsal.source import SampledSource

PERSON, PAID = TableName("", "person"), TableName("", "paid")
PEOPLE = Table(
    PERSON,
    (
        Column("id", Kind.INTEGER, "integer", nullable=False),
        Column("id_number", Kind.TEXT, "varchar(18)", length=18),
        Column("name", Kind.TEXT, "text"),
        Column("born", Kind.DATE, "date"),
        Column("boss", Kind.INTEGER, "integer"),
    ),
    primary=Key("", ("id",)),
    foreign=(ForeignKey("", ("boss",), PERSON, ("id",)),),
)
PAYMENTS = Table(
    PAID,
    (
        Column("person", Kind.INTEGER, "integer", nullable=False),
        Column("month", Kind.TEXT, "char(6)", nullable=False),
        Column("amount", Kind.DECIMAL, "numeric(12,2)", precision=12, scale=2),
    ),
    primary=Key("", ("person", "month")),
    foreign=(ForeignKey("", ("person",), PERSON, ("id",)),),
)
CATALOG = Catalog("sqlite", "3", "old", "UTF-8", (PAYMENTS, PEOPLE))
RULES = parse(
    """
    [columns]
    "*.id_number" = "identity-number"
    "*.name" = "pseudonym"
    "*.born" = "year"
    "*.amount" = "round"
    "person.id" = "pseudonym"
    "person.boss" = "pseudonym"
    "paid.person" = "pseudonym"
    "*" = "keep"
    """
)


def people(count: int) -> bytes:
    """So many people; each one's boss is the one before, the first has none that is there."""
    return b"".join(
        canon.line((str(n), f"33010119{n % 90 + 10}0101001X", f"王小{n}", f"19{n % 90 + 10}-05-17", str(n - 1)))
        for n in range(1, count + 1)
    )


def payments(count: int) -> bytes:
    """Three months for each of so many people."""
    months = ("202401", "202402", "202403")
    return b"".join(canon.line((str(n), month, f"{n}23.45")) for n in range(1, count + 1) for month in months)


def source(count: int = 50) -> SampledSource:
    """A source with so many people."""
    return SampledSource(CATALOG, {PERSON: people(count), PAID: payments(count)})


def rows(held: SampledSource, table: TableName) -> list[canon.Cells]:
    """The rows of a table of a source, read as any source is."""
    form = held.catalog().table(table)
    columns = tuple(ReadColumn(c.name, c.kind, c.native, c.scale, c.padded) for c in form.columns)
    with held.snapshot() as snapshot:
        return [row for block in snapshot.blocks(Reading(table, columns, form.order)) for row in canon.rows(block.data)]


@pytest.fixture
def taken() -> SampledSource:
    """Twenty rows of each table, de-identified."""
    return sample(source(), CATALOG, RULES, 20, b"s" * 32)


def test_a_sample_has_so_many_rows_and_its_references_hold(taken: SampledSource) -> None:
    """Every payment's person and every boss is in the sample; the first one's boss, who is not there, became NULL."""
    found, paid = rows(taken, PERSON), rows(taken, PAID)
    ids = {row[0] for row in found}
    assert (len(found), len(ids), len(paid)) == (20, 20, 20)
    assert {row[0] for row in paid} <= ids
    assert [row[4] for row in found].count(None) == 1
    assert {row[4] for row in found} - {None} <= ids
    assert [table.rows for table in taken.catalog().tables] == [20, 20]


def test_nothing_of_a_person_is_left(taken: SampledSource) -> None:
    """No name, number, id or birthday of the source stands in the sample; identity numbers are valid and of no division."""
    before, after = rows(source(), PERSON), rows(taken, PERSON)
    for place in (1, 2):
        assert not {row[place] for row in before} & {row[place] for row in after}
    assert all(row[1] and is_resident_number(row[1]) and row[1].startswith("110000") for row in after)
    assert {(row[3] or "")[4:] for row in after} == {"-01-01"}
    assert all((row[2] or "x") == 0 or len(row[2] or "") >= 3 for row in after)


def test_amounts_keep_two_digits(taken: SampledSource) -> None:
    """An amount is rounded to two significant digits, and written with its column's scale."""
    assert {row[2] for row in rows(taken, PAID)[:4]} == {"120.00", "220.00"}


def test_another_secret_gives_other_pseudonyms(taken: SampledSource) -> None:
    """Who does not have the secret can't make the pseudonyms again."""
    other = sample(source(), CATALOG, RULES, 20, b"t" * 32)
    assert [row[2] for row in rows(other, PERSON)] != [row[2] for row in rows(taken, PERSON)]


def test_a_column_without_a_rule_is_refused() -> None:
    """Nothing is read while one column's rule is missing; the column is named."""
    with pytest.raises(UsageError, match=r"D695.*paid\.month has no rule"):
        sample(source(), CATALOG, parse('[columns]\n"person.*" = "keep"\n"paid.person" = "keep"'), 5, b"s" * 32)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[columns]\n"*" = "scramble"', "the rules are"),
        ("[rows]\n", "one section"),
        ("[columns", "D695"),
        ('[columns]\n"*.born" = "pseudonym"\n"*" = "keep"', "pseudonym is not for date"),
        ('[columns]\n"paid.month" = "blank"\n"*" = "keep"', "would make rows alike"),
        ('[columns]\n"paid.person" = "pseudonym"\n"*" = "keep"', "both need the same rule"),
    ],
)
def test_rules_that_can_not_hold_are_refused(text: str, said: str) -> None:
    """A wrong rule is refused with the place and the reason."""
    with pytest.raises(UsageError, match=said):
        sample(source(), CATALOG, parse(text), 5, b"s" * 32)


def test_the_draft_has_a_line_a_column_and_can_be_read() -> None:
    """The draft names every column and is a rules file."""
    text = draft(CATALOG)
    rules = parse(text)
    assert all(rules.rule(table, column) for table, column in CATALOG.columns())
    assert '"person.name" = "pseudonym"' in text


def test_a_hard_cycle_leaves_its_reference_out() -> None:
    """Two tables that refer to each other by columns that can't be NULL: one reference is left out of the catalog."""
    here, there = TableName("", "here"), TableName("", "there")
    column = Column("id", Kind.INTEGER, "integer", nullable=False)
    tables = tuple(
        Table(one, (column,), primary=Key("", ("id",)), foreign=(ForeignKey("", ("id",), other, ("id",)),), rows=3)
        for one, other in ((here, there), (there, here))
    )
    lines = {name: b"".join(canon.line([str(n)]) for n in range(3)) for name in (here, there)}
    catalog = replace(CATALOG, tables=tables)
    taken = sample(SampledSource(catalog, lines), catalog, parse('[columns]\n"*" = "keep"'), 2, b"s" * 32)
    assert [len(table.foreign) for table in taken.catalog().tables] == [0, 1]
    assert [len(rows(taken, name)) for name in (here, there)] == [2, 2]


@given(st.lists(st.text(min_size=1), unique=True, max_size=50))
def test_two_values_never_get_one_pseudonym(values: list[str]) -> None:
    """Pseudonyms are as different as what they stand for, where there are enough of them; and always the same."""
    disguise, column = Disguise(b"k" * 32), Column("c", Kind.TEXT, "text")
    longer = [f"{value}0000000" for value in values]
    given_names = [disguise.cell(value, column, "pseudonym") for value in longer]
    assert len(set(given_names)) == len(values)
    assert given_names == [disguise.cell(value, column, "pseudonym") for value in longer]


@given(st.integers())
def test_pseudonyms_of_numbers_are_numbers(value: int) -> None:
    """An integer's pseudonym is canonical, of the same sign and as many digits."""
    disguise = Disguise(b"k" * 32)
    text = disguise.cell(str(value), Column("c", Kind.INTEGER, "bigint"), "pseudonym") or ""
    assert str(int(text)) == text
    assert len(text) == len(str(value))
