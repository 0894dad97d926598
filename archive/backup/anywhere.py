"""Whatever fsspec reaches as a place for backups: object stores, WebDAV, others' network file systems.

fsspec is optional (``pip install jiexu[places]``), and so is the driver of the store. It promises less than a folder
does: whether a file appears whole is the store's own promise (S3 and its kin keep it), so a file is written under a
name of its own beside, read back and moved where the store can move, and everything is read again afterwards anyway.
"""

import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from uuid import uuid4

from archive.backup.place import PIECE, check_name, digest_of
from formats.errors import IntegrityError, UnreachableError, UsageError


class FsspecPlace:
    """A `Place` under a URL of fsspec, e.g. ``s3://bucket/backup``."""

    def __init__(self, url: str) -> None:
        """Open the store. Raises UsageError S401 (fsspec or the driver is missing, the URL cannot be read)."""
        try:
            core = importlib.import_module("fsspec.core")
            system, root = core.url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            raise UsageError("S401", f"{url.partition(':')[0]}: {error.name or 'a driver'} is not installed") from None
        except (ValueError, TypeError, OSError) as error:
            raise UsageError("S401", f"{url.partition(':')[0]}: {type(error).__name__}") from None
        self._system: Any = system
        self._root: str = str(root).rstrip("/")

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See `Place.names`."""
        start = f"{self._root}/{prefix.rpartition('/')[0]}".rstrip("/")
        with _reached(prefix):
            self._system.invalidate_cache()
            found = self._system.find(start, detail=True) if self._system.isdir(start) else {}
        for path, told in found.items():
            name = str(path).removeprefix(self._root).lstrip("/")
            if name.startswith(prefix) and not name.rpartition("/")[2].startswith("."):
                yield name, int(told["size"])

    def read(self, name: str) -> Iterator[bytes]:
        """See `Place.read`."""
        with _reached(name), self._system.open(self._path(name), "rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """See `Place.write`."""
        path = self._path(name)
        parent, _, last = path.rpartition("/")
        part = f"{parent}/.{last}.{uuid4().hex}.part"
        hashed = sha256()
        with _reached(name):
            self._system.makedirs(parent, exist_ok=True)
            try:
                with self._system.open(part, "wb") as file:
                    for chunk in chunks:
                        hashed.update(chunk)
                        file.write(chunk)
                if self._system.exists(path):
                    if digest_of(self, name)[1] != hashed.hexdigest():
                        raise IntegrityError("A511", f"{name} is there with other bytes")
                else:
                    self._system.mv(part, path)
            finally:
                if self._system.exists(part):
                    self._system.rm_file(part)

    def remove(self, name: str) -> None:
        """See `Place.remove`."""
        with _reached(name):
            if self._system.exists(self._path(name)):
                self._system.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{check_name(name)}"


@contextmanager
def _reached(name: str) -> Iterator[None]:
    """Errors of the store as errors with a code: a driver's text may quote an address with a password in it."""
    try:
        yield
    except FileNotFoundError:
        raise IntegrityError("A512", f"{name} is missing") from None
    except OSError as error:
        raise UnreachableError("S407", f"{name}: {error.strerror or type(error).__name__}") from None
