# ruff: noqa: S608 -- names are quoted, everything else is of this package
"""What a MariaDB database holds beside tables, and what of its tables is no column, key or row."""

import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Final

from migration import catalog as values
from migration.catalog import Catalog, Column, NamedType, Oddity, Table, TableName, Trigger, View
from migration.engines.mariadb.catalog import tables
from migration.engines.mariadb.names import full_name, quoted, word
from migration.engines.mariadb.tables import without_transactions
from migration.engines.mariadb.wire import Wire

_VIEWS: Final = """SELECT TABLE_NAME, VIEW_DEFINITION, DATABASE() FROM information_schema.VIEWS
 WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME"""
_TRIGGERS: Final = """SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT
 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()
 ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER"""
_ROUTINES: Final = """SELECT ROUTINE_NAME FROM information_schema.ROUTINES
 WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY ROUTINE_NAME"""
_COUNTERS: Final = """SELECT TABLE_NAME, AUTO_INCREMENT FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW'"""
_SEQUENCES: Final = """SELECT TABLE_NAME FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SEQUENCE' ORDER BY TABLE_NAME"""
# What is not carried, by the query that finds its table and column.
_LEFT: Final = MappingProxyType(
    {
        """SELECT TABLE_NAME, '' FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SYSTEM VERSIONED' ORDER BY 1""": "former versions of its rows",
        """SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = DATABASE() AND EXTRA LIKE '%on update%'
 ORDER BY TABLE_NAME, ORDINAL_POSITION""": "ON UPDATE CURRENT_TIMESTAMP",
        """SELECT EVENT_NAME, '' FROM information_schema.EVENTS
 WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1""": "event",
        """SELECT TABLE_NAME, '' FROM information_schema.VIEWS
 WHERE TABLE_SCHEMA = DATABASE() AND VIEW_DEFINITION = '' ORDER BY 1""": "view that needs the right SHOW VIEW",
    }
)
_CHARSETS: Final = """SELECT TABLE_NAME, COLUMN_NAME, CHARACTER_SET_NAME FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = DATABASE() AND CHARACTER_SET_NAME NOT IN ('utf8', 'utf8mb3', 'utf8mb4', 'ascii', 'binary')
 ORDER BY TABLE_NAME, ORDINAL_POSITION"""

_TOKEN: Final = re.compile(r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|(`(?:[^`]|``)+`)\.", re.DOTALL)
_VALUE: Final = re.compile(r"'((?:[^']|'')*)'")


def catalog(wire: Wire, engine: str, name: str) -> Catalog:
    """The whole catalog of the connection's database, without what needs a look at every row."""
    found = tables(wire)
    (encoding,) = wire.one("SELECT @@character_set_database")
    return Catalog(
        engine,
        wire.version,
        name,
        encoding,
        found,
        tuple(View(TableName("", view), unqualified(query, own)) for view, query, own in wire.fetch(_VIEWS) if query),
        tuple(_sequences(wire, found)),
        tuple(_triggers(wire)),
        tuple(_types(found)),
        tuple(TableName("", routine) for (routine,) in wire.fetch(_ROUTINES)),
        tuple(_oddities(wire, found)),
    )


def unqualified(query: str, own: str) -> str:
    """A query without the database's own name before the tables' names: it is another one in the target."""
    mark = quoted(own)
    return _TOKEN.sub(lambda found: "" if found[1] == mark else found[0], query)


def _sequences(wire: Wire, found: Sequence[Table]) -> Iterator[values.Sequence]:
    counters: dict[str, int | None] = dict(wire.fetch(_COUNTERS))
    for table in found:
        for column in table.columns:
            if column.identity:
                name = TableName("", f"{table.name.name}_{column.name}_seq")
                yield values.Sequence(name, int(counters[table.name.name] or 1), owner=(table.name, column.name))
    for (name,) in wire.fetch(_SEQUENCES):
        following, increment = wire.one(f"SELECT next_not_cached_value, increment FROM {quoted(name)}")
        yield values.Sequence(TableName("", name), int(following), int(increment))


def _triggers(wire: Wire) -> Iterator[Trigger]:
    for table, name, timing, event, body in wire.fetch(_TRIGGERS):
        subject = TableName("", table)
        statement = f"CREATE TRIGGER {quoted(name)} {timing} {event} ON {full_name(subject)} FOR EACH ROW {body}"
        yield Trigger(subject, name, statement)


def _types(found: Sequence[Table]) -> Iterator[NamedType]:
    """An enum and a set stand in their column only, so they are named after it."""
    for table in found:
        for column in table.columns:
            if word(column.native) in ("enum", "set"):
                name = TableName("", f"{table.name.name}_{column.name}")
                yield NamedType(name, word(column.native), column.native, values_of(column))


def values_of(column: Column) -> tuple[str, ...]:
    """The values of an enum or a set, in their order."""
    return tuple(value.replace("''", "'") for value in _VALUE.findall(column.native))


def _oddities(wire: Wire, found: Sequence[Table]) -> Iterator[Oddity]:
    names = {table.name for table in found}
    for name in without_transactions(wire):
        if TableName("", name) in names:
            yield Oddity("D621", TableName("", name))
    for query, detail in _LEFT.items():
        for name, column in wire.fetch(query):
            yield Oddity("D625", TableName("", name), column, detail=detail)
    for name, column, charset in wire.fetch(_CHARSETS):
        yield Oddity("D624", TableName("", name), column, detail=f"read as utf8mb4 from {charset}")
    for table in found:
        for key in table.foreign:
            if key.table.schema:
                yield Oddity("D625", table.name, detail=f"foreign key {key.name} to another database")
