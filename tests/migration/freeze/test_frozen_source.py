"""A freeze as a source of its own."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.errors import IntegrityError, UsageError
from migration import canon
from migration.engine import Bound
from migration.freeze import Frozen, FrozenSource, freeze
from tests.migration.freeze import folders
from tests.migration.freeze.memory import AT, KIND, NOTE, PERSON, MemorySource, frozen_tables, keyed, people, reading

KINDS = tuple((code, str(year)) for code in ("a", 'a"\n', "b", "张") for year in (-3, 9, 10, 2026))
NOTES = ((None, "1"), ("x", None), ("x", None))
SOURCE = MemorySource(((PERSON, people(95)), (KIND, KINDS), (NOTE, NOTES)), ranged=False)
TABLES = frozen_tables(PERSON, KIND, NOTE, rows=5)


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    """A freeze of three tables."""
    return freeze(SOURCE, TABLES, SOURCE.catalog(), tmp_path_factory.mktemp("origin"), at=AT)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_freeze_of_a_freeze_is_the_same(workers: int, frozen: Frozen, tmp_path: Path) -> None:
    """Frozen again, by ranges and in several processes, every chunk and the root are the same."""
    source = FrozenSource(frozen.folder)
    again = freeze(source, TABLES, source.catalog(), tmp_path, workers=workers, at=AT)
    assert folders.chunks(tmp_path) == folders.chunks(frozen.folder)
    assert again.root == frozen.root
    assert again.identity == replace(frozen.identity, token=frozen.digest)


def test_only_frozen_tables_are_in_its_catalog(tmp_path: Path) -> None:
    """A table that was left behind is not in it, and the rows are those that were frozen."""
    freeze(SOURCE, frozen_tables(PERSON), SOURCE.catalog(), tmp_path, at=AT)
    assert [(table.name, table.rows) for table in FrozenSource(tmp_path).catalog().tables] == [(PERSON.name, 95)]


def test_it_is_only_read(frozen: Frozen) -> None:
    """A write through the handle by which it is read is refused, and nothing has changed."""
    with FrozenSource(frozen.folder).snapshot() as snapshot:
        assert snapshot.refused().startswith("EBADF")
        assert FrozenSource(frozen.folder).census(snapshot, PERSON) == ()
    frozen.check()


def test_another_process_shares_the_very_freeze(frozen: Frozen) -> None:
    """What is shared names the freeze: with the name of another one it is refused."""
    source = pickle.loads(pickle.dumps(FrozenSource(frozen.folder)))
    assert source.snapshot(source.snapshot().shared).identity.token == frozen.digest
    with pytest.raises(IntegrityError, match="D652"):
        source.snapshot("0" * 64)


def test_some_of_the_cells_are_read_in_the_order_of_rows(frozen: Frozen) -> None:
    """A reading of some columns gives their cells, and no ranges."""
    snapshot, wanted = FrozenSource(frozen.folder).snapshot(), reading(PERSON)
    some = replace(wanted, columns=wanted.columns[1::-1])
    whole = [row for block in snapshot.blocks(wanted) for row in canon.rows(block.data)]
    assert [row for block in snapshot.blocks(some) for row in canon.rows(block.data)] == [row[1::-1] for row in whole]
    assert not snapshot.ranged(some)
    with pytest.raises(UsageError, match="D609"):
        next(snapshot.blocks(some, ("1",), ("2",)))


def test_it_is_read_only_as_it_was_frozen(frozen: Frozen) -> None:
    """Cells in another form than they were frozen in give D609."""
    snapshot, wanted = FrozenSource(frozen.folder).snapshot(), reading(PERSON)
    other = replace(wanted.columns[0], scale=7)
    with pytest.raises(UsageError, match="D609"):
        next(snapshot.blocks(replace(wanted, columns=(other, *wanted.columns[1:]))))


def test_borders_are_those_of_chunks(frozen: Frozen) -> None:
    """Ranges have a chunk's rows or as many more as were asked for."""
    snapshot = FrozenSource(frozen.folder).snapshot()
    assert snapshot.bounds(reading(PERSON), 5) == tuple((str(n),) for n in range(5, 95, 5))
    assert snapshot.bounds(reading(PERSON), 32) == (("35",), ("70",))
    assert not snapshot.ranged(reading(NOTE))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(data=st.data())
def test_any_range_is_read(frozen: Frozen, data: st.DataObject) -> None:
    """A range is exactly the rows above its lower bound up to its upper one, wherever the chunks' borders are."""
    table, rows = data.draw(st.sampled_from(SOURCE.tables[:2]))
    numbers = st.integers(-5, 100).map(str)
    bound = st.none() | (st.tuples(numbers) if table is PERSON else st.tuples(st.sampled_from("0ab张"), numbers))
    after: Bound = data.draw(bound)
    to: Bound = data.draw(bound)
    blocks = list(FrozenSource(frozen.folder).snapshot().blocks(reading(table), after, to))
    low, high = (end and keyed(table, (*end, "")[:2]) for end in (after, to))
    assert [row for block in blocks for row in canon.rows(block.data)] == [
        row
        for row in sorted(rows, key=lambda row: keyed(table, row))
        if (not low or keyed(table, row) > low) and (not high or keyed(table, row) <= high)
    ]
    assert all(block.rows == len(list(canon.rows(block.data))) for block in blocks)
