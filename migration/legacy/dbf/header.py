"""The header of a DBF file: its version, its records, its columns. Pure."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from formats.charsets import Charset
from formats.errors import IntegrityError

_VERSIONS: Final = {
    0x02: "dBASE II",
    0x03: "dBASE III",
    0x04: "dBASE 7",
    0x30: "Visual FoxPro",
    0x31: "Visual FoxPro",
    0x32: "Visual FoxPro",
    0x83: "dBASE III",
    0x8B: "dBASE IV",
    0x8C: "dBASE 7",
    0xF5: "FoxPro",
}
# Language driver bytes to what they claim; the others are none of the encodings that can be declared.
_DRIVERS: Final = {
    0x01: "cp437",
    0x02: "cp850",
    0x03: "cp1252",
    0x26: "cp866",
    0x4D: "cp936",
    0x57: "cp1252",
    0x58: "cp1252",
    0x59: "cp1252",
    0x65: "cp866",
    0x7A: "cp936",
    0xC9: "cp1251",
}
_END: Final = 0x0D


@dataclass(frozen=True, slots=True)
class DbfColumn:
    """A column of the file: its type's letter, its bytes in a record (from `start`, behind the mark of deletion).

    `given` is the name in the file, where that name occurs twice.
    """

    name: str
    type: str
    size: int
    decimals: int
    flags: int
    start: int = 0
    given: str = ""

    @property
    def hidden(self) -> bool:
        """Whether it is the file's own (`_NullFlags`)."""
        return self.type == "0" or bool(self.flags & 0x01)

    @property
    def numbering(self) -> bool:
        """Whether the file numbers new records by it."""
        return self.type == "+" or (self.type == "I" and bool(self.flags & 0x08))

    @property
    def nullable(self) -> bool:
        """Whether it has a bit for NULL."""
        return bool(self.flags & 0x02)


@dataclass(frozen=True, slots=True)
class Header:
    """What a DBF file says of itself. `start` is the first record's byte, `record` a record's bytes."""

    version: int
    records: int
    start: int
    record: int
    driver: int
    columns: tuple[DbfColumn, ...]

    @property
    def product(self) -> str:
        """Who wrote it: `dBASE III`, `Visual FoxPro`."""
        return _VERSIONS[self.version]

    @property
    def driver_encoding(self) -> str:
        """The encoding that the language driver byte claims; empty where it claims none that is known."""
        return _DRIVERS.get(self.driver, "")


def size(name: str, begin: bytes) -> int:
    """How many bytes the header has, by the file's first 32. Raises IntegrityError D628 for what is no DBF file."""
    if len(begin) < 32 or begin[0] not in _VERSIONS:
        raise IntegrityError("D628", f"{name}: not a DBF file of a known version")
    return 521 if begin[0] == 0x02 else int.from_bytes(begin[8:10], "little")


def parse(name: str, data: bytes, charset: Charset) -> Header:
    """The header in its bytes. Raises IntegrityError D628 for a damaged one, D611 for names that are not text."""
    version = data[0]
    if len(data) != size(name, data[:32]):
        raise IntegrityError("D628", f"{name}: the header is cut off")
    if version in (0x04, 0x8B, 0x8C) and data[15]:
        raise IntegrityError("D628", f"{name}: encrypted")
    if version == 0x02:
        records, record = struct.unpack_from("<H3xH", data, 1)
        columns, driver = _columns(name, data, (8, 16), charset), 0
    else:
        records, record = struct.unpack_from("<I2xH", data, 4)
        columns = _columns(name, data, (68, 48) if version & 0x07 == 4 else (32, 32), charset)
        driver = data[29]
    return Header(version, records, len(data), record, driver, _placed(name, columns, record))


def _columns(name: str, data: bytes, form: tuple[int, int], charset: Charset) -> list[DbfColumn]:
    """`form`: where the first descriptor begins, and how long each is."""
    place, step = form
    found: list[DbfColumn] = []
    while place < len(data) and data[place] != _END:
        descriptor = data[place : place + step]
        if len(descriptor) < step:
            raise IntegrityError("D628", f"{name}: column {len(found) + 1} is cut off")
        letters, kind, width, decimals, flags = _descriptor(descriptor)
        try:
            found.append(DbfColumn(charset.decode(letters).strip(), chr(kind), width, decimals, flags))
        except UnicodeDecodeError:
            raise IntegrityError("D611", f"{name}: the name of column {len(found) + 1} is not {charset.name}") from None
        place += step
    if not found or place >= len(data):
        raise IntegrityError("D628", f"{name}: no columns, or the list of columns has no end")
    return found


def _descriptor(data: bytes) -> tuple[bytes, int, int, int, int]:
    """Name, type, size, decimals and flags."""
    if len(data) == 16:
        return data[:11].split(b"\0")[0], data[11], data[12], data[15], 0
    if len(data) == 48:
        return data[:32].split(b"\0")[0], data[32], data[33], data[34], 0
    return data[:11].split(b"\0")[0], data[11], data[16], data[17], data[18]


def _placed(name: str, columns: Sequence[DbfColumn], record: int) -> tuple[DbfColumn, ...]:
    """The columns with their places. Clipper and FoxPro keep a long text's upper length byte as its decimals."""
    for long in (False, True):
        place, placed = 1, []
        for column in columns:
            extended = long and column.type == "C"
            width = column.size + 256 * column.decimals if extended else column.size
            placed.append(replace(column, start=place, size=width))
            place += width
        if place == record:
            return _distinct(placed)
    raise IntegrityError("D628", f"{name}: its columns do not fill a record of {record} bytes")


def _distinct(columns: Sequence[DbfColumn]) -> tuple[DbfColumn, ...]:
    """A name that occurs again gets a number: `NAME_2`."""
    taken = {column.name for column in columns}
    found: list[DbfColumn] = []
    seen: set[str] = set()
    for column in columns:
        name, number = column.name, 2
        while name in seen or (name != column.name and name in taken):
            name, number = f"{column.name}_{number}", number + 1
        seen.add(name)
        found.append(replace(column, name=name, given="" if name == column.name else column.name))
    return tuple(found)
