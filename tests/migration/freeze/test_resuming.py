"""A freeze that was cut off goes on, and is always one state of its source."""

from pathlib import Path

import pytest

from formats.errors import IntegrityError
from migration.freeze import Progress, freeze
from migration.freeze.manifest import encode
from tests.migration.freeze import folders
from tests.migration.freeze.memory import AT, NOTE, PERSON, MemorySource, Rows, frozen_tables, people

TABLES = frozen_tables(PERSON, NOTE)
NOTES: Rows = tuple((f"{n:03}", None) for n in range(25))


class CutError(Exception):
    """The end of a run."""


def source(rows: Rows, token: str, *, ranged: bool = True, ordered: bool = True) -> MemorySource:
    """A source of people and notes."""
    return MemorySource(((PERSON, rows), (NOTE, NOTES)), token=token, ranged=ranged, ordered=ordered)


def run(origin: MemorySource, folder: Path, stop: int = 0) -> list[Progress]:
    """Freeze, and be cut off behind so many chunks; which chunks were written or kept."""
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if len(told) == stop:
            raise CutError

    try:
        freeze(origin, TABLES, origin.catalog(), folder, at=AT, progress=tell)
    except CutError:
        assert stop
    return told


def whole(origin: MemorySource, folder: Path) -> dict[str, bytes]:
    """What an undisturbed freeze gives."""
    freeze(origin, TABLES, origin.catalog(), folder, at=AT).check()
    return folders.chunks(folder)


WAYS = pytest.mark.parametrize(("ranged", "ordered"), [(True, True), (False, True), (False, False)])


@WAYS
@pytest.mark.parametrize("stop", range(1, 8))
def test_chunks_of_the_same_state_stand(stop: int, ranged: bool, ordered: bool, tmp_path: Path) -> None:
    """When nothing was written to the source meanwhile, the run goes on behind the last chunk."""
    origin = source(people(45), "t1", ranged=ranged, ordered=ordered)
    run(origin, tmp_path / "cut", stop)
    assert len(run(origin, tmp_path / "cut")) == 8 - stop
    assert folders.chunks(tmp_path / "cut") == whole(origin, tmp_path / "whole")


@WAYS
@pytest.mark.parametrize("stop", [3, 7])
def test_a_freeze_is_of_one_state(stop: int, ranged: bool, ordered: bool, tmp_path: Path) -> None:
    """When the source was written meanwhile, every chunk is of the newer state, also those that were there already."""
    before = source(people(45), "t1", ranged=ranged, ordered=ordered)
    rows = list(people(45))
    rows[12], rows[40] = ("13", "changed"), ("41", "changed")
    after = source((*rows, ("46", "new")), "t2", ranged=ranged, ordered=ordered)
    run(before, tmp_path / "cut", stop)
    assert len(run(after, tmp_path / "cut")) == 8
    assert folders.chunks(tmp_path / "cut") == whole(after, tmp_path / "whole")
    assert folders.document(tmp_path / "cut", "snapshot.json")["identity"]["token"] == "t2"


@pytest.mark.parametrize("token", ["t2", ""])
def test_ranges_that_read_the_same_keep_their_files(token: str, tmp_path: Path) -> None:
    """In a newer state only the changed chunk is written anew; a source without tokens is read again too."""
    run(source(people(45), "" if not token else "t1"), tmp_path, 5)
    files = {file.name: file.stat().st_ino for file in tmp_path.glob("data/0001/*")}
    rows = list(people(45))
    rows[12] = ("13", "changed")
    run(source(tuple(rows), token), tmp_path)
    assert [name for name, inode in files.items() if (tmp_path / "data/0001" / name).stat().st_ino != inode] == [
        "00000002.csv.gz"
    ]


def test_a_freeze_that_is_cut_off_again_and_again_is_of_the_last_state(tmp_path: Path) -> None:
    """Chunks of three states in one folder, each cut off elsewhere, end as one state."""
    for stop, token in ((6, "t1"), (2, "t2"), (4, "t3"), (1, "t4")):
        run(source(people(45, token), token), tmp_path / "cut", stop)
    final = source(people(45, "t2"), "t5")
    run(final, tmp_path / "cut")
    assert folders.chunks(tmp_path / "cut") == whole(final, tmp_path / "whole")


def test_a_shrunken_table_leaves_no_chunk_behind(tmp_path: Path) -> None:
    """Files of chunks that the newer state does not have are removed."""
    run(source(people(45), "t1", ranged=False), tmp_path, 5)
    run(source(people(15), "t2", ranged=False), tmp_path)
    assert len(list(tmp_path.glob("data/0001/*"))) == 2


@pytest.mark.parametrize("torn", [b'{"table":1', b"\n", b"\0" * 40 + b"\n"])
def test_a_torn_line_is_dropped(torn: bytes, tmp_path: Path) -> None:
    """A manifest whose last line a crash has torn goes on behind the last whole one."""
    origin = source(people(45), "t1")
    run(origin, tmp_path / "cut", 3)
    with (tmp_path / "cut/manifest.jsonl").open("ab") as file:
        file.write(torn)
    assert len(run(origin, tmp_path / "cut")) == 5
    assert folders.chunks(tmp_path / "cut") == whole(origin, tmp_path / "whole")


def test_an_earlier_chunk_counts_only_with_its_file(tmp_path: Path) -> None:
    """A file that is missing, changed, or of another range than the line says is written anew."""
    run(source(people(45), "t1"), tmp_path / "cut", 5)
    (tmp_path / "cut/data/0001/00000001.csv.gz").unlink()
    damaged = tmp_path / "cut/data/0001/00000002.csv.gz"
    damaged.chmod(0o600)
    damaged.write_bytes(b"?")
    later = source(people(45), "t2")
    run(later, tmp_path / "cut")
    assert folders.chunks(tmp_path / "cut") == whole(later, tmp_path / "whole")


def test_a_chunk_that_vanished_is_told(tmp_path: Path) -> None:
    """A finished chunk whose file is gone when the freeze is sealed gives D652; it is not sealed."""
    origin = source(people(45), "t1")
    run(origin, tmp_path, 5)
    (tmp_path / "data/0001/00000002.csv.gz").unlink()
    with pytest.raises(IntegrityError, match=r"D652.*00000002\.csv\.gz"):
        freeze(origin, TABLES, origin.catalog(), tmp_path, at=AT)
    assert not (tmp_path / "sealed.json").exists()


def test_a_seal_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    """What sealing leaves half done does not keep the next run from it."""
    origin = source(people(45), "t1")
    frozen = freeze(origin, TABLES, origin.catalog(), tmp_path, at=AT)
    (tmp_path / "sealed.json").unlink()
    (tmp_path / "sealed.json.part").write_bytes(b"{")
    (tmp_path / "SHA256SUMS.part").write_bytes(b"half")
    again = freeze(origin, TABLES, origin.catalog(), tmp_path, at=AT)
    assert again == frozen
    assert not list(tmp_path.glob("*.part"))


def test_a_line_says_everything(tmp_path: Path) -> None:
    """A chunk's line is canonical JSON with its key's bounds."""
    origin = source(people(45), "t1")
    frozen = freeze(origin, TABLES, origin.catalog(), tmp_path, at=AT)
    line = encode(frozen.chunks(1)[1])
    assert line.startswith(b'{"after":["10"],"bytes":')
    assert line.endswith(b'"table":1,"to":["20"]}\n')
