"""Approving a stage of cases (art. 7), with the person's own signature or entered for the person.

What is signed is the statement of `formats.approval` over the document as it would leave now. The person signs here,
with a key from a file, or elsewhere: `gpg --detach-sign` of the statement's bytes. The time of the approval is the time
of the signature. Each signature is held against the certificate `staff/<staff id>.asc` before it is entered.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

from archive import cases
from archive.approving import PersonSignature
from archive.cases import CaseRow
from archive.outgoing import Work
from archive.tables import OUT
from flows import letters, roster, sealing, staff
from flows.wiring import Office
from formats import approval, xml
from formats.approval import Subject
from formats.errors import IntegrityError, RefusedError, UsageError
from formats.messages import ContactLetter, Delivery
from transfer import detached, framing
from transfer.keys import OfficeKey, PublicKey

# In the place of the message id, which is reserved when the case is sealed and is no part of what is signed.
_NO_MESSAGE = "00000000-0000-4000-8000-000000000000"


def statement(office: Office, number: str, stage: str, who: str, at: datetime) -> bytes:
    """The text that the person `who` (a staff id) signs to approve this stage of a case at this time.

    Raises UsageError S412 (unknown), S470 (no staff id), and as `sealing.draft`; IntegrityError A502.
    """
    roster.allow(office.settings.home, who, at, stage)
    return approval.statement(_subject(office, number, at), stage, staff.checked_id(who))


def enter(office: Office, numbers: Sequence[str], stage: str, who: str, at: datetime) -> None:
    """Enter an approval for the person. Raises UsageError S472 where signatures are required; as `cases.approve`."""
    if office.settings.signatures == "required":
        raise UsageError("S472", f"stage {stage}")
    roster.allow(office.settings.home, who, at, stage)
    cases.approve(office.ledger, numbers, stage, who, at, office.settings.stages)


def sign(office: Office, numbers: Sequence[str], stage: str, who: str, key: OfficeKey, at: datetime) -> None:
    """Approve with the person's own key, which has been unlocked. Raises as `take`; S408 if it may not sign now."""
    at = at.astimezone(UTC).replace(microsecond=0)
    certificate = _certificate(office, who, stage, at)
    signatures = {}
    for number in dict.fromkeys(numbers):
        subject = _subject(office, number, at)
        signature = detached.sign(approval.statement(subject, stage, who), key, at)
        signatures[number] = _verified(number, subject, stage, who, signature, certificate)
    cases.approve(office.ledger, numbers, stage, who, at, office.settings.stages, signatures)


def take(office: Office, number: str, stage: str, who: str, signature: bytes, at: datetime) -> None:
    """Approve with a signature that the person made elsewhere, armored or not.

    Raises UsageError S473 where it is not the person's over this statement, S470; and as `statement`, `cases.approve`.
    """
    try:
        signed = detached.made_at(signature)
    except RefusedError as error:
        raise UsageError("S473", f"{number}: {error.code}") from None
    roster.allow(office.settings.home, who, at, stage)  # now too: a signature can be dated back
    certificate = _certificate(office, who, stage, signed)
    subject = _subject(office, number, signed)
    given = _verified(number, subject, stage, who, signature, certificate)
    cases.approve(office.ledger, [number], stage, who, at, office.settings.stages, {number: given})


def _certificate(office: Office, who: str, stage: str, at: datetime) -> PublicKey:
    """The certificate of a person who holds the stage's role at this time.

    Raises UsageError S470, S471 (the role), S473 (there is none, or not that of the roster), S408.
    """
    roster.allow(office.settings.home, who, at, stage)
    certificate = staff.certificate(office.settings, who)
    known = roster.load(office.settings.home).get(who)
    if known and certificate.fingerprint not in {key.fingerprint for key in known.keys}:
        raise UsageError("S473", f"{staff.STAFF}/{who}.asc is not the certificate of the roster")
    return certificate


def _verified(
    number: str, subject: Subject, stage: str, who: str, signature: bytes, certificate: PublicKey
) -> PersonSignature:
    """A signature that is the person's own over the statement. Raises UsageError S473."""
    said = approval.statement(subject, stage, who)
    try:
        signed = detached.verify(said, signature, certificate)
    except RefusedError as error:
        raise UsageError("S473", f"{number}: {error.code}") from None
    binary = framing.dearmored(signature, "SIGNATURE")
    return PersonSignature(subject.content, b64encode(binary).decode("ascii"), signed.created)


def _subject(office: Office, number: str, at: datetime) -> Subject:
    """What is approved of a case: its document as it would leave, its forms made for the first approval's time."""
    row = cases.find(office.ledger, number)
    if row.direction != OUT and not row.person:
        raise UsageError("S412", f"{number} is no case of this office")
    message = _message(office, row, datetime.fromisoformat(row.approvals[0].at) if row.approvals else at)
    subject = Subject.of(message, xml.encode(message))
    if subject is None:  # what this office writes has its approvals once
        raise IntegrityError("A502", number)
    return subject


def _message(office: Office, row: CaseRow, at: datetime) -> Delivery | ContactLetter:
    work = Work(
        case=row.case,
        partner=row.partner,
        person=row.person,
        kinds=row.kinds,
        approvals=(),
        message_id=_NO_MESSAGE,
        sequence=1,
        letter=row.letter,
        corrects=row.corrects,
        reason=row.reason,
        posted_person=row.posted_person,
    )
    return sealing.draft(office, work, at) if row.direction == OUT else letters.letter(office, work, at)
