"""From a catalog and a mapping to a plan."""

from collections.abc import Iterable

import pytest

from formats.errors import UsageError
from migration import catalog_file, plan_file, plan_text, planning
from migration.catalog import Catalog, Check, ForeignKey, Index, Key, Kind, Oddity, Table, TableName
from migration.mapping import Mapping, parse
from migration.plan import Act, Carry, Loss, Plan
from tests.migration.holdings import PERSON, catalog, column, table

NAME = column("name", Kind.TEXT, "text")


def _refers(name: str, *to: str) -> Table:
    foreign = tuple(ForeignKey(f"{name}_{other}", (f"{other}_id",), TableName("", other), ("id",)) for other in to)
    columns = (column(f"{other}_id", Kind.INTEGER, "integer") for other in to)
    return table(name, *columns, foreign=foreign)


def _losses(plan: Plan, code: str) -> list[Loss]:
    return [loss for loss in plan.losses if loss.code == code]


def _fates(found: Catalog, target: str, mapping: str = "") -> dict[str, Carry]:
    plan = planning.plan(found, target, parse(mapping))
    return {loss.place: loss.carry for loss in plan.losses}


def test_tables_follow_those_they_refer_to() -> None:
    """A table comes behind what it refers to; tables in a circle come by name, and none is lost."""
    found = catalog(
        "sqlite", _refers("a", "c"), table("b"), _refers("c", "b"), _refers("y", "z"), _refers("z", "y", "z")
    )
    plan = planning.plan(found, "postgresql")
    assert [one.source.name for one in plan.tables] == ["b", "c", "a", "y", "z"]
    assert [one.number for one in plan.tables] == [1, 2, 3, 4, 5]
    assert sum(step.act is Act.ADD_FOREIGN_KEY for step in plan.steps) == 5


def test_a_freeze_and_every_plan_read_alike() -> None:
    """The freeze has all tables under the plan's numbers, those that are left out behind them."""
    computed = column("twice", Kind.INTEGER, "integer", generated="id * 2")
    found = catalog("sqlite", table("a", NAME, computed), table("b"), table("c", key=(), rows=5))
    mapping = parse('[leave]\n"b" = "scratch"\n[names]\n"a" = "other"')
    frozen = {one.number: one for one in planning.frozen_tables(found, mapping)}
    for target in ("postgresql", "sqlite", "mariadb"):
        plan = planning.plan(found, target, mapping)
        assert [one.number for one in plan.tables] == [1, 2]
        for one in plan.tables:
            assert frozen[one.number].reading == one.reading_source()
            assert frozen[one.number].chunk_rows == one.chunk_rows
    assert [read.name for read in frozen[1].reading.columns] == ["id", "name"]
    assert [frozen[number].reading.table.name for number in (1, 2, 3)] == ["a", "c", "b"]


@pytest.mark.parametrize(
    ("rows", "size", "chunk"),
    [(0, 10**9, 10_000), (10**6, 10**6, 50_000), (1000, 10**9, 100), (10**6, 10**9, 8388), (10, 0, 50_000)],
)
def test_chunks_are_about_eight_mebibytes(rows: int, size: int, chunk: int) -> None:
    """Rows in a chunk come from the size of a row, within 100 and 50,000; without a number of rows it is 10,000."""
    found = catalog("sqlite", table("a", rows=rows, size=size))
    assert planning.plan(found, "postgresql").tables[0].chunk_rows == chunk


def test_steps_stand_in_the_order_of_the_work() -> None:
    """Frozen first, tables before rows, keys and the rest behind, compared before triggers, proved last."""
    found = catalog("sqlite", _refers("a", "b"), table("b", NAME, indexes=(Index("b_name", ("name",)),)))
    steps = planning.plan(found, "postgresql").steps
    assert [step.act for step in steps] == [
        Act.FREEZE,
        *(Act.CREATE_TABLE, Act.CREATE_TABLE, Act.COPY, Act.COPY, Act.ADD_KEY, Act.ADD_KEY),
        *(Act.ADD_INDEX, Act.ADD_FOREIGN_KEY, Act.VERIFY, Act.PROVE),
    ]
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))


def test_an_exact_migration_loses_nothing() -> None:
    """Where every type is the same and everything is keyed, the list of losses is empty, and the text says so."""
    plan = planning.plan(catalog("sqlite", table("a", NAME)), "postgresql")
    assert plan.losses == ()
    assert "Everything is carried exactly." in plan_text.render(plan)


def test_names_are_flattened_shortened_and_never_taken_twice() -> None:
    """Schemas become part of names, long names end with a digest, and each change is told as D626."""
    long = "人" * 30
    found = catalog(
        "postgresql",
        table(TableName("public", "a")),
        table(TableName("hr", "a"), column(long, Kind.INTEGER, "integer")),
    )
    plan = planning.plan(found, "mariadb")
    assert [str(one.target) for one in plan.tables] == ["hr_a", "a"]
    assert {loss.place for loss in _losses(plan, "D626")} == {"hr.a"}
    turned = planning.plan(catalog("sqlite", table("t", column(long, Kind.INTEGER, "integer"))), "postgresql")
    name = turned.tables[0].columns[1].target
    assert len(name.encode()) <= 63
    assert name.startswith("人")
    assert _losses(turned, "D626")[0].carry is Carry.DECLARED


def test_two_tables_of_one_name_are_refused() -> None:
    """Names that would become one are refused until the mapping says another."""
    found = catalog("postgresql", table(TableName("public", "hr_a")), table(TableName("hr", "a")))
    assert [loss.place for loss in planning.plan(found, "sqlite").refused()] == ["hr.a"]
    plan = planning.plan(found, "sqlite", parse('[names]\n"hr.a" = "staff"'))
    assert not list(plan.refused())
    folded = catalog("postgresql", table(TableName("public", "A")), table(TableName("public", "a")))
    assert _fates(folded, "mariadb")["public.a"] is Carry.REFUSED
    assert not list(planning.plan(folded, "postgresql").refused())


@pytest.mark.parametrize(
    "mapping",
    [
        '[columns]\n"a.none" = "text"',
        '[names]\n"none" = "b"',
        '[leave]\n"none" = "x"',
        '[[convert]]\nname="c"\ncolumn="a.none"\nvalues={"1"="2"}',
    ],
)
def test_a_mapping_of_something_else_is_refused(mapping: str) -> None:
    """A mapping that names what the source does not have is D603: it is a slip of the pen."""
    with pytest.raises(UsageError, match="D603"):
        planning.plan(catalog("sqlite", table("a")), "postgresql", parse(mapping))


@pytest.mark.parametrize("target", ["siard", "legacy", "db2"])
def test_an_environment_that_is_never_written_is_no_target(target: str) -> None:
    """Files and unknown engines are D609."""
    with pytest.raises(UsageError, match="D609"):
        planning.plan(catalog("sqlite"), target)


def _odd(code: str, name: str = "name", **more: object) -> Iterable[Oddity]:
    return [Oddity(code, PERSON, name, 3, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "target", "mapping", "carry"),
    [
        ("D611", "postgresql", "", Carry.REFUSED),
        ("D612", "postgresql", "", Carry.REFUSED),
        ("D612", "sqlite", "", Carry.EXACT),
        ("D612", "postgresql", '[values]\nnul-character = "remove"', Carry.DECLARED),
        ("D613", "postgresql", "", Carry.REFUSED),
        ("D613", "postgresql", '[values]\nzero-date = "null"', Carry.DECLARED),
        ("D614", "postgresql", "", Carry.REFUSED),
        ("D614", "sqlite", "", Carry.EXACT),
        ("D614", "postgresql", '[columns]\n"person.name" = "varchar(500)"', Carry.DECLARED),
        ("D615", "postgresql", "", Carry.REFUSED),
        ("D616", "postgresql", "", Carry.REFUSED),
        ("D618", "mariadb", "", Carry.REFUSED),
        ("D618", "postgresql", "", Carry.EXACT),
        ("D619", "postgresql", "", Carry.EXACT),
        ("D620", "mariadb", "", Carry.DECLARED),
        ("D625", "postgresql", "", Carry.DECLARED),
    ],
)
def test_odd_values_have_a_fate(code: str, target: str, mapping: str, carry: Carry) -> None:
    """What the survey found is refused unless the target holds it or the mapping decides it."""
    found = catalog("sqlite", table("person", NAME), oddities=_odd(code))
    plan = planning.plan(found, target, parse(mapping))
    assert [loss.carry for loss in _losses(plan, code)] == [carry]


def test_a_table_that_is_left_out_has_no_oddities() -> None:
    """What is odd about a table that the mapping leaves out stands against nothing; its rows are told."""
    found = catalog("sqlite", table("person", NAME, rows=9), oddities=_odd("D611"))
    plan = planning.plan(found, "postgresql", parse('[leave]\n"person" = "scratch"'))
    assert plan.tables == ()
    assert plan.losses == (Loss("D625", "person", "left out with its 9 rows: scratch", Carry.DECLARED),)


def test_rows_without_what_they_refer_to_stand_against_their_key() -> None:
    """Orphans refuse the plan until their foreign key is left out; then it is not made, and told."""
    child = _refers("person", "a")
    found = catalog("sqlite", table("a"), child, oddities=_odd("D617", "a_id", detail="person_a to a"))
    assert [loss.code for loss in planning.plan(found, "postgresql").refused()] == ["D617"]
    plan = planning.plan(found, "postgresql", parse('[leave]\n"person.person_a" = "old orphans"'))
    assert not list(plan.refused())
    assert not plan.statements(Act.ADD_FOREIGN_KEY)
    assert {(loss.code, loss.place) for loss in plan.losses} == {("D617", "person.a_id"), ("D625", "person.person_a")}


def test_a_column_of_strays_is_carried_as_text_when_the_site_says_so() -> None:
    """In SQLite a date column with other things in it is read as text once the mapping makes it one."""
    born = column("born", Kind.DATE, "date")
    found = catalog("sqlite", table("person", born), oddities=_odd("D615", "born"))
    assert _fates(found, "postgresql")["person.born"] is Carry.REFUSED
    plan = planning.plan(found, "postgresql", parse('[columns]\n"person.born" = "text"'))
    assert not list(plan.refused())
    assert (plan.tables[0].columns[1].kind, plan.tables[0].columns[1].native) == (Kind.TEXT, "text")
    assert (
        planning.frozen_tables(found, parse('[columns]\n"person.born" = "text"'))[0].reading
        == plan.tables[0].reading_source()
    )


def test_what_the_census_measured_decides_types() -> None:
    """Digits of numbers and lengths of key texts come from the census, and are no losses themselves."""
    person = TableName("public", "person")
    found = catalog(
        "postgresql",
        table(
            person,
            column("code", Kind.TEXT, "text", nullable=False),
            column("n", Kind.NUMBER, "numeric"),
            key=("code",),
        ),
        oddities=[
            Oddity("D624", person, "code", 5, "length 40"),
            Oddity("D624", person, "n", 5, "precision 12, scale 4"),
        ],
    )
    plan = planning.plan(found, "mariadb")
    assert [one.native for one in plan.tables[0].columns] == ["varchar(255)", "decimal(38,4)"]
    assert [loss.carry for loss in _losses(plan, "D624")] == [Carry.DECLARED, Carry.DECLARED]
    assert planning.plan(found, "postgresql").losses == ()


def test_both_sides_of_a_reference_are_of_one_type_in_mariadb() -> None:
    """Numbers that refer to wider ones are widened, also through a chain, since no key is made between two types."""
    small = column("a_id", Kind.INTEGER, "smallint", precision=5)
    middle = column("a_id", Kind.INTEGER, "smallint", precision=5, nullable=False)
    to_b = ForeignKey("f", ("a_id",), TableName("public", "b"), ("a_id",))
    to_a = ForeignKey("g", ("a_id",), TableName("public", "a"), ("id",))
    found = catalog(
        "postgresql",
        table(TableName("public", "a"), column("id", Kind.INTEGER, "bigint", precision=19)),
        table(TableName("public", "b"), middle, key=("a_id",), foreign=(to_a,)),
        table(TableName("public", "c"), small, foreign=(to_b,)),
    )
    plan = planning.plan(found, "mariadb")
    assert {one.native for each in plan.tables for one in each.columns if one.source == "a_id"} == {"bigint"}
    assert {one.native for one in planning.plan(found, "postgresql").tables[1].columns} == {"smallint"}


def test_rows_that_are_too_wide_for_mariadb_are_narrowed() -> None:
    """The longest texts become texts without length until a row fits; keys keep theirs."""
    wide = [column(f"c{at}", Kind.TEXT, "character varying(700)", length=700) for at in range(40)]
    found = catalog("postgresql", table(TableName("public", "a"), *wide, uniques=(Key("u", ("c0",)),)))
    natives = [one.native for one in planning.plan(found, "mariadb").tables[0].columns]
    assert natives[1] == "varchar(700)"
    assert natives.count("text") == 17


def test_a_key_longer_than_mariadb_allows_is_refused() -> None:
    """A key over texts that may take more than 3,072 octets is D614."""
    wide = [column(f"c{at}", Kind.TEXT, "varchar(400)", length=400, nullable=False) for at in range(2)]
    plan = planning.plan(catalog("sqlite", table("a", *wide, key=("c0", "c1"))), "mariadb")
    assert [(loss.code, loss.place) for loss in plan.refused()] == [("D614", "a")]


@pytest.mark.parametrize("target", ["oracle", "opengauss", "kingbase"])
def test_targets_that_take_empty_texts_for_null_say_so(target: str) -> None:
    """What a target does with empty texts, whatever the column, is declared before anything is done."""
    plan = planning.plan(catalog("sqlite", table("a", NAME)), target)
    assert [loss.code for loss in plan.losses if loss.place == target] == ["D624"]


def test_a_plan_is_the_same_again_and_goes_through_its_file() -> None:
    """The same catalog and mapping give the same plan, and its file gives it back."""
    mapping = parse('[[convert]]\nname = "kinds"\ncolumn = "a.name"\nvalues = { "1" = "110" }')
    found = catalog("sqlite", table("a", NAME, checks=(Check("c", "length(name) > 1"),)), table("b", key=()))
    plan = planning.plan(found, "mariadb", mapping, "f" * 64)
    assert plan == planning.plan(found, "mariadb", mapping, "f" * 64)
    assert plan_file.decode(plan_file.encode(plan)) == plan
    assert plan_file.digest(plan) != plan_file.digest(planning.plan(found, "mariadb", mapping, "e" * 64))
    assert plan.catalog == catalog_file.digest(found)
    assert "kinds" in next(loss.detail for loss in plan.losses if loss.place == "a.name")


def test_needs_grow_with_the_rows() -> None:
    """The estimate has all rows, and takes longer with more of them."""
    small, large = (planning.plan(catalog("sqlite", table("a", rows=rows)), "sqlite").needs for rows in (10, 10**8))
    assert (small.rows, large.rows) == (10, 10**8)
    assert large.seconds > 1000 > small.seconds
    assert large.freeze_bytes < large.target_bytes


def test_a_plan_without_a_mapping_is_one_with_an_empty_mapping() -> None:
    """Nothing decided is the same as no file."""
    found = catalog("sqlite", table("a"))
    assert planning.plan(found, "sqlite") == planning.plan(found, "sqlite", Mapping())
