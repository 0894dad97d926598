"""What every test here needs: an office, and places for databases."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows.wiring import Office
from tests.flows.homes_of_migration import office_in
from tests.migration.acceptance.places import Places


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an office."""
    return office_in(tmp_path_factory.mktemp("office"))


@pytest.fixture
def office(home: Path) -> Iterator[Office]:
    """That office."""
    with Office.at(home) as opened:
        yield opened


@pytest.fixture
def places(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Places]:
    """Places for databases and migrations."""
    with ExitStack() as stack:
        yield Places(tmp_path, request, stack)
