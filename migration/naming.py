"""What things are called in the target: the mapping's names, schemas made part of a name, names cut to fit. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from formats.digest import sha256
from migration.catalog import Table, TableName
from migration.dialects import Dialect
from migration.mapping import Mapping as SiteMapping
from migration.plan import Carry, Loss

_HOME = frozenset({"", "public", "main", "dbo"})  # schemas that are only where tables are by default


@dataclass(frozen=True, slots=True)
class Names:
    """The target's names of tables and columns by the source's, and what is lost by them."""

    tables: Mapping[TableName, TableName]
    columns: Mapping[tuple[TableName, str], str]
    losses: tuple[Loss, ...]

    def of(self, table: TableName, columns: Iterable[str]) -> tuple[str, ...]:
        """Columns of a table of the source, as the target calls them."""
        return tuple(self.columns[table, name] for name in columns)

    def changed(self) -> frozenset[str]:
        """The source's names that are others in the target: SQL that has them can't be taken as it is."""
        tables = (word for old, new in self.tables.items() if not _same(old, new) for word in (old.name, old.schema))
        columns = (name for (_, name), new in self.columns.items() if name != new)
        return frozenset({*tables, *columns} - {""})


def names(tables: Iterable[Table], dialect: Dialect, site: SiteMapping) -> Names:
    """The names of these tables and of their columns. A name that two would have is a refused loss."""
    losses: list[Loss] = []
    found_tables: dict[TableName, TableName] = {}
    found_columns: dict[tuple[TableName, str], str] = {}
    taken: dict[str, str] = {}
    for table in tables:
        new = _table(table.name, dialect, site)
        found_tables[table.name] = new
        losses += _changes(str(table.name), str(new), changed=not _same(table.name, new))
        losses += _collision(taken, str(new), str(table.name), dialect)
        own: dict[str, str] = {}
        for column in table.columns:
            place = f"{table.name}.{column.name}"
            name = cut(site.names.get(place, column.name), dialect)
            found_columns[table.name, column.name] = name
            losses += _changes(place, name, changed=name != column.name)
            losses += _collision(own, name, place, dialect)
    return Names(found_tables, found_columns, tuple(losses))


@dataclass(slots=True)
class Claims:
    """Names of keys, indexes and constraints as they are given out: each once in its scope, none too long."""

    dialect: Dialect
    _taken: set[tuple[str, str]] = field(default_factory=set)

    def claim(self, name: str, scope: str) -> str:
        """This name, or one like it that is free in the scope (a table where names are its own)."""
        wanted = cut(name, self.dialect)
        number = 1
        while (scope, wanted.casefold()) in self._taken:
            number += 1
            wanted = cut(f"{name}_{number}", self.dialect)
        self._taken.add((scope, wanted.casefold()))
        return wanted


def cut(name: str, dialect: Dialect) -> str:
    """The name, or if it is too long its beginning and eight digits of its digest."""
    if dialect.length(name) <= dialect.longest:
        return name
    mark = "_" + sha256(name.encode())[:8]
    head = name
    while dialect.length(head + mark) > dialect.longest:
        head = head[:-1]
    return head + mark


def _table(name: TableName, dialect: Dialect, site: SiteMapping) -> TableName:
    wanted = site.names.get(str(name), "")
    if dialect.has_schemas:
        schema, _, bare = wanted.rpartition(".")
        return TableName(schema or name.schema or dialect.schema, cut(bare or name.name, dialect))
    flat = name.name if name.schema in _HOME else f"{name.schema}_{name.name}"
    return TableName("", cut(wanted or flat, dialect))


def _same(old: TableName, new: TableName) -> bool:
    return old.name == new.name and (old.schema == new.schema or {old.schema, new.schema} <= _HOME)


def _changes(place: str, new: str, *, changed: bool) -> Iterable[Loss]:
    return (Loss("D626", place, f"is called {new}", Carry.DECLARED),) if changed else ()


def _collision(taken: dict[str, str], new: str, place: str, dialect: Dialect) -> Iterable[Loss]:
    other = taken.setdefault(new.lower() if dialect.folds else new, place)
    if other == place:
        return ()
    return (Loss("D626", place, f"would be called {new} as {other}: say another in [names]", Carry.REFUSED),)
