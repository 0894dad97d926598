"""A site's mapping file as values: its own types, names, and conversions of values on the way. Pure.

[types]                                  a source type, as the survey shows it, to a target type
"numeric" = "numeric(20,4)"

[columns]                                one column's target type; goes before [types]
"public.person.id_number" = "varchar(18)"

[names]                                  a table's or a column's name in the target
"public.order" = "orders"
"public.person.desc" = "description"

[leave]                                  tables that are not carried, with the reason
"public.tmp_import" = "scratch table"

[values]                                 how values are carried that the target has no place for; each is listed
zero-date = "null"                       0000-00-00: "null", or a date
nul-character = "remove"                 0x00 in text: "remove", or a replacement text

[[convert]]                              legacy codes to national ones; each altered value is listed
name = "insurance kinds 2024"
column = "public.contrib.ins_type"
values = { "1" = "110", "2" = "210" }    or: file = "kinds.csv", two columns, beside the mapping file
otherwise = "refuse"                     or "keep": what happens to a value that is not listed; NULL stays NULL
"""

import csv
import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Literal

from formats.errors import UsageError

_SECTIONS = {"types", "columns", "names", "leave", "values", "convert"}
_VALUES = {"zero-date", "nul-character"}
_NONE: Table[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Conversion:
    """Values of one column on the way: `column` is `table.column` in the source's names, `values` old to new."""

    name: str
    column: str
    values: Table[str, str]
    otherwise: Literal["refuse", "keep"]


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a site decides for itself. Without a file nothing is decided."""

    types: Table[str, str] = field(default_factory=lambda: _NONE)
    columns: Table[str, str] = field(default_factory=lambda: _NONE)
    names: Table[str, str] = field(default_factory=lambda: _NONE)
    leave: Table[str, str] = field(default_factory=lambda: _NONE)
    values: Table[str, str] = field(default_factory=lambda: _NONE)
    conversions: tuple[Conversion, ...] = ()


def parse(text: str, files: Table[str, str] = _NONE) -> Mapping:
    """The mapping in a file's text; `files` are the texts of the files it names. Raises UsageError D603."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("D603", str(error)) from None
    if unknown := set(document) - _SECTIONS:
        raise UsageError("D603", f"unknown section {', '.join(sorted(unknown))}")
    sections = {name: _texts(document, name) for name in _SECTIONS - {"convert"}}
    if unknown := set(sections["values"]) - _VALUES:
        raise UsageError("D603", f"[values]: unknown {', '.join(sorted(unknown))}")
    entries = document.get("convert", [])
    if not isinstance(entries, list):
        raise UsageError("D603", "[[convert]] is not a list of tables")
    return Mapping(**sections, conversions=tuple(_conversion(entry, files) for entry in entries))


def named_files(text: str) -> tuple[str, ...]:
    """The files that a mapping file names, relative to it: the caller reads them. Raises UsageError D603."""
    try:
        entries = tomllib.loads(text).get("convert", [])
    except tomllib.TOMLDecodeError as error:
        raise UsageError("D603", str(error)) from None
    names = tuple(entry["file"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("file"), str))
    for name in names:
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
            raise UsageError("D603", f"{name} does not lie beside the mapping file")
    return names


def _texts(document: Table[str, Any], section: str) -> Table[str, str]:
    found = document.get(section, {})
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise UsageError("D603", f"[{section}] is not a table of texts")
    return MappingProxyType(found)


def _conversion(entry: object, files: Table[str, str]) -> Conversion:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in ("name", "column")):
        raise UsageError("D603", "[[convert]] needs name and column")
    name, otherwise = entry["name"], entry.get("otherwise", "refuse")
    if otherwise not in ("refuse", "keep"):
        raise UsageError("D603", f"{name}: otherwise is refuse or keep")
    if unknown := set(entry) - {"name", "column", "values", "file", "otherwise"}:
        raise UsageError("D603", f"{name}: unknown {', '.join(sorted(unknown))}")
    values = _listed(name, files[entry["file"]]) if "file" in entry else _texts(entry, "values")
    if not values:
        raise UsageError("D603", f"{name}: no values")
    return Conversion(name, entry["column"], values, otherwise)


def _listed(name: str, text: str) -> Table[str, str]:
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if any(len(row) != 2 for row in rows):
        raise UsageError("D603", f"{name}: the file does not have two columns")
    values = dict(rows)
    if len(values) != len(rows):
        raise UsageError("D603", f"{name}: the file has a value twice")
    return MappingProxyType(values)
