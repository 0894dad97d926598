"""Key wraps for the tests of the archive: a quick one in memory, and a real one made of gpg."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from formats.errors import IntegrityError
from tests.parts import need


def _secret() -> bytes:
    return os.urandom(32)


@dataclass(frozen=True)
class MemoryWrap:
    """Wraps with AES-256-GCM under one secret; opens what any of `secret` and `older` wrapped.

    With the same `secret` two of them, also in two processes, read each other's messages.
    """

    secret: bytes = field(default_factory=_secret)
    older: tuple[bytes, ...] = ()

    def wrap(self, key: bytes) -> bytes:
        """See `archive.segments.keys.KeyWrap`."""
        nonce = os.urandom(12)
        return nonce + AESGCM(self.secret).encrypt(nonce, key, b"wrapped")

    def unwrap(self, message: bytes) -> bytes:
        """See `archive.segments.keys.KeyWrap`."""
        for secret in (self.secret, *self.older):
            try:
                return AESGCM(secret).decrypt(message[:12], message[12:], b"wrapped")
            except (InvalidTag, ValueError):
                continue
        raise IntegrityError("A509", "no secret opens it")

    def replaced(self) -> "MemoryWrap":
        """A wrap with a new secret that still reads what this one wrapped."""
        return MemoryWrap(older=(self.secret, *self.older))


@dataclass(frozen=True)
class GnupgWrap:
    """Wraps with `gpg --encrypt` to every key that was made in this GNUPGHOME."""

    home: Path
    recipients: tuple[str, ...]

    @classmethod
    def make(cls, home: Path, names: Sequence[str] = ("archive", "escrow")) -> "GnupgWrap":
        """New keys without a passphrase; the test is skipped where gpg is missing."""
        home.mkdir(mode=0o700)
        made = cls(home, tuple(f"{name}@jiexu.example" for name in names))
        for recipient in made.recipients:
            made.gpg("--quick-generate-key", recipient, "rsa2048", "encr,sign,cert", "never")
        return made

    def wrap(self, key: bytes) -> bytes:
        """See `archive.segments.keys.KeyWrap`."""
        to = [word for recipient in self.recipients for word in ("--recipient", recipient)]
        return self.gpg("--encrypt", "--trust-model", "always", *to, data=key)

    def unwrap(self, message: bytes) -> bytes:
        """See `archive.segments.keys.KeyWrap`."""
        try:
            return self.gpg("--decrypt", data=message)
        except subprocess.CalledProcessError:
            raise IntegrityError("A509", "gpg does not open it") from None

    def secret_key(self, recipient: str) -> bytes:
        """A secret key as gpg exports it."""
        return self.gpg("--armor", "--export-secret-keys", recipient)

    def public_key(self, recipient: str) -> bytes:
        """A public key as gpg exports it."""
        return self.gpg("--armor", "--export", recipient)

    def gpg(self, *words: str, data: bytes = b"") -> bytes:
        """Call gpg in this home."""
        command = [need("gpg"), "--batch", "--quiet", "--yes", "--homedir", str(self.home)]
        command += ["--pinentry-mode", "loopback", "--passphrase", "", *words]
        return subprocess.run(command, input=data, capture_output=True, check=True).stdout

    def stop(self) -> None:
        """End the agent of this home."""
        subprocess.run([need("gpgconf"), "--homedir", str(self.home), "--kill", "all"], check=True)
