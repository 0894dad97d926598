"""A site's own characters: the table that says what its private-use characters stand for. Pure.

The file has two columns and no header, UTF-8: a code point (`U+E5E5`) or the bytes of the file's encoding in
hexadecimal (`AAA1`), then the character, or characters, that it stands for.
"""

import csv
import re
from collections.abc import Mapping
from types import MappingProxyType

from formats.charsets import PRIVATE, Charset
from formats.errors import UsageError

_CODE_POINT = re.compile(r"U\+([0-9A-Fa-f]{4,6})")


def parse(name: str, text: str, charset: Charset) -> Mapping[int, str]:
    """Private-use code points to what they stand for; `name` is the file's, for errors. Raises UsageError D629."""
    found: dict[int, str] = {}
    for number, row in enumerate(csv.reader(text.removeprefix("\ufeff").splitlines()), 1):
        if not row:
            continue
        place = f"{name} line {number}"
        if len(row) != 2:
            raise UsageError("D629", f"{place}: not two columns")
        character = _character(place, row[0].strip(), charset)
        if character in found:
            raise UsageError("D629", f"{place}: the character U+{character:04X} occurs twice")
        if not row[1].isprintable() or not row[1].strip() or PRIVATE.search(row[1]):
            raise UsageError("D629", f"{place}: the second column is not a character that can be read")
        found[character] = row[1]
    return MappingProxyType(found)


def _character(place: str, code: str, charset: Charset) -> int:
    point = _CODE_POINT.fullmatch(code)
    try:
        character = chr(int(point[1], 16)) if point else charset.decode(bytes.fromhex(code))
    except ValueError:
        character = ""
    if len(character) != 1 or not PRIVATE.match(character):
        raise UsageError("D629", f"{place}: {code} is not a private-use character of {charset.name}")
    return ord(character)
