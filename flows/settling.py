"""Settling: what was opened is quarantined, taken in, refused or closed, and every delivery gets its receipt.

For the messages of a batch that are to be answered, in this order:

1. the ledger enters each message and reserves the id of its receipt;
2. the packages, exactly as received, are kept as originals and flushed;
3. an accepting receipt is sealed and kept too, so that it is ready before the record is committed;
4. the records of deliveries are taken in by one transaction of the records database, which also marks the cases as
   taken in, each apart from the others; conflicts with local data found there turn a receipt into a rejecting one;
5. one transaction of the ledger closes the batch. Only then may a receipt leave.

A process killed anywhere in between leaves arrivals that the next pass settles again with the same receipt ids; a
record that was already taken in is recognised by its mark.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from archive import arrivals, closing, incoming, witnesses
from archive.closing import ReceivedReceipt
from archive.incoming import Answer, AnsweredDelivery
from archive.originals import Kept
from archive.outgoing import SealedPackage
from archive.tables import DELIVERY
from flows import answering
from flows.answering import Draft
from flows.faults import coded
from flows.opening import Addressed, Answered, Opening, Quarantined, Repeated, Waiting, arrived, open_package
from flows.reports import Failed, Judged, OpenReport, Read
from flows.steps import Steps, quiet
from flows.times import now
from flows.wiring import SERVICE, Office
from formats.errors import IntegrityError, ServiceError
from formats.messages import Finding, Outcome, Receipt


def settle(office: Office, limit: int, *, steps: Steps = quiet) -> OpenReport:
    """Open and settle up to `limit` arrived packages, a batch at a time."""
    report = OpenReport()
    while report.done < limit:
        batch = min(office.settings.work.batch, limit - report.done)
        claimed = arrivals.claim(office.ledger, office.owner, batch, now())
        if not claimed:
            break
        steps("claimed", len(claimed))
        openings: list[Opening] = []
        for arrival in claimed:
            try:
                openings.append(open_package(office, arrival, now()))
            except Exception as error:  # noqa: BLE001 - each package stands alone: its neighbours go on
                report += OpenReport(failed=(Failed.by(arrival.name, coded(error)),))
        steps("opened", len(openings))
        report += _settle_batch(office, list(_one_of_each(openings)), steps)
    return report


def _one_of_each(openings: Iterable[Opening]) -> Iterator[Opening]:
    """Of deliveries in a batch with the same message id, sequence number or case, only the first.

    The others wait for the next pass, which judges them by what became of the first.
    """
    seen: set[tuple[str, str, str | int]] = set()
    for opening in openings:
        if isinstance(opening, (Addressed, Answered)):
            entry = opening.incoming
            own: set[tuple[str, str, str | int]] = {
                (entry.partner, "message", entry.message_id),
                (entry.partner, "sequence", entry.sequence),
                (entry.partner, "case", entry.case or entry.message_id),
            }
            if isinstance(opening, Addressed) and own & seen:
                yield Waiting(opening.arrival)
                continue
            seen |= own
        yield opening


def _settle_batch(office: Office, openings: Sequence[Opening], steps: Steps) -> OpenReport:
    report = _settle_addressed(office, [item for item in openings if isinstance(item, Addressed)], steps)
    report += _close_cases(office, [item for item in openings if isinstance(item, Answered)], steps)
    for opening in openings:
        try:
            report += _settle_other(office, opening)
        except ServiceError as error:
            report += OpenReport(failed=(Failed.by(opening.arrival.name, error),))
    steps("settled", len(openings))
    return report


def _settle_other(office: Office, opening: Opening) -> OpenReport:
    match opening:
        case Quarantined(_, code):
            return _quarantine(office, opening, code)
        case Repeated(arrival, partner, message_id):
            incoming.repeat_answer(office.ledger, office.owner, arrival, partner, message_id, SERVICE, now())
            office.inbox.remove([arrival.digest])
            return OpenReport(repeated=1)
        case Waiting():
            return OpenReport(waiting=1)
        case _:
            return OpenReport()


def _quarantine(office: Office, opening: Quarantined | Answered, code: str) -> OpenReport:
    """Move a package, byte for byte, where the operator finds it; the ledger says why."""
    arrival = opening.arrival
    package = arrived(office, arrival)
    office.quarantine.write([package])
    arrivals.quarantine(office.ledger, office.owner, arrival, code, SERVICE, now())
    office.inbox.remove([arrival.digest])
    return OpenReport(quarantined=(Failed(arrival.name, code, office.quarantine.path(arrival.digest).name, 1),))


def _close_cases(office: Office, openings: Sequence[Answered], steps: Steps) -> OpenReport:
    """Close this office's own cases with the receipts that answer them; the receipts are kept as received."""
    if not openings:
        return OpenReport()
    originals = office.store.keep([("receipt-received", item.package) for item in openings], now())
    received = [
        ReceivedReceipt(item.incoming, answer.header.answers, answer.outcome, answer.findings, answer.digest, original)
        for item, original in zip(openings, originals, strict=True)
        for answer in (item.receipt,)
    ]
    codes = closing.record_receipts(office.ledger, office.owner, received, SERVICE, now())
    steps("closed", codes.count(None))
    report = OpenReport()
    closed = []
    for opening, code in zip(openings, codes, strict=True):
        if code:
            report += _quarantine(office, opening, code)
        else:
            closed.append(opening)
    office.inbox.remove(item.arrival.digest for item in closed)
    report += OpenReport(failed=_witnessed(office, closed))
    return report + OpenReport(closed=tuple(Judged(_case(item.receipt), item.receipt.findings) for item in closed))


def _witnessed(office: Office, openings: Iterable[Answered]) -> tuple[Failed, ...]:
    """Keep the heads of partners' journals that came in receipts; a head that contradicts the partner's is named."""
    heads = {(item.incoming.partner, item.receipt.checkpoint): item.arrival.name for item in openings}
    failed = []
    for (code, note), name in heads.items():
        verifier = office.directory.partner(code).journal if note else ""
        if verifier:
            try:
                witnesses.witness(office.ledger, code, note, verifier, now(), SERVICE)
            except IntegrityError as error:
                failed.append(Failed.by(name, error))
    return tuple(failed)


def _case(receipt: Receipt) -> str:
    """The case's number, or the delivery's message id where the partner could not read the case."""
    return receipt.header.case or receipt.header.answers


def _settle_addressed(office: Office, openings: Sequence[Addressed], steps: Steps) -> OpenReport:
    if not openings:
        return OpenReport()
    at = now()
    answers = incoming.prepare(office.ledger, office.owner, [item.incoming for item in openings], at)
    steps("prepared", len(answers))
    checkpoint = office.checkpoint(at)
    prepared = [(item, answer) for item, answer in zip(openings, answers, strict=True) if answer is not None]
    drafts, failed = _drafts(office, prepared, at, checkpoint)
    originals = office.store.keep([(_kept_as(item), item.opening.package) for item in drafts], at)
    steps("kept", len(originals))
    receipts = answering.make_ready(office, drafts, at)
    steps("receipts", len(receipts))
    answered, untaken = _take_in(office, list(zip(drafts, originals, receipts, strict=True)), at, checkpoint, steps)
    recorded = set(incoming.record_answered(office.ledger, office.owner, answered, SERVICE, now()))
    steps("answered", len(recorded))
    done = [item for item in answered if item.incoming.message_id in recorded]
    office.inbox.remove(item.incoming.package_digest for item in done)
    judged: dict[Outcome, list[Judged]] = {}
    for item in done:
        if item.incoming.kind == DELIVERY:
            judged.setdefault(item.outcome, []).append(Judged(item.incoming.case, item.findings))
    return OpenReport(
        accepted=tuple(judged.get("accepted", ())),
        on_hold=tuple(judged.get("on-hold", ())),
        rejected=tuple(judged.get("rejected", ())),
        read=tuple(
            Read(item.incoming.case, item.incoming.kind, item.outcome, item.findings)
            for item in done
            if item.incoming.kind != DELIVERY
        ),
        waiting=len(openings) - len(prepared),
        failed=(*failed, *untaken),
    )


def _kept_as(item: Draft) -> str:
    """What is kept of a delivery, or of something that could not be read, is one thing, what of a letter another."""
    return "package-received" if item.opening.incoming.kind == DELIVERY else "letter-received"


def _drafts(
    office: Office, prepared: Iterable[tuple[Addressed, Answer]], at: datetime, checkpoint: str
) -> tuple[list[Draft], list[Failed]]:
    drafts: list[Draft] = []
    failed: list[Failed] = []
    for opening, answer in prepared:
        try:
            drafts.append(answering.draft(office, opening, answer, at, checkpoint=checkpoint))
        except Exception as error:  # noqa: BLE001 - each case stands alone: its neighbours go on
            failed.append(_failed(opening, error))
    return drafts, failed


def _take_in(
    office: Office,
    ready: Sequence[tuple[Draft, Kept, SealedPackage]],
    at: datetime,
    checkpoint: str,
    steps: Steps,
) -> tuple[list[AnsweredDelivery], list[Failed]]:
    """Take in what the receipts accept, and answer anew what conflicts with local data."""
    accepted = [
        (item.opening.delivery, item.opening.incoming.digest)
        for item, _, _ in ready
        if item.outcome == "accepted" and item.opening.delivery is not None
    ]
    known = {
        item.opening.corrected.digest: item.opening.corrected.delivery
        for item, _, _ in ready
        if item.opening.corrected is not None
    }
    results = iter(office.records.take_in_all(accepted, at, known))
    steps("taken in", len(accepted))
    answered: list[AnsweredDelivery] = []
    failed: list[Failed] = []
    for item, original, receipt in ready:
        takes = item.outcome == "accepted" and item.opening.delivery is not None
        result = next(results) if takes else ()
        try:
            final = _final(office, item, receipt, result, at, checkpoint)
        except Exception as error:  # noqa: BLE001 - each case stands alone: its neighbours go on
            failed.append(_failed(item.opening, error))
            continue
        event = item.opening.event if final[0] == "accepted" else None
        opening = item.opening
        answered.append(AnsweredDelivery(opening.incoming, *final, original, event, opening.person, opening.posted))
    return answered, failed


def _final(
    office: Office,
    item: Draft,
    receipt: SealedPackage,
    result: tuple[Finding, ...] | ServiceError,
    at: datetime,
    checkpoint: str,
) -> tuple[Outcome, tuple[Finding, ...], SealedPackage]:
    """The answer that goes out: the one that was ready, or another where local data conflict or are to be cleared."""
    if isinstance(result, ServiceError):
        raise result
    if not result:
        return item.outcome, item.findings, receipt
    other = answering.draft(office, item.opening, item.answer, at, result, checkpoint)
    return other.outcome, other.findings, answering.make_ready(office, [other], at)[0]


def _failed(opening: Addressed, error: Exception) -> Failed:
    return Failed.by(opening.incoming.case or opening.arrival.name, coded(error))
