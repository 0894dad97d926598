"""Chunks are finished one behind the other, and what is not finished leaves nothing."""

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from formats.errors import UnreachableError
from migration.engine import Block
from migration.freeze import disk, making, packing
from migration.freeze.making import Made, Making
from migration.freeze.manifest import Chunk
from tests.migration.freeze.test_packing import taken


def read(work: Path, count: int) -> Iterator[Making]:
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

    def reading() -> Iterator[Making | None]:
        first = begun(tmp_path, 1)
        yield replace(first, ready=lambda: len(steps) == 2)
        for step in range(4):
            steps.append(step)
            yield None
        yield begun(tmp_path, 2)

    given = [(made.chunk.chunk, len(steps)) for made in making.in_turn(reading())]
    assert given == [(1, 2), (2, 4)]


def test_reading_has_a_rest_behind_each_batch(tmp_path: Path) -> None:
    """Five MiB in small blocks are taken in three steps, and then it is ready in the end."""
    rests = packing.pack([Block(bytes(2**16), 1)] * 80, tmp_path / "chunk")
    for _ in range(3):
        assert next(rests, "over") is None
    with pytest.raises(StopIteration) as end:
        next(rests)
    pending: packing.Packing = end.value.value
    pending.packed()
    assert pending.ready


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
    with closing(cast("Generator[Made]", making.in_turn(begun(tmp_path, number) for number in (4, 5, 6)))) as chunks:
        given.append(next(chunks).chunk.chunk)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.part", "2.part", "4.part"]
    assert (threading.active_count(), given) == (threads, [1, 2, 4])


def test_a_disk_that_fills_at_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails in a thread after all rows were read is S416 where the chunk would come, and its file is gone."""

    def full(_: int, __: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "write_all", full)
    with pytest.raises(UnreachableError) as refused:
        list(making.in_turn([begun(tmp_path, 1), begun(tmp_path, 2)]))
    assert (refused.value.code, list(tmp_path.iterdir())) == ("S416", [])
