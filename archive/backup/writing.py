"""Writing to a place without believing it: every file is read back from there and held against its digest."""

import hashlib
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from archive.backup.place import Place, holds
from archive.backup.snapshot import File
from archive.backup.sources import Wanted
from formats.errors import IntegrityError


class Measured(NamedTuple):
    """What was read of a source: bytes, SHA-256 and SHA-512 in hex."""

    size: int
    sha256: str
    sha512: str


class Writer:
    """Brings files to a place. `written` and `bytes` count what was written in this run, `healed` what was replaced."""

    def __init__(self, place: Place, earlier: Mapping[str, File], now: str) -> None:
        """`earlier` are the files of an earlier snapshot that holds, by path; `now` is UTC text."""
        self._place = place
        self._earlier = earlier
        self._taken = {file.name: file.sha256 for file in earlier.values()}
        self._there = dict(place.names(""))
        self._now = now
        self._sources: dict[str, Wanted] = {}
        self.written = 0
        self.bytes = 0
        self.healed: list[str] = []

    def put(self, wanted: Wanted) -> File:
        """The file as it is at the place now, written there if it was not.

        Raises IntegrityError A502, A506 (the source is damaged: nothing was written), A511 (what was read back is not
        what was written), A512; UnreachableError.
        """
        old = self._earlier.get(wanted.path)
        if old and _is_same(old, wanted) and self._there.get(old.name) == old.size:
            self._sources[old.name] = wanted
            return old
        measured = _measured(wanted)
        if old and old.sha256 == measured.sha256 and self._there.get(old.name) == old.size:
            self._sources[old.name] = wanted
            return old
        name = self._free_name(wanted.name, measured)
        if self._there.get(name) is None:
            self._write(name, wanted, measured)
        self._sources[name] = wanted
        return File(wanted.path, name, measured.size, measured.sha256, wanted.sha512, self._now)

    def verify(self, files: Mapping[str, File], budget: timedelta | None) -> dict[str, File]:
        """Read files of earlier backups again, those first that were read longest ago, as long as the budget lasts.

        `files` by path, and so the answer, in which what was read has a new time. None: all are read. A file that no
        longer holds is written anew from its source. Raises as `put`.
        """
        until = None if budget is None else time.monotonic() + budget.total_seconds()
        read: dict[str, str] = {file.name: self._now for file in files.values() if file.verified == self._now}
        for file in sorted(files.values(), key=lambda item: (item.verified, item.path)):
            if file.name in read:
                continue
            if until is not None and time.monotonic() > until:
                break
            if not holds(self._place, file.name, file.size, file.sha256):
                self._heal(file)
            read[file.name] = self._now
        return {path: file._replace(verified=read.get(file.name, file.verified)) for path, file in files.items()}

    def _heal(self, file: File) -> None:
        """Replace a damaged copy, but only once the source is seen to be good."""
        wanted = self._sources[file.name]
        measured = _measured(wanted)
        if measured.sha256 != file.sha256:
            raise IntegrityError("A511", file.name)
        self._place.remove(file.name)
        self._write(file.name, wanted, measured)
        self.healed.append(file.name)

    def _free_name(self, name: str, measured: Measured) -> str:
        """The name under which these bytes lie already, or may be written."""
        for candidate in (name, f"{name}~{measured.sha256[:16]}"):
            size = self._there.get(candidate)
            if size is None:
                return candidate
            if size == measured.size and holds(self._place, candidate, size, measured.sha256):
                return candidate
            if self._taken.get(candidate) == measured.sha256:  # a damaged copy of these very bytes
                self._place.remove(candidate)
                del self._there[candidate]
                self.healed.append(candidate)
                return candidate
        raise IntegrityError("A511", f"{name} is there with other bytes")

    def _write(self, name: str, wanted: Wanted, measured: Measured) -> None:
        self._place.write(name, wanted.pieces())
        if not holds(self._place, name, measured.size, measured.sha256):
            raise IntegrityError("A511", name)
        self._there[name] = measured.size
        self.written += 1
        self.bytes += measured.size


def _is_same(old: File, wanted: Wanted) -> bool:
    """Whether the digests that the archive itself names say so, without reading anything."""
    if wanted.sha512:
        return wanted.sha512 == old.sha512
    return bool(wanted.sha256) and wanted.sha256 == old.sha256


def _measured(wanted: Wanted) -> Measured:
    """Read the source. Raises IntegrityError A506 when it is not what the archive says, and what reading raises."""
    size, first, second = 0, hashlib.sha256(), hashlib.sha512()
    for piece in wanted.pieces():
        size += len(piece)
        first.update(piece)
        second.update(piece)
    measured = Measured(size, first.hexdigest(), second.hexdigest())
    if wanted.sha256 not in ("", measured.sha256) or wanted.sha512 not in ("", measured.sha512):
        raise IntegrityError("A506", wanted.path)
    return measured
