"""Files of a backup that are not encrypted already: AES-256-GCM in chunks, each file under a fresh key of its own.

A file of any length is encrypted while it is written and checked while it is read. The form is STREAM (Hoang,
Reyhanitabar, Rogaway, Vizár 2015), as the tool age has it for its payload: chunks of 1 MiB, nonce = number of the chunk
(11 octets, big-endian) and one octet that is 1 in the last chunk only, 16 octets of tag behind each chunk. So chunks
cannot be swapped, repeated or cut off. The counter is safe because no key is used twice. The file's name at the place
is bound in as associated data.
"""

import secrets
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from formats.errors import IntegrityError

CHUNK = 1 << 20  # bytes of plain text in every chunk but the last
_TAG = 16


def new_key() -> bytes:
    """A fresh 256-bit key, for one file."""
    return secrets.token_bytes(32)


def encrypt(key: bytes, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The file `name` encrypted, in pieces. An empty file has one empty chunk."""
    cipher, bound = AESGCM(key), name.encode()
    for number, (chunk, last) in enumerate(_ends(pieces, CHUNK)):
        yield cipher.encrypt(_nonce(number, last=last), chunk, bound)


def decrypt(key: bytes, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The plain text of the file `name`, in pieces; none is given out unchecked.

    Raises IntegrityError A512 when a chunk was changed, moved or cut off, or the key is another.
    """
    cipher, bound = AESGCM(key), name.encode()
    for number, (chunk, last) in enumerate(_ends(pieces, CHUNK + _TAG)):
        try:
            yield cipher.decrypt(_nonce(number, last=last), chunk, bound)
        except InvalidTag:
            raise IntegrityError("A512", f"{name} does not decrypt at chunk {number}") from None


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _ends(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """The bytes in chunks of this size, and whether it is the last one; the last may be shorter, also empty."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) > size:
            yield bytes(held[:size]), False
            del held[:size]
    yield bytes(held), True
