"""SSH keys: Ed25519 in OpenSSH's own file format (RFC 8709, PROTOCOL.key)."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from formats.errors import UsageError


def new_ssh_key(path: Path) -> str:
    """Write a new private key to `path`, readable by its owner only; the public line (`ssh-ed25519 AAAA…`).

    Raises UsageError S401 if the file exists already: a key is never overwritten.
    """
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError("S401", "the key file exists already") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
