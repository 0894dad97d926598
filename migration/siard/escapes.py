r"""SIARD's escapes, by which a text survives tools that trim and collapse blanks: `\u0020`, `\u005C`. Pure.

The standard escapes C0 and C1 controls, the backslash, and blanks at either end or in a row. Its reference reader also
turns every other white space of Unicode into a plain blank, U+3000 of Chinese names among them, so these are escaped
too; it and every other known reader take any `\uXXXX` back.
"""

import re
from collections.abc import Callable
from re import Match
from typing import Final

from formats.errors import IntegrityError

BACKSLASH: Final = b"\\u005C"

_CONTROLS: Final = bytes((*range(32), 127))
_UNSAFE: Final = re.compile(rb"[\x00-\x1f\x7f]")
_WIDE: Final = tuple(
    (pattern[:1], re.compile(pattern))
    for pattern in (
        b"\xc2[\x80-\x9f]",  # C1
        b"\xe1\x9a\x80",  # U+1680
        b"\xe2\x80[\x80-\x86\x88-\x8a\xa8\xa9]",  # U+2000 … U+200A, U+2028, U+2029
        b"\xe2\x81\x9f",  # U+205F
        b"\xe3\x80\x80",  # U+3000
        b"\xef\xbf[\xbe\xbf]",  # U+FFFE, U+FFFF: no characters of XML
    )
)
_BLANK: Final = re.compile(rb" (?:(?<=[> ] )|(?=<))")
_ENTITY: Final = re.compile(rb"&(?:(lt|gt|amp|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));|&")
_NAMED: Final = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"}
_ESCAPE: Final = re.compile(rb"\\u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})")


def markup(data: bytes) -> bytes:
    """Bytes without tags, with backslashes escaped and the characters of XML's own markup as entities."""
    for plain, escaped in ((b"\\", BACKSLASH), (b"&", b"&amp;"), (b"<", b"&lt;"), (b">", b"&gt;")):
        if plain in data:
            data = data.replace(plain, escaped)
    return data


def controls(data: bytes) -> bytes:
    """Bytes with every control character and every blank but U+0020 escaped."""
    if len(data.translate(None, _CONTROLS)) != len(data):
        data = _UNSAFE.sub(_escaped, data)
    for first, pattern in _WIDE:
        if first in data:
            data = pattern.sub(_escaped, data)
    return data


def blanks(data: bytes) -> bytes:
    """XML whose texts have no `<` or `>`: blanks at either end of a text and behind another blank escaped."""
    return _BLANK.sub(rb"\\u0020", data) if b" " in data else data


def escaped(text: str) -> str:
    """One text as SIARD writes it, before it is made XML."""
    data = controls(text.encode().replace(b"\\", BACKSLASH))
    return blanks(b">" + data + b"</")[1:-2].decode()


def unescaped(text: str) -> str:
    """One text as it was before SIARD wrote it. Raises IntegrityError D691."""
    return plain(text.encode()).decode() if "\\u" in text else text


def plain(data: bytes, then: Callable[[bytes], bytes] = bytes) -> bytes:
    r"""Bytes with `\uXXXX` taken back; each character goes through `then`.

    Raises IntegrityError D691 for half of a surrogate pair.
    """
    return _ESCAPE.sub(lambda found: then(_character(found)), data) if b"\\" in data else data


def entities(data: bytes, then: Callable[[bytes], bytes] = bytes) -> bytes:
    """Bytes with XML's own entities and character references taken back; each character goes through `then`.

    Raises IntegrityError D691 for any other entity, and for a character that XML does not have.
    """
    return _ENTITY.sub(lambda found: then(_meant(found)), data) if b"&" in data else data


def _escaped(found: Match[bytes]) -> bytes:
    return b"\\u%04X" % ord(found[0].decode())


def _character(found: Match[bytes]) -> bytes:
    high, low, one = (int(digits or b"0", 16) for digits in found.groups())
    code = 0x10000 + ((high & 0x3FF) << 10 | low & 0x3FF) if high else one
    if 0xD800 <= code <= 0xDFFF:
        raise IntegrityError("D691", "an escape that is half of a character")
    return chr(code).encode()


def _meant(found: Match[bytes]) -> bytes:
    if found[1]:
        return _NAMED[found[1]]
    code = int(found[2]) if found[2] else int(found[3], 16) if found[3] else 0
    if code not in (9, 10, 13) and not (
        0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    ):
        raise IntegrityError("D691", "an entity that is not XML's own")
    return chr(code).encode()
