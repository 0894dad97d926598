"""Keys: the half of OpenPGP that is about who; the other half, about what was sent or kept, is in the modules beside.

`envelope.py` seals and opens packages, `wrapping.py` wraps small secrets, `detached.py` signs beside a document. This
module is the only user of pgpy, for what it does well: making, locking, unlocking and reading keys. pgpy is given key
packets that `framing.py` has judged, one at a time, and nothing of a package: its own way of reading messages accepts
much that must be refused. Signatures and session keys are made and read by cryptography directly (`signatures.py`,
`sessionkeys.py`), with key objects that are built once; pgpy builds them, and for RSA validates them, anew in every
operation.
"""

import secrets
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from formats.errors import UsageError
from transfer import certificates, framing, locking, sessionkeys
from transfer.certificates import Bound
from transfer.framing import FramingError, Packet
from transfer.sessionkeys import ECDH, RSA
from transfer.signatures import Signature

with warnings.catch_warnings():  # pgpy imports a module that Python 3.13 drops; the version is pinned below that
    warnings.simplefilter("ignore", DeprecationWarning)
    import pgpy
    from pgpy import constants
    from pgpy.packet import Packet as PgpyPacket

_ECDSA: Final = 19
_EDDSA: Final = 22

_KINDS: Final = frozenset(bytes([kind]) for kind in (RSA, ECDH, _ECDSA, _EDDSA))

_LEAST_RSA_BITS: Final = 3072
_CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_HASHES: Final[Mapping[int, Callable[[], hashes.HashAlgorithm]]] = {
    8: hashes.SHA256,
    9: hashes.SHA384,
    10: hashes.SHA512,
}
# A key block with its user ids and the signatures of others; far above what an office's key needs.
_MOST_PACKETS: Final = 200
_PUBLIC_BLOCK: Final = "PUBLIC KEY BLOCK"
_SECRET_BLOCK: Final = "PRIVATE KEY BLOCK"  # noqa: S105 - a heading of RFC 4880, not a secret
_PUBLIC_OF: Final = {framing.SECRET_KEY: framing.PUBLIC_KEY, framing.SECRET_SUBKEY: framing.PUBLIC_SUBKEY}


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key that verifies signatures over documents. `weak`: RSA under 3072 bits, or a kind not allowed."""

    bound: Bound
    key: Any = field(repr=False)
    weak: bool

    @property
    def fingerprint(self) -> str:
        """40 upper-case hex digits."""
        return self.bound.fingerprint

    def verifies(self, signature: Signature, digest: bytes) -> bool:
        """Whether this key made the signature over what has this digest."""
        return _verifies(self.key, self.bound.body[5], signature, digest)


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """A public key to which session keys are encrypted. `weak` as for a key that verifies."""

    bound: Bound
    key: Any = field(repr=False)
    weak: bool

    @property
    def fingerprint(self) -> str:
        """40 upper-case hex digits."""
        return self.bound.fingerprint

    def wrap(self, session_key: bytes, cipher: int = sessionkeys.AES256) -> bytes:
        """The body of a session key packet for a session key of this cipher (RFC 9580 §5.1.1)."""
        return sessionkeys.wrap(self.bound.body, self.bound.fingerprint, self.key, session_key, cipher)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An office's public key, fit to verify its signatures and to encrypt to it. `armored` is what it was read from."""

    fingerprint: str  # of the primary key, 40 upper-case hex digits
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    signing: tuple[VerifyingKey, ...]
    encryption: tuple[EncryptionKey, ...]
    armored: str = field(repr=False)

    def recipient(self, at: datetime) -> EncryptionKey:
        """The newest key to which one may encrypt at this time. Raises UsageError S408 if there is none."""
        fit = [key for key in self.encryption if key.bound.valid(at) and not key.weak]
        if not fit:
            raise UsageError("S408", f"key {self.fingerprint} has no valid key to encrypt to")
        return max(fit, key=lambda key: key.bound.created)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret key that signs documents."""

    bound: Bound
    key: Any = field(repr=False)

    @property
    def algorithm(self) -> int:
        """The public-key algorithm by its number (RFC 9580 §9.1)."""
        return self.bound.body[5]

    def sign(self, digest: bytes) -> tuple[bytes, ...]:
        """The numbers of a signature over what has this SHA-256 digest."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            made = self.key.sign(digest)
            return made[:32], made[32:]
        prehashed = Prehashed(hashes.SHA256())
        if isinstance(self.key, rsa.RSAPrivateKey):
            return (self.key.sign(digest, padding.PKCS1v15(), prehashed),)
        numbers = decode_dss_signature(self.key.sign(digest, ec.ECDSA(prehashed)))
        return tuple(value.to_bytes((value.bit_length() + 7) // 8, "big") for value in numbers)


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """A secret key that decrypts session keys."""

    bound: Bound
    key: Any = field(repr=False)

    def unwrap(self, body: bytes) -> tuple[int, bytes]:
        """The cipher's number (RFC 9580 §9.3) and the session key in the body of a session key packet.

        The body must have passed `framing.check_session`. Raises whatever cryptography raises when it is not for this
        key or was changed.
        """
        return sessionkeys.unwrap(self.bound.body, self.bound.fingerprint, self.key, body)


@dataclass(frozen=True, slots=True)
class OfficeKey:
    """This office's secret key, unlocked once and kept in memory. It has no use in another process: load it there."""

    public: PublicKey
    signing: tuple[SigningKey, ...] = field(repr=False)
    decryption: Mapping[bytes, DecryptionKey] = field(repr=False)  # by the 8 bytes of the key id

    @property
    def fingerprint(self) -> str:
        """The primary key's, 40 upper-case hex digits."""
        return self.public.fingerprint

    def signer(self, at: datetime) -> SigningKey:
        """The newest key that may sign at this time. Raises UsageError S408 if there is none."""
        fit = [key for key in self.signing if key.bound.valid(at)]
        if not fit:
            raise UsageError("S408", f"key {self.fingerprint} has no valid key to sign with")
        return max(fit, key=lambda key: key.bound.created)


def generate_key(name: str, passphrase: str, at: datetime) -> str:
    """A new secret key of an office, armored and locked with the passphrase.

    Ed25519 certifies and signs, an X25519 subkey encrypts. `name` becomes the user id, e.g. `33010001
    <33010001@jiexu>`: an office, never a person. `at` (UTC, to the second) becomes the time of creation. Unlocking
    takes a while on purpose (`locking.py`). Raises UsageError S401 for an empty name, one with control characters, or
    an empty passphrase.
    """
    if not name.strip() or not name.isprintable() or not passphrase:
        raise UsageError("S401", "a key needs a printable name and a passphrase")
    created = at.astimezone(UTC).replace(microsecond=0)
    flags, cipher, digest = constants.KeyFlags, constants.SymmetricKeyAlgorithm, constants.HashAlgorithm
    packing = constants.CompressionAlgorithm
    with _quiet():
        key = pgpy.PGPKey.new(constants.PubKeyAlgorithm.EdDSA, constants.EllipticCurveOID.Ed25519, created=created)
        key.add_uid(
            pgpy.PGPUID.new(name),
            created=created,
            usage={flags.Certify, flags.Sign},
            hashes=[digest.SHA512, digest.SHA384, digest.SHA256],
            ciphers=[cipher.AES256, cipher.AES192, cipher.AES128],
            compression=[packing.ZLIB, packing.ZIP, packing.Uncompressed],
            hash=digest.SHA256,
        )
        subkey = pgpy.PGPKey.new(constants.PubKeyAlgorithm.ECDH, constants.EllipticCurveOID.Curve25519, created=created)
        usage = {flags.EncryptCommunications, flags.EncryptStorage}
        key.add_subkey(subkey, usage=usage, created=created, hash=digest.SHA256)
        plain = bytes(key)
    salt = secrets.token_bytes(locking.SALT)
    locked = [_locked(packet, passphrase, salt) for packet in framing.packets(plain, _MOST_PACKETS)]
    return framing.armored(b"".join(locked), _SECRET_BLOCK)


def load_secret(armored: str, passphrase: str) -> OfficeKey:
    """Read and unlock an office's secret key; a key that is not locked needs no passphrase.

    Raises UsageError S408 if it cannot be read or unlocked, or if it cannot sign or decrypt.
    """
    with _Reading("secret key"):
        packets: list[Packet] = []
        halves: dict[str, Any] = {}
        for packet in _block(armored, _SECRET_BLOCK):
            if packet.tag in _PUBLIC_OF:
                public_packet, secret = _unlocked(packet, passphrase)
                packets.append(public_packet)
                halves[certificates.fingerprint(bytes(public_packet.body))] = secret
            else:
                packets.append(packet)
        public = _public(packets)
        if not public.signing or not public.encryption:
            raise UsageError("S408", "the secret key cannot both sign and decrypt")
        # A secret half that does not belong to its public half could be made to betray itself by what it signs.
        alike = (
            *(halves[key.fingerprint].public_key() == key.key for key in public.signing),
            *(halves[key.fingerprint].public_key() == key.key for key in public.encryption),
        )
        framing.need(all(alike), "its halves do not belong together")
        return OfficeKey(
            public,
            tuple(SigningKey(key.bound, halves[key.fingerprint]) for key in public.signing),
            {
                bytes.fromhex(key.fingerprint)[-8:]: DecryptionKey(key.bound, halves[key.fingerprint])
                for key in public.encryption
            },
        )


def load_public(armored: str) -> PublicKey:
    """Read an office's public key. Raises UsageError S408 if it cannot be read or does not hold one office's key."""
    with _Reading("public key"):
        return _public(_block(armored, _PUBLIC_BLOCK))


def load_public_half(armored: str) -> PublicKey:
    """The public key in a secret one, which stays locked. Raises UsageError S408 if it cannot be read."""
    with _Reading("secret key"):
        return _public([_opened(packet)[0] for packet in _block(armored, _SECRET_BLOCK)])


def public_part(key: OfficeKey) -> str:
    """The public key of an office, armored, to be given to partners."""
    return key.public.armored


class _Reading:
    """Turns whatever goes wrong while a key is read into UsageError S408, without what was read."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FramingError):
            raise UsageError("S408", f"{self._what}: {error}") from None
        if isinstance(error, Exception) and not isinstance(error, UsageError):
            raise UsageError("S408", f"{self._what} is damaged, of an unknown kind, or locked otherwise") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """pgpy mentions ciphers that cryptography has moved, and warns of it whatever the cipher in use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _block(armored: str, kind: str) -> list[Packet]:
    """The packets in an armored key block, their bodies copied."""
    data = armored.strip().encode("ascii")
    framing.need(data.startswith(b"-----BEGIN PGP"), f"not an armored {kind.lower()}")
    return [Packet(tag, bytes(body)) for tag, body in framing.packets(framing.dearmored(data, kind), _MOST_PACKETS)]


def _opened(packet: Packet) -> tuple[Packet, bytes, Any]:
    """A packet of a secret key block: the public one in it, what stands behind that, and pgpy's reading of both.

    Other packets than keys are given back as they are.
    """
    if packet.tag not in _PUBLIC_OF:
        return packet, b"", None
    with _quiet():
        read = PgpyPacket(bytearray(framing.encode(packet.tag, packet.body)))
    public = bytes(framing.packets(bytes(read.pubkey().__bytearray__()), 1)[0].body)
    framing.need(packet.body[: len(public)] == public, "a secret key in a form that is not exact")
    return Packet(_PUBLIC_OF[packet.tag], public), bytes(packet.body[len(public) :]), read


def _unlocked(packet: Packet, passphrase: str) -> tuple[Packet, Any]:
    """The public packet of a secret one, and the secret key."""
    public, rest, read = _opened(packet)
    with _quiet():
        if locking.is_locked(rest):
            numbers = locking.unlock(rest, passphrase)
            plain = b"\0" + numbers + (sum(numbers) % 65536).to_bytes(2, "big")
            read = PgpyPacket(bytearray(framing.encode(packet.tag, bytes(public.body) + plain)))
        elif read.protected:  # in a form that gpg once wrote
            read.unprotect(passphrase)
    return public, read.keymaterial.__privkey__()


def _locked(packet: Packet, passphrase: str, salt: bytes) -> bytes:
    """A packet of a new key, which is not locked, as it is stored: secret ones are locked."""
    public, rest, read = _opened(packet)
    if read is None:
        return framing.encode(packet.tag, packet.body)
    return framing.encode(packet.tag, bytes(public.body) + locking.lock(rest[1:-2], passphrase, salt))


def _public(found: Sequence[Packet]) -> PublicKey:
    """The public key that the packets of one certificate make."""
    read = {
        bytes(packet.body): _read(packet)
        for packet in found
        if packet.tag in (framing.PUBLIC_KEY, framing.PUBLIC_SUBKEY)
    }

    def verify(body: bytes, signature: Signature, digest: bytes) -> bool:
        return _verifies(read[body], body[5], signature, digest)

    bound = certificates.keys(found, verify)
    primary = bound[0]
    return PublicKey(
        fingerprint=primary.fingerprint,
        created=primary.created,
        expires=primary.expires,
        revoked=primary.revoked,
        signing=tuple(
            VerifyingKey(key, read[key.body], _weak(read[key.body]))
            for key in bound
            if key.signs and read[key.body] is not None and key.body[5] in (RSA, _ECDSA, _EDDSA)
        ),
        encryption=tuple(
            EncryptionKey(key, read[key.body], _weak(read[key.body]))
            for key in bound
            if key.encrypts and read[key.body] is not None and key.body[5] in (RSA, ECDH)
        ),
        armored=framing.armored(b"".join(framing.encode(tag, body) for tag, body in found), _PUBLIC_BLOCK),
    )


def _read(packet: Packet) -> Any:
    """The key in a public key packet; None for a subkey of a kind that is not used here.

    Raises FramingError if pgpy reads another key than the bytes say.
    """
    if packet.tag == framing.PUBLIC_SUBKEY and packet.body[5:6] not in _KINDS:
        return None
    public = PgpyPacket(bytearray(framing.encode(packet.tag, packet.body)))
    exact = bytes(framing.packets(bytes(public.__bytearray__()), 1)[0].body) == packet.body
    framing.need(exact, "a public key in a form that is not exact")
    return public.keymaterial.__pubkey__()


def _weak(key: Any) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size < _LEAST_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in _CURVES


def _verifies(key: Any, algorithm: int, signature: Signature, digest: bytes) -> bool:
    """Whether the key made the signature. The signature must name the key's own algorithm and digest."""
    if signature.algorithm != algorithm or signature.check != digest[:2]:
        return False
    prehashed = Prehashed(_HASHES[signature.digest_algorithm]())
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(b"".join(number.rjust(32, b"\0") for number in signature.numbers), digest)
        elif isinstance(key, rsa.RSAPublicKey):
            made = signature.numbers[0].rjust((key.key_size + 7) // 8, b"\0")
            key.verify(made, digest, padding.PKCS1v15(), prehashed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            first, second = (int.from_bytes(number, "big") for number in signature.numbers)
            key.verify(encode_dss_signature(first, second), digest, ec.ECDSA(prehashed))
        else:
            return False
    except InvalidSignature:
        return False
    return True
