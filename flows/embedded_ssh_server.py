"""An SSH server for the demo where no sshd is installed: asyncssh's, showing one folder by SFTP and nothing else.

It runs as a process of its own, `python -m flows.embedded_ssh_server ROOT HOST_KEY AUTHORIZED_KEYS USER`: it prints its
port on one line and ends when its standard input ends, so that it never outlives the process that started it.
Clients see ROOT as `/`. Links that somebody else planted in ROOT are followed: it is for the demo and for tests.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import asyncssh


class _OneUser(asyncssh.SSHServer):
    """Only one name is known, as with an sshd that an ordinary person started; other names have no keys."""

    def __init__(self, user: str, authorized_keys: Path) -> None:
        self._user = user
        self._keys = authorized_keys.read_text(encoding="utf-8")

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Keep the connection, which is told the keys when the user is known."""
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        """Everybody has to log in."""
        keys = self._keys if username == self._user else ""
        self._connection.set_authorized_keys(asyncssh.import_authorized_keys(keys))
        return True


async def listen(
    root: Path,
    host_key: Path,
    authorized_keys: Path,
    user: str,
    server: Callable[..., asyncssh.SFTPServer] = asyncssh.SFTPServer,
) -> asyncssh.SSHAcceptor:
    """Serve `root` on 127.0.0.1 at a free port; `server` is the class that does the file work."""

    def files(channel: "asyncssh.SSHServerChannel[bytes]") -> asyncssh.SFTPServer:
        return server(channel, chroot=str(root).encode())

    return await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=partial(_OneUser, user, authorized_keys),
        server_host_keys=[str(host_key)],
        sftp_factory=files,
        allow_scp=False,
        agent_forwarding=False,
        allow_pty=False,
    )


async def _serve(root: Path, host_key: Path, authorized_keys: Path, user: str) -> None:
    acceptor = await listen(root, host_key, authorized_keys, user)
    sys.stdout.write(f"{acceptor.get_port()}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)
    acceptor.close()


def main() -> None:
    """Serve until standard input ends. Arguments: root, host key, authorized keys, user."""
    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
    root, host_key, authorized_keys, user = sys.argv[1:]
    asyncio.run(_serve(Path(root), Path(host_key), Path(authorized_keys), user))


if __name__ == "__main__":
    main()
