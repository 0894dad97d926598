"""What a PostgreSQL type is to a catalog: its kind, and the measures out of its modifier. Pure."""

from dataclasses import dataclass
from typing import Final

from migration.catalog import Kind

_KINDS: Final = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), Kind.INTEGER),
    **dict.fromkeys(("float4", "float8"), Kind.FLOAT),
    **dict.fromkeys(("text", "varchar", "bpchar", "name"), Kind.TEXT),
    "bytea": Kind.BYTES,
    "bool": Kind.BOOLEAN,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "timestamp": Kind.TIMESTAMP,
    "timestamptz": Kind.TIMESTAMPTZ,
}
_DIGITS: Final = {"int2": 5, "int4": 10, "int8": 19, "oid": 10}


@dataclass(frozen=True, slots=True)
class Shape:
    """A type's kind and measures, as `catalog.Column` has them."""

    kind: Kind
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    padded: bool = False


def shape(name: str, modifier: int) -> Shape:
    """The shape of a built-in type by its name in pg_type; any other is OTHER. A domain's is that of its base."""
    if name == "numeric":
        return _numeric(modifier)
    kind = _KINDS.get(name, Kind.OTHER)
    if name in ("varchar", "bpchar"):
        length = modifier - 4 if modifier >= 4 else None
        return Shape(kind, length=length, padded=name == "bpchar")
    return Shape(kind, length=63 if name == "name" else None, precision=_DIGITS.get(name))


def _numeric(modifier: int) -> Shape:
    """The modifier is 4 + (precision << 16 | scale in 11 bits); a negative scale rounds before the point."""
    if modifier < 4:
        return Shape(Kind.NUMBER)
    precision, scale = (modifier - 4) >> 16, (modifier - 4) & 0x7FF
    scale -= 0x800 if scale & 0x400 else 0
    return Shape(Kind.DECIMAL, precision=precision + max(0, -scale), scale=max(0, scale))
