"""GnuPG, the peer that partners have, in a home of its own for the tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests import parts
from tests.transfer.keyring import PASSPHRASE
from transfer.envelope import PublicKey, load_public


@dataclass(frozen=True)
class Gpg:
    """GnuPG with a home of its own."""

    program: str
    home: Path
    clock: datetime

    def run(self, *arguments: str, data: bytes = b"", passphrase: str = "") -> subprocess.CompletedProcess[bytes]:
        """One command; it must succeed."""
        done = self.try_run(*arguments, data=data, passphrase=passphrase)
        assert done.returncode == 0, done.stderr.decode()
        return done

    def try_run(self, *arguments: str, data: bytes = b"", passphrase: str = "") -> subprocess.CompletedProcess[bytes]:
        """One command; it may fail."""
        options = ["--homedir", str(self.home), "--batch", "--yes", "--no-tty", "--pinentry-mode", "loopback"]
        options += ["--faked-system-time", f"{self.clock:%Y%m%dT%H%M%S}!"]
        return subprocess.run(
            [self.program, *options, f"--passphrase={passphrase}", "--status-fd", "2", *arguments],
            input=data,
            capture_output=True,
            check=False,
            timeout=60,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )

    def make_key(self, name: str, kind: str, encryption: str, *more: tuple[str, str]) -> PublicKey:
        """A new key: primary, encryption subkey, further subkeys."""
        self.run("--quick-generate-key", name, kind, "sign,cert", "never")
        fingerprint = self.fingerprint(name)
        for algorithm, usage in ((encryption, "encr"), *more):
            self.run("--quick-add-key", fingerprint, algorithm, usage, "never")
        return load_public(self.run("--armor", "--export", fingerprint).stdout.decode())

    def trust(self, fingerprint: str) -> None:
        """Say that a key is the user's own, so that gpg does not warn of a signer it has no reason to trust."""
        self.run("--import-ownertrust", data=f"{fingerprint}:6:\n".encode())

    def fingerprint(self, name: str) -> str:
        """The primary key's, by user id."""
        listed = self.run("--with-colons", "--list-keys", name).stdout.decode().splitlines()
        return next(line.split(":")[9] for line in listed if line.startswith("fpr"))

    def decrypt(self, blob: bytes, passphrase: str = PASSPHRASE) -> tuple[bytes, list[str], str]:
        """The document, the names of the status lines, and everything that gpg said."""
        done = self.run("--decrypt", data=blob, passphrase=passphrase)
        said = done.stderr.decode()
        statuses = [line.split()[1] for line in said.splitlines() if line.startswith("[GNUPG:]")]
        return done.stdout, statuses, said


@contextmanager
def gnupg(clock: datetime) -> Iterator[Gpg]:
    """GnuPG without keys, told that it is `clock`. Its home has a short path, because it puts sockets there."""
    program = parts.need("gpg")
    home = Path(tempfile.mkdtemp(prefix="jx"))
    try:
        yield Gpg(program, home, clock)
    finally:
        subprocess.run([parts.need("gpgconf"), "--homedir", str(home), "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)
