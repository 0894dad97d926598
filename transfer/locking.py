"""Locking: a secret key packet's secret part, encrypted with a passphrase (RFC 9580 §3.7, §5.5.3). Pure but for chance.

The form that gpg 2.2 reads and writes: AES in CFB mode under a key that 65 million octets of salt and passphrase are
hashed into, a SHA-1 code behind the numbers. The hashing is slow on purpose. It is done once for all packets that share
a salt, as those of one key made here do, and its last results are remembered.
"""

import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import Final

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from transfer.framing import FramingError, need
from transfer.sessionkeys import AES256, KEY_OCTETS
from transfer.signatures import DIGESTS, SHA256

SALT: Final = 8  # octets

_LOCKED: Final = 254  # encrypted, with a SHA-1 code (§5.5.3)
_SALTED: Final = 3  # iterated and salted (§3.7.1.3)
_MOST: Final = 255  # the coded count of 65,011,712 octets
_IV: Final = 16
_CODE: Final = 20
_HEAD: Final = 4 + SALT + 1 + _IV  # usage, cipher, form, digest, salt, count, initialisation vector
# gpg 2.2 hashes a passphrase with SHA-1 still.
_HASHES: Final = {2: "sha1", **DIGESTS}


def lock(secret: bytes, passphrase: str, salt: bytes) -> bytes:
    """What stands behind the public part of a locked secret key packet; `secret` are the numbers to be hidden.

    `salt` are 8 octets of chance, the same for the packets of one key.
    """
    vector = secrets.token_bytes(_IV)
    key = _stretched(passphrase, salt, _MOST, SHA256, KEY_OCTETS[AES256])
    stream = Cipher(algorithms.AES(key), CFB(vector)).encryptor()
    hidden = stream.update(secret + hashlib.sha1(secret, usedforsecurity=False).digest()) + stream.finalize()
    return bytes([_LOCKED, AES256, _SALTED, SHA256]) + salt + bytes([_MOST]) + vector + hidden


def is_locked(rest: bytes) -> bool:
    """Whether this, behind the public part of a packet, is locked in the form that is read here."""
    known = len(rest) > _HEAD + _CODE and rest[0] == _LOCKED and rest[2] == _SALTED
    return known and rest[1] in KEY_OCTETS and rest[3] in _HASHES


def unlock(rest: bytes, passphrase: str) -> bytes:
    """The numbers that `lock` hid. Raises FramingError if the passphrase is another or something was changed."""
    need(is_locked(rest), "a key that is locked otherwise")
    salt, count, vector = rest[4 : 4 + SALT], rest[4 + SALT], rest[_HEAD - _IV : _HEAD]
    key = _stretched(passphrase, salt, count, rest[3], KEY_OCTETS[rest[1]])
    stream = Cipher(algorithms.AES(key), CFB(vector)).decryptor()
    plain = stream.update(rest[_HEAD:]) + stream.finalize()
    code = hashlib.sha1(plain[:-_CODE], usedforsecurity=False).digest()
    if not hmac.compare_digest(code, plain[-_CODE:]):
        raise FramingError("another passphrase")
    return plain[:-_CODE]


@lru_cache(maxsize=8)
def _stretched(passphrase: str, salt: bytes, count: int, digest: int, octets: int) -> bytes:
    """A key of so many octets from a passphrase (§3.7.1.3). `count` is coded as in the packet."""
    once = salt + passphrase.encode()
    total = max((16 + (count & 15)) << ((count >> 4) + 6), len(once))
    block = once * (2**20 // len(once) + 1)
    made = b""
    while len(made) < octets:
        hashed = hashlib.new(_HASHES[digest], bytes(len(made) // hashlib.new(_HASHES[digest]).digest_size))
        for _ in range(total // len(block)):
            hashed.update(block)
        hashed.update(block[: total % len(block)])
        made += hashed.digest()
    return made[:octets]
