"""The mapping profile: where an office's business database keeps each value of the record, as data.

The same column code means different things in different offices and vintages, so nothing is ever mapped by the name of
a column alone: a profile says for every row type and every field of the record which table and column hold it and how
it is written there. A profile is TOML text; `profiles/canonical.toml` is the built-in one and explains every entry.
Row types and fields have their XML names (`monthTotal`, `employerDue`).

Shipped are `canonical` and two worked examples, `agency-aac` and `medical-platform`: a setting names one of them, or
the file of an office's own. `profile_rows.py` has what a profile says, as values.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from formats.conversions import KINDS, Rule
from formats.errors import UsageError
from formats.profile_rows import ROW_TYPES, Field, Profile, RowProfile

# The profiles that come with the program, by the names under which a setting asks for them.
SHIPPED = ("canonical", "agency-aac", "medical-platform")

# The service looks rows up by these and marks employers' ids with the office they come from: plain text columns.
_PLAIN = {
    "person": ("socialSecurityNumber", "name"),
    "employer": ("employerId",),
    "enrolment": ("employerId",),
    "contribution": ("employerId",),
}
_PLACES = {"money": (2,), "rate": (4, 6)}

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the sections of a profile share: code tables, codes whose rows are left out, private-use characters."""

    codes: Mapping[str, Pairs]
    leave: Mapping[str, tuple[str, ...]]
    characters: Pairs


@cache
def canonical() -> Profile:
    """The built-in profile, with the field's own codes as column names."""
    return shipped("canonical")


def canonical_text() -> str:
    """The TOML text of the built-in profile: what an office's own is best made from."""
    return shipped_text("canonical")


@cache
def shipped(name: str) -> Profile:
    """The profile of `SHIPPED` with this name. Raises UsageError S401 for another name."""
    return parse(shipped_text(name))


def shipped_text(name: str) -> str:
    """The TOML text of a shipped profile. Raises UsageError S401 for a name that is none of `SHIPPED`."""
    if name not in SHIPPED:
        raise UsageError("S401", f"no profile is called so; shipped are {', '.join(SHIPPED)}")
    return resources.files("formats").joinpath(f"profiles/{name}.toml").read_text(encoding="utf-8")


def parse(text: str) -> Profile:
    """The profile of a TOML text. Raises UsageError S415 that says what is wrong and where."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong("", f"not TOML: {error}") from None
    return of_document(document)


def of_document(document: Mapping[str, Any], always: Collection[str] = ("person", "employer")) -> Profile:
    """The profile of a TOML document that is parsed already; `always` cannot be absent. Raises UsageError S415."""
    _only(document, "", {"name", "codes", "leave", "privateUse", *ROW_TYPES})
    codes = {name: _pairs(_table(value, f"codes.{name}"), f"codes.{name}") for name, value in _sub(document, "codes")}
    characters = tuple(
        (_character(theirs), _character(ours))
        for theirs, ours in _pairs(_table(document.get("privateUse", {}), "privateUse"), "privateUse")
    )
    shared = _Shared(codes, _leave(document, codes), characters)
    rows = [_row(name, _table(document.get(name), name), shared) for name in ROW_TYPES]
    for row in rows:
        if not row.table and row.name in always:
            raise _wrong(f"{row.name}.absent", "this cannot be absent")
    return Profile(_string(document.get("name"), "name"), *rows)


def _leave(document: Mapping[str, Any], codes: Mapping[str, Pairs]) -> Mapping[str, tuple[str, ...]]:
    """The office's codes whose rows are no part of the record, by code table."""
    leave: dict[str, tuple[str, ...]] = {}
    for name, value in _sub(document, "leave"):
        where = f"leave.{name}"
        if name not in codes:
            raise _wrong(where, "must name a table [codes.NAME]")
        if not isinstance(value, list) or not all(isinstance(code, str) and code for code in value):
            raise _wrong(where, "must be a list of codes")
        if set(value) & {local for local, _ in codes[name]}:
            raise _wrong(where, "a code is mapped and left out at once")
        leave[name] = tuple(value)
    return leave


def _row(name: str, table: Mapping[str, Any], shared: _Shared) -> RowProfile[Any]:
    """One section `[name]` of a profile."""
    make = ROW_TYPES[name]
    expected = [_camel(field) for field in make._fields]
    if "absent" in table:
        return _absent(name, table, expected)
    person_number = () if name == "employer" else ("personNumber",)
    _only(table, name, {"table", "fields", "always", *person_number})
    number = _string(table.get("personNumber"), f"{name}.personNumber") if person_number else ""
    given = _table(table.get("fields"), f"{name}.fields")
    _only(given, f"{name}.fields", set(expected))
    fields = tuple(_field(f"{name}.fields", field, given.get(field), shared) for field in expected)
    always = tuple(
        (column, _string(value, f"{name}.always.{column}", empty=True)) for column, value in _sub(table, "always")
    )
    row = RowProfile(name, make, _string(table.get("table"), f"{name}.table"), number, fields, always)
    _check_columns(row)
    kinds = given.get("kind", {}).get("codes", "")
    misplaced = sorted({given[f].get("codes") for f in given if f != "kind"} & set(shared.leave))
    if misplaced:
        raise _wrong(f"leave.{misplaced[0]}", f"only the codes of kind can leave rows out, not those of {name}")
    return RowProfile(name, make, row.table, number, fields, always, shared.leave.get(kinds, ()))


def _absent(name: str, table: Mapping[str, Any], expected: Iterable[str]) -> RowProfile[Any]:
    """A section `absent = true`: the office has no rows of this type."""
    _only(table, name, {"absent"})
    if table["absent"] is not True:
        raise _wrong(f"{name}.absent", "can only be true")
    return RowProfile(name, ROW_TYPES[name], "", "", tuple(Field(field, "", Rule()) for field in expected))


def _check_columns(row: RowProfile[Any]) -> None:
    """Raise UsageError S415 for a column that is used twice, and for those that must be plain text and are not."""
    fields, name = row.fields, row.name
    columns = [row.person_number, *(f.column for f in fields), *(f.also for f in fields), *(c for c, _ in row.always)]
    used = [column for column in columns if column]
    if len(set(used)) < len(used):
        raise _wrong(name, "one column is used twice")
    stored = {field.name for field in fields if field.column}
    for field in fields:
        if field.name in _PLAIN.get(name, ()) and field.column and field.rule.kind + str(field.rule.codes) != "text()":
            raise _wrong(f"{name}.fields.{field.name}", "must be plain text, without codes")
        if field.same and (field.same not in stored or field.name in ("kind", "month", "employerId")):
            raise _wrong(f"{name}.fields.{field.name}.same", "must name another field that has a column")
    if name in ("person", "employer") and not stored.issuperset(_PLAIN[name]):
        raise _wrong(f"{name}.fields", f"{' and '.join(_PLAIN[name])} must be columns")


def _field(where: str, name: str, entry: Any, shared: _Shared) -> Field:
    """One entry `name = { column = …, as = … }` of a section's fields."""
    where = f"{where}.{name}"
    table = _table(entry, where)
    if "constant" in table:
        _only(table, where, {"constant"})
        return Field(name, "", Rule(), _string(table["constant"], f"{where}.constant", empty=True))
    if "same" in table:
        _only(table, where, {"same"})
        return Field(name, "", Rule(), same=_string(table["same"], f"{where}.same"))
    _only(table, where, {"column", "also", "as", "places", "codes"})
    column = _string(table.get("column"), f"{where}.column")
    also = _string(table["also"], f"{where}.also") if "also" in table else ""
    return Field(name, column, _rule(where, table, shared), also=also)


def _rule(where: str, table: Mapping[str, Any], shared: _Shared) -> Rule:
    """How the column of a field is converted."""
    kind = table.get("as", "text")
    if kind not in KINDS:
        raise _wrong(f"{where}.as", f"must be one of {', '.join(KINDS)}")
    places = table.get("places", _PLACES.get(kind, (0,))[0])
    if places not in _PLACES.get(kind, (0,)):
        raise _wrong(f"{where}.places", "a rate has 4 or 6 places; nothing else has this setting")
    if "codes" not in table:
        return Rule(kind, places, characters=shared.characters if kind == "text" else ())
    if kind != "text" or table["codes"] not in shared.codes:
        raise _wrong(f"{where}.codes", "must name a table [codes.NAME], for text only")
    return Rule(codes=shared.codes[table["codes"]])


def _pairs(table: Mapping[str, Any], where: str) -> Pairs:
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


__all__ = [
    "ROW_TYPES",
    "SHIPPED",
    "Field",
    "Profile",
    "RowProfile",
    "canonical",
    "canonical_text",
    "of_document",
    "parse",
    "shipped",
    "shipped_text",
]
