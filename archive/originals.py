"""Originals: the exact bytes of what was sent and received, kept for good (art. 10).

`OriginalStore` is what the rest of the service knows of it; `archive.segments.store` keeps them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Kept:
    """One original that is kept: SHA-256, size in bytes, and what it is.

    `kind`: `delivery-sent`, `receipt-sent`, `letter-sent` (documents as signed; a letter is every other message),
    `signature-sent` (the detached signature over one), `package-sent` (as it left), `package-received`,
    `letter-received`, `receipt-received` (packages as they came).
    """

    digest: str
    size: int
    kind: str


class OriginalStore(Protocol):
    """Where originals are kept. Nothing in it is ever changed, and nothing is removed but by lawful destruction.

    Several processes may use one store at once, and keep the same bytes at the same time.
    """

    def keep(self, items: Sequence[tuple[str, bytes]], at: datetime) -> tuple[Kept, ...]:
        """Keep these (kind, bytes), in this order; all are on disk to stay when it returns.

        Bytes that are kept already are read, compared and used. Raises UnreachableError S416 (no room; what was kept
        before is as it was, and the same call may be made again), S409 (the ledger); IntegrityError A501, A502 (what is
        kept already is missing or damaged), A508 (kept bytes are missing: nothing is kept any more), A509 (the key).
        """

    def read(self, digest: str) -> bytes:
        """The bytes with this SHA-256. Raises IntegrityError A501 (missing), A502 (damaged), A509; UsageError S417."""
