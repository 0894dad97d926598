"""OpenPGP version 4 signatures as values: read, written, and hashed (RFC 9580 §5.2). Pure: no keys, no clock.

What a signature says counts only where the signature protects it: time, issuer, expiry and recipients are read from its
hashed area alone. The other area can be changed by anybody.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

from transfer.framing import FramingError, Octets, Packet, encode_number, length_octets, need, number, subpackets


class Kind(IntEnum):
    """The types of signatures that are used here (RFC 9580 §5.2.1)."""

    DOCUMENT = 0x00
    CERTIFICATION = 0x10
    POSITIVE_CERTIFICATION = 0x13
    SUBKEY_BINDING = 0x18
    PRIMARY_BINDING = 0x19
    DIRECT = 0x1F
    KEY_REVOCATION = 0x20
    SUBKEY_REVOCATION = 0x28


# Digests that are allowed, by their number (RFC 9580 §9.5). SHA-1, MD5 and RIPEMD-160 are not.
DIGESTS: Final = {8: "sha256", 9: "sha384", 10: "sha512"}
SHA256: Final = 8

# How many numbers a signature consists of, by public-key algorithm: RSA, ECDSA, EdDSA (§5.2.3).
_NUMBERS: Final = {1: 1, 19: 2, 22: 2}

_CREATED: Final = 2
_EXPIRES: Final = 3
_KEY_EXPIRES: Final = 9
_ISSUER: Final = 16
_FLAGS: Final = 27
_EMBEDDED: Final = 32
_ISSUER_FINGERPRINT: Final = 33
_INTENDED: Final = 35
_CRITICAL: Final = 0x80
# What a reader may meet marked as critical without acting on it: preferences, features, revocability and the like.
_UNDERSTOOD: Final = frozenset({2, 3, 4, 7, 9, 11, 16, 21, 22, 23, 25, 27, 28, 29, 30, 32, 33, 34, 35})
_ONCE: Final = frozenset({_CREATED, _EXPIRES, _KEY_EXPIRES, _FLAGS, _ISSUER_FINGERPRINT})


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature. Fingerprints are 40 upper-case hex digits; `issuer` is empty where the hashed area names none."""

    kind: int
    algorithm: int
    digest_algorithm: int
    created: datetime
    expires: datetime | None
    issuer: str
    intended: tuple[str, ...]  # for whom a document was signed
    key_lifetime: timedelta | None  # in a self-signature: how long the key is valid after its creation
    key_flags: int | None  # in a self-signature: what the key may do
    embedded: bytes | None  # the body of a signature inside this one
    head: bytes  # what is hashed of the signature itself
    check: bytes  # the first two octets of the digest
    numbers: tuple[bytes, ...]  # without leading zeros


def parse(body: bytes) -> Signature:
    """The signature in the body of a signature packet.

    Raises FramingError for another version, an algorithm or digest that is not allowed, and every form that is not
    exact.
    """
    need(len(body) > 10 and body[0] == 4, "a signature of another version than 4")
    kind, algorithm, digest_algorithm = body[1], body[2], body[3]
    need(digest_algorithm in DIGESTS, "a digest that is not allowed")
    need(algorithm in _NUMBERS, "a signature algorithm that is not allowed")
    hashed, end = _area(body, 4)
    other, after = _area(body, end)
    check, offset = body[after : after + 2], after + 2
    numbers = []
    for _ in range(_NUMBERS[algorithm]):
        value, offset = number(body, offset)
        numbers.append(value)
    need(offset == len(body), "something behind the signature")
    told = _told(hashed)
    need(_CREATED in told, "a signature without its time")
    created = _time(told[_CREATED][0])
    lifetime = _seconds(told.get(_EXPIRES))
    return Signature(
        kind=kind,
        algorithm=algorithm,
        digest_algorithm=digest_algorithm,
        created=created,
        expires=created + lifetime if lifetime else None,
        issuer=_fingerprint(told[_ISSUER_FINGERPRINT][0]) if _ISSUER_FINGERPRINT in told else "",
        intended=tuple(_fingerprint(value) for value in told.get(_INTENDED, [])),
        key_lifetime=_seconds(told.get(_KEY_EXPIRES)),
        key_flags=int.from_bytes(told[_FLAGS][0][:1], "big") if _FLAGS in told else None,
        embedded=next((bytes(item.body) for item in [*hashed, *other] if item.tag & 0x7F == _EMBEDDED), None),
        head=body[:end],
        check=check,
        numbers=tuple(numbers),
    )


def _area(body: bytes, offset: int) -> tuple[list[Packet], int]:
    end = offset + 2 + int.from_bytes(body[offset : offset + 2], "big")
    need(end <= len(body), "a signature that ends too early")
    return subpackets(body[offset + 2 : end]), end


def _told(hashed: Iterable[Packet]) -> dict[int, list[bytes]]:
    """What the hashed area says, by type. What is critical must be understood (RFC 9580 §5.2.3.7)."""
    told: dict[int, list[bytes]] = {}
    for tag, value in hashed:
        kind = tag & ~_CRITICAL
        need(not tag & _CRITICAL or kind in _UNDERSTOOD, "a critical part of the signature that is not understood")
        told.setdefault(kind, []).append(bytes(value))
    need(all(len(told.get(kind, [])) <= 1 for kind in _ONCE), "a part of the signature that stands twice")
    return told


def _time(value: bytes) -> datetime:
    need(len(value) == 4, "a time of a wrong length")
    return datetime.fromtimestamp(int.from_bytes(value, "big"), UTC)


def _seconds(values: list[bytes] | None) -> timedelta | None:
    """A lifetime; zero means for ever (RFC 9580 §5.2.3.13, §5.2.3.18)."""
    if values is None:
        return None
    need(len(values[0]) == 4, "a time of a wrong length")
    return timedelta(seconds=int.from_bytes(values[0], "big")) or None


def _fingerprint(value: bytes) -> str:
    need(len(value) == 21 and value[0] == 4, "a fingerprint of another version than 4")
    return value[1:].hex().upper()


def digest(head: bytes, parts: Iterable[Octets]) -> bytes:
    """The digest that a signature with this head signs: the parts, then the head, then a trailer (RFC 9580 §5.2.4)."""
    total = hashlib.new(DIGESTS[head[3]])
    for part in parts:
        total.update(part)
    total.update(head)
    total.update(b"\x04\xff" + len(head).to_bytes(4, "big"))
    return total.digest()


def key_part(body: bytes) -> bytes:
    """How a public key enters the digest of a signature over it (RFC 9580 §5.2.4)."""
    return b"\x99" + len(body).to_bytes(2, "big") + body


def user_part(body: bytes) -> bytes:
    """How a user id enters the digest of a certification (RFC 9580 §5.2.4)."""
    return b"\xb4" + len(body).to_bytes(4, "big") + body


def document_head(algorithm: int, issuer: str, intended: str, at: datetime) -> bytes:
    """The head of a SHA-256 signature over a binary document: when, by whom, for whom (fingerprints).

    `intended` is empty for a signature that is for nobody in particular.
    """
    hashed = b"".join(
        [
            _subpacket(_CREATED, int(at.timestamp()).to_bytes(4, "big")),
            _subpacket(_ISSUER_FINGERPRINT, b"\x04" + bytes.fromhex(issuer)),
            _subpacket(_INTENDED, b"\x04" + bytes.fromhex(intended)) if intended else b"",
        ]
    )
    return bytes([4, Kind.DOCUMENT, algorithm, SHA256]) + len(hashed).to_bytes(2, "big") + hashed


def complete(head: bytes, check: bytes, issuer: str, numbers: Iterable[bytes]) -> bytes:
    """The body of a signature packet from its head, the first two octets of its digest, and its numbers."""
    if len(check) != 2:
        raise FramingError("the check of a signature has two octets")
    other = _subpacket(_ISSUER, bytes.fromhex(issuer)[-8:])
    return b"".join([head, len(other).to_bytes(2, "big"), other, check, *(encode_number(value) for value in numbers)])


def _subpacket(kind: int, value: bytes) -> bytes:
    return length_octets(len(value) + 1) + bytes([kind]) + value
