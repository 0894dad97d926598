"""Answering: the receipt for a delivery, sealed and flushed to the outbox before the ledger lets it leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from archive.incoming import Answer
from archive.outgoing import SealedPackage
from flows.opening import Delivered
from flows.times import utc_text
from flows.wiring import Office
from formats import rules, xml
from formats.digest import sha256
from formats.messages import Finding, Header, Outcome, Receipt
from transfer import envelope
from transfer.naming import PackageName


@dataclass(frozen=True, slots=True)
class Draft:
    """A receipt, signed and sealed, that is not yet on disk."""

    opening: Delivered
    answer: Answer
    outcome: Outcome
    findings: tuple[Finding, ...]
    document: bytes
    name: str
    package: bytes


def draft(
    office: Office, opening: Delivered, answer: Answer, at: datetime, conflicts: tuple[Finding, ...] = ()
) -> Draft:
    """The receipt that this delivery gets: accepting unless a check or a conflict with local data blocks it.

    Raises ServiceError S403, S408.
    """
    findings = (*conflicts, *opening.findings)
    outcome: Outcome = "rejected" if opening.delivery is None or rules.blocks(findings) else "accepted"
    entry = opening.incoming
    header = Header(
        message_id=answer.message_id,
        case=entry.case,
        sender=office.code,
        receiver=entry.partner,
        sequence=answer.sequence,
        sent=utc_text(at),
        environment=office.settings.environment,
        answers=entry.message_id,
    )
    document = xml.encode(Receipt(header, outcome, entry.digest, utc_text(at), findings))
    partner = office.directory.partner(entry.partner)
    package = envelope.seal(document, office.key, partner.recipient(at), at)
    name = str(PackageName(office.code, entry.partner, answer.sequence, answer.message_id))
    return Draft(opening, answer, outcome, findings, document, name, package)


def make_ready(office: Office, drafts: Sequence[Draft]) -> tuple[SealedPackage, ...]:
    """Keep the receipts' documents and flush the sealed receipts to the outbox."""
    kept = office.store.keep([("receipt-sent", item.document) for item in drafts])
    office.outbox.write(item.package for item in drafts)
    return tuple(
        SealedPackage(
            case=item.opening.incoming.case,
            message_id=item.answer.message_id,
            name=item.name,
            digest=original.digest,
            package_digest=sha256(item.package),
            size=len(item.package),
            original=original,
        )
        for item, original in zip(drafts, kept, strict=True)
    )
