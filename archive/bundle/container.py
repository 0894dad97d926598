"""The bundle's file: a plain ustar (POSIX 1003.1-1988) in one exact form, so that every changed bit shows.

`tar xf` unpacks it. Each member is a regular file of mode 0400, owner 0, time 0; names are ASCII and at most 100
octets; two blocks of zeros end it and nothing stands behind them. The same parts give the same bytes.
"""

import re
from collections.abc import Mapping
from typing import Final

from formats.errors import IntegrityError

_BLOCK: Final = 512
_END: Final = bytes(2 * _BLOCK)
_WORD: Final = r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*"
_NAME: Final = re.compile(rf"{_WORD}(?:/{_WORD})*")
_NAME_OCTETS: Final = 100
MOST_PARTS: Final = 10_000


def pack(parts: Mapping[str, bytes]) -> bytes:
    """The parts as one file, in their order. Raises ValueError for a name that has no place in it."""
    pieces: list[bytes] = []
    for name, data in parts.items():
        pieces += [_header(name, len(data)), data, bytes(-len(data) % _BLOCK)]
    return b"".join([*pieces, _END])


def unpack(data: bytes) -> dict[str, bytes]:
    """The parts of a bundle by name, in their order. Raises IntegrityError A520 for whatever is not the exact form."""
    parts: dict[str, bytes] = {}
    offset = 0
    while data[offset : offset + _BLOCK] != bytes(_BLOCK):
        header = data[offset : offset + _BLOCK]
        name, size = _told(header)
        if name in parts or len(parts) == MOST_PARTS:
            raise IntegrityError("A520", f"a part too many at octet {offset}")
        begin, end = offset + _BLOCK, offset + _BLOCK + size
        offset = end + -size % _BLOCK
        if offset > len(data) or any(data[end:offset]):
            raise IntegrityError("A520", f"{name} does not end as it must")
        parts[name] = data[begin:end]
    if data[offset:] != _END:
        raise IntegrityError("A520", f"it does not end as it must at octet {offset}")
    return parts


def _told(header: bytes) -> tuple[str, int]:
    """The name and size in a header, which must be exactly the one that we would write."""
    try:
        name, size = header[:_NAME_OCTETS].rstrip(b"\0").decode("ascii"), int(header[124:135], 8)
        if _header(name, size) != header:
            raise ValueError(name)
    except ValueError:
        raise IntegrityError("A520", "a header is not in the form of a bundle") from None
    return name, size


def _header(name: str, size: int) -> bytes:
    if not _NAME.fullmatch(name) or len(name) > _NAME_OCTETS or not 0 <= size < 8**11:
        raise ValueError(f"{name!r} cannot stand in a bundle")
    fields = [
        name.encode("ascii").ljust(_NAME_OCTETS, b"\0"),
        b"0000400\0",  # mode
        b"0000000\0" * 2,  # owner and group
        f"{size:011o}\0".encode("ascii"),
        b"00000000000\0",  # time
        b" " * 8,  # where the sum of the octets goes
        b"0",  # a regular file
        bytes(100),  # no link
        b"ustar\x0000",
        bytes(64),  # no names of owner and group
        b"0000000\0" * 2,  # no device
        bytes(167),
    ]
    header = b"".join(fields)
    return header[:148] + f"{sum(header):06o}\0 ".encode("ascii") + header[156:]
