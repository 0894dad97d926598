"""Where a mailbox on an SSH server is, and by which key the server is known."""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from formats.errors import UnreachableError, UsageError

# A pinned key's type, and the signature algorithms that prove it.
KEY_TYPES: Final = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}


@dataclass(frozen=True, slots=True)
class SftpAddress:
    """Where a mailbox is and how to get in.

    `folder`: a path on the server, from its root or, without a leading slash, from the folder where a login starts.
    `host_key`: the server's one key, `ssh-ed25519 AAAA…`. `private_key`: an Ed25519 key in OpenSSH's format without
    passphrase. `timeout`: seconds after which a silent server is given up.
    """

    host: str
    port: int
    user: str
    folder: str
    host_key: str
    private_key: Path
    timeout: float = 30.0

    def pin(self) -> tuple[str, bytes]:
        """Type and bytes of the host key. Raises UsageError S401 when the line cannot be read."""
        words = self.host_key.split()
        try:
            blob = base64.b64decode(words[1], validate=True)
        except (IndexError, binascii.Error):
            raise UsageError("S401", "a server's host key is written in one line: ssh-ed25519 AAAA…") from None
        if words[0] not in KEY_TYPES or words[0].encode() not in blob[4:64]:
            raise UsageError("S401", "the pinned host key is of an unknown type")
        return words[0], blob

    def unreachable(self, what: str) -> UnreachableError:
        """An error S404 that names the server; `what` in our own words."""
        return UnreachableError("S404", f"{self.host}:{self.port}: {what}")


def parse_url(url: str, host_key: str, private_key: Path, timeout: float = 30.0) -> SftpAddress:
    """The address in `sftp://user@host[:port]/folder`; `/~/folder` counts from where a login starts.

    Raises UsageError S401 for anything else, also for a password in the URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 22
    except ValueError:
        raise UsageError("S401", "the URL of a mailbox cannot be read") from None
    plain = parts.scheme == "sftp" and not parts.query and not parts.fragment and parts.password is None
    if not (plain and parts.hostname and parts.username):
        raise UsageError("S401", "a mailbox on a server is written sftp://user@host:port/folder")
    path = unquote(parts.path)
    folder = path[3:] if path == "/~" or path.startswith("/~/") else path or "/"
    return SftpAddress(parts.hostname, port, unquote(parts.username), folder, host_key, private_key, timeout)
