"""Backup, restore, repair and drill of an office: the archive's own, joined with its home, keys and settings."""

import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from archive.audit import AuditReport, Problem, audit
from archive.backup import backing, drill, pruning, repair, restoring
from archive.backup.backing import ROLLING, BackupReport
from archive.backup.drill import Compared, Side
from archive.backup.one_case import originals_of
from archive.backup.place import Place
from archive.backup.pruning import PruneReport
from archive.backup.repair import Damaged, RepairReport
from archive.backup.restoring import Opened
from archive.backup.sources import Source
from archive.ledger import Ledger
from archive.segments.keys import KeyWrap
from archive.segments.store import SegmentOriginals
from archive.tables import utc_text
from flows import founding, keyring, working_calendar
from flows import settings as settings_module
from flows.maintaining import audited
from flows.private import write_private
from flows.settings import Settings
from flows.steps import Steps, quiet
from flows.storage_setting import settled
from flows.times import now
from flows.wiring import SERVICE, Office
from formats.errors import UsageError

_FOLDERS = ("partners", "staff")
_KEYS = ("*.asc", "*.pem", "*.vkey", "*.until")
_NEVER = (keyring.ESCROW_SECRET,)  # and no passphrase, which has none of these names


@dataclass(frozen=True, slots=True)
class Restored:
    """A whole office that came back: where, from which snapshot, how much, and what its audit found.

    `verifier` is the public line that proved the snapshot; `own` says that it came from the backup itself, so that a
    person should compare it with one kept elsewhere.
    """

    home: str
    snapshot: str
    files: int
    bytes: int
    cases: int
    originals: int
    verifier: str
    own: bool
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Drilled:
    """A drill: what was compared, what the audit of the restored office and the comparison found, how long it took."""

    office: str
    place: str
    snapshot: str
    began: str
    ended: str
    compared: Compared
    audit: AuditReport
    problems: tuple[Problem, ...]


def home_files(settings: Settings) -> dict[str, bytes]:
    """What of a home goes into a backup: settings, partners, staff, keys; no passphrase, no secret of the escrow.

    What the settings name in the home goes too: a mapping profile, the calendar's files.
    The key for logging in at SSH servers is not locked, so it stays: a restored office gets a new one. Raises
    UsageError S417.
    """
    home = settings.home
    paths = [home / settings_module.FILE]
    named = (settings.profile_file, *working_calendar.files_of(settings))
    paths += [path for path in named if path is not None and path.resolve().is_relative_to(home.resolve())]
    for folder in _FOLDERS:
        paths += [path for path in (home / folder).glob("*") if path.is_file()]
    paths += [path for pattern in _KEYS for path in (home / "keys").glob(pattern) if path.is_file()]
    try:
        found = {path.relative_to(home).as_posix(): path.read_bytes() for path in sorted(paths)}
    except OSError as error:
        raise UsageError("S417", error.strerror or "a file of the home") from None
    return {path: data for path, data in found.items() if path not in _NEVER}


def back_up(
    office: Office,
    place: Place,
    named: str,
    at: datetime,
    *,
    budget: timedelta | None = ROLLING,
    who: str = SERVICE,
    steps: Steps = quiet,
) -> BackupReport:
    """Back an office up; `named` is the place as the journal may have it. Raises as `backing.back_up`."""
    return backing.back_up(
        _source(office), place, office.journal_key, at, named=named, budget=budget, who=who, steps=steps
    )


def prune(
    office: Office, place: Place, named: str, at: datetime, *, keep: int, who: str = SERVICE, steps: Steps = quiet
) -> PruneReport:
    """Take all but the newest `keep` snapshots away; `named` as in `back_up`. Raises as `pruning.prune`; S408."""
    verifier = office.journal_key.verifier
    return pruning.prune(_source(office), place, verifier, at, keep=keep, named=named, who=who, steps=steps)


def restore_office(
    place: Place, opened: Opened, wrap: KeyWrap, home: Path, at: datetime, *, ledger: str = "", steps: Steps = quiet
) -> Restored:
    """Bring a whole office back into an empty home, and audit it there.

    `ledger` is the URL of an empty database, empty for a file in the home. Raises UsageError S401, S414, IntegrityError
    A509, A512, UnreachableError; what the audit finds is in the answer.
    """
    found = opened.snapshot
    with restoring.staging(home, found.id) as stage:
        restoring.fetch_files(place, found, stage, steps)
        url = _furnish(stage, restoring.read_home(place, found, wrap), ledger)
        with restoring.fetched_dump(place, found, wrap, stage) as dumped:
            restoring.fill_ledger(url, found, dumped, at, SERVICE)
        restoring.move_in(stage, home)
    with Ledger.open(settings_module.load(home).ledger_url) as own:
        report = audit(own, _store(home / "archive", own, found.office, wrap), home / "archive", at=at)
    return Restored(
        home=str(home),
        snapshot=found.id,
        files=len(found.files),
        bytes=found.bytes,
        cases=report.cases,
        originals=report.originals,
        verifier=opened.verifier,
        own=opened.own,
        problems=report.problems,
    )


def restore_case(place: Place, opened: Opened, wrap: KeyWrap, case: str, folder: Path) -> tuple[Path, ...]:
    """Write the originals of one case into a folder, each as `<kind>-<digest>`; no home is needed.

    Raises UsageError S412, S417, IntegrityError A502, A509, A512, UnreachableError.
    """
    written = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError("S417", f"{folder}: {error.strerror}") from None
    for item in originals_of(place, opened.snapshot, wrap, case, folder):
        path = folder / f"{item.kind}-{item.digest}"
        write_private(path, item.data)
        written.append(path)
    return tuple(written)


def repair_office(office: Office, place: Place, opened: Opened, at: datetime, who: str) -> RepairReport:
    """Put right from a backup what an audit finds damaged. Raises IntegrityError A509, A512, UnreachableError."""
    damaged = Damaged(office.ledger, office.archive, office.code, office.wrap, lambda: audited(office, now(), who=who))
    return repair.repair(damaged, place, opened, at, who)


def drill_office(
    office: Office,
    place: Place,
    opened: Opened,
    wrap: KeyWrap,
    named: str,
    at: datetime,
    *,
    into: Path | None = None,
    who: str = SERVICE,
    steps: Steps = quiet,
) -> Drilled:
    """Restore elsewhere, audit deep, compare everything, and enter the drill in the journal; nothing of it stays.

    `wrap` opens the backup: the office's own keys, or the escrow key to see that it still does. Raises IntegrityError
    A509, A512, UnreachableError; UsageError S417 (`into` cannot be used).
    """
    found = opened.snapshot
    if into is not None and not into.is_dir():
        raise UsageError("S417", str(into))
    with tempfile.TemporaryDirectory(prefix="jiexu-drill-", dir=into) as folder:
        home = Path(folder) / "home"
        restoring.fetch_files(place, found, home, steps)
        with restoring.fetched_dump(place, found, wrap, Path(folder)) as dumped:
            url = restoring.fresh_ledger(home)
            restoring.fill_ledger(url, found, dumped, at, who)
        with Ledger.open(url) as ledger:
            store = _store(home / "archive", ledger, found.office, wrap)
            report = audit(ledger, store, home / "archive", at=at, who=who, deep=True, verifier=opened.verifier)
            own, restored = Side(office.ledger, office.store.read), Side(ledger, store.read)
            compared = drill.compare(own, restored, found.entries, steps)
    problems = (*report.problems, *compared.problems)
    drill.record(office.ledger, found.id, compared, len(problems), utc_text(at), who)
    began, ended = utc_text(at), utc_text(now())
    return Drilled(office.code, named, found.id, began, ended, compared, report, problems)


def key_at(key: Path, passphrase_file: Path) -> keyring.ArchiveWrap:
    """One secret key in a file, archive or escrow, with its passphrase in another. Raises UsageError S408."""
    try:
        armored = key.read_text(encoding="ascii")
        passphrase = passphrase_file.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError):
        raise UsageError("S408", str(key)) from None
    return keyring.ArchiveWrap.with_key(armored, passphrase)


def _source(office: Office) -> Source:
    return Source(
        ledger=office.ledger,
        archive=office.archive,
        spool={name: office.settings.stored(name) for name in ("inbox", "quarantine")},
        home=home_files(office.settings),
        office=office.code,
        wrap=office.wrap,
        read=office.store.read,
    )


def _furnish(stage: Path, files: dict[str, bytes], ledger: str) -> str:
    """Put a staged home in order: its small files, its folders, a ledger's URL in its settings; gives that URL."""
    text = files[settings_module.FILE].decode()
    restoring.put_home(
        stage, {**files, settings_module.FILE: settled(text, ledger=ledger, folder="", archive="").encode()}
    )
    for folder in founding.FOLDERS:
        (stage / folder).mkdir(mode=0o700, exist_ok=True)
    founding.login_key(stage)
    url = settings_module.load(stage).ledger_url
    if ledger and url != ledger:
        raise UsageError("S401", "JIEXU_LEDGER_URL names another ledger")
    return url if url != f"sqlite:///{stage / 'ledger.db'}" else restoring.fresh_ledger(stage)


def _store(archive: Path, ledger: Ledger, office: str, wrap: KeyWrap) -> SegmentOriginals:
    return SegmentOriginals(archive, ledger, office, wrap)
