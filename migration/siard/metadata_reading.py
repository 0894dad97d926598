"""`metadata.xml` of a SIARD file as values: a catalog, and where each table's rows lie. Pure.

What has no place here (rows and arrays inside a cell, types unknown to the standard) is left out and named as an
oddity D692, with every key that needs it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Final

from lxml import etree

from formats.errors import RefusedError
from migration.catalog import (
    Catalog,
    Check,
    Column,
    ForeignKey,
    Key,
    NamedType,
    Oddity,
    Table,
    TableName,
    Trigger,
    View,
)
from migration.siard import sql_types
from migration.siard.escapes import unescaped
from migration.siard.form import METADATA, METADATA_SPACE, Place

_SCHEMA: Final = Path(__file__).with_name("metadata.xsd")
_IN: Final = f"{{{METADATA_SPACE}}}"


@dataclass(frozen=True, slots=True)
class Stored:
    """A table in the file: where, its columns' numbers (`c1` is 1) and folders of large objects, how many rows."""

    place: Place
    numbers: Mapping[str, int]
    folders: Mapping[str, str]
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the metadata say: the catalog, the day it was made, digests over the content by algorithm, tables' places.

    `folder` is where large objects lie, as the standard lets a file say it once for all tables.
    """

    catalog: Catalog
    day: str
    digests: tuple[tuple[str, str], ...]
    folder: str
    tables: Mapping[TableName, Stored]


@dataclass(slots=True)
class _Found:
    """What is gathered while the metadata are read."""

    tables: list[Table] = field(default_factory=list)
    stored: dict[TableName, Stored] = field(default_factory=dict)
    oddities: list[Oddity] = field(default_factory=list)


def read(data: bytes) -> Metadata:
    """The metadata in these bytes. Raises RefusedError D691, naming line and element."""
    root = _root(data)
    found = _Found()
    bases = _bases(root)
    for schema, table in _tables(root):
        _take(found, schema, table, bases)
    tables = tuple(sorted((_kept(found, table) for table in found.tables), key=lambda table: table.name))
    catalog = Catalog(
        "siard",
        root.get("version", ""),
        _text(root, "dbname"),
        "UTF-8",
        tables,
        views=tuple(sorted(_views(root), key=lambda view: view.name)),
        triggers=tuple(_triggers(root)),
        types=tuple(sorted(_types(root), key=lambda named: named.name)),
        routines=tuple(sorted(_routines(root))),
        oddities=tuple(found.oddities),
    )
    digests = tuple((_text(one, "digestType"), _text(one, "digest")) for one in _all(root, "messageDigest"))
    return Metadata(catalog, _text(root, "archivalDate"), digests, _text(root, "lobFolder"), found.stored)


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(_SCHEMA))


def _root(data: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise RefusedError("D691", f"{METADATA}: line {error.lineno} is not XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise RefusedError("D691", f"{METADATA}: a document type is not allowed")
    schema = _schema()
    if not schema.validate(root):
        line = re.search(r":(\d+):", str(schema.error_log))
        raise RefusedError("D691", f"{METADATA}: line {line[1] if line else '?'} is not as the standard has it")
    return root


def _bases(root: etree._Element) -> dict[tuple[str, str], str]:
    """The types of the standard that a database's own types are other names for."""
    return {
        (_text(schema, "name"), _text(named, "name")): _text(named, "base")
        for schema in _all(root, "schemas/schema")
        for named in _all(schema, "types/type")
        if _text(named, "category") == "distinct"
    }


def _take(found: _Found, schema: etree._Element, table: etree._Element, bases: Mapping[tuple[str, str], str]) -> None:
    name = TableName(_text(schema, "name"), _text(table, "name"))
    rows = int(_text(table, "rows"))
    columns: list[Column] = []
    every = _all(table, "columns/column")
    for element in every:
        column = _column(element, bases)
        if column is None:
            found.oddities.append(Oddity("D692", name, _text(element, "name"), rows, "rows or arrays in a cell"))
        else:
            columns.append(column)
    if not columns:
        found.oddities.append(Oddity("D692", name, "", rows, "no column that can be carried"))
        return
    found.stored[name] = Stored(
        Place(_text(schema, "folder"), _text(table, "folder")),
        {_text(element, "name"): number for number, element in enumerate(every, start=1)},
        {_text(element, "name"): _text(element, "lobFolder") for element in every},
        rows,
        len(every),
    )
    primary = next(iter(_keys(table, "primaryKey")), None)
    found.tables.append(
        Table(
            name,
            tuple(columns),
            primary,
            tuple(_keys(table, "candidateKeys/candidateKey")),
            tuple(_foreign(table)),
            tuple(
                Check(_text(c, "name"), _text(c, "condition")) for c in _all(table, "checkConstraints/checkConstraint")
            ),
            comment=_text(table, "description"),
            rows=rows,
        )
    )


def _kept(found: _Found, table: Table) -> Table:
    """The table without the keys that need a column or a table that is left out."""
    names = {one.name: {column.name for column in one.columns} for one in found.tables}
    here = names[table.name]

    def whole(key: Key | ForeignKey) -> bool:
        there = set(key.referred) <= names.get(key.table, set()) if isinstance(key, ForeignKey) else True
        if there and set(key.columns) <= here:
            return True
        found.oddities.append(Oddity("D692", table.name, "", 0, f"key {key.name} needs a column that is left out"))
        return False

    return replace(
        table,
        primary=table.primary if table.primary and whole(table.primary) else None,
        uniques=tuple(filter(whole, table.uniques)),
        foreign=tuple(filter(whole, table.foreign)),
    )


def _column(element: etree._Element, bases: Mapping[tuple[str, str], str]) -> Column | None:
    own = _text(element, "typeSchema"), _text(element, "typeName")
    text = _text(element, "type") or bases.get(own, "")
    typed = sql_types.kind_of(text)
    if typed is None or _text(element, "cardinality") or element.find(f"{_IN}fields") is not None:
        return None
    return Column(
        _text(element, "name"),
        typed.kind,
        " ".join(text.lower().split()),
        _text(element, "nullable") not in ("false", "0"),
        typed.length,
        typed.precision,
        typed.scale,
        typed.padded,
        _text(element, "defaultValue") or None,
        comment=_text(element, "description"),
    )


def _keys(table: etree._Element, path: str) -> Iterator[Key]:
    for element in _all(table, path):
        yield Key(_text(element, "name"), tuple(_value(column) for column in _all(element, "column")))


def _foreign(table: etree._Element) -> Iterator[ForeignKey]:
    for element in _all(table, "foreignKeys/foreignKey"):
        references = _all(element, "reference")
        actions = (_text(element, name).lower() for name in ("deleteAction", "updateAction"))
        yield ForeignKey(
            _text(element, "name"),
            tuple(_text(one, "column") for one in references),
            TableName(_text(element, "referencedSchema"), _text(element, "referencedTable")),
            tuple(_text(one, "referenced") for one in references),
            *("" if action == "no action" else action for action in actions),
        )


def _views(root: etree._Element) -> Iterator[View]:
    for schema in _all(root, "schemas/schema"):
        for view in _all(schema, "views/view"):
            query = _text(view, "queryOriginal") or _text(view, "query")
            yield View(TableName(_text(schema, "name"), _text(view, "name")), query)


def _triggers(root: etree._Element) -> Iterator[Trigger]:
    for schema, table in _tables(root):
        for trigger in _all(table, "triggers/trigger"):
            name = TableName(_text(schema, "name"), _text(table, "name"))
            yield Trigger(name, _text(trigger, "name"), _text(trigger, "triggeredAction"))


def _types(root: etree._Element) -> Iterator[NamedType]:
    for schema in _all(root, "schemas/schema"):
        for named in _all(schema, "types/type"):
            name = TableName(_text(schema, "name"), _text(named, "name"))
            distinct = _text(named, "category") == "distinct"
            yield NamedType(name, "domain" if distinct else "composite", _text(named, "base").lower())


def _routines(root: etree._Element) -> Iterator[TableName]:
    for schema in _all(root, "schemas/schema"):
        for routine in _all(schema, "routines/routine"):
            yield TableName(_text(schema, "name"), _text(routine, "name"))


def _tables(root: etree._Element) -> Iterator[tuple[etree._Element, etree._Element]]:
    for schema in _all(root, "schemas/schema"):
        for table in _all(schema, "tables/table"):
            yield schema, table


def _all(element: etree._Element, path: str) -> list[etree._Element]:
    return element.findall("/".join(_IN + name for name in path.split("/")))


def _text(element: etree._Element, name: str) -> str:
    found = element.find(_IN + name)
    return "" if found is None else _value(found)


def _value(element: etree._Element) -> str:
    return unescaped(element.text or "")
