"""The rules of de-identification as a file: which column is changed how. Pure.

    [columns]                                the first pattern that fits a column's `table.column` decides
    "*.id_number" = "identity-number"        a valid identity number of nobody: region, birth year and check digit right
    "*.name" = "pseudonym"                   other letters, digits and characters, as many; the same wherever it occurs
    "*.birth_date" = "year"                  1 January of the year
    "*.paid_on" = "month"                    the first of the month
    "*.amount" = "round"                     to two significant digits
    "*.remark" = "blank"                     the empty text; NULL where the column may be NULL and is no text
    "*.kind" = "keep"                        as it is: for what says nothing of a person

A pseudonym is made with a key that is thrown away, so nobody can find the value again, not even who made it.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from formats.errors import UsageError
from migration.catalog import Catalog, Column, Kind, Table

RULES: Final = ("keep", "pseudonym", "identity-number", "year", "month", "round", "blank")

_DATED: Final = {Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ}
_COUNTED: Final = {Kind.INTEGER, Kind.DECIMAL, Kind.NUMBER, Kind.FLOAT}
_FITTING: Final[Mapping[str, set[Kind]]] = MappingProxyType(
    {
        "keep": set(Kind),
        "pseudonym": {Kind.TEXT, Kind.INTEGER, Kind.BYTES},
        "identity-number": {Kind.TEXT},
        "year": _DATED,
        "month": _DATED,
        "round": _COUNTED,
        "blank": set(Kind),
    }
)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a file: pattern and rule, in the file's order."""

    columns: tuple[tuple[str, str], ...]

    def rule(self, table: Table, column: Column) -> str | None:
        """The rule for a column, None if none fits."""
        name = f"{table.name}.{column.name}"
        return next((rule for pattern, rule in self.columns if fnmatchcase(name, pattern)), None)


def parse(text: str) -> Rules:
    """The rules in a file's text. Raises UsageError D695."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("D695", str(error)) from None
    columns = document.get("columns")
    if set(document) != {"columns"} or not isinstance(columns, dict):
        raise UsageError("D695", "the file has one section, [columns]")
    if wrong := [pattern for pattern, rule in columns.items() if rule not in RULES]:
        raise UsageError("D695", f"{wrong[0]}: the rules are {', '.join(RULES)}")
    return Rules(tuple(columns.items()))


def check(rules: Rules, catalog: Catalog) -> None:
    """Raise UsageError D695 for a column without a fitting rule, and for references whose two ends differ."""
    if wrong := list(_wrong(rules, catalog)):
        raise UsageError("D695", "; ".join(wrong[:20]))


def draft(catalog: Catalog) -> str:
    """A file to begin with: texts get pseudonyms, dates the year, amounts are rounded, other numbers are kept.

    Keys and what refers to them are kept when they are numbers, so somebody has to look at it.
    """
    lines = [
        f"{_quoted(f'{table.name}.{column.name}')} = {_quoted(_drafted(column))}" for table, column in catalog.columns()
    ]
    return "\n".join(["# Look at every line: what is kept must say nothing of a person.", "[columns]", *lines, ""])


def _wrong(rules: Rules, catalog: Catalog) -> Iterator[str]:
    for table, column in catalog.columns():
        rule = rules.rule(table, column)
        if rule is None:
            yield f"{table.name}.{column.name} has no rule"
        elif column.kind not in _FITTING[rule]:
            yield f"{table.name}.{column.name}: {rule} is not for {column.kind}"
        elif rule == "blank" and not column.nullable and column.kind is not Kind.TEXT:
            yield f"{table.name}.{column.name}: blank needs a column that may be NULL, or text"
        elif column.name in table.order and rule not in ("keep", "pseudonym", "identity-number"):
            yield f"{table.name}.{column.name} is of a key: {rule} would make rows alike"
    for table in catalog.tables:
        for reference in table.foreign:
            referred = catalog.table(reference.table)
            for one, other in zip(reference.columns, reference.referred, strict=True):
                if rules.rule(table, table.column(one)) != rules.rule(referred, referred.column(other)):
                    yield f"{table.name}.{one} refers to {referred.name}.{other}: both need the same rule"


def _drafted(column: Column) -> str:
    if column.kind is Kind.TEXT:
        return "pseudonym"
    if column.kind in _DATED:
        return "year"
    if column.kind in (Kind.DECIMAL, Kind.NUMBER, Kind.FLOAT) and column.scale != 0:
        return "round"
    return "keep" if column.kind in (Kind.INTEGER, Kind.DECIMAL, Kind.BOOLEAN, Kind.TIME) else "blank"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
