"""The keys of segments: made here, wrapped by whom the office trusts, remembered for five minutes."""

import hashlib
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from formats.errors import IntegrityError

_REMEMBERED: Final = 300.0  # seconds that an opened key may stay in memory
_KEYS: Final = 256  # opened keys in memory at once
_TEXT = re.compile(rb"[0-9a-f]{64}\n")


class KeyWrap(Protocol):
    """Wraps the text of a key (64 hex digits and a newline) for the office's archive key and the escrow key."""

    def wrap(self, key: bytes) -> bytes:
        """The text as one binary OpenPGP message that each of the two keys opens alone. Raises ServiceError."""

    def unwrap(self, message: bytes) -> bytes:
        """The text in a message. Raises IntegrityError A509 when no key of this office opens it."""


def fresh() -> bytes:
    """A new key of 256 bits from the system's source of chance."""
    return secrets.token_bytes(32)


def wrapped(wrap: KeyWrap, key: bytes) -> bytes:
    """The message that holds a key. Raises as `KeyWrap.wrap`."""
    return wrap.wrap(key.hex().encode() + b"\n")


def opened(wrap: KeyWrap, message: bytes) -> bytes:
    """The key in a message. Raises IntegrityError A509, also when what is inside is no key."""
    text = wrap.unwrap(message)
    if not _TEXT.fullmatch(text):
        raise IntegrityError("A509", "what is wrapped is no key")
    return bytes.fromhex(text.decode())


def sha512(message: bytes) -> str:
    """How the ledger and the journal know a file of wrapped keys: SHA-512 in lower-case hex."""
    return hashlib.sha512(message).hexdigest()


class OpenedKeys:
    """Keys that were opened lately, by the digest of their message; none is used for longer than five minutes.

    Safe among threads; a forked process begins with none.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._renew()

    def find(self, digest: str) -> AESGCM | None:
        """The cipher of the key whose message has this digest, if it was opened lately."""
        with self._current():
            self._forget()
            known = self._known.get(digest)
            return known[1] if known else None

    def add(self, digest: str, key: bytes) -> AESGCM:
        """Remember a key that was just opened or made."""
        cipher = AESGCM(key)
        with self._current():
            self._forget()
            while len(self._known) >= _KEYS:
                del self._known[next(iter(self._known))]
            self._known[digest] = (self._clock() + _REMEMBERED, cipher)
        return cipher

    def _current(self) -> threading.Lock:
        if self._pid != os.getpid():
            self._renew()
        return self._lock

    def _renew(self) -> None:
        """Another thread may have held the lock when this process was forked."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, AESGCM]] = {}

    def _forget(self) -> None:
        now = self._clock()
        for digest in [digest for digest, (until, _) in self._known.items() if until <= now]:
            del self._known[digest]
