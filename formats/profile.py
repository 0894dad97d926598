"""The mapping profile: where an office's business database keeps each value of the record, as data.

The same column code means different things in different offices and vintages, so nothing is ever mapped by the name of
a column alone: a profile says for every row type and every field of the record which table and column hold it and how
it is written there. A profile is TOML text; `profiles/canonical.toml` is the built-in one and explains every entry.
Row types and fields have their XML names (`monthTotal`, `employerDue`).

Everything here is pure: rows in, rows out. `from_rows` and `to_rows` work column by column and undo each other.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from itertools import repeat
from typing import Any, Generic, TypeVar

from formats.conversions import KINDS, Cell, Rule, to_cell, to_record
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

# The service looks rows up by these and marks employers' ids with the office they come from: plain text columns.
_PLAIN = {
    "person": ("socialSecurityNumber", "name"),
    "employer": ("employerId",),
    "enrolment": ("employerId",),
    "contribution": ("employerId",),
}
_PLACES = {"money": (2,), "rate": (4, 6)}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a row type: a column and its conversion, or (`column` empty) a constant."""

    name: str
    column: str
    rule: Rule
    constant: str = ""


@dataclass(frozen=True, slots=True)
class RowProfile(Generic[RowT]):
    """Where the rows of one type are.

    `fields` stand in the order of the row class; `person_number` is empty for employers, which belong to no person.
    `always`: (column, value) of columns with one fixed value.
    """

    name: str
    make: type[RowT]
    table: str
    person_number: str
    fields: tuple[Field, ...]
    always: tuple[tuple[str, str], ...] = ()

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
        """The record's rows of database rows (the cells of `columns`). Raises UsageError S415."""
        cells = iter(zip(*rows, strict=True)) if rows else repeat(())
        return self.assemble(
            [self.values(field, next(cells)) if field.column else [field.constant] * len(rows) for field in self.fields]
        )

    def to_rows(self, rows: Sequence[RowT]) -> list[tuple[Cell, ...]]:
        """The database rows (the cells of `columns`) of the record's rows. Raises UsageError S415."""
        return list(zip(*self.cells(list(zip(*rows, strict=True))), strict=True)) if rows else []

    def values(self, field: Field, cells: Iterable[Cell]) -> list[str]:
        """The record's values of the cells of one field's column. Raises UsageError S415 naming table and column."""
        return self._converted(to_record(field.rule), field, cells)

    def assemble(self, values: Sequence[Iterable[str]]) -> tuple[RowT, ...]:
        """The rows of the record from one list of values a field."""
        # As many values as fields by construction, so the check that _make does is not needed; it takes a third more.
        return tuple(map(partial(tuple.__new__, self.make), zip(*values, strict=True)))

    def cells(self, values: Sequence[Sequence[str]]) -> list[list[Cell]]:
        """The database's cells, one list a column, from one sequence of the record's values a field.

        Raises UsageError S415 for a value that the office's database cannot hold: one that is no such month, amount or
        code, or that differs from the constant of a field without a column.
        """
        cells = []
        for field, column in zip(self.fields, values, strict=True):
            if field.column:
                cells.append(self._converted(to_cell(field.rule), field, column))
            elif any(value != field.constant for value in column):
                raise UsageError("S415", f"{self.name}.{field.name}: the profile has only a constant for this value")
        return cells

    def _converted(self, conversion: Mapping[Any, Any], field: Field, column: Iterable[Any]) -> list[Any]:
        try:
            return list(map(conversion.__getitem__, column))
        except ValueError as error:
            raise UsageError("S415", f"{self.table}.{field.column} ({self.name}.{field.name}): {error}") from None


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


@cache
def canonical() -> Profile:
    """The built-in profile, with the field's own codes as column names."""
    return parse(canonical_text())


def canonical_text() -> str:
    """The TOML text of the built-in profile: what an office's own is best made from."""
    return resources.files("formats").joinpath("profiles/canonical.toml").read_text(encoding="utf-8")


def parse(text: str) -> Profile:
    """The profile of a TOML text. Raises UsageError S415 that says what is wrong and where."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong("", f"not TOML: {error}") from None
    _only(document, "", {"name", "codes", "privateUse", *ROW_TYPES})
    codes = {name: _pairs(_table(value, f"codes.{name}"), f"codes.{name}") for name, value in _sub(document, "codes")}
    characters = tuple(
        (_character(theirs), _character(ours))
        for theirs, ours in _pairs(_table(document.get("privateUse", {}), "privateUse"), "privateUse")
    )
    rows = [_row(name, _table(document.get(name), name), codes, characters) for name in ROW_TYPES]
    return Profile(_string(document.get("name"), "name"), *rows)


def _row(
    name: str,
    table: Mapping[str, Any],
    codes: Mapping[str, tuple[tuple[str, str], ...]],
    characters: tuple[tuple[str, str], ...],
) -> RowProfile[Any]:
    """One section `[name]` of a profile."""
    make = ROW_TYPES[name]
    person_number = () if name == "employer" else ("personNumber",)
    _only(table, name, {"table", "fields", "always", *person_number})
    number = _string(table.get("personNumber"), f"{name}.personNumber") if person_number else ""
    given = _table(table.get("fields"), f"{name}.fields")
    expected = [_camel(field) for field in make._fields]
    _only(given, f"{name}.fields", set(expected))
    fields = tuple(_field(f"{name}.fields", field, given.get(field), codes, characters) for field in expected)
    always = tuple(
        (column, _string(value, f"{name}.always.{column}", empty=True)) for column, value in _sub(table, "always")
    )
    used = [column for column in (number, *(f.column for f in fields), *(c for c, _ in always)) if column]
    if len(set(used)) < len(used):
        raise _wrong(name, "one column is used twice")
    for field in fields:
        if field.name in _PLAIN.get(name, ()) and field.column and field.rule.kind + str(field.rule.codes) != "text()":
            raise _wrong(f"{name}.fields.{field.name}", "must be plain text, without codes")
    if name in ("person", "employer") and not all(f.column for f in fields if f.name in _PLAIN[name]):
        raise _wrong(f"{name}.fields", f"{' and '.join(_PLAIN[name])} must be columns")
    return RowProfile(name, make, _string(table.get("table"), f"{name}.table"), number, fields, always)


def _field(
    where: str,
    name: str,
    entry: Any,
    codes: Mapping[str, tuple[tuple[str, str], ...]],
    characters: tuple[tuple[str, str], ...],
) -> Field:
    """One entry `name = { column = …, as = … }` of a section's fields."""
    where = f"{where}.{name}"
    table = _table(entry, where)
    if "constant" in table:
        _only(table, where, {"constant"})
        return Field(name, "", Rule(), _string(table["constant"], f"{where}.constant", empty=True))
    _only(table, where, {"column", "as", "places", "codes"})
    column = _string(table.get("column"), f"{where}.column")
    kind = table.get("as", "text")
    if kind not in KINDS:
        raise _wrong(f"{where}.as", f"must be one of {', '.join(KINDS)}")
    places = table.get("places", _PLACES.get(kind, (0,))[0])
    if places not in _PLACES.get(kind, (0,)):
        raise _wrong(f"{where}.places", "a rate has 4 or 6 places; nothing else has this setting")
    if "codes" not in table:
        return Field(name, column, Rule(kind, places, characters=characters if kind == "text" else ()))
    if kind != "text" or table["codes"] not in codes:
        raise _wrong(f"{where}.codes", "must name a table [codes.NAME], for text only")
    return Field(name, column, Rule(codes=codes[table["codes"]]))


def _pairs(table: Mapping[str, Any], where: str) -> tuple[tuple[str, str], ...]:
    """The pairs of a table that must be one to one, so that nothing is lost either way."""
    pairs = tuple((key, _string(value, f"{where}.{key}")) for key, value in table.items())
    if len({value for _, value in pairs}) < len(pairs):
        raise _wrong(where, "must be one to one: two entries have the same value")
    return pairs


def _character(text: str) -> str:
    """`U+FE10` as the character itself."""
    if not re.fullmatch(r"U\+(?!D[89A-F])(?:[0-9A-F]{4,5}|10[0-9A-F]{4})", text):
        raise _wrong("privateUse", "characters are written U+XXXX")
    return chr(int(text.removeprefix("U+"), base=16))


def _sub(table: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    """The entries of a section that may be missing."""
    return _table(table.get(name, {}), name).items()


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "this section is missing" if value is None else "must be a table")
    return value


def _string(value: Any, where: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or empty):
        raise _wrong(where, "this entry is missing" if value is None else "must be text")
    return value


def _only(table: Mapping[str, Any], where: str, known: set[str]) -> None:
    """Refuse entries that mean nothing: a slip of the pen must not silently be left out."""
    if unknown := sorted(set(table) - known):
        raise _wrong(where, f"unknown: {', '.join(unknown)}")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _wrong(where: str, what: str) -> UsageError:
    return UsageError("S415", f"profile, {where}: {what}" if where else f"profile: {what}")
