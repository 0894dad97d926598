"""What happens to a cell on its way by a declared rule: the rules of a mapping file, fitted to a plan. Pure.

A rule of [[convert]] holds for one column; zero-date and nul-character of [values] for every date and every text, if
the target has no place for such values. Columns of keys are never altered: rows would change their order and might
become one. Rules cross processes.
"""

import re
from collections.abc import Mapping as Table
from dataclasses import dataclass
from typing import Final

from formats.errors import UsageError
from migration.catalog import Kind
from migration.mapping import Conversion, Mapping
from migration.plan import ColumnPlan, Plan, TablePlan

ZERO_DATE: Final = "zero-date"
NUL_CHARACTER: Final = "nul-character"

# Engines that hold such values themselves: there nothing has to happen to them.
_ZERO_DATES: Final = {"mariadb"}
_NUL_CHARACTERS: Final = {"mariadb", "sqlite", "oracle", "dameng"}

_DAY: Final = r"\d{4}-\d\d-\d\d"
_CLOCK: Final = r"\d\d:\d\d:\d\d\.\d{6}"
_FORMS: Final = {
    Kind.INTEGER: r"0|-?[1-9]\d*",
    Kind.NUMBER: r"(?!-0(?:\.0+)?$)-?(?:0|[1-9]\d*)(?:\.\d+)?",
    Kind.BYTES: r"\\x(?:[0-9a-f]{2})*",
    Kind.BOOLEAN: r"[01]",
    Kind.DATE: _DAY,
    Kind.TIME: _CLOCK,
    Kind.TIMESTAMP: f"{_DAY} {_CLOCK}",
    Kind.TIMESTAMPTZ: rf"{_DAY} {_CLOCK}\+00",
}
_CLOCKS: Final = {Kind.DATE: "", Kind.TIMESTAMP: " 00:00:00.000000", Kind.TIMESTAMPTZ: " 00:00:00.000000+00"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to the cells of one column.

    `name` is the conversion's, or `zero-date`, `nul-character`; `place` the column's number in a row, from 0; `key`
    whether it is one of the key's: then the rule finds cells and refuses them. A cell that equals one of `values`
    becomes the value beside it; a part of a cell, where `inside`. `closed`: a cell that is not listed is refused.
    """

    name: str
    column: str
    place: int
    values: dict[str, str | None]
    key: bool = False
    inside: bool = False
    closed: bool = False

    def concerns(self, cell: str) -> bool:
        """Whether the rule says something about this cell."""
        return any(part in cell for part in self.values) if self.inside else self.closed or cell in self.values

    def refuses(self, cell: str) -> bool:
        """Whether a cell that the rule concerns must not pass."""
        return self.key or (self.closed and cell not in self.values)

    def new(self, cell: str) -> str | None:
        """What becomes of a cell that the rule concerns and does not refuse."""
        if not self.inside:
            return self.values[cell]
        for old, new in self.values.items():
            cell = cell.replace(old, new or "")
        return cell


@dataclass(frozen=True, slots=True)
class TableRules:
    """The rules of one table: those of [[convert]], which look at every row, and those for marks seldom seen.

    `marked` are the rules that hold only where the bytes of a chunk have this mark in them.
    """

    listed: tuple[Rule, ...] = ()
    marked: tuple[tuple[bytes, tuple[Rule, ...]], ...] = ()

    def active(self, data: bytes) -> tuple[Rule, ...]:
        """The rules that may have something to do in these canonical bytes; those for marks first."""
        return (*(rule for mark, rules in self.marked if mark in data for rule in rules), *self.listed)

    @property
    def quiet(self) -> bool:
        """Whether there is no rule."""
        return not self.listed and not self.marked


Rules = dict[int, TableRules]  # by the table's number in the plan; a table without rules is not in it


def check_rules(plan: Plan, mapping: Mapping) -> Rules:
    """The rules of every table that has some.

    Raises UsageError D603 for a conversion of no column of the plan, a second one of a column, or values that are not
    of the column's kind; D645 for one of a key's column.
    """
    columns = {f"{table.source}.{c.source}": (table, n) for table in plan.tables for n, c in enumerate(table.columns)}
    listed: dict[str, Rule] = {}
    for conversion in mapping.conversions:
        if conversion.column not in columns:
            raise UsageError("D603", f"{conversion.name}: the plan has no column {conversion.column}")
        if conversion.column in listed:
            raise UsageError("D603", f"{conversion.name}: {conversion.column} has a conversion already")
        listed[conversion.column] = _listed(conversion, *columns[conversion.column])
    found = {table.number: _table(plan, table, listed, mapping.values) for table in plan.tables}
    return {number: rules for number, rules in found.items() if not rules.quiet}


def _table(plan: Plan, table: TablePlan, listed: Table[str, Rule], values: Table[str, str]) -> TableRules:
    own = (listed.get(f"{table.source}.{column.source}") for column in table.columns)
    marked = []
    if ZERO_DATE in values and plan.target not in _ZERO_DATES:
        marked.append((b'"0000-00-00', _zero_dates(table, values[ZERO_DATE])))
    if NUL_CHARACTER in values and plan.target not in _NUL_CHARACTERS:
        marked.append((b"\0", _nul_characters(table, values[NUL_CHARACTER])))
    return TableRules(tuple(rule for rule in own if rule), tuple((mark, rules) for mark, rules in marked if rules))


def _listed(conversion: Conversion, table: TablePlan, place: int) -> Rule:
    column = table.columns[place]
    if column.source in table.key:
        raise UsageError("D645", f"{conversion.name}: {conversion.column}")
    form = _form(column)
    if form and not all(re.fullmatch(form, text) for pair in conversion.values.items() for text in pair):
        raise UsageError("D603", f"{conversion.name}: a value is not as a {column.kind} is written")
    closed = conversion.otherwise == "refuse"
    return Rule(conversion.name, column.source, place, dict(conversion.values), closed=closed)


def _form(column: ColumnPlan) -> str:
    """How the canonical text of a column's values looks; empty where anything goes."""
    if column.kind is Kind.DECIMAL:
        return r"-?(?:0|[1-9]\d*)" + (rf"\.\d{{{column.scale}}}" if column.scale else "")
    return _FORMS.get(column.kind, "")


def _zero_dates(table: TablePlan, to: str) -> tuple[Rule, ...]:
    if to != "null" and not re.fullmatch(_DAY, to):
        raise UsageError("D603", f"[values] {ZERO_DATE} is null or a date")
    rules = []
    for place, column in enumerate(table.columns):
        if column.kind in _CLOCKS:
            clock = _CLOCKS[column.kind]
            values = {f"0000-00-00{clock}": None if to == "null" else to + clock}
            rules.append(Rule(ZERO_DATE, column.source, place, values, key=column.source in table.key))
    return tuple(rules)


def _nul_characters(table: TablePlan, to: str) -> tuple[Rule, ...]:
    new = "" if to == "remove" else to
    if "\0" in new:
        raise UsageError("D603", f"[values] {NUL_CHARACTER} is remove or a text without it")
    return tuple(
        Rule(NUL_CHARACTER, column.source, place, {"\0": new}, key=column.source in table.key, inside=True)
        for place, column in enumerate(table.columns)
        if column.kind in {Kind.TEXT, Kind.OTHER}
    )
