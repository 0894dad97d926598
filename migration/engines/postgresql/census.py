# ruff: noqa: S608 -- names are quoted, everything else is of this module
"""What of a table's values will not go without saying.

One pass counts everything; for what was found the keys of the first rows are fetched. Found are text with private-use
characters (D619) or not in UTF-8 (D611), numbers and dates without an end or outside 0001-9999 (D618), the time 24:00
(D615), -0 (D620), orphans of foreign keys that the server does not hold up itself (D617), and how long the values of
numbers without digits and of key texts without length are (D624: `precision 12, scale 4`, `length 40`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from migration.catalog import Column, ForeignKey, Kind, Oddity, Table
from migration.engine import ReadColumn
from migration.engines.postgresql import rendering, statements
from migration.engines.postgresql.connecting import literal, quote
from migration.engines.postgresql.snapshot import PostgresqlSnapshot

KEYS: Final = 20  # of the first rows concerned
_PRIVATE: Final = "'[\ue000-\uf8ff\U000f0000-\U0010ffff]'"
_DATED: Final = (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)
# UTF-8 where every byte counts as a character, as in a database that does not say what its text is in.
_UTF8: Final = (
    r"'^(?:[\u0001-\u007f]|[\u00c2-\u00df][\u0080-\u00bf]|\u00e0[\u00a0-\u00bf][\u0080-\u00bf]"
    r"|[\u00e1-\u00ec\u00ee\u00ef][\u0080-\u00bf]{2}|\u00ed[\u0080-\u009f][\u0080-\u00bf]"
    r"|\u00f0[\u0090-\u00bf][\u0080-\u00bf]{2}|[\u00f1-\u00f3][\u0080-\u00bf]{3}"
    r"|\u00f4[\u0080-\u008f][\u0080-\u00bf]{2})*$'"
)
# Foreign keys that were never checked, or whose triggers do not fire for everyone.
_LOOSE: Final = """
SELECT o.conname FROM pg_constraint AS o WHERE o.contype = 'f' AND o.conrelid = {table}::regclass
  AND (NOT o.convalidated OR EXISTS (
    SELECT FROM pg_trigger AS t WHERE t.tgconstraint = o.oid AND t.tgenabled NOT IN ('O', 'A')))
ORDER BY o.conname COLLATE "C"
"""


@dataclass(frozen=True, slots=True)
class _Probe:
    """One thing to look for: the rows concerned, and what is said of them (an SQL text) where it is worth saying."""

    code: str
    column: str
    condition: str
    detail: str = "''"
    keyed: bool = True


def take(snapshot: PostgresqlSnapshot, table: Table) -> tuple[Oddity, ...]:
    """The oddities of a table's values, in the order of its columns. Raises IntegrityError D632."""
    probes = [probe for column in table.columns for probe in _probes(column, table, snapshot)]
    found = list(_counted(snapshot, table, probes)) if probes else []
    found += [oddity for loose in _loose(snapshot, table) for oddity in _orphans(snapshot, table, loose)]
    return tuple(found)


def _probes(column: Column, table: Table, snapshot: PostgresqlSnapshot) -> Iterator[_Probe]:
    name = quote(column.name)
    if column.kind in (Kind.TEXT, Kind.OTHER) and snapshot.encoding == "UTF8":
        # A collation of its own may know no regular expressions (one under which texts that differ are equal).
        yield _Probe("D619", column.name, f'{name}::text COLLATE "C" ~ {_PRIVATE}')
    if column.kind in (Kind.TEXT, Kind.OTHER) and snapshot.encoding == "SQL_ASCII":
        yield _Probe("D611", column.name, f'{name}::text COLLATE "C" !~ {_UTF8}')
    if column.kind is Kind.TEXT and column.length is None and column.name in _key_columns(table):
        length = f"'length ' || max(length({name}::text))"
        yield _Probe("D624", column.name, f"{name} IS NOT NULL", length, keyed=False)
    if column.kind in (Kind.FLOAT, Kind.DECIMAL, Kind.NUMBER):
        yield _Probe("D618", column.name, f"{name}::text IN ('NaN', 'Infinity', '-Infinity')")
    if column.kind is Kind.FLOAT:
        yield _Probe("D620", column.name, f"{name} = 0 AND {name}::text = '-0'", "'-0'")
    if column.kind is Kind.NUMBER:
        yield _digits(column.name, name)
    if column.kind in _DATED:
        inside = f"{name} >= '0001-01-01' AND {name} < '10000-01-01'"
        yield _Probe("D618", column.name, f"NOT ({inside})")
    if column.kind is Kind.TIME:
        yield _Probe("D615", column.name, f"{name} = '24:00'", "'24:00'")


def _digits(column: str, name: str) -> _Probe:
    """How many digits the values of a numeric without digits have, in all and behind the point."""
    finite = f"{name}::text NOT IN ('NaN', 'Infinity', '-Infinity')"
    behind = f"coalesce(max(scale(trim_scale({name}))) FILTER (WHERE {finite}), 0)"
    before = f"coalesce(max(length(trunc(abs({name}))::text)) FILTER (WHERE {finite}), 0)"
    detail = f"'precision ' || {before} + {behind} || ', scale ' || {behind}"
    return _Probe("D624", column, f"{name} IS NOT NULL", detail, keyed=False)


def _key_columns(table: Table) -> frozenset[str]:
    keys = (*((table.primary,) if table.primary else ()), *table.uniques)
    return frozenset(name for key in keys for name in key.columns)


def _counted(snapshot: PostgresqlSnapshot, table: Table, probes: list[_Probe]) -> Iterator[Oddity]:
    origin = snapshot.origin(table.name)
    counts = ", ".join(f"count(*) FILTER (WHERE {probe.condition}), {probe.detail}" for probe in probes)
    (row,) = snapshot.answers(f"SELECT {counts} FROM {origin}", str(table.name))
    for probe, count, detail in zip(probes, row[::2], row[1::2], strict=True):
        if rows := int(count or 0):
            keys = _keys(snapshot, table, f"{origin} WHERE {probe.condition}") if probe.keyed else ()
            yield Oddity(probe.code, table.name, probe.column, rows, detail or "", keys)


def _keys(snapshot: PostgresqlSnapshot, table: Table, rows: str, alias: str = "") -> tuple[tuple[str, ...], ...]:
    """The keys of the first rows, as canonical text; none for a table without a key."""
    if not table.order:
        return ()
    columns = [_read(table.column(name)) for name in table.order]
    names = [f"{alias}{quote(column.name)}" for column in columns]
    cells = ", ".join(rendering.cell(column, name) for column, name in zip(columns, names, strict=True))
    order = ", ".join(
        rendering.order(column, name, snapshot.encoding) for column, name in zip(columns, names, strict=True)
    )
    found = snapshot.answers(f"SELECT {cells} FROM {rows} ORDER BY {order} LIMIT {KEYS}", str(table.name))
    return tuple(tuple(str(cell) for cell in cells) for cells in found)


def _loose(snapshot: PostgresqlSnapshot, table: Table) -> list[ForeignKey]:
    """The foreign keys that the server does not vouch for."""
    query = _LOOSE.replace("{table}", literal(statements.table(table.name)))
    names = {cells[0] for cells in snapshot.answers(query, str(table.name))}
    return [foreign for foreign in table.foreign if foreign.name in names]


def _orphans(snapshot: PostgresqlSnapshot, table: Table, foreign: ForeignKey) -> Iterator[Oddity]:
    """Rows that refer to a row that is missing; a reference with a NULL in it refers to nothing."""
    pairs = list(zip(foreign.columns, foreign.referred, strict=True))
    same = " AND ".join(f"r.{quote(referred)} = o.{quote(name)}" for name, referred in pairs)
    whole = " AND ".join(f"o.{quote(name)} IS NOT NULL" for name, _ in pairs)
    rows = (
        f"{snapshot.origin(table.name)} AS o WHERE {whole}"
        f" AND NOT EXISTS (SELECT FROM {snapshot.origin(foreign.table)} AS r WHERE {same})"
    )
    ((count,),) = snapshot.answers(f"SELECT count(*) FROM {rows}", str(table.name))
    if int(count or 0):
        keys = _keys(snapshot, table, rows, "o.")
        detail = f"{foreign.name} to {foreign.table}"
        yield Oddity("D617", table.name, ", ".join(foreign.columns), int(count or 0), detail, keys)


def _read(column: Column) -> ReadColumn:
    return ReadColumn(column.name, column.kind, column.native, column.scale, column.padded)
