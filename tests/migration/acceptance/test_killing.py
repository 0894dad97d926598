"""`jiexu migrate run` killed by -9 at random instants of freeze and copy: what is finished later is whole and equal."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.wiring import Office
from migration import stages
from tests.command_line import PROGRAM, outside
from tests.migration.acceptance import plainly, writing
from tests.migration.acceptance.pipeline import migrate
from tests.migration.acceptance.places import Places

SMALL = [f"t{number}" for number in range(6)]
ROWS = 24_000 + 3_000 + len(SMALL) * 500


def large(places: Places, engine: str, office: Office) -> str:
    """A database of tables with keys of numbers and of texts, and one without; of several chunks."""
    url = places.fresh("sqlite")
    writing.run(
        url,
        "CREATE TABLE paid (id integer PRIMARY KEY, name varchar(40), base decimal(12,2), note text)",
        "CREATE TABLE loose (word text, number integer)",
        *(f"CREATE TABLE {name} (code varchar(8) PRIMARY KEY, name text)" for name in SMALL),
        "CREATE INDEX paid_name ON paid (name)",
    )
    writing.fill(url, "paid", [(n, f'张{n} "三"', n / 4, f"行{n}\n" + "y" * 700) for n in range(24_000)])
    writing.fill(url, "loose", [(None if n % 7 == 0 else f"w{n % 90}", n % 5) for n in range(3_000)])
    for name in SMALL:
        writing.fill(url, name, [(f"c{n}", f"名{n}") for n in range(500)])
    if engine == "sqlite":
        return url
    there = places.fresh(engine)
    migrate(office, places.run(), url, there)
    writing.run(there, "DROP TABLE jiexu_copied")
    return there


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of one migration, each a process of its own."""

    home: Path
    source: str
    workers: int

    def words(self, folder: Path, target: str) -> list[str | Path]:
        """The command line."""
        place = ["--source", self.source, "--target", target, "--proof", folder]
        more = ["--engine", "direct", "--workers", str(self.workers), "--no-keep", "--by", "u1", "--json"]
        return ["-C", self.home, "migrate", "run", *place, *more]

    def timed(self, folder: Path, target: str) -> tuple[float, float, dict[str, Any]]:
        """Run without a kill: when the plan stood, when all was done (seconds), and the document."""
        began, planned = time.monotonic(), 0.0
        with subprocess.Popen([PROGRAM, *self.words(folder, target)], stdout=subprocess.PIPE) as process:
            while process.poll() is None:
                if not planned and (folder / stages.PLAN).exists():
                    planned = time.monotonic() - began
                time.sleep(0.005)
            assert process.stdout
            document = json.loads(process.stdout.read())
        assert process.returncode == 0
        return planned, time.monotonic() - began, document

    def killed(self, folder: Path, target: str, after: float, *, alone: bool) -> bool:
        """Run, and kill it after so many seconds, `alone` or with the processes that it started; whether it was."""
        quiet = subprocess.DEVNULL
        words = [PROGRAM, *self.words(folder, target)]
        with subprocess.Popen(words, stdout=quiet, stderr=subprocess.PIPE, start_new_session=True) as process:
            try:
                _, said = process.communicate(timeout=after)
            except subprocess.TimeoutExpired:
                (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
                return True
        assert process.returncode == 0, said.decode()
        return False


def trial(runs: Runs, places: Places, engine: str, kills: int, chance: random.Random) -> None:
    """Kill so many runs; each migration that gets to its end is equal to one that nobody disturbed."""
    planned, whole, undisturbed = runs.timed(places.run(), places.fresh(engine))
    rows, left = plainly.held(runs.source), kills
    assert sum(table.total() for table in rows.values()) == ROWS
    while left:
        folder, there = places.run(), places.fresh(engine)
        for after in _instants(planned, whole, chance):
            if not left or not runs.killed(folder, there, after, alone=bool(left % 2)):
                break
            left -= 1
        done = outside(*runs.words(folder, there))
        assert done.status == 0, done.err
        wanted = {name: undisturbed[name] for name in ("rows", "tables", "root", "target_root", "verdict")}
        assert {name: done.document[name] for name in wanted} == wanted
        assert plainly.held(there) == rows
        assert [path.name for path in folder.rglob("*.part")] == []


def _instants(first: float, last: float, chance: random.Random) -> Iterator[float]:
    """At most four kills to a migration, at any instant from the plan to the proof."""
    return (chance.uniform(first, last) for _ in range(4))


def test_a_killed_run_goes_on(places: Places, home: Path, office: Office) -> None:
    """Three kills of a run, SQLite to PostgreSQL: the same freeze as an undisturbed one, every row once."""
    trial(Runs(home, large(places, "sqlite", office), 1), places, "postgresql", 3, random.Random(7))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("source", "target", "kills", "workers"),
    [
        ("sqlite", "postgresql", 25, 1),
        ("sqlite", "postgresql", 25, 2),
        ("postgresql", "mariadb", 25, 2),
        ("mariadb", "sqlite", 25, 1),
    ],
)
def test_a_hundred_killed_runs_go_on(
    source: str, target: str, kills: int, workers: int, places: Places, home: Path, office: Office
) -> None:
    """A hundred kills together, of runs between all three: equal and complete each time."""
    trial(Runs(home, large(places, source, office), workers), places, target, kills, random.Random(source + target))
