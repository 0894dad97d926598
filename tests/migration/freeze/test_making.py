"""Chunks are finished one behind the other, and what is not finished leaves nothing."""

import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from formats.errors import UnreachableError
from migration.engine import Block
from migration.freeze import disk, making, packing
from migration.freeze.making import Made, Making
from migration.freeze.manifest import Chunk
from tests.migration.freeze.test_packing import taken


def read(work: Path, count: int) -> making.Steps:
    """So many chunks of one row, of which reading the next one fails."""
    for number in range(1, count + 1):
        yield begun(work, number)
    raise UnreachableError("S409", "the source")


def begun(work: Path, number: int) -> Making:
    """A chunk of one row, being finished."""
    part = work / f"{number}.part"
    pending = taken([Block(b'"%d"\n' % number, 1)], part)

    def made() -> Made:
        packed = pending.packed()
        digests = packed.sha256, packed.sm3, packed.packed, packed.packed_sha256
        return Made(Chunk(1, number, part.name, packed.rows, packed.bytes, *digests, None, None), part)

    return Making(None, lambda: False, made, pending.discard)


def test_each_chunk_comes_at_the_latest_once_the_next_one_was_read(tmp_path: Path) -> None:
    """A chunk not known to be whole is waited for behind the next one's rows; the last one comes without another."""
    seen = []
    for made in making.in_turn(begun(tmp_path, number) for number in (1, 2, 3)):
        assert made.part
        assert len(list(tmp_path.iterdir())) == min(made.chunk.chunk + 1, 3)
        seen.append((made.chunk.chunk, made.chunk.rows))
    assert seen == [(1, 1), (2, 1), (3, 1)]


def test_a_chunk_that_is_whole_comes_at_the_next_step(tmp_path: Path) -> None:
    """It does not wait for the rest of the next one's rows, and comes before it."""
    steps: list[int] = []

    def reading() -> making.Steps:
        first = begun(tmp_path, 1)
        yield replace(first, ready=lambda: len(steps) == 2)
        for step in range(4):
            steps.append(step)
            yield None
        yield begun(tmp_path, 2)

    given = [(made.chunk.chunk, len(steps)) for made in making.in_turn(reading())]
    assert given == [(1, 2), (2, 4)]


def test_reading_has_a_rest_behind_each_batch(tmp_path: Path) -> None:
    """Five MiB in small blocks are taken in three steps."""
    rests = packing.pack([Block(bytes(2**16), 1)] * 80, tmp_path / "chunk")
    for _ in range(3):
        assert next(rests, "over") is None
    with pytest.raises(StopIteration) as end:
        next(rests)
    assert end.value.value.packed().bytes == 5 * 2**20


def test_a_file_is_ready_once_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as something is still to be written it is not."""
    go_on, write = threading.Event(), disk.write_all

    def slow(handle: int, data: bytes) -> None:
        assert go_on.wait(30)
        write(handle, data)

    monkeypatch.setattr(disk, "write_all", slow)
    pending = taken([Block(b"x", 1)], tmp_path / "chunk")
    assert not pending.ready
    go_on.set()
    until = time.monotonic() + 30
    while not pending.ready and time.monotonic() < until:
        time.sleep(0.01)
    assert pending.ready
    assert pending.packed().rows == 1


@pytest.mark.parametrize("how", ["left", "failing"])
def test_a_chunk_half_read_is_taken_away_at_once(tmp_path: Path, how: str) -> None:
    """Its file and thread are gone as soon as the chunk before it fails or nobody wants more, also while the error is
    kept: another run may have a file of that name by then.
    """
    threads = threading.active_count()

    def reading() -> making.Steps:
        first = begun(tmp_path, 1)
        steps = 0

        def full() -> Made:
            first.dropped()
            raise UnreachableError("S416", "No space left on device")

        yield replace(first, ready=lambda: steps == 1, made=full if how == "failing" else first.made)
        for _ in packing.pack([Block(bytes(2**20), 1)] * 8, tmp_path / "2.part"):
            steps += 1
            yield None

    chunks = making.in_turn(reading())
    with pytest.raises(UnreachableError) if how == "failing" else closing(chunks) as kept:
        assert next(chunks).chunk.chunk == 1
        assert (tmp_path / "2.part").exists()
    assert kept
    assert [path.name for path in tmp_path.iterdir()] == (["1.part"] if how == "left" else [])
    assert threading.active_count() == threads


def test_reading_that_is_left_takes_its_file_away(tmp_path: Path) -> None:
    """Who stops between two batches leaves neither file nor thread."""
    threads = threading.active_count()
    rests = packing.pack([Block(bytes(2**20), 1)] * 8, tmp_path / "chunk")
    next(rests)
    assert (tmp_path / "chunk").exists()
    rests.close()
    assert (list(tmp_path.iterdir()), threading.active_count()) == ([], threads)


def test_what_was_not_given_is_taken_away(tmp_path: Path) -> None:
    """When reading fails, or nobody wants more, the chunk that was not given leaves neither file nor thread."""
    threads = threading.active_count()
    given: list[int] = []
    with pytest.raises(UnreachableError):
        given.extend(made.chunk.chunk for made in making.in_turn(read(tmp_path, 3)))
    with closing(making.in_turn(begun(tmp_path, number) for number in (4, 5, 6))) as chunks:
        given.append(next(chunks).chunk.chunk)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.part", "2.part", "4.part"]
    assert (threading.active_count(), given) == (threads, [1, 2, 4])


def test_a_disk_that_fills_at_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails in a thread after all rows were read is S416 where the chunk would come, and its file is gone."""

    def full(_: int, __: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "write_all", full)
    with pytest.raises(UnreachableError) as refused:
        list(making.in_turn(begun(tmp_path, number) for number in (1, 2)))
    assert (refused.value.code, list(tmp_path.iterdir())) == ("S416", [])
