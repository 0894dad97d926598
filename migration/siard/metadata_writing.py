"""A catalog as `metadata.xml` of SIARD 2.2. Pure.

What the standard has no element for stands in the description of its schema: sequences, types of the database's own.
Views have columns there that a catalog does not know; one says so.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from lxml import etree

from migration.catalog import Catalog, Column, ForeignKey, Key, Table, TableName, Trigger, View
from migration.siard import sql_types
from migration.siard.escapes import escaped
from migration.siard.form import INSTANCE_SPACE, METADATA_SPACE, VERSION, Place

_TIMES: Final = (("INSTEAD OF", r"\binstead\s+of\b"), ("BEFORE", r"\bbefore\b"), ("AFTER", r"\bafter\b"))
_EVENT: Final = re.compile(r"\b(?:insert|update|delete)\b", re.IGNORECASE)
_SPACES: Final[Any] = {None: METADATA_SPACE, "xsi": INSTANCE_SPACE}  # the stubs know no default name space
_ACTIONS: Final = ("CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION")


@dataclass(frozen=True, slots=True)
class About:
    """What a person must say of an archived database. `database`, `owner` and `timespan` may not be empty.

    `timespan`: when the data were entered, in words. `contact`: how the archiver is reached. `producer`: the program
    and its version. `user`: the database's user in whose name it was read.
    """

    database: str
    owner: str
    timespan: str
    description: str = ""
    archiver: str = ""
    contact: str = ""
    producer: str = "Jiexu"
    client: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A table as it was written: as the catalog has it but with the file's columns only, its place, its rows."""

    table: Table
    place: Place
    rows: int


def document(catalog: Catalog, about: About, tables: Sequence[Written], digest: str, day: date) -> bytes:
    """The metadata. `digest` is the SHA-256 of the file before its header, hexadecimal."""
    root = etree.Element(f"{{{METADATA_SPACE}}}siardArchive", nsmap=_SPACES)
    root.set("version", VERSION)
    root.set(f"{{{INSTANCE_SPACE}}}schemaLocation", f"{METADATA_SPACE} metadata.xsd")
    _add(root, "dbname", about.database)
    _some(root, description=about.description, archiver=about.archiver, archiverContact=about.contact)
    _add(root, "dataOwner", about.owner)
    _add(root, "dataOriginTimespan", about.timespan)
    _some(root, producerApplication=about.producer)
    _add(root, "archivalDate", f"{day.isoformat()}Z")
    message = _add(root, "messageDigest")
    _add(message, "digestType", "SHA-256")
    _add(message, "digest", digest.upper())
    _some(root, clientMachine=about.client, databaseProduct=f"{catalog.engine} {catalog.version}".strip())
    _some(root, databaseUser=about.user)
    schemas = _add(root, "schemas")
    for name, folder in folders(catalog, tables).items():
        _schema(schemas, catalog, name, folder, tables)
    users = _add(root, "users")
    if about.user:
        _add(_add(users, "user"), "name", about.user)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def folders(catalog: Catalog, tables: Iterable[Written | TableName]) -> dict[str, str]:
    """The schemas of tables and views by their own names, and their folders; one at least."""
    names = {one.schema if isinstance(one, TableName) else one.table.name.schema for one in tables}
    names |= {view.name.schema for view in catalog.views} | {name.schema for name in catalog.routines}
    return {name: f"schema{number}" for number, name in enumerate(sorted(names or {""}))}


def schema_name(name: str) -> str:
    """A schema's name in the file; an environment without schemas has one, `main`."""
    return name or "main"


def _schema(schemas: etree._Element, catalog: Catalog, name: str, folder: str, tables: Sequence[Written]) -> None:
    schema = _add(schemas, "schema")
    _add(schema, "name", schema_name(name))
    _add(schema, "folder", folder)
    _some(schema, description=_notes(catalog, name))
    if here := [one for one in tables if one.table.name.schema == name]:
        known = {one.table.name: {column.name for column in one.table.columns} for one in tables}
        every = _add(schema, "tables")
        for one in here:
            _table(_add(every, "table"), one, known, catalog.triggers)
    if views := [view for view in catalog.views if view.name.schema == name]:
        every = _add(schema, "views")
        for view in views:
            _view(_add(every, "view"), view)
    if routines := [routine for routine in catalog.routines if routine.schema == name]:
        every = _add(schema, "routines")
        for number, routine in enumerate(routines, start=1):
            element = _add(every, "routine")
            _add(element, "specificName", f"{routine.name}_{number}")
            _add(element, "name", routine.name)


def _notes(catalog: Catalog, schema: str) -> str:
    """What the standard has no element for, in words."""
    sequences = (
        f"SEQUENCE {one.name.name}: next {one.following}, increment {one.increment}."
        for one in catalog.sequences
        if one.name.schema == schema
    )
    types = (
        f"TYPE {one.name.name} ({one.what}): {', '.join(one.values) or one.definition}."
        for one in catalog.types
        if one.name.schema == schema
    )
    return " ".join((*sequences, *types))


def _table(
    element: etree._Element, one: Written, known: Mapping[TableName, set[str]], triggers: Iterable[Trigger]
) -> None:
    table, here = one.table, known[one.table.name]
    _add(element, "name", table.name.name)
    _add(element, "folder", one.place.table)
    _some(element, description=table.comment)
    columns = _add(element, "columns")
    for column in table.columns:
        _column(_add(columns, "column"), column)
    if table.primary and set(table.primary.columns) <= here:
        _key(_add(element, "primaryKey"), table.primary, f"pk_{table.name.name}")
    _foreign(element, [key for key in table.foreign if _whole(key, here, known)])
    if uniques := [key for key in table.uniques if set(key.columns) <= here]:
        every = _add(element, "candidateKeys")
        for number, key in enumerate(uniques, start=1):
            _key(_add(every, "candidateKey"), key, f"uk{number}_{table.name.name}")
    if table.checks:
        every = _add(element, "checkConstraints")
        for number, check in enumerate(table.checks, start=1):
            constraint = _add(every, "checkConstraint")
            _add(constraint, "name", check.name or f"ck{number}_{table.name.name}")
            _add(constraint, "condition", check.condition)
    if mine := [trigger for trigger in triggers if trigger.table == table.name]:
        every = _add(element, "triggers")
        for trigger in mine:
            _trigger(_add(every, "trigger"), trigger)
    _add(element, "rows", str(one.rows))


def _column(element: etree._Element, column: Column) -> None:
    _add(element, "name", column.name)
    _add(element, "type", sql_types.type_of(column))
    _some(element, typeOriginal=column.native)
    _add(element, "nullable", "true" if column.nullable else "false")
    _some(element, defaultValue=column.default or "", description=column.comment)


def _key(element: etree._Element, key: Key, otherwise: str) -> None:
    _add(element, "name", key.name or otherwise)
    for column in key.columns:
        _add(element, "column", column)


def _whole(key: ForeignKey, here: set[str], known: Mapping[TableName, set[str]]) -> bool:
    return set(key.columns) <= here and set(key.referred) <= known.get(key.table, set())


def _foreign(table: etree._Element, keys: Sequence[ForeignKey]) -> None:
    if not keys:
        return
    every = _add(table, "foreignKeys")
    for number, key in enumerate(keys, start=1):
        element = _add(every, "foreignKey")
        _add(element, "name", key.name or f"fk{number}_{key.table.name}")
        _add(element, "referencedSchema", schema_name(key.table.schema))
        _add(element, "referencedTable", key.table.name)
        for column, referred in zip(key.columns, key.referred, strict=True):
            reference = _add(element, "reference")
            _add(reference, "column", column)
            _add(reference, "referenced", referred)
        for name, action in (("deleteAction", key.on_delete), ("updateAction", key.on_update)):
            _add(element, name, action.upper() if action.upper() in _ACTIONS else "NO ACTION")


def _trigger(element: etree._Element, trigger: Trigger) -> None:
    """The whole statement is the action; when and on what it fires is taken from its words."""
    words = trigger.statement
    event = _EVENT.search(words)
    _add(element, "name", trigger.name)
    _add(element, "actionTime", next((time for time, form in _TIMES if re.search(form, words, re.IGNORECASE)), "AFTER"))
    _add(element, "triggerEvent", event[0].upper() if event else "")
    _add(element, "triggeredAction", words)


def _view(element: etree._Element, view: View) -> None:
    _add(element, "name", view.name.name)
    _add(element, "queryOriginal", view.query)
    column = _add(_add(element, "columns"), "column")
    _add(column, "name", "unknown")
    _add(column, "type", "CLOB")
    _add(column, "description", "the columns are those of the query")


def _some(parent: etree._Element, **texts: str) -> None:
    """Elements for those texts that are not empty."""
    for name, text in texts.items():
        if text:
            _add(parent, name, text)


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{METADATA_SPACE}}}{name}")
    if text is not None:
        element.text = escaped(text)
    return element
