"""A SIARD file's ZIP, opened for reading only and with distrust.

Entries are looked up by their names and never written anywhere, so a name is no path. Sizes are held by limits; the
ZIP's own checksums are checked by reading an entry to its end.
"""

import hashlib
import os
import struct
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from formats.errors import IntegrityError, RefusedError, UnreachableError
from migration.siard import unpacking
from migration.siard.form import DIGESTS, HEADER

PIECE: Final = 256 * 1024

_READ: Final = 1024 * 1024
_ENCRYPTED: Final = 0x1
# ValueError: names that are no text, numbers out of range; struct.error: extra fields that are cut off.
_DAMAGE: Final = (zipfile.BadZipFile, unpacking.UNPACKABLE, struct.error, EOFError, OSError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost. Bytes, except `entries`; `ratio` is of all unpacked bytes to the file's own.

    Deflate can't pack better than 1032 to 1, so a greater ratio means entries that lie over each other.
    """

    entries: int = 4_000_000
    metadata: int = 256 * 1024 * 1024
    cell: int = 1024 * 1024 * 1024
    row: int = 2 * 1024 * 1024 * 1024
    ratio: int = 1032


DEFAULT: Final = Limits()


class Package:
    """An open SIARD file. A context manager. Not for several threads."""

    def __init__(self, path: Path, limits: Limits) -> None:
        """Raises UnreachableError S416 if it can't be opened, RefusedError D691 if it is no ZIP that SIARD allows."""
        self.name = path.name
        self.limits = limits
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise UnreachableError("S416", f"{path.name}: {error.strerror}") from None
        self._file = os.fdopen(self._handle, "rb")
        self._state = self._stat()
        try:
            self.digest = self._digest()
            self._zip = zipfile.ZipFile(self._file)
            self._check()
        except _DAMAGE:
            self._file.close()
            raise RefusedError("D691", f"{path.name}: not a ZIP, or a damaged one") from None
        except RefusedError:
            self._file.close()
            raise

    def __contains__(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def read(self, name: str, limit: int) -> bytes:
        """A whole entry of at most `limit` bytes. Raises RefusedError D691."""
        if name not in self:
            raise RefusedError("D691", f"{self.name}: {name} is missing")
        if self._zip.getinfo(name).file_size > limit:
            raise RefusedError("D691", f"{self.name}: {name} is larger than {limit} bytes")
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        """An entry in pieces of a quarter of a megabyte. Raises RefusedError D691, also at its end if it is damaged."""
        if name not in self:
            raise RefusedError("D691", f"{self.name}: {name} is missing")
        try:
            self._zip.open(name).close()  # looks at its local header
            yield from unpacking.pieces(self._handle, self._zip.getinfo(name), PIECE)
        except _DAMAGE:
            raise RefusedError("D691", f"{self.name}: {name} is damaged") from None

    def content_digest(self, algorithm: str) -> str:
        """The digest of the bytes before the header, as the metadata give it: hexadecimal, upper case."""
        end = min((info.header_offset for info in self._zip.infolist() if info.filename.startswith(HEADER)), default=0)
        digest = hashlib.new(DIGESTS[algorithm], usedforsecurity=False)
        self._file.seek(0)
        while end and (data := self._file.read(min(_READ, end))):
            digest.update(data)
            end -= len(data)
        return digest.hexdigest().upper()

    def refused(self) -> str:
        """What the system says to a write through the open file. Raises IntegrityError D630 when it allows it."""
        try:
            os.write(self._handle, b"")
            os.ftruncate(self._handle, self._state[0])
        except OSError as error:
            return f"{self.name}: {error.strerror}"
        raise IntegrityError("D630", self.name)

    def unchanged(self) -> None:
        """Raises IntegrityError D632 when the file is not what it was when it was opened."""
        if self._stat() != self._state and self._digest() != self.digest:
            raise IntegrityError("D632", self.name)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._zip.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stat(self) -> tuple[int, int]:
        state = os.fstat(self._handle)
        return state.st_size, state.st_mtime_ns

    def _digest(self) -> str:
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()

    def _check(self) -> None:
        every = self._zip.infolist()
        if len(every) > self.limits.entries:
            raise RefusedError("D691", f"{self.name}: more than {self.limits.entries} entries")
        if len(self._zip.NameToInfo) != len(every):
            raise RefusedError("D691", f"{self.name}: two entries of one name")
        if any(info.flag_bits & _ENCRYPTED for info in every):
            raise RefusedError("D691", f"{self.name}: encrypted")
        if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in every):
            raise RefusedError("D691", f"{self.name}: neither stored nor deflated")
        if sum(info.file_size for info in every) > self.limits.ratio * self._state[0]:
            raise RefusedError("D691", f"{self.name}: unpacks to more than {self.limits.ratio} times its size")


def digest_holds(data: bytes, algorithm: str, expected: str) -> bool:
    """Whether these bytes have this digest, hexadecimal or, as the standard allows too, Base64."""
    if algorithm not in DIGESTS:
        return False
    found = hashlib.new(DIGESTS[algorithm], data, usedforsecurity=False).digest()
    return expected.upper() == found.hex().upper() or expected == b64encode(found).decode()
