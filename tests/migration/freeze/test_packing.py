"""A chunk's file depends on its bytes alone, and other people's tools read it."""

import gzip
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration.engine import Block
from migration.freeze import packing

LINES = '"11010519491231002X","张三"\n'.encode() * 40
# The first three places come again each by itself, so that each is worth finding.
AGAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ" + b"0ABCD1" + b"2BCDE3" + b"4CDEF5" + bytes(range(128, 256)) * 3


def packed(path: Path, *pieces: bytes) -> bytes:
    """The file of these bytes."""
    blocks = (Block(piece, piece.count(b"\n")) for piece in pieces)
    path.unlink(missing_ok=True)
    packing.pack(blocks, path).packed()
    return path.read_bytes()


def test_where_the_packer_lies_in_memory_changes_nothing() -> None:
    """Six thousand packers, each at another address, pack the same bytes alike."""
    handle = os.memfd_create("packed")
    try:
        files = [packing._File(handle) for _ in range(6000)]
        for file in files:
            file.add(AGAIN)
            file.finish()
    finally:
        os.close(handle)
    assert len(Counter(file.packed.digest() for file in files)) == 1


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=5), st.sampled_from((0, 1, 15, 16, 17, 300, 5000, 5 * 2**20)))
def test_every_length_is_packed_whole(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], longer: int
) -> None:
    """However long a chunk is and in however many blocks it comes, unpacked it is what it was."""
    path = tmp_path_factory.mktemp("packed") / "chunk"
    whole = [*pieces, bytes(longer)]
    assert gzip.decompress(packed(path, *whole)) == b"".join(whole)


def test_gzip_reads_it(tmp_path: Path) -> None:
    """The gzip of every system takes the file for whole and unpacks it."""
    path = tmp_path / "chunk.csv.gz"
    packed(path, LINES, LINES)
    assert subprocess.run(["gzip", "-dc", path], capture_output=True, check=True).stdout == LINES + LINES
