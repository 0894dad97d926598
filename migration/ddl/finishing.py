# ruff: noqa: S608 -- names are quoted
"""What is made behind the rows besides keys: indexes, checks, where numbering goes on, comments. Pure."""

from collections.abc import Iterator
from typing import Final

from migration import expressions
from migration.catalog import Column, Index, Kind, Sequence, Table
from migration.ddl import columns, keys
from migration.ddl.ground import Ground, Said, Statement, lost
from migration.natives import parse
from migration.plan import Act, ColumnPlan, TablePlan

_PREFIX: Final = 191  # characters of a text without length that an index of MariaDB goes by
_LARGEST: Final = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
_NO_INDEX: Final = frozenset({"clob", "blob"})


def indexes(ground: Ground) -> Iterator[Said]:
    """Indexes that are no keys. One with expressions or conditions is taken by the same engine alone."""
    for table, plan in ground.pairs():
        for index in table.indexes:
            place = f"{table.name}.{index.name}"
            if not index.definition:
                yield from _plain(ground, table, plan, index)
            elif ground.same and not ground.obstacle(index.definition):
                ground.claims.claim(index.name, plan.target.schema)
                yield Statement(Act.ADD_INDEX, place, expressions.ended(index.definition))
            else:
                yield lost(place, "the index has expressions or conditions and is not carried")


def checks(ground: Ground) -> Iterator[Said]:
    """Check constraints. SQLite has them already."""
    if ground.dialect.family == "sqlite":
        return
    for table, plan in ground.pairs():
        for check in table.checks:
            condition = keys.checked(ground, table, check)
            place = f"{table.name}.{check.name}"
            if condition is None:
                yield lost(place, "the check is not carried")
                continue
            scope = "table" if ground.dialect.family == "postgresql" else ""
            name = keys.constraint(ground, table, check.name or f"{plan.target.name}_check", scope)
            sql = f"ALTER TABLE {ground.target(table.name)} ADD CONSTRAINT {name} CHECK ({condition})"
            yield Statement(Act.ADD_CHECK, place, sql)


def next_numbers(ground: Ground) -> Iterator[Said]:
    """Let columns that number their rows go on where the source would have. MariaDB does so with its key."""
    if ground.dialect.family == "mariadb":
        return
    for table, plan in ground.pairs():
        for own in plan.columns:
            column = table.column(own.source)
            if columns.numbers_itself(ground, table, column, own):
                yield from _next_number(ground, table, column, own)


def comments(ground: Ground) -> Iterator[Said]:
    """Comments on tables and columns. MariaDB has them in its tables."""
    for table, plan in ground.pairs():
        told = [(column, table.column(column.source).comment) for column in plan.columns]
        told = [(column, comment) for column, comment in told if comment]
        if ground.dialect.family == "sqlite" and (told or table.comment):
            yield lost(f"{table.name} (comments)", "comments are not carried")
        if ground.dialect.family in ("sqlite", "mariadb"):
            continue
        name = ground.target(table.name)
        if table.comment:
            sql = f"COMMENT ON TABLE {name} IS {ground.dialect.text(table.comment)}"
            yield Statement(Act.SET_COMMENT, str(plan.target), sql)
        for column, comment in told:
            sql = f"COMMENT ON COLUMN {name}.{ground.dialect.quote(column.target)} IS {ground.dialect.text(comment)}"
            yield Statement(Act.SET_COMMENT, f"{plan.target}.{column.target}", sql)


def _plain(ground: Ground, table: Table, plan: TablePlan, index: Index) -> Iterator[Said]:
    place = f"{table.name}.{index.name}"
    natives = {column.source: column for column in plan.columns}
    if any(name in natives and natives[name].native in _NO_INDEX for name in index.columns):
        yield lost(place, "the index is not carried: the environment has none on long texts")
        return
    parts = ", ".join(_part(ground, natives.get(name), name, index) for name in index.columns)
    name = keys.key_name(ground, plan, index.name)
    sql = f"CREATE {'UNIQUE ' if index.unique else ''}INDEX {name} ON {ground.target(table.name)} ({parts})"
    yield Statement(Act.ADD_INDEX, place, sql)


def _part(ground: Ground, column: ColumnPlan | None, name: str, index: Index) -> str:
    quoted = ground.dialect.quote(column.target if column else name)
    if ground.dialect.family != "mariadb" or not column or index.unique:
        return quoted
    native = parse(column.native)
    wide = (native.first or 0) > _PREFIX and column.kind is not Kind.DECIMAL
    long = wide or native.base.endswith(("text", "blob"))
    return f"{quoted}({_PREFIX})" if long else quoted


def _next_number(ground: Ground, table: Table, column: Column, own: ColumnPlan) -> Iterator[Statement]:
    sequence = ground.numbering(table, column)
    place = f"{ground.names.tables[table.name]}.{own.target}"
    says = {"postgresql": _setval, "oracle": _start_with, "sqlite": _sqlite_sequence}[ground.dialect.family]
    for sql in says(ground, table, own, sequence):
        yield Statement(Act.SET_SEQUENCE, place, sql)


def _setval(ground: Ground, table: Table, own: ColumnPlan, sequence: Sequence | None) -> Iterator[str]:
    name, column = ground.target(table.name), ground.dialect.quote(own.target)
    following, called = f"(SELECT coalesce(max({column}), 0) + 1 FROM {name})", "false"
    if sequence:
        yield from _limits(name, column, sequence)
        largest = _LARGEST[own.native]
        following = str(min(sequence.following, largest))
        called = "true" if sequence.following > largest else "false"  # then no number is left
    serial = f"pg_get_serial_sequence({ground.dialect.text(name)}, {ground.dialect.text(own.target)})"
    yield f"SELECT setval({serial}, {following}, {called})"


def _limits(name: str, column: str, sequence: Sequence) -> Iterator[str]:
    """Step and limits of a numbering that does not rise from 1 by 1: the target's own would refuse its next number."""
    step, following = sequence.increment, sequence.following
    if step < 0:
        yield (
            f"ALTER TABLE {name} ALTER COLUMN {column}"
            f" SET INCREMENT BY {step} SET NO MINVALUE SET MAXVALUE {max(1, following)}"
        )
    elif step != 1 or following < 1:
        lowest = f" SET MINVALUE {following}" if following < 1 else ""
        yield f"ALTER TABLE {name} ALTER COLUMN {column} SET INCREMENT BY {step}{lowest}"


def _start_with(ground: Ground, table: Table, own: ColumnPlan, sequence: Sequence | None) -> Iterator[str]:
    start = f"START WITH {sequence.following}" if sequence else "START WITH LIMIT VALUE"
    step = f" INCREMENT BY {sequence.increment}" if sequence and sequence.increment != 1 else ""
    column = ground.dialect.quote(own.target)
    identity = f"GENERATED BY DEFAULT AS IDENTITY ({start}{step})"
    yield f"ALTER TABLE {ground.target(table.name)} MODIFY ({column} {identity})"


def _sqlite_sequence(ground: Ground, table: Table, own: ColumnPlan, sequence: Sequence | None) -> Iterator[str]:
    name = ground.dialect.text(ground.names.tables[table.name].name)
    last = (
        str(sequence.following - 1)
        if sequence
        else (f"(SELECT coalesce(max({ground.dialect.quote(own.target)}), 0) FROM {ground.target(table.name)})")
    )
    yield f"DELETE FROM sqlite_sequence WHERE name = {name}"
    yield f"INSERT INTO sqlite_sequence (name, seq) VALUES ({name}, {last})"
