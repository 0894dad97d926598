"""Signs that a declared encoding is not the file's: texts that are UTF-8 too, or have many rare characters."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from formats.charsets import MARK, Charset
from migration.catalog import Kind, Oddity, TableName
from migration.legacy.batches import Batch
from migration.legacy.tables import LegacyTable

_SAMPLE: Final = 5_000  # values of a column that are looked at
_LEAST: Final = 3
_SHARE: Final = 0.9  # of the values
_RARE: Final = 0.3  # of the characters; simplified Chinese has hardly one in a hundred
_CHINESE: Final = frozenset({"gb18030", "gb18030-2000", "gb18030-2005", "gb18030-2022", "gbk", "cp936"})


def agrees(driver: str, declared: str) -> bool:
    """Whether what a DBF file's language driver claims (empty: nothing) is the declared encoding."""
    return driver in ("", declared) or (driver == "cp936" and declared in _CHINESE)


@dataclass(slots=True)
class _Tally:
    """Of the values that are not ASCII: how many, how many UTF-8 too; their characters, and how many rare ones."""

    values: int = 0
    utf8: int = 0
    characters: int = 0
    rare: int = 0


class Suspects:
    """Counts a table's texts as they are read, in Chinese encodings only: in others every byte has its character."""

    def __init__(self, table: LegacyTable) -> None:
        self._table = table
        chinese = table.described.raw.name in _CHINESE
        texts = [at for at, field in enumerate(table.fields) if field.column.kind is Kind.TEXT] if chinese else []
        self._tallies = {at: _Tally() for at in texts}

    def look(self, batch: Batch) -> None:
        """Count some more values."""
        for at, tally in self._tallies.items():
            if tally.values < _SAMPLE:
                for value in batch.columns[at]:
                    if value and not value.isascii() and not MARK.search(value):
                        _count(tally, value, self._table.described.raw)

    def oddities(self) -> Iterator[Oddity]:
        """A warning for each column whose texts look like another encoding's."""
        name, declared = TableName("", self._table.described.name), self._table.described.raw.name
        for at, tally in self._tallies.items():
            column, values = self._table.fields[at].column.name, tally.values
            if values < _LEAST:
                continue
            if tally.utf8 >= _SHARE * values:
                detail = f"{tally.utf8} of {values} texts are UTF-8 as well: is {declared} right?"
                yield Oddity("D624", name, column, tally.utf8, detail)
            elif tally.rare >= _RARE * tally.characters:
                detail = f"{tally.rare} of {tally.characters} characters are rare ones: is {declared} right?"
                yield Oddity("D624", name, column, values, detail)


def _count(tally: _Tally, text: str, charset: Charset) -> None:
    tally.values += 1
    raw = text.encode(charset.codec, "ignore")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        foreign = "".join(character for character in text if not character.isascii())
        tally.characters += len(foreign)
        tally.rare += len(foreign) - len(foreign.encode("gb2312", "ignore")) // 2
    else:
        tally.utf8 += 1
