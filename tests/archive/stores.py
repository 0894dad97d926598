"""Stores of originals in segments, for the tests of the archive and of what uses it."""

from datetime import timedelta
from pathlib import Path

from archive.ledger import Ledger
from archive.segments.keys import KeyWrap
from archive.segments.store import Policy, SegmentOriginals
from tests.archive.wraps import MemoryWrap

OFFICE = "33010001"

# The same in every process of a test, so that they read each other's segments.
WRAP = MemoryWrap(secret=b"the secret of the tests' archive")


def store_in(
    folder: Path,
    ledger: Ledger,
    *,
    wrap: KeyWrap = WRAP,
    segment_bytes: int = 1 << 16,
    segment_age: timedelta = timedelta(hours=24),
) -> SegmentOriginals:
    """A store in `folder`/archive, whose segments are small; a second one of the same folder shows the same."""
    return SegmentOriginals(folder / "archive", ledger, OFFICE, wrap, Policy(segment_bytes, segment_age))
