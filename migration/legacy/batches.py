"""What the readers of all forms give, some records at once as columns of texts; and files that are watched."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from types import MappingProxyType
from typing import Final

from formats.errors import IntegrityError, UnreachableError
from migration.legacy.cells import Texts

BATCH: Final = 2_000  # records in a batch
CHUNK: Final = 2**20  # bytes read at once
_NO_BYTES: Final[Mapping[tuple[int, int], int]] = MappingProxyType({})
_NO_ROWS: Final[Mapping[int, str]] = MappingProxyType({})
_END_MARK: Final = b"\x1a"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of one file, as columns of texts; None is NULL.

    `numbers`: each record's number in its file, from 1. `lines`: the line on which it begins, where the file has lines.
    `bad`: by row and column, the file's byte at which the cell's first undecodable byte stands. `broken`: rows that are
    not of the table's form, and how; their cells are empty. `deleted`: numbers of records that are marked deleted.
    """

    file: str
    numbers: Sequence[int]
    columns: Sequence[Texts]
    lines: Sequence[int] = ()
    bad: Mapping[tuple[int, int], int] = field(default_factory=lambda: _NO_BYTES)
    broken: Mapping[int, str] = field(default_factory=lambda: _NO_ROWS)
    deleted: Sequence[int] = ()

    def place(self, row: int) -> str:
        """Where a row stands: file and record, and line."""
        line = f" (line {self.lines[row]})" if self.lines else ""
        return f"{self.file} record {self.numbers[row]}{line}"


def unread(path: Path) -> BufferedReader:
    """The file opened for reading only. Raises UnreachableError S409."""
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreachableError("S409", f"{path.name}: {error.strerror}") from None


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal. Raises UnreachableError S409 if it can't be read."""
    with unread(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Watched:
    """A file that is read from begin to end and must be what it was when the snapshot was opened: `sha256`."""

    path: Path
    sha256: str

    def chunks(self, size: int = CHUNK) -> Iterator[bytes]:
        """The bytes, `size` at once. Raises IntegrityError D632 at the end if it is not the same file any more."""
        digest = hashlib.sha256()
        with unread(self.path) as file:
            while chunk := file.read(size):
                digest.update(chunk)
                yield chunk
        if digest.hexdigest() != self.sha256:
            raise IntegrityError("D632", f"{self.path.name} changed while it was read")

    def confirm(self) -> None:
        """Read it once more as a whole. Raises IntegrityError D632 if it is not the same file any more."""
        if sha256_of(self.path) != self.sha256:
            raise IntegrityError("D632", f"{self.path.name} changed while it was read")


def without_end_mark(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes without DOS's mark of the end (0x1A), where it is the very last byte."""
    last = b""
    for chunk in chunks:
        if last:
            yield last
        last = chunk
    if last := last.removesuffix(_END_MARK):
        yield last


def regrouped(chunks: Iterator[bytes], first: int, step: int) -> Iterator[bytes]:
    """The same bytes as one piece of `first` bytes and then pieces of `step`; the last may be shorter."""
    waiting, size = bytearray(), first
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
            size = step
    if waiting:
        yield bytes(waiting)
