"""A mailbox on an SSH server.

paramiko's Transport does the SSH part: key exchange, the pinned host key, the login by key. Its SFTP client is not
used: `put` loses errors of the last writes, waits for every file on its own, and is two to seventy times slower than
the pipeline here, which also does listing and fetching (pipelined reads in a small window: paramiko's prefetch asks
for a whole file at once, and its buffer's cost grows with the window).

Nothing can wait for ever: connecting, every read from the channel and every socket write have timeouts, and a watchdog
cuts the connection when no reply arrives for `timeout` seconds (see `watchdog.py`). Keepalives would not do: paramiko
sends them and does not look at the answer.
"""

import logging
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import paramiko

from formats.errors import ServiceError, UnreachableError, UsageError
from transfer import sftp_jobs
from transfer.mailbox import Entry, Parcel, check_name, check_new, is_name, is_part
from transfer.sftp_address import KEY_TYPES, SftpAddress, parse_url
from transfer.sftp_packets import CHUNK, WireError
from transfer.sftp_pipeline import REQUESTS, Job, Pipeline, Steps
from transfer.watchdog import Watchdog

__all__ = ["SftpAddress", "SftpMailbox", "parse_url"]

T = TypeVar("T")

# GCM first: it costs a third less than paramiko's own first choice (CTR and a separate MAC).
_CIPHERS: Final = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr", "aes128-ctr")
_DIGESTS: Final = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)

# As many bytes as READS reads bring. paramiko's buffer moves all that waits in it at every read: more is slower.
_WINDOW: Final = sftp_jobs.READS * 32_768
_RECEIVE: Final = 65_536

# What paramiko puts into one SSH packet of 32 KiB.
_PACKET: Final = 32_768 - 64

# paramiko logs what the server says and prints tracebacks; the coded errors say what an operator needs.
_LOG: Final = "jiexu.silent.paramiko"
logging.getLogger(_LOG).setLevel(logging.CRITICAL + 1)


class SftpMailbox:
    """A `Mailbox` in a folder of an SSH server. It connects at the first call, and anew at the call after a loss."""

    def __init__(self, address: SftpAddress) -> None:
        """Nothing is done until the first call."""
        self._address = address
        self._connection: _Connection | None = None

    def put(self, parcels: Iterable[Parcel]) -> tuple[tuple[str, ServiceError | None], ...]:
        """Store up to 64 parcels at a time; see `Mailbox.put`.

        Flushed to the server's disk where the server offers it. A server without `posix-rename` replaces a file of
        the same name in two steps, and for an instant there is none.
        """
        results: list[tuple[str, ServiceError | None]] = []
        feed = iter(parcels)
        connection = self._connected()
        try:
            with self._moving(connection) as pipeline:
                for number, outcome in pipeline.run(self._stores(feed, results, connection)):
                    results[number] = (results[number][0], outcome)
        except _LostError as lost:
            # `results` holds the loss for every parcel that was under way; those not begun have it too.
            results = [(name, lost.error if error is _UNKNOWN else error) for name, error in results]
            results.extend((parcel.name, lost.error) for parcel in feed)
        return tuple(results)

    def _stores(
        self, parcels: Iterator[Parcel], results: list[tuple[str, ServiceError | None]], connection: "_Connection"
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

    def _store(self, parcel: Parcel, seen: set[str], connection: "_Connection") -> Steps[None]:
        check_new(parcel.name, seen)
        yield from sftp_jobs.store(self._path(parcel.name), parcel.data, connection.pipeline.offers, connection.chunk)

    def list(self) -> tuple[Entry, ...]:
        """The whole packages; see `Mailbox.list`. Names that are not UTF-8 are nobody's packages."""
        found = self._do(sftp_jobs.listing(self._path()))
        entries = [Entry(_decoded(name), file.size or 0) for name, file in found]
        return tuple(sorted((entry for entry in entries if is_name(entry.name)), key=lambda entry: entry.name))

    def fetch(self, name: str, most: int) -> bytes:
        """The bytes of one package; see `Mailbox.fetch`. Needs up to twice its size in memory."""
        check_name(name)
        return self._do(sftp_jobs.fetch(self._path(name), most), sftp_jobs.READS)

    def remove(self, name: str) -> None:
        """Remove one package; see `Mailbox.remove`."""
        check_name(name)
        self._do(sftp_jobs.discard(self._path(name)))

    def sweep(self, older_than: timedelta, at: datetime) -> int:
        """Remove stale `.part` files; see `Mailbox.sweep`. Their age is by the server's clock."""
        limit = (at - older_than).timestamp()
        found = self._do(sftp_jobs.listing(self._path()))
        parts = [(_decoded(name), file.modified) for name, file in found]
        stale = [name for name, modified in parts if is_part(name) and modified is not None and modified < limit]
        for name in stale:
            self._do(sftp_jobs.discard(self._path(name)))
        return len(stale)

    def close(self) -> None:
        """Cut the connection. Nothing that was confirmed depends on it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

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

    def _do(self, steps: Steps[T], requests: int = REQUESTS) -> T:
        """Do one job; raise what it raises."""
        try:
            with self._moving(self._connected()) as pipeline:
                [(_, outcome)] = pipeline.run([Job(steps)], requests)
        except _LostError as lost:
            raise lost.error from None
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome

    def _connected(self) -> "_Connection":
        if self._connection is not None and not self._connection.alive:
            self.close()
        if self._connection is None:
            self._connection = _Connection(self._address)
        return self._connection

    @contextmanager
    def _moving(self, connection: "_Connection") -> Iterator[Pipeline]:
        """The pipeline, watched. Whatever ends the block early leaves requests without reply: drop the connection."""
        try:
            with connection.watchdog:
                yield connection.pipeline
        except WireError as error:
            self.close()
            raise _LostError(self._address.unreachable(str(error))) from None
        except BaseException:
            self.close()
            raise


class _LostError(Exception):
    """The connection was lost during an operation."""

    def __init__(self, error: UnreachableError) -> None:
        super().__init__(error.code)
        self.error = error


# Stands in the results of `put` for a parcel under way.
_UNKNOWN: Final = UnreachableError("S404", "not confirmed")


class _Connection:
    """One SSH connection with one SFTP session on it, logged in."""

    def __init__(self, address: SftpAddress) -> None:
        """Raises UnreachableError S404 S407, UsageError S401 S405 S406 S408."""
        key = _private_key(address.private_key)
        pinned = address.pin()
        self._address = address
        self._socket = _dial(address)
        try:
            self._transport = paramiko.Transport(self._socket, default_window_size=_WINDOW)
            self.watchdog = Watchdog(address.timeout, self._cut)
        except BaseException:
            self._socket.close()
            raise
        try:
            with self.watchdog:
                self._negotiate(*pinned)
                self._log_in(key)
                self.pipeline, self.chunk = self._open_session()
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether nobody has noticed yet that the connection is lost."""
        return bool(self._transport.is_active())

    def close(self) -> None:
        self.watchdog.close()
        self._cut()

    def _cut(self) -> None:
        # paramiko stops its timer of a handshake only when the handshake succeeds; the process would wait for it.
        self._transport.packetizer.complete_handshake()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._transport.close()
        self._socket.close()

    def _negotiate(self, key_type: str, pinned: bytes) -> None:
        """Agree on keys with a server that proves the pinned key, before anything about the user is said."""
        transport, timeout = self._transport, self._address.timeout
        transport.set_log_channel(_LOG)
        transport.banner_timeout = transport.handshake_timeout = timeout
        transport.auth_timeout = transport.channel_timeout = transport.clear_to_send_timeout = timeout
        options = transport.get_security_options()
        options.ciphers = _CIPHERS
        options.digests = _DIGESTS
        options.key_types = KEY_TYPES[key_type]
        try:
            transport.start_client(timeout=timeout)
        except paramiko.ssh_exception.IncompatiblePeer as error:
            if "host key" in str(error):
                raise UsageError("S405", f"{self._where} has no key of the pinned type {key_type}") from None
            raise self._lost("no common key exchange or cipher") from None
        except (paramiko.SSHException, OSError, EOFError):
            raise self._lost("no SSH connection") from None
        if not transport.initial_kex_done:
            # start_client returns without a word when its time is up.
            raise self._lost("no answer in time")
        presented = transport.get_remote_server_key()
        if presented.asbytes() != pinned:
            raise UsageError("S405", f"{self._where} presented {presented.fingerprint}")
        self.watchdog.moved()

    def _log_in(self, key: paramiko.PKey) -> None:
        transport = self._transport
        answered = threading.Event()
        try:
            transport.auth_publickey(self._address.user, key, answered)
        except (paramiko.SSHException, OSError, EOFError):
            raise self._lost("connection lost at login") from None
        in_time = answered.wait(self._address.timeout)
        if transport.is_authenticated():
            self.watchdog.moved()
        elif in_time and transport.is_active():
            raise UsageError("S406", self._where)
        else:
            raise self._lost("connection lost at login" if in_time else "no answer in time")

    def _open_session(self) -> tuple[Pipeline, int]:
        try:
            channel = self._transport.open_session(timeout=self._address.timeout)
            channel.settimeout(self._address.timeout)
            self.watchdog.moved()
            pipeline = Pipeline(_session(channel, self.watchdog))
            [(_, chunk)] = pipeline.run([Job(sftp_jobs.write_size(pipeline.offers))])
        except (paramiko.ChannelException, _NoSessionError):
            raise UnreachableError("S407", f"{self._where} gives no SFTP session") from None
        except (paramiko.SSHException, OSError, EOFError, WireError):
            raise self._lost("connection lost at opening the session") from None
        return pipeline, CHUNK if isinstance(chunk, ServiceError) else chunk

    @property
    def _where(self) -> str:
        return f"{self._address.host}:{self._address.port}"

    def _lost(self, what: str) -> UnreachableError:
        return self._address.unreachable(what)


class _ChannelWire:
    """A paramiko channel as the pipeline wants it."""

    def __init__(self, channel: paramiko.Channel, watchdog: Watchdog) -> None:
        self._channel = channel
        self.moved = watchdog.moved

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            # paramiko cuts what is too long for one SSH packet, but copies all the rest each time.
            for start in range(0, len(data), _PACKET):
                self._channel.sendall(bytes(view[start : start + _PACKET]))
        except TimeoutError:
            raise WireError("no answer in time") from None
        except (paramiko.SSHException, OSError, EOFError):
            raise WireError("connection lost") from None

    def receive(self) -> bytes:
        try:
            data = self._channel.recv(_RECEIVE)
        except TimeoutError:
            raise WireError("no answer in time") from None
        except (paramiko.SSHException, OSError, EOFError):
            raise WireError("connection lost") from None
        if not data:
            raise WireError("connection lost")
        return data


class _NoSessionError(Exception):
    """The server has no SFTP for this user."""


def _session(channel: paramiko.Channel, watchdog: Watchdog) -> _ChannelWire:
    try:
        channel.invoke_subsystem("sftp")
    except paramiko.SSHException:
        # paramiko tells a refusal and a lost connection by the same exception.
        if channel.get_transport().is_active():
            raise _NoSessionError from None
        raise
    return _ChannelWire(channel, watchdog)


def _dial(address: SftpAddress) -> socket.socket:
    try:
        link = socket.create_connection((address.host, address.port), address.timeout)
    except TimeoutError:
        raise address.unreachable("no answer in time") from None
    except OSError as error:
        raise address.unreachable(f"no connection (system error {error.errno})") from None
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # A link that went away is noticed by the system too, also while paramiko's own thread is writing.
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(address.timeout * 1000))
    return link


def _private_key(path: Path) -> paramiko.PKey:
    try:
        return paramiko.Ed25519Key.from_private_key_file(str(path))
    except (paramiko.SSHException, OSError, ValueError, IndexError, AssertionError, struct.error):
        # The assertion is paramiko's way to say that the private part does not fit the public one.
        raise UsageError("S408", "the SSH key is not an Ed25519 key in OpenSSH's format without passphrase") from None


def _decoded(name: bytes) -> str:
    """A file's name; what is not UTF-8 becomes a name that no package has."""
    return name.decode("utf-8", "surrogateescape")
