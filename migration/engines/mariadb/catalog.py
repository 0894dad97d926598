"""What a MariaDB database holds, from its information_schema: tables with their columns and keys.

Every integer is an INTEGER, `tinyint(1)`, `bit` and `year` too: nothing says that the numbers in it are only 0 and 1. A
type mapping may make it a boolean. `timestamp` is a moment, `datetime` has no zone. An `enum` or `set` is OTHER.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

from migration.catalog import Check, Column, ForeignKey, Index, Key, Kind, Table, TableName
from migration.engines.mariadb.names import LEDGER, Sort, full_name, quoted, sort_of, word
from migration.engines.mariadb.wire import Row, Wire

_TABLES: Final = """SELECT TABLE_NAME, COALESCE(TABLE_ROWS, 0), COALESCE(DATA_LENGTH, 0), COALESCE(TABLE_COMMENT, '')
 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"""
_COLUMNS: Final = """SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH,
 NUMERIC_PRECISION, NUMERIC_SCALE, COLUMN_DEFAULT, GENERATION_EXPRESSION, EXTRA, COLUMN_COMMENT
 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION"""
_KEYS: Final = """SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, SUB_PART, INDEX_TYPE, COLLATION
 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"""
_FOREIGN: Final = """SELECT k.TABLE_NAME, k.CONSTRAINT_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_SCHEMA,
 k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME, r.DELETE_RULE, r.UPDATE_RULE, DATABASE()
 FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
 ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
 WHERE k.TABLE_SCHEMA = DATABASE() AND r.CONSTRAINT_SCHEMA = DATABASE() AND k.REFERENCED_TABLE_NAME IS NOT NULL
 ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION"""
_CHECKS: Final = """SELECT t.TABLE_NAME, t.CONSTRAINT_NAME, c.CHECK_CLAUSE FROM information_schema.TABLE_CONSTRAINTS t
 JOIN information_schema.CHECK_CONSTRAINTS c
 ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME {same_table}
 WHERE t.TABLE_SCHEMA = DATABASE() AND c.CONSTRAINT_SCHEMA = DATABASE()
 AND t.CONSTRAINT_TYPE = 'CHECK' ORDER BY t.TABLE_NAME, t.CONSTRAINT_NAME"""

_KINDS: Final = {
    Sort.INTEGER: Kind.INTEGER,
    Sort.BITS: Kind.INTEGER,
    Sort.YEAR: Kind.INTEGER,
    Sort.DECIMAL: Kind.DECIMAL,
    Sort.FLOAT: Kind.FLOAT,
    Sort.DATE: Kind.DATE,
    Sort.TIME: Kind.TIME,
    Sort.BYTES: Kind.BYTES,
    Sort.SHAPE: Kind.OTHER,
}
_TEXTS: Final = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
_JSON: Final = re.compile(r"json_valid\(`((?:[^`]|``)+)`\)")


def tables(wire: Wire) -> tuple[Table, ...]:
    """The tables of the connection's database, by name, without the ledger. Rows and bytes are estimates."""
    mariadb = wire.is_mariadb
    columns, keys, foreign = _by_table(wire, _COLUMNS), _by_table(wire, _KEYS), _by_table(wire, _FOREIGN)
    # A check of MySQL is the only one of its name in the schema, one of MariaDB in its table.
    checks = _by_table(wire, _CHECKS.format(same_table="AND c.TABLE_NAME = t.TABLE_NAME" if mariadb else ""))
    found = []
    for name, rows, size, comment in sorted(wire.fetch(_TABLES)):
        if name == LEDGER:
            continue
        conditions = [Check(check, condition) for _, check, condition in checks.get(name, ())]
        primary, uniques, indexes = _keys(name, keys.get(name, []))
        jsons = _jsons(conditions)
        table = Table(
            TableName("", name),
            tuple(_column(row, jsons, mariadb=mariadb) for row in columns[name]),
            primary,
            uniques,
            tuple(_foreign(foreign.get(name, []))),
            tuple(check for check in conditions if not _JSON.fullmatch(check.condition)),
            indexes,
            comment,
            int(rows),
            int(size),
        )
        found.append(table)
    return tuple(found)


def _by_table(wire: Wire, query: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in wire.fetch(query):
        found.setdefault(row[0], []).append(row)
    return found


def _jsons(checks: list[Check]) -> frozenset[str]:
    """The columns that MariaDB was told are json: it keeps them as text with this very check."""
    found = (_JSON.fullmatch(check.condition) for check in checks)
    return frozenset(match[1].replace("``", "`") for match in found if match)


def _column(row: Row, jsons: frozenset[str], *, mariadb: bool) -> Column:
    _, name, native, nullable, length, precision, scale, default, generated, extra, comment = row
    native = "json" if name in jsons and word(native) == "longtext" else native
    kind = _kind(native)
    sized = word(native) in ("char", "varchar", "binary", "varbinary")
    return Column(
        name,
        kind,
        native,
        nullable == "YES",
        length=int(length) if sized else None,
        precision=int(precision) if kind is Kind.DECIMAL else None,
        scale=int(scale) if kind is Kind.DECIMAL else None,
        padded=word(native) == "char",
        default=_default(native, default, extra, mariadb=mariadb),
        generated=generated or None,
        identity="auto_increment" in extra.lower(),
        comment=comment or "",
    )


def _kind(native: str) -> Kind:
    sort = sort_of(native)
    if sort is Sort.MOMENT:
        return Kind.TIMESTAMPTZ if word(native) == "timestamp" else Kind.TIMESTAMP
    if sort is Sort.TEXT:
        return Kind.TEXT if word(native) in _TEXTS else Kind.OTHER
    return _KINDS[sort]


def _default(native: str, default: str | None, extra: str, *, mariadb: bool) -> str | None:
    """The default as SQL. MySQL gives constants without quotes."""
    if default is None or default == "NULL":
        return None
    number = sort_of(native) in (Sort.INTEGER, Sort.DECIMAL, Sort.FLOAT, Sort.BITS, Sort.YEAR)
    if mariadb or number or "DEFAULT_GENERATED" in extra or default.upper().startswith("CURRENT_TIMESTAMP"):
        return default
    escaped = default.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _keys(table: str, rows: list[Row]) -> tuple[Key | None, tuple[Key, ...], tuple[Index, ...]]:
    primary: Key | None = None
    uniques: list[Key] = []
    indexes: list[Index] = []
    for name, group in groupby(rows, key=itemgetter(1)):
        parts = list(group)
        unique, columns = not parts[0][2], tuple(part[3] for part in parts)
        plain = all(part[3] and part[4] is None and part[5] in ("BTREE", "HASH") for part in parts)
        if plain and name == "PRIMARY":
            primary = Key("", columns)
        elif plain and unique:
            uniques.append(Key(name, columns))
        else:
            simple = plain and all(part[6] != "D" for part in parts)
            definition = "" if simple else _definition(table, name, parts)
            indexes.append(Index(name, tuple(filter(None, columns)), unique, definition))
    return primary, tuple(uniques), tuple(indexes)


def _definition(table: str, name: str, parts: list[Row]) -> str:
    """The statement of an index over beginnings of columns, downwards, over words or over shapes."""
    kind = parts[0][5] if parts[0][5] in ("FULLTEXT", "SPATIAL") else "" if parts[0][2] else "UNIQUE"
    spatial = kind == "SPATIAL"
    columns = ", ".join(
        quoted(column or "an expression")
        + (f"({part})" if part and not spatial else "")
        + (" DESC" if way == "D" else "")
        for *_, column, part, _, way in parts
    )
    return f"CREATE {kind + ' ' if kind else ''}INDEX {quoted(name)} ON {full_name(TableName('', table))} ({columns})"


def _foreign(rows: list[Row]) -> Iterator[ForeignKey]:
    for name, group in groupby(rows, key=itemgetter(1)):
        parts = list(group)
        _, _, _, schema, referred, _, on_delete, on_update, own = parts[0]
        yield ForeignKey(
            name,
            tuple(part[2] for part in parts),
            TableName("" if schema == own else schema, referred),
            tuple(part[5] for part in parts),
            _action(on_delete),
            _action(on_update),
        )


def _action(rule: str) -> str:
    """What is done; to refuse is what is done without a word."""
    return "" if rule in ("RESTRICT", "NO ACTION") else rule.lower()
