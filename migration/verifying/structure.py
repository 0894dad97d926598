"""What a target has besides rows, beside what the source has: keys, indexes, constraints, numbering, views. Pure.

What the plan says is lost is not looked for. Foreign keys and checks that a target lists as valid were checked by it
against all rows; keys are unique because the target says so, and the comparison of rows says so again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from migration.catalog import Catalog, ForeignKey, Table, TableName, Trigger
from migration.plan import Act, Plan, TablePlan

CODE: Final = "D666"

_LEFT: Final = ("D617", "D625")  # losses of whole objects: what they name is not looked for


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that the target has not, or in another way: the source's name of it, and what is wrong."""

    place: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Ground:
    """What everything is compared by: the plan, both catalogs, the target's names, the places of losses."""

    plan: Plan
    source: Catalog
    target: Catalog
    tables: dict[TableName, TablePlan]
    lost: frozenset[str]

    def columns(self, table: TableName, names: tuple[str, ...]) -> tuple[str, ...]:
        """Columns of a planned table, as the target calls them."""
        found = {column.source: column.target for column in self.tables[table].columns}
        return tuple(found.get(name, name) for name in names)


def structure(plan: Plan, source: Catalog, target: Catalog, *, triggers: bool = False) -> tuple[Lack, ...]:
    """All that is not as it should be, each a D666. Triggers are looked for when they were made already."""
    tables = {table.source: table for table in plan.tables}
    ground = _Ground(plan, source, target, tables, frozenset(loss.place for loss in plan.losses if loss.code in _LEFT))
    found = [lack for table in plan.tables for lack in _table(ground, table)]
    found += [*_sequences(ground), *_views(ground)]
    if triggers:
        found += _missing_triggers(ground)
    return tuple(lack for lack in found if lack.place not in ground.lost)


def _table(ground: _Ground, plan: TablePlan) -> Iterator[Lack]:
    have = next((table for table in ground.target.tables if table.name == plan.target), None)
    if have is None:
        yield Lack(str(plan.source), "the table is missing")
        return
    table = ground.source.table(plan.source)
    yield from _columns(table, have, plan)
    yield from _keys(ground, table, have)
    yield from _indexes(ground, table, have)
    yield from _foreign(ground, table, have)
    lost = sum(1 for check in table.checks if f"{table.name}.{check.name}" in ground.lost)
    if len(have.checks) < len(table.checks) - lost:
        yield Lack(f"{table.name} (checks)", f"{len(have.checks)} of {len(table.checks) - lost} checks")


def _columns(table: Table, have: Table, plan: TablePlan) -> Iterator[Lack]:
    found = {column.name: column for column in have.columns}
    for own in plan.columns:
        column, place = table.column(own.source), f"{table.name}.{own.source}"
        if own.target not in found:
            yield Lack(place, "the column is missing")
        elif found[own.target].nullable and (not column.nullable or own.source in table.order):
            yield Lack(f"{place} (not NULL)", "may be NULL")  # a loss of the column's says nothing of this
        elif column.identity and not found[own.target].identity:
            yield Lack(place, "new rows are not numbered")


def _keys(ground: _Ground, table: Table, have: Table) -> Iterator[Lack]:
    if table.primary:
        wanted = ground.columns(table.name, table.primary.columns)
        if have.primary is None or have.primary.columns != wanted:
            yield Lack(f"{table.name} (primary key)", f"no primary key ({', '.join(wanted)})")
    unique = [key.columns for key in (*have.uniques, *filter(None, (have.primary,)))]
    unique += [index.columns for index in have.indexes if index.unique and not index.definition]
    sets = {frozenset(columns) for columns in unique}
    for key in table.uniques:
        if frozenset(ground.columns(table.name, key.columns)) not in sets:
            yield Lack(f"{table.name}.{key.name}", f"no unique key ({', '.join(key.columns)})")


def _indexes(ground: _Ground, table: Table, have: Table) -> Iterator[Lack]:
    names = {index.name.casefold() for index in have.indexes}
    plain = {index.columns for index in have.indexes} | {key.columns for key in have.uniques}
    unique = {index.columns for index in have.indexes if index.unique} | {key.columns for key in have.uniques}
    for index in table.indexes:
        wanted = ground.columns(table.name, index.columns)
        there = index.name.casefold() in names if index.definition else wanted in (unique if index.unique else plain)
        if not there:
            yield Lack(f"{table.name}.{index.name}", "the index is missing")


def _foreign(ground: _Ground, table: Table, have: Table) -> Iterator[Lack]:
    for key in table.foreign:
        place = f"{table.name}.{key.name or '_'.join(key.columns)}"
        if key.table not in ground.tables:
            if place not in ground.lost:
                yield Lack(place, f"it refers to {key.table}, which is not carried")
            continue
        if not any(_same(ground, table, key, other) for other in have.foreign):
            yield Lack(place, f"no foreign key ({', '.join(key.columns)}) to {key.table}")
    steps = [step for step in ground.plan.steps if step.act is Act.ADD_FOREIGN_KEY]
    wanted = sum(1 for step in steps if step.subject == str(have.name))
    if len(have.foreign) < wanted:
        yield Lack(f"{table.name} (foreign keys)", f"{len(have.foreign)} of {wanted}")


def _same(ground: _Ground, table: Table, key: ForeignKey, other: ForeignKey) -> bool:
    """Whether the target's foreign key is the source's. Without columns referred to it refers to the primary key."""
    wanted = ground.columns(table.name, key.columns)
    if ground.tables[key.table].target != other.table or set(wanted) != set(other.columns):
        return False
    if not (key.referred and other.referred):
        return True
    referred = ground.columns(key.table, key.referred)
    return dict(zip(wanted, referred, strict=True)) == dict(zip(other.columns, other.referred, strict=True))


def _sequences(ground: _Ground) -> Iterator[Lack]:
    owned = {sequence.owner: sequence for sequence in ground.target.sequences if sequence.owner}
    named = {sequence.name.name: sequence for sequence in ground.target.sequences if not sequence.owner}
    for sequence in ground.source.sequences:
        if sequence.owner is None:
            found, place = named.get(sequence.name.name), str(sequence.name)
            if found is None:
                yield Lack(place, "the sequence is missing")
        elif sequence.owner[0] in ground.tables:
            table, column = sequence.owner
            found = owned.get((ground.tables[table].target, ground.columns(table, (column,))[0]))
            place = f"{table}.{column}"
        else:
            continue
        if found and (found.following - sequence.following) * sequence.increment < 0:
            yield Lack(place, f"goes on with {found.following} instead of {sequence.following}")


def _views(ground: _Ground) -> Iterator[Lack]:
    names = {view.name.name for view in ground.target.views}
    missing = (view for view in ground.source.views if view.name.name not in names)
    return (Lack(str(view.name), "the view is missing") for view in missing)


def _missing_triggers(ground: _Ground) -> Iterator[Lack]:
    names = {_trigger(trigger) for trigger in ground.target.triggers}
    missing = (trigger for trigger in ground.source.triggers if _trigger(trigger) not in names)
    return (Lack(f"{trigger.table}.{trigger.name}", "the trigger is missing") for trigger in missing)


def _trigger(trigger: Trigger) -> tuple[str, str]:
    return trigger.table.name, trigger.name
