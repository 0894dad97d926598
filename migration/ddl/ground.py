"""What every statement is made from. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from migration.catalog import Catalog, Column, Sequence, Table, TableName
from migration.dialects import Dialect, kin
from migration.naming import Claims, Names
from migration.plan import Act, Carry, Loss, TablePlan


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of the target, without a semicolon at its end; `subject` is what it is about."""

    act: Act
    subject: str
    sql: str


Said = Statement | Loss


@dataclass(frozen=True)
class Ground:
    """The source's catalog, the target's dialect, the names there, and the tables that are planned.

    `left` are tables and keys that the mapping leaves out, with the reason.
    """

    catalog: Catalog
    dialect: Dialect
    names: Names
    tables: tuple[TablePlan, ...]
    left: Mapping[str, str]

    @cached_property
    def kin(self) -> bool:
        """Whether source and target speak the same SQL."""
        return kin(self.catalog.engine, self.dialect.engine)

    @property
    def same(self) -> bool:
        """Whether source and target are the same engine."""
        return self.catalog.engine == self.dialect.engine

    @cached_property
    def claims(self) -> Claims:
        """The names of keys and indexes that are given out; those of tables are taken."""
        claims = Claims(self.dialect)
        if self.dialect.family == "postgresql":
            for table in self.tables:
                claims.claim(table.target.name, table.target.schema)
        return claims

    def pairs(self) -> Iterator[tuple[Table, TablePlan]]:
        """Every planned table as the source has it, with its plan."""
        found = {table.name: table for table in self.catalog.tables}
        return ((found[plan.source], plan) for plan in self.tables)

    def target(self, table: TableName) -> str:
        """A planned table's name in the target, quoted."""
        return self.dialect.table(self.names.tables[table])

    def columns(self, table: TableName, names: tuple[str, ...]) -> str:
        """Columns of a planned table in the target, quoted, in a list."""
        return self.dialect.names(self.names.of(table, names))

    def numbered(self, table: Table, column: Column) -> bool:
        """Whether the source gives new rows of this column a number by itself."""
        return column.identity or self.numbering(table, column) is not None

    def numbering(self, table: Table, column: Column) -> Sequence | None:
        """The sequence that gives the column its numbers, if the source has one for it."""
        owned = (sequence for sequence in self.catalog.sequences if sequence.owner == (table.name, column.name))
        return next(owned, None)

    def obstacle(self, text: str) -> str:
        """The first name in SQL of the source for which it can't be taken as it is; empty if it can be."""
        return next((word for word in self._obstacles if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)), "")

    @cached_property
    def _obstacles(self) -> tuple[str, ...]:
        carried = {table.source for table in self.tables}
        missing = {table.name.name for table in self.catalog.tables if table.name not in carried}
        routines = {routine.name for routine in self.catalog.routines}
        return tuple(sorted(self.names.changed() | missing | routines))


def lost(place: str, detail: str) -> Loss:
    """An object that is not carried."""
    return Loss("D625", place, detail, Carry.DECLARED)
