"""How PostgreSQL writes canonical cells, as SQL expressions. Pure.

`cell` gives an expression whose text is the canonical cell of a `ReadColumn`, whatever type the column is held in;
`order` gives what puts rows in canonical order. What a type writes canonically by itself is named as it stands: no
function is called for it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from migration.canon import numeric
from migration.catalog import Column, Kind
from migration.engine import ReadColumn

# Names of built-in types as format_type and DDL write them, lower case, to what they are.
_FAMILIES: Final = {
    **dict.fromkeys(("smallint", "integer", "bigint", "int", "int2", "int4", "int8", "oid"), "integer"),
    **dict.fromkeys(("smallserial", "serial", "bigserial"), "integer"),
    **dict.fromkeys(("numeric", "decimal"), "numeric"),
    **dict.fromkeys(("double precision", "float8", "real", "float4", "float"), "float"),
    **dict.fromkeys(("text", "character varying", "varchar"), "text"),
    **dict.fromkeys(("character", "char", "bpchar", "nchar"), "char"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys(("time", "time without time zone"), "time"),
    **dict.fromkeys(("timestamp", "timestamp without time zone"), "timestamp"),
    **dict.fromkeys(("timestamp with time zone", "timestamptz"), "timestamptz"),
    **dict.fromkeys(("bytea", "date", "uuid"), ""),
}
_NATURAL: Final = {
    Kind.INTEGER: "integer",
    Kind.DECIMAL: "numeric",
    Kind.NUMBER: "numeric",
    Kind.FLOAT: "float",
    Kind.TEXT: "other",  # a cast to text is never wrong
    Kind.BYTES: "bytea",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamp",
    Kind.TIMESTAMPTZ: "timestamptz",
    Kind.OTHER: "other",
}
AS_IT_STANDS: Final = ("UTF8", "SQL_ASCII")  # encodings of databases whose bytes are the canonical ones
_MOMENT: Final = "'YYYY-MM-DD HH24:MI:SS.US'"
_BINARY: Final = frozenset({"integer", "numeric", "boolean", "bytea", "uuid"})  # sorted as their texts or numbers are


def family(native: str) -> str:
    """What a type is, whatever its length or precision: empty for a type that is not built in."""
    name = re.sub(r"\s*\([^)]*\)", "", native.strip().lower())
    return _FAMILIES.get(name, "") or (name if name in _FAMILIES else "")


def cell(column: ReadColumn, name: str) -> str:
    """The expression for the column's canonical cell; `name` is its SQL name."""
    return _WRITTEN[column.kind](column, name, family(column.native) or _NATURAL[column.kind])


def order(column: ReadColumn, name: str, encoding: str) -> str:
    """The expression by which a key's column is put in canonical order, in a database of this encoding."""
    if by_number(column):
        return f"{name}::numeric" if family(column.native) in ("text", "char") else name
    return by_bytes(f"({cell(column, name)})::text", encoding)


def by_bytes(text: str, encoding: str) -> str:
    """The expression that orders a text by the bytes of its UTF-8."""
    return f'{text} COLLATE "C"' if encoding in AS_IT_STANDS else f"convert_to({text}, 'UTF8')"


def by_number(column: ReadColumn) -> bool:
    """Whether the column's values are ordered by number."""
    return numeric(Column(column.name, column.kind, column.native, scale=column.scale))


def naturally(column: ReadColumn, *, binary: bool) -> bool:
    """Whether the column's own order is the canonical one; `binary`: its collation orders by bytes."""
    held = family(column.native)
    if by_number(column):
        return held in ("integer", "numeric")
    if held in ("text", "char"):
        return binary and column.kind is Kind.TEXT and (held == "char") == column.padded
    return held in _BINARY - {"integer", "numeric"} and column.kind in (Kind.BOOLEAN, Kind.BYTES, Kind.TEXT, Kind.OTHER)


def _number(column: ReadColumn, name: str, held: str) -> str:
    """A numeric without digits of its own keeps the zeros at the end of each value: 1.50 is not written as 1.5."""
    if held == "numeric" and column.kind is Kind.NUMBER and "(" not in column.native:
        return name
    return {"boolean": f"{name}::int", "numeric": f"trim_scale({name})"}.get(held, name)


def _decimal(column: ReadColumn, name: str, held: str) -> str:
    """As many digits as the column's scale, or all that there are where they are more: a difference is never hidden."""
    if held == "integer" and not column.scale:
        return name
    if re.fullmatch(rf"(numeric|decimal)\(\d+,\s*{column.scale or 0}\)", column.native.lower()):
        return name
    if held == "text":
        return name
    number = f"{name}::numeric"
    return (
        f"CASE WHEN scale(trim_scale({number})) <= {column.scale or 0}"
        f" THEN round({number}, {column.scale or 0}) ELSE {number} END"
    )


def _float(column: ReadColumn, name: str, _held: str) -> str:
    return name if column.native in ("double precision", "float8") else f"{name}::float8"


def _text(column: ReadColumn, name: str, held: str) -> str:
    if column.padded:
        return f"rtrim({name}::text, ' ')"
    return name if held == "text" else f"{name}::text"


def _plain(_column: ReadColumn, name: str, _held: str) -> str:
    return name


def _date(_column: ReadColumn, name: str, held: str) -> str:
    if held not in ("timestamp", "timestamptz"):
        return name
    return f"CASE WHEN {name} = {name}::date THEN {name}::date::text ELSE {name}::text END"


def _time(_column: ReadColumn, name: str, held: str) -> str:
    return f"to_char({name}, 'HH24:MI:SS.US')" if held == "time" else name


def _moment(column: ReadColumn, name: str, held: str) -> str:
    """Date and time with six digits; what the calendar of four-digit years does not hold is written as it stands."""
    if held == "text":
        return name
    point = {"timestamptz": f"({name} AT TIME ZONE 'UTC')", "date": f"{name}::timestamp"}.get(held, name)
    written = f"to_char({point}, {_MOMENT})" + (" || '+00'" if column.kind is Kind.TIMESTAMPTZ else "")
    return f"CASE WHEN {name} >= '0001-01-01' AND {name} < '10000-01-01' THEN {written} ELSE {name}::text END"


_WRITTEN: Final[Mapping[Kind, Callable[[ReadColumn, str, str], str]]] = {
    Kind.INTEGER: _number,
    Kind.DECIMAL: _decimal,
    Kind.NUMBER: _number,
    Kind.FLOAT: _float,
    Kind.TEXT: _text,
    Kind.BYTES: _plain,
    Kind.BOOLEAN: _number,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _moment,
    Kind.TIMESTAMPTZ: _moment,
    Kind.OTHER: _text,
}
