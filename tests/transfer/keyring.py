"""Offices with keys for the tests, and packages made by hand, so that each can be wrong in exactly one way."""

import hashlib
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from tests import parts
from transfer import framing, sessionkeys, signatures
from transfer.envelope import OfficeKey, PublicKey, generate_key, load_public, load_secret
from transfer.partners import FOREVER, Pin

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SENDER, RECEIVER = "33010001", "42010001"
PASSPHRASE = "correct horse 电池"


@cache
def armored(code: str) -> str:
    """A locked secret key of an office; the same one in the whole session."""
    return generate_key(f"{code} <{code}@jiexu>", PASSPHRASE, NOW)


@cache
def office(code: str) -> OfficeKey:
    """The unlocked secret key of an office."""
    return load_secret(armored(code), PASSPHRASE)


def pin(key: PublicKey, code: str = SENDER, *, not_before: datetime | None = None, **changes: datetime) -> Pin:
    """A pin of an office's key, valid from its creation for ever unless said otherwise."""
    return Pin(code, key, not_before or key.created, changes.get("not_after", FOREVER), changes.get("revoked"))


def pins(*keys: PublicKey) -> Mapping[str, Pin]:
    """Every signing key of these keys, as the sender's."""
    return {signing.fingerprint: pin(key) for key in keys for signing in key.signing}


def foreign_secret(name: str) -> OfficeKey:
    """One of the secret keys among the real test data."""
    return load_secret((parts.shared_data("openpgp") / "keys" / f"{name}.sec.asc").read_text("ascii"), "")


def foreign_public(name: str) -> PublicKey:
    """One of the public keys among the real test data."""
    return load_public((parts.shared_data("openpgp") / "keys" / f"{name}.pub.asc").read_text("ascii"))


def literal(data: bytes, form: bytes = b"b") -> bytes:
    """A document packet."""
    return framing.encode(framing.LITERAL, form + b"\x00" + bytes(4) + data)


def document_head(
    signer: OfficeKey, *, digest: int = 8, kind: int = 0, extra: bytes = b"", at: datetime = NOW
) -> bytes:
    """The head of a signature that names no recipient; `extra` are further subpackets of its hashed area."""
    hashed = b"\x05\x02" + int(at.timestamp()).to_bytes(4, "big")
    hashed += b"\x16\x21\x04" + bytes.fromhex(signer.fingerprint) + extra
    return bytes([4, kind, signer.signer(NOW).algorithm, digest]) + len(hashed).to_bytes(2, "big") + hashed


def signature(data: bytes, signer: OfficeKey, head: bytes) -> bytes:
    """A signature packet with this head over the data, right whatever the head says."""
    total = hashlib.new(
        {2: "sha1", **signatures.DIGESTS}[head[3]], data + head + b"\x04\xff" + len(head).to_bytes(4, "big")
    )
    body = signatures.complete(head, total.digest()[:2], signer.fingerprint, signer.signer(NOW).sign(total.digest()))
    return framing.encode(framing.SIGNATURE, body)


def one_pass(signer: OfficeKey, head: bytes) -> bytes:
    """The one-pass packet that announces a signature with this head."""
    return framing.encode(
        framing.ONE_PASS, bytes([3, head[1], head[3], head[2]]) + bytes.fromhex(signer.fingerprint)[-8:] + b"\x01"
    )


def signed(data: bytes, signer: OfficeKey, head: bytes) -> bytes:
    """One signed document, neither compressed nor encrypted."""
    return one_pass(signer, head) + literal(data) + signature(data, signer, head)


def compressed(plain: bytes, level: int = 6) -> bytes:
    """A compressed packet (ZLIB)."""
    return framing.encode(framing.COMPRESSED, b"\x02" + zlib.compress(plain, level))


def session_packet(recipient: PublicKey, session_key: bytes) -> bytes:
    """A session key packet."""
    key = recipient.recipient(NOW)
    body = sessionkeys.wrap(key.bound.body, key.fingerprint, key.key, session_key)
    return framing.encode(framing.SESSION_KEY, body)


def encrypted_packet(plain: bytes, session_key: bytes, prefix: bytes = bytes(14) + b"abab") -> bytes:
    """An encrypted packet with integrity protection."""
    plain = prefix + plain + b"\xd3\x14"
    plain += hashlib.sha1(plain).digest()
    stream = Cipher(algorithms.AES(session_key), CFB(bytes(16))).encryptor()
    return framing.encode(framing.ENCRYPTED, b"\x01" + stream.update(plain) + stream.finalize())


def encrypted(plain: bytes, recipient: PublicKey) -> bytes:
    """A package of whatever packets: anybody can make one, the receiver's key is public."""
    session_key = bytes(range(32))
    return session_packet(recipient, session_key) + encrypted_packet(plain, session_key)
