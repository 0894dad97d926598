r"""Declared encodings of legacy files: bytes to text, exactly or not at all.

An encoding is declared by a person and never guessed. Where Python's codec is not what the name means in practice:

gb18030-2000  as Python's codec reads it (edition 2000)
gb18030-2005  A8BC is U+1E3F; `gb18030` alone means this edition, in force from 2006 to 2023
gb18030-2022  18 more pairs are standard characters, no longer private ones; source: GB 18030-2022 and the Unicode
              Technical Committee's recommendation on it, L2/23-003R. As it recommends, the four-byte codes that the
              standard swapped with them (82359037 …) are still read as the standard characters
cp936         what Windows calls GBK: 0x80 is the euro sign, 0xFF is U+F8F5, and pairs that Python's `gbk` lacks (the
              user-defined areas above all, where agencies keep their rare names) are read as GB 18030-2005 reads them
gbk           as Python's codec reads it: without user-defined areas
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from formats.errors import UsageError

NONE: Final[Mapping[int, str]] = MappingProxyType({})
PRIVATE: Final = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
MARK: Final = re.compile("[\udc00-\udcff]")
_EDITION_2005: Final = MappingProxyType({0xE7C7: "\u1e3f"})
_EDITION_2022: Final = MappingProxyType(
    {
        **_EDITION_2005,
        # A6D9–A6DF, A6EC, A6ED, A6F3: vertical punctuation; the second and third stand crosswise.
        **dict(zip(range(0xE78D, 0xE797), "\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19", strict=True)),
        # FE59, FE61, FE66, FE67, FE6D, FE7E, FE90, FEA0: parts of characters.
        **dict(
            zip(
                (0xE81E, 0xE826, 0xE82B, 0xE82C, 0xE832, 0xE843, 0xE854, 0xE864),
                "\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb",
                strict=True,
            )
        ),
    }
)
_WINDOWS: Final = "jiexu-cp936"
_CODECS: Final[Mapping[str, tuple[str, str, Mapping[int, str]]]] = MappingProxyType(
    {
        "utf-8": ("utf-8", "strict", NONE),
        "gb18030": ("gb18030", "strict", _EDITION_2005),
        "gb18030-2000": ("gb18030", "strict", NONE),
        "gb18030-2005": ("gb18030", "strict", _EDITION_2005),
        "gb18030-2022": ("gb18030", "strict", _EDITION_2022),
        "gbk": ("gbk", "strict", NONE),
        "cp936": ("gbk", _WINDOWS, _EDITION_2005),
        **{name: (name, "strict", NONE) for name in ("cp437", "cp850", "cp866", "cp1251", "cp1252", "latin-1")},
    }
)


def _windows(error: UnicodeError) -> tuple[str, int]:
    """What Windows reads where Python's `gbk` stops; the codec calls it."""
    assert isinstance(error, UnicodeDecodeError), "only ever used for decoding"
    start = error.start
    single = {0x80: "€", 0xFF: "\uf8f5"}.get(error.object[start])
    if single:
        return single, start + 1
    try:
        return error.object[start : start + 2].decode("gb18030"), start + 2
    except UnicodeDecodeError:
        raise error from None


codecs.register_error(_WINDOWS, _windows)


@dataclass(frozen=True, slots=True)
class Charset:
    """A declared encoding: `codec` and `errors` as Python names them.

    `edition` corrects private-use characters by the standard's edition, `site` by the site's own table.
    """

    name: str
    codec: str
    errors: str
    edition: Mapping[int, str] = field(repr=False)
    site: Mapping[int, str] = field(default_factory=lambda: NONE, repr=False)

    def decode(self, data: bytes) -> str:
        """The text. Raises UnicodeDecodeError, whose `start` is the place of the first byte that is none."""
        text = data.decode(self.codec, self.errors)
        if (self.edition or self.site) and not text.isascii() and PRIVATE.search(text):
            return text.translate(self.edition).translate(self.site)
        return text

    def marked(self, data: bytes) -> tuple[str, list[int]]:
        """The text with a mark (U+DC00 + byte) for every byte that is none, and the places of these bytes."""
        pieces, places, start = [], [], 0
        while True:
            try:
                pieces.append(self.decode(data[start:]))
            except UnicodeDecodeError as error:
                bad = start + error.start
                pieces += [self.decode(data[start:bad]), chr(0xDC00 + data[bad])]
                places.append(bad)
                start = bad + 1
            else:
                return "".join(pieces), places

    def column(self, cells: Sequence[bytes]) -> tuple[Sequence[str], dict[int, int]]:
        """The texts of one column's cells, and for cells with bytes that are none the place of the first in the cell.

        All cells are decoded at once, a line end between them: it is never the second byte of a character, so a
        character that the cell's border cuts is noticed as it is alone.
        """
        try:
            texts = self.decode(b"\n".join(cells)).split("\n")
        except UnicodeDecodeError:
            texts = []
        if len(texts) == len(cells):
            return texts, {}
        marked = [self.marked(cell) for cell in cells]
        return [text for text, _ in marked], {row: places[0] for row, (_, places) in enumerate(marked) if places}


def charset(name: str, site: Mapping[int, str] = NONE) -> Charset:
    """The encoding of this declared name. Raises UsageError D629 for a name that is none of them."""
    if name not in _CODECS:
        raise UsageError("D629", f"encoding {name}: it is one of {', '.join(_CODECS)}")
    return Charset(name, *_CODECS[name], site)


def byte_order_mark(data: bytes) -> str:
    """The encoding whose byte order mark these bytes begin with, or empty."""
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8"
    return "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""
