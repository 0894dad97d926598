"""Values in a DBF record: from the bytes of one column's cells to texts, and what kind of column each type makes.

Types kept as digits are given as they stand and judged by the column's form (`cells`); binary ones are rendered here.
dBASE 7 keeps `+` and `I` with the highest byte first and the sign bit turned (seen in its files), and `@` as a double,
highest byte first: milliseconds from the day before 0001-01-01 (seen in one public example, 42CCB20E0340DF00 for
2000-08-16 17:21:41.310). Of its `O` no two sources agree: it is not read (D623).
"""

import datetime as dt
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from formats.charsets import Charset
from migration.canon import double
from migration.catalog import Column, Kind
from migration.legacy.cells import Field, Texts
from migration.legacy.dbf.header import DbfColumn
from migration.legacy.dbf.memo import DamagedMemo, Memo

_JULIAN: Final = 1_721_426  # the Julian day of 0001-01-01
_DAYS: Final = dt.date.max.toordinal()
_BEGIN: Final = dt.datetime(1, 1, 1)  # noqa: DTZ001
_DAY: Final = 86_400_000
_STAMP: Final = "YYYY-MM-DD HH:MI:SS.F"
_NO_BYTES: Final[Mapping[int, int]] = MappingProxyType({})
_NO_ROWS: Final[Mapping[int, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Texted:
    """The texts of one column; the place of the first undecodable byte by row; rows whose memo is damaged, and how."""

    texts: Texts
    bad: Mapping[int, int] = field(default_factory=lambda: _NO_BYTES)
    broken: Mapping[int, str] = field(default_factory=lambda: _NO_ROWS)


def natural(column: DbfColumn, product: str) -> Field:
    """The column that the file's own header makes of it; an unknown type is of kind OTHER and never read (D623)."""
    make = _NATURAL.get(_letter(column, product))
    if make is None or (product == "dBASE 7" and column.type == "O"):
        return Field(_column(column, Kind.OTHER, column.type.lower()))
    return make(column)


def _letter(column: DbfColumn, product: str) -> str:
    """The type's letter; `B` is a double in Visual FoxPro, and a binary memo elsewhere."""
    return "O" if column.type == "B" and product == "Visual FoxPro" else column.type


def _column(column: DbfColumn, kind: Kind, native: str, **more: int | None) -> Column:
    return Column(column.name, kind, native, identity=column.numbering, **more)  # type: ignore[arg-type]


def _digits(column: DbfColumn) -> Field:
    """Digits of ten places fill 64 bits only with nineteen; what is behind the point is what the header says."""
    scale, native = column.decimals, f"{column.type.lower()}({column.size},{column.decimals})"
    if not scale and column.size <= 18:
        return Field(_column(column, Kind.INTEGER, native, precision=column.size), blanks=" \0")
    precision = column.size - 1 if scale else column.size
    return Field(_column(column, Kind.DECIMAL, native, precision=max(precision, scale), scale=scale), blanks=" \0")


def _text(column: DbfColumn) -> Field:
    native, blanks = f"{column.type.lower()}({column.size})", " " if column.type == "C" else ""
    return Field(
        _column(column, Kind.TEXT, native, length=column.size), trim="right" if blanks else "none", blanks=blanks
    )


def _plain(kind: Kind, form: str = "", **more: int) -> Callable[[DbfColumn], Field]:
    return lambda column: Field(_column(column, kind, column.type.lower(), **more), form)


_NATURAL: Final[Mapping[str, Callable[[DbfColumn], Field]]] = MappingProxyType(
    {
        "C": _text,
        "V": _text,
        "N": _digits,
        "F": _digits,
        "D": lambda column: Field(_column(column, Kind.DATE, "d"), "YYYYMMDD", blanks=" \0"),
        "L": lambda column: Field(_column(column, Kind.BOOLEAN, "l"), nulls=frozenset("?"), blanks=" \0"),
        "I": _plain(Kind.INTEGER, precision=10),
        "+": _plain(Kind.INTEGER, precision=10),
        "Y": _plain(Kind.DECIMAL, precision=19, scale=4),
        "O": _plain(Kind.FLOAT),
        "T": _plain(Kind.TIMESTAMP, _STAMP),
        "@": _plain(Kind.TIMESTAMP, _STAMP),
        "M": _plain(Kind.TEXT),
        **dict.fromkeys("BGPQW", _plain(Kind.BYTES)),
    }
)


@dataclass(frozen=True, slots=True)
class Decoder:
    """What renders one column's cells: `kind` is the kind that they shall have, which the description may change."""

    column: DbfColumn
    product: str
    kind: Kind
    charset: Charset
    memo: Memo | None
    soft_returns: bool = False

    def texts(self, cells: Sequence[bytes]) -> Texted:
        """The texts of a column's cells; None is NULL."""
        letter = _letter(self.column, self.product)
        if self.kind is Kind.OTHER:
            return Texted([""] * len(cells))
        if letter in "MGPBW":
            return self._memos(cells)
        if letter in _BINARY:
            render = _TURNED[letter] if self.product == "dBASE 7" else _BINARY[letter]
            return Texted([render(cell) for cell in cells])
        return self._rendered(cells)

    def _rendered(self, cells: Sequence[bytes]) -> Texted:
        if self.kind is Kind.BYTES:
            return Texted(["\\x" + cell.hex() for cell in cells])
        if self.kind is not Kind.TEXT:
            return Texted([cell.decode("latin-1") for cell in cells])
        texts, bad = self.charset.column(cells)
        return Texted(texts, bad)

    def _memos(self, cells: Sequence[bytes]) -> Texted:
        texts: list[str | None] = []
        bad, broken = {}, {}
        for row, cell in enumerate(cells):
            text = None
            try:
                data = self._memo(cell)
            except DamagedMemo as error:
                broken[row] = f"{self.column.name}: {error}"
            else:
                if data is not None:
                    found = self._rendered([data])
                    text = found.texts[0]
                    if found.bad:
                        bad[row] = found.bad[0]
            texts.append(text)
        return Texted(texts, bad, broken)

    def _memo(self, cell: bytes) -> bytes | None:
        digits = cell.strip(b" \0")
        if len(cell) != 4 and digits and not digits.isdigit():
            raise DamagedMemo("what refers to the memo is not a number")
        pointer = int.from_bytes(cell, "little") if len(cell) == 4 else int(digits or b"0")
        if not pointer:
            return None
        if self.memo is None:
            raise DamagedMemo("the memo file is missing")
        data = self.memo.read(pointer)
        return data.replace(b"\x8d\n", b"") if self.soft_returns and self.kind is Kind.TEXT else data


def _integer(cell: bytes) -> str | None:
    return str(int.from_bytes(cell, "little", signed=True))


def _turned_integer(cell: bytes) -> str | None:
    """All bits zero is an empty cell."""
    return str(int.from_bytes(cell, "big") - 2 ** (8 * len(cell) - 1)) if any(cell) else None


def _money(cell: bytes) -> str | None:
    amount = int.from_bytes(cell, "little", signed=True)
    whole, rest = divmod(abs(amount), 10_000)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:04}"


def _double(cell: bytes) -> str | None:
    return double(*struct.unpack("<d", cell))


def _stamp(cell: bytes) -> str | None:
    """A Julian day and milliseconds; a text that is no time for a day or a time that does not exist."""
    if not cell.strip(b" ") or not any(cell):
        return None
    julian, milliseconds = struct.unpack("<ii", cell)
    day = julian - _JULIAN
    if not 0 <= day < _DAYS or not 0 <= milliseconds < _DAY:
        return f"day {julian}"
    return (_BEGIN + dt.timedelta(day, milliseconds=milliseconds)).isoformat(" ", "microseconds")


def _double_stamp(cell: bytes) -> str | None:
    if not any(cell):
        return None
    (milliseconds,) = struct.unpack(">d", cell)
    if not _DAY <= milliseconds < (_DAYS + 1) * _DAY or milliseconds % 1:
        return "not a moment"
    return (_BEGIN + dt.timedelta(-1, milliseconds=milliseconds)).isoformat(" ", "microseconds")


_BINARY: Final[Mapping[str, Callable[[bytes], str | None]]] = MappingProxyType(
    {"I": _integer, "+": _integer, "Y": _money, "O": _double, "T": _stamp, "@": _stamp}
)
_TURNED: Final[Mapping[str, Callable[[bytes], str | None]]] = MappingProxyType(
    {**_BINARY, "I": _turned_integer, "+": _turned_integer, "@": _double_stamp}
)
