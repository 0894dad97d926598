"""The caps on what leaves: declared when they change, and named when they keep cases back (arts. 17-22)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from archive import egress
from flows.reports import Warned
from flows.wiring import SERVICE, Office
from formats.errors import UsageError
from formats.workdays import beijing_day

_REACHED = "S450"
_TOO_LARGE = "S451"


@dataclass(frozen=True, slots=True)
class Line:
    """What was used of a cap today, what is left, and how many approved cases wait; `partner` empty: of the office."""

    partner: str
    used: int
    left: int
    waiting: int


def declare(office: Office, at: datetime) -> None:
    """Have the journal say which caps hold, where others were used last. Raises UnreachableError S409."""
    settings = office.settings.egress
    caps: Mapping[str, int] = {
        "cases_per_day": settings.cases_per_day,
        "cases_per_partner_per_day": settings.cases_per_partner_per_day,
        "bytes_per_package": settings.bytes_per_package,
    }
    egress.declare(office.ledger, caps, SERVICE, at)


def kept_back(office: Office, at: datetime) -> tuple[Warned, ...]:
    """Whose approved cases wait for tomorrow; once a day the journal says so. Raises UnreachableError S409."""
    day = beijing_day(at)
    waits = egress.waiting(office.ledger, office.settings.egress.caps, day)
    if waits:
        egress.tell(office.ledger, waits, SERVICE, day, at)
    return tuple(Warned(partner, _REACHED, f"{count} approved cases wait") for partner, count in waits.items())


def small_enough(office: Office, package: bytes) -> bytes:
    """The package. Raises UsageError S451 when it is larger than may leave."""
    most = office.settings.egress.bytes_per_package
    if len(package) > most:
        raise UsageError(_TOO_LARGE, f"{len(package)} bytes, and {most} may leave")
    return package


def status(office: Office, at: datetime) -> tuple[Line, ...]:
    """What was used today: of the whole office, then of each partner that it knows. Raises UnreachableError S409."""
    caps, day = office.settings.egress.caps, beijing_day(at)
    used, waits = egress.used(office.ledger, day), egress.waiting(office.ledger, caps, day)
    left = max(caps.per_day - used.all, 0)
    lines = [Line("", used.all, left, sum(waits.values()))]
    for partner in sorted({*office.directory.partners, *used.partners}):
        count = used.partners.get(partner, 0)
        lines.append(Line(partner, count, min(left, max(caps.per_partner - count, 0)), waits.get(partner, 0)))
    return tuple(lines)
