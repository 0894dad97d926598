"""What is made before rows come: schemas, types, sequences, tables. Pure."""

from collections.abc import Iterator
from typing import Final

from migration import expressions
from migration.catalog import NamedType, Sequence, Table
from migration.ddl import columns, keys
from migration.ddl.ground import Ground, Said, Statement, lost
from migration.plan import Act, TablePlan

# Texts are told apart by their code points, blanks at the end too. Each server knows one collation that does, by a name
# of its own: what stands in `/*M! */` is read by MariaDB alone, in `/*!80017 */` by MySQL alone.
_COLLATION: Final = "/*M! utf8mb4_nopad_bin*//*!80017 utf8mb4_0900_bin*/"
_ENDINGS: Final = {"mariadb": f" ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE={_COLLATION}"}


def schemas(ground: Ground) -> Iterator[Said]:
    """The schemas of the tables that are not there by themselves."""
    wanted = {plan.target.schema for plan in ground.tables}
    if ground.same:
        wanted |= {kind.name.schema for kind in ground.catalog.types}
        wanted |= {view.name.schema for view in ground.catalog.views}
    for schema in sorted(wanted - {"", ground.dialect.schema}):
        sql = f"CREATE SCHEMA IF NOT EXISTS {ground.dialect.quote(schema)}"
        yield Statement(Act.CREATE_SCHEMA, schema, sql)


def types(ground: Ground) -> Iterator[Said]:
    """The types that the source defines itself: only the same engine has them too."""
    for kind in ground.catalog.types:
        if ground.same and ground.dialect.family == "postgresql":
            yield Statement(Act.CREATE_TYPE, str(kind.name), _type(ground, kind))
        elif not ground.same:
            yield lost(str(kind.name), f"the type ({kind.what}) is not carried: its columns are of plain types")


def sequences(ground: Ground) -> Iterator[Said]:
    """The sequences that number no column: defaults may name them, so they are there before the tables.

    They stand under `CREATE_TYPE`, and go on where the source's were when it was surveyed.
    """
    for sequence in ground.catalog.sequences:
        if sequence.owner:
            continue
        if ground.dialect.family == "sqlite":
            yield lost(str(sequence.name), "the environment has no sequences")
            continue
        name = ground.dialect.table(
            sequence.name if ground.dialect.has_schemas else type(sequence.name)("", sequence.name.name)
        )
        sql = f"CREATE SEQUENCE {name} START WITH {sequence.following} INCREMENT BY {sequence.increment}"
        yield Statement(Act.CREATE_TYPE, str(sequence.name), sql + _limit(sequence))


def tables(ground: Ground) -> Iterator[Said]:
    """The tables with their columns; in SQLite with all keys and checks, since none can be added later."""
    for table, plan in ground.pairs():
        lines = []
        for line, told in _lines(ground, table, plan):
            lines += [line] if line else []
            yield from told
        if ground.dialect.family == "sqlite":
            constraints = list(keys.inside(ground, table, plan))
            lines += [said.sql for said in constraints if isinstance(said, Statement)]
            yield from (said for said in constraints if not isinstance(said, Statement))
        ending = _ENDINGS.get(ground.dialect.family, "")
        if ground.dialect.family == "mariadb" and table.comment:
            ending += f" COMMENT={ground.dialect.text(table.comment)}"
        body = ",\n".join(f"    {line}" for line in lines)
        yield Statement(
            Act.CREATE_TABLE, str(plan.target), f"CREATE TABLE {ground.target(table.name)} (\n{body}\n){ending}"
        )


def _limit(sequence: Sequence) -> str:
    """The limit that a sequence needs beside its start, where it does not go from 1 upwards or from -1 downwards."""
    if sequence.increment > 0:
        return f" MINVALUE {sequence.following}" if sequence.following < 1 else ""
    return f" MAXVALUE {sequence.following}" if sequence.following > -1 else ""


def _lines(ground: Ground, table: Table, plan: TablePlan) -> Iterator[tuple[str, list[Said]]]:
    plans = {column.source: column for column in plan.columns}
    for column in table.columns:
        if column.name not in plans:
            obstacle = columns.uncomputable(ground, table, column)
            if obstacle:
                yield "", [lost(f"{table.name}.{column.name}", f"the computed column is not carried: {obstacle}")]
            else:
                yield columns.computed(ground, column), []
            continue
        own = plans[column.name]
        line = columns.definition(ground, table, column, own)
        if ground.dialect.family == "sqlite" and columns.numbers_itself(ground, table, column, own):
            name = keys.named(ground, table.primary.name if table.primary else "")
            line = f"{ground.dialect.quote(own.target)} integer {name}PRIMARY KEY AUTOINCREMENT NOT NULL"
        yield line, list(columns.losses(ground, table, column, own))


def _type(ground: Ground, kind: NamedType) -> str:
    definition = expressions.ended(kind.definition)
    if definition.upper().startswith("CREATE "):
        return definition
    name = ground.dialect.table(kind.name)
    if kind.what == "enum":
        return f"CREATE TYPE {name} AS ENUM ({', '.join(map(ground.dialect.text, kind.values))})"
    return f"CREATE {'DOMAIN' if kind.what == 'domain' else 'TYPE'} {name} AS {definition}"
