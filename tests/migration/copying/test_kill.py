"""A copy that is killed at random instants, again and again: in the end the target is equal, with no row twice."""

import pickle
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from migration.canon import Cells
from migration.freeze import Frozen
from migration.mapping import Conversion
from migration.plan import Plan
from migration.verifying import structure
from tests.migration.workshop import Workshop, named
from tests.parts import ROOT


@pytest.fixture
def large(workshop: Workshop) -> Workshop:
    """A source with 6000 rows with a key and 3,000 without, a conversion, and several indexes."""
    site = replace(workshop, chunk_rows=250)
    rows: list[Cells] = [(str(n), str(n % 3), f"行{n}\n" + "x" * 200) for n in range(6000)]
    site.make("contrib", {"id": "integer", "kind": "text", "note": "text"}, rows, ["id"])
    site.make("loose", {"word": "text"}, [(str(n % 700),) for n in range(3000)])
    for column in ("kind", "note", "id"):
        site.source.execute([f'CREATE INDEX "by_{column}" ON {named(site.table("contrib"))} ({column})'])
    kinds = Conversion("kinds", f"{site.table('contrib')}.kind", {"0": "100", "1": "200", "2": "300"}, "refuse")
    return replace(site, conversions=(kinds,))


def killed(site: Workshop, plan: Plan, workers: int, kills: int, seed: int) -> None:
    """Run the copy in processes of which so many are killed; begun anew when one comes to its end before."""
    job = site.folder / "job"
    job.write_bytes(pickle.dumps((site, plan, workers)))
    chance = random.Random(seed)
    length = undisturbed(job)
    while kills:
        start_anew(site)
        while kills:
            with subprocess.Popen(command(job), cwd=ROOT) as process:
                try:
                    process.wait(chance.uniform(0.2 * length, length))
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills -= 1
                else:
                    assert process.returncode == 0
                    break
    undisturbed(job)


def undisturbed(job: Path) -> float:
    """Run the copy to its end; how many seconds it took."""
    began = time.monotonic()
    subprocess.run(command(job), cwd=ROOT, check=True)
    return time.monotonic() - began


def command(job: Path) -> list[str]:
    """What runs the copy."""
    return [sys.executable, "-m", "tests.migration.copying.run_copy", str(job)]


def start_anew(site: Workshop) -> None:
    """An empty target and an empty journal, for more kills."""
    tables = [f"DROP TABLE {named(table.name)}" for table in site.target.catalog().tables]
    site.target.execute([*tables, "DELETE FROM jiexu_copied"])
    (site.folder / "steps.jsonl").unlink()
    (site.folder / "alterations.json").unlink()


def proved(site: Workshop, plan: Plan) -> None:
    """The target is equal in rows and structure, the list of alterations complete."""
    frozen = Frozen.open(site.folder / "freeze")
    verdict = site.verify(frozen, plan)
    assert verdict.equal
    assert [one.found_rows for one in verdict.tables] == [6000, 3000]
    assert structure(plan, frozen.catalog, site.target.catalog()) == ()
    assert len(site.listed("alterations.csv")) == 6000
    assert len(site.target.catalog().tables[0].indexes) == 3


def test_a_killed_copy_goes_on(large: Workshop) -> None:
    """Six kills at random instants, of two processes where the target takes two: all is there, and nothing twice."""
    _, plan = large.freeze()
    killed(large, plan, 2, 6, seed=1)
    proved(large, plan)


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_hundred_killed_copies_go_on(large: Workshop, workers: int) -> None:
    """A hundred kills at random instants: the result is equal and complete."""
    _, plan = large.freeze()
    killed(large, plan, workers, 100, seed=100 + workers)
    proved(large, plan)
