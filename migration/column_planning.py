"""The tables of a plan with their columns: which type each gets in the target, and what is lost by it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from migration import matching, odd_values, type_rules
from migration.catalog import Catalog, Column, Kind, Table
from migration.dialects import Dialect
from migration.engine import ReadColumn, Reading
from migration.mapping import Mapping as SiteMapping
from migration.naming import Names
from migration.natives import parse
from migration.plan import Carry, ColumnPlan, Loss, TablePlan
from migration.type_rules import Choice

CHUNK_BYTES: Final = 8 * 1024 * 1024
FEWEST, UNKNOWN, MOST = 100, 10_000, 50_000  # rows in a chunk
_CELL: Final = 12  # bytes of a cell where the source does not say how large a table is
_ROW_OCTETS: Final = 65_000  # of MariaDB, a little below its limit for the columns that are no LOBs
_PAGE_OCTETS: Final = 8_000  # of InnoDB, a little below what a page of 16 KiB takes of a row
_MOST_COLUMNS: Final = {"mariadb": 1017, "oracle": 1000}
_WHOLE, _BEGINNING = 255, 40  # octets: a longer value may stand elsewhere, but for its beginning
_PLAIN: Final = 12  # octets of a column that is no text
_TEXTS: Final = frozenset({"text", "varchar", "character varying", "longtext", "mediumtext", "clob", "varchar2"})


@dataclass(frozen=True, slots=True)
class Drafts:
    """The planned tables and what is lost by their types."""

    tables: tuple[TablePlan, ...]
    losses: tuple[Loss, ...]


def tables(
    catalog: Catalog, ordered: Iterable[tuple[int, Table]], target: Dialect, site: SiteMapping, names: Names
) -> Drafts:
    """The plans of these tables, each with its number."""
    losses: list[Loss] = []
    plans = []
    for number, table in ordered:
        columns, found = _columns(catalog, table, target, site, names)
        losses += found
        if not table.order:
            losses.append(Loss("D622", str(table.name), "", Carry.EXACT))
        if len(columns) > (most := _MOST_COLUMNS.get(target.family, len(columns))):
            detail = f"{len(columns):,} columns: a table of the target has {most:,} at most"
            losses.append(Loss("D609", str(table.name), detail, Carry.REFUSED))
        plans.append(
            TablePlan(number, table.name, names.tables[table.name], columns, table.order, chunk_rows(table), table.rows)
        )
    made = matching.matched(catalog, tuple(plans)) if target.engine == "mariadb" else tuple(plans)
    return Drafts(made, tuple(losses))


def chunk_rows(table: Table) -> int:
    """How many rows make about 8 MiB of the source's bytes: 100 to 50,000; 10,000 where their number is not known."""
    if not table.rows:
        return UNKNOWN
    return max(FEWEST, min(MOST, CHUNK_BYTES // max(1, size(table) // max(1, table.rows))))


def size(table: Table) -> int:
    """How many bytes the table has in the source, by its own word or else by its cells."""
    return table.size or table.rows * len(table.columns) * _CELL


def keyed(table: Table) -> frozenset[str]:
    """The columns that are part of a key: of one that must be unique, or of one that refers to another table's."""
    found = [key.columns for key in filter(None, (table.primary, *table.uniques))]
    found += [key.columns for key in table.foreign]
    found += [index.columns for index in table.indexes if index.unique and not index.definition]
    return frozenset(name for columns in found for name in columns)


def _columns(
    catalog: Catalog, table: Table, target: Dialect, site: SiteMapping, names: Names
) -> tuple[tuple[ColumnPlan, ...], list[Loss]]:
    losses: list[Loss] = []
    plans: list[ColumnPlan] = []
    keys = keyed(table)
    for column in carried(table):
        place = f"{table.name}.{column.name}"
        measured = odd_values.measured(catalog, table, column)
        if column.name in keys:
            measured = type_rules.of_length(measured, odd_values.longest(catalog, table, column), target.engine)
        choice = _choice(catalog, measured, place, target, site, keyed=column.name in keys)
        if measured.length != column.length and choice.carry is not Carry.REFUSED and choice.code == "":
            choice = type_rules.of_key(choice)
        if column.kind is Kind.NUMBER and type_rules.loses_zeros(catalog.engine, target.engine, choice.native):
            choice = type_rules.with_zeros(choice)
        kind = kind_read(catalog, table, column, site)
        name = names.columns[table.name, column.name]
        plans.append(
            ColumnPlan(
                *(column.name, name, kind, column.scale, column.padded, column.native),
                *(choice.native, choice.carry, choice.rule),
            )
        )
        if choice.code:
            losses.append(Loss(choice.code, place, choice.note, choice.carry))
    return (_narrowed(plans, keys) if target.engine == "mariadb" else tuple(plans)), losses


def _choice(catalog: Catalog, column: Column, place: str, target: Dialect, site: SiteMapping, *, keyed: bool) -> Choice:
    if place in site.columns:
        return type_rules.declared(column, site.columns[place])
    if column.native in site.types:
        return type_rules.declared(column, site.types[column.native])
    return type_rules.choose(column, catalog.engine, target.engine, keyed=keyed)


def carried(table: Table) -> tuple[Column, ...]:
    """The columns whose values are carried: all but those that are computed from others, unless they are in a key."""
    keys = keyed(table)
    return tuple(column for column in table.columns if column.generated is None or column.name in keys)


def reading(catalog: Catalog, table: Table, site: SiteMapping) -> Reading:
    """How a table is read from the source, whatever the target is."""
    columns = tuple(
        ReadColumn(column.name, kind_read(catalog, table, column, site), column.native, column.scale, column.padded)
        for column in carried(table)
    )
    return Reading(table.name, columns, table.order)


def kind_read(catalog: Catalog, table: Table, column: Column, site: SiteMapping) -> Kind:
    """The kind in which the cells are written: the column's own, or TEXT where it holds other things in SQLite.

    A cell of SQLite may hold what its column's type does not say; a mapping file that makes such a column a text lets
    every value come over as it stands.
    """
    strays = any(
        odd.code in ("D613", "D615") and odd.table == table.name and odd.column == column.name
        for odd in catalog.oddities
    )
    said = site.columns.get(f"{table.name}.{column.name}", site.types.get(column.native, ""))
    declared = bool(said) and parse(said).base in _TEXTS
    return Kind.TEXT if strays and declared and catalog.engine == "sqlite" else column.kind


def _narrowed(columns: list[ColumnPlan], keys: frozenset[str]) -> tuple[ColumnPlan, ...]:
    """MariaDB's rows have two limits that texts of a length count against: the longest become texts without length."""
    found = list(columns)
    for counted, most in ((_octets, _ROW_OCTETS), (_in_page, _PAGE_OCTETS)):
        while sum(map(counted, found)) > most:
            free = [at for at, one in enumerate(found) if one.source not in keys and counted(one) > counted(_text(one))]
            if not free:
                break
            longest = max(free, key=lambda at: (counted(found[at]), -at))
            found[longest] = _text(found[longest])
    return tuple(found)


def _text(column: ColumnPlan) -> ColumnPlan:
    return replace(column, native="text", carry=Carry.WIDENED, rule="text-without-length")


def _octets(column: ColumnPlan) -> int:
    native = parse(column.native)
    return (
        (native.first or 0) * (4 if native.base in ("varchar", "char") else 1)
        if native.base.endswith(("char", "binary"))
        else _PLAIN
    )


def _in_page(column: ColumnPlan) -> int:
    """Octets that stand in the page of the row: all of a text of up to 255, of a longer one the beginning."""
    size = _octets(column)
    return _BEGINNING if size > _WHOLE or parse(column.native).base.endswith(("text", "blob")) else size
