"""A freeze of sources in memory: what lies in the folder, and what is refused."""

import gzip
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from formats.errors import IntegrityError, ServiceError, UnreachableError, UsageError
from migration import canon
from migration.engine import Block
from migration.freeze import Frozen, Progress, freeze, making
from tests.migration.freeze import folders
from tests.migration.freeze.memory import (
    AT,
    KIND,
    NOTE,
    PERSON,
    DyingSource,
    MemorySource,
    frozen_tables,
    keyed,
    people,
)
from tests.parts import ROOT, need

KINDS = (("b", "2"), ("a", "10"), ("a", "9"), ("张", "-1"))
NOTES = ((None, "1"), ("x", None), ("x", None), ("", "2"))
SOURCE = MemorySource(((PERSON, people(35)), (KIND, KINDS), (NOTE, NOTES)))
TABLES = frozen_tables(PERSON, KIND, NOTE)
NAMES = {"README.txt", "SHA256SUMS", "catalog.json", "data", "manifest.jsonl", "sealed.json", "snapshot.json"}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("ranged", [True, False])
@pytest.mark.parametrize("ordered", [True, False])
def test_every_way_of_reading_gives_the_same_freeze(workers: int, ranged: bool, ordered: bool, tmp_path: Path) -> None:
    """By ranges, as a stream, out of a file's order, in one process or several: rows and manifest are the same bytes."""
    ways = MemorySource(SOURCE.tables, ranged=ranged, ordered=ordered)
    first = freeze(SOURCE, TABLES, SOURCE.catalog(), tmp_path / "first", at=AT)
    other = freeze(ways, TABLES, SOURCE.catalog(), tmp_path / "other", workers=workers, at=AT)
    assert folders.chunks(tmp_path / "first") == folders.chunks(tmp_path / "other")
    assert first.root == other.root
    for number, (table, rows) in enumerate(SOURCE.tables, start=1):
        data = b"".join(b"".join(other.data(chunk)) for chunk in other.chunks(number))
        assert list(canon.rows(data)) == sorted(rows, key=lambda row, table=table: keyed(table, row))


def test_the_folder_is_read_without_jiexu(tmp_path: Path) -> None:
    """`sha256sum -c` accepts every file, and gzip gives the canonical lines."""
    freeze(SOURCE, TABLES, SOURCE.catalog(), tmp_path, at=AT)
    done = subprocess.run(
        [need("sha256sum"), "-c", "--strict", "SHA256SUMS"], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout.count(b": OK\n") == 4 + 4 + 1 + 1
    assert gzip.decompress((tmp_path / "data/0003/00000001.csv.gz").read_bytes()).decode() == (
        'NULL,"1"\n"","2"\n"x",NULL\n"x",NULL\n'
    )
    readme = (tmp_path / "README.txt").read_text(encoding="utf-8")
    assert "gunzip" in readme
    assert "timestamptz  the same in UTC" in readme
    assert "{" not in readme


def test_packed_files_are_the_same_every_time(tmp_path: Path) -> None:
    """No time and no name stands in a chunk file's head."""
    freeze(SOURCE, TABLES, SOURCE.catalog(), tmp_path, at=AT)
    assert (tmp_path / "data/0001/00000001.csv.gz").read_bytes()[:8] == b"\x1f\x8b\x08\0\0\0\0\0"


def test_nobody_else_may_read_the_folder(tmp_path: Path) -> None:
    """Folders have mode 0700, files 0400, and nothing of the work is left."""
    place = tmp_path / "a" / "freeze"
    freeze(SOURCE, TABLES, SOURCE.catalog(), place, workers=2, at=AT)
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in [place, *place.rglob("*")]}
    assert modes == {(True, 0o700), (False, 0o400)}
    assert folders.names(place) == NAMES


def test_an_empty_table_has_one_chunk(tmp_path: Path) -> None:
    """A table without rows has one chunk of no rows, whichever way it is read."""
    source = MemorySource(((PERSON, ()), (NOTE, ())))
    frozen = freeze(source, frozen_tables(PERSON, NOTE), source.catalog(), tmp_path, at=AT)
    assert [(chunk.rows, chunk.bytes, chunk.after, chunk.to) for n in (1, 2) for chunk in frozen.chunks(n)] == [
        (0, 0, None, None)
    ] * 2
    frozen.check()


def test_a_table_that_ends_with_a_chunk_has_no_empty_one(tmp_path: Path) -> None:
    """Twenty rows in tens are two chunks, the last without a bound."""
    source = MemorySource(((PERSON, people(20)),), ranged=False)
    frozen = freeze(source, frozen_tables(PERSON), source.catalog(), tmp_path, at=AT)
    assert [(chunk.rows, chunk.after, chunk.to) for chunk in frozen.chunks(1)] == [
        (10, None, ("10",)),
        (10, ("10",), None),
    ]


def test_what_the_snapshot_says_is_kept(tmp_path: Path) -> None:
    """The state's identity, the refusal of a write and whether one process read alone stand in snapshot.json."""
    frozen = freeze(MemorySource(SOURCE.tables, shared=""), TABLES, SOURCE.catalog(), tmp_path, workers=2, at=AT)
    assert (frozen.state.refused, frozen.state.alone, frozen.state.at) == ("read only", True, "2026-03-01T08:00:00Z")
    assert frozen.identity.token == "t1"


def test_progress_is_told_when_a_chunk_is_safe(tmp_path: Path) -> None:
    """Each chunk is told once, in order, with table, rows and bytes."""
    told: list[Progress] = []
    freeze(SOURCE, TABLES, SOURCE.catalog(), tmp_path, workers=2, at=AT, progress=told.append)
    assert [(str(one.table), one.chunk, one.rows) for one in told] == [
        *(("public.person", chunk, rows) for chunk, rows in ((1, 10), (2, 10), (3, 10), (4, 5))),
        ("public.kind", 1, 4),
        ("public.note", 1, 4),
    ]


def test_a_finished_freeze_is_given_again(tmp_path: Path) -> None:
    """The same call finds the freeze that is there, and reads nothing from the source."""
    first = freeze(SOURCE, TABLES, SOURCE.catalog(), tmp_path, at=AT)
    gone = MemorySource((), name="gone")
    assert freeze(gone, TABLES, SOURCE.catalog(), tmp_path, at=AT) == first


@pytest.mark.parametrize("finished", [True, False])
def test_the_freeze_of_another_source_stays(finished: bool, tmp_path: Path) -> None:
    """Another source, catalog or plan of chunks gives D653 and changes nothing."""
    source = SOURCE if finished else MemorySource(SOURCE.tables, fail_at=4)
    try:
        freeze(source, TABLES, SOURCE.catalog(), tmp_path, at=AT)
    except IntegrityError:
        assert not finished
    before = folders.chunks(tmp_path)
    with pytest.raises(IntegrityError, match=r"D653.*catalog"):
        freeze(SOURCE, TABLES, SOURCE.catalog().__class__("memory", "2", "office", "UTF-8", ()), tmp_path, at=AT)
    with pytest.raises(IntegrityError, match=r"D653.*chunks"):
        freeze(SOURCE, frozen_tables(PERSON, KIND, NOTE, rows=11), SOURCE.catalog(), tmp_path, at=AT)
    if not finished:
        with pytest.raises(IntegrityError, match=r"D653.*office"):
            freeze(MemorySource(SOURCE.tables, name="other"), TABLES, SOURCE.catalog(), tmp_path, at=AT)
    assert folders.chunks(tmp_path) == before


def test_a_folder_with_something_else_stays(tmp_path: Path) -> None:
    """A folder that holds anything but a freeze gives D607."""
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(UsageError, match="D607"):
        freeze(SOURCE, TABLES, SOURCE.catalog(), tmp_path, at=AT)
    assert folders.names(tmp_path) == {"letter.txt"}


def test_two_processes_do_not_freeze_into_one_folder(tmp_path: Path) -> None:
    """Who comes second gets S445."""
    told: list[str] = []

    def again(_: Progress) -> None:
        with pytest.raises(UnreachableError) as caught:
            freeze(SOURCE, TABLES, SOURCE.catalog(), tmp_path, at=AT)
        told.append(caught.value.code)

    freeze(SOURCE, TABLES, SOURCE.catalog(), tmp_path, at=AT, progress=again)
    assert set(told) == {"S445"}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_source_is_told(workers: int, tmp_path: Path) -> None:
    """What a source raises while it is read comes out as it is, also from another process; the freeze is not complete."""
    source = MemorySource(SOURCE.tables, fail_at=2)
    with pytest.raises(IntegrityError, match=r"D615.*public\.person"):
        freeze(source, TABLES, SOURCE.catalog(), tmp_path, workers=workers, at=AT)
    with pytest.raises(IntegrityError, match="D651"):
        Frozen.open(tmp_path)


def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    """S419 when a worker ends unexpectedly; the freeze goes on in one process."""
    dying = DyingSource(SOURCE.tables)
    with pytest.raises(ServiceError, match="S419"):
        freeze(dying, TABLES, SOURCE.catalog(), tmp_path, workers=2, at=AT)
    freeze(dying, TABLES, SOURCE.catalog(), tmp_path, at=AT).check()


@pytest.mark.parametrize(("data", "code"), [(b'"1","\xff"\n', "D611"), (b'"1","a"', "D671")])
def test_bytes_that_are_no_canonical_text_are_refused(data: bytes, code: str, tmp_path: Path) -> None:
    """A block that is not UTF-8 gives D611, one that does not end with its line D671; both name the table."""
    with pytest.raises(IntegrityError, match=rf"{code}.*public\.person"):
        list(making.checked([Block(data, 1)], PERSON.name))


DISK = """
import resource, sys
from pathlib import Path
from tests.migration.freeze.memory import *
from migration.freeze import freeze
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
source = EndlessSource(((PERSON, ()),), ranged=False, ordered=sys.argv[3] == "ordered", count=30000)
from migration.freeze import ordering
ordering._MEMORY = 2**20
try:
    freeze(source, frozen_tables(PERSON, rows=20000), source.catalog(), Path(sys.argv[1]), at=AT)
except Exception as error:
    print(error)
"""


@pytest.mark.parametrize("order", ["ordered", "unordered"])
def test_a_full_disk_stops_the_freeze_and_it_goes_on(order: str, tmp_path: Path) -> None:
    """When the disk takes no more, S416 is told, no half file is left, and the freeze goes on when there is room."""

    def run(limit: int) -> str:
        program = [sys.executable, "-W", "error", "-c", DISK, tmp_path, str(limit), order]
        return subprocess.run(program, cwd=ROOT, capture_output=True, check=True, text=True).stdout

    assert run(100_000).startswith("S416 ")
    assert not [*tmp_path.glob("data/*/*"), *tmp_path.glob("work/*.part")]
    assert run(resource.RLIM_INFINITY) == ""
    Frozen.open(tmp_path).check()
