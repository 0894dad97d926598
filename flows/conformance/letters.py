"""One good message of each kind, from an old office to a new one or back; all people and offices are invented."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from flows.conformance import people
from formats.information_form import InformationForm
from formats.messages import (
    STAGES,
    Applicant,
    Approval,
    Change,
    Clarification,
    Contact,
    ContactLetter,
    Correction,
    Delivery,
    Finding,
    Header,
    Message,
    Outcome,
    Receipt,
    Reminder,
    Return,
    Withdrawal,
)
from formats.pension.filling import fill
from formats.pension.parameters import parameters
from formats.record import Record

# The old office delivers, the new one asks and receives.
OLD, NEW = "33010001", "44030001"
CASE = "33010001-2026-000123"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
DELIVERED = "6f1c2f0e-7c1b-4c5e-9d52-0d3c1f6a8b11"
# Interest of 2021 is published by then, and 2022 asks for none yet.
TRANSFERRED = date(2022, 3, 1)


def a_header(*, back: bool = False, **changes: Any) -> Header:
    """From the old office to the new one, or back; message id and sequence are the kit's (`kit.numbered`)."""
    sender, receiver = (NEW, OLD) if back else (OLD, NEW)
    header = Header(
        message_id=DELIVERED,
        case=CASE,
        sender=sender,
        receiver=receiver,
        sequence=1,
        sent="2026-11-22T08:00:00Z",
        environment="test",
        answers=DELIVERED if back else "",
    )
    return replace(header, **changes)


def approvals() -> tuple[Approval, ...]:
    """Four stages by four people (arts. 7, 26), without signatures."""
    return tuple(
        Approval(stage, f"staff-{number}", f"2026-11-22T07:0{number}:00Z") for number, stage in enumerate(STAGES, 1)
    )


def a_delivery(record: Record | None = None, **changes: Any) -> Delivery:
    """A delivery of the invented person; `changes` are fields of Delivery."""
    delivery = Delivery(a_header(), people.KINDS, approvals(), record or people.a_record())
    return replace(delivery, **changes)


def a_form(record: Record | None = None, *, at: date = TRANSFERRED, temporary: bool = False) -> InformationForm:
    """Information forms one and two of a record's pension (the invented person's), filled in on the day `at`."""
    form = fill(record or people.a_record(), "110", at, parameters(), temporary=temporary)
    if form is None:  # pragma: no cover - the record has twelve counted months
        raise ValueError("a record without a counted month")
    return form


def a_contact_letter() -> ContactLetter:
    """The new office asks for the record (联系函)."""
    person = people.a_person()
    return ContactLetter(
        header=a_header(back=True, answers=""),
        kinds=people.KINDS,
        approvals=approvals(),
        dated="2026-11-22",
        applicant=Applicant(
            person.social_security_number, person.name, person.document_type, person.document_number, people.DIVISION
        ),
        contact=Contact("示例新参保地经办机构", "0755-0000 0000"),
        old_office="示例原参保地经办机构",
    )


def a_receipt(*findings: Finding) -> Receipt:
    """The answer to a delivery: accepted, or rejected for these findings."""
    outcome: Outcome = "rejected" if findings else "accepted"
    return Receipt(a_header(back=True), outcome, DIGEST, "2026-11-23T01:29:58Z", tuple(findings))


def good() -> Mapping[str, Message]:
    """Each kind of message by the name of its vector. All but deliveries and letters refer to an earlier message."""
    back = a_header(back=True)
    wrong = Finding(
        "R011", "/delivery/record/contributions/contribution[3]/@employerPaid", "at most employerDue", "more"
    )
    change = Change("/delivery/record/contributions/contribution[3]/@employerPaid", "changed")
    return {
        "contact-letter": a_contact_letter(),
        "delivery": a_delivery(),
        "delivery-with-forms": a_delivery(forms=(a_form(),)),
        "correction": a_delivery(
            header=a_header(answers=DELIVERED), correction=Correction(DELIVERED, DIGEST, "R011", (change,))
        ),
        "receipt-accepted": a_receipt(),
        "receipt-rejected": a_receipt(wrong),
        "return": Return(back, DIGEST, "2026-11-23T01:29:58Z", (wrong,), "请核对"),
        "withdrawal": Withdrawal(back, DIGEST, "本人撤回申请"),
        "reminder": Reminder(back, "delivery", "2026-12-11", 1),
        "clarification": Clarification(back, "question", "请核实缴费基数", "2026-12-04"),
    }
