"""Types of SQL:2008, in which SIARD describes columns, and what they are here. Pure.

`kind_of` reads a type as any tool may have written it, `type_of` writes one for a column of any environment. A column
comes back from what was written for it with the same canonical cells; its own type stays beside it as `typeOriginal`.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from migration.catalog import Column, Kind

INLINE: Final = 4000  # characters of text, or digits of bytes: a column that may be longer is a large object

_MICROSECONDS: Final = 6  # digits of a second that canonical cells have
_TYPE = re.compile(r"([A-Z][A-Z ]*?)(?: ?\( ?(\d+) ?([KMG])?(?: ?, ?(\d+))? ?\))?")
_INTEGERS: Final = {"SMALLINT": 5, "INT": 10, "INTEGER": 10, "BIGINT": 19}
_DECIMALS: Final = ("NUMERIC", "DECIMAL", "DEC")
_FIXED: Final = ("CHARACTER", "CHAR", "NATIONAL CHARACTER", "NATIONAL CHAR", "NCHAR")
_VARYING: Final = (*(f"{name} VARYING" for name in _FIXED), "VARCHAR")
_LARGE_TEXTS: Final = (*(f"{name} LARGE OBJECT" for name in _FIXED), "CLOB", "NCLOB")
_SIMPLE: Final = {
    "REAL": Kind.FLOAT,
    "DOUBLE PRECISION": Kind.FLOAT,
    "FLOAT": Kind.FLOAT,
    "BINARY LARGE OBJECT": Kind.BYTES,
    "BLOB": Kind.BYTES,
    "DATE": Kind.DATE,
    "BOOLEAN": Kind.BOOLEAN,
    "XML": Kind.OTHER,
    "DATALINK": Kind.OTHER,
    "TIME WITH TIME ZONE": Kind.OTHER,
}
_TIMES: Final = {
    "TIME": Kind.TIME,
    "TIMESTAMP": Kind.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMPTZ,
}
_WRITTEN: Final = {
    Kind.NUMBER: "DECIMAL",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME(6)",
    Kind.TIMESTAMP: "TIMESTAMP(6)",
    Kind.TIMESTAMPTZ: "TIMESTAMP WITH TIME ZONE(6)",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a type says of a column; see `migration.catalog.Column`."""

    kind: Kind
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    padded: bool = False


def kind_of(text: str) -> Typed | None:
    """What a type of SQL:2008 is, or None for one that the standard does not have.

    Intervals, links, XML and seconds of more than six digits are `other`: the text that the file gives.
    """
    normal = " ".join(text.upper().split())
    if normal.startswith("INTERVAL "):
        return Typed(Kind.OTHER)
    found = _TYPE.fullmatch(normal)
    if not found:
        return None
    size = int(found[2]) if found[2] else None
    return _numeric(found[1], size, found[4]) or _textual(found[1], size) or _plain(found[1], size)


def _numeric(name: str, size: int | None, scale: str | None) -> Typed | None:
    if name in _INTEGERS:
        return Typed(Kind.INTEGER, precision=_INTEGERS[name])
    if name not in _DECIMALS:
        return None
    # The standard's own sample has DEC with digits behind the point: without a precision nothing is fixed.
    return Typed(Kind.NUMBER) if size is None else Typed(Kind.DECIMAL, precision=size, scale=int(scale or 0))


def _textual(name: str, size: int | None) -> Typed | None:
    if name in _FIXED:
        return Typed(Kind.TEXT, length=size or 1, padded=True)
    if name in _VARYING:
        return Typed(Kind.TEXT, length=size)
    return Typed(Kind.TEXT) if name in _LARGE_TEXTS else None


def _plain(name: str, size: int | None) -> Typed | None:
    if name in _SIMPLE:
        return Typed(_SIMPLE[name])
    if name in _TIMES:
        return Typed(_TIMES[name] if size is None or size <= _MICROSECONDS else Kind.OTHER)
    if name == "BINARY":
        return Typed(Kind.BYTES, length=size or 1)
    return Typed(Kind.BYTES, length=size) if name in ("BINARY VARYING", "VARBINARY") else None


def type_of(column: Column) -> str:
    """The type of SQL:2008 for a column of any environment."""
    match column.kind:
        case Kind.INTEGER:
            return _integer(column)
        case Kind.DECIMAL:
            scale = max(column.scale or 0, 0)
            return f"DECIMAL({max(column.precision or 38, scale, 1)},{scale})"
        case Kind.FLOAT:
            return "REAL" if column.native in ("real", "float4") else "DOUBLE PRECISION"
        case Kind.BYTES:
            short = column.length and column.length * 2 <= INLINE
            return f"VARBINARY({column.length})" if short else "BLOB"
        case Kind.TEXT | Kind.OTHER:
            return _text(column)
        case _:
            return _WRITTEN[column.kind]


def is_large(column: Column) -> bool:
    """Whether the column's type is a large object's, whose long cells may stand in files of their own."""
    return type_of(column).split("(")[0] in ("CLOB", "BLOB", "XML")


def written(column: Column) -> Column:
    """The column as it is read back from what `type_of` says of it."""
    typed = kind_of(type_of(column))
    assert typed is not None, "what is written is of the standard"
    return replace(
        column,
        kind=typed.kind,
        native=type_of(column).lower(),
        length=typed.length,
        precision=typed.precision,
        scale=typed.scale,
        padded=typed.padded,
    )


def _integer(column: Column) -> str:
    native = column.native.split("(")[0].strip()
    if "unsigned" in column.native or (column.precision or 0) > _INTEGERS["BIGINT"]:
        return f"DECIMAL({max(column.precision or 0, 20)},0)"
    if native in ("smallint", "int2", "tinyint"):
        return "SMALLINT"
    # SQLite's INTEGER has 64 bits; a wider type loses nothing.
    return "INTEGER" if native in ("int4", "mediumint") else "BIGINT"


def _text(column: Column) -> str:
    if column.native == "xml":
        return "XML"
    if column.kind is Kind.OTHER or not column.length:
        return "CLOB"
    if column.length > INLINE:
        return f"CLOB({column.length})"
    return f"{'CHAR' if column.padded else 'VARCHAR'}({column.length})"
