"""An archive for every test."""

from pathlib import Path

import pytest

from tests.archive.ocfl import toy


@pytest.fixture
def archive(tmp_path: Path) -> toy.Archive:
    """An empty archive whose root is made."""
    return toy.archive(tmp_path)
