"""A member of a segment as bytes: a ustar header, the encrypted original, zeros up to the next block (pure).

The tar is plain ustar (POSIX.1-1988): `tar` lists it, names are places in the segment, the user's name is the kind of
original. All else in the header is the same for every member, so the bytes follow from place, kind and size.
"""

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

BLOCK: Final = 512
END: Final = bytes(2 * BLOCK)  # two blocks of zeros end a tar
NONCE: Final = 12
TAG: Final = 16

_SIZE = slice(124, 136)
_SUM = slice(148, 156)
_KIND = slice(265, 297)
_LARGEST = 8**11 - 1


def padded(size: int) -> int:
    """`size` bytes rounded up to whole blocks of 512."""
    return -(-size // BLOCK) * BLOCK


def padding(size: int) -> bytes:
    """The zeros behind a member of `size` bytes."""
    return bytes(padded(size) - size)


@lru_cache(maxsize=64)
def _template(kind: str) -> tuple[bytes, int]:
    """The header of a kind with place, size and sum still to come, and the sum of its bytes (the sum's own as blanks).

    Raises ValueError for a kind that is not 1 to 31 ASCII characters.
    """
    name = kind.encode("ascii")
    if not 0 < len(name) < 32 or b"\0" in name:
        raise ValueError(f"a kind of {len(name)} bytes")
    header = bytearray(BLOCK)
    header[100:124] = b"0000400\0" + b"0000000\0" * 2  # mode, user, group
    header[136:148] = b"00000000000\0"  # the time: 1970, because a member's time is the ledger's business
    header[_SUM] = b" " * 8
    header[156:157] = b"0"  # a plain file
    header[257:265] = b"ustar\x0000"
    header[_KIND] = name.ljust(32, b"\0")
    return bytes(header), sum(header)


def header(place: int, kind: str, size: int) -> bytes:
    """The 512 bytes before the member at `place` (from 0) whose ciphertext has `size` bytes (ustar; POSIX.1-1988).

    Raises ValueError for what a header cannot hold: a place of more than 8 digits, 8 GiB, a kind of 32 characters.
    """
    if not (0 <= place < 10**8 and 0 <= size <= _LARGEST):
        raise ValueError(f"place {place}, {size} bytes")
    template, total = _template(kind)
    name, digits = b"%08d" % place, b"%011o\0" % size
    checksum = b"%06o\0 " % (total + sum(name) + sum(digits))
    return b"".join((name, template[8:124], digits, template[136:148], checksum, template[156:]))


def bound(object_id: str, place: int) -> bytes:
    """What a member's encryption is bound to: its segment's object and its place there."""
    return f"{object_id}/{place:08d}".encode()


def encrypt(cipher: AESGCM, nonce: bytes, data: bytes, bound_to: bytes) -> bytes:
    """Nonce (12 bytes, never twice with one key), AES-256-GCM ciphertext, tag (NIST SP 800-38D): 28 bytes more."""
    return nonce + cipher.encrypt(nonce, data, bound_to)


def decrypt(cipher: AESGCM, message: bytes, bound_to: bytes) -> bytes | None:
    """The bytes of `encrypt`; None if the key, the binding or a bit is another."""
    try:
        return cipher.decrypt(message[:NONCE], message[NONCE:], bound_to)
    except (InvalidTag, ValueError):  # ValueError: shorter than a nonce and a tag
        return None


def block(place: int, kind: str, message: bytes) -> tuple[bytes, bytes, bytes]:
    """A member as it stands in the tar: header, bytes, zeros."""
    return header(place, kind, len(message)), message, padding(len(message))
