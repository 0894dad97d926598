"""A member as bytes: headers that every tar reads, encryption bound to its place."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from archive.segments import members
from tests.parts import need

KINDS = st.from_regex(r"[a-z][a-z-]{0,29}[a-z]", fullmatch=True)


@given(place=st.integers(0, 10**8 - 1), kind=KINDS, size=st.integers(0, 8**11 - 1))
def test_a_header_is_what_python_writes(place: int, kind: str, size: int) -> None:
    """Byte by byte the ustar header that another implementation makes of the same fields."""
    other = tarfile.TarInfo(f"{place:08d}")
    other.size, other.mode, other.uname = size, 0o400, kind
    assert members.header(place, kind, size) == other.tobuf(tarfile.USTAR_FORMAT)


@pytest.mark.parametrize(
    ("place", "kind", "size"),
    [(10**8, "a", 1), (-1, "a", 1), (1, "a", 8**11), (1, "", 1), (1, "k" * 32, 1), (1, "键", 1)],
)
def test_what_no_header_holds_is_refused(place: int, kind: str, size: int) -> None:
    """ValueError, not a header that says something else."""
    with pytest.raises(ValueError, match=r"place|kind|ascii"):
        members.header(place, kind, size)


@given(contents=st.lists(st.tuples(KINDS, st.binary(max_size=1500)), max_size=8))
def test_members_make_a_tar(contents: list[tuple[str, bytes]]) -> None:
    """Members and two empty blocks are a tar with these names, kinds and bytes."""
    blocks = [b"".join(members.block(place, kind, data)) for place, (kind, data) in enumerate(contents)]
    with tarfile.open(fileobj=io.BytesIO(b"".join(blocks) + members.END), mode="r:") as tar:
        found = [(item.name, item.uname, item.size, item.mtime) for item in tar]
        read = [tar.extractfile(item).read() for item in tar]  # type: ignore[union-attr] - all are plain files
    assert found == [(f"{place:08d}", kind, len(data), 0) for place, (kind, data) in enumerate(contents)]
    assert read == [data for _, data in contents]


def test_gnu_tar_lists_and_unpacks_it(tmp_path: Path) -> None:
    """The tar of every Linux machine reads it without a warning."""
    contents = [os.urandom(size) for size in (0, 1, 511, 512, 513, 70_000)]
    blocks = [b"".join(members.block(place, "delivery-sent", data)) for place, data in enumerate(contents)]
    (tmp_path / "members.tar").write_bytes(b"".join(blocks) + members.END)
    told = subprocess.run(
        [need("tar"), "--numeric-owner", "-xvf", "members.tar"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stderr == ""
    assert told.stdout.split() == [f"{place:08d}" for place in range(6)]
    assert [(tmp_path / f"{place:08d}").read_bytes() for place in range(6)] == contents


@given(data=st.binary(max_size=300), place=st.integers(0, 99_999_999), spoiled=st.integers(0, 10_000))
def test_only_the_same_bytes_at_the_same_place_decrypt(data: bytes, place: int, spoiled: int) -> None:
    """28 bytes more; another place, another object, another key or one flipped bit gives nothing."""
    cipher, bound = AESGCM(bytes(32)), members.bound("urn:jiexu:33010001:segment:00000001", place)
    message = members.encrypt(cipher, bytes(range(12)), data, bound)
    assert len(message) == len(data) + 28
    assert members.decrypt(cipher, message, bound) == data
    assert members.decrypt(cipher, message, bound + b"0") is None
    assert members.decrypt(AESGCM(bytes(31) + b"1"), message, bound) is None
    flipped = bytearray(message)
    flipped[spoiled % len(message)] ^= 1 << spoiled % 8
    assert members.decrypt(cipher, bytes(flipped), bound) is None
    assert members.decrypt(cipher, message[:11], bound) is None
