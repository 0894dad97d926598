"""A real SSH server for the demo, the benchmarks and the tests, without rights of an administrator.

OpenSSH's sshd where it is installed and lets this user in, else the embedded one (`embedded_ssh_server.py`). Both
listen on 127.0.0.1 at a free port with a host key of their own, take keys only, and give SFTP only.

sshd is run one process a connection (`sshd -i`) behind a socket of ours: there is no port to race for, and nothing
listens any longer once this process is gone.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol
from urllib.parse import quote

from formats.errors import ServiceError, UnreachableError
from transfer.sftp import SftpAddress, SftpMailbox
from transfer.ssh_keys import new_ssh_key

Kind = Literal["openssh", "asyncssh"]

_HOST: Final = "127.0.0.1"

# Seconds for the embedded server to say its port, and for a first login to be answered.
_START_SECONDS: Final = 20.0

# sshd, as root, insists on this folder: it locks the part of itself into it that talks to strangers.
_SEPARATION: Final = Path("/run/sshd")

_CONFIG: Final = """\
HostKey "{home}/host_key"
AuthorizedKeysFile "{expanded}/authorized_keys"
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
PermitRootLogin prohibit-password
AllowTcpForwarding no
AllowAgentForwarding no
X11Forwarding no
PermitTTY no
PermitUserEnvironment no
PidFile none
UseDNS no
LogLevel ERROR
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d {expanded}/root
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, who may log in, and its host key in one line."""

    host: str
    port: int
    user: str
    host_key: str
    kind: Kind

    def url(self, folder: str) -> str:
        """The mailbox URL of a folder under the server's root."""
        return f"sftp://{quote(self.user)}@{self.host}:{self.port}/~/{quote(folder)}"


class Server(Protocol):
    """A running server."""

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""

    def close(self) -> None:
        """End it and all its connections."""


class OpenSshServer:
    """OpenSSH's sshd on one folder."""

    def __init__(self, sshd: str, home: Path, root: Path) -> None:
        """`home` holds `host_key` and `authorized_keys`; `root` is where a login starts. OSError when it cannot be."""
        if os.geteuid() == 0 and _SEPARATION.parent.is_dir():
            _SEPARATION.mkdir(mode=0o755, exist_ok=True)
        # Through a link, because sshd would split a path with spaces here.
        (home / "root").symlink_to(root)
        config = home / "sshd_config"
        # In some settings, not in all, sshd gives %-signs a meaning.
        text = _CONFIG.format(home=home, expanded=str(home).replace("%", "%%"))
        config.write_text(text, encoding="utf-8")
        self._command = [sshd, "-i", "-f", str(config), "-E", str(home / "sshd.log")]
        self._sessions: list[subprocess.Popen[bytes]] = []
        self._closing = False
        self._listener = socket.create_server((_HOST, 0), backlog=64)
        self._thread = threading.Thread(target=self._accept, name="jiexu-sshd", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every connection's processes."""
        for session in self._sessions:
            if session.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(session.pid, number)

    def close(self) -> None:
        """End it and all its connections."""
        self._closing = True
        with suppress(OSError):
            # Wakes the thread; closing the listener would not, everywhere.
            socket.create_connection((_HOST, self.port), 1).close()
        self._thread.join()
        self._listener.close()
        self.signal(signal.SIGKILL)
        for session in self._sessions:
            session.wait()

    def _accept(self) -> None:
        while True:
            link, _ = self._listener.accept()
            with link:
                if self._closing:
                    return
                self._sessions = [session for session in self._sessions if session.poll() is None]
                self._sessions.append(_session(self._command, link.fileno()))


def _session(command: Sequence[str], link: int) -> subprocess.Popen[bytes]:
    """One connection's sshd, in a process group of its own, so that its helpers are signalled with it."""
    return subprocess.Popen(command, stdin=link, stdout=link, stderr=subprocess.DEVNULL, start_new_session=True)


class EmbeddedServer:
    """asyncssh in a process of its own on one folder."""

    def __init__(self, home: Path, root: Path, user: str) -> None:
        """`home` holds `host_key` and `authorized_keys`. UnreachableError S404 when it does not start."""
        arguments = [str(root), str(home / "host_key"), str(home / "authorized_keys"), user]
        command = [sys.executable, "-m", "flows.embedded_ssh_server", *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        overdue = threading.Timer(_START_SECONDS, self._process.kill)
        overdue.start()
        line = self._process.stdout.readline() if self._process.stdout else b""
        overdue.cancel()
        if not line.strip().isdigit():
            self.close()
            raise UnreachableError("S404", "the embedded SSH server did not start")
        self.port = int(line)

    def close(self) -> None:
        """End it and all its connections."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def exchange_server(
    root: Path, folders: Sequence[str], keys: Iterable[str], kind: Kind | None = None
) -> Iterator[Address]:
    """A running server that shows `root`, with `folders` made in it, to the holders of `keys` (public lines).

    `kind` None: OpenSSH if it is installed and a login works, else asyncssh. UnreachableError S404 when none starts.
    """
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="jiexu-ssh-") as place:
        home = Path(place)
        host_key = new_ssh_key(home / "host_key")
        server: Server | None = None
        if kind != "asyncssh":
            server = _openssh(home, root.resolve(), host_key, folders)
        if server is None and kind == "openssh":
            raise UnreachableError("S404", "sshd is not installed or does not let this user in")
        used: Kind = "openssh" if server else "asyncssh"
        (home / "authorized_keys").write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
        server = server or EmbeddedServer(home, root, user_name())
        try:
            yield Address(_HOST, server.port, user_name(), host_key, used)
        finally:
            server.close()


def find_sshd() -> str | None:
    """The path of sshd, which is seldom on an ordinary person's PATH."""
    return shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")


def user_name() -> str:
    """The name under which this process may log in; a user without a name gets one for the embedded server."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return "jiexu"


def _openssh(home: Path, root: Path, host_key: str, folders: Sequence[str]) -> OpenSshServer | None:
    """sshd, once somebody has logged in and seen a folder: it may refuse this user for reasons only it knows."""
    sshd = find_sshd()
    if sshd is None:
        return None
    (home / "authorized_keys").write_text(new_ssh_key(home / "probe_key"), encoding="utf-8")
    try:
        server = OpenSshServer(sshd, home, root)
    except OSError:
        return None
    folder = next(iter(folders), "")
    address = SftpAddress(_HOST, server.port, user_name(), folder, host_key, home / "probe_key", _START_SECONDS)
    try:
        with SftpMailbox(address) as mailbox:
            mailbox.list()
    except ServiceError:
        server.close()
        return None
    return server
