"""What a target must have besides rows."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from migration.catalog import (
    Catalog,
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    Kind,
    Sequence,
    Table,
    TableName,
    Trigger,
    View,
)
from migration.plan import Carry, ColumnPlan, Loss, Needs, Plan, TablePlan
from migration.verifying import structure

OLD, NEW = "public", "new"


def catalog(schema: str, id_name: str = "id") -> Catalog:
    """Two tables with one of everything."""
    office = TableName(schema, "office")
    offices = Table(office, (Column("code", Kind.TEXT, "text", nullable=False),), Key("office_pkey", ("code",)))
    person = Table(
        TableName(schema, "person"),
        (
            Column(id_name, Kind.INTEGER, "bigint", nullable=False, identity=True),
            Column("number", Kind.TEXT, "text", nullable=False),
            Column("office", Kind.TEXT, "text"),
        ),
        Key("person_pkey", (id_name,)),
        (Key("by_number", ("number",)),),
        (ForeignKey("of_office", ("office",), office, ("code",)),),
        (Check("some", "number <> ''"),),
        (Index("by_office", ("office",)), Index("low", (), definition="CREATE INDEX low ON person (lower(number))")),
    )
    return Catalog(
        "postgresql",
        "15",
        "x",
        "UTF8",
        (offices, person),
        (View(TableName(schema, "v"), "SELECT 1"),),
        (Sequence(TableName(schema, "s"), 8, owner=(person.name, id_name)), Sequence(TableName(schema, "free"), 3)),
        (Trigger(person.name, "t", "CREATE TRIGGER t"),),
    )


def planned() -> Plan:
    """Everything to another schema, one column by another name."""
    source, names = catalog(OLD), {"id": "nr"}
    tables = tuple(
        TablePlan(
            number,
            table.name,
            TableName(NEW, table.name.name),
            tuple(
                ColumnPlan(
                    c.name, names.get(c.name, c.name), c.kind, None, c.padded, c.native, c.native, Carry.EXACT, "same"
                )
                for c in table.columns
            ),
            table.order,
            10,
            0,
        )
        for number, table in enumerate(source.tables, 1)
    )
    return Plan("postgresql", "postgresql", "", "", tables, (), (), Needs(0, 0, 0, 0))


def person(found: Catalog, **changes: object) -> Catalog:
    """The catalog with another table of persons."""
    return replace(found, tables=(found.tables[0], replace(found.tables[1], **changes)))


def lacks(target: Catalog, plan: Plan | None = None) -> list[str]:
    """The places of what is wrong."""
    return [lack.place for lack in structure(plan or planned(), catalog(OLD), target, triggers=True)]


def test_a_whole_target_lacks_nothing() -> None:
    """Everything under the target's names is everything."""
    assert lacks(catalog(NEW, "nr")) == []


FAULTS: dict[str, tuple[Callable[[Catalog], Catalog], str]] = {
    "table": (lambda c: replace(c, tables=c.tables[1:]), "public.office"),
    "primary key": (lambda c: person(c, primary=None), "public.person (primary key)"),
    "primary key's order": (lambda c: person(c, primary=Key("", ("number",))), "public.person (primary key)"),
    "unique key": (lambda c: person(c, uniques=()), "public.person.by_number"),
    "foreign key": (lambda c: person(c, foreign=()), "public.person.of_office"),
    "check": (lambda c: person(c, checks=()), "public.person (checks)"),
    "index": (lambda c: person(c, indexes=c.tables[1].indexes[1:]), "public.person.by_office"),
    "index with an expression": (lambda c: person(c, indexes=c.tables[1].indexes[:1]), "public.person.low"),
    "NOT NULL": (
        lambda c: person(
            c, columns=(c.tables[1].columns[0], replace(c.tables[1].columns[1], nullable=True), c.tables[1].columns[2])
        ),
        "public.person.number (not NULL)",
    ),
    "numbering": (
        lambda c: replace(c, sequences=(replace(c.sequences[0], following=1), c.sequences[1])),
        "public.person.id",
    ),
    "sequence": (lambda c: replace(c, sequences=c.sequences[:1]), "public.free"),
    "view": (lambda c: replace(c, views=()), "public.v"),
    "trigger": (lambda c: replace(c, triggers=()), "public.person.t"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_is_missing_is_named(fault: tuple[Callable[[Catalog], Catalog], str]) -> None:
    """Each thing that a target lacks is named by the source's name of it."""
    change, place = fault
    assert lacks(change(catalog(NEW, "nr"))) == [place]


def test_a_declared_loss_is_not_missed() -> None:
    """What the plan says is lost is not looked for."""
    loss = Loss("D625", "public.person.by_office", "not carried", Carry.DECLARED)
    plan = replace(planned(), losses=(loss,))
    whole = catalog(NEW, "nr")
    assert lacks(person(whole, indexes=whole.tables[1].indexes[1:]), plan) == []
