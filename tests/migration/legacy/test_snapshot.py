"""A state of files: its token, its refusal to write, and that a change is noticed."""

import os
import pickle

import pytest

from formats.errors import ServiceError
from migration.catalog import Kind, TableName
from migration.engine import ReadColumn, Reading
from tests.migration.legacy.folders import column, reading, rows, source, table


@pytest.fixture
def legacy(tmp_path):
    """A table of three rows."""
    return source(
        tmp_path, table("csv", "t.csv", column("a", "integer"), column("b"), key=["a"]), t__csv=b"a,b\n3,x\n1,y\n2,z\n"
    )


def test_files_are_read_in_their_own_order(legacy):
    """Rows come as they lie, and the snapshot says that this is not the order of the key."""
    assert rows(legacy) == [("3", "x"), ("1", "y"), ("2", "z")]
    with legacy.snapshot() as snapshot:
        table_reading = reading(legacy.catalog().tables[0])
        assert not snapshot.ordered
        assert not snapshot.ranged(table_reading)
        assert snapshot.bounds(table_reading, 1) == ()


def test_the_token_is_the_files(legacy, tmp_path):
    """Equal bytes have an equal token; one byte more, or another description, has another."""
    first = legacy.snapshot().identity
    assert first == legacy.snapshot().identity
    assert len(first.token) == 64
    (tmp_path / "t.csv").write_bytes(b"a,b\n3,x\n1,y\n2,Z\n")
    second = legacy.snapshot().identity
    assert second.token != first.token
    with (tmp_path / "legacy.toml").open("a") as file:
        file.write("# a word\n")
    assert legacy.snapshot().identity.token not in (first.token, second.token)


def test_a_write_is_refused(legacy, tmp_path):
    """A file is opened so that the system itself refuses a write, and is left as it was."""
    with legacy.snapshot() as snapshot:
        assert "t.csv" in snapshot.refused()
    assert (tmp_path / "t.csv").read_bytes() == b"a,b\n3,x\n1,y\n2,z\n"


def test_a_file_that_changes_while_it_is_read(legacy, tmp_path):
    """A changed byte is D632, in reading and in the census, whatever the file's times say."""
    table_reading = reading(legacy.catalog().tables[0])
    path = tmp_path / "t.csv"
    times = path.stat()
    with legacy.snapshot() as snapshot:
        path.write_bytes(b"a,b\n3,x\n1,y\n2,!\n")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        for attempt in (
            lambda: list(snapshot.blocks(table_reading)),
            lambda: legacy.census(snapshot, legacy.catalog().tables[0]),
        ):
            with pytest.raises(ServiceError) as raised:
                attempt()
            assert raised.value.code == "D632"


def test_another_process_reads_the_very_same_bytes(legacy, tmp_path):
    """A shared state is read without hashing first, and refused when a file or the description is another."""
    first = legacy.snapshot()
    other = pickle.loads(pickle.dumps(legacy)).snapshot(first.shared)
    assert other.identity == first.identity
    (tmp_path / "legacy.toml").write_text((tmp_path / "legacy.toml").read_text() + "\n")
    with pytest.raises(ServiceError) as raised:
        legacy.snapshot(first.shared)
    assert raised.value.code == "D632"


def test_columns_are_read_in_the_order_asked_for(legacy):
    """A reading may have fewer columns in another order; one of another kind is refused."""
    name = TableName("", "t")
    with legacy.snapshot() as snapshot:
        (block,) = snapshot.blocks(Reading(name, (ReadColumn("b", Kind.TEXT, "text"),), ()))
        assert block.data == b'"x"\n"y"\n"z"\n'
        for wrong in (
            Reading(name, (ReadColumn("b", Kind.INTEGER, "text"),), ()),
            Reading(TableName("", "u"), (), ()),
        ):
            with pytest.raises(ServiceError) as raised:
                list(snapshot.blocks(wrong))
            assert raised.value.code == "D604"


def test_a_file_that_is_gone(legacy, tmp_path):
    """A missing data file is said when the source is opened, by table and file name."""
    (tmp_path / "t.csv").unlink()
    with pytest.raises(ServiceError) as raised:
        legacy.catalog()
    assert raised.value.code == "D629"
    assert "t.csv" in raised.value.detail
