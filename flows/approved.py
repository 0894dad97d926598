"""What was approved and what leaves: the same content, drafted for the same day, or the case stays here."""

from collections.abc import Sequence
from datetime import datetime

from archive.outgoing import Work
from flows.wiring import Office
from formats import approval
from formats.messages import Approval, Finding


def drafted_at(approvals: Sequence[Approval], at: datetime) -> datetime:
    """The time for which the information forms (信息表) of a case are made.

    That of its first approval once somebody has signed, so that the forms that leave are those that were signed; else
    now.
    """
    if not any(given.signature for given in approvals):
        return at
    return datetime.fromisoformat(approvals[0].at)


def kept_back(office: Office, work: Work, document: bytes, root: str) -> tuple[Finding, ...]:
    """Why a document may not leave though its case is approved: S474 it is not what was signed, S472 nobody signed."""
    path = f"/{root}/approvals"
    if office.settings.signatures == "required":
        unsigned = [given.stage for given in work.approvals if not given.signature]
        if unsigned:
            return tuple(Finding("S472", path, expected=stage, found="no signature") for stage in unsigned)
    if work.contents and {*work.contents} != {approval.content_digest(document)}:
        return (Finding("S474", path, expected="the content that was signed", found="another content"),)
    return ()
