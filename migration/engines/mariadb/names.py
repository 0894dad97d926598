"""Names and types as MariaDB writes them. Pure."""

import re
from enum import Enum, auto
from typing import Final

from migration.catalog import TableName

LEDGER: Final = "jiexu_copied"


class Sort(Enum):
    """What a native type holds, as far as reading and loading tell types apart."""

    INTEGER = auto()
    BITS = auto()
    YEAR = auto()
    DECIMAL = auto()
    FLOAT = auto()
    DATE = auto()
    TIME = auto()
    MOMENT = auto()  # datetime and timestamp
    BYTES = auto()
    SHAPE = auto()  # bytes in a form of the server's own: geometries and vectors
    TEXT = auto()  # and whatever else is read and written as text: enum, set, json, uuid, inet6


_SORTS: Final = {
    Sort.INTEGER: "tinyint smallint mediumint int integer bigint bool boolean",
    Sort.BITS: "bit",
    Sort.YEAR: "year",
    Sort.DECIMAL: "decimal numeric dec fixed",
    Sort.FLOAT: "float double real",
    Sort.DATE: "date",
    Sort.TIME: "time",
    Sort.MOMENT: "datetime timestamp",
    Sort.BYTES: "binary varbinary tinyblob blob mediumblob longblob",
    Sort.SHAPE: "geometry point linestring polygon multipoint multilinestring multipolygon geometrycollection vector",
}
_SORT_OF: Final = {word: sort for sort, words in _SORTS.items() for word in words.split()}

_SCALE: Final = re.compile(r"\(\s*\d+\s*,\s*(\d+)\s*\)")


def quoted(name: str) -> str:
    """A name as it stands in a statement."""
    return "`" + name.replace("`", "``") + "`"


def full_name(name: TableName) -> str:
    """A table's name as it stands in a statement; without a schema it is that of the connection's database."""
    return ".".join(map(quoted, filter(None, (name.schema, name.name))))


def word(native: str) -> str:
    """The first word of a native type: `varchar` of `varchar(18)`."""
    found = re.match(r"[a-z0-9_]+", native.lower())
    return found[0] if found else ""


def sort_of(native: str) -> Sort:
    """What a native type holds."""
    return _SORT_OF.get(word(native), Sort.TEXT)


def scale_of(native: str) -> int:
    """The digits behind the point of a native decimal."""
    found = _SCALE.search(native)
    return int(found[1]) if found else 0
