"""Session keys: how the key that a package is encrypted with travels to its receiver (RFC 9580 §5.1).

ECDH with X25519 or a NIST curve (§11.5), or RSA (§5.1.3). Done with cryptography alone, so that nothing of a received
package reaches a general OpenPGP library. Packet bodies that are unwrapped must have passed `framing.check_session`.
"""

import hashlib
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from transfer.framing import encode_number, need, number
from transfer.signatures import DIGESTS

RSA: Final = 1
ECDH: Final = 18

AES256: Final = 9
KEY_OCTETS: Final = {7: 16, 8: 24, AES256: 32}  # AES-128, AES-192, AES-256 (RFC 9580 §9.3)

_ANONYMOUS_SENDER: Final = b"Anonymous Sender    "
_WRAP_BLOCK: Final = 8  # AES key wrap takes multiples of 8 octets (RFC 3394)
_NATIVE: Final = b"\x40"  # stands before an X25519 point


def wrap(key_body: bytes, fingerprint: str, key: Any, session_key: bytes, cipher: int = AES256) -> bytes:
    """The body of a session key packet for a session key of this cipher (RFC 9580 §9.3).

    `key_body` is the body of the receiver's public key packet, `fingerprint` its fingerprint, `key` the same key as an
    object of cryptography.
    """
    secret = bytes([cipher]) + session_key + (sum(session_key) % 65536).to_bytes(2, "big")
    head = b"\x03" + bytes.fromhex(fingerprint)[-8:] + key_body[5:6]
    if isinstance(key, rsa.RSAPublicKey):
        return head + encode_number(key.encrypt(secret, padding.PKCS1v15()))
    if isinstance(key, x25519.X25519PublicKey):
        own = x25519.X25519PrivateKey.generate()
        shared = own.exchange(key)
        point = _NATIVE + own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        own_curve = ec.generate_private_key(key.curve)
        shared = own_curve.exchange(ec.ECDH(), key)
        point = own_curve.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    fill = _WRAP_BLOCK - len(secret) % _WRAP_BLOCK
    wrapped = aes_key_wrap(_wrapping_key(key_body, fingerprint, shared), secret + bytes([fill]) * fill)
    return head + encode_number(point) + bytes([len(wrapped)]) + wrapped


def unwrap(key_body: bytes, fingerprint: str, key: Any, body: bytes) -> tuple[int, bytes]:
    """The cipher's number (RFC 9580 §9.3) and the session key in the body of a session key packet.

    Raises FramingError, or what cryptography raises, when it is for another key or was changed.
    """
    value, end = number(body, 10)
    need(body[9] == key_body[5], "a session key of another kind than the key")
    if isinstance(key, rsa.RSAPrivateKey):
        secret = key.decrypt(value.rjust((key.key_size + 7) // 8, b"\0"), padding.PKCS1v15())
    else:
        if isinstance(key, x25519.X25519PrivateKey):
            need(value[:1] == _NATIVE, "a point of another curve")
            shared = key.exchange(x25519.X25519PublicKey.from_public_bytes(value[1:]))
        else:
            shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(key.curve, value))
        filled = aes_key_unwrap(_wrapping_key(key_body, fingerprint, shared), body[end + 1 :])
        fill = filled[-1]
        need(0 < fill <= len(filled) and filled[-fill:] == bytes([fill]) * fill, "a session key that is not filled up")
        secret = filled[:-fill]
    need(len(secret) > 3, "a session key that is too short")
    cipher, session_key, check = secret[0], secret[1:-2], secret[-2:]
    need((sum(session_key) % 65536).to_bytes(2, "big") == check, "a session key whose sum is wrong")
    return cipher, session_key


def _wrapping_key(key_body: bytes, fingerprint: str, shared: bytes) -> bytes:
    """The key that wraps the session key, from the shared secret (RFC 9580 §11.5).

    An ECDH key's packet holds the curve behind the head of 6 octets, the point, and four octets that name the digest
    and the cipher to be used here (§5.5.5.6).
    """
    curve = key_body[6 : 7 + key_body[6]]
    use = key_body[-4:]
    need(use[:2] == b"\x03\x01" and use[2] in DIGESTS and use[3] in KEY_OCTETS, "an ECDH key of an unknown kind")
    told = curve + bytes([ECDH]) + use + _ANONYMOUS_SENDER + bytes.fromhex(fingerprint)
    made = hashlib.new(DIGESTS[use[2]], b"\0\0\0\x01" + shared + told).digest()
    return made[: KEY_OCTETS[use[3]]]
