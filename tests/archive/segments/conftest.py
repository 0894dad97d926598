"""Fixtures that the tests of segments share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.ledger import Ledger
from archive.segments.store import SegmentOriginals
from tests.archive.stores import store_in


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger in SQLite."""
    with Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}") as made:
        yield made


@pytest.fixture
def store(tmp_path: Path, ledger: Ledger) -> SegmentOriginals:
    """An empty store with segments of 64 KiB."""
    return store_in(tmp_path, ledger)
