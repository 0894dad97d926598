"""What reading needs to know of a table beyond its reading: character sets, indexes, transactions or none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migration.catalog import TableName
from migration.engine import Reading
from migration.engines.mariadb.rendering import Charset
from migration.engines.mariadb.wire import Wire

_CHARSETS = """SELECT COLUMN_NAME, COALESCE(CHARACTER_SET_NAME, ''), COALESCE(COLLATION_NAME, ''),
 IS_NULLABLE = 'YES' FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = COALESCE(%s, DATABASE()) AND TABLE_NAME = %s"""

_INDEXES = """SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS
 WHERE TABLE_SCHEMA = COALESCE(%s, DATABASE()) AND TABLE_NAME = %s AND SUB_PART IS NULL AND INDEX_TYPE = 'BTREE'
 ORDER BY INDEX_NAME, SEQ_IN_INDEX"""

_LOOSE = """SELECT t.TABLE_NAME FROM information_schema.TABLES t
 JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
 WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE <> 'VIEW' AND COALESCE(e.TRANSACTIONS, 'NO') <> 'YES'
 ORDER BY t.TABLE_NAME"""


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one table: each column's character set, the columns of each index over whole columns, and what may be NULL."""

    charsets: Mapping[str, Charset]
    indexes: tuple[tuple[str, ...], ...]
    nullable: frozenset[str]

    def indexed(self, reading: Reading) -> bool:
        """Whether an index begins with the key's columns in their order, and no row lies beyond it by a NULL."""
        return self.nullable.isdisjoint(reading.key) and any(
            index[: len(reading.key)] == reading.key for index in self.indexes
        )


def facts(wire: Wire, table: TableName) -> Facts:
    """The facts of a table as it stands now."""
    names = (table.schema or None, table.name)
    columns = wire.fetch(_CHARSETS, names)
    charsets = {name: Charset(charset, collation) for name, charset, collation, _ in columns}
    indexes: dict[str, list[str]] = {}
    for index, column in wire.fetch(_INDEXES, names):
        indexes.setdefault(index, []).append(column)
    nullable = frozenset(name for name, *_, may in columns if may)
    return Facts(charsets, tuple(tuple(parts) for parts in indexes.values()), nullable)


def without_transactions(wire: Wire) -> Sequence[str]:
    """The names of the database's tables whose engine has no transactions (MyISAM, Aria, MEMORY …)."""
    return [name for (name,) in wire.fetch(_LOOSE)]
