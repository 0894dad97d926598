"""A finished freeze as a value: a source's rows as they were, in a folder, each chunk under its digest.

README.txt               how to read all this without Jiexu
catalog.json             what the source held (`migration.catalog_file`)
snapshot.json            which state of it, and how its tables were read (`state`)
data/0001/00000001.csv.gz  table and chunk: canonical bytes (`migration.canon`), gzip
manifest.jsonl           a line a chunk (`manifest`)
SHA256SUMS               every file above
sealed.json              the digests of the files above (`seal`)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Self

from formats import merkle
from formats.digest import sha256
from formats.errors import IntegrityError
from migration import catalog_file
from migration.catalog import Catalog, TableName
from migration.engine import Identity, Reading
from migration.freeze import checking, manifest, packing, seal, state
from migration.freeze.manifest import Chunk
from migration.freeze.seal import Sealed
from migration.freeze.state import State

CATALOG: Final = "catalog.json"
README: Final = "README.txt"
SUMS: Final = "SHA256SUMS"

_NAMED: Final = 5  # damaged files that an error names


@dataclass(frozen=True, slots=True)
class Frozen:
    """A finished freeze. It crosses processes; nothing stays open.

    `state` and `sealed` are what the files `snapshot.json` and `sealed.json` say; `digest` is the SHA-256 (hex) of
    the latter and stands for the whole freeze.
    """

    folder: Path
    catalog: Catalog
    state: State
    sealed: Sealed
    digest: str

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The freeze in this folder. Its small files and its manifest are checked, its chunks when they are read.

        Raises IntegrityError D651 when it is not complete, D652 when a file is missing or changed.
        """
        if not (folder / seal.FILE).is_file():
            raise IntegrityError("D651", folder.name)
        data = (folder / seal.FILE).read_bytes()
        sealed = seal.decode(data)
        for name, expected in _digests(sealed).items():
            _expect(folder, name, expected)
        catalog = catalog_file.decode((folder / CATALOG).read_bytes())
        return cls(folder, catalog, state.decode((folder / state.FILE).read_bytes()), sealed, sha256(data))

    @property
    def identity(self) -> Identity:
        """Which state of which source it keeps."""
        return self.state.identity

    @property
    def root(self) -> str:
        """The hex root of the tree over the manifest's lines (RFC 9162)."""
        return self.sealed.root

    @property
    def tables(self) -> Mapping[int, TableName]:
        """The tables' names by number, in order."""
        return {table.number: table.reading.table for table in self.state.tables}

    def reading(self, table: int) -> Reading:
        """How a table was read: the columns that its cells are of, and its key. Raises KeyError."""
        for one in self.state.tables:
            if one.number == table:
                return one.reading
        raise KeyError(table)

    def rows(self, table: int) -> int:
        """How many rows a table has. Raises KeyError."""
        return self.sealed.part(table).rows

    def chunks(self, table: int) -> tuple[Chunk, ...]:
        """The chunks of a table in order, at least one; read from the manifest now.

        Raises KeyError, IntegrityError D652.
        """
        return tuple(map(manifest.decode, self._lines(table)))

    def data(self, chunk: Chunk) -> Iterator[bytes]:
        """A chunk's canonical bytes in blocks of 256 KiB, not cut at lines (`lines.whole` cuts them so).

        Raises IntegrityError D652, before the last block is given, when they are not the chunk's bytes.
        """
        return packing.unpacked(self.folder, chunk)

    def check(self, workers: int = 1) -> None:
        """Read every file again and compare it with its digests, in `workers` threads.

        Raises IntegrityError D652 that names files that do not hold and says how many, D651.
        """
        if type(self).open(self.folder).digest != self.digest:
            raise IntegrityError("D652", seal.FILE)
        if merkle.root_of(line for number in self.tables for line in self._lines(number)).hex() != self.root:
            raise IntegrityError("D652", f"{manifest.FILE}: another root")
        every = (chunk for number in self.tables for chunk in self.chunks(number))
        damaged = checking.damaged(self.folder, every, workers)
        if first := list(islice(damaged, _NAMED)):
            count = len(first) + sum(1 for _ in damaged)
            raise IntegrityError("D652", f"{count} files: {', '.join(first)}{' …' if count > _NAMED else ''}")

    def _lines(self, table: int) -> list[bytes]:
        part = self.sealed.part(table)
        try:
            with (self.folder / manifest.FILE).open("rb") as file:
                file.seek(part.offset)
                data = file.read(part.length)
        except OSError:
            raise IntegrityError("D652", manifest.FILE) from None
        if sha256(data) != part.sha256:
            raise IntegrityError("D652", manifest.FILE)
        return data.removesuffix(b"\n").split(b"\n")


def _digests(sealed: Sealed) -> dict[str, str]:
    return {
        README: sealed.readme,
        CATALOG: sealed.catalog,
        state.FILE: sealed.snapshot,
        manifest.FILE: sealed.manifest,
        SUMS: sealed.sums,
    }


def _expect(folder: Path, name: str, expected: str) -> None:
    try:
        found = checking.digest(folder / name)
    except OSError:
        found = ""
    if found != expected:
        raise IntegrityError("D652", name)
