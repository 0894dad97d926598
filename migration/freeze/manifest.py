"""The lines of a freeze's manifest: one chunk each, in the order of tables and chunks. Pure.

A line is canonical JSON (sorted keys, no blanks, UTF-8) and LF. The leaves of the freeze's tree are these lines without
the LF.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from formats.errors import IntegrityError
from migration.engine import Bound

FILE: Final = "manifest.jsonl"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: rows of one table whose key is > `after` and <= `to`, in the order of the key.

    `table` and `chunk` count from 1, `file` is relative to the freeze's folder. `rows`, `bytes`, `sha256` and `sm3`
    (hex) are of the canonical bytes, `packed` and `packed_sha256` of the file. `after` is None of a table's first
    chunk, `to` of its last; of a table without a key both are None. Bounds are keys of rows: never log them.
    """

    table: int
    chunk: int
    file: str
    rows: int
    bytes: int
    sha256: str
    sm3: str
    packed: int
    packed_sha256: str
    after: Bound = None
    to: Bound = None

    @property
    def place(self) -> tuple[int, int]:
        """By what chunks are put in order."""
        return self.table, self.chunk


def file_of(table: int, chunk: int) -> str:
    """Where a chunk lies in the freeze's folder."""
    return f"data/{table:04}/{chunk:08}.csv.gz"


def encode(chunk: Chunk) -> bytes:
    """The chunk as a line, LF at its end."""
    return canonical(asdict(chunk)) + b"\n"


def decode(line: bytes) -> Chunk:
    """The chunk of a line. Raises IntegrityError D652."""
    try:
        fields = json.loads(line)
        return Chunk(**{**fields, "after": _bound(fields["after"]), "to": _bound(fields["to"])})
    except (ValueError, TypeError, KeyError):
        raise IntegrityError("D652", f"{FILE}: a line that is no chunk") from None


def canonical(document: Any) -> bytes:
    """A document as canonical JSON, without LF."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _bound(cells: Iterable[str] | None) -> Bound:
    return None if cells is None else tuple(cells)
