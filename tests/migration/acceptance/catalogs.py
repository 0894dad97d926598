"""What a database is besides its rows, two at a time: by our own catalog, and by SQLAlchemy's reflection."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace

import sqlalchemy as sa

from migration import environment
from migration.catalog import Catalog, ForeignKey, Index, Key, Sequence, Table

Shape = dict[str, tuple[object, ...]]


def catalog(url: str) -> Catalog:
    """What we say that a database holds."""
    return environment.source(environment.address(url, {})).catalog()


def differences(first: str, second: str) -> dict[str, int]:
    """What our catalogs of two databases do not have in common, and how often: nothing of rows and sizes."""
    before, after = catalog(first), catalog(second)
    found = Counter(_of_tables(before, after))
    found.update(_each("view", {str(v.name) for v in before.views}, {str(v.name) for v in after.views}))
    found.update(_each("sequence", set(map(_numbering, before.sequences)), set(map(_numbering, after.sequences))))
    found.update(_each("trigger", {t.name for t in before.triggers}, {t.name for t in after.triggers}))
    return dict(sorted(found.items()))


def shape(url: str) -> Shape:
    """What SQLAlchemy sees: each table's columns and which may be NULL, its key, what it refers to, what is unique."""
    engine = sa.create_engine(url)
    try:
        seen = sa.inspect(engine)
        return {name: _seen(seen, name) for name in seen.get_table_names() if name != "jiexu_copied"}
    finally:
        engine.dispose()


def _seen(seen: sa.Inspector, name: str) -> tuple[object, ...]:
    key = seen.get_pk_constraint(name)["constrained_columns"]
    columns = [(one["name"], one["nullable"] and one["name"] not in key) for one in seen.get_columns(name)]
    foreign = {
        (tuple(one["constrained_columns"]), one["referred_table"], tuple(one["referred_columns"]))
        for one in seen.get_foreign_keys(name)
    }
    unique = {tuple(one["column_names"]) for one in seen.get_unique_constraints(name)}
    return tuple(columns), tuple(key), frozenset(foreign), frozenset(unique)


def _of_tables(before: Catalog, after: Catalog) -> Iterator[str]:
    there = {table.name.name: table for table in after.tables}
    yield from _each("table", {table.name.name for table in before.tables}, set(there))
    for table in before.tables:
        if table.name.name in there:
            yield from _of_table(table, there[table.name.name])


def _of_table(one: Table, other: Table) -> Iterator[str]:
    if [column.name for column in one.columns] != [column.name for column in other.columns]:
        yield f"columns of {one.name}"
        return
    for left, right in zip(one.columns, other.columns, strict=True):
        for field in fields(left):
            was, now = getattr(left, field.name), getattr(right, field.name)
            if was != now:
                yield f"{field.name}: {was} -> {now}"
    if _key(one.primary) != _key(other.primary):
        yield f"primary key of {one.name}"
    elif one.primary and other.primary and one.primary.name != other.primary.name:
        yield "name of a primary key"
    yield from _each(f"unique key of {one.name}", set(map(_key, one.uniques)), set(map(_key, other.uniques)))
    yield from _each(f"foreign key of {one.name}", set(map(_foreign, one.foreign)), set(map(_foreign, other.foreign)))
    gone = {key.name for key in one.foreign} - {key.name for key in other.foreign}
    yield from ("name of a foreign key" for _ in gone)
    yield from _each(f"index of {one.name}", set(map(_index, one.indexes)), set(map(_index, other.indexes)))
    yield from _each(f"check of {one.name}", {c.condition for c in one.checks}, {c.condition for c in other.checks})
    if one.comment != other.comment:
        yield f"comment of {one.name}"


def _each(what: str, before: set[object] | set[str], after: set[object] | set[str]) -> Iterator[str]:
    yield from (f"- {what} {one}" for one in before - after)  # type: ignore[operator]
    yield from (f"+ {what} {one}" for one in after - before)  # type: ignore[operator]


def _key(key: Key | None) -> str:
    return ", ".join(key.columns) if key else ""


def _foreign(key: ForeignKey) -> str:
    key = replace(key, name="")
    rules = f" {key.on_delete}/{key.on_update}" if key.on_delete or key.on_update else ""
    return f"{', '.join(key.columns)} -> {key.table.name} ({', '.join(key.referred)}){rules}"


def _index(index: Index) -> str:
    return f"{'unique ' * index.unique}({', '.join(index.columns)}) {index.definition}".rstrip()


def _numbering(sequence: Sequence) -> str:
    owner = f" of {sequence.owner[0].name}.{sequence.owner[1]}" if sequence.owner else f" {sequence.name.name}"
    return f"{sequence.following} by {sequence.increment}{owner}"
