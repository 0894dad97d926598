"""Answering: the receipt for a message, sealed and kept before the ledger lets it leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from archive.incoming import Answer
from archive.outgoing import SealedPackage
from flows.headings import heading
from flows.keeping import keep_sent
from flows.opening import Addressed
from flows.times import utc_text
from flows.wiring import Office
from formats import clocks, rules, xml
from formats.messages import Finding, Outcome, Receipt
from formats.workdays import beijing_day
from transfer import envelope
from transfer.envelope import Sealed
from transfer.naming import PackageName


@dataclass(frozen=True, slots=True)
class Draft:
    """A receipt, signed and sealed, that is not yet on disk."""

    opening: Addressed
    answer: Answer
    outcome: Outcome
    findings: tuple[Finding, ...]
    document: bytes
    name: str
    sealed: Sealed


def draft(
    office: Office,
    opening: Addressed,
    answer: Answer,
    at: datetime,
    conflicts: tuple[Finding, ...] = (),
    checkpoint: str = "",
) -> Draft:
    """The receipt that this message gets: accepting unless a check or a conflict with local data blocks it.

    `checkpoint` is the signed head of this office's journal, of which the partner becomes a witness.
    Raises ServiceError S403, S408.
    """
    findings = (*conflicts, *opening.findings)
    outcome = _outcome(opening, findings)
    entry = opening.incoming
    if outcome != "accepted":
        findings = _with_deadline(office, findings, entry.kinds, at)
    header = heading(office, entry.partner, entry.case, answer.message_id, answer.sequence, at, entry.message_id)
    document = xml.encode(Receipt(header, outcome, entry.digest, utc_text(at), findings, checkpoint))
    partner = office.directory.partner(entry.partner)
    sealed = envelope.seal(document, office.key, partner.recipient(at), at)
    name = str(PackageName(office.code, entry.partner, answer.sequence, answer.message_id))
    return Draft(opening, answer, outcome, findings, document, name, sealed)


def _outcome(opening: Addressed, findings: tuple[Finding, ...]) -> Outcome:
    """Refused for any blocking finding; on hold while the money is awaited."""
    if opening.message is None or rules.blocks(findings):
        return "rejected"
    return "on-hold" if any(finding.code == "C423" for finding in findings) else "accepted"


def _with_deadline(
    office: Office, findings: tuple[Finding, ...], kinds: Sequence[str], at: datetime
) -> tuple[Finding, ...]:
    """The findings; each that refuses with the day until which it is to be corrected or explained, where one is known.

    No kinds are known of a document that could not be read.
    """
    found = clocks.due(kinds, "return", beijing_day(at), office.calendar, office.clocks)
    if found is None:
        return findings
    day = found.day.isoformat()
    return tuple(item._replace(respond_by=day) if rules.blocks([item]) else item for item in findings)


def make_ready(office: Office, drafts: Sequence[Draft], at: datetime) -> tuple[SealedPackage, ...]:
    """Keep the receipts: documents, signatures and packages. Then they may leave."""
    kept = keep_sent(office, "receipt-sent", [(item.document, item.sealed) for item in drafts], at)
    return tuple(
        SealedPackage(
            case=item.opening.incoming.case,
            message_id=item.answer.message_id,
            name=item.name,
            digest=originals[0].digest,
            package_digest=originals[-1].digest,
            size=originals[-1].size,
            originals=originals,
        )
        for item, originals in zip(drafts, kept, strict=True)
    )
