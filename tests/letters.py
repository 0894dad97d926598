"""The messages around a delivery, for tests: small but complete, valid by the schema, each with overrides."""

from dataclasses import replace
from typing import Any

from formats.information_form import FormPeriod, FormSums, InformationForm
from formats.messages import (
    Applicant,
    Change,
    Clarification,
    Contact,
    ContactLetter,
    Correction,
    Delivery,
    Header,
    Payee,
    Reminder,
    Return,
    Withdrawal,
)
from tests import builders

DELIVERED = "6f1c2f0e-7c1b-4c5e-9d52-0d3c1f6a8b11"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
ASKED = builders.RECEIVER  # the new office asks


def asking_header(**changes: Any) -> Header:
    """The header of a message from the new office, to the old one, about what the old one sent."""
    header = builders.a_header(
        message_id="3d5a7a52-0d4f-4f0e-8b3e-4a7b6c1d2e3f",
        sender=builders.RECEIVER,
        receiver=builders.SENDER,
        answers=DELIVERED,
    )
    return replace(header, **changes)


def a_contact_letter(**changes: Any) -> ContactLetter:
    """A letter for three kinds; `changes` are fields of ContactLetter."""
    person = builders.a_person()
    letter = ContactLetter(
        header=asking_header(answers=""),
        kinds=builders.KINDS,
        approvals=tuple(builders.an_approval(stage) for stage in builders.STAGES),
        dated="2026-11-22",
        applicant=Applicant(
            person.social_security_number, person.name, person.document_type, person.document_number, "330106", "42"
        ),
        contact=Contact("深圳市社会保险基金管理局", "0755-8888 0000", "彩田路5号", "518000"),
        payee=Payee("深圳市社会保障基金财政专户", "深圳某银行", "102584000002", "4000-0101-0920"),
        old_office="杭州市社会保险管理服务中心",
    )
    return replace(letter, **changes)


def an_information_form(**changes: Any) -> InformationForm:
    """A form of one year of pension; `changes` are fields of FormSums."""
    sums = FormSums(
        kind="110",
        first="2021-01",
        last="2021-12",
        months="12",
        transferred="2026-11-22",
        before_1998="0.00",
        until_last_year="6963.53",
        this_year="0.00",
        account="6963.53",
        pooled="10080.00",
        total="17043.53",
        employer="杭州某单位",
        first_work_date="2020-12-15",
        first_person_month="1994-01",
        first_contribution="2021-01",
        account_opened="2021-01",
    )
    period = FormPeriod(
        division="330106",
        division_name="西湖区",
        year="2021",
        first="2021-01",
        last="2021-12",
        months="12",
        base="7000.00",
        employer_rate="0.1400",
        account_rate="0.0800",
        person_rate="0.0800",
        credited="6720.00",
        credited_person="6720.00",
        interest="243.53",
        interest_person="243.53",
        closing="6963.53",
        closing_person="6963.53",
    )
    return InformationForm(sums._replace(**changes), (period, period._replace(year="2022", remark="补缴")))


def a_correction(**changes: Any) -> Delivery:
    """A delivery that corrects another, with a form; `changes` are fields of Delivery."""
    correction = Correction(
        DELIVERED,
        DIGEST,
        "R011",
        (
            Change("/delivery/record/contributions/contribution[3]/@employerPaid", "changed"),
            Change("/delivery/record/benefits/benefit[1]", "removed"),
        ),
    )
    header = builders.a_header(message_id="8a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", sequence=7, answers=DELIVERED)
    delivery = builders.a_delivery(header=header, forms=(an_information_form(),), correction=correction)
    return replace(delivery, **changes)


def a_return(**changes: Any) -> Return:
    """A delivery goes back; `changes` are fields of Return."""
    sent_back = Return(
        header=asking_header(),
        digest=DIGEST,
        decided="2026-11-23T01:29:58Z",
        findings=(builders.a_finding(),),
        note="金额与信息表不符\n请核对",
    )
    return replace(sent_back, **changes)


def a_withdrawal(**changes: Any) -> Withdrawal:
    """A letter is taken back; `changes` are fields of Withdrawal."""
    return replace(Withdrawal(asking_header(), DIGEST, "本人撤回申请"), **changes)


def a_reminder(**changes: Any) -> Reminder:
    """A delivery is overdue; `changes` are fields of Reminder."""
    return replace(Reminder(asking_header(), "delivery", "2026-12-11", 1), **changes)


def a_clarification(**changes: Any) -> Clarification:
    """A question; `changes` are fields of Clarification."""
    question = Clarification(asking_header(), "question", "2008年3月的缴费基数请核实", "2026-12-04")
    return replace(question, **changes)
