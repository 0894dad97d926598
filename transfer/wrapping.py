"""Wrapping: small secrets, such as the key of a segment, encrypted to several keys as one OpenPGP message (RFC 9580).

`gpg --decrypt` of any recipient opens it. Nothing in it is signed: who may say that it is the right secret is for the
caller to know, from a digest in the journal or because the secret decrypts what it must. Reading is as narrow as with
packages (`framing.py`): session keys, one body with integrity protection, in it one document in binary form.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from formats.errors import RefusedError, UsageError
from transfer import encryption, framing
from transfer.keys import OfficeKey, PublicKey

# Far above a key and its recipients, and little to hold in memory.
TEXT_BYTES: Final = 2**16
MESSAGE_BYTES: Final = 2**18
_PACKETS: Final = 20


def wrap(text: bytes, recipients: Sequence[PublicKey], at: datetime) -> bytes:
    """At most 65,536 bytes as one binary OpenPGP message that each recipient's key opens alone.

    Raises UsageError S408 if there is no recipient, or one has no key valid at `at` to encrypt to; RefusedError T140 if
    the text is too long.
    """
    if len(text) > TEXT_BYTES:
        raise RefusedError("T140", f"a text of {len(text)} bytes")
    keys = [recipient.recipient(at) for recipient in recipients]
    if not 0 < len(keys) < _PACKETS:
        raise UsageError("S408", f"a secret is wrapped for {len(keys)} keys")
    literal = b"b\x00" + int(at.timestamp()).to_bytes(4, "big") + text
    return encryption.message(framing.encode(framing.LITERAL, literal), keys)


def unwrap(message: bytes, keys: Sequence[OfficeKey]) -> bytes:
    """The text of a message, which may be armored, by whichever of our keys it is for.

    Raises RefusedError with the codes of `envelope.unseal`: T102 size, T110 framing, T111 for none of these keys, T112
    cipher, T113 damage, T140 compression, T120 something else than one binary document inside.
    """
    if not 0 < len(message) <= MESSAGE_BYTES:
        raise RefusedError("T102", f"{len(message)} bytes")
    with encryption.check("T110"):
        outer = framing.envelope(framing.dearmored(message, "MESSAGE"), _PACKETS)
    plain = encryption.decrypt(outer.ciphertext, encryption.addressed(outer.sessions, keys)[0])
    with encryption.check("T140"):
        inner = framing.decompressed(plain, 2 * TEXT_BYTES)
    with encryption.check("T120"):
        text = framing.document(inner)
    if len(text) > TEXT_BYTES:
        raise RefusedError("T140", f"a text of {len(text)} bytes")
    return bytes(text)
