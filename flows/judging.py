"""Judging what a partner says of a case beside its delivery: the rules of `archive.dialogue`, asked with the ledger."""

from dataclasses import dataclass

from archive import conversation, dialogue, money
from archive.case import Event
from archive.conversation import Standing
from archive.dialogue import About
from archive.intake_rules import same_name
from flows import letters
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
    posted: str = ""


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
    return Judgement(person=number, posted=applicant.posted)


def refused(office: Office, delivery: Delivery, stands: Standing) -> tuple[Finding, ...]:
    """Why a delivery is refused whatever it says.

    It was withdrawn before it came (C412), its case is closed here (C415), or a person refuses it for a reason.
    """
    header = delivery.header
    if conversation.withdrawn(office.ledger, header.sender, header.message_id):
        return (Finding("C412"),)
    if stands.state is not None and not dialogue.open_to_delivery(stands.state):
        return (Finding("C415"),)
    return (Finding(stands.reason),) if stands.reason and not stands.outgoing else ()


def standing(office: Office, delivery: Delivery) -> Standing:
    """Where the case of a delivery stands. Raises UnreachableError S409."""
    header = delivery.header
    return conversation.standing(office.ledger, header.sender, header.case, header.message_id)


def unpaid(office: Office, delivery: Delivery, stands: Standing) -> tuple[Finding, ...]:
    """C423 for every information form whose money has not come in as it says (66号: joined when both agree).

    Only where this office asked for the record and said where the money goes.
    """
    if not stands.letter or stands.outgoing or letters.payee(office) is None:
        return ()
    paid = money.sums(money.received(office.ledger, delivery.header.sender, delivery.header.case))
    return tuple(
        Finding("C423", f"/delivery/forms/form[{number}]/sums/@total", "the money that came in", found)
        for number, form in enumerate(delivery.forms, start=1)
        if (found := _unmatched(form.sums.total, paid.get(form.sums.kind, 0)))
    )


def _unmatched(total: str, paid: int) -> str:
    """What was found instead of the money that a form says; empty where both agree."""
    if paid == int(total.replace(".", "")):
        return ""
    return "another amount" if paid else "nothing yet"
