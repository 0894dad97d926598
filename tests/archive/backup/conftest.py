"""What the tests of backups start from."""

from pathlib import Path

import pytest

from archive.backup.folder_place import FolderPlace
from tests.archive.backup.offices import Office, build, place_in


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A small office, not to be changed."""
    return build(tmp_path_factory.mktemp("office") / "home")


@pytest.fixture(scope="session")
def backed_up(built: Office, tmp_path_factory: pytest.TempPathFactory) -> tuple[Office, Path]:
    """The office after a backup, and the folder of the backup; not to be changed."""
    folder = tmp_path_factory.mktemp("backed") / "home"
    office = built.copied(folder)
    place = place_in(folder.parent / "place")
    office.back_up(place)
    office.clock = office.later(hours=1)
    return office, folder.parent / "place"


@pytest.fixture
def office(built: Office, tmp_path: Path) -> Office:
    """An office to be changed at will."""
    return built.copied(tmp_path / "home")


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    """An empty place."""
    return place_in(tmp_path / "place")
