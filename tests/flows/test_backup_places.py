"""Places by their address: what killed writers left there is swept, wherever the place is."""

import os
from datetime import timedelta
from pathlib import Path

from flows import backup_places
from flows.times import now
from tests.ssh_servers import FOLDER, embedded


def _left(folder: Path) -> tuple[Path, Path]:
    """What a writer left two days ago, and what one is writing now."""
    old, new = folder / f"objects/.{'0' * 32}.part", folder / f"objects/.{'1' * 32}.part"
    old.parent.mkdir(parents=True)
    for part in (old, new):
        part.write_bytes(b"12345")
    then = (now() - timedelta(days=2)).timestamp()
    os.utime(old, (then, then))
    return old, new


def test_what_killed_writers_left_is_swept(tmp_path: Path) -> None:
    """In a folder and on an SSH server: what is older than a day goes, what may be under way stays."""
    (tmp_path / "server").mkdir()
    with embedded(tmp_path / "server") as server:
        here = tmp_path / "here"
        here.mkdir()
        for address, folder in ((str(here), here), (server.address.url(FOLDER), server.folder)):
            old, new = _left(folder)
            with backup_places.opened(address, server.address.host_key, server.key, 10.0) as place:
                backup_places.sweep(place)
            assert (old.exists(), new.exists()) == (False, True)
