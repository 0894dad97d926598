"""The envelope: documents sealed for a partner and opened from one, as OpenPGP messages (RFC 9580).

A package is one message: signed, then compressed, then encrypted with integrity protection, so that `gpg --decrypt`
shows it with a good signature. This module is the half of OpenPGP that is about what was sent; `keys.py` is the half
that is about who, and the only one that knows pgpy. Nothing of a received package ever reaches pgpy: the guards of
`framing.py` take it apart, and cryptography does the rest.

The encryption (`encryption.py`) only shows damage; who wrote the document is shown by the signature. The signature
comes out beside the package too: over the document's exact bytes, it is evidence by itself (`detached.py`).
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from formats.errors import RefusedError
from transfer import encryption, framing, signatures
from transfer.detached import signature_body
from transfer.encryption import Addressed, check
from transfer.framing import Octets
from transfer.keys import (
    OfficeKey,
    PublicKey,
    VerifyingKey,
    generate_key,
    load_public,
    load_secret,
    public_part,
)
from transfer.partners import Pin
from transfer.signatures import Kind, Signature

__all__ = [
    "DEFAULT_LIMITS",
    "EnvelopeLimits",
    "OfficeKey",
    "Opened",
    "PublicKey",
    "Sealed",
    "generate_key",
    "load_public",
    "load_secret",
    "public_part",
    "seal",
    "unseal",
]

_CLOCK_TOLERANCE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class EnvelopeLimits:
    """How large a package and the document in it may be, in bytes, and of how many packets a package may consist."""

    package_bytes: int = 64 * 2**20
    document_bytes: int = 64 * 2**20
    packets: int = 20


DEFAULT_LIMITS: Final = EnvelopeLimits()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A package, and the signature in it: one binary packet, `gpg --verify` checks it beside the document."""

    package: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A document whose sender is proved: which office, with which signing key (fingerprint), when (UTC).

    `signature` is the signature over the document as it came, one binary packet: `gpg --verify` checks it.
    """

    data: bytes
    office: str
    fingerprint: str
    signed: datetime
    signature: bytes


def seal(data: bytes, signer: OfficeKey, recipient: PublicKey, at: datetime) -> Sealed:
    """A document as one package: signed by this office at `at`, compressed, encrypted to the recipient. Binary.

    The signature names the recipient it was made for (intended recipient, RFC 9580 §5.2.3.36). Raises UsageError S408
    if either has no key that is valid at `at`.
    """
    wrapping = recipient.recipient(at)
    key = signer.signer(at)
    issuer = key.bound.fingerprint
    announced = bytes([3, Kind.DOCUMENT, signatures.SHA256, key.algorithm]) + bytes.fromhex(issuer)[-8:] + b"\x01"
    literal = b"b\x00" + int(at.timestamp()).to_bytes(4, "big")
    signature = framing.encode(framing.SIGNATURE, signature_body(data, key, at, recipient.fingerprint))
    plain = _compressed(
        (
            framing.encode(framing.ONE_PASS, announced),
            framing.packet_header(framing.LITERAL, len(literal) + len(data)) + literal,
            data,
            signature,
        )
    )
    return Sealed(encryption.message(plain, [wrapping]), signature)


def _compressed(parts: Sequence[bytes]) -> bytes:
    """The pieces in one compressed packet. Level 1: higher ones cost three times as much and save a tenth."""
    stream = zlib.compressobj(1)
    body = [bytes([framing.ZLIB]), *(stream.compress(part) for part in parts), stream.flush()]
    return framing.packet_header(framing.COMPRESSED, sum(len(part) for part in body)) + b"".join(body)


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
    with check("T110"):
        outer = framing.envelope(framing.dearmored(blob, "MESSAGE"), limits.packets)
    # (3) for us
    ours = _ours(outer, keys)
    # (4, 5) session key and integrity
    plain = encryption.decrypt(outer.ciphertext, ours)
    # (6, 7) decompression and inner structure
    message = _message(plain, limits.document_bytes)
    # (8) signature form
    signature = _document_signature(message)
    # (9 - 13) who, when, for whom
    pin, verifying = _pinned(signature, pins)
    _check_times(signature, at)
    _check_intended(signature, ours.office_key.fingerprint, require_intended)
    # (14) the signature itself
    with check("T122"):
        digest = signatures.digest(signature.head, [message.data])
        if verifying.verifies(signature, digest) is not True:
            raise RefusedError("T122")
    packet = framing.encode(framing.SIGNATURE, message.signature)
    return Opened(bytes(message.data), pin.office, signature.issuer, signature.created, packet)


def _ours(outer: framing.Envelope, keys: Sequence[OfficeKey]) -> Addressed:
    """Check 3: the one session key that is for us, and our key that it is for."""
    found = encryption.addressed(outer.sessions, keys)
    if len(found) > 1:
        raise RefusedError("T110", "several session keys for this office")
    return found[0]


def _message(plain: Octets, most: int) -> framing.Signed:
    """Checks 6 and 7: what was encrypted, decompressed, is one signed document of at most this many bytes."""
    # The document comes with its signature, and with the lengths of the parts that it may be cut into.
    with check("T140"):
        inner = framing.decompressed(plain, most + most // 256 + 2**14)
    with check("T120"):
        message = framing.signed(inner)
    if len(message.data) > most:
        raise RefusedError("T140", f"a document of {len(message.data)} bytes")
    return message


def _document_signature(message: framing.Signed) -> Signature:
    """Check 8: a signature over a document, as announced, whose protected part says who made it."""
    with check("T121"):
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
