"""The kit's packages: good ones, and those with one thing wrong in envelope, signature or name (T, M192).

The keys are made anew for every kit, with a passphrase that everybody may know: they protect nothing.
"""

import hashlib
import secrets
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources

from cryptography.hazmat.decrepit.ciphers.algorithms import Camellia
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher

from flows.conformance.letters import NEW, OLD
from flows.conformance.stories import OTHER
from formats.messages import Message
from transfer import encryption, envelope, framing
from transfer.envelope import OfficeKey, generate_key, load_secret
from transfer.naming import PackageName
from transfer.partners import FOREVER, Pin
from transfer.signatures import SHA256

PASSPHRASE = "conformance"  # noqa: S105 - of keys that everybody gets
MADE, SIGNED = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 11, 22, 8, tzinfo=UTC)
# From then on the old office's former key does not count any more.
FORMER_UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
_FUTURE = datetime(2099, 1, 1, tzinfo=UTC)
_SHA1 = 2
_CAMELLIA256 = 13  # RFC 5581


@dataclass(frozen=True, slots=True)
class Keys:
    """Locked secret keys, armored, and unlocked: of the three offices, two more of the old one, and a stranger's."""

    armored: Mapping[str, str]
    unlocked: Mapping[str, OfficeKey]

    @property
    def pins(self) -> Mapping[str, Pin]:
        """What counts as whose key, by fingerprint; the stranger's is not among them."""
        further = ("former", OLD, FORMER_UNTIL), ("weak", OLD, FOREVER)
        pinned = (*((code, code, FOREVER) for code in (OLD, NEW, OTHER)), *further)
        return {
            signing.fingerprint: Pin(office, self.unlocked[name].public, MADE, end, None)
            for name, office, end in pinned
            for signing in self.unlocked[name].public.signing
        }


def new_keys() -> Keys:
    """Keys for a kit."""
    offices = {OLD: OLD, NEW: NEW, OTHER: OTHER, "former": OLD, "stranger": "51010001"}
    armored = {name: generate_key(f"{code} <{code}@jiexu.test>", PASSPHRASE, MADE) for name, code in offices.items()}
    unlocked = {name: load_secret(text, PASSPHRASE) for name, text in armored.items()}
    # RSA of 2048 bits, as no program makes it any more: gpg made it once, without a passphrase.
    weak = resources.files("flows.conformance").joinpath("weak.asc").read_text(encoding="ascii")
    return Keys(armored, {**unlocked, "weak": load_secret(weak, "")})


def name_of(message: Message) -> PackageName:
    """The name of a message's package."""
    header = message.header
    return PackageName(header.sender, header.receiver, header.sequence, header.message_id)


def good(document: bytes, name: PackageName, keys: Keys) -> bytes:
    """The document sealed as it should be, by the sender for the receiver that the file name says."""
    return sealed(document, keys, name.sender, name.receiver)


def sealed(document: bytes, keys: Keys, sender: str = OLD, receiver: str = NEW, at: datetime = SIGNED) -> bytes:
    """The document signed by one of the keys and encrypted to another."""
    return envelope.seal(document, keys.unlocked[sender], keys.unlocked[receiver].public, at).package


def _to_new(packets: bytes, keys: Keys) -> bytes:
    """Any packets encrypted to the new office."""
    return encryption.message(packets, [keys.unlocked[NEW].public.recipient(SIGNED)])


def _literal(document: bytes) -> bytes:
    return framing.encode(framing.LITERAL, b"b\x00" + int(SIGNED.timestamp()).to_bytes(4, "big") + document)


def _compressed(packets: bytes) -> bytes:
    return framing.encode(framing.COMPRESSED, bytes([framing.ZLIB]) + zlib.compress(packets))


def _signed(document: bytes, signature: bytes, keys: Keys, digest: int = SHA256) -> bytes:
    """A document under any signature of the old office, compressed and encrypted to the new one."""
    return _to_new(_packets(document, signature, keys, digest), keys)


def _packets(document: bytes, signature: bytes, keys: Keys, digest: int = SHA256) -> bytes:
    key = keys.unlocked[OLD].signer(SIGNED)
    issuer = bytes.fromhex(key.bound.fingerprint)[-8:]
    announced = framing.encode(framing.ONE_PASS, bytes([3, 0, digest, key.algorithm]) + issuer + b"\x01")
    return _compressed(announced + _literal(document) + signature)


def _by_camellia(document: bytes, keys: Keys) -> bytes:
    """A good message, encrypted with a good cipher that is not AES (RFC 5581; RFC 9580 §5.13.1)."""
    session_key, block = secrets.token_bytes(32), secrets.token_bytes(16)
    plain = block + block[-2:] + _packets(document, _signature(document, keys), keys) + b"\xd3\x14"
    stream = Cipher(Camellia(session_key), CFB(bytes(16))).encryptor()
    body = stream.update(plain + hashlib.sha1(plain, usedforsecurity=False).digest()) + stream.finalize()
    session = keys.unlocked[NEW].public.recipient(SIGNED).wrap(session_key, _CAMELLIA256)
    return framing.encode(framing.SESSION_KEY, session) + framing.encode(framing.ENCRYPTED, b"\x01" + body)


def _signature(document: bytes, keys: Keys, receiver: str = NEW) -> bytes:
    return envelope.seal(document, keys.unlocked[OLD], keys.unlocked[receiver].public, SIGNED).signature


def _damaged(document: bytes, keys: Keys) -> bytes:
    package = sealed(document, keys)
    return package[:-1] + bytes([package[-1] ^ 1])


def _by_sha1(document: bytes, keys: Keys) -> bytes:
    algorithm = keys.unlocked[OLD].signer(SIGNED).algorithm
    head, weak = bytes([4, 0, algorithm, SHA256]), bytes([4, 0, algorithm, _SHA1])
    return _signed(document, _signature(document, keys).replace(head, weak, 1), keys, _SHA1)


def _nothing(_document: bytes, _keys: Keys) -> bytes:
    return b""


def _bare(document: bytes, _keys: Keys) -> bytes:
    return document


def _unsigned(document: bytes, keys: Keys) -> bytes:
    return _to_new(_compressed(_literal(document)), keys)


def _broken(document: bytes, keys: Keys) -> bytes:
    return _to_new(framing.encode(framing.COMPRESSED, bytes([framing.ZLIB]) + document), keys)


Making = Callable[[bytes, Keys], bytes]
# Code and name of the vector, and the package that is made of a good document.
PACKAGES: Mapping[str, tuple[str, Making]] = {
    "T102": ("empty", _nothing),
    "T110": ("not-encrypted", _bare),
    "T111": ("for-another-key", lambda document, keys: sealed(document, keys, OLD, "stranger")),
    "T112": ("camellia", _by_camellia),
    "T113": ("last-byte", _damaged),
    "T120": ("unsigned", _unsigned),
    "T121": ("sha1", _by_sha1),
    "T122": ("other-content", lambda document, keys: _signed(document, _signature(document + b"\n", keys), keys)),
    "T123": ("from-the-future", lambda document, keys: sealed(document, keys, at=_FUTURE)),
    "T124": (
        "signed-for-another",
        lambda document, keys: _signed(document, _signature(document, keys, "stranger"), keys),
    ),
    "T130": ("unknown-signer", lambda document, keys: sealed(document, keys, "stranger")),
    "T131": ("former-key", lambda document, keys: sealed(document, keys, "former")),
    "T132": ("rsa-2048", lambda document, keys: sealed(document, keys, "weak")),
    "T140": ("broken-compression", _broken),
}
# Good packages under a file name that is wrong.
Naming = Callable[[PackageName], PackageName]
NAMES: Mapping[str, tuple[str, Naming]] = {
    "T133": ("another-sender-in-the-name", lambda name: replace(name, sender="51010001")),
    "M192": ("another-sequence-in-the-name", lambda name: replace(name, sequence=name.sequence + 1000)),
}
