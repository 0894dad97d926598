"""A small archive with everything in it: sealed segments, one with a changed key, an open one, registered originals.

And the rows that people and other places left: holds, one of them lifted, lookups, a backup, a partner's head.
"""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archive import cases, checkpoints, holds, journal, lookup, witnesses
from archive.audit import AuditReport, audit
from archive.backup.backing import back_up
from archive.backup.folder_place import FolderPlace
from archive.backup.sources import Source
from archive.cases import NewCase
from archive.checkpoints import Checkpoint, JournalKey
from archive.ledger import Ledger
from archive.lookup import Caps
from archive.registry import original_values, register
from archive.scopes import narrow
from archive.segments.readme import write_readme
from archive.segments.rekey import rekey
from archive.segments.store import SegmentOriginals
from archive.tables import utc_text
from tests.archive.lives import COURT, EMPLOYEES, a_life, a_request
from tests.archive.stores import OFFICE, WRAP, store_in
from tests.archive.wraps import MemoryWrap

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
NEXT = MemoryWrap(secret=b"another secret of tests' archive", older=(WRAP.secret,))
KINDS = ("delivery-sent", "signature-sent", "package-sent")
BATCH = 6


@dataclass(frozen=True)
class Place:
    """A folder with an archive and its ledger."""

    folder: Path

    @property
    def archive(self) -> Path:
        """The archive's folder."""
        return self.folder / "archive"

    @property
    def database(self) -> Path:
        """The ledger's file."""
        return self.folder / "ledger.db"

    @contextmanager
    def opened(self) -> Iterator[tuple[Ledger, SegmentOriginals]]:
        """The ledger and the store."""
        with Ledger.open(f"sqlite:///{self.database}") as ledger:
            yield ledger, store_in(self.folder, ledger, wrap=NEXT, segment_bytes=SEGMENT)

    def audited(self, at: datetime = AT + timedelta(hours=2), *, deep: bool = False) -> AuditReport:
        """Audit it."""
        with self.opened() as (ledger, store):
            return audit(ledger, store, self.archive, at=at, deep=deep, patience=0.0)

    def copy(self, folder: Path) -> "Place":
        """Another one with the same bytes."""
        shutil.copytree(self.folder, folder)
        return Place(folder)

    def files(self) -> list[str]:
        """Every file of the archive but locks, by its path in it."""
        found = (path.relative_to(self.archive).as_posix() for path in self.archive.rglob("*") if path.is_file())
        return sorted(path for path in found if not path.endswith("lock"))


SEGMENT = 12_000  # bytes; two batches fill one


def small(folder: Path, batches: int = 9) -> Place:
    """Build one: batches of six originals, each registered; the key is changed when the first segments are sealed."""
    folder.mkdir()
    chance = random.Random(7)
    with Ledger.create(f"sqlite:///{folder / 'ledger.db'}") as ledger:
        for batch in range(batches):
            wrap = WRAP if batch < batches // 2 else NEXT
            store = store_in(folder, ledger, wrap=wrap, segment_bytes=SEGMENT)
            if batch == batches // 2:
                rekey(store.context, WRAP, NEXT, "A" * 40, AT)
                write_readme(store.context, {"archive.asc": b"a public key\n"}, AT)
            keep_batch(ledger, store, batch, chance)
        key = JournalKey.generate(f"jiexu/{OFFICE}/journal")
        leave_rows(ledger)
        source = Source(ledger, folder / "archive", {}, {}, OFFICE, NEXT, store.read)
        elsewhere = folder.with_name("elsewhere")
        elsewhere.mkdir()
        back_up(source, FolderPlace(elsewhere), key, AT, named="elsewhere")
        journal.checkpoint(ledger, key, AT)
    return Place(folder)


def leave_rows(ledger: Ledger) -> None:
    """Three holds, the second lifted; lookups by a court and by an employer; heads of a partner's journal."""
    held = [f"33010001-2026-{case:06d}" for case in (900, 901, 902)]
    cases.open_cases(ledger, [NewCase(case, "44030001", "p", ("110",)) for case in held], "staff-1", AT)
    for case in held:
        holds.place(ledger, case, "objection", "staff-2", AT)
    holds.lift(ledger, 2, "staff-3", AT + timedelta(minutes=1))
    for asked in ({**COURT, "items": ("account",)}, EMPLOYEES, {}):
        lookup.look_up(ledger, a_request(**asked), lambda _, scope: narrow(a_life(), scope), Caps(), AT)
    partner = JournalKey.generate("jiexu/44030001/journal")
    for size in (3, 7):
        note = checkpoints.sign(Checkpoint(partner.name, size, "0b" * 32), partner)
        witnesses.witness(ledger, "44030001", note, partner.verifier, AT)


def keep_batch(ledger: Ledger, store: SegmentOriginals, batch: int, chance: random.Random) -> None:
    """Keep and register a batch of two cases, each a document, its signature, its package."""
    at = AT + timedelta(minutes=batch)
    items = [(KINDS[place % 3], chance.randbytes(chance.randrange(300, 1500))) for place in range(BATCH)]
    kept = store.keep(items, at)
    store.seal_due(at)
    with ledger.writing() as connection:
        values = [
            original_values(item, "out", "44030001", f"33010001-2026-{case:06d}", f"message-{case}", utc_text(at))
            for place, item in enumerate(kept)
            for case in (batch * 2 + place // 3,)
        ]
        register(connection, values, "a trial", "service", utc_text(at))
