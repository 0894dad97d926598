"""The tree of a valid document -> the message's values. The schema has fixed the order of all elements."""

from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Literal, NamedTuple, TypeVar, cast

from lxml import etree

from formats.information_form import FormPeriod, FormSums, InformationForm
from formats.messages import (
    Applicant,
    Approval,
    Awaited,
    Change,
    Clarification,
    Contact,
    ContactLetter,
    Correction,
    Delivery,
    Environment,
    Finding,
    Header,
    Message,
    Outcome,
    Payee,
    Receipt,
    Reminder,
    Return,
    Withdrawal,
)
from formats.record import (
    AccountYear,
    Benefit,
    Contribution,
    Employer,
    Enrolment,
    MonthTotal,
    OtherEntry,
    Person,
    Record,
    Subsidy,
)
from formats.xsd import ATTRIBUTES, MESSAGE_NAMESPACE, RECORD_NAMESPACE, TAGS

Row = TypeVar("Row", bound=NamedTuple)


def message_of(root: etree._Element, contributions: tuple[Contribution, ...] = ()) -> Message:
    """The message of a tree that follows the schema; `contributions` are those that were lifted out of it."""
    tag = etree.QName(root).localname
    return _delivery(root, contributions) if tag == "delivery" else _READERS[tag](root)


def _delivery(root: etree._Element, contributions: tuple[Contribution, ...]) -> Delivery:
    header, approvals, *others = root
    between = {etree.QName(element).localname: element for element in others}
    record = between["record"]
    return Delivery(
        header=_header(header),
        kinds=tuple(root.get("kinds", "").split(" ")),
        approvals=_rows(approvals, Approval, MESSAGE_NAMESPACE),
        record=_record(record, contributions),
        forms=tuple(map(_form, between.get("forms", ()))),
        correction=_correction(between["correction"]) if "correction" in between else None,
    )


def _form(element: etree._Element) -> InformationForm:
    return InformationForm(sums=_row(element[0], FormSums), periods=_rows(element, FormPeriod, MESSAGE_NAMESPACE))


def _correction(element: etree._Element) -> Correction:
    return Correction(
        message_id=element.get("messageId", ""),
        digest=element.get("digest", ""),
        reason=element.get("reason", ""),
        changes=_rows(element, Change, MESSAGE_NAMESPACE),
    )


def _receipt(root: etree._Element) -> Receipt:
    header, findings, *_ = root
    checkpoint = root.find(f"{{{MESSAGE_NAMESPACE}}}checkpoint")
    return Receipt(
        header=_header(header),
        outcome=cast("Outcome", root.get("outcome", "")),
        digest=root.get("digest", ""),
        decided=root.get("decided", ""),
        findings=_rows(findings, Finding, MESSAGE_NAMESPACE),
        checkpoint="" if checkpoint is None else checkpoint.get("note", ""),
    )


def _header(element: etree._Element) -> Header:
    return Header(
        message_id=element.get("messageId", ""),
        case=element.get("case", ""),
        sender=element.get("sender", ""),
        receiver=element.get("receiver", ""),
        sequence=int(element.get("sequence", "")),
        sent=element.get("sent", ""),
        environment=cast("Environment", element.get("environment", "")),
        answers=element.get("answers", ""),
    )


def _record(element: etree._Element, contributions: tuple[Contribution, ...]) -> Record:
    """The schema fixes the order of the groups; what a later minor version adds stands behind them."""
    registration, paid, benefits, account, other, *_ = element
    person, employers, enrolments, *_ = registration
    return Record(
        person=_row(person, Person),
        employers=_rows(employers, Employer),
        enrolments=_rows(enrolments, Enrolment),
        contributions=contributions or _rows(paid, Contribution),
        subsidies=_rows(paid, Subsidy),
        benefits=_rows(benefits, Benefit),
        months=_rows(account, MonthTotal),
        account=_rows(account, AccountYear),
        other=_rows(other, OtherEntry),
    )


def _rows(group: etree._Element, row: type[Row], namespace: str = RECORD_NAMESPACE) -> tuple[Row, ...]:
    return tuple(_row(element, row) for element in group.iterchildren(f"{{{namespace}}}{TAGS[row]}"))


def _row(element: etree._Element, row: type[Row]) -> Row:
    return row._make(map(element.get, ATTRIBUTES[row], repeat("")))


def _contact_letter(root: etree._Element) -> ContactLetter:
    header, approvals, applicant, contact, *_ = root
    payee = root.find(f"{{{MESSAGE_NAMESPACE}}}payee")
    return ContactLetter(
        header=_header(header),
        kinds=tuple(root.get("kinds", "").split(" ")),
        approvals=_rows(approvals, Approval, MESSAGE_NAMESPACE),
        dated=root.get("dated", ""),
        applicant=_row(applicant, Applicant),
        contact=_row(contact, Contact),
        payee=None if payee is None else _row(payee, Payee),
        old_office=root.get("oldOffice", ""),
    )


def _return(root: etree._Element) -> Return:
    header, findings, *_ = root
    return Return(
        header=_header(header),
        digest=root.get("digest", ""),
        decided=root.get("decided", ""),
        findings=_rows(findings, Finding, MESSAGE_NAMESPACE),
        note=root.get("note", ""),
    )


def _withdrawal(root: etree._Element) -> Withdrawal:
    return Withdrawal(header=_header(root[0]), digest=root.get("digest", ""), why=root.get("why", ""))


def _reminder(root: etree._Element) -> Reminder:
    return Reminder(
        header=_header(root[0]),
        awaited=cast("Awaited", root.get("awaited", "")),
        due=root.get("due", ""),
        count=int(root.get("count", "")),
    )


def _clarification(root: etree._Element) -> Clarification:
    return Clarification(
        header=_header(root[0]),
        kind=cast("Literal['question', 'answer']", root.get("kind", "")),
        text=root.get("text", ""),
        respond_by=root.get("respondBy", ""),
    )


_READERS: Mapping[str, Callable[[etree._Element], Message]] = {
    "receipt": _receipt,
    "contactLetter": _contact_letter,
    "return": _return,
    "withdrawal": _withdrawal,
    "reminder": _reminder,
    "clarification": _clarification,
}
