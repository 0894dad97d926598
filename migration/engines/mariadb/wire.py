"""A connection to the server, which never gets a file.

A server may ask a client for any file when it is told to load one. Here the driver's own answer to that is off, and the
only answer is the bytes of the chunk that is being loaded.
"""

import socket
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Final

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CR
from pymysql.protocol import MysqlPacket

Row = tuple[Any, ...]

_PIECE: Final = 1 << 20  # bytes of a chunk in one packet
_BUFFER: Final = 1 << 18
# The protocol: the length of a packet that goes on in the next one, and how packets begin.
_PACKET: Final = 0xFFFFFF
_END, _END_LENGTH, _ERROR, _NULL = 0xFE, 9, 0xFF, 0xFB
_LENGTHS: Final = {0xFC: 3, 0xFD: 4, 0xFE: 9}


class Wire(Connection):
    """A connection that gives the server the bytes of `feed` when it asks for the file of LOAD DATA, and no other."""

    feed: Iterable[bytes] | None = None

    # The driver's own, which its types do not tell of.
    _sock: socket.socket
    _result: Any
    _read_bytes: Callable[[int], bytes]

    def connect(self, sock: socket.socket | None = None) -> None:
        """Connect; unlike the driver's own way it leaves no open socket behind where no server answers."""
        if sock is None and self.unix_socket:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(self.connect_timeout)
            try:
                sock.connect(self.unix_socket)
            except OSError:
                sock.close()
                raise pymysql.err.OperationalError(CR.CR_CONNECTION_ERROR) from None
            self._secure = True
        super().connect(sock)
        # Nothing is under way now, so the small buffer of the driver is empty and may be changed for a large one.
        self._rfile = self._sock.makefile("rb", _BUFFER)

    def _read_packet(self, packet_type: type[MysqlPacket] = MysqlPacket) -> MysqlPacket:
        packet = self._packet(packet_type)
        if self.feed is None or not packet.is_load_local_packet():
            return packet
        feed, self.feed = self.feed, None
        try:
            for data in feed:
                for start in range(0, len(data), _PIECE):
                    self.write_packet(data[start : start + _PIECE])
        except BaseException:
            if self.open:  # the server waits for the end of the file, whatever happened here
                self.write_packet(b"")
                self._packet()
            raise
        self.write_packet(b"")
        return self._packet()

    def _packet(self, packet_type: type[MysqlPacket] = MysqlPacket) -> MysqlPacket:
        packet: MysqlPacket = super()._read_packet(packet_type)  # type: ignore[no-untyped-call]
        return packet

    def fetch(self, statement: str, values: Sequence[object] | None = None) -> tuple[Row, ...]:
        """All rows of a short answer; `values` stand for the `%s` of the statement."""
        with self.cursor() as cursor:
            cursor.execute(statement, values)
            return tuple(cursor.fetchall())

    def one(self, statement: str) -> Row:
        """The only row of an answer."""
        (row,) = self.fetch(statement)
        return row

    def lines(self, statement: str, size: int) -> Generator[list[bytes | None], None, None]:
        """The only column of a long answer, as bytes, in lists of about `size` bytes.

        The driver makes an object of every packet and of every row, which costs three times what is done here.
        """
        self.query(statement, unbuffered=True)
        self._taken_over()
        more = True
        try:
            while more:
                more = False  # behind an error there is nothing
                found, more = self._some(size)
                yield found
        finally:
            while more and self.open:  # the server sends the rest whatever happens
                _, more = self._some(size)

    def _taken_over(self) -> None:
        """Let the driver know that the rows of its last answer are read by someone else."""
        self._result.unbuffered_active = False
        self._result.connection = None

    def _some(self, size: int) -> tuple[list[bytes | None], bool]:
        found: list[bytes | None] = []
        held = 0
        while held < size:
            row = self._row()
            if row[0] == _END and len(row) < _END_LENGTH:
                return found, False
            value = _value(row)
            found.append(value)
            held += len(value or b"")
        return found, True

    def _row(self) -> bytes:
        read = self._read_bytes
        head = read(4)
        length = int.from_bytes(head[:3], "little")
        row = read(length)
        while length == _PACKET:  # a row longer than a packet goes on in the next
            length = int.from_bytes(read(4)[:3], "little")
            row += read(length)
        if row[0] == _ERROR:
            MysqlPacket(row, self.encoding).raise_for_error()
        return row

    @property
    def is_mariadb(self) -> bool:
        """Whether it is MariaDB and not MySQL."""
        return "MariaDB" in self.version

    @property
    def version(self) -> str:
        """The server's version as it says."""
        return str(self.one("SELECT VERSION()")[0])


def _value(row: bytes) -> bytes | None:
    """The only value of a row: its length stands before it, in one byte or behind a byte that says in how many."""
    if row[0] == _NULL:
        return None
    return row[_LENGTHS.get(row[0], 1) :]
