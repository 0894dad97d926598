"""The survey: what a source holds, and what of its values will not go without saying, all in one state of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from formats.errors import IntegrityError
from formats.reasons import Language, reason
from migration import catalog_file
from migration.catalog import Catalog, Oddity, Table, TableName
from migration.engine import ReadColumn, Reading, Snapshot, Source
from migration.orphans import orphans

oddities = catalog_file.oddities_csv

_UNREADABLE: Final = ("D611", "D613", "D614", "D615", "D628")  # rows that can't be read have no references either


def _unseen(_: TableName) -> None:
    """Nobody looks."""


def survey(source: Source, *, census: bool = True, seen: Callable[[TableName], object] = _unseen) -> Catalog:
    """The source's catalog; with a census every row was looked at once and counted. `seen` is told each table.

    Raises UnreachableError S409, UsageError S402 and what reading raises.
    """
    found = source.catalog()
    if not census:
        return found
    odd: list[Oddity] = list(found.oddities)
    tables = []
    with source.snapshot() as snapshot:
        for table in found.tables:
            odd += source.census(snapshot, table)
            tables.append(replace(table, rows=_count(snapshot, table)))
            seen(table.name)
        if not snapshot.ordered and not any(one.code in _UNREADABLE for one in odd):
            odd += orphans(snapshot, found)
    return replace(found, tables=tuple(tables), oddities=tuple(odd))


def report(catalog: Catalog, language: Language = "en") -> tuple[str, ...]:
    """The survey in lines for people: tables with rows, then what is odd. Nothing personal."""
    lines = [f"{catalog.name} ({catalog.engine} {catalog.version}, {catalog.encoding})", ""]
    wide = max((len(str(table.name)) for table in catalog.tables), default=0)
    lines += [f"{table.name!s:<{wide}}  {table.rows:>12,}  {table.size:>16,}" for table in catalog.tables]
    lines += [""] if catalog.oddities else []
    for odd in sorted(catalog.oddities, key=lambda one: (one.code, one.place)):
        detail = "; ".join(filter(None, (f"{odd.rows:,}" if odd.rows else "", odd.detail)))
        lines.append(f"{odd.code} {odd.place}: {reason(odd.code).what[language]}" + (f" ({detail})" if detail else ""))
    return tuple(lines)


def _count(snapshot: Snapshot, table: Table) -> int:
    """The table's rows, counted by reading as little of them as can be read.

    Where a value of the key can't be read (the census has listed it), the source's own number stands.
    """
    names = table.order or tuple(column.name for column in table.columns[:1])
    columns = (table.column(name) for name in names)
    read = tuple(ReadColumn(one.name, one.kind, one.native, one.scale, one.padded) for one in columns)
    try:
        return sum(block.rows for block in snapshot.blocks(Reading(table.name, read, table.order)))
    except IntegrityError as error:
        if not error.code.startswith("D61"):
            raise
        return table.rows
