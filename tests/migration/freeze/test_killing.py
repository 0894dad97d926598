"""kill -9 at random instants of a freeze of a real database: what is finished later is what would have been."""

import time
from pathlib import Path

import pytest

from migration.freeze import Frozen
from tests.migration.freeze import folders
from tests.migration.freeze.killing import fill, forker, instants
from tests.migration.freeze.test_freezing import NAMES


def kill(url: str, workers: int, tmp_path: Path, kills: int) -> None:
    """Kill so many freezes, and compare every one that gets to its end with one that nobody disturbed."""
    fill(url)
    with forker() as freezing:
        assert freezing.freeze(url, tmp_path / "warm", workers) == "done"
        began = time.monotonic()
        assert freezing.freeze(url, tmp_path / "whole", workers) == "done"
        times = instants(time.monotonic() - began)
        whole, finished, killed = folders.chunks(tmp_path / "whole"), 0, 0
        while killed < kills:
            folder = tmp_path / f"freeze-{finished}"
            killed += freezing.until_done(url, folder, workers, times, min(5, kills - killed))
            assert folders.chunks(folder) == whole
            assert folders.names(folder) == NAMES
            Frozen.open(folder).check()
            finished += 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_freeze_of_sqlite_ends_as_an_undisturbed_one(workers: int, tmp_path: Path) -> None:
    """After kills at random instants the chunks and the manifest are the same bytes, and nothing else is left."""
    kill(f"sqlite:///{tmp_path / 'source.db'}", workers, tmp_path, 3)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_freeze_of_postgresql_ends_as_an_undisturbed_one(
    workers: int, postgresql_url: str, tmp_path: Path
) -> None:
    """So they are when the source is a server, also with processes that share its snapshot."""
    kill(postgresql_url, workers, tmp_path, 3)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_thirty_kills_change_nothing(engine: str, workers: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Thirty kills of each kind, more than a hundred together, end as undisturbed freezes."""
    url = f"sqlite:///{tmp_path / 'source.db'}" if engine == "sqlite" else request.getfixturevalue("postgresql_url")
    kill(url, workers, tmp_path, 30)
