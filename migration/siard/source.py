"""A SIARD file as a source of a migration.

Nothing of it is unpacked to the disk. Tables are given in the order of the file, which the standard leaves open. The
state that a snapshot stands for is the whole file: its SHA-256 is the token, and what another process shares.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from formats.errors import IntegrityError, RefusedError
from migration.ahead import ahead
from migration.catalog import Catalog, Kind, Oddity, Table, TableName
from migration.engine import Block, Bound, Identity, ReadColumn, Reading, Snapshot
from migration.siard import census, metadata_reading, parsing
from migration.siard.form import CONTENT, METADATA
from migration.siard.metadata_reading import Metadata, Stored
from migration.siard.package import DEFAULT, Limits, Package, digest_holds
from migration.siard.patterns import Rows

_AHEAD: Final = 8  # pieces of a quarter of a megabyte, unpacked while those before them are read


@dataclass(frozen=True, slots=True)
class SiardSource:
    """A SIARD file of version 2.1 or 2.2. `limits` hold what a hostile file may cost."""

    path: Path
    limits: Limits = DEFAULT

    def catalog(self) -> Catalog:
        """What it holds. A digest over the content that does not hold is an oddity D691, what is left out D692.

        Raises UnreachableError S416, RefusedError D691.
        """
        with Package(self.path, self.limits) as package:
            metadata = _metadata(package)
            wrong = tuple(
                Oddity("D691", TableName("", package.name), detail=f"the {algorithm} over the content does not hold")
                for algorithm, digest in metadata.digests
                if package.content_digest(algorithm) != digest.upper()
            )
        return _with(metadata.catalog, wrong)

    def census(self, snapshot: Snapshot, table: Table) -> tuple[Oddity, ...]:
        """What of a table's values will not go without saying, also that they can't be read at all."""
        columns = tuple(ReadColumn(c.name, c.kind, c.native, c.scale, c.padded) for c in table.columns)
        assert isinstance(snapshot, SiardSnapshot), "one of this source's own"
        return census.taken(table, snapshot.looked(Reading(table.name, columns, table.order)))

    def snapshot(self, shared: str = "") -> "SiardSnapshot":
        """The file, opened for reading only. Raises IntegrityError D632 if it is not the one that is shared."""
        package = Package(self.path, self.limits)
        try:
            if shared and package.digest != shared:
                raise IntegrityError("D632", package.name)
            return SiardSnapshot(package, _metadata(package))
        except BaseException:
            package.close()
            raise


class SiardSnapshot:
    """An open SIARD file. A context manager. Not for several threads."""

    def __init__(self, package: Package, metadata: Metadata) -> None:
        self._package = package
        self._metadata = metadata

    @property
    def identity(self) -> Identity:
        """The file: its version of the standard, its database's name, the day it was made, its SHA-256."""
        catalog = self._metadata.catalog
        return Identity(catalog.engine, catalog.version, catalog.name, self._metadata.day, self._package.digest)

    @property
    def shared(self) -> str:
        """The file's SHA-256, by which another process knows that it reads the same one."""
        return self._package.digest

    @property
    def ordered(self) -> bool:
        """Rows come as they lie in the file."""
        return False

    def refused(self) -> str:
        """The system's refusal of a write through the open file. Raises IntegrityError D630."""
        return self._package.refused()

    def ranged(self, _reading: Reading) -> bool:
        """A file has no ranges."""
        return False

    def bounds(self, _reading: Reading, _rows: int) -> tuple[tuple[str, ...], ...]:
        """A file has no ranges."""
        return ()

    def blocks(self, reading: Reading, after: Bound = None, to: Bound = None) -> Iterator[Block]:
        """The canonical lines of a table as its rows lie in the file.

        Raises RefusedError D691 when its XML, its digests or its number of rows are not as they must be, IntegrityError
        D613, D615 for a value that is not of its column's kind, D632 when the file has changed meanwhile.
        """
        assert (after, to) == (None, None), "a file has no ranges"
        return self._read(reading)

    def looked(self, reading: Reading) -> Iterator[Block]:
        """As `blocks`; but rows in which nothing can be odd come without their lines, as a number only."""
        return self._read(reading, census.passes)

    def _read(self, reading: Reading, *passes: parsing.Passes) -> Iterator[Block]:
        stored = self._metadata.tables.get(reading.table)
        if stored is None:
            raise RefusedError("D691", f"{self._package.name}: no table {reading.table}")
        numbers = tuple(stored.numbers[column.name] for column in reading.columns)
        rows = Rows(str(reading.table), stored.columns, dict(zip(numbers, reading.columns, strict=True)), numbers)
        large = _Large(self._package, self._metadata.folder, stored, str(reading.table))
        count = 0
        with ahead(self._package.pieces(stored.place.rows), _AHEAD) as pieces:
            for block in parsing.blocks(pieces, rows, large.text, self._package.limits.row, *passes):
                count += block.rows
                yield block
        if count != stored.rows:
            raise RefusedError("D691", f"{reading.table}: {count} rows, and {stored.rows} in the metadata")
        self._package.unchanged()

    def close(self) -> None:
        """Close the file."""
        self._package.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Large:
    """Cells that stand in files of their own inside the ZIP."""

    package: Package
    folder: str
    stored: Stored
    table: str

    def text(self, column: ReadColumn, attributes: Mapping[str, str]) -> str:
        """The cell as it would stand in the XML. Raises RefusedError D691 if it is missing, changed or outside."""
        place = f"{self.table}.{column.name}"
        name = self._entry(column.name, attributes["file"])
        if name is None:
            raise RefusedError("D691", f"{place}: a file of its own that is not in this one")
        data = self.package.read(name, self.package.limits.cell)
        _hold(data, attributes, place)
        if column.kind is Kind.BYTES:
            return data.hex()
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise IntegrityError("D611", place) from None

    def _entry(self, column: str, file: str) -> str | None:
        """The entry's name: in full, as the Swiss tools write it, or below the folders that the metadata name."""
        inner = self.stored.folders[column]
        folders = ("", self.stored.place.folder, CONTENT, self.folder, inner, f"{self.folder}/{inner}")
        names = ("/".join(part.strip("/") for part in (folder, file) if part.strip("/")) for folder in folders)
        below = "/".join((self.stored.place.folder.rstrip("/"), inner.strip("/"), file))
        return next((name for name in (*names, below) if name in self.package), None)


def _hold(data: bytes, attributes: Mapping[str, str], place: str) -> None:
    """Raises RefusedError D691 when the bytes are not those that the attributes tell of."""
    if digest := attributes.get("digest"):
        if not digest_holds(data, attributes.get("digestType", "MD5"), digest):
            raise RefusedError("D691", f"{place}: the digest of a large object does not hold")
    elif (length := attributes.get("length")) and int(length) not in _lengths(data):
        raise RefusedError("D691", f"{place}: a large object of another length")


def _lengths(data: bytes) -> set[int]:
    """What tools count as the length of a large object: octets, characters, or Java's halves of characters."""
    text = data.decode(errors="replace")
    return {len(data), len(text), len(text.encode("utf-16-le")) // 2}


def _metadata(package: Package) -> Metadata:
    return metadata_reading.read(package.read(METADATA, package.limits.metadata))


def _with(catalog: Catalog, oddities: tuple[Oddity, ...]) -> Catalog:
    return replace(catalog, oddities=(*oddities, *catalog.oddities)) if oddities else catalog
