"""How SQLite writes canonical cells, as SQL expressions. Pure.

`value` gives an expression for the text of a cell without its quotes, NULL where NULL is stored. What is stored as it
should be is written by SQL alone; everything else goes through `jiexu_cell(number, class, value)`, a function in Python
that writes it or refuses it (`cells.written`) and knows by `number` which column it is; so does NULL in a key.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from migration.canon import numeric
from migration.catalog import Column, Kind
from migration.engine import ReadColumn
from migration.engines.sqlite.connecting import quote
from migration.engines.sqlite.declared import Affinity, affinity

FUNCTION: Final = "jiexu_cell"
UTF8: Final = "jiexu_utf8"  # a text as its bytes, where the database itself has it in UTF-16

Branches = tuple[tuple[str, str], ...]  # conditions, each with what is written where it holds

_EXACT_DIGITS: Final = 15  # as many decimal digits survive in a double
_SIX_DIGITS: Final = f"'.{'[0-9]' * 6}'"
_FIRST_DAY: Final = "'0001-01-01'"
TEXTS: Final = frozenset({Kind.TEXT, Kind.OTHER})


def given(name: str) -> str:
    """What functions in Python are given of a column: its storage class and value, texts as the bytes that they are."""
    return f"typeof({name}), CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END"


def value(column: ReadColumn, number: int, *, key: bool = False, wide: bool = False) -> str:
    """The expression for a column's canonical text. `key`: NULL is refused. `wide`: the database is in UTF-16.

    There SQL would write half a surrogate pair as another character, so every text is looked at.
    """
    otherwise = stray(column, number)
    null = () if key else ((f"{quote(column.name)} IS NULL", "NULL"),)
    held = () if wide and column.kind in TEXTS else branches(column)
    return case((*held, *null), otherwise)


def stray(column: ReadColumn, number: int) -> str:
    """The expression for a value that SQL does not write by itself."""
    return f"{FUNCTION}({number}, {given(quote(column.name))})"


def case(arms: Branches, otherwise: str) -> str:
    """What stands behind the first condition that holds, or else this."""
    written = " ".join(f"WHEN {when} THEN {then}" for when, then in arms)
    return f"CASE {written} ELSE {otherwise} END" if written else otherwise


def branches(column: ReadColumn) -> Branches:
    """The conditions under which SQL alone writes a value of this column, each with what it writes."""
    return _BRANCHES[column.kind](column, quote(column.name))


def text(column: ReadColumn) -> str:
    """The expression for what is written of a text in a column of texts."""
    name = quote(column.name)
    return f"rtrim({name},' ')" if column.padded else name


def line(columns: Sequence[ReadColumn], values: Sequence[str]) -> str:
    """The expression for a whole line, without its end, of the `value` of each of its columns (see also `marking`)."""
    cells = [
        f"""coalesce('"'||{_doubled(text) if column.kind in TEXTS else text}||'"','NULL')"""
        for column, text in zip(columns, values, strict=True)
    ]
    return joined("','", cells)


def joined(mark: str, cells: Sequence[str]) -> str:
    """The expression for these texts, none of which is NULL, with a mark between them."""
    while len(cells) > 1:  # a function takes at most so many arguments
        cells = [f"concat_ws({mark},{','.join(cells[at : at + 500])})" for at in range(0, len(cells), 500)]
    return cells[0]


def _doubled(text: str) -> str:
    """The same with each double quote twice."""
    return f"""replace({text},'"','""')"""


def by_bytes(text: str, *, wide: bool = False) -> str:
    """The term of ORDER BY that orders by the bytes of this expression's text, NULL first."""
    return f"{UTF8}({text})" if wide else f"({text}) COLLATE BINARY"


def order(column: ReadColumn, text: str, *, wide: bool = False) -> str:
    """The terms of ORDER BY that put a key's column in canonical order; `text` is its `value`."""
    name = quote(column.name)
    if natural(column, wide=wide):
        return f"{name} COLLATE BINARY"
    if not by_number(column):
        return by_bytes(text, wide=wide)
    # A number held in text: by sign and length, then digit by digit, the other way round for negative ones.
    sign = f"substr({name},1,1)='-'"
    return (
        f"CASE WHEN {sign} THEN -length({name}) ELSE length({name}) END,"
        f" CASE WHEN {sign} THEN NULL ELSE {name} END COLLATE BINARY,"
        f" CASE WHEN {sign} THEN {name} END COLLATE BINARY DESC"
    )


def by_number(column: ReadColumn) -> bool:
    """Whether the column's values are ordered by number."""
    return numeric(Column(column.name, column.kind, column.native, scale=column.scale))


def natural(column: ReadColumn, *, wide: bool) -> bool:
    """Whether the column's own order, by the collation BINARY, is the canonical one."""
    held = affinity(column.native)
    if by_number(column):
        return held is not Affinity.TEXT
    return not wide and column.kind is Kind.TEXT and not column.padded and held in (Affinity.TEXT, Affinity.NONE)


def _stored(name: str, storage: str) -> str:
    return f"typeof({name})='{storage}'"


def _integer(_column: ReadColumn, name: str) -> Branches:
    return ((_stored(name, "integer"), f"CAST({name} AS TEXT)"),)


def _decimal(column: ReadColumn, name: str) -> Branches:
    """A real number is written with the digits of the scale if they are what is stored: read back they are the same.

    Of up to 15 digits it is enough that a whole number, divided by a power of ten, is that double: both are exact, the
    quotient is the double nearest to those digits, and no other 15 digits have the same. The others are read back.
    Only a number lies between two, once the plus has taken the column's affinity away; a whole one has those digits.
    Most are positive, and have one comparison less.
    """
    scale = column.scale or 0
    digits, real = f"printf('%.{scale}f',{name})", f"{_stored(name, 'real')} AND {name}<>0"
    zeros = f"||'.{'0' * scale}'" if scale else ""
    power = f"{10**scale}.0"
    least, most = f"1e-{scale}", f"9e{_EXACT_DIGITS - 1 - scale}"
    exact = f"round({name}*{power})/{power}={name}"
    short = (f"+{name} BETWEEN {least} AND {most} AND {exact}", f"+{name} BETWEEN -{most} AND -{least} AND {exact}")
    return (
        *((condition, digits) for condition in short if scale <= _EXACT_DIGITS),
        (_stored(name, "integer"), f"{name}{zeros}" if zeros else f"CAST({name} AS TEXT)"),
        (f"{real} AND CAST({digits} AS REAL)={name}", digits),
    )


def _float(_column: ReadColumn, _name: str) -> Branches:
    return ()  # the shortest decimal of a double is not to be had from SQLite


def _text(column: ReadColumn, name: str) -> Branches:
    return ((_stored(name, "text"), text(column)),)


def _bytes(_column: ReadColumn, name: str) -> Branches:
    return ((_stored(name, "blob"), f"'\\x'||lower(hex({name}))"),)


def _boolean(_column: ReadColumn, name: str) -> Branches:
    return ((f"{_stored(name, 'integer')} AND {name} IN (0,1)", f"CAST({name} AS TEXT)"),)


def _date(_column: ReadColumn, name: str) -> Branches:
    """Columns of dates are numeric to SQLite; behind a plus they are not, and no text is tried for a number."""
    return ((f"date({name})=+{name} AND +{name}>={_FIRST_DAY}", name),)


def _time(_column: ReadColumn, name: str) -> Branches:
    return (
        (f"octet_length({name})=8 AND time({name})=+{name}", f"{name}||'.000000'"),
        (f"octet_length({name})=15 AND time(substr({name},1,8))=substr({name},1,8) AND {_six(name, 9)}", name),
    )


def _timestamp(_column: ReadColumn, name: str) -> Branches:
    return (
        (f"octet_length({name})=19 AND datetime({name})=+{name} AND +{name}>={_FIRST_DAY}", f"{name}||'.000000'"),
        (_precise(name, 26), name),
    )


def _timestamptz(_column: ReadColumn, name: str) -> Branches:
    return ((f"{_precise(name, 29)} AND substr({name},27)='+00'", name),)


def _precise(name: str, length: int) -> str:
    second = f"substr({name},1,19)"
    return (
        f"octet_length({name})={length} AND datetime({second})={second} AND {_six(name, 20)} AND +{name}>={_FIRST_DAY}"
    )


def _six(name: str, start: int) -> str:
    return f"substr({name},{start},7) GLOB {_SIX_DIGITS}"


_BRANCHES: Final[Mapping[Kind, Callable[[ReadColumn, str], Branches]]] = {
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.NUMBER: _integer,
    Kind.FLOAT: _float,
    Kind.TEXT: _text,
    Kind.OTHER: _text,
    Kind.BYTES: _bytes,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _timestamp,
    Kind.TIMESTAMPTZ: _timestamptz,
}
