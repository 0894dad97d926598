"""Files of segments: locks among processes, whole reads, and tars that stay open for reading."""

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from archive.flushing import disk, make_folder, write_all
from formats.digest import sha256
from formats.errors import UnreachableError, UsageError

MOVED: Final = "moved"
"""A file in an archive's folder that was left for another one, whose path it tells."""

_GATHERED: Final = 2**21  # bytes for one write
_MEMBERS: Final = 330  # for one write; Linux takes 1024 pieces
_FILES: Final = 64  # tars open at once


@contextmanager
def held(lock: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock among processes and threads (flock); waits for it, or says at once that others have it.

    Not to be taken twice. The death of the process frees it. Raises UnreachableError S416 when its file cannot be made,
    S445 when others have it and `wait` is false; UsageError S401 when the archive of which it is has moved: a process
    that began before must not keep anything in the folder that was left.
    """
    with disk():
        make_folder(lock.parent)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise UnreachableError("S445", lock.name) from None
    try:
        if place := moved_to(lock.parent):
            raise UsageError("S401", f"storage.archive: the archive has moved to {place}")
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # not only closed: a process forked meanwhile has it open too
        os.close(handle)


def moved_to(root: Path) -> str:
    """The folder for which this archive's folder was left; empty for one that is in use. Raises S416."""
    with disk():
        try:
            return (root / MOVED).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""


def read_at(handle: int, size: int, offset: int) -> bytes:
    """`size` bytes from `offset`, fewer only where the file ends. Raises OSError."""
    data = os.pread(handle, size, offset)
    while 0 < len(data) < size:  # one call reads 2 GiB at most
        more = os.pread(handle, size - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


Pieces = tuple[bytes, bytes, bytes]
"""Header, ciphertext and zeros of a member."""


class Appender:
    """Writes members one behind the other, in a second thread: while it writes, this one encrypts and hashes.

    All are written when the block ends, none is flushed; what failed is raised there or by the next `add` (OSError).
    Then `digests` has the SHA-256 (hex) of their ciphertexts in order.
    """

    def __init__(self, handle: int) -> None:
        """`handle` is open for writing and stands where the first member belongs."""
        self.digests: list[str] = []
        self._handle = handle
        self._members: list[Pieces] = []
        self._gathered = 0
        self._second = ThreadPoolExecutor(1)
        self._pending: Future[None] | None = None

    def add(self, member: Pieces) -> None:
        """Write this one, soon."""
        self._members.append(member)
        self.digests.append(sha256(member[1]))
        self._gathered += sum(map(len, member))
        if self._gathered >= _GATHERED or len(self._members) >= _MEMBERS:
            self._send()

    def _send(self) -> None:
        self._wait()
        self._pending = self._second.submit(self._write, self._members, self._gathered)
        self._members, self._gathered = [], 0

    def _write(self, members: Sequence[Pieces], size: int) -> None:
        pieces = [piece for member in members for piece in member]
        written = os.writev(self._handle, pieces)
        if written < size:  # a disk that is nearly full takes a part
            write_all(self._handle, b"".join(pieces)[written:])
        # Linux begins to write such pages out at once, so that there is less to wait for when the caller flushes.
        end = os.lseek(self._handle, 0, os.SEEK_CUR)
        os.posix_fadvise(self._handle, end - size, size, os.POSIX_FADV_DONTNEED)

    def _wait(self) -> None:
        if self._pending:
            self._pending.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._send()
                self._wait()
        finally:
            self._second.shutdown()


class OpenFile:
    """A file open for reading, until nobody uses it any more."""

    __slots__ = ("_handle",)

    def __init__(self, path: Path) -> None:
        self._handle = -1  # `__del__` comes also when the next line fails
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def read(self, size: int, offset: int) -> bytes:
        """See `read_at`; nothing where no file has it. Threads and forked processes may read at once.

        Both numbers come from the ledger, which somebody may have changed: no memory is taken that no bytes will fill.
        """
        there = os.fstat(self._handle).st_size - offset
        return read_at(self._handle, min(size, there), offset) if offset >= 0 and min(size, there) > 0 else b""

    def __del__(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)


class OpenFiles:
    """The tars read lately, at most 64. Safe among threads, and after a fork."""

    def __init__(self) -> None:
        self._renew()

    def get(self, path: Path) -> OpenFile:
        """The file at this path, opened or still open. Raises OSError."""
        if self._pid != os.getpid():
            self._renew()
        with self._lock:
            file = self._files.pop(path, None) or OpenFile(path)
            self._files[path] = file
            while len(self._files) > _FILES:
                del self._files[next(iter(self._files))]  # whoever reads it at this moment keeps it open
        return file

    def forget(self, path: Path) -> None:
        """Have the next `get` open it anew: a repair may have put another file in its place."""
        with self._lock:
            self._files.pop(path, None)

    def _renew(self) -> None:
        """Another thread may have held the lock when this process was forked."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._files: dict[Path, OpenFile] = {}
