"""Lists of cells for the operator: files of mode 0600, one line an entry, written whole or not at all.

Lines are written as canonical bytes are (`migration.canon`), so that NULL and the empty text stay two things. They may
hold personal values: nothing of them goes to a log.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from migration import canon
from migration.canon import Cells
from migration.freeze.disk import flush, refusals


@dataclass(frozen=True, slots=True)
class Listed:
    """A finished list: its file's name, how many entries it has, SHA-256 of its bytes in hex."""

    file: str
    lines: int
    sha256: str


class Listing:
    """A list that is being written beside its place, and takes it when `finish` is called. A context manager."""

    def __init__(self, path: Path, columns: Iterable[str]) -> None:
        """Begin the list with its heading. Raises UnreachableError S416."""
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._digest = hashlib.sha256()
        self._lines = -1  # the heading is no entry
        with refusals():
            self._file = os.fdopen(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self.add(",".join(columns).encode() + b"\n")

    def write(self, cells: Cells) -> None:
        """Write one entry. Raises UnreachableError S416."""
        self.add(canon.line(cells))

    def add(self, lines: bytes, entries: int = 1) -> None:
        """Write entries that are lines already. Raises UnreachableError S416."""
        self._lines += entries
        self._digest.update(lines)
        with refusals():
            self._file.write(lines)

    def finish(self) -> Listed:
        """Bring the whole list to its place, on the disk. Raises UnreachableError S416."""
        with refusals():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._path)
            flush(self._path.parent)
        return Listed(self._path.name, self._lines, self._digest.hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with refusals():
            self._file.close()
            self._part.unlink(missing_ok=True)


def one_cell(cells: Cells) -> str:
    """Several cells as the text of one, a row's key for example."""
    return canon.line(cells).decode().removesuffix("\n")
