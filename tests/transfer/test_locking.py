"""A secret behind a passphrase: back with it, never without it, and in the form that gpg has too."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transfer.keyring import PASSPHRASE, SENDER, armored
from transfer import locking
from transfer.framing import FramingError, dearmored, packets

SALT = bytes(range(locking.SALT))


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=600), st.integers(0, 10**6))
def test_what_was_locked_is_unlocked_and_guards_every_bit(secret: bytes, place: int) -> None:
    """The same passphrase gives the secret back; another one, or any changed bit, gives nothing."""
    rest = locking.lock(secret, PASSPHRASE, SALT)
    assert locking.is_locked(rest)
    assert locking.unlock(rest, PASSPHRASE) == secret
    assert secret not in rest or len(secret) < 4
    with pytest.raises(FramingError):
        locking.unlock(rest, "another passphrase")
    hidden = 4 + locking.SALT + 1
    bit = hidden * 8 + place % ((len(rest) - hidden) * 8)
    changed = bytearray(rest)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FramingError):
        locking.unlock(bytes(changed), PASSPHRASE)


@pytest.mark.parametrize("rest", [b"", b"\0" * 99, b"\xff" * 99, b"\xfe\x09\x01\x08" + bytes(99), b"\xfe\x09\x03\x08"])
def test_other_forms_are_not_taken_for_this_one(rest: bytes) -> None:
    """Not locked, another kind of lock, or cut short: said to be no such lock, and never unlocked."""
    assert not locking.is_locked(rest)
    with pytest.raises(FramingError):
        locking.unlock(rest, PASSPHRASE)


def test_a_key_hashes_its_passphrase_once_with_chance_of_its_own() -> None:
    """Both packets of a key share a salt; each has its own initialisation vector, and another key another salt."""
    salts, vectors = [], []
    for code in (SENDER, "44030001"):
        found = packets(dearmored(armored(code).encode(), "PRIVATE KEY BLOCK"), 9)
        locks = [body[body.index(b"\xfe\x09\x03\x08") :] for body in (bytes(p.body) for p in found if p.tag in (5, 7))]
        assert len(locks) == 2
        salts += [rest[4:12] for rest in locks]
        vectors += [rest[13:29] for rest in locks]
    assert salts[0] == salts[1] != salts[2] == salts[3]
    assert len(set(vectors)) == 4
