"""A mailbox on an SSH server.

paramiko's Transport does the SSH part: key exchange, the pinned host key, the login by key (`sftp_connection.py`). Its
SFTP client is not used: `put` loses errors of the last writes, waits for every file on its own, and is two to seventy
times slower than the pipeline here, which also does listing and fetching (pipelined reads in a small window: paramiko's
prefetch asks for a whole file at once, and its buffer's cost grows with the window).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from formats.errors import ServiceError, UnreachableError
from transfer import sftp_jobs
from transfer.mailbox import Entry, Parcel, check_name, check_new, is_name, is_part
from transfer.sftp_address import SftpAddress, parse_url
from transfer.sftp_connection import Connection
from transfer.sftp_pipeline import Job, Steps
from transfer.sftp_session import LostError, Session

__all__ = ["SftpAddress", "SftpMailbox", "parse_url"]

# Stands in the results of `put` for a parcel under way.
_UNKNOWN: Final = UnreachableError("S404", "not confirmed")


class SftpMailbox:
    """A `Mailbox` in a folder of an SSH server. It connects at the first call, and anew at the call after a loss."""

    def __init__(self, address: SftpAddress) -> None:
        """Nothing is done until the first call."""
        self._address = address
        self._session = Session(address)

    def put(self, parcels: Iterable[Parcel]) -> tuple[tuple[str, ServiceError | None], ...]:
        """Store up to 64 parcels at a time; see `Mailbox.put`.

        Flushed to the server's disk where the server offers it. A server without `posix-rename` replaces a file of
        the same name in two steps, and for an instant there is none.
        """
        results: list[tuple[str, ServiceError | None]] = []
        feed = iter(parcels)
        connection = self._session.connected()
        try:
            with self._session.moving(connection) as pipeline:
                for number, outcome in pipeline.run(self._stores(feed, results, connection)):
                    results[number] = (results[number][0], outcome)
        except LostError as lost:
            # `results` holds the loss for every parcel that was under way; those not begun have it too.
            results = [(name, lost.error if error is _UNKNOWN else error) for name, error in results]
            results.extend((parcel.name, lost.error) for parcel in feed)
        return tuple(results)

    def _stores(
        self, parcels: Iterator[Parcel], results: list[tuple[str, ServiceError | None]], connection: Connection
    ) -> Iterator[Job[None]]:
        seen: set[str] = set()
        while True:
            # Making a parcel may take the caller longer than a server may be silent.
            with connection.watchdog.paused():
                parcel = next(parcels, None)
            if parcel is None:
                return
            results.append((parcel.name, _UNKNOWN))
            yield Job(self._store(parcel, seen, connection), len(parcel.data))

    def _store(self, parcel: Parcel, seen: set[str], connection: Connection) -> Steps[None]:
        check_new(parcel.name, seen)
        yield from sftp_jobs.store(self._path(parcel.name), parcel.data, connection.pipeline.offers, connection.chunk)

    def list(self) -> tuple[Entry, ...]:
        """The whole packages; see `Mailbox.list`. Names that are not UTF-8 are nobody's packages."""
        found = self._session.do(sftp_jobs.listing(self._path()))
        entries = [Entry(_decoded(name), file.size or 0) for name, file in found]
        return tuple(sorted((entry for entry in entries if is_name(entry.name)), key=lambda entry: entry.name))

    def fetch(self, name: str, most: int) -> bytes:
        """The bytes of one package; see `Mailbox.fetch`. Needs up to twice its size in memory."""
        check_name(name)
        return self._session.do(sftp_jobs.fetch(self._path(name), most), sftp_jobs.READS)

    def remove(self, name: str) -> None:
        """Remove one package; see `Mailbox.remove`."""
        check_name(name)
        self._session.do(sftp_jobs.discard(self._path(name)))

    def sweep(self, older_than: timedelta, at: datetime) -> int:
        """Remove stale `.part` files; see `Mailbox.sweep`. Their age is by the server's clock."""
        limit = (at - older_than).timestamp()
        found = self._session.do(sftp_jobs.listing(self._path()))
        parts = [(_decoded(name), file.modified) for name, file in found]
        stale = [name for name, modified in parts if is_part(name) and modified is not None and modified < limit]
        for name in stale:
            self._session.do(sftp_jobs.discard(self._path(name)))
        return len(stale)

    def close(self) -> None:
        """Cut the connection. Nothing that was confirmed depends on it."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _path(self, name: str = "") -> bytes:
        folder = self._address.folder
        if not name:
            return (folder or ".").encode()
        return (f"{folder.rstrip('/')}/{name}" if folder else name).encode()


def _decoded(name: bytes) -> str:
    """A file's name; what is not UTF-8 becomes a name that no package has."""
    return name.decode("utf-8", "surrogateescape")
