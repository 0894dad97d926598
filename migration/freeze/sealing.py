"""The end of a freeze: what is no part of it goes, what is gets its digests, and `sealed.json` is written last."""

import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from formats import merkle
from formats.errors import IntegrityError
from migration.freeze import checking, disk, manifest, seal, state
from migration.freeze.frozen import CATALOG, README, SUMS
from migration.freeze.manifest import Chunk
from migration.freeze.seal import Part, Sealed

_Line = tuple[Chunk, bytes]


def seal_folder(folder: Path, at: str) -> None:
    """Seal a freeze whose every chunk is in its manifest. It may be cut off anywhere and called again.

    Raises OSError, IntegrityError D652 for a chunk file that is not there.
    """
    (folder / manifest.FILE).chmod(0o400)
    leaves = merkle.Frontier()
    parts, packed = list[Part](), 0
    part = folder / f"{SUMS}.part"
    with part.open("wb") as sums:
        for name in (README, CATALOG, state.FILE, manifest.FILE):
            sums.write(_sum(checking.digest(folder / name), name))
        for number, lines in groupby(_lines(folder), key=lambda line: line[0].table):
            table = _Table(folder, number, parts[-1].offset + parts[-1].length if parts else 0)
            leaves = leaves.extend(table.leaf(line, sums.write) for line in lines)
            parts.append(table.part())
            packed += table.packed
        sums.flush()
        os.fchmod(sums.fileno(), 0o400)
        os.fsync(sums.fileno())
    part.replace(folder / SUMS)
    sealed = Sealed(
        at=at,
        root=leaves.root().hex(),
        readme=checking.digest(folder / README),
        catalog=checking.digest(folder / CATALOG),
        snapshot=checking.digest(folder / state.FILE),
        manifest=checking.digest(folder / manifest.FILE),
        sums=checking.digest(folder / SUMS),
        packed=packed,
        tables=tuple(parts),
    )
    disk.replace(folder / seal.FILE, seal.encode(sealed))


class _Table:
    """One table's lines, counted as they pass."""

    def __init__(self, folder: Path, number: int, offset: int) -> None:
        self._folder, self._number, self._offset = folder, number, offset
        self._chunks = self._rows = self._bytes = self._length = self.packed = 0
        self._digest = sha256()

    def leaf(self, line: _Line, write: Callable[[bytes], Any]) -> bytes:
        """Count a line, write its file's sum, and give its leaf's hash. Raises IntegrityError D652."""
        chunk, text = line
        file = self._folder / chunk.file
        if not file.is_file() or file.stat().st_size != chunk.packed:
            raise IntegrityError("D652", chunk.file)
        write(_sum(chunk.packed_sha256, chunk.file))
        self._digest.update(text)
        self._chunks += 1
        self._rows += chunk.rows
        self._bytes += chunk.bytes
        self._length += len(text)
        self.packed += chunk.packed
        return merkle.leaf_hash(text.removesuffix(b"\n"))

    def part(self) -> Part:
        """The table, once all its lines have passed; files that a longer earlier run has left are removed."""
        known = self._folder / manifest.file_of(self._number, self._chunks)
        for file in known.parent.iterdir():
            if file.name > known.name:
                file.unlink()
        counts = self._chunks, self._rows, self._bytes
        return Part(self._number, *counts, self._offset, self._length, self._digest.hexdigest())


def _lines(folder: Path) -> Iterator[_Line]:
    with (folder / manifest.FILE).open("rb") as lines:
        for line in lines:
            yield manifest.decode(line), line


def _sum(digest: str, name: str) -> bytes:
    """A line as `sha256sum -c` reads it."""
    return f"{digest}  {name}\n".encode()
