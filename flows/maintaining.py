"""Maintaining the archive (art. 9): what is due of sealing, auditing and backing up."""

from datetime import datetime, timedelta

from archive.audit import AuditReport, audit
from archive.audit.report import Progress
from flows import keyring
from flows.wiring import SERVICE, Office


def audited(
    office: Office,
    at: datetime,
    *,
    budget: timedelta | None = None,
    deep: bool = False,
    who: str = SERVICE,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit an office's archive, ledger and journal; without a budget of time, all of it.

    Raises UnreachableError S409; what is damaged is in the report.
    """
    return audit(
        office.ledger,
        office.store,
        office.archive,
        at=at,
        who=who,
        budget=budget,
        deep=deep,
        days=office.settings.archive.audit_days,
        progress=progress,
        verifier=keyring.journal_verifier(office.settings.home),
    )
