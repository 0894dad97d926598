"""What SQLite's declared types say. Pure.

SQLite keeps any value in any column; a declared type gives an affinity (a preference), and tells people what is meant.
A column is of the kind that its declared words name:

    BOOLEAN                          boolean      DATE                            date
    INTEGER, BIGINT, TINYINT ...     integer      TIME                            time
    REAL, DOUBLE, FLOAT              float        DATETIME, TIMESTAMP             timestamp
    DECIMAL(p,s), NUMERIC(p)         decimal      TIMESTAMP WITH TIME ZONE        timestamptz
    DECIMAL, NUMERIC                 number       BLOB, VARBINARY(n)              bytes
    whatever has TEXT affinity       text

What is stored decides where the words do not: a column without a type, or of another word (JSON, STRING, UUID ...); and
a column of dates in which no value is a text, since SQLite has no dates: it holds numbers, and they are carried as
numbers. Then whole numbers alone are `integer`, numbers `number` (`float` if none is whole), texts `text`, blobs
`bytes`, anything mixed `other`, and a column without values `text`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from migration.catalog import Kind


class Affinity(StrEnum):
    """What a column makes of a value that is stored in it (sqlite.org/datatype3.html, 3.1)."""

    INTEGER = "integer"
    TEXT = "text"
    NONE = "none"
    REAL = "real"
    NUMERIC = "numeric"


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared type read: `kind` is None where the words decide nothing."""

    kind: Kind | None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None


DATES: Final = frozenset({Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})

_AFFINITIES: Final = (
    ("int", Affinity.INTEGER),
    ("char", Affinity.TEXT),
    ("clob", Affinity.TEXT),
    ("text", Affinity.TEXT),
    ("blob", Affinity.NONE),
    ("real", Affinity.REAL),
    ("floa", Affinity.REAL),
    ("doub", Affinity.REAL),
)
_INTEGERS: Final = ("int", "integer", "tinyint", "smallint", "mediumint", "bigint", "big int", "int2", "int4", "int8")
_WORDS: Final = {
    **dict.fromkeys((*_INTEGERS, "serial", "bigserial"), Kind.INTEGER),
    **dict.fromkeys(("bool", "boolean"), Kind.BOOLEAN),
    **dict.fromkeys(("real", "double", "double precision", "float", "float4", "float8"), Kind.FLOAT),
    **dict.fromkeys(("decimal", "dec", "numeric", "number", "money"), Kind.NUMBER),
    **dict.fromkeys(("binary", "varbinary", "bytea", "blob", "tinyblob", "mediumblob", "longblob"), Kind.BYTES),
    "date": Kind.DATE,
    **dict.fromkeys(("time", "time without time zone"), Kind.TIME),
    **dict.fromkeys(("datetime", "timestamp", "timestamp without time zone"), Kind.TIMESTAMP),
    **dict.fromkeys(("timestamptz", "timestamp with time zone"), Kind.TIMESTAMPTZ),
}
_NUMBERS: Final = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.ASCII)


def affinity(native: str) -> Affinity:
    """The affinity of a declared type (see `native`)."""
    words = native.lower()
    if not words:
        return Affinity.NONE
    return next((found for word, found in _AFFINITIES if word in words), Affinity.NUMERIC)


def native(written: str, *, strict: bool = False) -> str:
    """A declared type as catalogs have it: lower case, single blanks.

    ANY of a STRICT table keeps what it is given, as a column without a type does, and is taken for one; elsewhere ANY
    makes numbers of what looks like one (sqlite.org/stricttables.html, 3).
    """
    words = " ".join(written.lower().split())
    return "" if strict and words == "any" else words


def read(native: str) -> Declared:
    """What a declared type (see `native`) says."""
    found = _NUMBERS.search(native)
    first, second = (int(number) if number else None for number in (found.groups() if found else (None, None)))
    words = " ".join(re.sub(r"\([^)]*\)", " ", native).split())
    kind = _WORDS.get(words) or _WORDS.get(re.sub(r"\b(un)?signed\b", "", words).strip())
    if kind is Kind.NUMBER and first and (second or 0) <= first:
        return Declared(Kind.DECIMAL, precision=first, scale=second or 0)
    if kind is None and affinity(native) is Affinity.TEXT:
        return Declared(Kind.TEXT, length=first)
    return Declared(kind, length=first if kind is Kind.BYTES else None)


def by_storage(found: frozenset[str]) -> Kind:
    """The kind of a column by the classes in which its values are stored: `integer`, `real` ...; NULL is left out."""
    if found <= {"integer", "real"} and found:
        return {1: Kind.INTEGER if "integer" in found else Kind.FLOAT}.get(len(found), Kind.NUMBER)
    alone = {frozenset(): Kind.TEXT, frozenset({"text"}): Kind.TEXT, frozenset({"blob"}): Kind.BYTES}
    return alone.get(found, Kind.OTHER)
