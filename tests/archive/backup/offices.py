"""A small office for the tests of backups: originals in sealed segments, one of them rekeyed, and an open one.

Built once, copied for each test: a ledger in SQLite, the archive's folder, packages in the spool.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive import audit as auditing
from archive import journal, registry
from archive.audit import AuditReport
from archive.backup.backing import BackupReport, back_up
from archive.backup.folder_place import FolderPlace
from archive.backup.place import Place
from archive.backup.repair import Damaged
from archive.backup.restoring import Opened, open_snapshot
from archive.backup.sources import Source
from archive.checkpoints import JournalKey
from archive.ledger import Ledger
from archive.originals import Kept
from archive.segments import rekey
from archive.segments.store import SegmentOriginals
from archive.tables import OUT, utc_text
from formats.digest import sha256
from tests.archive.stores import OFFICE, WRAP, store_in
from tests.archive.stories import PARTNER

# The same in every process of a test.
KEY = JournalKey(
    f"jiexu/{OFFICE}/journal", Ed25519PrivateKey.from_private_bytes(b"the key of the tests' journal...."[:32])
)
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
HOME = {"office.toml": b'[office]\ncode = "33010001"\n', "keys/journal.vkey": f"{KEY.verifier}\n".encode()}


def original(number: int, size: int = 900) -> bytes:
    """Bytes of an original, different for each number."""
    return (b"original %d " % number * size)[:size]


@dataclass
class Office:
    """An office's data in a folder, and what is done with it."""

    folder: Path
    clock: datetime = field(default=NOW)

    @property
    def url(self) -> str:
        """The ledger."""
        return f"sqlite:///{self.folder / 'ledger.db'}"

    @property
    def archive(self) -> Path:
        """The archive's folder."""
        return self.folder / "archive"

    def later(self, **duration: float) -> datetime:
        """Let time pass."""
        self.clock += timedelta(**duration or {"seconds": 10})
        return self.clock

    @contextmanager
    def open(self) -> Iterator[tuple[Ledger, SegmentOriginals]]:
        """Its ledger and its store."""
        with Ledger.open(self.url) as ledger:
            yield ledger, store_in(self.folder, ledger, segment_bytes=12_000)

    def keep(self, numbers: Sequence[int]) -> None:
        """Keep originals and register them, each for a case of its own."""
        at = self.later()
        with self.open() as (ledger, store):
            kept = store.keep([("delivery-sent", original(number)) for number in numbers], at)
            register(ledger, kept, [f"C{number:05}" for number in numbers], at)

    def source(self, ledger: Ledger, store: SegmentOriginals) -> Source:
        """The office as a backup sees it."""
        spool = {name: self.folder / name for name in ("inbox", "quarantine")}
        return Source(ledger, self.archive, spool, HOME, OFFICE, WRAP, store.read)

    def back_up(self, place: Place, **options: Any) -> BackupReport:
        """Make a backup."""
        at = self.later()
        with self.open() as (ledger, store):
            return back_up(self.source(ledger, store), place, KEY, at, named="elsewhere", **options)

    def audit(self, **options: Any) -> AuditReport:
        """Audit all of it."""
        at = self.later()
        with self.open() as (ledger, store):
            # Nobody else is at work here: it need not wait before it looks a second time.
            return auditing.audit(ledger, store, self.archive, at=at, verifier=KEY.verifier, patience=0, **options)

    @contextmanager
    def damaged(self) -> Iterator[Damaged]:
        """The office as a repair sees it."""
        with self.open() as (ledger, _):
            yield Damaged(ledger, self.archive, OFFICE, WRAP, self.audit)

    def copied(self, folder: Path) -> "Office":
        """A copy to be changed at will."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Office(folder, self.clock)

    def files(self) -> dict[str, bytes]:
        """The archive and the spool, but for locks and what repairs put aside."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for name in ("archive", "inbox", "quarantine")
            for path in (self.folder / name).rglob("*")
            if path.is_file() and path.name not in ("lock", "seal.lock", "backup.lock") and "aside" not in path.parts
        }


def register(ledger: Ledger, kept: Sequence[Kept], cases: Sequence[str], at: datetime) -> None:
    """Enter originals in the register."""
    now = utc_text(at)
    values = [
        registry.original_values(item, OUT, PARTNER, case, f"m{case}", now)
        for item, case in zip(kept, cases, strict=True)
    ]
    with ledger.writing() as connection:
        journal.lock(connection)
        registry.register(connection, values, "why", "service", now)


def build(folder: Path, segments: int = 3, each: int = 8) -> Office:
    """A new office: sealed segments, the first rekeyed, an open one with two batches, packages in the spool."""
    office = Office(folder)
    folder.mkdir()
    Ledger.create(office.url).close()
    for number in range(segments):
        office.keep(range(number * each, (number + 1) * each))
        with office.open() as (_, store):
            store.seal_due(office.later(), all_of_them=True)
        if number == 0:
            rekeyed(office)
    office.keep(range(segments * each, segments * each + 3))
    office.keep(range(segments * each + 3, segments * each + 5))
    for place, number in (("inbox", 900), ("quarantine", 901)):
        (folder / place).mkdir()
        (folder / place / f"{sha256(original(number))}.pgp").write_bytes(original(number))
    with office.open() as (ledger, _):
        journal.checkpoint(ledger, KEY, office.later())
    return office


def filled(folder: Path, count: int) -> Office:
    """An office with so many cases, each with a document, a signature and a package, in segments of a megabyte."""
    office = Office(folder)
    folder.mkdir()
    with Ledger.create(office.url) as ledger:
        store = store_in(folder, ledger, segment_bytes=1 << 20)
        for first in range(0, count, 100):
            numbers = range(first, min(first + 100, count))
            items = [
                (kind, kind.encode() + original(number, size))
                for number in numbers
                for kind, size in (("delivery-sent", 2000), ("signature-sent", 120), ("package-sent", 900))
            ]
            kept = store.keep(items, office.later())
            register(ledger, kept, [f"C{number:05}" for number in numbers for _ in range(3)], office.later())
    return office


def rekeyed(office: Office) -> None:
    """A change of key: every segment gets its key wrapped anew."""
    with office.open() as (_, store):
        rekey.rekey(store.context, WRAP, WRAP, "AB" * 20, office.later())


def place_in(folder: Path) -> FolderPlace:
    """A new folder for backups."""
    folder.mkdir(exist_ok=True)
    return FolderPlace(folder)


def opened(place: Place, name: str = "") -> Opened:
    """A snapshot at the place, the newest when no other is named."""
    return open_snapshot(place, name, WRAP, KEY.verifier)
