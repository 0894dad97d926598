"""The composition root: from settings to an office whose parts fit together.

Only this module knows which ledger, which store of originals and which mailbox an office uses.
"""

import gc
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from archive import journal
from archive.checkpoints import JournalKey
from archive.claims import Owner
from archive.ledger import Ledger
from archive.records import RecordsDatabase
from archive.segments.store import Policy, SegmentOriginals
from flows import keyring, own_keys, staff, working_calendar
from flows import settings as settings_module
from flows.keyring import ArchiveWrap
from flows.own_keys import OwnKey
from flows.settings import Settings
from flows.spool import Spool
from formats import profile as profiles
from formats.clocks import Limit
from formats.errors import UsageError
from formats.workdays import Calendar
from formats.xml import Limits
from transfer.envelope import EnvelopeLimits
from transfer.folder import FolderMailbox
from transfer.keys import OfficeKey
from transfer.mailbox import Mailbox
from transfer.partners import Directory
from transfer.roster import Roster
from transfer.sftp import SftpMailbox, parse_url

SERVICE = "service"  # who does what nobody in person does: the scheduled passes


def spare_the_collector() -> None:
    """Have the garbage collector leave alone what has been loaded so far and stays: it saves a tenth of a pass.

    A process forked from one that has done so has it done already.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


class Office:
    """One office at work in this process. Parts are opened when first used; `close` closes what was opened."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self.settings = settings
        self.owner = Owner.this_process()
        self._people: dict[str, Roster | None] = {}

    @classmethod
    def at(cls, home: Path) -> Self:
        """The office of this home. Raises UsageError S401, S402."""
        return cls(settings_module.load(home))

    @property
    def code(self) -> str:
        """The office's agency code."""
        return self.settings.code

    @cached_property
    def ledger(self) -> Ledger:
        """The office's ledger. Raises UsageError S402, S410; UnreachableError S409."""
        return Ledger.open(self.settings.ledger_url)

    @cached_property
    def wrap(self) -> ArchiveWrap:
        """What wraps the archive's keys for the archive key and the escrow key, and opens them."""
        return ArchiveWrap.of(self.settings)

    @cached_property
    def store(self) -> SegmentOriginals:
        """Where originals are kept."""
        own = self.settings.archive
        policy = Policy(own.segment_bytes, timedelta(hours=own.segment_hours))
        return SegmentOriginals(self.archive, self.ledger, self.code, self.wrap, policy, SERVICE)

    @property
    def archive(self) -> Path:
        """The archive's folder."""
        return self.settings.stored("archive")

    @property
    def journal_key(self) -> JournalKey:
        """The key that signs the journal's heads. Raises UsageError S408."""
        return keyring.journal_key(self.settings)

    def checkpoint(self, at: datetime) -> str:
        """The journal's head as it is now, signed and remembered."""
        return journal.checkpoint(self.ledger, self.journal_key, at)

    @property
    def inbox(self) -> Spool:
        """Packages that have been fetched and wait to be settled."""
        return Spool(self.settings.stored("inbox"))

    @property
    def quarantine(self) -> Spool:
        """Packages that nobody vouches for."""
        return Spool(self.settings.stored("quarantine"))

    @cached_property
    def records(self) -> RecordsDatabase:
        """The office's business database, seen through its profile."""
        return RecordsDatabase(self.settings.records_url, self._profile())

    @cached_property
    def key(self) -> OfficeKey:
        """The office's own key, with which it signs, unlocked once. Raises UsageError S408."""
        return own_keys.present(self.settings)

    @cached_property
    def own_keys(self) -> tuple[OwnKey, ...]:
        """The office's own keys, as they were when first asked for. Raises UsageError S408."""
        return own_keys.listed(self.settings.home)

    def opening_keys(self, at: datetime) -> tuple[OfficeKey, ...]:
        """The keys that open what arrives at this time, the present one first. Raises UsageError S408."""
        return tuple(own_keys.unlocked(self.settings, key) for key in self.own_keys if key.opens(at))

    @cached_property
    def directory(self) -> Directory:
        """The partners, as they were when first asked for."""
        return Directory.load(self.settings.path("partners"))

    def partner_people(self, code: str) -> Roster | None:
        """The people of this partner's staff card, as they were when first asked for; None without a card on file.

        Raises UsageError S401, S417, S475.
        """
        if code not in self._people:
            card = staff.partner_card(self.settings.home, code)
            self._people[code] = card.people if card else None
        return self._people[code]

    @cached_property
    def calendar(self) -> Calendar:
        """The working days that count here. Raises UsageError S401."""
        return working_calendar.days_of(self.settings)

    @cached_property
    def clocks(self) -> tuple[Limit, ...]:
        """Within how many working days what must be done. Raises UsageError S401."""
        return working_calendar.limits_of(self.settings)

    @property
    def document_limits(self) -> Limits:
        """What a partner's document may hold."""
        limits = self.settings.limits
        return Limits(document_bytes=limits.document_bytes, rows=limits.rows)

    @property
    def envelope_limits(self) -> EnvelopeLimits:
        """What a partner's package may hold."""
        limits = self.settings.limits
        return EnvelopeLimits(package_bytes=limits.package_bytes, document_bytes=limits.document_bytes)

    def mailbox(self) -> Mailbox:
        """The mailbox from which this office collects; the caller closes it."""
        return self._open_mailbox(self.settings.mailbox.url, self.settings.mailbox.host_key)

    def partner_mailbox(self, code: str) -> Mailbox:
        """The mailbox into which packages for this partner are put; the caller closes it. Raises UsageError S403."""
        partner = self.directory.partner(code)
        return self._open_mailbox(partner.mailbox, partner.host_key)

    def _open_mailbox(self, url: str, host_key: str) -> Mailbox:
        if url.startswith("folder:"):
            return FolderMailbox(self.settings.home / url.removeprefix("folder:"))
        own = self.settings.mailbox
        return SftpMailbox(parse_url(url, host_key, self.settings.path(own.ssh_key), own.timeout))

    def _profile(self) -> profiles.Profile:
        name = self.settings.profile or "canonical"
        file = self.settings.profile_file
        if file is None:
            return profiles.shipped(name)
        try:
            return profiles.parse(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError("S417", f"{name}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UsageError("S415", f"{name} is not UTF-8") from None

    def close(self) -> None:
        """Close the databases that were opened."""
        for name in ("ledger", "records"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
