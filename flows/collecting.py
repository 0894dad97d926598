"""Collecting: from the mailbox to the inbox, byte for byte, before anything is opened.

A file is written to `inbox/` under its digest and flushed, entered in the ledger as an arrival, and only then removed
from the mailbox. A process killed in between collects it again; the ledger knows it by name and digest.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

from archive import arrivals
from archive.arrivals import NewArrival
from flows.faults import coded
from flows.reports import Failed, FetchReport
from flows.steps import Steps, quiet
from flows.times import now
from flows.wiring import SERVICE, Office
from formats.digest import sha256
from transfer.mailbox import Entry, Mailbox
from transfer.naming import parse_name

# Far longer than any pass takes between writing a file and entering it in the ledger.
LEFT_OVER = timedelta(days=1)


def collect(office: Office, *, steps: Steps = quiet) -> FetchReport:
    """Fetch every package that lies in the office's mailbox. Raises UnreachableError S404, UsageError S405, S406."""
    _sweep(office)
    with office.mailbox() as mailbox:
        entries = mailbox.list()
        packages = [entry for entry in entries if parse_name(entry.name)]
        steps("listed", len(packages))
        report = FetchReport(foreign=len(entries) - len(packages))
        for batch in _batches(packages, office.settings.work.batch):
            report += _collect_batch(office, mailbox, batch, steps)
    return report


def _sweep(office: Office) -> None:
    """Remove what a process that was killed has left: files long fetched whose packages are settled."""
    office.inbox.sweep(arrivals.waiting(office.ledger), (now() - LEFT_OVER).timestamp())


def _batches(entries: Sequence[Entry], size: int) -> Iterator[list[Entry]]:
    queue = iter(entries)
    while batch := list(islice(queue, size)):
        yield batch


def _collect_batch(office: Office, mailbox: Mailbox, entries: Sequence[Entry], steps: Steps) -> FetchReport:
    fetched: list[tuple[NewArrival, bytes]] = []
    failed: list[Failed] = []
    for entry in entries:
        try:
            data = mailbox.fetch(entry.name, office.settings.limits.package_bytes)
        except Exception as error:  # noqa: BLE001 - one file that cannot be fetched does not hold up the others
            failed.append(Failed.by(entry.name, coded(error)))
            continue
        fetched.append((NewArrival(name=entry.name, digest=sha256(data), size=len(data)), data))
    office.inbox.write(data for _, data in fetched)
    steps("fetched", len(fetched))
    arrivals.record_arrivals(office.ledger, [arrival for arrival, _ in fetched], SERVICE, now())
    steps("arrived", len(fetched))
    for arrival, _ in fetched:
        mailbox.remove(arrival.name)
    steps("removed", len(fetched))
    if failed:  # what another pass has fetched meanwhile did not fail
        there = {entry.name for entry in mailbox.list()}
        failed = [item for item in failed if item.subject in there]
    return FetchReport(fetched=len(fetched), failed=tuple(failed))
