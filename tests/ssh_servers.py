"""Real SSH servers for the tests: OpenSSH's sshd, asyncssh's, and servers that go wrong in a chosen way."""

import asyncio
import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

import asyncssh
import asyncssh.sftp

from flows.embedded_ssh_server import listen
from flows.ssh_server import Address, OpenSshServer, exchange_server, user_name
from tests.parts import need
from transfer.sftp import SftpAddress, SftpMailbox, parse_url
from transfer.ssh_keys import new_ssh_key

FOLDER = "mailbox"


@dataclass(frozen=True, slots=True)
class Place:
    """A server with one mailbox on it: its address, the user's key, and the mailbox's folder on this disk."""

    address: Address
    key: Path
    folder: Path

    def at(self, timeout: float = 10.0) -> SftpAddress:
        """The mailbox's address."""
        return parse_url(self.address.url(FOLDER), self.address.host_key, self.key, timeout)

    def mailbox(self, timeout: float = 10.0) -> SftpMailbox:
        """The mailbox, not yet connected."""
        return SftpMailbox(self.at(timeout))

    def parts(self) -> list[str]:
        """The names of unfinished files."""
        return sorted(file.name for file in self.folder.glob("*.part"))


class Breaking(asyncssh.SFTPServer):
    """An SFTP server that can be told to refuse, to hang, or to do something, when `limit` bytes have been written."""

    limit: ClassVar[int] = 10**12
    then: ClassVar[str] = "full"
    written: ClassVar[int] = 0

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write, until the limit is reached."""
        cls = type(self)
        cls.written += len(data)
        if cls.written > cls.limit:
            if cls.then == "hang":
                with closing(cast("BinaryIO", file_obj)):
                    await asyncio.sleep(3600)
            raise OSError(errno.ENOSPC, "a text that must not be repeated")
        return super().write(file_obj, offset, data)  # type: ignore[return-value]  # the base class is not async here


class BareHandler(asyncssh.sftp.SFTPServerHandler):
    """SFTP version 3 and not one extension, as appliances speak it."""

    _extensions = asyncssh.sftp.SFTPServerHandler._extensions[:0]


def breaking(limit: int, then: str) -> type[Breaking]:
    """A server class of its own count: it fails (`full`) or stops answering (`hang`) after `limit` bytes."""
    return type("Breaking", (Breaking,), {"limit": limit, "then": then, "written": 0})


@contextmanager
def embedded(home: Path, server: Callable[..., asyncssh.SFTPServer] = asyncssh.SFTPServer) -> Iterator[Place]:
    """The embedded server in a thread of this process, with `server` doing the file work."""
    key, root = home / "user_key", home / "root"
    (root / FOLDER).mkdir(parents=True)
    (home / "authorized").write_text(new_ssh_key(key))
    host_key = new_ssh_key(home / "host_key")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> asyncssh.SSHAcceptor:
        return await listen(root, home / "host_key", home / "authorized", user_name(), server)

    async def stop() -> None:
        acceptor.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    acceptor = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        address = Address("127.0.0.1", acceptor.get_port(), user_name(), host_key, "asyncssh")
        yield Place(address, key, root / FOLDER)
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def served(home: Path, kind: str) -> Iterator[Place]:
    """The demo's server of this kind; OpenSSH's needs sshd on the machine."""
    if kind == "openssh":
        need("sshd")
    home.mkdir(exist_ok=True)
    line = new_ssh_key(home / "user_key")
    with exchange_server(home / "root", [FOLDER], [line], "openssh" if kind == "openssh" else "asyncssh") as address:
        yield Place(address, home / "user_key", home / "root" / FOLDER)


@contextmanager
def sshd(home: Path) -> Iterator[tuple[Place, OpenSshServer]]:
    """OpenSSH's sshd together with the means to stop and kill its sessions."""
    program = need("sshd")
    own = home / "server"
    for folder in (own, home / "root" / FOLDER):
        folder.mkdir(parents=True)
    (own / "authorized_keys").write_text(new_ssh_key(home / "user_key"))
    host_key = new_ssh_key(own / "host_key")
    server = OpenSshServer(program, own, home / "root")
    try:
        address = Address("127.0.0.1", server.port, user_name(), host_key, "openssh")
        yield Place(address, home / "user_key", home / "root" / FOLDER), server
    finally:
        server.close()


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def stuck_link(place: Place, timeout: float) -> Iterator[tuple[SftpAddress, threading.Event]]:
    """A link to the server that carries nothing more, and takes nothing more, once the event is set."""
    stuck, over = threading.Event(), threading.Event()

    def carry(source: socket.socket, target: socket.socket) -> None:
        source.settimeout(0.05)
        while not over.is_set():
            if stuck.is_set():
                over.wait(0.05)
                continue
            try:
                data = source.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            if not data:
                return
            target.sendall(data)

    with socket.socket() as listener:
        # Small buffers, so that the sender's socket is full before the window of SSH is.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        def serve() -> None:
            near, _ = listener.accept()
            with near, socket.create_connection((place.address.host, place.address.port)) as far:
                back = threading.Thread(target=carry, args=(far, near), daemon=True)
                back.start()
                carry(near, far)
                over.wait()
                back.join()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield replace(place.at(timeout), port=port), stuck
        finally:
            over.set()
            thread.join(10)
