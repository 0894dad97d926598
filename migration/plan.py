"""The plan of a migration as values: what goes where, in which steps, and what of it is lost. Pure.

`planning` makes it from a catalog and a mapping; `plan_text` and `plan_file` render it for people and for machines. The
plan's digest (SHA-256 over its canonical JSON) stands in everything that is done by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from formats.errors import RefusedError
from migration.catalog import Kind, TableName
from migration.engine import LoadColumn, Loading, ReadColumn, Reading


class Carry(StrEnum):
    """How a value gets over: the same; in a wider type; changed by a declared rule; not at all."""

    EXACT = "exact"
    WIDENED = "widened"
    DECLARED = "declared"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """One column: what it is in the source, its name and type in the target, how it gets over and by which rule.

    `kind`, `scale` and `padded` say how its canonical cells are written (the source's catalog); `native` is the
    target's type, lower case, `source_native` the source's. `rule` names the rule of the type mapping, or the
    mapping file's own.
    """

    source: str
    target: str
    kind: Kind
    scale: int | None
    padded: bool
    source_native: str
    native: str
    carry: Carry
    rule: str


@dataclass(frozen=True, slots=True)
class TablePlan:
    """One table: its number (from 1, in the order of the plan), its two names, its columns, its key, its chunks.

    `key` are the source's names of the key's columns, in order; empty for a table without a key. Generated columns are
    not among `columns`. `chunk_rows` is how many rows make a chunk.
    """

    number: int
    source: TableName
    target: TableName
    columns: tuple[ColumnPlan, ...]
    key: tuple[str, ...]
    chunk_rows: int
    rows: int

    def reading_source(self) -> Reading:
        """How the table is read from the source."""
        columns = tuple(
            ReadColumn(column.source, column.kind, column.source_native, column.scale, column.padded)
            for column in self.columns
        )
        return Reading(self.source, columns, self.key)

    def reading_target(self) -> Reading:
        """How the table is read back from the target, in the form of the source."""
        names = {column.source: column.target for column in self.columns}
        columns = tuple(
            ReadColumn(column.target, column.kind, column.native, column.scale, column.padded)
            for column in self.columns
        )
        return Reading(self.target, columns, tuple(names[name] for name in self.key))

    def loading(self) -> Loading:
        """Where the table's chunks go."""
        columns = tuple(LoadColumn(c.target, c.kind, c.native, c.scale) for c in self.columns)
        return Loading(self.target, columns)


class Act(StrEnum):
    """What a step does. Steps before `COPY` make the target ready for rows, those behind it what rows would slow."""

    CREATE_SCHEMA = "create-schema"
    CREATE_TYPE = "create-type"
    CREATE_TABLE = "create-table"
    FREEZE = "freeze"
    COPY = "copy"
    ADD_KEY = "add-key"
    ADD_INDEX = "add-index"
    ADD_CHECK = "add-check"
    ADD_FOREIGN_KEY = "add-foreign-key"
    SET_SEQUENCE = "set-sequence"
    SET_COMMENT = "set-comment"
    CREATE_VIEW = "create-view"
    CREATE_TRIGGER = "create-trigger"
    VERIFY = "verify"
    PROVE = "prove"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its number, what it does, to what, and the target's statement where there is one.

    `VERIFY` of all tables comes behind `ADD_KEY` (ordered reading needs the keys) and before `CREATE_TRIGGER`.
    """

    number: int
    act: Act
    subject: str
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that will not carry over as it is: a reason code, where, and what happens to it instead."""

    code: str
    place: str
    detail: str
    carry: Carry


@dataclass(frozen=True, slots=True)
class Needs:
    """What the migration will take, estimated from the survey: bytes of the freeze and the target, seconds."""

    rows: int
    freeze_bytes: int
    target_bytes: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan. `source` and `target` are engines' names; `catalog` is the SHA-256 of the source's catalog file.

    `mapping` is the SHA-256 of the mapping file, or empty. `carried` says which rules of the type mapping were used.
    """

    source: str
    target: str
    catalog: str
    mapping: str
    tables: tuple[TablePlan, ...]
    steps: tuple[Step, ...]
    losses: tuple[Loss, ...]
    needs: Needs

    def table(self, number: int) -> TablePlan:
        """The table of this number. Raises KeyError."""
        for table in self.tables:
            if table.number == number:
                return table
        raise KeyError(number)

    def statements(self, *acts: Act) -> tuple[str, ...]:
        """The statements of these acts, in order."""
        return tuple(step.sql for step in self.steps if step.act in acts and step.sql)

    def refused(self) -> Iterator[Loss]:
        """What stands against carrying the plan out."""
        return (loss for loss in self.losses if loss.carry is Carry.REFUSED)

    def stand(self) -> None:
        """Raise RefusedError D605, naming every point, when something stands against the plan."""
        if points := sorted({f"{loss.code} {loss.place}" for loss in self.refused()}):
            raise RefusedError("D605", "; ".join(points))
