"""A SIARD 2.2 file written from a freeze, as a stream: memory is that of some blocks, or of the largest cell.

Content comes before the header, as the digest in the metadata asks. Large objects come behind the rows of their table
and are read from the freeze a second time. The file is new and of mode 0400; it has its name only when it is whole.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from isal import isal_zlib
from stream_zip import NO_COMPRESSION_32, NO_COMPRESSION_64, ZIP_32, ZIP_64, Method, stream_zip

from formats.errors import UsageError
from migration.catalog import Column
from migration.engine import Block, Reading
from migration.freeze import Frozen, disk, lines
from migration.siard import metadata_writing, rendering, table_schema
from migration.siard.form import CONTENT, HEADER, METADATA, METADATA_SCHEMA, VERSION_FOLDERS, Place
from migration.siard.metadata_writing import About, Written
from migration.siard.rendering import Renderer
from migration.siard.sql_types import INLINE

Member = tuple[str, datetime, int, Method, Iterable[bytes]]

_LOCAL: Final = 30  # octets of a ZIP's local header before the entry's name
_WIDE: Final = 20  # octets that ZIP64 adds to it
_LEVEL: Final = 1
_WINDOW: Final = -15  # raw deflate
_SMALL: Final = 2**32 - 2**28  # below this no entry and no offset needs ZIP64
_TAGS: Final = 16  # octets of tags that a row has, and that a cell has at most
_WORST: Final = 6  # octets that one may become: `\\u0020`
_READ: Final = 1024 * 1024
_FOLDER: Final = stat.S_IFDIR | 0o755
_FILE: Final = stat.S_IFREG | 0o644


@dataclass(frozen=True, slots=True)
class _Part:
    """One table to be written: its number in the freeze, how it was read, and what the metadata say of it."""

    number: int
    written: Written

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of its rows."""
        return self.written.table.columns


def write(frozen: Frozen, file: Path, *, about: About, at: datetime, inline: int = INLINE) -> None:
    """Write what a freeze keeps as a new SIARD 2.2 file, at `at` (UTC).

    `inline` is how many octets a cell of a large object's column may have to stand in the table's XML itself.

    Raises UsageError D607 when the file is there already, D609 for a name that does not end with `.siard`,
    IntegrityError D652 when the freeze is damaged, D615 or D618 for a value that SIARD has no form for,
    UnreachableError S416. Whatever is raised, no file of this name is left.
    """
    if file.suffix != ".siard":
        raise UsageError("D609", f"{file.name}: the name of a SIARD file ends with .siard")
    if file.exists():
        raise UsageError("D607", file.name)
    part = file.with_name(f"{file.name}.part")
    with disk.refusals():
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    try:
        _Archive(frozen, handle, about, at.astimezone(UTC), inline).write()
        with disk.refusals():
            os.fsync(handle)
            part.replace(file)
            disk.flush(file.parent)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    finally:
        os.close(handle)


class _Archive:
    """A SIARD file being written."""

    def __init__(self, frozen: Frozen, handle: int, about: About, at: datetime, inline: int) -> None:
        self._frozen = frozen
        self._handle = handle
        self._about = about
        self._at = at
        self._inline = inline
        names = list(frozen.tables.values())
        self._folders = metadata_writing.folders(frozen.catalog, names)
        self._parts = [self._part(number, index) for index, number in enumerate(frozen.tables)]
        self._is_wide = self._bound() > _SMALL
        self._size = 0

    def write(self) -> None:
        """Write it all; the file is not flushed."""
        members = stream_zip(
            self._members(),
            get_compressobj=_compressor,
            extended_timestamps=False,
        )
        for data in members:
            with disk.refusals():
                disk.write_all(self._handle, data)
            self._size += len(data)

    def _part(self, number: int, index: int) -> _Part:
        reading = self._frozen.reading(number)
        table = self._frozen.catalog.table(reading.table)
        place = Place(self._folders[reading.table.schema], f"table{index}")
        kept = replace(table, columns=tuple(_columns(table.columns, reading)))
        return _Part(number, Written(kept, place, self._frozen.rows(number)))

    def _bound(self) -> int:
        """More octets than all that is unpacked."""
        return sum(
            chunk.bytes * _WORST + chunk.rows * _TAGS * (1 + len(part.columns))
            for part in self._parts
            for chunk in self._frozen.chunks(part.number)
        )

    def _members(self) -> Iterator[Member]:
        yield self._folder(CONTENT)
        for folder in self._folders.values():
            yield self._folder(f"{CONTENT}{folder}/")
        for part in self._parts:
            yield from self._table(part)
        for folder in (HEADER, *VERSION_FOLDERS):
            yield self._folder(folder)
        yield self._file(METADATA, self._metadata())
        yield self._file(METADATA_SCHEMA, (Path(__file__).with_name("metadata.xsd").read_bytes(),))

    def _table(self, part: _Part) -> Iterator[Member]:
        place = part.written.place
        yield self._folder(place.folder)
        renderer = self._renderer(part)
        yield self._file(place.rows, self._rows(part, renderer))
        yield self._file(place.description, (table_schema.document(part.columns),))
        if renderer.apart:
            again = self._renderer(part)
            for block in self._blocks(part):
                for cell in again.large(block):
                    column = part.columns[cell.column]
                    name = place.large(cell.column, cell.record, rendering.extension(column))
                    yield self._file(name, (rendering.content(column, cell.text),))

    def _rows(self, part: _Part, renderer: Renderer) -> Iterator[bytes]:
        yield rendering.start(part.written.place)
        for block in self._blocks(part):
            yield renderer.xml(block)
        yield rendering.END

    def _blocks(self, part: _Part) -> Iterator[Block]:
        for chunk in self._frozen.chunks(part.number):
            yield from lines.whole(self._frozen.data(chunk))

    def _renderer(self, part: _Part) -> Renderer:
        table = part.written.table
        return Renderer(table.name, table.columns, part.written.place, self._inline)

    def _metadata(self) -> Iterator[bytes]:
        """The metadata, made when everything before them is in the file: their own local header is too by then."""
        folders = (HEADER, *VERSION_FOLDERS)
        headers = sum(_LOCAL + _WIDE * self._is_wide + len(name) for name in (*folders, METADATA))
        tables = [part.written for part in self._parts]
        digest = self._digest(self._size - headers)
        yield metadata_writing.document(self._frozen.catalog, self._about, tables, digest, self._at.date())

    def _digest(self, end: int) -> str:
        """The SHA-256 of the file's first octets, up to the entry of the header's folder."""
        digest, place = hashlib.sha256(), 0
        with disk.refusals():
            while place < end:
                data = os.pread(self._handle, min(_READ, end - place), place)
                digest.update(data)
                place += len(data)
            found = os.pread(self._handle, _LOCAL, end)
        assert found.startswith(b"PK\x03\x04"), "the header begins where the content ends"
        return digest.hexdigest()

    def _folder(self, name: str) -> Member:
        return name, self._at, _FOLDER, NO_COMPRESSION_64 if self._is_wide else NO_COMPRESSION_32, ()

    def _file(self, name: str, data: Iterable[bytes]) -> Member:
        return name, self._at, _FILE, ZIP_64 if self._is_wide else ZIP_32, data


def _compressor() -> Any:
    """ISA-L's compressor, which stands in for zlib's of the same methods."""
    return isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _WINDOW)


def _columns(columns: Iterable[Column], reading: Reading) -> Iterator[Column]:
    """The columns as the freeze has their cells."""
    known = {column.name: column for column in columns}
    for read in reading.columns:
        yield replace(known[read.name], kind=read.kind, scale=read.scale, padded=read.padded)
