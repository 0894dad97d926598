"""The store of originals in segments; see the package."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from archive.ledger import Ledger
from archive.originals import Kept
from archive.segments import catalog, recovery, sealing, writing
from archive.segments.context import Context, Policy
from archive.segments.keys import KeyWrap
from archive.segments.layout import Layout
from archive.segments.reading import Reader
from formats.digest import sha256

__all__ = ["Policy", "SegmentOriginals"]


class SegmentOriginals:
    """Originals in segments under one folder, their rows in the ledger: an `archive.originals.OriginalStore`.

    Several processes and threads may use one archive at once, each process with a ledger of its own.
    """

    def __init__(
        self,
        root: Path,
        ledger: Ledger,
        office: str,
        wrap: KeyWrap,
        policy: Policy = Policy(),  # noqa: B008 - a frozen value
        who: str = "service",
    ) -> None:
        """Nothing is made before the first original is kept. `who` is the person of the store's journal entries."""
        self._context = Context(Layout(root, office), ledger, wrap, policy, who)
        self._reader = Reader(self._context)

    @property
    def context(self) -> Context:
        """What the other modules of this package work on."""
        return self._context

    @property
    def layout(self) -> Layout:
        """Where the archive's files lie."""
        return self._context.layout

    def keep(self, items: Sequence[tuple[str, bytes]], at: datetime) -> tuple[Kept, ...]:
        """See `OriginalStore.keep`. A batch lies in one segment; a full one takes no more and waits for `seal_due`."""
        kept = tuple(Kept(digest, len(data), kind) for digest, (kind, data) in zip(_digests(items), items, strict=True))
        originals: dict[str, tuple[str, bytes]] = {}
        for entry, (kind, data) in zip(kept, items, strict=True):
            originals.setdefault(entry.digest, (kind, data))
        for digest in self._known(list(originals)):
            self.read(digest)
            del originals[digest]
        if originals:
            for digest in writing.write(self._context, originals, at):
                self.read(digest)
        return kept

    def read(self, digest: str) -> bytes:
        """See `OriginalStore.read`."""
        return self._reader.read(digest)

    def seal_due(self, at: datetime, *, all_of_them: bool = False) -> tuple[int, ...]:
        """Seal what is full or old, or everything; returns the numbers of the segments that were sealed.

        Raises IntegrityError A502 naming an original that is not as it was kept, A506, A507, A508, A509;
        UnreachableError S416, S409. A segment that fails stays readable and waits for the next call.
        """
        sealing.close_due(self._context, at, all_of_them=all_of_them)
        return sealing.seal_all(self._context, at)

    def recover(self, at: datetime) -> None:
        """See `archive.segments.recovery.recover`; to be called before anything is kept."""
        recovery.recover(self._context, at)

    def _known(self, digests: Sequence[str]) -> set[str]:
        if not digests:
            return set()
        with self._context.ledger.reading() as connection:
            return catalog.known(connection, digests)


def _digests(items: Sequence[tuple[str, bytes]]) -> list[str]:
    """The digest of each, half of them in a second thread: hashlib lets both run."""
    half = len(items) // 2
    with ThreadPoolExecutor(1) as second:
        rest = second.submit(lambda: [sha256(data) for _, data in items[half:]])
        return [sha256(data) for _, data in items[:half]] + rest.result()
