"""Originals: the exact bytes of what was sent and received, kept for good (art. 10).

`OriginalStore` is what the rest of the service knows of it. `FolderOriginals` is the first form: one write-once file an
original, named by its SHA-256, so that `sha256sum` checks it.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from formats.digest import sha256
from formats.errors import IntegrityError, UnreachableError, UsageError

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Kept:
    """One original that is kept: SHA-256, size in bytes, and what it is.

    `kind`: `delivery-sent`, `receipt-sent` (documents as signed), `package-received`, `receipt-received` (packages).
    """

    digest: str
    size: int
    kind: str


class OriginalStore(Protocol):
    """Where originals are kept. Nothing in it is ever changed or removed.

    Several processes may use one store at once, and keep the same bytes at the same time.
    """

    def keep(self, items: Sequence[tuple[str, bytes]]) -> tuple[Kept, ...]:
        """Keep these (kind, bytes), in this order; all are on disk to stay when it returns.

        Bytes that are kept already are compared and used. Raises UnreachableError S416 (no room; what was kept before
        is as it was, and the same call may be made again), IntegrityError A502 (the bytes kept already are damaged).
        """

    def read(self, digest: str) -> bytes:
        """The bytes with this digest. Raises IntegrityError A501 (missing), A502 (damaged), UsageError S417."""

    def digests(self) -> Iterator[str]:
        """The digest of everything kept; of what lies there and is no original of this store, the name."""


class FolderOriginals:
    """Originals as files `ab/cd/<digest>` of mode 0400 under one folder; new ones are staged in `stage/`."""

    def __init__(self, root: Path) -> None:
        """Nothing is made before the first original is kept."""
        self._root = root
        self._stage = root / "stage"

    def keep(self, items: Sequence[tuple[str, bytes]]) -> tuple[Kept, ...]:
        """See `OriginalStore.keep`. Writes all, flushes all, renames all, then flushes each touched folder once."""
        kept = tuple(Kept(sha256(data), len(data), kind) for kind, data in items)
        contents = {entry.digest: data for entry, (_, data) in zip(kept, items, strict=True)}
        if not contents:
            return ()
        staged: dict[str, Path] = {}
        with _disk():
            try:
                self._write(contents, staged)
                for digest, file in staged.items():
                    _make_folder(self._place(digest).parent)
                    file.rename(self._place(digest))
            except BaseException:
                for file in staged.values():
                    file.unlink(missing_ok=True)
                raise
            for folder in self._folders(contents):
                _flush(folder)
        return kept

    def read(self, digest: str) -> bytes:
        """See `OriginalStore.read`."""
        if not _DIGEST.fullmatch(digest):
            raise IntegrityError("A501", digest)
        try:
            data = self._place(digest).read_bytes()
        except FileNotFoundError:
            raise IntegrityError("A501", digest) from None
        except OSError as error:
            raise UsageError("S417", f"{digest}: {error.strerror}") from None
        if sha256(data) != digest:
            raise IntegrityError("A502", digest)
        return data

    def digests(self) -> Iterator[str]:
        """See `OriginalStore.digests`; files out of place are named by their path under the folder."""
        for first in _listed(self._root):
            if first == self._stage:
                continue
            for file in _files(first):
                yield file.name if file == self._place(file.name) else str(file.relative_to(self._root))

    def sweep(self, older_than: timedelta, at: datetime) -> int:
        """Remove what interrupted processes left in `stage/`; returns how many files. Raises UnreachableError S416."""
        stale = [file for file in _listed(self._stage) if file.stat().st_mtime < (at - older_than).timestamp()]
        with _disk():
            for file in stale:
                file.unlink(missing_ok=True)
        return len(stale)

    def _place(self, digest: str) -> Path:
        return self._root / digest[:2] / digest[2:4] / digest

    def _is_there(self, digest: str) -> bool:
        if not self._place(digest).exists():
            return False
        self.read(digest)
        return True

    def _write(self, contents: Mapping[str, bytes], staged: dict[str, Path]) -> None:
        """Stage what is not there yet, each file flushed; `staged` says by digest where."""
        _make_folder(self._stage)
        for digest, data in contents.items():
            if not self._is_there(digest):
                staged[digest] = self._stage / f"{digest}.{uuid4().hex}"
                _write_new(staged[digest], data)
        for file in staged.values():
            _flush(file)

    def _folders(self, digests: Iterable[str]) -> list[Path]:
        """Every folder on the way to these, the innermost first.

        All of them, not only those just made: another process may have made one a moment ago and not flushed it yet.
        """
        inner = {self._place(digest).parent for digest in digests}
        middle = {folder.parent for folder in inner}
        return [*sorted(inner), *sorted(middle), self._root, self._root.parent]


def _write_new(file: Path, data: bytes) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]  # a disk that is nearly full takes a part
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, for this account alone."""
    for place in reversed((folder, *folder.parents)):
        if not place.exists():
            place.mkdir(mode=0o700, exist_ok=True)


def _flush(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _files(place: Path) -> Iterable[Path]:
    if not place.is_dir():
        return [place]
    return (file for inner in _listed(place) for file in _files(inner))


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnreachableError("S416", error.strerror or type(error).__name__) from None
