"""Contact letters (联系函): this office asks another one for a person's record.

The applicant is a person of this office's records database, enrolled here already; what the letter says of the office
stands in its settings. A letter is approved like a delivery, and sealed by the same pass.
"""

from datetime import datetime

from archive.outgoing import Work
from flows.headings import heading
from flows.wiring import Office
from formats.errors import UsageError
from formats.messages import Applicant, Contact, ContactLetter, Payee
from formats.workdays import beijing_day


def letter(office: Office, work: Work, at: datetime) -> ContactLetter:
    """The letter of a case as it would leave now.

    Raises UsageError S401 (the office's telephone is not set), S403, S412, S415, UnreachableError S409.
    """
    person = office.records.read(work.person, ()).person
    header = heading(office, work.partner, work.case, work.message_id, work.sequence, at)
    applicant = Applicant(
        social_security_number=person.social_security_number,
        name=person.name,
        document_type=person.document_type,
        document_number=person.document_number,
        household_place=person.household_place,
        posted=work.posted_person or "0",
    )
    return ContactLetter(
        header=header,
        kinds=work.kinds,
        approvals=work.approvals,
        dated=beijing_day(at).isoformat(),
        applicant=applicant,
        contact=contact(office),
        payee=payee(office),
        old_office=office.directory.partner(work.partner).name,
    )


def contact(office: Office) -> Contact:
    """Where this office can be reached. Raises UsageError S401 where its telephone is not set."""
    own = office.settings.contact
    if not own.phone:
        raise UsageError("S401", "contact.phone is not set: a contact letter needs it")
    return Contact(office.settings.name, own.phone, own.address, own.postcode)


def payee(office: Office) -> Payee | None:
    """Where funds are to be paid, None where the settings do not say it wholly."""
    own = office.settings.payee
    values = (own.account_name, own.bank, own.bank_number, own.account)
    return Payee(*values) if all(values) else None
