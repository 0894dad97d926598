"""What the name of a native type says: its base, its numbers, how wide it is. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from migration.catalog import Column, Kind

_FORM: Final = re.compile(r"^([^()\[\]]+)(?:\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?(?:char|byte)?\s*\)([^()\[\]]*))?$")

# Bits that hold every value of the type with its sign; 65 is an unsigned number of 64.
_INTEGERS: Final = {
    "tinyint": 8,
    "smallint": 16,
    "int2": 16,
    "smallserial": 16,
    "year": 16,
    "mediumint": 24,
    "int": 32,
    "integer": 32,
    "int4": 32,
    "serial": 32,
    "bigint": 64,
    "int8": 64,
    "bigserial": 64,
}
_SINGLES: Final = {"real", "float4", "binary_float"}


@dataclass(frozen=True, slots=True)
class Native:
    """A native type taken apart: `numeric(12,2)` is `numeric`, 12, 2; `rest` is what stands behind the bracket."""

    base: str
    first: int | None
    second: int | None
    rest: str


def parse(native: str) -> Native:
    """The parts of a native type; of one that has another form the base is all of it."""
    found = _FORM.match(native.lower())
    if not found:
        return Native(native.lower(), None, None, "")
    first, second = (int(number) if number else None for number in (found[2], found[3]))
    return Native(found[1].strip(), first, second, (found[4] or "").strip())


def measure(column: Column, engine: str) -> int | None:
    """How much a type must hold: bits of an INTEGER or FLOAT, digits of a decimal, length of TEXT and BYTES.

    None: not known, or without limit.
    """
    if column.kind is Kind.INTEGER:
        return _bits(column, engine)
    if column.kind is Kind.FLOAT:
        return 24 if _single(parse(column.native), engine) else 53
    if column.kind in (Kind.DECIMAL, Kind.NUMBER):
        return column.precision
    return column.length


def _bits(column: Column, engine: str) -> int | None:
    if engine == "sqlite":
        return 64  # whatever the declared word, a cell holds up to 64 bits
    native = parse(column.native)
    unsigned = "unsigned" in native.rest.split() or "unsigned" in native.base.split()
    if native.base == "bit":
        return 65 if (native.first or 1) > 63 else 64
    bits = _INTEGERS.get(native.base.removesuffix(" unsigned"))
    if bits is None and column.precision is not None:
        return next((bits for digits, bits in ((4, 16), (9, 32), (18, 64)) if column.precision <= digits), None)
    return bits if bits is None or not unsigned else {8: 16, 16: 32, 24: 32, 32: 64, 64: 65}[bits]


def _single(native: Native, engine: str) -> bool:
    if engine == "sqlite" or native.base in ("double", "double precision"):
        return False
    if engine == "mariadb":
        return native.base == "float" and (native.second is not None or (native.first or 0) <= 24)
    if engine == "siard":  # a `float(7)` there holds whatever decimal the file has
        return native.base in _SINGLES
    return native.base in _SINGLES or (native.base == "float" and native.first is not None and native.first <= 24)
