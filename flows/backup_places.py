"""Places for backups by their address: a folder, an SSH server, whatever fsspec reaches."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from archive.backup.anywhere import FsspecPlace
from archive.backup.folder_place import FolderPlace
from archive.backup.place import Place
from flows.times import now
from formats.errors import UsageError
from transfer.sftp_address import parse_url
from transfer.sftp_place import SftpPlace

_LEFT_OVER = timedelta(days=1)  # what a writer left that long ago nobody goes on with


@contextmanager
def opened(
    address: str, host_key: str = "", ssh_key: Path = Path("keys/ssh"), timeout: float = 30.0
) -> Iterator[Place]:
    """The place at an address: the path of a folder, `sftp://user@host:port/folder`, or any URL that fsspec knows.

    `host_key` pins the SSH server, `ssh_key` is the file with which this office logs in, `timeout` in seconds. Raises
    UsageError S401 (no such folder, no driver, not an address), S405, S406, S408.
    """
    if not address:
        raise UsageError("S401", "no place for backups is named, and archive.backup is empty")
    if address.startswith("sftp://"):
        with SftpPlace(parse_url(address, host_key, ssh_key, timeout)) as server:
            yield server
    elif "://" in address:
        yield FsspecPlace(address)
    else:
        yield FolderPlace(Path(address).absolute())


def sweep(place: Place) -> None:
    """Remove from a folder or a server what writers left that were killed a day ago or longer.

    Raises UnreachableError S404, S407, S416.
    """
    if isinstance(place, (FolderPlace, SftpPlace)):
        place.sweep(now() - _LEFT_OVER)


def named(address: str) -> str:
    """An address as the journal may have it: without user, password and query."""
    if "://" not in address:
        return str(Path(address).absolute())
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def refuse_inside(address: str, home: Path) -> None:
    """Raises UsageError S401 for a folder inside the home: what destroys the one would destroy the other."""
    if "://" not in address and Path(address).resolve().is_relative_to(home.resolve()):
        raise UsageError("S401", "a backup belongs to another place than the home")
