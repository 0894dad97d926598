"""A mailbox in a folder: for one machine, for a disk carried by courier, and for the receiver's own side of a server.

Every OSError becomes a coded error without the system's text: S404 when the folder is not there, S407 for the rest.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from formats.errors import RefusedError, ServiceError, UnreachableError
from transfer.mailbox import LISTING_MOST, PART, Entry, Parcel, check_name, check_new, is_name, is_part


class FolderMailbox:
    """A `Mailbox` whose packages are the files of one folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing is touched until the first call."""
        self._folder = folder

    def put(self, parcels: Iterable[Parcel]) -> tuple[tuple[str, ServiceError | None], ...]:
        """Store parcels one after the other; see `Mailbox.put`. All are flushed to the disk on return."""
        seen: set[str] = set()
        results = [(parcel.name, self._store(parcel, seen)) for parcel in parcels]
        unflushed = self._flush_folder()
        return tuple((name, error or unflushed) for name, error in results)

    def list(self) -> tuple[Entry, ...]:
        """The whole packages; see `Mailbox.list`. Links and folders are not listed."""
        with _coded(self._folder):
            found = (Entry(name, status.st_size) for name, status in self._files() if is_name(name))
            return tuple(sorted(found, key=lambda entry: entry.name))

    def fetch(self, name: str, most: int) -> bytes:
        """The bytes of one package; see `Mailbox.fetch`."""
        check_name(name)
        with _coded(self._folder):
            # Opening a pipe or following a link that somebody put there could wait for ever or read elsewhere.
            descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise UnreachableError("S407", "not a file")
                data = b"" if status.st_size > most else file.read(most + 1)
        if status.st_size > most or len(data) > most:
            raise RefusedError("T102", f"{max(status.st_size, len(data))} bytes, at most {most} allowed")
        return data

    def remove(self, name: str) -> None:
        """Remove one package; see `Mailbox.remove`."""
        check_name(name)
        with _coded(self._folder):
            (self._folder / name).unlink(missing_ok=True)

    def sweep(self, older_than: timedelta, at: datetime) -> int:
        """Remove stale `.part` files; see `Mailbox.sweep`."""
        limit = (at - older_than).timestamp()
        with _coded(self._folder):
            stale = [name for name, status in self._files() if is_part(name) and status.st_mtime < limit]
            for name in stale:
                (self._folder / name).unlink(missing_ok=True)
        return len(stale)

    def close(self) -> None:
        """Nothing is held between calls."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _store(self, parcel: Parcel, seen: set[str]) -> ServiceError | None:
        part = self._folder / f"{parcel.name}{PART}"
        try:
            check_new(parcel.name, seen)
            with _coded(self._folder):
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
                with os.fdopen(os.open(part, flags, 0o666), "wb") as file:
                    file.write(parcel.data)
                    file.flush()
                    os.fsync(file.fileno())
                    stored = os.fstat(file.fileno()).st_size
                if stored != len(parcel.data):
                    raise UnreachableError("S407", f"{stored} of {len(parcel.data)} bytes stored")
                part.replace(self._folder / parcel.name)
        except ServiceError as error:
            with suppress(OSError, ValueError):
                part.unlink()
            return error
        return None

    def _flush_folder(self) -> ServiceError | None:
        """Make the renames durable: once for all of a call, since `put` confirms nothing before it returns."""
        try:
            with _coded(self._folder):
                descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        except ServiceError as error:
            return error
        return None

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        with os.scandir(self._folder) as found:
            for number, file in enumerate(found):
                if number == LISTING_MOST:
                    return
                # Another worker may take a file away while we look.
                status = _status(file)
                if status is not None and stat.S_ISREG(status.st_mode):
                    yield file.name, status


def _status(file: "os.DirEntry[str]") -> os.stat_result | None:
    try:
        return file.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextmanager
def _coded(folder: Path) -> Iterator[None]:
    """Turn the system's errors into the service's."""
    try:
        yield
    except OSError as error:
        if not folder.is_dir():
            raise UnreachableError("S404", "the mailbox folder is not there") from None
        raise UnreachableError("S407", f"system error {error.errno}") from None
