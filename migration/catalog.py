"""What a database holds, as values: tables, keys, constraints, views, sequences, and what is odd about it. Pure.

A survey reads a database into a `Catalog`; plan, freeze, copy and verify know the database by it alone. Names and
comments are the source's own; nothing in a catalog is a person's data, so it may be shown and logged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a column's values are, and with it how they are written as canonical bytes (see `canon`)."""

    INTEGER = "integer"
    DECIMAL = "decimal"  # a fixed number of digits behind the point
    NUMBER = "number"  # exact, any number of digits behind the point
    FLOAT = "float"  # IEEE 754, single or double
    TEXT = "text"
    BYTES = "bytes"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"  # without a zone
    TIMESTAMPTZ = "timestamptz"  # a moment: written in UTC
    OTHER = "other"  # whatever else the source has, as the text that the source itself gives


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table's name; `schema` is empty where the environment has none."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `native` is the type as the environment writes it, lower case: `varchar(18)`, `numeric(12,2)`.

    `length`: at most so many characters (bytes for BYTES). `precision`: digits in all, `scale`: behind the point; of a
    DECIMAL both are known. `padded`: CHAR, whose values are compared without the blanks at their end. `default` and
    `generated` are SQL texts of the environment. `identity`: the environment numbers new rows by itself.
    """

    name: str
    kind: Kind
    native: str
    nullable: bool = True
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    padded: bool = False
    default: str | None = None
    generated: str | None = None
    identity: bool = False
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A primary or unique key: its name (may be empty) and its columns in order."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that refer to another table's. `on_delete` and `on_update`: `cascade`, `set null` …, or empty."""

    name: str
    columns: tuple[str, ...]
    table: TableName
    referred: tuple[str, ...]
    on_delete: str = ""
    on_update: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check constraint with its condition as the environment writes it."""

    name: str
    condition: str


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is no key. `definition` is the whole statement where it is more than columns, else empty."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `rows` and `size` (bytes, as the environment estimates them) are those of the survey."""

    name: TableName
    columns: tuple[Column, ...]
    primary: Key | None = None
    uniques: tuple[Key, ...] = ()
    foreign: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()
    comment: str = ""
    rows: int = 0
    size: int = 0

    def column(self, name: str) -> Column:
        """The column of this name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def order(self) -> tuple[str, ...]:
        """The columns whose values tell rows apart and put them in order: the primary key, else a unique key or index.

        Empty for a table that has neither: its rows are ordered by all their columns, and may be alike.
        """
        if self.primary:
            return self.primary.columns
        plain = (index.columns for index in self.indexes if index.unique and not index.definition)
        keys = (*(key.columns for key in self.uniques), *plain)
        return next((key for key in keys if not any(self.column(name).nullable for name in key)), ())


@dataclass(frozen=True, slots=True)
class View:
    """A view with its query as the environment writes it."""

    name: TableName
    query: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence; `following` is the number that it gives next. `owner` is the column it numbers, or empty."""

    name: TableName
    following: int
    increment: int = 1
    owner: tuple[TableName, str] | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger with its whole statement as the environment writes it."""

    table: TableName
    name: str
    statement: str


@dataclass(frozen=True, slots=True)
class NamedType:
    """A type that the database defines itself: `what` is `enum`, `domain`, `composite` …; `values` those of an enum."""

    name: TableName
    what: str
    definition: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something about a table that does not go without saying: a reason code, how many rows, and where to look.

    `place` names table and column. `keys` are the keys of the first rows concerned, canonical text: they may be
    personal, and stand in files for the operator only, never in a log.
    """

    code: str
    table: TableName
    column: str = ""
    rows: int = 0
    detail: str = ""
    keys: tuple[tuple[str, ...], ...] = ()

    @property
    def place(self) -> str:
        """Table and column."""
        return f"{self.table}.{self.column}" if self.column else str(self.table)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What one database holds. `engine`: `sqlite`, `postgresql`, `mariadb` …; `version` and `encoding` as it says."""

    engine: str
    version: str
    name: str
    encoding: str
    tables: tuple[Table, ...]
    views: tuple[View, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    types: tuple[NamedType, ...] = ()
    routines: tuple[TableName, ...] = ()
    oddities: tuple[Oddity, ...] = ()

    def table(self, name: TableName) -> Table:
        """The table of this name. Raises KeyError."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(str(name))

    def changed(self, now: "Catalog") -> tuple[TableName, ...]:
        """The tables that `now`, read later, has no more, has besides, or has with other columns or keys."""
        shapes = [
            {(table.name, table.columns, table.primary, table.uniques) for table in catalog.tables}
            for catalog in (self, now)
        ]
        return tuple(sorted({name for name, *_ in shapes[0] ^ shapes[1]}))

    def columns(self) -> Iterator[tuple[Table, Column]]:
        """Every column with its table."""
        return ((table, column) for table in self.tables for column in table.columns)
