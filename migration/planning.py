"""From what a source holds and what a site has decided to a whole plan. Pure: nothing is read, nothing is written.

Everything that will not be as it was is a loss, with code and place; one that is refused stands against the plan.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from formats.errors import UsageError
from migration import catalog_file, column_planning, ddl, naming, odd_values
from migration.catalog import Catalog, ForeignKey, Table, TableName
from migration.ddl import Ground, Statement
from migration.dialects import dialect
from migration.freeze import FrozenTable
from migration.mapping import Mapping as SiteMapping
from migration.plan import Act, Carry, Loss, Needs, Plan, Step, TablePlan

_COMPATIBLE: Final = "make its database compatible with PostgreSQL: else it holds an empty text as NULL"
# What becomes of empty texts: nothing here alters them, the comparison names each row where the target did.
_EMPTY: Final = {
    "oracle": "an empty text is NULL in the target: the comparison will name these rows",
    "opengauss": f"{_COMPATIBLE}, and a date with a time",
    "kingbase": _COMPATIBLE,
}
_BEFORE: Final = (Act.CREATE_SCHEMA, Act.CREATE_TYPE, Act.CREATE_TABLE)
_BEHIND: Final = (
    *(Act.ADD_KEY, Act.ADD_INDEX, Act.ADD_CHECK, Act.ADD_FOREIGN_KEY),
    *(Act.SET_SEQUENCE, Act.SET_COMMENT, Act.CREATE_VIEW),
)


@dataclass(frozen=True, slots=True)
class Rates:
    """What estimates are made with: rows a second of each phase, bytes by the survey's bytes.

    The rates are those of a ten-column table of 126 bytes a row on two cores, halved: estimates err to the long side.
    `packed` and `grown`: how large the freeze and the target become, as parts of the source's size.
    """

    freeze: int = 150_000
    copy: int = 120_000
    verify: int = 150_000
    packed: float = 0.35
    grown: float = 1.5


def plan(
    catalog: Catalog,
    target: str,
    mapping: SiteMapping | None = None,
    mapping_digest: str = "",
    rates: Rates | None = None,
) -> Plan:
    """The plan to carry the source of this catalog into a target of this engine.

    Raises UsageError D603 for a mapping that names what the source does not have, D609 for an engine never written.
    """
    site, rates = mapping or SiteMapping(), rates or Rates()
    _must_be_known(catalog, site)
    where = dialect(target)
    kept, _ = _kept(catalog, site)
    names = naming.names(kept, where, site)
    drafts = column_planning.tables(catalog, enumerate(_in_order(kept), 1), where, site, names)
    ground = Ground(catalog, where, names, drafts.tables, site.leave)
    said = list(ddl.statements(ground))
    losses = (
        *_of_the_target(catalog, target),
        *_left(catalog, site),
        *names.losses,
        *drafts.losses,
        *(loss for loss in said if isinstance(loss, Loss)),
        *odd_values.losses(catalog, where, site),
        *_conversions(site),
    )
    steps = _steps(drafts.tables, [one for one in said if isinstance(one, Statement)])
    ordered = tuple(sorted(dict.fromkeys(losses), key=_weight))
    needs = _needs(kept, rates)
    return Plan(
        catalog.engine, target, catalog_file.digest(catalog), mapping_digest, drafts.tables, steps, ordered, needs
    )


def _must_be_known(catalog: Catalog, site: SiteMapping) -> None:
    tables = {str(table.name) for table in catalog.tables}
    columns = {f"{table.name}.{column.name}" for table, column in catalog.columns()}
    keys = {f"{table.name}.{key.name or '_'.join(key.columns)}" for table in catalog.tables for key in table.foreign}
    converted = {conversion.column for conversion in site.conversions}
    for section, named, known in (
        ("columns", set(site.columns), columns),
        ("names", set(site.names), tables | columns),
        ("leave", set(site.leave), tables | keys),
        ("convert", converted, columns),
    ):
        if unknown := named - known:
            raise UsageError("D603", f"[{section}]: the source has no {', '.join(sorted(unknown))}")


def freeze_bytes(tables: Iterable[Table], rates: Rates | None = None) -> int:
    """How many bytes a freeze of these tables will take, by the survey."""
    return round(sum(map(column_planning.size, tables)) * (rates or Rates()).packed)


def frozen_tables(catalog: Catalog, mapping: SiteMapping | None = None) -> tuple[FrozenTable, ...]:
    """How all tables are frozen: numbered and read as in every plan that is made with this mapping.

    Tables that the mapping leaves out are kept too, under the numbers behind the plan's.
    """
    site = mapping or SiteMapping()
    kept, left = _kept(catalog, site)
    return tuple(
        FrozenTable(number, column_planning.reading(catalog, table, site), column_planning.chunk_rows(table))
        for number, table in enumerate((*_in_order(kept), *left), 1)
    )


def _kept(catalog: Catalog, site: SiteMapping) -> tuple[tuple[Table, ...], tuple[Table, ...]]:
    """The tables that are carried, and those that the mapping leaves out."""
    left = tuple(table for table in catalog.tables if str(table.name) in site.leave)
    return tuple(table for table in catalog.tables if table not in left), left


def _in_order(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """Tables behind those that they refer to, as far as there are no circles; by name otherwise."""
    waiting = sorted(tables, key=lambda table: table.name)
    done: list[Table] = []
    while waiting:
        left = {table.name for table in waiting}
        free = [table for table in waiting if not _needed(table.foreign, left - {table.name})]
        taken = free or waiting[:1]
        done += taken
        waiting = [table for table in waiting if table not in taken]
    return tuple(done)


def _needed(keys: tuple[ForeignKey, ...], left: set[TableName]) -> bool:
    return any(key.table in left for key in keys)


def _of_the_target(catalog: Catalog, target: str) -> Iterator[Loss]:
    """What the target does with values whatever their column is."""
    if catalog.engine != target and target in _EMPTY:
        yield Loss("D624", target, _EMPTY[target], Carry.DECLARED)
    if catalog.engine == target == "mariadb":
        detail = "texts are compared by their code points, whatever the source's collations are"
        yield Loss("D624", target, detail, Carry.DECLARED)


def _left(catalog: Catalog, site: SiteMapping) -> Iterator[Loss]:
    tables = {str(table.name): table.rows for table in catalog.tables}
    for name, reason in sorted(site.leave.items()):
        if name in tables:
            yield Loss("D625", name, f"left out with its {tables[name]} rows: {reason}", Carry.DECLARED)


def _conversions(site: SiteMapping) -> Iterator[Loss]:
    for one in site.conversions:
        detail = f"{len(one.values)} values converted by {one.name}; others: {one.otherwise}"
        yield Loss("D624", one.column, detail, Carry.DECLARED)


def _steps(tables: tuple[TablePlan, ...], said: list[Statement]) -> tuple[Step, ...]:
    bare: list[tuple[Act, str, str]] = [(Act.FREEZE, "all tables", "")]
    bare += _of(said, _BEFORE)
    bare += [(Act.COPY, str(table.target), "") for table in tables]
    bare += _of(said, _BEHIND)
    bare += [(Act.VERIFY, "all tables", ""), *_of(said, (Act.CREATE_TRIGGER,)), (Act.PROVE, "all tables", "")]
    return tuple(Step(number, *one) for number, one in enumerate(bare, 1))


def _of(said: list[Statement], acts: tuple[Act, ...]) -> list[tuple[Act, str, str]]:
    return [(one.act, one.subject, one.sql) for act in acts for one in said if one.act is act]


def _weight(loss: Loss) -> tuple[int, str, str, str]:
    order = (Carry.REFUSED, Carry.DECLARED, Carry.WIDENED, Carry.EXACT)
    return (order.index(loss.carry), loss.code, loss.place, loss.detail)


def _needs(tables: tuple[Table, ...], rates: Rates) -> Needs:
    rows, size = sum(table.rows for table in tables), sum(map(column_planning.size, tables))
    seconds = rows / rates.freeze + rows / rates.copy + rows / rates.verify
    return Needs(rows, freeze_bytes(tables, rates), round(size * rates.grown), round(seconds) + len(tables))
