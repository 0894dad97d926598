"""What a mapping profile says, as values: rows of an office's database become rows of the record and back.

Everything here is pure: rows in, rows out. `from_rows` and `to_rows` work column by column and undo each other. How a
profile is written, and which are shipped, is in `profile.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any, Generic, TypeVar

from formats.conversions import Cell, Rule, UnknownCodeError, to_cell, to_record
from formats.errors import UsageError
from formats.record import (
    AccountYear,
    Benefit,
    Contribution,
    Employer,
    Enrolment,
    MonthTotal,
    OtherEntry,
    Person,
    Subsidy,
)

RowT = TypeVar("RowT", bound=tuple[str, ...])

# XML name of the row type -> its class, in the order of the record.
ROW_TYPES: Mapping[str, type[Any]] = {
    "person": Person,
    "employer": Employer,
    "enrolment": Enrolment,
    "contribution": Contribution,
    "subsidy": Subsidy,
    "benefit": Benefit,
    "monthTotal": MonthTotal,
    "accountYear": AccountYear,
    "entry": OtherEntry,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a row type: a column and its conversion, or (`column` empty) `same` or a constant.

    `same`: the field of the same row that has this value too. `also`: a second column that must hold the same cell.
    """

    name: str
    column: str
    rule: Rule
    constant: str = ""
    same: str = ""
    also: str = ""


@dataclass(frozen=True, slots=True)
class RowProfile(Generic[RowT]):
    """Where the rows of one type are.

    `fields` stand in the order of the row class; `person_number` is empty for employers, which belong to no person.
    `always`: (column, value) of columns with one fixed value. `leave`: the office's codes in the column of `kind` whose
    rows are declared to be no part of the record. An empty `table`: the office has no rows of this type.
    """

    name: str
    make: type[RowT]
    table: str
    person_number: str
    fields: tuple[Field, ...]
    always: tuple[tuple[str, str], ...] = ()
    leave: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that `from_rows` expects and `to_rows` gives, in this order: those of the fields."""
        return tuple(field.column for field in self.fields if field.column)

    def field(self, name: str) -> Field:
        """The field with this XML name. Raises KeyError."""
        return self.fields[self.index(name)]

    def index(self, name: str) -> int:
        """The place of this field in the row. Raises KeyError."""
        for number, field in enumerate(self.fields):
            if field.name == name:
                return number
        raise KeyError(name)

    def from_rows(self, rows: Sequence[Sequence[Cell]]) -> tuple[RowT, ...]:
        """The record's rows of database rows (the cells of `columns`). Raises UsageError S415, S460."""
        cells = iter(zip(*rows, strict=True)) if rows else repeat(())
        return self.assemble(
            self.complete({field.name: self.values(field, next(cells)) for field in self._stored()}, len(rows))
        )

    def to_rows(self, rows: Sequence[RowT]) -> list[tuple[Cell, ...]]:
        """The database rows (the cells of `columns`) of the record's rows. Raises UsageError S415, S460."""
        return list(zip(*self.cells(list(zip(*rows, strict=True))), strict=True)) if rows else []

    def complete(self, values: Mapping[str, list[str]], count: int) -> list[list[str]]:
        """The values of all fields, one list a field, from those of the fields that have a column."""
        fixed = {field.name: [field.constant] * count for field in self.fields if not field.column}
        whole = fixed | dict(values)
        return [whole[field.same or field.name] for field in self.fields]

    def values(self, field: Field, cells: Iterable[Cell]) -> list[str]:
        """The record's values of the cells of one field's column.

        Raises UsageError naming table and column: S460 for a code that the profile's code table lacks, S415 else.
        """
        return self._converted(to_record(field.rule), field, cells)

    def assemble(self, values: Sequence[Iterable[str]]) -> tuple[RowT, ...]:
        """The rows of the record from one list of values a field."""
        # As many values as fields by construction, so the check that _make does is not needed; it takes a third more.
        return tuple(map(partial(tuple.__new__, self.make), zip(*values, strict=True)))

    def cells(self, values: Sequence[Sequence[str]]) -> list[list[Cell]]:
        """The database's cells, one list a column, from one sequence of the record's values a field.

        Raises UsageError S415 for a value that the office's database cannot hold: one that is no such month or amount,
        that differs from the constant or the other field of a field without a column, or a row of a type that it has
        not; S460 for a code that the profile's code table lacks.
        """
        cells, by_name = [], dict(zip((field.name for field in self.fields), values, strict=True))
        if not self.table:
            raise UsageError("S415", f"{self.name}: the profile says that the office has no such rows")
        for field, column in zip(self.fields, values, strict=True):
            if field.column:
                cells.append(self._converted(to_cell(field.rule), field, column))
            elif field.same and list(column) != list(by_name[field.same]):
                raise UsageError("S415", f"{self.name}.{field.name}: the profile has it equal to {field.same}")
            elif not field.same and any(value != field.constant for value in column):
                raise UsageError("S415", f"{self.name}.{field.name}: the profile has only a constant for this value")
        return cells

    @property
    def lacks(self) -> tuple[str, ...]:
        """The fields that the office cannot hold as values of their own: constants, and what equals another field."""
        return tuple(field.name for field in self.fields if not field.column) if self.table else ("*",)

    def _stored(self) -> Iterator[Field]:
        return (field for field in self.fields if field.column)

    def _converted(self, conversion: Mapping[Any, Any], field: Field, column: Iterable[Any]) -> list[Any]:
        try:
            return list(map(conversion.__getitem__, column))
        except ValueError as error:
            code = "S460" if isinstance(error, UnknownCodeError) else "S415"
            raise UsageError(code, f"{self.table}.{field.column} ({self.name}.{field.name}): {error}") from None


@dataclass(frozen=True, slots=True)
class Profile:
    """A mapping profile: one `RowProfile` for every row type."""

    name: str
    person: RowProfile[Person]
    employer: RowProfile[Employer]
    enrolment: RowProfile[Enrolment]
    contribution: RowProfile[Contribution]
    subsidy: RowProfile[Subsidy]
    benefit: RowProfile[Benefit]
    month_total: RowProfile[MonthTotal]
    account_year: RowProfile[AccountYear]
    entry: RowProfile[OtherEntry]

    @property
    def parts(self) -> dict[str, RowProfile[Any]]:
        """The fields of `Record` after person and employers, each with where its rows are, in the record's order."""
        return {
            "enrolments": self.enrolment,
            "contributions": self.contribution,
            "subsidies": self.subsidy,
            "benefits": self.benefit,
            "months": self.month_total,
            "account": self.account_year,
            "other": self.entry,
        }

    @property
    def rows(self) -> tuple[RowProfile[Any], ...]:
        """All row profiles, in the order of the record."""
        return (self.person, self.employer, *self.parts.values())

    @property
    def lacks(self) -> tuple[str, ...]:
        """What of a record the office cannot hold, as `rowType.field`; `rowType.*` where it has no such rows."""
        return tuple(f"{row.name}.{field}" for row in self.rows for field in row.lacks)
