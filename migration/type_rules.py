"""Which type of the target holds a column: by the table `tables/types.csv`, as data. Pure but for reading it.

A row is right for a column when target and kind are its own, its measure (`natives.measure`) is at most `at_most`, and
`where` holds: `padded`, `plain` (in no key), `length` (of a known length). The first one counts. In a type `{n}` is the
length, `{p}` and `{s}` digits in all and behind the point, `{wide}` at least 38 digits.
"""

import csv
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Final

from migration.catalog import Column, Kind
from migration.dialects import DIALECTS, kin
from migration.natives import measure, parse
from migration.plan import Carry

# Types that the family of PostgreSQL has in common; what else one of them has goes by the rules.
_COMMON: Final = {
    *("smallint", "integer", "bigint", "numeric", "real", "double precision", "text", "character varying", "character"),
    *("bytea", "boolean", "date", "time without time zone", "timestamp without time zone", "timestamp with time zone"),
    *("uuid", "json", "jsonb", "interval", "inet", "cidr", "macaddr", "bit", "bit varying", "money", "tsvector"),
}
_FIXED: Final = frozenset({"numeric", "decimal"})
_DEEPEST: Final = 30  # digits behind the point that MariaDB and MySQL both hold
_KEY_LENGTH: Final = 255
_UNTYPED: Final = ("", "any")  # columns of SQLite that keep a number and its digits as text apart
_CLASSES: Final = "numbers beside texts become texts, and numbers such as 2.0 whole numbers: the values stay"
DECLARED: Final = "mapping file"  # the rule of a type that the site says


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. `at_most` is None for no limit; `note` says what a declared rule does."""

    kind: Kind
    at_most: int | None
    where: str
    native: str
    carry: Carry
    name: str
    note: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The type that was chosen, how values get over, by which rule; `code` and `note` when that is to be told."""

    native: str
    carry: Carry
    rule: str
    code: str = ""
    note: str = ""


@cache
def rules(target: str) -> tuple[Rule, ...]:
    """The rules for this target, in order; of its family where it has none of its own."""
    table = resources.files("migration").joinpath("tables/types.csv").read_text(encoding="utf-8")
    rows = tuple(csv.DictReader(table.splitlines()))
    own = [row for row in rows if row["target"] == target]
    return tuple(
        Rule(
            Kind(row["kind"]),
            int(row["at_most"]) if row["at_most"] else None,
            row["where"],
            row["native"],
            Carry(row["carry"]),
            row["rule"],
            row["note"],
        )
        for row in own or [row for row in rows if row["target"] == DIALECTS[target].family]
    )


def choose(column: Column, source: str, target: str, *, keyed: bool) -> Choice:
    """The target's type for a column of the source's engine; `keyed`: it is part of a key. Never raises: may refuse."""
    if source == target == "sqlite" and column.native in _UNTYPED and column.kind in (Kind.NUMBER, Kind.OTHER):
        return Choice(column.native, Carry.DECLARED, "as-its-text", "D624", _CLASSES)
    if source == target or (kin(source, target) and parse(column.native).base in _COMMON):
        return Choice(column.native, Carry.EXACT, "same")
    size = measure(column, source)
    for rule in rules(target):
        if rule.kind is column.kind and _fits(rule, size) and _holds(rule.where, column, keyed=keyed):
            return _chosen(rule, column, target)
    return _refused(column, size, keyed=keyed)


def loses_zeros(source: str, target: str, native: str) -> bool:
    """Whether a number that PostgreSQL has with zeros at its end is without them in a column of this type."""
    if source not in DIALECTS or DIALECTS[source].family != "postgresql":
        return False
    wanted = parse(native)
    return DIALECTS[target].family != "postgresql" or (wanted.base in _FIXED and wanted.first is not None)


def with_zeros(choice: Choice) -> Choice:
    """The choice for a column of such numbers."""
    note = "; ".join(filter(None, (choice.note, "zeros at the end of a number are not kept: 1.50 is 1.5")))
    return choice if choice.carry is Carry.REFUSED else replace(choice, carry=Carry.DECLARED, code="D624", note=note)


def of_length(column: Column, longest: int | None, target: str) -> Column:
    """A text of a key that has no length, with one that the target's keys allow and all of its values fit in."""
    if column.kind is not Kind.TEXT or column.length is not None or longest is None:
        return column
    most = max((rule.at_most or 0 for rule in rules(target) if rule.kind is Kind.TEXT and not rule.where), default=0)
    fitting = next((length for length in (_KEY_LENGTH, most) if longest <= length <= most), None)
    return replace(column, length=fitting) if fitting and _needs_length(target) else column


def of_key(choice: Choice) -> Choice:
    """The choice for a column whose length only the survey's values give."""
    note = f"{choice.native}, because all values of the survey fit: the target's keys have a length"
    return replace(choice, carry=Carry.DECLARED, rule="text-in-key", code="D624", note=note)


def declared(column: Column, native: str) -> Choice:
    """The type that the mapping file says; refused where it has fewer digits than the column."""
    wanted = parse(native)
    digits = column.kind in (Kind.DECIMAL, Kind.NUMBER) and column.precision is not None
    if digits and wanted.base in ("numeric", "decimal", "number") and wanted.first is not None:
        scale, own = wanted.second or 0, column.scale or 0
        if scale < own or wanted.first - scale < (column.precision or 0) - own:
            return Choice(native, Carry.REFUSED, DECLARED, "D614", f"{native} has fewer digits than the source")
    return Choice(native, Carry.DECLARED, DECLARED, "D624", f"{column.native or 'no type'} as {native}")


def _needs_length(target: str) -> bool:
    """Whether the target's keys take only texts of a length."""
    return all(rule.where for rule in rules(target) if rule.kind is Kind.TEXT and rule.at_most is None)


def _fits(rule: Rule, size: int | None) -> bool:
    return rule.at_most is None or (size is not None and size <= rule.at_most)


def _holds(where: str, column: Column, *, keyed: bool) -> bool:
    return {
        "": True,
        "padded": column.padded,
        "plain": not keyed,
        "length": column.length is not None,
    }[where]


def _chosen(rule: Rule, column: Column, target: str) -> Choice:
    scale = column.scale or 0
    digits = max((column.precision or 0) - min(scale, 0), scale, 1)
    scale = max(scale, 0)
    if target == "mariadb" and column.kind in (Kind.DECIMAL, Kind.NUMBER) and scale > _DEEPEST:
        return Choice("", Carry.REFUSED, "", "D614", f"{scale} digits behind the point are more than {_DEEPEST}")
    wide = min(65, max(38, digits))
    native = rule.native.format(n=column.length, p=digits, s=scale, wide=wide)
    code = "D624" if rule.carry is Carry.DECLARED else ""
    return Choice(native, rule.carry, rule.name, code, rule.note)


def _refused(column: Column, size: int | None, *, keyed: bool) -> Choice:
    if column.kind is Kind.NUMBER:
        what = "digits are not known" if size is None else f"{size} digits are more than the target holds"
        hint = "say in [columns] which type holds them"
    elif keyed and column.kind in (Kind.TEXT, Kind.BYTES, Kind.OTHER):
        what = "a key of no length" if size is None else f"a key of length {size} is longer than the target's keys"
        hint = 'say a length in [columns], such as "varchar(255)"'
    else:
        what = f"the target has no type for {column.native or column.kind}"
        hint = "say one in [columns], or [leave] the table"
    code = "D623" if column.kind not in (Kind.NUMBER, Kind.DECIMAL) and not keyed else "D614"
    return Choice("", Carry.REFUSED, "", code, f"{what}: {hint}")
