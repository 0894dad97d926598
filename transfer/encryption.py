"""Encryption: what every OpenPGP message here is wrapped in, whatever it holds (RFC 9580 §5.1, §5.13.1).

Session keys for its recipients, then one body with integrity protection. `envelope.py` puts a signed document into it,
`wrapping.py` plain bytes. The protection is SEIPD version 1 (AES in CFB mode with a SHA-1 code inside), because gpg
2.2, which partners have, knows no other. Its code only shows damage, never who wrote.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from formats.errors import RefusedError
from transfer import framing
from transfer.framing import FramingError, Octets, Session
from transfer.keys import DecryptionKey, EncryptionKey, OfficeKey
from transfer.sessionkeys import KEY_OCTETS

_BLOCK: Final = 16  # octets of an AES block
_PREFIX: Final = _BLOCK + 2  # a random block, its last two octets again (RFC 9580 §5.13.1)
_CODE_HEADER: Final = b"\xd3\x14"  # the modification detection code's packet: type 19, 20 octets
_CODE: Final = len(_CODE_HEADER) + 20


class Addressed(NamedTuple):
    """A session key of a message, and which of our keys it is for."""

    session: Session
    key: DecryptionKey
    office_key: OfficeKey


@contextmanager
def check(code: str) -> Iterator[None]:
    """Whatever goes wrong inside is a refusal with this code, without the data that caused it."""
    try:
        yield
    except RefusedError:
        raise
    except FramingError as error:
        raise RefusedError(code, str(error)) from None
    except Exception:  # noqa: BLE001 - whatever a library makes of hostile bytes, they are refused
        raise RefusedError(code) from None


def message(plain: bytes, recipients: Sequence[EncryptionKey]) -> bytes:
    """The packets `plain` encrypted to each recipient, under a new AES-256 session key. Binary."""
    session_key = secrets.token_bytes(32)
    body = _encrypted(plain, session_key)
    return b"".join(
        [
            *(framing.encode(framing.SESSION_KEY, key.wrap(session_key)) for key in recipients),
            framing.packet_header(framing.ENCRYPTED, 1 + sum(len(part) for part in body)),
            b"\x01",
            *body,
        ]
    )


def _encrypted(plain: bytes, session_key: bytes) -> tuple[bytes, ...]:
    """The ciphertext of SEIPD version 1 (RFC 9580 §5.13.1), in pieces."""
    block = secrets.token_bytes(_BLOCK)
    prefix = block + block[-2:]
    code = hashlib.sha1(prefix, usedforsecurity=False)
    code.update(plain)
    code.update(_CODE_HEADER)
    stream = Cipher(algorithms.AES(session_key), CFB(bytes(_BLOCK))).encryptor()
    return stream.update(prefix), stream.update(plain), stream.update(_CODE_HEADER + code.digest()), stream.finalize()


def key_ids(blob: bytes, most: int = 20) -> tuple[bytes, ...]:
    """To which keys a package of at most `most` packets is encrypted: the key ids, 8 bytes each, as it says itself.

    Raises RefusedError T110 for what is no package.
    """
    with check("T110"):
        return tuple(session.key_id for session in framing.envelope(framing.dearmored(blob, "MESSAGE"), most).sessions)


def addressed(sessions: Sequence[Session], keys: Sequence[OfficeKey]) -> list[Addressed]:
    """The session keys that are for one of our keys. Raises RefusedError T111 if there are none."""
    found = [
        Addressed(session, key.decryption[session.key_id], key)
        for session in sessions
        for key in keys
        if session.key_id in key.decryption
    ]
    if not found:
        raise RefusedError("T111")
    return found


def decrypt(ciphertext: Octets, addressed: Addressed) -> memoryview:
    """The packets in the encrypted body, when its integrity code holds.

    Raises RefusedError: T110 a session key in a wrong form, T112 a cipher that is not AES, T113 session key, prefix or
    integrity code are harmed.
    """
    return _decrypted(ciphertext, _session_key(addressed.session, addressed.key))


def _session_key(session: Session, key: DecryptionKey) -> bytes:
    with check("T110"):
        framing.check_session(session.body)
    with check("T113"):
        cipher, session_key = key.unwrap(session.body)
    if KEY_OCTETS.get(cipher) != len(session_key):
        raise RefusedError("T112", f"cipher {cipher}")
    return session_key


def _decrypted(ciphertext: Octets, session_key: bytes) -> memoryview:
    if len(ciphertext) < _PREFIX + _CODE:
        raise RefusedError("T113", "it is too short")
    with check("T113"):
        stream = Cipher(algorithms.AES(session_key), CFB(bytes(_BLOCK))).decryptor()
        plain = memoryview(stream.update(ciphertext) + stream.finalize())
        code = hashlib.sha1(plain[: 2 - _CODE], usedforsecurity=False).digest()
        sound = hmac.compare_digest(plain[-_CODE:], _CODE_HEADER + code)
        if not sound or plain[_BLOCK - 2 : _BLOCK] != plain[_BLOCK:_PREFIX]:
            raise RefusedError("T113")
        return plain[_PREFIX:-_CODE]
