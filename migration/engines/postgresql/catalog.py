# ruff: noqa: S608 -- the queries are made of constants
"""The tables of a PostgreSQL database, read from its own catalog within a snapshot.

A partitioned table is one table, its parts are not listed. A table that others inherit from is listed without their
rows, and they by themselves. Native types are named as the server names them, those of the database with their schema.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from migration.canon import Cells
from migration.catalog import Catalog, Check, Column, ForeignKey, Index, Key, Table, TableName
from migration.engines.postgresql import objects
from migration.engines.postgresql.kinds import shape
from migration.engines.postgresql.ledger import TABLE as LEDGER
from migration.engines.postgresql.snapshot import PostgresqlSnapshot

# The relations that are the database's own: not the server's, not an extension's, no parts, no ledger.
OWN: Final = f"""
c.relnamespace IN ({objects.SCHEMAS}) AND NOT c.relispartition AND c.relname <> '{LEDGER}'
AND c.relpersistence <> 't' AND {objects.no_extension("c.oid", "pg_class")}
"""
_TABLES: Final = f"""
SELECT c.oid, n.nspname, c.relname, obj_description(c.oid, 'pg_class'),
  CASE c.relkind WHEN 'p' THEN (SELECT sum(greatest(l.reltuples, 0)) FROM pg_partition_tree(c.oid) AS t
    JOIN pg_class AS l ON l.oid = t.relid WHERE t.isleaf) ELSE greatest(c.reltuples, 0) END::bigint,
  CASE c.relkind WHEN 'p' THEN (SELECT sum(pg_total_relation_size(t.relid)) FROM pg_partition_tree(c.oid) AS t)
    ELSE pg_total_relation_size(c.oid) END::bigint
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND {objects.WITH_COLUMNS} AND {OWN} ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
# A domain is followed to the type that it rests on; the modifier is the first that is given on the way.
_COLUMNS: Final = f"""
WITH RECURSIVE base(start, oid, typname, typtype, typbasetype, typmod, required) AS (
  SELECT oid, oid, typname, typtype, typbasetype, typtypmod, typnotnull FROM pg_type
  UNION ALL
  SELECT b.start, t.oid, t.typname, t.typtype, t.typbasetype,
    CASE WHEN b.typmod = -1 THEN t.typtypmod ELSE b.typmod END, b.required OR t.typnotnull
  FROM base AS b JOIN pg_type AS t ON t.oid = b.typbasetype WHERE b.typtype = 'd'
)
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod),
  CASE WHEN bn.nspname = 'pg_catalog' THEN b.typname ELSE '' END,
  CASE WHEN a.atttypmod = -1 THEN b.typmod ELSE a.atttypmod END,
  (a.attnotnull OR b.required)::int, pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity,
  EXISTS (SELECT FROM pg_depend AS p JOIN pg_depend AS u
      ON u.objid = d.oid AND u.classid = 'pg_attrdef'::regclass AND u.refobjid = p.objid
    WHERE p.refobjid = a.attrelid AND p.refobjsubid = a.attnum AND p.deptype = 'a'
      AND p.classid = 'pg_class'::regclass)::int,
  col_description(a.attrelid, a.attnum)
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
JOIN base AS b ON b.start = a.atttypid AND b.typtype <> 'd' JOIN pg_type AS bt ON bt.oid = b.oid
JOIN pg_namespace AS bn ON bn.oid = bt.typnamespace
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND {OWN} ORDER BY a.attrelid, a.attnum
"""
_CONSTRAINTS: Final = f"""
SELECT o.conrelid, o.conname, o.contype, {objects.columns("o.conkey", "o.conrelid")}, n.nspname, f.relname,
  {objects.columns("o.confkey", "o.confrelid")}, o.confdeltype, o.confupdtype, pg_get_expr(o.conbin, o.conrelid)
FROM pg_constraint AS o JOIN pg_class AS c ON c.oid = o.conrelid
LEFT JOIN pg_class AS f ON f.oid = o.confrelid LEFT JOIN pg_namespace AS n ON n.oid = f.relnamespace
WHERE o.contype IN ('p', 'u', 'f', 'c') AND o.conparentid = 0 AND {OWN} ORDER BY o.conrelid, o.conname COLLATE "C"
"""
# An index that says more than its columns is kept as its statement.
_INDEXES: Final = f"""
SELECT i.indrelid, x.relname, i.indisunique::int, {objects.columns("i.indkey", "i.indrelid")},
  CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL AND m.amname = 'btree' AND i.indnkeyatts = i.indnatts
    AND NOT EXISTS (SELECT FROM unnest(i.indoption) AS o WHERE o <> 0)
    AND NOT EXISTS (SELECT FROM unnest(i.indclass) AS u JOIN pg_opclass AS k ON k.oid = u WHERE NOT k.opcdefault)
    AND NOT EXISTS (SELECT FROM unnest(i.indkey, i.indcollation) AS u(at, sorted)
      JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.at WHERE a.attcollation <> u.sorted)
  THEN '' ELSE pg_get_indexdef(i.indexrelid) END
FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_am AS m ON m.oid = x.relam
WHERE i.indisvalid AND c.relkind IN ('r', 'p') AND {OWN}
  AND NOT EXISTS (SELECT FROM pg_constraint AS o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x'))
ORDER BY i.indrelid, x.relname COLLATE "C"
"""
_ACTIONS: Final = {"r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}

_Grouped = Mapping[str, Sequence[Cells]]


def read(snapshot: PostgresqlSnapshot) -> Catalog:
    """What the database holds. Its oddities are the objects that are not carried (D625)."""
    columns, indexes = (_grouped(snapshot, query) for query in (_COLUMNS, _INDEXES))
    constraints = _grouped(snapshot, _CONSTRAINTS)
    tables = tuple(
        _table(cells, columns[str(cells[0])], constraints[str(cells[0])], indexes[str(cells[0])])
        for cells in snapshot.answers(_TABLES, "the catalog")
    )
    return Catalog(
        snapshot.identity.engine,
        snapshot.identity.version,
        snapshot.identity.name,
        snapshot.encoding,
        tables,
        views=objects.views(snapshot),
        sequences=objects.sequences(snapshot),
        triggers=objects.triggers(snapshot),
        types=objects.types(snapshot),
        routines=objects.routines(snapshot),
        oddities=objects.left(snapshot),
    )


def _grouped(snapshot: PostgresqlSnapshot, query: str) -> _Grouped:
    """The rows of a query by the table's number in their first cell."""
    rows: defaultdict[str, list[Cells]] = defaultdict(list)
    for cells in snapshot.answers(query, "the catalog"):
        rows[str(cells[0])].append(cells)
    return rows


def _table(cells: Cells, columns: Sequence[Cells], constraints: Sequence[Cells], indexes: Sequence[Cells]) -> Table:
    _, schema, name, comment, rows, size = cells
    by_kind = {kind: [row for row in constraints if row[2] == kind] for kind in "pufc"}
    keys = [Key(str(row[1]), objects.names(row[3])) for row in by_kind["p"]]
    return Table(
        TableName(str(schema), str(name)),
        tuple(map(_column, columns)),
        primary=keys[0] if keys else None,
        uniques=tuple(Key(str(row[1]), objects.names(row[3])) for row in by_kind["u"]),
        foreign=tuple(map(_foreign, by_kind["f"])),
        checks=tuple(Check(str(row[1]), str(row[9])) for row in by_kind["c"]),
        indexes=tuple(Index(str(row[1]), objects.names(row[3]), row[2] == "1", str(row[4])) for row in indexes),
        comment=comment or "",
        rows=int(rows or 0),
        size=int(size or 0),
    )


def _column(cells: Cells) -> Column:
    _, name, native, base, modifier, required, expression, generated, identity, serial, comment = cells
    form = shape(str(base), int(modifier or -1))
    numbered = bool(identity) or serial == "1"
    return Column(
        str(name),
        form.kind,
        str(native),
        nullable=required != "1",
        length=form.length,
        precision=form.precision,
        scale=form.scale,
        padded=form.padded,
        default=None if generated or numbered else expression,
        generated=expression if generated else None,
        identity=numbered,
        comment=comment or "",
    )


def _foreign(cells: Cells) -> ForeignKey:
    _, name, _, columns, schema, table, referred, on_delete, on_update, _ = cells
    return ForeignKey(
        str(name),
        objects.names(columns),
        TableName(str(schema), str(table)),
        objects.names(referred),
        _ACTIONS.get(str(on_delete), ""),
        _ACTIONS.get(str(on_update), ""),
    )
