"""The passes: send, receive, acknowledge. Plain functions, the same behind every engine.

A pass takes the office from the state it is in to the next and can be run at any time, by several processes, on
several machines. What cannot be done now stays for the next pass and is named in the report.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial, reduce
from operator import add

from archive import outgoing
from flows import egress, key_warnings, workers
from flows.collecting import collect
from flows.posting import post
from flows.reports import Failed, FetchReport, OpenReport, PostReport, Report, SealReport, Warned
from flows.sealing import seal
from flows.settling import settle
from flows.steps import Run, Steps, at_once, quiet
from flows.times import now
from flows.wiring import Office
from formats.errors import ServiceError


@dataclass(frozen=True, slots=True)
class SendReport(Report):
    """What a send pass did; `unsealed` says why a segment of the archive that is due could not be sealed.

    `warnings` are of keys that end soon, and of cases for which the day's caps leave no room: nothing failed by them.
    """

    sealed: SealReport = SealReport()
    posted: PostReport = PostReport()
    unsealed: tuple[Failed, ...] = ()
    warnings: tuple[Warned, ...] = ()

    @property
    def failed(self) -> tuple[Failed, ...]:
        """Everything that failed."""
        return self.sealed.failed + self.posted.failed + self.unsealed


@dataclass(frozen=True, slots=True)
class ReceiveReport(Report):
    """What a receive pass did; `unsealed` and `warnings` as in `SendReport`."""

    fetched: FetchReport = FetchReport()
    opened: OpenReport = OpenReport()
    unsealed: tuple[Failed, ...] = ()
    warnings: tuple[Warned, ...] = ()

    @property
    def failed(self) -> tuple[Failed, ...]:
        """Everything that failed."""
        return self.fetched.failed + self.opened.failed + self.opened.quarantined + self.unsealed


@dataclass(frozen=True, slots=True)
class AcknowledgeReport(Report):
    """What an acknowledge pass did."""

    posted: PostReport = PostReport()

    @property
    def failed(self) -> tuple[Failed, ...]:
        """Everything that failed."""
        return self.posted.failed


def send(
    office: Office,
    cases: Collection[str] | None = None,
    *,
    workers_wanted: int = 0,
    run: Run = at_once,
    steps: Steps = quiet,
) -> SendReport:
    """Seal every approved case (or only these) and post what is sealed.

    Raises IntegrityError A508 when kept bytes are missing from the archive's open segment: nothing more is kept then.
    """
    try:
        office.store.recover(now())
        egress.declare(office, now())
        side_by_side = _processes(office, workers_wanted) > 1
        seal_some = partial(run, "seal", lambda: _seal(office, cases, workers_wanted, steps))
        sealed = seal_some() if side_by_side else _until_done(seal_some, SealReport())
        posted = _post_all(office, "message", run, steps)
        unsealed = run("archive", lambda: _seal_segments(office))
    finally:
        outgoing.release(office.ledger, office.owner)
    warnings = (*egress.kept_back(office, now()), *key_warnings.warnings(office, now()))
    return SendReport(sealed, posted, unsealed, warnings)


def receive(office: Office, *, workers_wanted: int = 0, run: Run = at_once, steps: Steps = quiet) -> ReceiveReport:
    """Collect what lies in the mailbox, then open and settle everything that has arrived.

    A mailbox that cannot be reached is named in the report; what arrived earlier is settled all the same. Raises
    IntegrityError A508 as `send`.
    """
    try:
        office.store.recover(now())
        try:
            fetched = run("collect", lambda: collect(office, steps=steps))
        except ServiceError as error:
            fetched = FetchReport(failed=(Failed.by("mailbox", error),))
        side_by_side = _processes(office, workers_wanted) > 1
        settle_some = partial(run, "settle", lambda: _settle(office, workers_wanted, steps))
        opened = settle_some() if side_by_side else _until_done(settle_some, OpenReport())
        unsealed = run("archive", lambda: _seal_segments(office))
    finally:
        outgoing.release(office.ledger, office.owner)
    return ReceiveReport(fetched, opened, unsealed, key_warnings.warnings(office, now()))


def acknowledge(office: Office, *, run: Run = at_once, steps: Steps = quiet) -> AcknowledgeReport:
    """Post every receipt that is ready."""
    try:
        return AcknowledgeReport(_post_all(office, "receipt", run, steps))
    finally:
        outgoing.release(office.ledger, office.owner)


def _seal_segments(office: Office) -> tuple[Failed, ...]:
    """Seal the archive's segments that are full or old; one that cannot be sealed is named and stays readable."""
    try:
        office.store.seal_due(now())
    except ServiceError as error:
        return (Failed.by("archive", error),)
    return ()


def _post_all(office: Office, kind: outgoing.PostKind, run: Run, steps: Steps) -> PostReport:
    return _until_done(
        lambda: run("post", lambda: post(office, kind, office.settings.work.task, steps=steps)), PostReport()
    )


def _until_done(act: Callable[[], workers.R], nothing: workers.R) -> workers.R:
    """All that `act` does, a part at a time until it finds nothing more.

    Workers side by side go on to the end by themselves and must not be started again: what failed was theirs, and is
    free once they are gone, so it would be tried for ever.
    """
    total = nothing
    while (part := act()).done:
        total = add(total, part)
    return total


def _seal(office: Office, cases: Collection[str] | None, wanted: int, steps: Steps) -> SealReport:
    if _processes(office, wanted) == 1:
        return seal(office, office.settings.work.task, cases, steps=steps)
    return _together(office, workers.seal_batch, cases, wanted, steps, SealReport())


def _settle(office: Office, wanted: int, steps: Steps) -> OpenReport:
    if _processes(office, wanted) == 1:
        return settle(office, office.settings.work.task, steps=steps)
    return _together(office, workers.settle_batch, None, wanted, steps, OpenReport())


def _together(
    office: Office,
    batch: Callable[[Office, Collection[str] | None], workers.R],
    cases: Collection[str] | None,
    wanted: int,
    steps: Steps,
    nothing: workers.R,
) -> workers.R:
    processes = _processes(office, wanted)
    return reduce(add, workers.side_by_side(office.settings.home, batch, processes, cases, steps), nothing)


def _processes(office: Office, wanted: int) -> int:
    return wanted or office.settings.work.workers
