"""The upkeep pass (art. 9): finish what was begun, remind, seal what is due, audit within a budget of time, back up.

Each part stands alone: one that fails is named in the report, and the others go on. What was killed in the middle, the
next pass goes on with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from archive.audit import AuditReport, Problem
from archive.backup.backing import BackupReport
from flows import backup_places, backups, key_warnings
from flows.faults import coded
from flows.maintaining import audited
from flows.reminding import remind
from flows.reports import Failed, Reminded, Report, Warned
from flows.steps import Run, Steps, at_once, quiet
from flows.times import now
from flows.wiring import Office
from formats.errors import IntegrityError, UnreachableError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UpkeepReport(Report):
    """What an upkeep pass did.

    `reminded` are the reminders that it wrote to partners, `sealed` the numbers of the segments that it sealed,
    `share` is that of the archive's bytes which audits have read lately; `snapshot` is the backup's name, empty where
    none is configured or it failed; what the backup had to leave out, because it is damaged here, is among `failed`.
    `warnings` are of keys that end soon.
    """

    reminded: tuple[Reminded, ...] = ()
    sealed: tuple[int, ...] = ()
    segments: int = 0
    share: float = 0.0
    problems: tuple[Problem, ...] = ()
    snapshot: str = ""
    failed: tuple[Failed, ...] = ()
    warnings: tuple[Warned, ...] = ()


def upkeep(office: Office, *, run: Run = at_once, steps: Steps = quiet) -> UpkeepReport:
    """One upkeep pass."""
    failed: list[Failed] = []
    _part("recover", lambda: run("recover", lambda: office.store.recover(now())), failed)
    steps("recovered", 1)
    reminded = _part("remind", lambda: run("remind", lambda: remind(office, now())), failed)
    steps("reminded", len(reminded or ()))
    sealed = _part("seal", lambda: run("seal", lambda: office.store.seal_due(now())), failed)
    steps("sealed", len(sealed or ()))
    found = _part("audit", lambda: run("audit", lambda: _audit(office)), failed)
    steps("audited", found.segments if found else 0)
    made = _part("backup", lambda: run("backup", lambda: _back_up(office, steps)), failed)
    if made:
        steps("backed up", 1)
        failed += [Failed.by("backup", IntegrityError(code, path)) for code, path in made.damaged]
    return UpkeepReport(
        reminded=reminded or (),
        sealed=sealed or (),
        segments=found.segments if found else 0,
        share=found.coverage.share if found else 0.0,
        problems=found.problems if found else (),
        snapshot=made.snapshot if made else "",
        failed=tuple(failed),
        warnings=key_warnings.warnings(office, now()),
    )


def _part(name: str, act: Callable[[], T], failed: list[Failed]) -> T | None:
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - each part stands alone: the others go on
        failed.append(Failed.by(name, coded(error)))
        return None


def _audit(office: Office) -> AuditReport:
    return audited(office, now(), budget=timedelta(minutes=office.settings.archive.audit_minutes))


def _back_up(office: Office, steps: Steps) -> BackupReport | None:
    if not office.settings.archive.backup:
        return None
    own, mailbox = office.settings.archive, office.settings.mailbox
    backup_places.refuse_inside(own.backup, office.settings.home)
    ssh_key = office.settings.path(mailbox.ssh_key)
    with backup_places.opened(own.backup, own.backup_host_key, ssh_key, mailbox.timeout) as place:
        backup_places.sweep(place)
        try:
            return backups.back_up(office, place, backup_places.named(own.backup), now(), steps=steps)
        except UnreachableError as error:
            if error.code == "S445":  # another pass is making it
                return None
            raise
