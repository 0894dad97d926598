"""Judging what a partner says of a case beside its delivery: the rules of `archive.dialogue`, asked with the ledger."""

from dataclasses import dataclass

from archive import conversation, dialogue
from archive.case import Event
from archive.dialogue import About
from archive.intake_rules import same_name
from flows.wiring import Office
from formats.messages import (
    Applicant,
    Asking,
    Clarification,
    ContactLetter,
    Delivery,
    Finding,
    Message,
    Receipt,
    Reminder,
    Return,
    Withdrawal,
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong with a message, or what it does to the case and whose case it opens."""

    findings: tuple[Finding, ...] = ()
    event: Event | None = None
    person: str = ""


def kind_of(message: Message) -> str:
    """The name of a message's kind in the ledger."""
    match message:
        case ContactLetter():
            return "contact-letter"
        case Delivery():
            return "delivery"
        case Return():
            return "return"
        case Withdrawal():
            return "withdrawal"
        case Reminder():
            return "reminder"
        case Clarification():
            return "clarification"
        case Receipt():
            return "receipt"


def judge(office: Office, message: Asking) -> Judgement:
    """The judgement on a message that is no delivery, from a proved sender. Raises ServiceError S409, S415."""
    header = message.header
    stands = conversation.standing(office.ledger, header.sender, header.case, header.answers)
    match message:
        case ContactLetter():
            gone = conversation.withdrawn(office.ledger, header.sender, header.message_id)
            ruling = dialogue.letter(stands.state, gone)
            if ruling.outcome == "accepted":
                return _applicant(office, message.applicant)
        case Return():
            about: About = "delivery" if stands.about == "delivery" and stands.digest == message.digest else "unknown"
            ruling = dialogue.sent_back(stands.state if stands.outgoing else None, about)
        case Withdrawal():
            ruling = dialogue.withdrawal(stands.state, stands.about, outgoing=stands.outgoing)
        case _:
            answer = isinstance(message, Clarification) and message.kind == "answer"
            ruling = dialogue.remark(stands.state, stands.about, answer=answer)
    return Judgement((Finding(ruling.code),) if ruling.code else (), ruling.event)


def _applicant(office: Office, applicant: Applicant) -> Judgement:
    """The person of the records database whom a letter names. L304, L303."""
    found = office.records.find(applicant.social_security_number)
    if found is None:
        place = "/contactLetter/applicant/@socialSecurityNumber"
        return Judgement((Finding("L304", place, "a person insured here", "nobody"),))
    number, name = found
    if not same_name(name, applicant.name):
        return Judgement((Finding("L303", "/contactLetter/applicant/@name", "the name held here", "another name"),))
    return Judgement(person=number)


def closed(office: Office, delivery: Delivery) -> tuple[Finding, ...]:
    """Why a delivery comes too late: it was withdrawn before it came (C412), or its case is closed here (C415)."""
    header = delivery.header
    if conversation.withdrawn(office.ledger, header.sender, header.message_id):
        return (Finding("C412"),)
    stands = conversation.standing(office.ledger, header.sender, header.case, header.message_id)
    return (Finding("C415"),) if stands.state is not None and not dialogue.open_to_delivery(stands.state) else ()
