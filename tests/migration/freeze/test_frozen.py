"""A finished freeze as a value: what it gives, and that no change of its files goes unseen."""

import gzip
import pickle
from pathlib import Path

import pytest

from formats import merkle
from formats.errors import IntegrityError
from migration.freeze import Frozen, freeze
from tests.migration.freeze.memory import AT, KIND, PERSON, EndlessSource, MemorySource, frozen_tables, people, reading

SOURCE = MemorySource(((PERSON, people(95)), (KIND, (("a", "1"),))))


@pytest.fixture
def frozen(tmp_path: Path) -> Frozen:
    """A freeze of two tables."""
    return freeze(SOURCE, frozen_tables(PERSON, KIND), SOURCE.catalog(), tmp_path / "freeze", at=AT)


def test_a_freeze_knows_its_tables(frozen: Frozen) -> None:
    """Names, readings, rows, catalog and root are those of what was frozen."""
    assert frozen.tables == {1: PERSON.name, 2: KIND.name}
    assert (frozen.reading(1), frozen.rows(1), frozen.rows(2)) == (reading(PERSON), 95, 1)
    assert frozen.catalog == SOURCE.catalog()
    lines = (frozen.folder / "manifest.jsonl").read_bytes().split(b"\n")[:-1]
    assert frozen.root == merkle.root_of(lines).hex()
    with pytest.raises(KeyError):
        frozen.reading(3)
    with pytest.raises(KeyError):
        frozen.chunks(3)


def test_a_freeze_crosses_processes(frozen: Frozen) -> None:
    """It is a value that can be pickled, and equal to the one that is opened anew."""
    assert pickle.loads(pickle.dumps(frozen)) == frozen == Frozen.open(frozen.folder)


def test_an_untouched_freeze_holds(frozen: Frozen) -> None:
    """The whole check says nothing when nothing was touched."""
    frozen.check(workers=2)


@pytest.mark.parametrize(
    "name", ["README.txt", "catalog.json", "snapshot.json", "manifest.jsonl", "SHA256SUMS", "sealed.json"]
)
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_a_freeze_with_a_changed_file_does_not_open(name: str, how: str, frozen: Frozen) -> None:
    """One changed octet, or a missing file, gives D652 naming it; without its seal it is not complete (D651)."""
    file = frozen.folder / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.unlink()
    if how == "changed":
        file.write_bytes(data)
    code = "D651" if (name, how) == ("sealed.json", "missing") else "D652"
    with pytest.raises(IntegrityError, match=rf"{code}.*{'' if name == 'sealed.json' else name}"):
        Frozen.open(frozen.folder)
    with pytest.raises(IntegrityError, match=code):
        frozen.check()


@pytest.mark.parametrize(
    "how", ["octet", "short", "long", "other", "plain", "missing", "two members", "checksum", "as long"]
)
def test_a_changed_chunk_is_seen_before_its_end_is_given(how: str, frozen: Frozen) -> None:
    """A chunk whose file is not the one that was written gives D652 before its last bytes, and in the whole check."""
    chunk = frozen.chunks(1)[3]
    file = frozen.folder / chunk.file
    data = file.read_bytes()
    changed = {
        "octet": data[:30] + bytes([data[30] ^ 1]) + data[31:],
        "short": data[:-9],
        "long": data + b"?",
        "other": (frozen.folder / frozen.chunks(1)[4].file).read_bytes(),
        "plain": gzip.decompress(data),
        "two members": data + gzip.compress(b""),
        "checksum": data[:-8] + bytes([data[-8] ^ 1]) + data[-7:],
        "as long": gzip.compress(gzip.decompress(data).replace(b"1", b"2", 1)),
    }
    file.unlink()
    if how in changed:
        file.write_bytes(changed[how])
    given: list[bytes] = []
    with pytest.raises(IntegrityError, match=f"D652.*{chunk.file}"):
        given.extend(frozen.data(chunk))
    assert given == []
    with pytest.raises(IntegrityError, match=f"D652.*1 files: {chunk.file}$"):
        frozen.check(workers=2)


def test_packed_otherwise_is_told_by_the_whole_check(frozen: Frozen) -> None:
    """The same rows in another gzip file read well, but the whole check tells that the file is another."""
    chunk = frozen.chunks(1)[0]
    file = frozen.folder / chunk.file
    data = gzip.decompress(file.read_bytes())
    file.unlink()
    file.write_bytes(gzip.compress(data, 9))
    assert b"".join(frozen.data(chunk)) == data
    with pytest.raises(IntegrityError, match="D652"):
        frozen.check()


def test_many_damaged_files_are_counted(frozen: Frozen) -> None:
    """The error names five files and says how many there are."""
    for chunk in frozen.chunks(1)[:8]:
        (frozen.folder / chunk.file).unlink()
    with pytest.raises(IntegrityError) as caught:
        frozen.check()
    assert caught.value.detail.startswith("8 files: data/0001/00000001.csv.gz, ")
    assert caught.value.detail.count(".csv.gz") == 5


def test_a_manifest_that_changes_later_is_seen(frozen: Frozen) -> None:
    """Also behind the opening, a table's chunks are given only as they were sealed."""
    file = frozen.folder / "manifest.jsonl"
    data = file.read_bytes().replace(b'"rows":10', b'"rows":11', 1)
    file.unlink()
    with pytest.raises(IntegrityError, match="D652"):
        frozen.chunks(1)
    file.write_bytes(data)
    with pytest.raises(IntegrityError, match="D652"):
        frozen.chunks(1)
    assert frozen.chunks(2)


def test_the_last_block_is_held_back_until_the_whole_holds(tmp_path: Path) -> None:
    """Of a chunk of several blocks that is another than it was, the end is never given."""
    source = EndlessSource(((PERSON, ()),), ranged=False, count=20_000)
    frozen = freeze(source, frozen_tables(PERSON, rows=20_000), source.catalog(), tmp_path, at=AT)
    (chunk,) = frozen.chunks(1)
    data = b"".join(frozen.data(chunk))
    file = frozen.folder / chunk.file
    file.unlink()
    file.write_bytes(gzip.compress(b'"9' + data[2:]))
    given: list[bytes] = []
    with pytest.raises(IntegrityError, match="D652"):
        given.extend(frozen.data(chunk))
    assert 0 < len(b"".join(given)) < len(data)
