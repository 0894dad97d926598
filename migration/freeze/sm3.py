"""SM3 (GB/T 32905) over many bytes, beside other threads.

Python's own module lets other threads run while it hashes; the package `cryptography` does not, and is the other way
only where Python was built with an OpenSSL that has no SM3.
"""

import hashlib
from typing import Protocol

from cryptography.hazmat.primitives import hashes


class Digest(Protocol):
    """A digest being computed."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take some more bytes."""

    def hexdigest(self) -> str:
        """The digest of all of them, in hex."""


class Bundled:
    """The digest as `cryptography` computes it. `hexdigest` ends it."""

    def __init__(self) -> None:
        self._hash = hashes.Hash(hashes.SM3())

    def update(self, data: bytes | memoryview, /) -> None:
        """Take some more bytes."""
        self._hash.update(data)

    def hexdigest(self) -> str:
        """The digest of all of them, in hex."""
        return self._hash.finalize().hex()


def new_sm3() -> Digest:
    """A new SM3 digest."""
    try:
        return hashlib.new("sm3")
    except ValueError:
        return Bundled()
