"""Kept originals that are entered in the register, as the flows do it."""

from archive.originals import Kept
from archive.registry import original_values, register
from archive.segments.store import SegmentOriginals
from archive.tables import OUT, utc_text
from tests.archive.segments.looking import NOW

PARTNER = "44030001"


def register_all(store: SegmentOriginals, kept: tuple[Kept, ...], case: str) -> None:
    """Enter originals under a case, in a transaction of their own."""
    now = utc_text(NOW)
    values = [original_values(entry, OUT, PARTNER, case, f"{case}-{place}", now) for place, entry in enumerate(kept)]
    with store.context.ledger.writing() as connection:
        register(connection, values, "transfer of the insurance relation", "service", now)
