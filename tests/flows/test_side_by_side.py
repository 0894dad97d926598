"""A run freezes and copies side by side: what is told of it, in which order, and what a freeze that fails leaves."""

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import apsw
import pytest

from archive import freezes, journal
from flows import relocation
from flows.wiring import Office
from formats.errors import IntegrityError
from migration import carrying, stages
from migration.copying import steps as statements
from migration.copying.steps import Journal
from migration.run import Folder
from tests.flows.homes_of_migration import office_in, old_database
from tests.migration.run_carrying import small
from tests.migration.test_carrying import children

T = TypeVar("T")
ROWS = 40 + 40 * 12 + 6


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an office."""
    return office_in(tmp_path_factory.mktemp("office"))


@pytest.fixture
def office(home: Path) -> Office:
    """That office."""
    return Office.at(home)


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A migration of several chunks that was surveyed and planned."""
    small(monkeypatch)
    source, target = old_database(tmp_path / "old.db"), f"sqlite:///{tmp_path / 'new.db'}"
    folder = relocation.begin(tmp_path / "run", source, target, "u1")
    relocation.survey(folder)
    relocation.plan(folder)
    return folder


class Watcher:
    """Counts what is told, and holds the freezing up once until a chunk is in the target."""

    def __init__(self, folder: Folder) -> None:
        self.told: Counter[str] = Counter()
        self.early = 0
        self._target = folder.path.parent / "new.db"

    def __call__(self, name: str, count: int) -> None:
        """A step."""
        self.told[name] += count
        if name == "frozen":
            self.early = self.told["copied"]
            deadline = time.monotonic() + 30
            while not self.early and not self._loaded() and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(0.1)

    def _loaded(self) -> bool:
        if not self._target.exists():
            return False
        database = apsw.Connection(str(self._target), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return bool(database.execute("SELECT count(*) FROM jiexu_copied").fetchall()[0][0])
        except apsw.Error:  # it is being made
            return False
        finally:
            database.close()


def changed(folder: Folder, statement: str) -> None:
    """Somebody writes to the source."""
    with apsw.Connection(str(folder.path.parent / "old.db")) as database:
        database.execute(statement)


def test_every_row_is_told_once(begun: Folder, office: Office) -> None:
    """Rows that are loaded while others are frozen are told as copied then, and not once more when the copy ends."""
    watcher = Watcher(begun)
    report = relocation.relocate(office, begun, keep=False, steps=watcher)
    assert (report.verdict, report.rows) == ("equal", ROWS)
    assert (watcher.told["frozen"], watcher.told["copied"], watcher.told["compared"]) == (ROWS, ROWS, ROWS)
    assert 0 < watcher.early < ROWS


def test_the_source_is_kept_before_the_copy_is_ended(begun: Folder, office: Office) -> None:
    """Keys and indexes are made, and the copy stands in the journal, only when the freeze is among the originals."""
    seen: list[tuple[str, bool]] = []

    def run(name: str, act: Callable[[], T]) -> T:
        """Note whether the copy is being brought to its end."""
        made = act()
        seen.append((name, Journal(begun.path).reached(stages.planned(begun), statements.AFTER)))
        return made

    before = len(freezes.listing(office.ledger))
    report = relocation.relocate(office, begun, run=run, steps=Watcher(begun))
    assert report.verdict == "equal"
    assert seen[:3] == [("survey", False), ("freeze", False), ("keep", False)]
    assert all(name.startswith(("copy", "verify")) and ended for name, ended in seen[3:])
    assert len(freezes.listing(office.ledger)) == before + 1
    run_of = begun.asked().run
    found = [(one.kind, one.what.get("run", "")) for one in journal.entries(office.ledger)]
    kept = max(place for place, (kind, _) in enumerate(found) if kind == "freeze-kept")
    assert kept < found.index(("copied", run_of))


def test_a_freeze_that_fails_ends_all(begun: Folder, office: Office) -> None:
    """The freeze's own error is told, no process is left, the copy is not ended; the corrected source ends equal."""
    changed(begun, "UPDATE contribution SET base = 'no number' WHERE person = 38")
    watcher = Watcher(begun)
    with pytest.raises(IntegrityError, match=r"D61.*contribution") as caught:
        relocation.relocate(office, begun, steps=watcher)
    assert "no number" not in repr(caught.value)
    assert 0 < watcher.early < ROWS
    assert not children(os.getpid())
    with begun.held():
        assert not stages.sealed(begun)
    assert not Journal(begun.path).reached(stages.planned(begun), statements.AFTER)
    assert ("copied", begun.asked().run) not in [
        (one.kind, one.what.get("run", "")) for one in journal.entries(office.ledger)
    ]
    changed(begun, "UPDATE contribution SET base = 1 WHERE person = 38")
    changed(begun, "DELETE FROM person WHERE id = 2")
    changed(begun, "DELETE FROM contribution WHERE person = 2")
    target = relocation.environment.target(relocation.address(begun.asked().target))
    report = relocation.relocate(office, begun, keep=False)
    assert (report.verdict, report.rows) == ("equal", ROWS - 13)
    assert carrying.settle(begun, target) == ()
