r"""Canonical cells, lines, orders and ranges as SQL of MariaDB (`canon` says what they are). Pure.

Text is always read as utf8mb4 and compared by code points. A value that cannot be written as its kind makes the whole
line NULL: `Cell.sound` says which value that is, and the reader then asks which column it was.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from migration.catalog import Kind
from migration.engine import ReadColumn, Reading
from migration.engines.mariadb.names import Sort, quoted, scale_of, sort_of, word

# Every text in one of these comes out in Unicode as it is. The others know characters that Unicode as the server has
# it does not: the private ones of GBK come out as question marks.
_WHOLE: Final = frozenset({"", "utf8", "utf8mb3", "utf8mb4", "ascii", "latin1", "binary"})
# Where the collation compares the bytes of UTF-8, blanks at the end too.
_BINARY: Final = re.compile(r"(utf8|utf8mb3|utf8mb4|ascii)_(nopad|0900)_bin")
# REPLACE of MariaDB moves the rest of a text for each quote in it: minutes for a megabyte of JSON. What takes its place
# is read by MariaDB alone, and the other by MySQL alone, whose REGEXP_REPLACE takes no bytes.
_REPLACE: Final = "/*M! REGEXP_REPLACE*//*!50700 REPLACE*/"
_NUMBERS: Final = frozenset({Sort.INTEGER, Sort.BITS, Sort.YEAR, Sort.DECIMAL, Sort.FLOAT})
_DAY: Final = "(YEAR({0}) > 0 AND DAYOFMONTH({0}) BETWEEN 1 AND DAYOFMONTH(LAST_DAY({0})))"
_CLOCK: Final = "{0} BETWEEN '00:00:00' AND '24:00:00'"


@dataclass(frozen=True, slots=True)
class Charset:
    """In which character set and collation a column stands; both empty where it is no text."""

    name: str = ""
    collation: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's canonical text as SQL, NULL for NULL, and which values are sound; an empty `sound` means all are.

    `code` is the reason when one is not; `quotes` says whether the text may hold a double quote.
    """

    text: str
    sound: str = ""
    code: str = ""
    quotes: bool = False

    def written(self, name: str) -> str:
        """The cell as it stands in a line; NULL, which is no cell, for a value that is not sound or too long."""
        text = f"{_REPLACE}(CAST({self.text} AS BINARY), '\"', '\"\"')" if self.quotes else self.text
        cell = f"""CONCAT('"', {text}, '"')"""
        if self.sound:
            return f"CASE WHEN {name} IS NULL THEN 'NULL' WHEN {self.sound} THEN {cell} END"
        return f"IF({name} IS NULL, 'NULL', {cell})"


def cell(column: ReadColumn, charset: Charset) -> Cell:
    """How a column is written as its kind, whatever type it stands in."""
    name, sort = quoted(column.name), sort_of(column.native)
    if sort in _NUMBERS and (number := _numeral(column, name, sort)):
        return Cell(number)
    match column.kind, sort:
        case (Kind.DATE | Kind.TIMESTAMP | Kind.TIMESTAMPTZ, Sort.DATE | Sort.MOMENT):
            return Cell(_moment(name, column.kind, sort), _DAY.format(name), "D613")
        case (Kind.TIME, Sort.TIME):
            return Cell(f"TIME_FORMAT({name}, '%H:%i:%s.%f')", _CLOCK.format(name), "D615")
        case (_, Sort.SHAPE) | (Kind.BYTES | Kind.OTHER, Sort.BYTES):
            return Cell(f"CONCAT('\\\\x', LOWER(HEX({name})))")
    return _text(name, charset.name, padded=column.padded)


def _numeral(column: ReadColumn, name: str, sort: Sort) -> str:
    """A number as its kind, or empty for a kind that is none."""
    if sort in (Sort.BITS, Sort.YEAR):
        return f"CAST({name} + 0 AS CHAR)"
    if column.kind in (Kind.INTEGER, Kind.BOOLEAN, Kind.DECIMAL):
        return _decimal(name, column.native, column.scale or 0)
    if column.kind is Kind.NUMBER and sort is not Sort.FLOAT:
        return _number(name, column.native)
    return _double(name, column.native) if column.kind in (Kind.NUMBER, Kind.FLOAT) else ""


def _text(name: str, charset: str, *, padded: bool) -> Cell:
    text = name if charset == "utf8mb4" else f"CONVERT({name} USING utf8mb4)"
    text = f"{text} COLLATE utf8mb4_bin"
    sound = ""
    if charset not in _WHOLE:
        sound = f"CAST(CONVERT(CONVERT({name} USING utf8mb4) USING {charset}) AS BINARY) = CAST({name} AS BINARY)"
    return Cell(f"RTRIM({text})" if padded else text, sound, "D611", quotes=True)


def _plain(name: str, native: str) -> str:
    """A number as it is written; ZEROFILL pads only what is no calculation."""
    return f"({name} + 0)" if "zerofill" in native.lower() else name


def _decimal(name: str, native: str, scale: int) -> str:
    """With so many digits behind the point; a value that has more keeps them, so that it is seen."""
    exact = sort_of(native) is not Sort.FLOAT
    if exact and scale_of(native) == scale:
        return _plain(name, native)
    fitted = f"CAST({name} AS DECIMAL(65, {scale}))"
    if exact and scale_of(native) < scale:
        return f"CAST({fitted} AS CHAR)"
    return f"IF({name} = {fitted}, CAST({fitted} AS CHAR), {_plain(name, native)})"


def _number(name: str, native: str) -> str:
    text = _plain(name, native)
    if not scale_of(native):
        return text
    return f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {text}))"


def _double(name: str, native: str) -> str:
    """The server's digits are the shortest too; it writes no `+`, and fewer numbers with an exponent.

    From 2**54 on there are doubles whose shortest digits lie exactly between two doubles: the server writes these, as
    Python does, PostgreSQL one digit more. The comparison takes both for the same double, and counts them.
    """
    # A `double(20,2)` by itself is written with two digits behind the point, whatever they are.
    value = name if word(native) in ("double", "real") and "(" not in native else f"({name} + 0e0)"
    text = f"CAST({value} AS CHAR)"
    whole, behind = (f"SUBSTRING_INDEX(TRIM(LEADING '-' FROM {text}), '.', {part})" for part in (1, -1))
    leading = f"TRIM(LEADING '0' FROM {behind})"
    large = _scientific(value, f"REPLACE(TRIM(LEADING '-' FROM {text}), '.', '')", f"'e+', CHAR_LENGTH({whole}) - 1")
    places = f"LPAD(CHAR_LENGTH({behind}) - CHAR_LENGTH({leading}) + 1, 2, '0')"
    small = _scientific(value, leading, f"'e-', {places}")
    return (
        f"CASE WHEN {value} = 0 OR ABS({value}) >= 1e-4 AND ABS({value}) < 1e15 THEN {text}"
        f" WHEN LOCATE('e', {text}) > 0 THEN IF(ABS({value}) < 1, {text}, REPLACE({text}, 'e', 'e+'))"
        f" WHEN ABS({value}) >= 1 THEN {large} ELSE {small} END"
    )


def _scientific(value: str, digits: str, exponent: str) -> str:
    significant = f"TRIM(TRAILING '0' FROM {digits})"
    point = f"IF(CHAR_LENGTH({significant}) > 1, '.', '')"
    return f"CONCAT(IF({value} < 0, '-', ''), LEFT({significant}, 1), {point}, SUBSTRING({significant}, 2), {exponent})"


def _moment(name: str, kind: Kind, sort: Sort) -> str:
    if kind is Kind.DATE:
        if sort is Sort.DATE:
            return name
        day, moment = (f"DATE_FORMAT({name}, '{form}')" for form in ("%Y-%m-%d", "%Y-%m-%d %H:%i:%s.%f"))
        return f"IF({name} = CAST({name} AS DATE), {day}, {moment})"
    return f"DATE_FORMAT({name}, '%Y-%m-%d %H:%i:%s.%f{'+00' if kind is Kind.TIMESTAMPTZ else ''}')"


def line(reading: Reading, charsets: Mapping[str, Charset]) -> str:
    """One row as a line, as bytes; NULL if one of its values is not sound or the line longer than a packet."""
    cells = [cell(column, charsets[column.name]).written(quoted(column.name)) for column in reading.columns]
    row = ", ',', ".join(cells)
    return f"CAST(CONCAT({row}, '\\n') AS BINARY)"


def natural(column: ReadColumn, charset: Charset) -> bool:
    """Whether the column's own order is that of the canonical texts (of the numbers, for an integer)."""
    sort = sort_of(column.native)
    match column.kind:
        case Kind.INTEGER:
            return sort in (Sort.INTEGER, Sort.DECIMAL, Sort.YEAR)
        case Kind.DECIMAL:
            return column.scale == 0 and sort in (Sort.INTEGER, Sort.DECIMAL)
        case Kind.DATE:
            return sort is Sort.DATE
        case Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            return sort is Sort.MOMENT
        case Kind.BYTES:
            return word(column.native) in ("binary", "varbinary")
        case Kind.TEXT | Kind.OTHER:
            return word(column.native) == "varchar" and not column.padded and bool(_BINARY.fullmatch(charset.collation))
    return False


def ordering(columns: Sequence[ReadColumn], charsets: Mapping[str, Charset], *, keyed: bool) -> str:
    """What stands behind ORDER BY: the columns of a key, or all of a table without one."""
    return ", ".join(_ordered(column, charsets[column.name], keyed) for column in columns)


def _ordered(column: ReadColumn, charset: Charset, keyed: bool) -> str:
    if keyed and natural(column, charset):
        return quoted(column.name)
    if keyed and (column.kind is Kind.INTEGER or (column.kind is Kind.DECIMAL and column.scale == 0)):
        return f"CAST({quoted(column.name)} AS DECIMAL(65, 0))"
    return sortable(column, charset)


def sortable(column: ReadColumn, charset: Charset) -> str:
    """The canonical text's bytes as SQL."""
    return f"CAST({cell(column, charset).text} AS BINARY)"


def beyond(
    columns: Sequence[ReadColumn], charsets: Mapping[str, Charset], values: Sequence[str], comparison: str
) -> str:
    """The condition that a key of natural order stands so (`>` or `<=`) to the key with these canonical texts."""
    names = [quoted(column.name) for column in columns]
    texts = [_literal(column, charsets[column.name], value) for column, value in zip(columns, values, strict=True)]
    condition = f"{names[-1]} {comparison} {texts[-1]}"
    for name, text in reversed([*zip(names, texts, strict=True)][:-1]):
        condition = f"({name} {comparison[0]} {text} OR ({name} = {text} AND {condition}))"
    # The first column alone once more: a range that every version of the server finds in the index.
    return f"({names[0]} {comparison[0]}= {texts[0]} AND {condition})"


def _literal(column: ReadColumn, charset: Charset, value: str) -> str:
    match column.kind:
        case Kind.INTEGER | Kind.DECIMAL:
            return str(int(value))
        case Kind.BYTES:
            return f"X'{value[2:]}'"
        case Kind.TEXT | Kind.OTHER:
            return f"_{charset.name} X'{value.encode().hex()}'"
    moment = value.removesuffix("+00")
    if re.search(r"[^0-9 :.-]", moment):
        raise ValueError("not a date")
    return f"'{moment}'"
