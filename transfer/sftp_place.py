"""A place for backups on an SSH server: files by name in folders below one folder, read and written in streams.

It has the shape of the archive's `Place`. A file is written under a hidden name beside its own, flushed where the
server can, its size compared, and renamed with SFTP's own rename, which does not replace what is there
(draft-ietf-secsh-filexfer-02 §6.5; `posix-rename` would). Nothing that was interrupted is gone on with.
"""

import hashlib
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Final, NamedTuple, Self
from uuid import uuid4

from formats.errors import IntegrityError, ServiceError, UnreachableError
from transfer import sftp_jobs, sftp_streams
from transfer.mailbox import LISTING_MOST
from transfer.sftp_address import SftpAddress
from transfer.sftp_connection import Connection
from transfer.sftp_packets import Attributes
from transfer.sftp_session import Session
from transfer.sftp_streams import Taken

# Bytes written or read in one go, between two waits for the server: what a link of 100 Mbit/s carries in a third of a
# second, so that waiting is a small share.
PIECE: Final = 4 * 2**20

_STEP: Final = re.compile(r"[A-Za-z0-9_=~%-][A-Za-z0-9._=~%-]*")
_PART: Final = re.compile(r"\.[0-9a-f]{32}\.part")


class _Open(NamedTuple):
    """A file that is open at the server, on one connection."""

    connection: Connection
    handle: bytes


class SftpPlace:
    """Files by name on an SFTP server. One thread at a time; a context manager.

    Every method may raise UnreachableError S404 (no answer, or the connection was lost) and S407 (refused), UsageError
    S405 S406 S408 for host key, login and own key, and IntegrityError A512 for a name that leads elsewhere.
    """

    def __init__(self, address: SftpAddress) -> None:
        """Nothing is done until the first call."""
        self._root = (address.folder.rstrip("/") or "/") if address.folder else "."
        self._session = Session(address)
        self._forsaken: list[_Open] = []  # to be closed before the next job

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Name and size in bytes of every whole file whose name begins with the prefix, in no order."""
        start = prefix.rpartition("/")[0]
        if start:
            self._path(start)
        for name, found in self._walk(start):
            if name.startswith(prefix) and _is_name(name):
                yield name, found.size or 0

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes of the file in pieces. Raises IntegrityError A512 when it is not there."""
        opened, size = self._open_to_read(name)
        try:
            for start in range(0, size, PIECE):
                steps = sftp_jobs.piece(opened.handle, start, min(PIECE, size - start))
                yield self._session.do(steps, sftp_jobs.READS, opened.connection)
        except BaseException:
            # Whoever stops early may do so at any moment, also while another job is under way.
            self._forsaken.append(opened)
            raise
        self._session.do(sftp_streams.let_go(opened.handle), on=opened.connection)

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write a file whole and flushed, or not at all; the same bytes again are fine.

        Raises IntegrityError A511 when other bytes are there under this name: they stay. An error of the iterable comes
        out as it is.
        """
        final = self._path(name)
        if self._do(sftp_streams.exists(final)):
            self._compare(name, *_measured(chunks))
            return
        part = f"{final.rpartition('/')[0]}/.{uuid4().hex}.part"
        try:
            size, digest = self._write_part(part, chunks)
            taken = self._do(sftp_streams.publish(part, final))
        except BaseException:
            self._discard(part)
            raise
        if taken is Taken.BEFORE:
            self._discard(part)
            self._compare(name, size, digest)

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is fine."""
        self._do(sftp_jobs.discard(self._path(name).encode()))

    def sweep(self, before: datetime) -> int:
        """Remove what writers left that were interrupted before this time, by the server's clock; gives how many."""
        parts = [
            name
            for name, found in self._walk("")
            if _PART.fullmatch(name.rpartition("/")[2])
            and found.modified is not None
            and found.modified < before.timestamp()
        ]
        for name in parts:
            self._do(sftp_jobs.discard(f"{self._root}/{name}".encode()))
        return len(parts)

    def close(self) -> None:
        """Cut the connection. Nothing that was confirmed depends on it; the next call connects anew."""
        self._let_go()
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _path(self, name: str) -> str:
        if not _is_name(name):
            raise IntegrityError("A512", f"{name!r} is no name of a file in a backup")
        return f"{self._root}/{name}"

    def _do(self, steps: sftp_streams.Steps[sftp_streams.T]) -> sftp_streams.T:
        """Do one job, after the files that readers left open are closed."""
        self._let_go()
        return self._session.do(steps)

    def _let_go(self) -> None:
        while self._forsaken:
            opened = self._forsaken.pop()
            with suppress(ServiceError):  # on a lost connection the file was closed with it
                self._session.do(sftp_streams.let_go(opened.handle), on=opened.connection)

    def _open_to_read(self, name: str) -> tuple[_Open, int]:
        path = self._path(name)
        self._let_go()
        connection = self._session.connected()
        found = self._session.do(sftp_streams.open_sized(path), on=connection)
        if found is None:
            raise IntegrityError("A512", f"{name} is missing")
        return _Open(connection, found[0]), found[1]

    def _write_part(self, part: str, chunks: Iterable[bytes]) -> tuple[int, str]:
        """Write and flush the file under its hidden name; size and SHA-256 of what was written."""
        self._let_go()
        connection = self._session.connected()
        handle = self._session.do(sftp_streams.create(part, self._root), on=connection)
        size, digest = 0, hashlib.sha256()
        try:
            for piece in _pieces(chunks):
                self._session.do(sftp_streams.append(handle, size, piece, connection.chunk), on=connection)
                size += len(piece)
                digest.update(piece)
        except BaseException:
            self._forsaken.append(_Open(connection, handle))
            raise
        self._session.do(sftp_streams.finish(handle, size, connection.pipeline.offers), on=connection)
        return size, digest.hexdigest()

    def _compare(self, name: str, size: int, digest: str) -> None:
        """Raise IntegrityError A511 unless these bytes are there."""
        if _measured(self.read(name)) != (size, digest):
            raise IntegrityError("A511", f"{name} is there with other bytes")

    def _discard(self, part: str) -> None:
        """Remove what was being written; on a lost connection it stays for `sweep`."""
        with suppress(ServiceError):
            self._do(sftp_jobs.discard(part.encode()))

    def _walk(self, start: str) -> Iterator[tuple[str, Attributes]]:
        """Every plain file below a folder, by its name in the place. Folders of one depth are listed side by side."""
        folders = [start]
        while folders:
            self._let_go()
            paths = [f"{self._root}/{folder}".rstrip("/") or "/" for folder in folders]
            listed = self._session.do_all([sftp_streams.entries(path) for path in paths])
            below: list[str] = []
            for folder, found in zip(folders, listed, strict=True):
                if isinstance(found, ServiceError):
                    raise found
                if found is None and not folder:
                    raise UnreachableError("S407", "the folder for backups is not there")
                for inner, attributes in _named(folder, found or []):
                    if stat.S_ISDIR(attributes.mode or 0):
                        below.append(inner)
                    elif attributes.mode is None or stat.S_ISREG(attributes.mode):
                        yield inner, attributes
            folders = below


def _is_name(name: str) -> bool:
    return all(_STEP.fullmatch(step) for step in name.split("/"))


def _named(folder: str, found: list[tuple[bytes, Attributes]]) -> Iterator[tuple[str, Attributes]]:
    """What a folder holds under its names in the place; names that are not UTF-8 are nobody's files."""
    if len(found) >= LISTING_MOST:
        raise UnreachableError("S407", f"more than {LISTING_MOST} files in one folder")
    for name, attributes in found:
        text = name.decode("utf-8", "surrogateescape")
        if text not in (".", ".."):
            yield f"{folder}/{text}" if folder else text, attributes


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of at least PIECE, but for the last one."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) >= PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _measured(chunks: Iterable[bytes]) -> tuple[int, str]:
    """Size and SHA-256 of the bytes."""
    size, digest = 0, hashlib.sha256()
    for chunk in chunks:
        size += len(chunk)
        digest.update(chunk)
    return size, digest.hexdigest()
