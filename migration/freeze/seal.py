"""The last file of a freeze, `sealed.json`: what the freeze holds, and the digests of all that says so. Pure.

Without it a freeze is not complete.
"""

from dataclasses import dataclass
from typing import Final

from formats.errors import IntegrityError
from migration import json_values

FILE: Final = "sealed.json"
FORMAT: Final = "urn:jiexu:migration:freeze-seal:1"


@dataclass(frozen=True, slots=True)
class Part:
    """One table: how many chunks, rows and canonical bytes, and where its lines stand in the manifest.

    `offset` and `length` are bytes of `manifest.jsonl`, `sha256` (hex) is over them.
    """

    number: int
    chunks: int
    rows: int
    bytes: int
    offset: int
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A whole freeze: the hex root of the tree over the manifest's lines, SHA-256 of its files, its tables by number.

    `at` (UTC text) is when the run began that completed it, `packed` the bytes of all chunk files.
    """

    at: str
    root: str
    readme: str
    catalog: str
    snapshot: str
    manifest: str
    sums: str
    packed: int
    tables: tuple[Part, ...]

    def part(self, table: int) -> Part:
        """The table of this number. Raises KeyError."""
        for part in self.tables:
            if part.number == table:
                return part
        raise KeyError(table)


def encode(sealed: Sealed) -> bytes:
    """The file's bytes."""
    return json_values.encode(FORMAT, sealed)


def decode(data: bytes) -> Sealed:
    """What a file's bytes say. Raises IntegrityError D652."""
    try:
        return json_values.decode(FORMAT, Sealed, data)
    except ValueError as error:
        raise IntegrityError("D652", f"{FILE}: {error}") from None
