"""The manifest while it grows, and what an earlier run had written before it was cut off.

    manifest.jsonl       chunks of the state in snapshot.json, in order, each flushed after its file
    work/earlier.jsonl   chunks of an earlier state: their files are kept if they read the same again

A line that a crash has torn is dropped.
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import IO, Final, Self

from formats.errors import IntegrityError
from migration.freeze import disk, manifest
from migration.freeze.manifest import Chunk

EARLIER: Final = "earlier.jsonl"


class Journal:
    """An unfinished freeze's chunks; a context manager. Chunks are asked for and appended in order."""

    def __init__(self, folder: Path, work: Path) -> None:
        """Raise OSError."""
        (folder / manifest.FILE).touch(0o600)
        (folder / manifest.FILE).chmod(0o600)
        self._file: IO[bytes] = (folder / manifest.FILE).open("ab")
        self._end = 0
        self._starts: dict[int, int] = {}
        self.last: Chunk | None = None
        for chunk, size in _whole(folder / manifest.FILE):
            self._starts.setdefault(chunk.table, self._end)
            self._end += size
            self.last = chunk
        self._file.truncate(self._end)
        self._earlier = _whole(work / EARLIER)
        self._next = next(self._earlier, None)

    def append(self, chunk: Chunk) -> None:
        """Enter a chunk whose file is safe. Raises OSError."""
        line = manifest.encode(chunk)
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._starts.setdefault(chunk.table, self._end)
        self._end += len(line)
        self.last = chunk

    def rewind(self, table: int) -> None:
        """Forget the chunks of a table, which is the last one. Raises OSError."""
        self._end = self._starts.pop(table, self._end)
        self._file.truncate(self._end)
        os.fsync(self._file.fileno())
        self.last = None

    def earlier(self, table: int, chunk: int) -> Chunk | None:
        """What an earlier run had written of this chunk."""
        while self._next and self._next[0].place < (table, chunk):
            self._next = next(self._earlier, None)
        return self._next[0] if self._next and self._next[0].place == (table, chunk) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._earlier.close()


def set_aside(folder: Path, work: Path) -> None:
    """Make what was written of one state into what an earlier run has written. May be cut off anywhere.

    Lines of the manifest go before those of an even earlier state. Raises OSError.
    """
    now, part = folder / manifest.FILE, work / f"{EARLIER}.part"
    reached = (0, 0)
    part.touch(0o600)
    with part.open("wb") as file:
        for chunk, _ in _whole(now):
            file.write(manifest.encode(chunk))
            reached = chunk.place
        file.writelines(manifest.encode(chunk) for chunk, _ in _whole(work / EARLIER) if chunk.place > reached)
        file.flush()
        os.fsync(file.fileno())
    part.replace(work / EARLIER)
    disk.flush(work)
    now.unlink(missing_ok=True)
    disk.flush(folder)


def _whole(path: Path) -> Generator[tuple[Chunk, int], None, None]:
    """The chunks of a file with the bytes of their lines, up to one that is torn."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            try:
                chunk = manifest.decode(line)
            except IntegrityError:
                return
            yield chunk, len(line)
