"""Loading beside the freezing: what is safe is loaded meanwhile, and nothing of an abandoned freeze stays."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from formats.errors import IntegrityError, UnreachableError
from migration import plan_file
from migration.canon import Cells
from migration.catalog import Catalog
from migration.copying import own
from migration.copying.beside import Beside
from migration.copying.early import Order
from migration.copying.steps import Journal
from migration.freeze import Frozen, FrozenTable, Progress, freeze
from migration.plan import Plan
from migration.run import Folder
from tests.migration.copying.test_working import alive
from tests.migration.freeze.memory import PERSON, MemorySource, people
from tests.migration.workshop import AT, RUN, Workshop, named
from tests.parts import ROOT

ROWS: list[Cells] = [(str(n), str(n % 3), f"行{n}\n") for n in range(95)]
COLUMNS = {"id": "integer", "kind": "text", "note": "text"}
ALL = 95 + 40
LONGEST = 30.0  # seconds


class CutError(Exception):
    """The end of a freeze."""


@dataclass(frozen=True, slots=True)
class Side:
    """A workshop whose freeze and copy run side by side, by a survey that was made before."""

    site: Workshop
    catalog: Catalog

    @property
    def plan(self) -> Plan:
        """The plan for all tables."""
        return self.site.plan(self.catalog)

    def order(self) -> Order:
        """What the process beside is told."""
        file = self.site.folder / "plan.json"
        file.write_bytes(plan_file.encode(self.plan))
        return Order(self.site.target, file, self.site.folder / "freeze", self.site.folder, RUN, AT)

    def freeze(self, chunk: Callable[[Progress], object]) -> Frozen:
        """The source as it is now."""
        tables = [FrozenTable(table.number, table.reading_source(), 10) for table in self.plan.tables]
        return freeze(self.site.source, tables, self.catalog, self.site.folder / "freeze", at=AT, progress=chunk)

    def together(self, stop: int = 0, told: list[int] | None = None) -> Frozen:
        """Freeze and load; be cut off behind so many chunks, when they are loaded."""
        rows, count = [] if told is None else told, 0
        with Folder(self.site.folder).held() as lock, Beside(self.order(), lock, rows.append) as beside:

            def safe(_: Progress) -> None:
                nonlocal count
                count += 1
                beside.chunk()
                if count == stop:
                    self.until(lambda: len(rows) >= stop, beside.chunk)
                    raise CutError

            frozen = self.freeze(safe)
            self.until(lambda: sum(rows) >= sum(frozen.rows(number) for number in frozen.tables), beside.chunk)
            return frozen

    def until(self, done: Callable[[], bool], look: Callable[[], None]) -> None:
        """Wait for what the process beside does."""
        deadline = time.monotonic() + LONGEST
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.01)
            look()

    def settled(self, frozen: Frozen) -> list[str]:
        """Names of the tables that are emptied."""
        found = own.settle(frozen, self.plan, self.site.target, Journal(self.site.folder), RUN)
        return [table.source.name for table in found]

    def change(self, *statements: str) -> None:
        """Somebody writes to the source."""
        contrib, loose = (named(self.site.table(name)) for name in ("contrib", "loose"))
        self.site.source.execute([text.format(contrib=contrib, loose=loose) for text in statements])


@pytest.fixture
def side(workshop: Workshop) -> Side:
    """A source with 95 rows, and 40 without a key."""
    workshop.make("contrib", COLUMNS, ROWS, ["id"])
    workshop.make("loose", {"word": "text"}, [(f"w{n % 7:02}",) for n in range(40)])
    return Side(workshop, workshop.source.catalog())


def test_everything_is_there_when_the_freeze_is_whole(side: Side) -> None:
    """The process beside loads each chunk as it becomes safe; `copy` finds all of it, and makes the keys."""
    told: list[int] = []
    frozen = side.together(told=told)
    assert told == [10] * 9 + [5] + [10] * 4
    catalog = side.site.target.catalog()
    if side.site.engine == "postgresql":
        assert catalog.table(side.site.table("contrib")).primary is None
    assert side.settled(frozen) == []
    report = side.site.copy(frozen, side.plan)
    assert [(one.rows, one.chunks, one.before) for one in report.tables] == [(95, 10, 10), (40, 4, 4)]
    assert side.site.verify(frozen, side.plan).equal
    assert side.settled(frozen) == []


@pytest.mark.parametrize(
    ("changes", "emptied"),
    [
        ((), []),
        (("DELETE FROM {contrib} WHERE id > 8",), ["contrib"]),
        (("UPDATE {loose} SET word = 'x' WHERE word = 'w00'",), ["loose"]),
        (("UPDATE {contrib} SET note = 'later' WHERE id = 3", "DELETE FROM {loose}"), ["contrib", "loose"]),
    ],
)
def test_what_an_abandoned_freeze_has_loaded_goes(changes: tuple[str, ...], emptied: list[str], side: Side) -> None:
    """A freeze that is begun anew of another state leaves no row of the first in the target, nor a line of it."""
    with pytest.raises(CutError):
        side.together(stop=13)
    assert len(side.site.target.copied(RUN)) == 13
    side.change(*changes)
    frozen = side.freeze(lambda _: None)
    assert side.settled(frozen) == emptied
    assert side.settled(frozen) == []
    side.site.copy(frozen, side.plan)
    assert side.site.verify(frozen, side.plan).equal


def test_the_process_beside_leaves_such_a_table_alone(side: Side) -> None:
    """Gone on with beside, a table with a chunk of the first state gets no more of the second; the other is loaded."""
    with pytest.raises(CutError):
        side.together(stop=3)
    side.change("UPDATE {contrib} SET note = 'later' WHERE id = 14")
    told: list[int] = []
    with Folder(side.site.folder).held() as lock, Beside(side.order(), lock, told.append) as beside:
        frozen = side.freeze(lambda _: beside.chunk())
        side.until(lambda: sum(told) >= 50, beside.chunk)
    assert {one.table for one in side.site.target.copied(RUN) if one.chunk > 3} == {2}
    assert side.settled(frozen) == ["contrib"]
    side.site.copy(frozen, side.plan)
    assert side.site.verify(frozen, side.plan).equal


def test_a_file_whose_rows_turn_out_not_to_rise(workshop: Workshop) -> None:
    """A table that is frozen once more, since its file was not in the order of its key, is loaded once more too."""
    table = replace(PERSON, name=workshop.table("person"))
    source = MemorySource(((table, (*people(60), ("0", "late"))),), ordered=False)
    side = Side(replace(workshop, source=source), source.catalog())  # type: ignore[arg-type]
    told: list[int] = []
    with Folder(workshop.folder).held() as lock, Beside(side.order(), lock, told.append) as beside:

        def safe(one: Progress) -> None:
            beside.chunk()
            if one.chunk == 3:
                side.until(lambda: len(told) >= 3, beside.chunk)

        frozen = side.freeze(safe)
    assert side.settled(frozen) == ["person"]
    assert side.site.copy(frozen, side.plan).rows == 61
    assert side.site.verify(frozen, side.plan).equal


def test_a_finished_table_is_never_emptied(side: Side) -> None:
    """Once keys or indexes were begun, another line in the ledger is a fault: D646, and no row is touched."""
    side.change("CREATE INDEX by_kind ON {contrib} (kind)")
    side = Side(side.site, side.site.source.catalog())
    frozen = side.together()
    side.site.copy(frozen, side.plan)
    side.site.target.execute([f"UPDATE jiexu_copied SET sha256 = '{'0' * 64}' WHERE chunk = 2"])
    assert side.settled(frozen) == []
    with pytest.raises(IntegrityError, match="D646"):
        side.site.copy(frozen, side.plan)
    assert side.site.verify(frozen, side.plan).equal


def test_a_target_that_fails_does_not_disturb_the_freezing(side: Side) -> None:
    """An occupied target, or a process beside that is killed: the freeze is whole, and `copy` says what is wrong."""
    side.site.target.execute([f"CREATE TABLE {named(side.site.table('loose'))} (word text)"])
    with Folder(side.site.folder).held() as lock, Beside(side.order(), lock, lambda _: None) as beside:
        frozen = side.freeze(lambda _: beside.chunk())
    assert side.settled(frozen) == []
    with pytest.raises(Exception, match="D606"):
        side.site.copy(frozen, side.plan)
    side.site.target.execute([f"DROP TABLE {named(side.site.table('loose'))}"])
    side.site.copy(frozen, side.plan)
    assert side.site.verify(frozen, side.plan).equal


def test_a_process_beside_that_is_killed_again_and_again(side: Side) -> None:
    """Killed at random instants it leaves whole chunks with their lines; in the end everything is there once."""
    chance = random.Random(3)
    for stop in (4, 8, 12):
        with Folder(side.site.folder).held() as lock, Beside(side.order(), lock, lambda _: None) as beside:

            def safe(one: Progress, beside: Beside = beside, stop: int = stop) -> None:
                beside.chunk()
                if (one.chunk if one.table.name == "contrib" else one.chunk + 10) >= stop:
                    time.sleep(chance.uniform(0.2, 0.7))
                    os.kill(beside._process.pid, signal.SIGKILL)
                    raise CutError

            with pytest.raises(CutError):
                side.freeze(safe)
    frozen = side.together()
    assert side.settled(frozen) == []
    report = side.site.copy(frozen, side.plan)
    assert report.rows == ALL
    assert side.site.verify(frozen, side.plan).equal


def test_the_process_beside_ends_with_the_one_that_was_killed(tmp_path: Path) -> None:
    """Kill -9 of the process that freezes: the other ends by itself, and until then the folder's lock is held."""
    folder = Folder(tmp_path)
    command = [sys.executable, "-m", "tests.migration.copying.beside_sleeper", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        beside = int(process.stdout.readline())
        with pytest.raises(UnreachableError, match="S445"), folder.held():
            pytest.fail("it is held")
        process.kill()
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline and alive(beside):
        time.sleep(0.02)
    assert not alive(beside)
    with folder.held():
        assert not list(tmp_path.glob("steps.jsonl"))
