"""OpenPGP certificates: which keys a public key block holds and what its primary key says of each. Pure.

A key counts only when the primary key has signed it, and a signing subkey only when it has signed the primary key in
turn (RFC 9580 §10.1.5): otherwise somebody could claim another's key as his own.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from transfer.framing import (
    PUBLIC_KEY,
    PUBLIC_SUBKEY,
    SIGNATURE,
    USER_ID,
    FramingError,
    Octets,
    Packet,
    need,
)
from transfer.signatures import Kind, Signature, digest, key_part, parse, user_part

# Whether a signature with this digest was made by the key in this public key body.
Verify = Callable[[bytes, Signature, bytes], bool]

# Key flags (RFC 9580 §5.2.3.29).
_CERTIFY: Final = 0x01
_SIGN: Final = 0x02
_ENCRYPT: Final = 0x04 | 0x08

# What may stand in a block beside keys, user ids and signatures: trust packets and user attributes, both ignored.
_IGNORED: Final = frozenset({12, 17})


@dataclass(frozen=True, slots=True)
class Bound:
    """One key of a certificate, as its primary key signed it. Times are UTC; None means for ever, or never."""

    body: bytes  # of the public key packet
    fingerprint: str  # 40 upper-case hex digits
    created: datetime
    flags: int
    expires: datetime | None
    revoked: datetime | None

    @property
    def signs(self) -> bool:
        """Whether it may sign documents."""
        return self.flags & _SIGN != 0

    @property
    def encrypts(self) -> bool:
        """Whether others may encrypt to it."""
        return self.flags & _ENCRYPT != 0

    def valid(self, at: datetime) -> bool:
        """Whether it may be used at this time. A key revoked later cannot be trusted earlier either."""
        return self.created <= at and (self.expires is None or at < self.expires) and self.revoked is None


@dataclass(slots=True)
class _Group:
    """A key or user id and the signatures that follow it."""

    tag: int
    body: bytes
    signatures: list[Signature]


def fingerprint(body: bytes) -> str:
    """The fingerprint of a version 4 public key packet's body: 40 upper-case hex digits (RFC 9580 §5.5.4.2)."""
    return hashlib.sha1(key_part(body), usedforsecurity=False).hexdigest().upper()


def keys(found: Sequence[Packet], verify: Verify) -> tuple[Bound, ...]:
    """The keys of one certificate, the primary key first; subkeys that are not rightly bound are left out.

    Raises FramingError if it is not one certificate or its primary key has not signed itself.
    """
    need(len(found) > 0 and found[0].tag == PUBLIC_KEY, "not a public key")
    primary, *rest = _groups(found)
    users = [group for group in rest if group.tag == USER_ID]
    subkeys = [group for group in rest if group.tag == PUBLIC_SUBKEY]

    def by_primary(signature: Signature, *parts: bytes) -> bool:
        return verify(primary.body, signature, digest(signature.head, [key_part(primary.body), *parts]))

    own = [
        *(s for s in primary.signatures if s.kind == Kind.DIRECT and by_primary(s)),
        *(
            s
            for user in users
            for s in user.signatures
            if Kind.CERTIFICATION <= s.kind <= Kind.POSITIVE_CERTIFICATION and by_primary(s, user_part(user.body))
        ),
    ]
    need(len(own) > 0, "a key without a valid self-signature")
    revoked = [s for s in primary.signatures if s.kind == Kind.KEY_REVOCATION and by_primary(s)]
    first = _bound(primary.body, own, revoked, _CERTIFY | _SIGN)
    bound = [first]
    for subkey in subkeys:
        part = key_part(subkey.body)
        binding = [
            s
            for s in subkey.signatures
            if s.kind == Kind.SUBKEY_BINDING and by_primary(s, part) and _agreed(primary.body, subkey.body, s, verify)
        ]
        revoked = [s for s in subkey.signatures if s.kind == Kind.SUBKEY_REVOCATION and by_primary(s, part)]
        if binding:
            bound.append(_within(first, _bound(subkey.body, binding, revoked, 0)))
    return tuple(bound)


def _groups(found: Iterable[Packet]) -> list[_Group]:
    """Keys and user ids, each with the signatures behind it that can be read; the others are no evidence for it."""
    groups: list[_Group] = []
    for tag, body in found:
        if tag == SIGNATURE:
            signature = _readable(body)
            if signature is not None:
                groups[-1].signatures.append(signature)
        else:
            allowed = tag in (USER_ID, PUBLIC_SUBKEY, *_IGNORED) or (tag == PUBLIC_KEY and not groups)
            need(allowed, "something in a public key that does not belong there")
            groups.append(_Group(tag, bytes(body), []))
    return groups


def _readable(body: Octets) -> Signature | None:
    try:
        return parse(bytes(body))
    except FramingError:
        return None


def _agreed(primary: bytes, subkey: bytes, binding: Signature, verify: Verify) -> bool:
    """Whether a subkey that is bound for signing has signed the primary key in turn."""
    if not (binding.key_flags or 0) & _SIGN:
        return True
    back = _readable(binding.embedded) if binding.embedded is not None else None
    if back is None or back.kind != Kind.PRIMARY_BINDING:
        return False
    return verify(subkey, back, digest(back.head, [key_part(primary), key_part(subkey)]))


def _bound(body: bytes, evidence: Sequence[Signature], revoked: Sequence[Signature], flags: int) -> Bound:
    """A key by the newest of the signatures that speak of it."""
    need(len(body) > 6 and body[0] == 4, "a key of another version than 4")
    newest = max(evidence, key=lambda signature: signature.created)
    created = datetime.fromtimestamp(int.from_bytes(body[1:5], "big"), UTC)
    return Bound(
        body=body,
        fingerprint=fingerprint(body),
        created=created,
        flags=flags if newest.key_flags is None else newest.key_flags,
        expires=created + newest.key_lifetime if newest.key_lifetime else None,
        revoked=min((signature.created for signature in revoked), default=None),
    )


def _within(primary: Bound, subkey: Bound) -> Bound:
    """A subkey ends when its primary key does."""
    ends = [end for end in (primary.expires, subkey.expires) if end is not None]
    revoked = [end for end in (primary.revoked, subkey.revoked) if end is not None]
    return Bound(
        body=subkey.body,
        fingerprint=subkey.fingerprint,
        created=subkey.created,
        flags=subkey.flags,
        expires=min(ends, default=None),
        revoked=min(revoked, default=None),
    )
