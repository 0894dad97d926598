"""SSH keys."""

import stat
import subprocess
from pathlib import Path

import pytest

from formats.errors import UsageError
from tests.parts import need
from transfer.ssh_keys import new_ssh_key


def test_openssh_reads_it(tmp_path: Path) -> None:
    """OpenSSH finds the same public key in the private file."""
    line = new_ssh_key(tmp_path / "key")
    command = [need("ssh-keygen"), "-y", "-f", str(tmp_path / "key")]
    shown = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert shown.split()[:2] == line.split()
    assert line.startswith("ssh-ed25519 ")


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    """The private file is for its owner only."""
    new_ssh_key(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_never_overwritten(tmp_path: Path) -> None:
    """A key that exists stays."""
    new_ssh_key(tmp_path / "key")
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(UsageError, match="S401"):
        new_ssh_key(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before
