"""Detached signatures: over a document, beside it, as `gpg --verify document.sig document` checks them (RFC 9580 §5.2).

What is judged here holds for good: a signature is right when its key was valid at the time that the signature itself
names, whatever has expired since. No clock is asked. A key that was revoked counts for nothing, because who has it can
date a signature as he likes; whether the time itself can be believed is shown by other evidence, such as the journal.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from formats.errors import RefusedError
from transfer import encryption, framing, signatures
from transfer.keys import OfficeKey, PublicKey, SigningKey
from transfer.signatures import Kind, Signature

_SIGNATURE_BYTES: Final = 2**16


@dataclass(frozen=True, slots=True)
class Signed:
    """Which key signed (fingerprint of the signing key, 40 upper-case hex digits) and when (UTC, as it says itself)."""

    fingerprint: str
    created: datetime


def sign(data: bytes, signer: OfficeKey, at: datetime) -> bytes:
    """The detached signature over the bytes, dated `at`: one binary signature packet, SHA-256.

    Raises UsageError S408 if the key may not sign at `at`.
    """
    key = signer.signer(at)
    return framing.encode(framing.SIGNATURE, signature_body(data, key, at))


def signature_body(data: bytes, key: SigningKey, at: datetime, intended: str = "") -> bytes:
    """The body of a signature packet over a binary document; `intended`: the fingerprint of whom it is for, if any."""
    issuer = key.bound.fingerprint
    head = signatures.document_head(key.algorithm, issuer, intended, at)
    digest = signatures.digest(head, [data])
    return signatures.complete(head, digest[:2], issuer, key.sign(digest))


def verify(data: bytes, signature: bytes, key: PublicKey) -> Signed:
    """Who signed exactly these bytes and when, if this key did and was valid then. The signature may be armored.

    Raises RefusedError with the code of the first thing that does not hold: T121 it is not one signature over a binary
    document with an allowed digest that says who and when; T130 its signer is no key of this certificate; T131 that key
    was not valid when it signed, or was revoked at any time; T132 it is too weak; T122 it did not sign these bytes. A
    time after which the signature itself is not to count (§5.2.3.18) is not looked at: it was right when it was made.
    """
    found = _parsed(signature)
    verifying = next((known for known in key.signing if known.fingerprint == found.issuer), None)
    if verifying is None:
        raise RefusedError("T130", f"fingerprint {found.issuer}")
    if not verifying.bound.valid(found.created):
        raise RefusedError("T131", f"fingerprint {found.issuer}")
    if verifying.weak:
        raise RefusedError("T132", f"fingerprint {found.issuer}")
    with encryption.check("T122"):
        if verifying.verifies(found, signatures.digest(found.head, [data])) is not True:
            raise RefusedError("T122")
    return Signed(found.issuer, found.created)


def made_at(signature: bytes) -> datetime:
    """When a signature was made (UTC), as it says itself; nothing is verified. Raises RefusedError T121."""
    return _parsed(signature).created


def signer(signature: bytes) -> str:
    """The fingerprint of the key that signed, as the signature says itself. Raises RefusedError T121."""
    return _parsed(signature).issuer


def _parsed(signature: bytes) -> Signature:
    with encryption.check("T121"):
        framing.need(0 < len(signature) <= _SIGNATURE_BYTES, "not a signature by its size")
        packets = framing.packets(framing.dearmored(signature, "SIGNATURE"), 1)
        framing.need([packet.tag for packet in packets] == [framing.SIGNATURE], "something else than one signature")
        found = signatures.parse(bytes(packets[0].body))
        framing.need(found.kind == Kind.DOCUMENT, "a signature over something else than a document")
        framing.need(found.issuer != "", "a signature that does not say whose it is")
        return found
