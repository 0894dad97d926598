"""Keys of segments: what is wrapped, and how long an opened one is remembered."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archive.segments import keys
from archive.segments.keys import OpenedKeys
from formats.errors import IntegrityError
from tests.archive.wraps import MemoryWrap


def test_what_is_wrapped_can_be_typed() -> None:
    """64 hexadecimal digits and a newline, so that gpg shows a key as text."""
    wrap, key = MemoryWrap(), keys.fresh()
    message = keys.wrapped(wrap, key)
    assert wrap.unwrap(message) == key.hex().encode() + b"\n"
    assert keys.opened(wrap, message) == key


@pytest.mark.parametrize("text", [b"", b"0" * 64, b"0" * 63 + b"\n", b"G" * 64 + b"\n", b"0" * 128 + b"\n"])
def test_something_else_inside_is_no_key(text: bytes) -> None:
    """A509 for a message that opens and holds no key."""
    wrap = MemoryWrap()
    with pytest.raises(IntegrityError, match="A509"):
        keys.opened(wrap, wrap.wrap(text))


def test_fresh_keys_differ() -> None:
    """256 bits each."""
    assert len({keys.fresh() for _ in range(100)}) == 100
    assert {len(keys.fresh()) for _ in range(100)} == {32}


def test_a_key_is_forgotten_after_five_minutes() -> None:
    """By a clock that nobody can set back; also when it was used meanwhile."""
    now = [1000.0]
    known = OpenedKeys(clock=lambda: now[0])
    cipher = known.add("a", bytes(32))
    now[0] += 299
    assert known.find("a") is cipher
    now[0] += 1
    assert known.find("a") is None


def test_few_keys_are_remembered() -> None:
    """The oldest goes when there are too many."""
    known = OpenedKeys()
    for number in range(300):
        known.add(str(number), bytes(32))
    assert sum(known.find(str(number)) is not None for number in range(300)) == 256
    assert known.find("299") is not None


def test_a_forked_process_begins_without_keys() -> None:
    """What the parent has opened is not at hand in a child."""
    known = OpenedKeys()
    assert isinstance(known.add("a", bytes(32)), AESGCM)
    known._pid = os.getpid() + 1  # as if another process had made it
    assert known.find("a") is None
