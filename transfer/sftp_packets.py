"""SFTP version 3 as bytes: the requests that a mailbox sends and what the replies say (draft-ietf-secsh-filexfer-02).

Pure: bytes in, values out. A reply that does not follow the draft raises WireError; a reply in which the server refuses
raises UnreachableError S407 with the number of the status. The server's own words are never read: they may name people.
"""

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

from formats.errors import UnreachableError

# Packet types, draft §3.
INIT: Final = 1
VERSION: Final = 2
OPEN: Final = 3
CLOSE: Final = 4
READ: Final = 5
WRITE: Final = 6
FSTAT: Final = 8
OPENDIR: Final = 11
READDIR: Final = 12
REMOVE: Final = 13
MKDIR: Final = 14
STAT: Final = 17
RENAME: Final = 18
STATUS: Final = 101
HANDLE: Final = 102
DATA: Final = 103
NAME: Final = 104
ATTRS: Final = 105
EXTENDED: Final = 200
EXTENDED_REPLY: Final = 201

# Status codes, draft §7.
OK: Final = 0
END_OF_FILE: Final = 1
NO_SUCH_FILE: Final = 2

# OpenSSH's extensions (file PROTOCOL of its source, §4).
POSIX_RENAME: Final = b"posix-rename@openssh.com"
FSYNC: Final = b"fsync@openssh.com"
LIMITS: Final = b"limits@openssh.com"

# Bytes of a file in one request. With its header it still fits one SSH packet of 32 KiB; 32,768 would take two.
CHUNK: Final = 32_600

_VERSION_SPOKEN: Final = 3
_LIMITS_BYTES: Final = 32  # four numbers: packet, read, write, open handles
_FLAG_READ: Final = 0x01
_FLAGS_WRITE: Final = 0x02 | 0x08 | 0x10  # write, create, truncate
_FLAGS_NEW: Final = 0x02 | 0x08 | 0x20  # write, create, refuse when it is there
_OWNER_FILE: Final = 0o600
_OWNER_FOLDER: Final = 0o700
_HAS_SIZE: Final = 0x01
_HAS_OWNER: Final = 0x02
_HAS_MODE: Final = 0x04
_HAS_TIMES: Final = 0x08
_HAS_EXTENDED: Final = 0x80000000


class WireError(Exception):
    """The connection is lost, or what came over it is not SFTP. The text is ours and never the server's."""


class Request(NamedTuple):
    """A request before it has its number: packet type and the fields behind the number."""

    kind: int
    fields: tuple[bytes | memoryview, ...]

    def encode(self, number: int) -> bytes:
        """The whole packet under this number."""
        length = 5 + sum(map(len, self.fields))
        return b"".join((struct.pack(">IBI", length, self.kind, number), *self.fields))


class Attributes(NamedTuple):
    """What a reply says of a file: bytes, POSIX mode, seconds since 1970; None where the server is silent."""

    size: int | None
    mode: int | None
    modified: int | None


class Reply(NamedTuple):
    """A reply without its number: packet type and the fields behind the number."""

    kind: int
    body: bytes

    @property
    def status(self) -> int:
        """The status code; OK for every reply that is not a status."""
        return _number(self.body, 0)[0] if self.kind == STATUS else OK

    def check(self) -> None:
        """Raise UnreachableError S407 when the server refused."""
        if self.status != OK:
            raise UnreachableError("S407", f"SFTP status {self.status}")

    def handle(self) -> bytes:
        """The handle of an opened file or folder."""
        return _field(self._of(HANDLE), 0)[0]

    def data(self) -> bytes:
        """The bytes that were read."""
        return _field(self._of(DATA), 0)[0]

    def attributes(self) -> Attributes:
        """The attributes of one file."""
        return _attributes(self._of(ATTRS), 0)[0]

    def write_limit(self) -> int:
        """How many bytes the server takes in one write, answering `limits`; 0 if it does not say."""
        if len(self._of(EXTENDED_REPLY)) < _LIMITS_BYTES:
            raise WireError("a reply that is cut short")
        return int.from_bytes(self.body[16:24])

    def names(self) -> list[tuple[bytes, Attributes]]:
        """The files of one part of a listing."""
        body = self._of(NAME)
        count, place = _number(body, 0)
        found = []
        for _ in range(count):
            name, place = _field(body, place)
            _, place = _field(body, place)
            attributes, place = _attributes(body, place)
            found.append((name, attributes))
        return found

    def _of(self, kind: int) -> bytes:
        self.check()
        if self.kind != kind:
            raise WireError("a reply of the wrong type")
        return self.body


def hello() -> bytes:
    """The first packet of a client."""
    return struct.pack(">IBI", 5, INIT, _VERSION_SPOKEN)


def extensions(packet: bytes) -> Mapping[bytes, bytes]:
    """What the server's first packet (type and fields) offers: name and version of each extension."""
    if packet[:1] != bytes([VERSION]) or _number(packet, 1)[0] < _VERSION_SPOKEN:
        raise WireError("the server does not speak SFTP version 3")
    offers = {}
    place = 5
    while place < len(packet):
        name, place = _field(packet, place)
        offers[name], place = _field(packet, place)
    return offers


def open_to_write(path: bytes) -> Request:
    """Create the file or empty it; the server chooses the rights."""
    return Request(OPEN, (_packed(path), struct.pack(">II", _FLAGS_WRITE, 0)))


def open_new(path: bytes) -> Request:
    """Create a file that nobody else may read; refused when it is there already."""
    return Request(OPEN, (_packed(path), struct.pack(">III", _FLAGS_NEW, _HAS_MODE, _OWNER_FILE)))


def open_to_read(path: bytes) -> Request:
    """Open a file that exists."""
    return Request(OPEN, (_packed(path), struct.pack(">II", _FLAG_READ, 0)))


def write(handle: bytes, offset: int, data: memoryview) -> Request:
    """Write `data` at `offset`."""
    return Request(WRITE, (_packed(handle), struct.pack(">QI", offset, data.nbytes), data))


def read(handle: bytes, offset: int, length: int) -> Request:
    """Read up to `length` bytes at `offset`."""
    return Request(READ, (_packed(handle), struct.pack(">QI", offset, length)))


def fstat(handle: bytes) -> Request:
    """Ask for the attributes of an open file."""
    return Request(FSTAT, (_packed(handle),))


def stat(path: bytes) -> Request:
    """Ask for the attributes of a file by its name."""
    return Request(STAT, (_packed(path),))


def fsync(handle: bytes) -> Request:
    """Flush an open file to the server's disk; only where FSYNC is offered."""
    return Request(EXTENDED, (_packed(FSYNC), _packed(handle)))


def close(handle: bytes) -> Request:
    """Close a file or folder. Never twice: a server gives the same handle out again."""
    return Request(CLOSE, (_packed(handle),))


def make_folder(path: bytes) -> Request:
    """Create a folder that nobody else may enter; refused when it is there already."""
    return Request(MKDIR, (_packed(path), struct.pack(">II", _HAS_MODE, _OWNER_FOLDER)))


def open_folder(path: bytes) -> Request:
    """Open a folder for listing."""
    return Request(OPENDIR, (_packed(path),))


def read_folder(handle: bytes) -> Request:
    """Ask for the next part of a listing."""
    return Request(READDIR, (_packed(handle),))


def remove(path: bytes) -> Request:
    """Remove a file."""
    return Request(REMOVE, (_packed(path),))


def rename(old: bytes, new: bytes) -> Request:
    """Rename; refused by most servers when the new name is taken."""
    return Request(RENAME, (_packed(old), _packed(new)))


def posix_rename(old: bytes, new: bytes) -> Request:
    """Rename and replace in one step; only where POSIX_RENAME is offered."""
    return Request(EXTENDED, (_packed(POSIX_RENAME), _packed(old), _packed(new)))


def limits() -> Request:
    """Ask how much the server takes at once; only where LIMITS is offered."""
    return Request(EXTENDED, (_packed(LIMITS),))


def _packed(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


def _number(body: bytes, place: int) -> tuple[int, int]:
    if place + 4 > len(body):
        raise WireError("a reply that is cut short")
    return int.from_bytes(body[place : place + 4]), place + 4


def _field(body: bytes, place: int) -> tuple[bytes, int]:
    length, place = _number(body, place)
    if place + length > len(body):
        raise WireError("a reply that is cut short")
    return body[place : place + length], place + length


def _attributes(body: bytes, place: int) -> tuple[Attributes, int]:
    flags, place = _number(body, place)
    size = mode = modified = None
    if flags & _HAS_SIZE:
        high, place = _number(body, place)
        low, place = _number(body, place)
        size = high << 32 | low
    if flags & _HAS_OWNER:
        _, place = _number(body, place)
        _, place = _number(body, place)
    if flags & _HAS_MODE:
        mode, place = _number(body, place)
    if flags & _HAS_TIMES:
        _, place = _number(body, place)
        modified, place = _number(body, place)
    if flags & _HAS_EXTENDED:
        pairs, place = _number(body, place)
        for _ in range(2 * pairs):
            _, place = _field(body, place)
    return Attributes(size, mode, modified), place
