"""The quarantine by hand: what lies there and why, and its packages judged again once a person has put that right.

A package that is to be judged again goes back in this order: (1) its bytes are written to the inbox and flushed,
(2) the ledger says that it waits, (3) the file in the quarantine goes. A process killed in between leaves the package
where it was, or waiting; what is left over is swept a day later. The next `receive` judges it like one that has just
arrived, so nothing that a check refuses gets in by this way.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from archive import quarantined
from archive.quarantined import QuarantinedPackage
from flows.collecting import LEFT_OVER
from flows.faults import coded
from flows.reports import Failed
from flows.steps import Steps, quiet
from flows.wiring import Office
from formats.errors import UsageError


@dataclass(frozen=True, slots=True)
class Retried:
    """Which packages wait to be judged again, by their numbers, and which could not be read."""

    retried: tuple[int, ...]
    failed: tuple[Failed, ...]


def chosen(office: Office, numbers: Collection[int], code: str = "") -> tuple[QuarantinedPackage, ...]:
    """The packages in the quarantine with these numbers, or all that are there for this reason, or all.

    Raises UsageError S485 (no such number), UnreachableError S409.
    """
    found = quarantined.listing(office.ledger)
    missing = set(numbers) - {item.number for item in found}
    if missing:
        raise UsageError("S485", f"number {min(missing)}")
    return tuple(item for item in found if (not numbers or item.number in numbers) and (not code or item.code == code))


def retry(
    office: Office, packages: Sequence[QuarantinedPackage], who: str, why: str, at: datetime, *, steps: Steps = quiet
) -> Retried:
    """Have these packages judged again by the next receive pass. Raises UnreachableError S409, S416."""
    failed: list[Failed] = []
    ready: list[QuarantinedPackage] = []
    for item in packages:
        try:
            office.inbox.write([office.quarantine.read(item.digest)])
        except Exception as error:  # noqa: BLE001 - each package stands alone: its neighbours go on
            failed.append(Failed.by(item.name, coded(error)))
            continue
        ready.append(item)
    steps("written", len(ready))
    done = quarantined.retry(office.ledger, [item.number for item in ready], who, why, at)
    steps("waiting", len(done))
    still = {item.digest for item in quarantined.listing(office.ledger)}
    office.quarantine.remove({item.digest for item in ready} - still)
    office.quarantine.sweep(still, (at - LEFT_OVER).timestamp())
    return Retried(done, tuple(failed))
