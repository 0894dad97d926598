"""The cipher of a backup's files: STREAM over AES-256-GCM."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.backup import cipher
from archive.backup.cipher import CHUNK, decrypt, encrypt, new_key
from formats.errors import IntegrityError
from tests.suites.places import pattern, pieces

KEY = bytes(range(32))
SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17)


def sealed(data: bytes, size: int = 65_536) -> bytes:
    """The data, encrypted."""
    return b"".join(encrypt(KEY, "a", pieces(data, size)))


def opened(data: bytes, name: str = "a", key: bytes = KEY, size: int = 65_536) -> bytes:
    """The data, decrypted."""
    return b"".join(decrypt(key, name, pieces(data, size)))


@pytest.mark.parametrize("size", SIZES)
def test_every_size_comes_back(size: int) -> None:
    """What goes in comes out, whatever its size and however it is cut; the overhead is 16 octets a chunk."""
    data = pattern(size)
    assert opened(sealed(data, 99_991), size=77_773) == data
    assert len(sealed(data)) == size + 16 * max(1, -(-size // CHUNK))


@given(data=st.binary(max_size=200), chunk=st.integers(1, 40), cut=st.integers(1, 60), cuts=st.integers(1, 60))
def test_every_cut_comes_back(data: bytes, chunk: int, cut: int, cuts: int) -> None:
    """The same with chunks of any size, so that every way of ending is met."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cipher, "CHUNK", chunk)
        assert opened(sealed(data, cut), size=cuts) == data


@given(data=st.binary(min_size=1, max_size=100), at=st.integers(0), bit=st.integers(0, 7))
def test_every_changed_bit_is_found(data: bytes, at: int, bit: int) -> None:
    """One bit changed anywhere: A512."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cipher, "CHUNK", 10)
        changed = bytearray(sealed(data))
        changed[at % len(changed)] ^= 1 << bit
        with pytest.raises(IntegrityError, match="A512"):
            opened(bytes(changed))


def _chunks(data: bytes) -> Iterator[bytes]:
    return pieces(sealed(data), CHUNK + 16)


def test_chunks_cannot_be_moved_or_cut_off() -> None:
    """Chunks swapped, repeated, left out or cut off at a border, bytes appended: A512."""
    first, second, third = _chunks(pattern(3 * CHUNK - 5))
    wrong = ([second, first, third], [first, first, third], [first, third], [first, second], [first], [])
    for parts in (*wrong, [first, second, third, third], [first, second, third, b"x"]):
        with pytest.raises(IntegrityError, match="A512"):
            opened(b"".join(parts))


def test_a_file_cannot_stand_for_another() -> None:
    """Another name or another key: A512."""
    data = sealed(b"ledger")
    for name, key in (("b", KEY), ("a", new_key())):
        with pytest.raises(IntegrityError, match="A512"):
            opened(data, name, key)


def test_the_last_nonce_is_the_only_one_marked() -> None:
    """No two chunks of a file share a nonce: equal chunks come out different."""
    first, second, _ = _chunks(bytes(2 * CHUNK + 1))
    assert first != second
