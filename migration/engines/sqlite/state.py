"""Which state of a SQLite file a connection sees: two alike only if nothing was written between them.

With a rollback journal it is the file's header, whose change counter every transaction raises, with the file's size and
time. With a write-ahead log it is how far the log goes, told by the checksum of its last frame; where the log is empty,
header, size and time again, and then no two writes may fall into one tick of the file's clock.
"""

import struct
import time
from pathlib import Path
from typing import Final

import apsw

from formats.digest import sha256

_HEADER: Final = 100  # bytes, https://www.sqlite.org/fileformat2.html, 1.3
_WRITE_VERSION: Final = 18  # where it says 2 for a write-ahead log
_LOG_HEADER: Final = 32  # bytes, the same, 4.1
_FRAME_HEADER: Final = 24
_TICK: Final = 0.02  # seconds; the clocks of files tick at least every 10 ms
_DATABASE, _LOG = 0, 1


def in_write_ahead_mode(connection: apsw.Connection) -> bool:
    """Whether the database has a write-ahead log."""
    return _read(connection, _DATABASE, 0, _HEADER)[_WRITE_VERSION] == 2


def token(connection: apsw.Connection, path: Path) -> str:
    """The state of the file now; hexadecimal. Read through the connection: closing the file would drop its locks."""
    held = path.stat()
    parts: list[object] = [held.st_dev, held.st_ino]
    log = _log(connection, path) if in_write_ahead_mode(connection) else b""
    parts += [log] if log else [held.st_size, held.st_mtime_ns, _read(connection, _DATABASE, 0, _HEADER)]
    return sha256(repr(parts).encode())


def settle(connection: apsw.Connection) -> None:
    """Let a tick of the file's clock go by where the state is told by it."""
    if in_write_ahead_mode(connection):
        time.sleep(_TICK)


def _log(connection: apsw.Connection, path: Path) -> bytes:
    """The log's header and that of its last frame; empty without frames.

    Frames of this log carry the salt of its header, and stand before what is left of an earlier one.
    """
    try:
        size = path.with_name(path.name + "-wal").stat().st_size
    except FileNotFoundError:
        return b""
    if size <= _LOG_HEADER:
        return b""
    header = _read(connection, _LOG, 0, _LOG_HEADER)
    (page,) = struct.unpack(">I", header[8:12])
    salt = header[16:24]

    def frame(number: int) -> bytes:
        return _read(connection, _LOG, _LOG_HEADER + number * (page + _FRAME_HEADER), _FRAME_HEADER)

    low, high = 0, (size - _LOG_HEADER) // (page + _FRAME_HEADER)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if frame(middle)[8:16] == salt else (low, middle)
    return header + frame(low - 1) if low else b""


def _read(connection: apsw.Connection, which: int, offset: int, amount: int) -> bytes:
    return connection.read("main", which, offset, amount)[1]
