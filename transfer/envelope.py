"""The envelope: documents sealed for a partner and opened from one, as OpenPGP messages (RFC 9580).

A package is one message: signed, then compressed, then encrypted with integrity protection, so that `gpg --decrypt`
shows it with a good signature. This module is the half of OpenPGP that is about what was sent; `keys.py` is the half
that is about who, and the only one that knows pgpy. Nothing of a received package ever reaches pgpy: the guards of
`framing.py` take it apart, and cryptography does the rest.

The integrity protection is SEIPD version 1 (AES in CFB mode with a SHA-1 code inside), because gpg 2.2, which partners
have, knows no other. Its code only shows damage; who wrote the document is shown by the signature.
"""

import hashlib
import hmac
import secrets
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from formats.errors import RefusedError
from transfer import framing, signatures
from transfer.framing import FramingError, Octets, Session
from transfer.keys import (
    DecryptionKey,
    OfficeKey,
    PublicKey,
    VerifyingKey,
    generate_key,
    load_public,
    load_secret,
    public_part,
)
from transfer.partners import Pin
from transfer.sessionkeys import KEY_OCTETS
from transfer.signatures import Kind, Signature

__all__ = [
    "DEFAULT_LIMITS",
    "EnvelopeLimits",
    "OfficeKey",
    "Opened",
    "PublicKey",
    "generate_key",
    "load_public",
    "load_secret",
    "public_part",
    "seal",
    "unseal",
]

_BLOCK: Final = 16  # octets of an AES block
_PREFIX: Final = _BLOCK + 2  # a random block, its last two octets again (RFC 9580 §5.13.1)
_CODE_HEADER: Final = b"\xd3\x14"  # the modification detection code's packet: type 19, 20 octets
_CODE: Final = len(_CODE_HEADER) + 20
_CLOCK_TOLERANCE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class EnvelopeLimits:
    """How large a package and the document in it may be, in bytes, and of how many packets a package may consist."""

    package_bytes: int = 64 * 2**20
    document_bytes: int = 64 * 2**20
    packets: int = 20


DEFAULT_LIMITS: Final = EnvelopeLimits()


@dataclass(frozen=True, slots=True)
class Opened:
    """A document whose sender is proved: which office, with which signing key (fingerprint), when (UTC)."""

    data: bytes
    office: str
    fingerprint: str
    signed: datetime


def seal(data: bytes, signer: OfficeKey, recipient: PublicKey, at: datetime) -> bytes:
    """A document as one package: signed by this office at `at`, compressed, encrypted to the recipient. Binary.

    The signature names the recipient it was made for (intended recipient, RFC 9580 §5.2.3.36). Raises UsageError S408
    if either has no key that is valid at `at`.
    """
    session_key = secrets.token_bytes(32)
    wrapped = recipient.recipient(at).wrap(session_key)
    plain = _compressed(_signed(data, signer, recipient.fingerprint, at))
    body = _encrypted(plain, session_key)
    return b"".join(
        [
            framing.encode(framing.SESSION_KEY, wrapped),
            framing.packet_header(framing.ENCRYPTED, 1 + sum(len(part) for part in body)),
            b"\x01",
            *body,
        ]
    )


def _signed(data: bytes, signer: OfficeKey, intended: str, at: datetime) -> tuple[bytes, ...]:
    """One-pass signature, document and signature, in pieces."""
    key = signer.signer(at)
    issuer = key.bound.fingerprint
    head = signatures.document_head(key.algorithm, issuer, intended, at)
    digest = signatures.digest(head, [data])
    signature = signatures.complete(head, digest[:2], issuer, key.sign(digest))
    announced = bytes([3, Kind.DOCUMENT, signatures.SHA256, key.algorithm]) + bytes.fromhex(issuer)[-8:] + b"\x01"
    literal = b"b\x00" + int(at.timestamp()).to_bytes(4, "big")
    return (
        framing.encode(framing.ONE_PASS, announced),
        framing.packet_header(framing.LITERAL, len(literal) + len(data)) + literal,
        data,
        framing.encode(framing.SIGNATURE, signature),
    )


def _compressed(parts: Sequence[bytes]) -> bytes:
    """The pieces in one compressed packet. Level 1: higher ones cost three times as much and save a tenth."""
    stream = zlib.compressobj(1)
    body = [bytes([framing.ZLIB]), *(stream.compress(part) for part in parts), stream.flush()]
    return framing.packet_header(framing.COMPRESSED, sum(len(part) for part in body)) + b"".join(body)


def _encrypted(plain: bytes, session_key: bytes) -> tuple[bytes, ...]:
    """The ciphertext of SEIPD version 1 (RFC 9580 §5.13.1), in pieces."""
    block = secrets.token_bytes(_BLOCK)
    prefix = block + block[-2:]
    code = hashlib.sha1(prefix, usedforsecurity=False)
    code.update(plain)
    code.update(_CODE_HEADER)
    stream = Cipher(algorithms.AES(session_key), CFB(bytes(_BLOCK))).encryptor()
    return stream.update(prefix), stream.update(plain), stream.update(_CODE_HEADER + code.digest()), stream.finalize()


def unseal(
    blob: bytes,
    keys: Sequence[OfficeKey],
    pins: Mapping[str, Pin],
    at: datetime,
    limits: EnvelopeLimits = DEFAULT_LIMITS,
    *,
    require_intended: bool = False,
) -> Opened:
    """Open a package for this office, or refuse it. The document is given out only after all checks, in this order.

     1. T102  its size is within the limits
     2. T110  it is session keys and one body with integrity protection, framed strictly, and nothing else
     3. T111  exactly one session key is for one of our keys
     4. T112  the cipher is AES
     5. T113  session key, prefix and integrity code are unharmed
     6. T140  it decompresses, once, to no more than the limit
     7. T120  inside is one signed binary document and nothing else
     8. T121  the signature is over a document, with an allowed digest, and says in its protected part who and when
     9. T130  the signer's key is one that we pinned
    10. T131  that key was valid when it signed, by our own table, and was never revoked
    11. T132  that key is Ed25519, ECDSA on a NIST curve, or RSA of at least 3072 bits
    12. T123  the signature is not dated in the future (more than 5 minutes) and has not expired
    13. T124  if the signature names whom it was made for, it is this office
    14. T122  the signature is that key's over exactly this document

    `keys` are this office's present and earlier keys, `pins` the partners' by the fingerprint of the signing key, `at`
    is now (UTC). With `require_intended`, check 13 also refuses a signature that names nobody. Raises RefusedError with
    the code of the first check that fails, and nothing else.
    """
    # (1) size
    if not 0 < len(blob) <= limits.package_bytes:
        raise RefusedError("T102", f"{len(blob)} bytes")
    # (2) outer structure
    with _check("T110"):
        outer = framing.envelope(framing.dearmored(blob, "MESSAGE"), limits.packets)
    # (3) for us
    session, key, office_key = _ours(outer.sessions, keys)
    # (4, 5) session key and integrity
    plain = _decrypted(outer.ciphertext, _session_key(session, key))
    # (6, 7) decompression and inner structure
    message = _message(plain, limits.document_bytes)
    # (8) signature form
    signature = _document_signature(message)
    # (9 - 13) who, when, for whom
    pin, verifying = _pinned(signature, pins)
    _check_times(signature, at)
    _check_intended(signature, office_key.fingerprint, require_intended)
    # (14) the signature itself
    with _check("T122"):
        digest = signatures.digest(signature.head, [message.data])
        if verifying.verifies(signature, digest) is not True:
            raise RefusedError("T122")
    return Opened(bytes(message.data), pin.office, signature.issuer, signature.created)


@contextmanager
def _check(code: str) -> Iterator[None]:
    """Whatever goes wrong inside is a refusal with this code, without the data that caused it."""
    try:
        yield
    except RefusedError:
        raise
    except FramingError as error:
        raise RefusedError(code, str(error)) from None
    except Exception:  # noqa: BLE001 - whatever a library makes of hostile bytes, they are refused
        raise RefusedError(code) from None


def _ours(sessions: Sequence[Session], keys: Sequence[OfficeKey]) -> tuple[Session, DecryptionKey, OfficeKey]:
    """Check 3: the one session key that is for us, and our key that it is for."""
    found = [
        (session, key.decryption[session.key_id], key)
        for session in sessions
        for key in keys
        if session.key_id in key.decryption
    ]
    if not found:
        raise RefusedError("T111")
    if len(found) > 1:
        raise RefusedError("T110", "several session keys for this office")
    return found[0]


def _session_key(session: Session, key: DecryptionKey) -> bytes:
    """Check 4, and the part of check 5 that is about the session key."""
    with _check("T110"):
        framing.check_session(session.body)
    with _check("T113"):
        cipher, session_key = key.unwrap(session.body)
    if KEY_OCTETS.get(cipher) != len(session_key):
        raise RefusedError("T112", f"cipher {cipher}")
    return session_key


def _decrypted(ciphertext: Octets, session_key: bytes) -> memoryview:
    """Check 5: what is encrypted, when its integrity code holds (RFC 9580 §5.13.1)."""
    if len(ciphertext) < _PREFIX + _CODE:
        raise RefusedError("T113", "it is too short")
    with _check("T113"):
        stream = Cipher(algorithms.AES(session_key), CFB(bytes(_BLOCK))).decryptor()
        plain = memoryview(stream.update(ciphertext) + stream.finalize())
        code = hashlib.sha1(plain[: 2 - _CODE], usedforsecurity=False).digest()
        sound = hmac.compare_digest(plain[-_CODE:], _CODE_HEADER + code)
        if not sound or plain[_BLOCK - 2 : _BLOCK] != plain[_BLOCK:_PREFIX]:
            raise RefusedError("T113")
        return plain[_PREFIX:-_CODE]


def _message(plain: Octets, most: int) -> framing.Signed:
    """Checks 6 and 7: what was encrypted, decompressed, is one signed document of at most this many bytes."""
    # The document comes with its signature, and with the lengths of the parts that it may be cut into.
    with _check("T140"):
        inner = framing.decompressed(plain, most + most // 256 + 2**14)
    with _check("T120"):
        message = framing.signed(inner)
    if len(message.data) > most:
        raise RefusedError("T140", f"a document of {len(message.data)} bytes")
    return message


def _document_signature(message: framing.Signed) -> Signature:
    """Check 8: a signature over a document, as announced, whose protected part says who made it."""
    with _check("T121"):
        signature = signatures.parse(message.signature)
        framing.need(signature.kind == Kind.DOCUMENT, "a signature over something else than a document")
        framing.need(signature.issuer != "", "a signature that does not say whose it is")
        announced = framing.OnePass(
            signature.kind, signature.digest_algorithm, signature.algorithm, bytes.fromhex(signature.issuer)[-8:]
        )
        framing.need(message.announced == announced, "a signature other than the announced one")
        return signature


def _pinned(signature: Signature, pins: Mapping[str, Pin]) -> tuple[Pin, VerifyingKey]:
    """Checks 9 to 11: a key that we pinned, valid at the time of signing, strong enough."""
    pin = pins.get(signature.issuer)
    key = next((key for key in pin.key.signing if key.fingerprint == signature.issuer), None) if pin else None
    if pin is None or key is None:
        raise RefusedError("T130", f"fingerprint {signature.issuer}")
    # Who has a revoked key can date a signature as he likes, therefore nothing signed by it counts.
    if pin.revoked is not None or not pin.not_before <= signature.created < pin.not_after:
        raise RefusedError("T131", f"office {pin.office}, fingerprint {signature.issuer}")
    if key.weak:
        raise RefusedError("T132", f"office {pin.office}, fingerprint {signature.issuer}")
    return pin, key


def _check_times(signature: Signature, at: datetime) -> None:
    """Check 12: neither dated in the future nor expired."""
    if signature.created > at + _CLOCK_TOLERANCE:
        raise RefusedError("T123", "dated in the future")
    if signature.expires is not None and at >= signature.expires:
        raise RefusedError("T123", "expired")


def _check_intended(signature: Signature, fingerprint: str, required: bool) -> None:
    """Check 13: made for us, where the signature says for whom.

    gpg 2.2 does not say, therefore it is not required of partners: that somebody else than its signer encrypted a
    document to us is then shown by the addressee inside the document (M170).
    """
    if (signature.intended or required) and fingerprint not in signature.intended:
        raise RefusedError("T124")
