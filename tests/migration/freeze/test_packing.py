"""A chunk's file depends on its bytes alone, and other people's tools read it."""

import gzip
import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration.engine import Block
from migration.freeze import packing

LINES = '"11010519491231002X","张三"\n'.encode() * 40
# The first three places come again each by itself, so that each is worth finding.
AGAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ" + b"0ABCD1" + b"2BCDE3" + b"4CDEF5" + bytes(range(128, 256)) * 3


def taken(blocks: Iterable[Block], path: Path) -> packing.Packing:
    """A file whose blocks were all taken."""
    rests = packing.pack(blocks, path)
    while True:
        try:
            next(rests)
        except StopIteration as end:
            found: packing.Packing = end.value
            return found


def packed(path: Path, *pieces: bytes) -> packing.Packed:
    """What is said of the file of these bytes, which is there afterwards."""
    blocks = (Block(piece, piece.count(b"\n")) for piece in pieces)
    path.unlink(missing_ok=True)
    return taken(blocks, path).packed()


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


MEGABYTE = 2**20


@settings(deadline=None)
@given(st.lists(st.sampled_from((0, 1, 15, 16, 17, 300, MEGABYTE, 2 * MEGABYTE, 2 * MEGABYTE + 1)), max_size=6))
def test_every_length_is_packed_whole(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    """However long a chunk is and in whatever blocks it comes: unpacked it is what it was, and so say its digests."""
    path = tmp_path_factory.mktemp("packed") / "chunk"
    pieces = [Random(place).randbytes(size) for place, size in enumerate(sizes)]
    whole = b"".join(pieces)
    found = packed(path, *pieces)
    file = path.read_bytes()
    assert gzip.decompress(file) == whole
    assert (found.rows, found.bytes, found.packed) == (whole.count(b"\n"), len(whole), len(file))
    assert (found.sha256, found.packed_sha256) == (sha256(whole).hexdigest(), sha256(file).hexdigest())


def test_chunks_side_by_side_do_not_mix(tmp_path: Path) -> None:
    """Chunks that are packed at the same time, each in several batches, hold their own bytes."""
    wholes = [Random(number).randbytes(5 * MEGABYTE) for number in range(4)]
    blocks = [[Block(whole[at : at + 99_999], 1) for at in range(0, len(whole), 99_999)] for whole in wholes]
    begun = [taken(every, tmp_path / str(number)) for number, every in enumerate(blocks)]
    assert [one.packed().sha256 for one in begun] == [sha256(whole).hexdigest() for whole in wholes]
    assert [gzip.decompress((tmp_path / str(number)).read_bytes()) for number in range(4)] == wholes


def test_gzip_reads_it(tmp_path: Path) -> None:
    """The gzip of every system takes the file for whole and unpacks it."""
    path = tmp_path / "chunk.csv.gz"
    packed(path, LINES, LINES)
    assert subprocess.run(["gzip", "-dc", path], capture_output=True, check=True).stdout == LINES + LINES
