"""Sealing: from an approved case to a sealed package that is ready to leave, its original kept first.

Outgoing cases leave as deliveries, incoming ones that this office asks for as contact letters.

For each batch of cases, in this order:

1. the cases are claimed in the ledger, each with its message id and sequence number;
2. each record is read from the records database and checked with the receiver's own checks; what they hold back, and
   only that, is held;
3. the documents, exactly as signed, their signatures and the sealed packages are kept and flushed to disk (art. 10);
4. one transaction of the ledger says all of it. Only then may a package leave (`posting.py`).

A process killed between two of these leaves nothing that the next pass does not do again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from archive import conversation, outgoing
from archive.originals import Kept
from archive.outgoing import Direction, SealedPackage, Work
from flows import approved, egress, letters
from flows.approved import drafted_at
from flows.faults import coded
from flows.headings import heading
from flows.keeping import keep_sent
from flows.reports import Failed, Judged, SealReport
from flows.steps import Steps, quiet
from flows.times import now
from flows.wiring import SERVICE, Office
from formats import rules, validation, xml
from formats.changes import changes
from formats.errors import IntegrityError, RefusedError
from formats.information_form import InformationForm
from formats.messages import Correction, Delivery, Finding
from formats.pension.forms import forms_of
from formats.pension.parameters import parameters
from formats.record import Record
from formats.workdays import beijing_day
from transfer import envelope
from transfer.envelope import Sealed
from transfer.naming import PackageName

# Deliveries of outgoing cases, contact letters of incoming ones.
DIRECTIONS: Final[tuple[Direction, ...]] = ("out", "in")


@dataclass(frozen=True, slots=True)
class Sealing:
    """One case, sealed but not yet kept."""

    work: Work
    document: bytes
    name: str
    sealed: Sealed

    def recorded_with(self, originals: Sequence[Kept]) -> SealedPackage:
        """What the ledger is told once the originals are kept."""
        return SealedPackage(
            case=self.work.case,
            message_id=self.work.message_id,
            name=self.name,
            digest=originals[0].digest,
            package_digest=originals[-1].digest,
            size=originals[-1].size,
            originals=tuple(originals),
        )


def seal(office: Office, limit: int, cases: Collection[str] | None = None, *, steps: Steps = quiet) -> SealReport:
    """Seal up to `limit` approved cases (only these, if any are named), a batch at a time."""
    report = SealReport()
    for direction in DIRECTIONS:
        while report.done < limit:
            batch = min(office.settings.work.batch, limit - report.done)
            caps = office.settings.egress.caps if direction == "out" else None
            work = outgoing.claim(office.ledger, office.owner, batch, now(), cases, direction, caps)
            if not work:
                break
            steps("claimed", len(work))
            report += _seal_batch(office, work, direction, steps)
    return report


def _seal_batch(office: Office, work: Sequence[Work], direction: Direction, steps: Steps) -> SealReport:
    sealings: list[Sealing] = []
    held: list[Judged] = []
    failed: list[Failed] = []
    for item in work:
        try:
            outcome = seal_case(office, item, now()) if direction == "out" else seal_letter(office, item, now())
        except Exception as error:  # noqa: BLE001 - each case stands alone: its neighbours go on
            failed.append(Failed.by(item.case, coded(error)))
            continue
        if isinstance(outcome, Sealing):
            sealings.append(outcome)
        else:
            held.append(outcome)
    steps("checked", len(work))
    kind: Literal["delivery-sent", "letter-sent"] = "delivery-sent" if direction == "out" else "letter-sent"
    kept = keep_sent(office, kind, [(item.document, item.sealed) for item in sealings], now())
    steps("kept", len(kept))
    recorded = set(
        outgoing.record_sealed(
            office.ledger,
            office.owner,
            [item.recorded_with(originals) for item, originals in zip(sealings, kept, strict=True)],
            [(judged.case, judged.findings) for judged in held],
            SERVICE,
            now(),
            direction,
        )
    )
    steps("recorded", len(recorded))
    return SealReport(
        sealed=tuple(item.work.case for item in sealings if item.work.case in recorded),
        held=tuple(judged for judged in held if judged.case in recorded),
        failed=tuple(failed),
    )


def seal_case(office: Office, work: Work, at: datetime) -> Sealing | Judged:
    """Read, check, write and seal one case's record; what the receiver would refuse is judged instead.

    Raises ServiceError when a part of the service fails (S403, S409, S412, S415).
    """
    delivery = draft(office, work, at)
    findings = rules.check(delivery, beijing_day(at), posted=work.posted_person == "1")
    if rules.blocks(findings):
        return Judged(work.case, findings)
    try:
        document = xml.encode(delivery)
        xml.validate_written(document, delivery, office.document_limits)
    except RefusedError as error:
        return Judged(work.case, explained(error, delivery))
    kept_back = approved.kept_back(office, work, document, "delivery")
    return Judged(work.case, kept_back) if kept_back else _sealed(office, work, document, at)


def seal_letter(office: Office, work: Work, at: datetime) -> Sealing | Judged:
    """Write and seal the contact letter of one case; one that its schema refuses is judged instead.

    Raises ServiceError when a part of the service fails, and as `letters.letter`.
    """
    message = letters.letter(office, work, at)
    try:
        document = xml.encode(message)
        xml.validate(document, office.document_limits)
    except RefusedError as error:
        return Judged(work.case, (Finding(error.code, path=error.detail),))
    kept_back = approved.kept_back(office, work, document, "contactLetter")
    return Judged(work.case, kept_back) if kept_back else _sealed(office, work, document, at)


def _sealed(office: Office, work: Work, document: bytes, at: datetime) -> Sealing:
    partner = office.directory.partner(work.partner)
    sealed = envelope.seal(document, office.key, partner.recipient(at), at)
    egress.small_enough(office, sealed.package)
    name = PackageName(office.code, work.partner, work.sequence, work.message_id)
    return Sealing(work, document, str(name), sealed)


def draft(office: Office, work: Work, at: datetime) -> Delivery:
    """The delivery of a case as it would leave now. Raises ServiceError S409, S412, S415."""
    header = heading(office, work.partner, work.case, work.message_id, work.sequence, at, work.letter)
    record = office.records.read(work.person, work.kinds)
    delivery = Delivery(
        header, work.kinds, work.approvals, record, _forms(work, record, drafted_at(work.approvals, at))
    )
    return replace(delivery, correction=_correction(office, work, delivery)) if work.corrects else delivery


def _forms(work: Work, record: Record, at: datetime) -> tuple[InformationForm, ...]:
    """The information forms (信息表) of a delivery that answers a contact letter: nobody else waits for a fund."""
    if not work.letter:
        return ()
    posted = work.posted_person == "1"
    return forms_of(record, work.kinds, beijing_day(at), parameters(), posted=posted)


def _correction(office: Office, work: Work, delivery: Delivery) -> Correction:
    """What the delivery corrects, by the original that is kept of it. Raises IntegrityError A501, A502; S409."""
    said = conversation.said(office.ledger, work.partner, work.case)
    digest = next(item.digest for item in said if item.message_id == work.corrects)
    before = xml.decode(office.store.read(digest), office.document_limits)
    if not isinstance(before, Delivery):  # what the ledger calls a delivery is one, unless it was tampered with
        raise IntegrityError("A502", work.case)
    return Correction(work.corrects, digest, work.reason, changes(before, delivery))


def explained(error: RefusedError, delivery: Delivery) -> tuple[Finding, ...]:
    """The findings behind a refusal of our own document: the schema's, where it is the schema's."""
    if error.code == "M160":
        found = validation.explain(xml.encode(delivery))
        if found:
            return found
    return (Finding(error.code, path=error.detail),)
