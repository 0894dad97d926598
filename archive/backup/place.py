"""A place where backups lie: a folder on another disk, an SFTP server, whatever else holds files by name.

A place is not trusted. It may lose a file, flip a bit, or say that it wrote what it did not; so whoever writes reads
back, and whoever restores holds every byte against a signed list. All that is asked of a place is that a file appears
whole or not at all, and that nothing that is there is ever replaced by something else.
"""

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Protocol

from formats.errors import IntegrityError, ServiceError

PIECE = 1 << 20  # bytes read or written at once

_STEP = re.compile(r"[A-Za-z0-9_=~%-][A-Za-z0-9._=~%-]*")


class Place(Protocol):
    """Files by name: steps of letters, digits and ``._=~%-``, joined by ``/``; no step begins with a dot."""

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Name and size in bytes of every whole file whose name begins with the prefix, in no order.

        Raises UnreachableError S404, S407.
        """

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes of the file in pieces, from the medium and not from a cache where that can be had.

        The reader may stop before the end. Raises IntegrityError A512 (no such file), UnreachableError S404, S407.
        """

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write a file whole and flushed, or not at all.

        The same bytes again are fine. Raises IntegrityError A511 when other bytes are there under this name: they stay;
        UnreachableError S404, S407, S416.
        """

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is fine. Raises UnreachableError S404, S407."""


def check_name(name: str) -> str:
    """The name itself. Raises IntegrityError A512 for one that could lead out of the place or hide in it."""
    if not all(_STEP.fullmatch(step) for step in name.split("/")):
        raise IntegrityError("A512", f"{name!r} is no name of a file in a backup")
    return name


def digest_of(place: Place, name: str) -> tuple[int, str]:
    """Size and SHA-256 (hex) of a file, read from the place now. Raises as `Place.read`."""
    size, hashed = 0, sha256()
    for piece in place.read(name):
        size += len(piece)
        hashed.update(piece)
    return size, hashed.hexdigest()


def holds(place: Place, name: str, size: int, digest: str) -> bool:
    """Whether the place gives back these bytes; a file that is missing or cannot be read does not hold.

    Raises UnreachableError S404 when the place itself does not answer.
    """
    try:
        return digest_of(place, name) == (size, digest)
    except ServiceError as error:
        if error.code == "S404":
            raise
        return False
