"""Primary, unique and foreign keys. Pure."""

from collections.abc import Iterator
from typing import Final

from migration import expressions
from migration.catalog import Check, ForeignKey, Key, Table, TableName
from migration.ddl import columns
from migration.ddl.ground import Ground, Said, Statement, lost
from migration.natives import parse
from migration.plan import Act, Carry, Loss, TablePlan

_KEY_OCTETS: Final = 3072  # of InnoDB
_ACTIONS: Final = {
    "postgresql": frozenset({"cascade", "set null", "set default", "restrict"}),
    "sqlite": frozenset({"cascade", "set null", "set default", "restrict"}),
    "mariadb": frozenset({"cascade", "set null", "restrict"}),
    "dameng": frozenset({"cascade", "set null", "set default"}),
    "oracle": frozenset({"cascade", "set null"}),
}


def keys(ground: Ground) -> Iterator[Said]:
    """Primary and unique keys, added to tables that hold their rows. SQLite has them already."""
    if ground.dialect.family == "sqlite":
        return
    for table, plan in ground.pairs():
        for key in filter(None, (table.primary, *table.uniques)):
            yield from _too_long(ground, table, plan, key.columns)
            yield _added(ground, table, plan, key)


def foreign_keys(ground: Ground) -> Iterator[Said]:
    """Foreign keys, each checked by the target against the rows there. SQLite has them already."""
    if ground.dialect.family == "sqlite":
        return
    for table, plan in ground.pairs():
        for key in table.foreign:
            yield from _foreign(ground, table, plan, key)


def names(ground: Ground) -> Iterator[Said]:
    """What MariaDB does not call as it was called: every primary key is PRIMARY there.

    A name that would be given to it anyway is no loss: `office_pkey` of a table office.
    """
    if ground.dialect.family != "mariadb":
        return
    for table, _ in ground.pairs():
        name = table.primary.name if table.primary else ""
        if name and name.casefold() not in ("primary", f"{table.name.name}_pkey".casefold()):
            detail = f"its name is not kept: {name} is called PRIMARY"
            yield Loss("D626", f"{table.name} (primary key)", detail, Carry.DECLARED)


def inside(ground: Ground, table: Table, plan: TablePlan) -> Iterator[Said]:
    """SQLite's constraints of a table: statements hold the lines within CREATE TABLE."""
    plans = {column.source: column for column in plan.columns}
    alone = any(columns.numbers_itself(ground, table, table.column(name), own) for name, own in plans.items())
    for key in filter(None, (table.primary, *table.uniques)):
        if key is table.primary and alone:
            continue  # stands with its column
        word = "PRIMARY KEY" if key is table.primary else "UNIQUE"
        sql = f"{named(ground, key.name)}{word} ({ground.columns(table.name, key.columns)})"
        yield Statement(Act.ADD_KEY, str(plan.target), sql)
    for foreign in table.foreign:
        yield from _foreign(ground, table, plan, foreign)
    for check in table.checks:
        condition = checked(ground, table, check)
        if condition:
            sql = f"{named(ground, check.name)}CHECK ({condition})"
            yield Statement(Act.ADD_CHECK, str(plan.target), sql)
        else:
            yield lost(f"{table.name}.{check.name}", "the check is not carried")


def named(ground: Ground, name: str) -> str:
    """What gives a constraint of SQLite the name that it has in the source; nothing where it has none."""
    return f"CONSTRAINT {ground.dialect.quote(name)} " if name and name.upper() != "PRIMARY" else ""


def checked(ground: Ground, table: Table, check: Check) -> str | None:
    """A check's condition in the target's SQL, if it can be said there."""
    if ground.kin:
        return None if ground.obstacle(check.condition) else expressions.unwrapped(check.condition)
    names = {column.name: ground.names.columns[table.name, column.name] for column in table.columns}
    texts = ground.catalog.engine != "mariadb"  # whose comparisons may go by a language's rules
    return expressions.check(check.condition, names, ground.dialect, texts=texts)


def constraint(ground: Ground, table: Table, name: str, scope: str = "") -> str:
    """A free name for a constraint, quoted."""
    return ground.dialect.quote(
        ground.claims.claim(name, f"{scope}:{ground.names.tables[table.name]}" if scope else "")
    )


def key_name(ground: Ground, plan: TablePlan, name: str) -> str:
    """A free name for a key or an index, quoted: where names are the schema's, no table has it either."""
    scope = str(plan.target) if ground.dialect.per_table else plan.target.schema
    return ground.dialect.quote(ground.claims.claim(name, scope))


def _added(ground: Ground, table: Table, plan: TablePlan, key: Key) -> Statement:
    primary = key is table.primary
    given = key.name if key.name.upper() != "PRIMARY" else ""
    name = key_name(
        ground, plan, given or f"{plan.target.name}_{'pkey' if primary else '_'.join(key.columns) + '_key'}"
    )
    word = "PRIMARY KEY" if primary else "UNIQUE"
    what = f"{word} ({ground.columns(table.name, key.columns)})"
    if primary and ground.dialect.family == "mariadb":
        what += _auto_increment(ground, table, plan)
    else:
        what = f"CONSTRAINT {name} {what}"
    return Statement(Act.ADD_KEY, str(plan.target), f"ALTER TABLE {ground.target(table.name)} ADD {what}")


def _auto_increment(ground: Ground, table: Table, plan: TablePlan) -> str:
    for own in plan.columns:
        column = table.column(own.source)
        if columns.numbers_itself(ground, table, column, own):
            sequence = ground.numbering(table, column)
            following = f", AUTO_INCREMENT = {sequence.following}" if sequence else ""
            return f", MODIFY {columns.definition(ground, table, column, own)} AUTO_INCREMENT{following}"
    return ""


def _too_long(ground: Ground, table: Table, plan: TablePlan, names: tuple[str, ...]) -> Iterator[Loss]:
    if ground.dialect.family != "mariadb":
        return
    natives = [parse(column.native) for column in plan.columns if column.source in names]
    octets = sum((native.first or 0) * 4 if native.base.endswith("char") else 8 for native in natives)
    if octets > _KEY_OCTETS:
        detail = f"the key ({', '.join(names)}) may take {octets} octets, {_KEY_OCTETS} are allowed: say shorter types"
        yield Loss("D614", str(table.name), detail, Carry.REFUSED)


def _foreign(ground: Ground, table: Table, plan: TablePlan, key: ForeignKey) -> Iterator[Said]:
    place = f"{table.name}.{key.name or '_'.join(key.columns)}"
    if place in ground.left:
        yield lost(place, f"the foreign key is left out: {ground.left[place]}")
        return
    referred = _referred(ground, key)
    if not referred:
        yield lost(place, f"the foreign key is not carried: {key.table} is not, or has no such key")
        return
    actions = []
    for event, action in (("DELETE", key.on_delete.lower()), ("UPDATE", key.on_update.lower())):
        if action in ("", "no action"):
            continue
        if action in _ACTIONS[ground.dialect.family] and (event == "DELETE" or ground.dialect.family != "oracle"):
            actions.append(f" ON {event} {action.upper()}")
        else:
            yield lost(place, f"ON {event} {action.upper()} is not carried")
    rest = f"FOREIGN KEY ({ground.columns(table.name, key.columns)}) REFERENCES {ground.target(key.table)} "
    rest += f"({ground.columns(key.table, referred)}){''.join(actions)}"
    if ground.dialect.family == "sqlite":
        yield Statement(Act.ADD_FOREIGN_KEY, str(plan.target), named(ground, key.name) + rest)
        return
    scope = "table" if ground.dialect.family == "postgresql" else ""
    name = constraint(ground, table, key.name or f"{plan.target.name}_{'_'.join(key.columns)}_fkey", scope)
    sql = f"ALTER TABLE {ground.target(table.name)} ADD CONSTRAINT {name} {rest}"
    yield Statement(Act.ADD_FOREIGN_KEY, str(plan.target), sql)


def _referred(ground: Ground, key: ForeignKey) -> tuple[str, ...]:
    """The columns referred to, if they are a key of a table that is carried; else none."""
    planned: set[TableName] = {plan.source for plan in ground.tables}
    if key.table not in planned:
        return ()
    table = ground.catalog.table(key.table)
    wanted = key.referred or (table.primary.columns if table.primary else ())
    unique = [found.columns for found in filter(None, (table.primary, *table.uniques))]
    unique += [index.columns for index in table.indexes if index.unique and not index.definition]
    return wanted if sorted(wanted) in [sorted(found) for found in unique] else ()
