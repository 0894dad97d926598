"""What several tests of the archive begin with."""

from collections.abc import Iterator

import pytest

from archive.records import RecordsDatabase
from formats.profile import canonical


@pytest.fixture
def records(database_url: str) -> Iterator[RecordsDatabase]:
    """An empty records database with the canonical profile."""
    database = RecordsDatabase(database_url, canonical())
    database.create_schema()
    yield database
    database.close()
