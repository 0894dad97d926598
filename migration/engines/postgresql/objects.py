# ruff: noqa: S608 -- the queries are made of constants and quoted names
"""What a PostgreSQL database holds besides tables, and what of it a catalog has no place for."""

import graphlib
import json
from typing import Final

from migration.catalog import NamedType, Oddity, Sequence, TableName, Trigger, View
from migration.engines.postgresql.snapshot import PostgresqlSnapshot
from migration.engines.postgresql.statements import table

SCHEMAS: Final = """
SELECT s.oid FROM pg_namespace AS s WHERE s.nspname <> 'information_schema' AND left(s.nspname, 3) <> 'pg_'
"""


def no_extension(oid: str, catalog: str) -> str:
    """The condition that an object does not belong to an extension."""
    return (
        f"NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.objid = {oid}"
        f" AND e.classid = '{catalog}'::regclass AND e.deptype = 'e')"
    )


def columns(numbers: str, table: str) -> str:
    """The expression for the names of a table's columns as a JSON list, by their numbers in order."""
    return (
        f"(SELECT json_agg(a.attname ORDER BY u.place) FROM unnest({numbers}) WITH ORDINALITY AS u(at, place)"
        f" JOIN pg_attribute AS a ON a.attrelid = {table} AND a.attnum = u.at)"
    )


def names(cell: str | None) -> tuple[str, ...]:
    """The names in such a list."""
    return tuple(json.loads(cell)) if cell else ()


_OWN: Final = f"c.relnamespace IN ({SCHEMAS}) AND {no_extension('c.oid', 'pg_class')} AND c.relpersistence <> 't'"
_VIEWS: Final = f"""
SELECT n.nspname, c.relname, rtrim(pg_get_viewdef(c.oid), ';'),
  (SELECT json_agg(DISTINCT d.refobjid::text) FROM pg_rewrite AS r JOIN pg_depend AS d ON d.objid = r.oid
   JOIN pg_class AS o ON o.oid = d.refobjid AND o.relkind = 'v'
   WHERE r.ev_class = c.oid AND d.refobjid <> c.oid AND d.refclassid = 'pg_class'::regclass), c.oid
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND {_OWN} ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
_SEQUENCES: Final = f"""
SELECT n.nspname, c.relname, s.seqincrement, tn.nspname, t.relname, a.attname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_sequence AS s ON s.seqrelid = c.oid
LEFT JOIN pg_depend AS d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  AND d.refclassid = 'pg_class'::regclass
LEFT JOIN pg_class AS t ON t.oid = d.refobjid LEFT JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE {_OWN} ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
_TRIGGERS: Final = f"""
SELECT n.nspname, c.relname, t.tgname, pg_get_triggerdef(t.oid)
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND NOT c.relispartition AND {_OWN}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", t.tgname COLLATE "C"
"""
# In the order in which they were made, so that a type comes after those that it is made of.
_TYPES: Final = f"""
SELECT n.nspname, t.typname, CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range'
    ELSE 'composite' END,
  format('CREATE %s %I.%I AS ', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, n.nspname, t.typname)
  || CASE t.typtype
    WHEN 'e' THEN 'ENUM (' || coalesce((SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
      FROM pg_enum AS e WHERE e.enumtypid = t.oid), '') || ')'
    WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
      || coalesce((SELECT format(' COLLATE %I.%I', k.nspname, l.collname) FROM pg_collation AS l
        JOIN pg_namespace AS k ON k.oid = l.collnamespace JOIN pg_type AS b ON b.oid = t.typbasetype
        WHERE l.oid = t.typcollation AND t.typcollation <> b.typcollation), '')
      || coalesce(' DEFAULT ' || t.typdefault, '') || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
      || coalesce((SELECT string_agg(format(' CONSTRAINT %I %s', o.conname, pg_get_constraintdef(o.oid)), ''
          ORDER BY o.oid) FROM pg_constraint AS o WHERE o.contypid = t.oid AND o.contype = 'c'), '')
    WHEN 'r' THEN (SELECT format('RANGE (SUBTYPE = %s)', format_type(r.rngsubtype, NULL)) FROM pg_range AS r
      WHERE r.rngtypid = t.oid)
    ELSE '(' || coalesce((SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '
      ORDER BY a.attnum) FROM pg_attribute AS a
      WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '') || ')' END,
  (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid)
FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace LEFT JOIN pg_class AS c ON c.oid = t.typrelid
WHERE t.typnamespace IN ({SCHEMAS}) AND {no_extension("t.oid", "pg_type")}
  AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')) ORDER BY t.oid
"""
_ROUTINES: Final = f"""
SELECT DISTINCT n.nspname, p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.pronamespace IN ({SCHEMAS}) AND {no_extension("p.oid", "pg_proc")}
  AND NOT EXISTS (SELECT FROM pg_depend AS d
    WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'i')
ORDER BY n.nspname, p.proname
"""
WITH_COLUMNS: Final = (
    "EXISTS (SELECT FROM pg_attribute AS w WHERE w.attrelid = c.oid AND w.attnum > 0 AND NOT w.attisdropped)"
)
# Objects and properties that a catalog has no place for: schema, relation, column, what it is.
_LEFT: Final = f"""
SELECT n.nspname, c.relname, '', CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('m', 'f') AND {_OWN}
UNION ALL
SELECT n.nspname, c.relname, '', 'table without columns'
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT {WITH_COLUMNS} AND {_OWN}
UNION ALL
SELECT n.nspname, c.relname, '', 'row security policy ' || p.polname
FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE {_OWN}
UNION ALL
SELECT n.nspname, c.relname, '', 'rule ' || r.rulename
FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND {_OWN}
UNION ALL
SELECT n.nspname, c.relname, '', 'exclusion constraint ' || o.conname
FROM pg_constraint AS o JOIN pg_class AS c ON c.oid = o.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE o.contype = 'x' AND o.conparentid = 0 AND {_OWN}
UNION ALL
SELECT n.nspname, c.relname, '', 'inherits from ' || string_agg(i.inhparent::regclass::text, ', ')
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND NOT c.relispartition AND {_OWN} GROUP BY n.nspname, c.relname
UNION ALL
SELECT n.nspname, c.relname, '', 'partitions ' || pg_get_partkeydef(c.oid)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'p' AND NOT c.relispartition AND {_OWN}
UNION ALL
SELECT n.nspname, c.relname, '', 'constraint ' || o.conname || ': '
  || CASE WHEN o.confmatchtype = 'f' THEN 'MATCH FULL' ELSE 'DEFERRABLE' END
FROM pg_constraint AS o JOIN pg_class AS c ON c.oid = o.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE o.contype IN ('p', 'u', 'f') AND (o.condeferrable OR o.confmatchtype = 'f') AND o.conparentid = 0 AND {_OWN}
UNION ALL
SELECT n.nspname, c.relname, '', 'unique index ' || x.relname || ': NULLS NOT DISTINCT'
FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE to_jsonb(i) ->> 'indnullsnotdistinct' = 'true' AND NOT c.relispartition AND {_OWN}
UNION ALL
SELECT n.nspname, c.relname, '', 'column ' || a.attname || ': GENERATED ALWAYS AS IDENTITY'
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.attidentity = 'a' AND NOT a.attisdropped AND NOT c.relispartition AND {_OWN}
UNION ALL
SELECT n.nspname, c.relname, 'limits', 'limits of a sequence'
FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = s.seqrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE (s.seqcycle OR (s.seqincrement > 0, s.seqmin, s.seqmax) NOT IN (
    (true, 1, 32767), (true, 1, 2147483647), (true, 1, 9223372036854775807),
    (false, -32768, -1), (false, -2147483648, -1), (false, -9223372036854775808, -1))) AND {_OWN}
UNION ALL
SELECT '', 'pg_largeobject', '', count(*) || ' large objects' FROM pg_largeobject_metadata HAVING count(*) > 0
UNION ALL
SELECT '', e.extname, '', 'extension: the target needs it by itself' FROM pg_extension AS e WHERE e.extname <> 'plpgsql'
UNION ALL
SELECT n.nspname, c.relname, a.attname, 'collation ' || l.collname
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_type AS t ON t.oid = a.atttypid JOIN pg_collation AS l ON l.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attcollation <> t.typcollation AND {_OWN}
ORDER BY 1, 2, 3, 4
"""


def views(snapshot: PostgresqlSnapshot) -> tuple[View, ...]:
    """The views, each behind those that it reads, else by name."""
    rows = snapshot.answers(_VIEWS, "the views")
    found = {str(row[4]): View(TableName(str(row[0]), str(row[1])), str(row[2]).strip()) for row in rows}
    order = graphlib.TopologicalSorter({str(row[4]): [on for on in names(row[3]) if on in found] for row in rows})
    return tuple(found[oid] for oid in order.static_order())


def sequences(snapshot: PostgresqlSnapshot) -> tuple[Sequence, ...]:
    """The sequences with the number that each gives next."""
    found = []
    for schema, name, increment, owner_schema, owner, column in snapshot.answers(_SEQUENCES, "the sequences"):
        sequence = TableName(str(schema), str(name))
        query = f"SELECT last_value::numeric + CASE WHEN is_called THEN {increment} ELSE 0 END FROM {table(sequence)}"
        ((following,),) = snapshot.answers(query, str(sequence))
        place = (TableName(str(owner_schema), str(owner)), str(column)) if column else None
        found.append(Sequence(sequence, int(following or 0), int(increment or 1), place))
    return tuple(found)


def triggers(snapshot: PostgresqlSnapshot) -> tuple[Trigger, ...]:
    """The triggers with their statements."""
    rows = snapshot.answers(_TRIGGERS, "the triggers")
    return tuple(Trigger(TableName(str(row[0]), str(row[1])), str(row[2]), str(row[3])) for row in rows)


def types(snapshot: PostgresqlSnapshot) -> tuple[NamedType, ...]:
    """The types with the statements that make them, in an order in which they can be made."""
    rows = snapshot.answers(_TYPES, "the types")
    return tuple(
        NamedType(TableName(str(row[0]), str(row[1])), str(row[2]), str(row[3]), names(row[4])) for row in rows
    )


def routines(snapshot: PostgresqlSnapshot) -> tuple[TableName, ...]:
    """The names of functions and procedures."""
    return tuple(TableName(str(row[0]), str(row[1])) for row in snapshot.answers(_ROUTINES, "the routines"))


def left(snapshot: PostgresqlSnapshot) -> tuple[Oddity, ...]:
    """What a catalog has no place for and a migration does not carry, as D625."""
    rows = snapshot.answers(_LEFT, "the catalog")
    return tuple(
        Oddity("D625", TableName(str(row[0]), str(row[1])), str(row[2] or ""), detail=str(row[3])) for row in rows
    )
