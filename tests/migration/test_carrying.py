"""Freeze and copy side by side, killed at random instants while the source goes on: in the end one state, every row once."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from migration import carrying, environment, stages
from migration import run as runs
from migration.engine import Target
from migration.freeze import Frozen
from migration.run import Folder
from migration.verifying import structure, verify
from tests.migration.acceptance import writing
from tests.migration.acceptance.conftest import places
from tests.migration.acceptance.places import Places
from tests.migration.run_carrying import carry, small
from tests.parts import ROOT

__all__ = ["places"]

CHANGES = (
    "UPDATE paid SET note = 'changed {n}' WHERE id = {n}",
    "DELETE FROM paid WHERE id > {n} AND id < {n} + 60",
    "INSERT INTO paid SELECT max(id) + 1, 'new {n}', 0.5, NULL FROM paid",
    "DELETE FROM loose WHERE number = {n} % 5",
    "INSERT INTO loose VALUES ('w{n}', 9)",
)


@dataclass(frozen=True, slots=True)
class Site:
    """A source in SQLite, a target, and the folder of their migration."""

    source: str
    target: str
    folder: Path

    def begin(self) -> Folder:
        """The folder, made."""
        return runs.begin(self.folder, self.source, self.target, "u1", "2026-03-01T08:00:00Z")

    def there(self) -> Target:
        """The target."""
        return environment.target(environment.address(self.target, {}))

    def run(self, after: float | None, whom: str = "") -> bool:
        """Run; kill `parent`, `child` or `both` after so many seconds. Whether it came to its end."""
        command = [sys.executable, "-m", "tests.migration.run_carrying", str(self.folder)]
        with subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE) as process:
            try:
                _, said = process.communicate(timeout=after)
            except subprocess.TimeoutExpired:
                if whom == "child":
                    for child in children(process.pid):
                        os.kill(child, signal.SIGKILL)
                    _, said = process.communicate()
                else:
                    (os.kill if whom == "parent" else os.killpg)(process.pid, signal.SIGKILL)
                    process.communicate()
                    return False
        assert process.returncode == 0, said.decode()
        return True

    def proved(self) -> None:
        """The target holds the freeze and nothing else, with its keys; and the source too, which was not written since."""
        folder = self.begin()
        frozen, plan = Frozen.open(folder.freeze), stages.planned(folder)
        frozen.check()
        assert verify(frozen, plan, stages.decisions(folder)[0], self.there(), self.folder).equal
        assert structure(plan, frozen.catalog, self.there().catalog()) == ()


def children(process: int) -> list[int]:
    """The processes that load beside this one."""
    try:
        found = [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
        return [pid for pid in found if b"copying.early" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    except FileNotFoundError:  # it has just ended
        return []


def fill(url: str) -> None:
    """A table with a key and one without, of 32 chunks."""
    writing.run(
        url,
        "CREATE TABLE paid (id integer PRIMARY KEY, name varchar(40), base decimal(12,2), note text)",
        "CREATE TABLE loose (word text, number integer)",
        "CREATE INDEX paid_name ON paid (name)",
    )
    writing.fill(url, "paid", [(n, f'张{n} "三"', n / 4, f"行{n}\n") for n in range(2_500)])
    writing.fill(url, "loose", [(None if n % 7 == 0 else f"w{n % 90}", n % 5) for n in range(700)])


def trial(places: Places, engine: str, kills: int, chance: random.Random) -> None:
    """So many kills; while nothing is sealed the source is written between them. Each migration ends equal."""
    source = places.fresh("sqlite")
    fill(source)
    site = Site(source, places.fresh(engine), places.run())
    site.begin()
    began = time.monotonic()
    assert site.run(None)
    length, early, kills_in_all = time.monotonic() - began, 0, kills
    site.proved()
    while kills:
        site = replace(site, target=places.fresh(engine), folder=places.run())
        begun, done = site.begin(), False
        while kills and not done:
            kills -= 1
            done = site.run(chance.uniform(0.35, 1) * length, chance.choice(("parent", "child", "both")))
            if not done and not stages.sealed(begun):
                early += len(site.there().copied(begun.asked().run))
                statements = [chance.choice(CHANGES).format(n=chance.randrange(2_400)) for _ in range(2)]
                writing.run(source, *statements[: chance.randrange(3)])
        rows = {name: sorted(map(repr, writing.rows(source, name))) for name in ("paid", "loose")}
        assert done or site.run(None)
        site.proved()
        frozen = Frozen.open(begun.freeze)
        assert {str(name): frozen.rows(number) for number, name in frozen.tables.items()} == {
            name: len(found) for name, found in rows.items()
        }
    assert early or kills_in_all < 20, "no kill came while chunks of an unfinished freeze were in the target"


def test_killed_while_the_source_goes_on(places: Places) -> None:
    """Kills of the freezing process, of the one beside it, or of both, into PostgreSQL: no row of an abandoned freeze."""
    trial(places, "postgresql", 4, random.Random(11))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
def test_sixty_kills_while_the_source_goes_on(engine: str, places: Places) -> None:
    """Sixty kills into each kind of target."""
    trial(places, engine, 60, random.Random(engine))


def test_rules_are_looked_at_first(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """With declared rules nothing is loaded beside: a value without an answer is found before the target is touched."""
    small(monkeypatch)
    site = Site(places.fresh("sqlite"), places.fresh("sqlite"), places.run())
    fill(site.source)
    begun = site.begin()
    text = '[[convert]]\nname = "w"\ncolumn = "loose.word"\nvalues = { "w1" = "x" }\notherwise = "keep"\n'
    (site.folder / stages.MAPPING).write_text(text, encoding="utf-8")
    report = carry(site.folder, 0)
    assert sum(table.before for table in report.tables) == 0
    assert report.alterations.listed.lines > 0
    assert carrying.settle(begun, site.there()) == ()
    site.proved()


def test_a_small_source_is_worth_no_process(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below two chunks of the usual size the copy comes after the freeze; above, every chunk may come before."""
    site = Site(places.fresh("sqlite"), places.fresh("sqlite"), places.run())
    fill(site.source)
    site.begin()
    assert sum(table.before for table in carry(site.folder, 0).tables) == 0
    site = replace(site, target=places.fresh("sqlite"), folder=places.run())
    site.begin()
    small(monkeypatch)
    assert sum(table.before for table in carry(site.folder, 30).tables) > 0
    site.proved()
