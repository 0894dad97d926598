r"""What every database must show that is read and written, whatever it is made of.

A test class inherits `EnvironmentBehaviour` and has a fixture `stand` that gives a `Stand`: an empty target, and how
tables are written in it. What a database cannot do is said by the class attributes, and by `Stand.lacks`.
"""

import pickle
import random
from collections.abc import Collection, Iterator, Sequence
from typing import ClassVar

import pytest

from formats.errors import IntegrityError, ServiceError
from migration import canon
from migration.canon import Cells
from migration.catalog import Kind
from migration.engine import Copied, Snapshot
from tests.suites.stands import EDGES, NAMES, PEOPLE, SCALE, SECRET, Made, Stand, people, rise, stream


class EnvironmentBehaviour:
    """The behaviour written in `migration.engine`.

    `kinds`: those of which it has a type. `shares`: another process can join a snapshot. `writes_beside`: another connection can write while one is open.
    """

    kinds: ClassVar[Collection[Kind]] = tuple(EDGES)
    shares: ClassVar[bool] = True
    writes_beside: ClassVar[bool] = True

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """A test of kinds is made for those alone of which the environment has a type."""
        if "kind" in metafunc.fixturenames:
            metafunc.parametrize("kind", list(self.kinds), ids=str)

    def test_values_come_back_as_they_were(self, stand: Stand, kind: Kind) -> None:
        """Every value of every kind is read as the very bytes that were loaded, NULL among them."""
        assert set(self.kinds) == set(stand.native)
        made = stand.make("edges", [("id", Kind.INTEGER), ("value", kind)], ["id"])
        rows: list[Cells] = [(str(at), value) for at, value in enumerate((*stand.edges(kind), None))]
        made.load(rows)
        assert made.rows() == rows

    def test_names_of_every_sort_are_quoted(self, stand: Stand) -> None:
        """Names with blanks, quotes, percent signs, Chinese and reserved words work for tables and columns."""
        for chunk, name in enumerate(NAMES):
            columns = [(other, Kind.TEXT) for other in NAMES]
            made = stand.make(name, [("group", Kind.INTEGER), *columns], ["group"])
            rows: list[Cells] = [("1", *NAMES), ("2", *([None] * len(NAMES)))]
            made.load(rows, chunk)
            assert made.rows() == rows
            with stand.target.snapshot() as snapshot:
                assert snapshot.bounds(made.reading(), 1) == (("1",),)
        assert {table.name.name for table in stand.target.catalog().tables} == set(NAMES)
        stand.target.refresh([stand.name(name) for name in NAMES])

    def test_the_catalog_knows_keys_and_nulls(self, stand: Stand) -> None:
        """The catalog has a table's columns in order, its key, which columns may be NULL, and is the same again."""
        made = stand.make("people", PEOPLE, ["number"])
        stand.make("another", [("b", Kind.TEXT), ("a", Kind.INTEGER)], ["b", "a"])
        catalog = stand.target.catalog()
        assert [table.name.name for table in catalog.tables] == ["another", "people"]
        table = catalog.table(made.name)
        assert [(column.name, column.nullable) for column in table.columns] == [
            ("number", False),
            ("name", True),
            ("amount", True),
        ]
        assert table.order == ("number",)
        assert catalog.table(stand.name("another")).order == ("b", "a")
        assert table.column("amount").kind is Kind.DECIMAL or Kind.DECIMAL not in stand.native
        assert table.column("amount").scale == SCALE
        assert catalog == stand.target.catalog()
        with stand.target.snapshot() as snapshot:
            assert catalog.engine == snapshot.identity.engine

    def test_rows_stand_in_the_order_of_their_number(self, stand: Stand) -> None:
        """A key of one integer orders by number."""
        made = stand.make("people", PEOPLE, ["number"])
        rows = people(2000)
        made.load(rows)
        assert made.rows() == made.ordered(rows)

    def test_rows_stand_in_the_order_of_their_text(self, stand: Stand) -> None:
        """A key of text orders by the bytes of UTF-8, whatever the locale."""
        made = stand.make("texts", [("code", Kind.TEXT), ("value", Kind.INTEGER)], ["code"])
        codes = (
            "a",
            "B",
            "A",
            "b",
            "é",
            "e",
            "z",
            "张",
            "李",
            "10",
            "9",
            "-1",
            "",
            "a b",
            "a-b",
            "ab",
            "𠮷",
            "～",
            "_",
            "\x01",
        )
        rows: list[Cells] = [
            (code, str(at)) for at, code in enumerate((*codes, *(f"k{at * 7919 % 1000}" for at in range(1000))))
        ]
        made.load(rows)
        assert made.rows() == made.ordered(rows)
        with stand.target.snapshot() as snapshot:
            if snapshot.ranged(made.reading()):
                self._ranges(snapshot, made, rows, 97)

    def test_rows_stand_in_the_order_of_several_columns(self, stand: Stand) -> None:
        """A key of several columns orders by one after the other, in the order of the key, each in its own way."""
        columns = [("value", Kind.TEXT), ("place", Kind.TEXT), ("number", Kind.INTEGER), ("day", Kind.DATE)]
        made = stand.make("several", columns, ["number", "place", "day"])
        rows: list[Cells] = [
            (f"v{number}", place, str(number), day)
            for number in (-3, 0, 9, 10, 100)
            for place in ("a", "B", "张", "é", "", "10", "9")
            for day in ("2024-01-31", "1999-12-31", "2024-02-01")
        ]
        random.Random(3).shuffle(rows)
        made.load(rows)
        assert made.rows() == made.ordered(rows)
        with stand.target.snapshot() as snapshot:
            if snapshot.ranged(made.reading()):
                self._ranges(snapshot, made, rows, 10)

    def test_rows_without_a_key_stand_in_the_order_of_all_columns(self, stand: Stand) -> None:
        """Without a key rows are ordered by all canonical texts, NULL first, and like rows stay as often as they are."""
        made = stand.make("loose", PEOPLE)
        rows = [
            *people(300),
            *people(300),
            (None, None, None),
            ("1", "", "0.00"),
            ("1", None, "0.00"),
            ("1", "NULL", None),
        ]
        made.load(rows)
        assert made.rows() == made.ordered(rows)

    @pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 1000, 1050])
    def test_ranges_together_are_the_whole(self, stand: Stand, count: int) -> None:
        """Bounds cut ranges of as many rows as asked for; together they are the whole table, each row once."""
        made = stand.make("people", PEOPLE, ["number"])
        rows = people(count)
        made.load(rows)
        with stand.target.snapshot() as snapshot:
            assert snapshot.ordered
            assert snapshot.ranged(made.reading())
            assert len(self._ranges(snapshot, made, rows, 100)) == max(0, count - 1) // 100

    def _ranges(self, snapshot: Snapshot, made: Made, rows: Sequence[Cells], size: int) -> tuple[tuple[str, ...], ...]:
        bounds = snapshot.bounds(made.reading(), size)
        parts = [
            stream(snapshot, made.reading(), after, to)
            for after, to in zip((None, *bounds), (*bounds, None), strict=True)
        ]
        assert b"".join(parts) == b"".join(map(canon.line, made.ordered(rows)))
        assert {sum(1 for _ in canon.rows(part)) for part in parts[:-1]} <= {size}
        return bounds

    def test_a_table_without_rows_has_no_blocks(self, stand: Stand) -> None:
        """An empty table, with a key or without, is no bytes and has no bounds."""
        keyed, loose = stand.make("keyed", PEOPLE, ["number"]), stand.make("loose", PEOPLE)
        with stand.target.snapshot() as snapshot:
            assert stream(snapshot, keyed.reading()) == stream(snapshot, loose.reading()) == b""
            assert snapshot.bounds(keyed.reading(), 10) == ()

    def test_a_write_is_refused(self, stand: Stand) -> None:
        """A snapshot's own connection cannot write: the environment says so in words, and reading goes on."""
        made = stand.make("people", PEOPLE, ["number"])
        made.load(people(10))
        before = made.rows()
        with stand.target.snapshot() as snapshot:
            first = stream(snapshot, made.reading())
            assert snapshot.refused()
            assert stream(snapshot, made.reading()) == first
        assert made.rows() == before
        assert len(stand.target.catalog().tables) == 1

    def test_shared_snapshots_see_one_state(self, stand: Stand) -> None:
        """Snapshots that share a state read the same, whatever is written beside them; a later one reads the rest."""
        made = stand.make("people", PEOPLE, ["number"])
        made.load([("1", "a", "1.00")])
        with stand.target.snapshot() as one:
            assert bool(one.shared) is self.shares
            if not self.shares:
                return
            with stand.target.snapshot(one.shared) as two:
                if self.writes_beside:
                    made.load([("2", "b", "2.00")], chunk=2)
                assert two.identity.token == one.identity.token
                assert list(canon.rows(stream(one, made.reading()))) == [("1", "a", "1.00")]
                assert stream(two, made.reading()) == stream(one, made.reading())
        assert len(made.rows()) == (2 if self.writes_beside else 1)

    def test_a_snapshot_stays_as_it_was(self, stand: Stand) -> None:
        """What is written after a snapshot was opened is not in it."""
        made = stand.make("people", PEOPLE, ["number"])
        made.load([("1", "a", "1.00")])
        with stand.target.snapshot() as snapshot:
            if self.writes_beside:
                made.load([("2", "b", "2.00")], chunk=2)
            assert list(canon.rows(stream(snapshot, made.reading()))) == [("1", "a", "1.00")]
            snapshot.close()
            snapshot.close()

    def test_the_token_tells_a_written_database(self, stand: Stand) -> None:
        """Two snapshots have the same token only if nothing was written between them; or there are no tokens."""
        made = stand.make("people", PEOPLE, ["number"])
        for chunk in (1, 2, 3):
            before = self._token(stand)
            made.load([(str(chunk), "a", "1.00")], chunk)
            assert before != self._token(stand) or not before
        # What the environment does by itself now and then (statistics, say) may count as a write.
        assert any(self._token(stand) == self._token(stand) for _ in range(5))

    def _token(self, stand: Stand) -> str:
        with stand.target.snapshot() as snapshot:
            return snapshot.identity.token

    @pytest.mark.parametrize(
        "bad",
        [
            [(SECRET, "a", "1.00"), (SECRET, SECRET, "2.00")],
            [("1", "a", "1.00"), (None, SECRET, "2.00")],
            [("1", "a", "1.00"), (SECRET, "b")],
        ],
        ids=["a key twice", "NULL in a key", "a cell too few"],
    )
    def test_a_bad_row_leaves_nothing(self, stand: Stand, bad: list[Cells]) -> None:
        """A row that the target refuses is D642 without the value, and nothing of its chunk stays."""
        made = stand.make("people", PEOPLE, ["number"])
        with pytest.raises(IntegrityError, match="D642") as caught:
            made.load(bad)
        assert "people" in caught.value.detail
        assert SECRET not in repr(caught.value)
        assert caught.value.__cause__ is None
        assert made.rows() == []
        assert stand.target.copied("run") == ()

    def test_asking_what_is_held_writes_nothing(self, stand: Stand) -> None:
        """Chunks that are held can be asked for without the ledger being made; where it is, both ways say the same."""
        assert stand.target.held("run") == ()
        made = stand.make("people", PEOPLE, ["number"])
        assert stand.target.held("run") == ()
        loaded = made.load(people(3))
        assert stand.target.held("run") == stand.target.copied("run") == (loaded,)
        assert stand.target.held("other") == ()
        ledger = "jiexu_copied" if not stand.schema else f"{stand.schema}.jiexu_copied"
        stand.target.execute([f"DROP TABLE {ledger}"])
        assert stand.target.held("run") == ()
        with pytest.raises(IntegrityError, match="D641"):
            stand.target.execute([f"DROP TABLE {ledger}"])

    @pytest.mark.parametrize("told", [2, 4])
    def test_another_number_of_rows_leaves_nothing(self, stand: Stand, told: int) -> None:
        """A chunk with more or fewer rows than it says is D642, and nothing of it stays; the session goes on."""
        made = stand.make("people", PEOPLE, ["number"])
        data = [canon.line(cells) for cells in people(3)]
        with stand.target.session() as session:
            with pytest.raises(IntegrityError, match="D642"):
                session.load("run", Copied(1, 1, told, "0" * 64), made.loading(), data)
            assert made.rows() == []
            assert stand.target.copied("run") == ()
            session.load("run", Copied(1, 1, 3, "0" * 64), made.loading(), data)
        assert len(made.rows()) == 3

    def test_a_broken_stream_leaves_nothing(self, stand: Stand) -> None:
        """When the bytes of a chunk end with an error, the error comes through and nothing of the chunk stays."""
        made = stand.make("people", PEOPLE, ["number"])

        def broken() -> Iterator[bytes]:
            yield b"".join(map(canon.line, people(500)))
            raise IntegrityError("D652", "chunk")

        with stand.target.session() as session:
            with pytest.raises(IntegrityError, match="D652"):
                session.load("run", Copied(1, 1, 500, "0" * 64), made.loading(), broken())
            assert made.rows() == []
            assert stand.target.copied("run") == ()
            session.load("run", Copied(1, 1, 1, "0" * 64), made.loading(), [canon.line(people(1)[0])])
        assert len(made.rows()) == 1

    def test_a_chunk_is_taken_once(self, stand: Stand) -> None:
        """A chunk that the ledger has is D643 and not loaded again; another run's chunk of that number is another."""
        made = stand.make("loose", PEOPLE)
        first = made.load([("1", "a", "1.00")])
        with pytest.raises(IntegrityError, match="D643"):
            made.load([("1", "a", "1.00")])
        assert len(made.rows()) == 1
        made.load([("1", "a", "1.00")], run="other")
        second = made.load([("2", "a", "1.00")], chunk=2)
        assert stand.target.copied("run") == (first, second)
        assert len(made.rows()) == 3

    def test_a_table_is_emptied_with_its_ledger(self, stand: Stand) -> None:
        """All rows go together with the table's chunks of this run; those of other tables and runs stay; it is loaded anew."""
        made = stand.make("people", PEOPLE, ["number"])
        made.load(people(3))
        with stand.target.session() as session:
            for run, table in (("run", 2), ("other", 1)):
                session.load(run, Copied(table, 1, 0, "0" * 64), made.loading(), [])
        stand.target.withdraw("run", 1, made.name)
        assert made.rows() == []
        assert [copied.table for copied in stand.target.copied("run")] == [2]
        assert [copied.table for copied in stand.target.copied("other")] == [1]
        made.load(people(2))
        assert len(made.rows()) == 2

    def test_what_cannot_be_emptied_keeps_its_ledger(self, stand: Stand) -> None:
        """A table that is gone is an error without the environment's own words, and its chunks stay in the ledger."""
        made = stand.make("people", PEOPLE, ["number"])
        loaded = made.load(people(3))
        with pytest.raises(ServiceError) as caught:
            stand.target.withdraw("run", 1, stand.name("none"))
        assert caught.value.__cause__ is None
        assert stand.target.copied("run") == (loaded,)

    def test_the_ledger_is_no_table_of_the_database(self, stand: Stand) -> None:
        """The ledger is made when it is missing, lists what was loaded, and is in no catalog."""
        assert stand.target.copied("run") == ()
        made = stand.make("people", PEOPLE, ["number"])
        made.load(people(3))
        ledger = stand.name("jiexu_copied")
        assert stand.target.occupied([ledger, made.name, stand.name("none")]) == (made.name,)
        assert [table.name for table in stand.target.catalog().tables] == [made.name]
        assert [(copied.table, copied.chunk, copied.rows) for copied in stand.target.copied("run")] == [(1, 1, 3)]
        assert stand.target.copied("other") == ()

    def test_a_refused_statement_is_named_by_its_number(self, stand: Stand) -> None:
        """A statement that fails is D641 with its number; those before it are done."""
        table = stand.quote("t")
        with pytest.raises(IntegrityError, match="D641") as caught:
            stand.target.execute([f"CREATE TABLE {table} (a integer)", "CREATE NONSENSE", "DROP TABLE t"])
        assert "2" in caught.value.detail
        assert stand.target.occupied([stand.name("t")]) == (stand.name("t"),)

    def test_cells_go_to_the_columns_that_are_named(self, stand: Stand) -> None:
        """A chunk's cells go to the columns of its loading in their order, and are read in that of the reading."""
        made = stand.make("people", PEOPLE, ["number"])
        turned = Made(stand, made.name, {"amount": Kind.DECIMAL, "number": Kind.INTEGER}, ("number",))
        turned.load([("1.50", "7"), (None, "8")])
        assert made.rows() == [("7", None, "1.50"), ("8", None, None)]
        assert turned.rows() == [("1.50", "7"), (None, "8")]

    def test_a_source_crosses_processes(self, stand: Stand) -> None:
        """A source is a value: pickled it is the same, and reads the same."""
        made = stand.make("people", PEOPLE, ["number"])
        made.load(people(3))
        again = pickle.loads(pickle.dumps(stand.target))
        assert again == stand.target
        assert again.catalog() == stand.target.catalog()

    @pytest.mark.parametrize("key", [("number",), ()], ids=["key", "no key"])
    def test_memory_is_bounded(self, stand: Stand, key: tuple[str, ...]) -> None:
        """A table of 40 MB is loaded and read with less than 24 MiB more than a small one."""
        made = stand.make("people", PEOPLE, key)
        assert stand.target.copied("memory") == ()
        assert rise(made, "load") < 24
        assert rise(made, "read") < 24
