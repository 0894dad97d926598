"""Keeping what is sent: the document as signed, its signature, and the package as it leaves, in one go (art. 10).

The package is kept too, so that the same bytes can be posted again at any time; posting reads them from the archive.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from archive.originals import Kept
from flows.wiring import Office
from transfer.envelope import Sealed


def keep_sent(
    office: Office,
    kind: Literal["delivery-sent", "receipt-sent", "letter-sent"],
    messages: Sequence[tuple[bytes, Sealed]],
    at: datetime,
) -> tuple[tuple[Kept, ...], ...]:
    """Keep messages, each the document and what it was sealed into; for each: document, signature, package as kept.

    All are on disk to stay when it returns. Raises as `archive.originals.OriginalStore.keep`.
    """
    items = [
        item
        for document, sealed in messages
        for item in ((kind, document), ("signature-sent", sealed.signature), ("package-sent", sealed.package))
    ]
    kept = office.store.keep(items, at)
    return tuple(kept[start : start + 3] for start in range(0, len(kept), 3))
