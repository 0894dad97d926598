"""One SSH connection with one SFTP session on it: paramiko's Transport below, our own pipeline above.

Nothing can wait for ever: connecting, every read from the channel and every socket write have timeouts, and a watchdog
cuts the connection when no reply arrives for `timeout` seconds (see `watchdog.py`). Keepalives would not do: paramiko
sends them and does not look at the answer.
"""

import logging
import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

import paramiko

from formats.errors import ServiceError, UnreachableError, UsageError
from transfer import sftp_jobs
from transfer.sftp_address import KEY_TYPES, SftpAddress
from transfer.sftp_packets import CHUNK, WireError
from transfer.sftp_pipeline import Job, Pipeline
from transfer.watchdog import Watchdog

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


class Connection:
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
        """Cut it. Closing twice is fine."""
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
