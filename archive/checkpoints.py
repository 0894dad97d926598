"""Signed heads of the journal: C2SP tlog-checkpoint in the form of a C2SP signed-note, with Ed25519 (RFC 8032).

    jiexu/33010001/journal                          the origin, which is also the name of the key
    1042                                            how many entries
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    the root of their tree, base64

    — jiexu/33010001/journal Az3grl…                the signature, behind the first four octets of the key's id

Whoever has such a note and the key's public line (`JournalKey.verifier`) can prove that the journal was rewritten or
cut off after it. The same key signs other texts in the same form (`sign_text`): lists of backups, reports of drills.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from formats.errors import IntegrityError, UsageError
from formats.merkle import HASH_BYTES, Frontier

_ED25519: Final = b"\x01"  # the type of a signature in the signed-note specification
_DASH: Final = "— "
_NAME_LINE: Final = b"name: "
_SIGNATURES: Final = 16  # as many as a verifier must accept
_SIZE: Final = re.compile("0|[1-9][0-9]{0,9}")
_LARGEST: Final = 2**31 - 1  # as many entries as the ledger's numbers reach


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head of a journal: whose (`jiexu/<office>/journal`), how many entries, and the root of their tree in hex."""

    origin: str
    size: int
    root: str

    def fits(self, frontier: Frontier, fitting: int) -> int:
        """Whether the first `size` entries of a journal are those that were signed; gives `size`.

        `frontier` is the tree over as many of them as there are, `fitting` the size of the last head that fitted.
        Raises IntegrityError A510 naming the entries from there to this head.
        """
        if frontier.size == self.size and frontier.root().hex() == self.root:
            return self.size
        end = f", there are only {frontier.size}" if frontier.size < self.size else ""
        named = f"entries {min(fitting + 1, self.size)} to {self.size}"
        raise IntegrityError("A510", f"{named} are not those that were signed{end}")


@dataclass(frozen=True, slots=True)
class JournalKey:
    """The key with which an office signs its journal's heads; `name` is the journal's origin."""

    name: str
    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> Self:
        """A new key. Raises ValueError for a name that the form cannot carry: empty, or with blanks or a plus."""
        _check_name(name)
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, pem: bytes, passphrase: str) -> Self:
        """The key in the bytes of a file as `dump` writes it. Raises UsageError S408."""
        named, _, rest = pem.partition(b"\n")
        try:
            name = named.removeprefix(_NAME_LINE).decode("ascii")
            _check_name(name)
            private = load_pem_private_key(rest, passphrase.encode())
        except (ValueError, TypeError):
            raise UsageError("S408", "the journal's key") from None
        if not named.startswith(_NAME_LINE) or not isinstance(private, Ed25519PrivateKey):
            raise UsageError("S408", "the journal's key")
        return cls(name, private)

    def dump(self, passphrase: str) -> bytes:
        """The key as a file: a line with its name, and PKCS #8 in PEM, encrypted (RFC 7468 §11)."""
        encrypted = BestAvailableEncryption(passphrase.encode())
        pem = self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encrypted)
        return _NAME_LINE + self.name.encode("ascii") + b"\n" + pem

    @property
    def verifier(self) -> str:
        """The public key as one line, `name+key id+key`: what others need to open this office's notes."""
        public = _ED25519 + self._public()
        return f"{self.name}+{_key_id(self.name, self._public()).hex()}+{base64.b64encode(public).decode()}"

    def sign(self, text: str) -> str:
        """The signature line for a text."""
        signature = _key_id(self.name, self._public()) + self._private.sign(text.encode())
        return f"{_DASH}{self.name} {base64.b64encode(signature).decode()}\n"

    def _public(self) -> bytes:
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class _Verifier(NamedTuple):
    name: str
    key_id: bytes
    public: bytes

    def opens(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's over the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


def sign(checkpoint: Checkpoint, key: JournalKey) -> str:
    """The checkpoint as a note signed by its journal's key. Raises ValueError when the key is another journal's."""
    if checkpoint.origin != key.name:
        raise ValueError(f"{key.name} does not sign for {checkpoint.origin}")
    root = base64.b64encode(bytes.fromhex(checkpoint.root)).decode()
    return sign_text(f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n", key)


def sign_text(text: str, key: JournalKey) -> str:
    """Any text as a signed note. Raises ValueError for a text that does not end its line or has control characters."""
    if not _is_text(text):
        raise ValueError("a note's text ends with a line feed and has no other control character")
    return f"{text}\n{key.sign(text)}"


def open_note(note: str, verifier: str) -> Checkpoint:
    """The checkpoint in a note that was signed by this key for this key's journal.

    Raises IntegrityError A527: not signed by the key, or no checkpoint of its journal. UsageError S401: no such key.
    """
    checkpoint = parse(open_text(note, verifier))
    if checkpoint.origin != name_of(verifier):
        raise IntegrityError("A527", "the signed head is of another journal")
    return checkpoint


def open_text(note: str, verifier: str) -> str:
    """The text of a note that was signed by this key; signatures by other keys are passed over.

    Raises IntegrityError A527: no signature by the key, or one that does not hold. UsageError S401: no such key.
    """
    known = _verifier(verifier)
    text, lines = _split(note)
    found = [signature[4:] for name, signature in map(_signature, lines) if (name, signature[:4]) == known[:2]]
    if not found:
        raise IntegrityError("A527", f"no signature by {known.name}")
    if not all(known.opens(text.encode(), signature) for signature in found):
        raise IntegrityError("A527", f"the signature is not that of {known.name}")
    return text


def parse(text: str) -> Checkpoint:
    """The checkpoint that a note's text, or a whole note, begins with; no signature is looked at.

    Raises IntegrityError A527 for what is none. Extension lines are passed over, as tlog-checkpoint wants it.
    """
    origin, size, root, *_ = (*text.split("\n"), "", "", "")
    try:
        raw = base64.b64decode(root, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not origin or not _SIZE.fullmatch(size) or int(size) > _LARGEST or len(raw) != HASH_BYTES:
        raise IntegrityError("A527", "it is not the form of a signed head")
    return Checkpoint(origin, int(size), raw.hex())


def name_of(verifier: str) -> str:
    """The name of a public key: the journal's origin. Raises UsageError S401."""
    return _verifier(verifier).name


def _verifier(line: str) -> _Verifier:
    """A public key's line taken apart. Raises UsageError S401 when it is none, or its id is not its key's."""
    name, identity, encoded = (*line.strip().split("+", 2), "", "")[:3]
    try:
        _check_name(name)
        key_id, public = bytes.fromhex(identity), base64.b64decode(encoded, validate=True)
    except ValueError:
        raise UsageError("S401", "the journal's public key cannot be read") from None
    if public[:1] != _ED25519 or len(public) != 33 or key_id != _key_id(name, public[1:]):
        raise UsageError("S401", "the journal's public key is not of its id")
    return _Verifier(name, key_id, public[1:])


def _key_id(name: str, public: bytes) -> bytes:
    """The first four octets of SHA-256 over name, line feed, type and key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def _split(note: str) -> tuple[str, list[str]]:
    """A note's text and its lines of signatures: they stand behind the last empty line."""
    text, empty, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if not empty or lines.pop() or not 0 < len(lines) <= _SIGNATURES or not _is_text(text + "\n"):
        raise IntegrityError("A527", "it is not the form of a signed note")
    return text + "\n", lines


def _signature(line: str) -> tuple[str, bytes]:
    """The name of a signature's key, and the key's id with the signature behind it."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        _check_name(name)
        signature = base64.b64decode(encoded, validate=True)
    except ValueError:
        signature = b""
    if not line.startswith(_DASH) or len(signature) < 5:
        raise IntegrityError("A527", "it is not the form of a signed note")
    return name, signature


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return text.endswith("\n") and all(character >= " " or character == "\n" for character in text)


def _check_name(name: str) -> None:
    if not name or "+" in name or not name.isprintable() or any(character.isspace() for character in name):
        raise ValueError("a key's name is not empty and has no blanks and no plus")
