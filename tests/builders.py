"""Values for tests: small but complete, valid by the schema and by every business rule, each with overrides.

    a_record(person=a_person(name="·"))      one thing different, everything else valid
    a_delivery(kinds=("110",))               the same for messages
    a_working_life(contributions=1440)       a record of the size of a whole working life

The person and the rows are those of the conformance kit: made up, with check digits that hold. The year is 2021: its interest
rate is published (6.69 %), and it lies in the past for every test.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flows.conformance.people import (
    BASE,
    DIVISION,
    EMPLOYER,
    KINDS,
    PERSON,
    a_benefit,
    a_contribution,
    a_month_total,
    a_person,
    a_record,
    a_subsidy,
    an_account_year,
    an_employer,
    an_enrolment,
    an_entry,
    money,
    months,
)
from formats.messages import STAGES, Approval, Delivery, Finding, Header, Receipt
from formats.record import (
    AccountYear,
    Record,
)

__all__ = [
    "BASE",
    "CASE",
    "CHECKPOINT",
    "DIVISION",
    "EMPLOYER",
    "KINDS",
    "PERSON",
    "RECEIVER",
    "SENDER",
    "STAGES",
    "a_benefit",
    "a_contribution",
    "a_delivery",
    "a_finding",
    "a_header",
    "a_month_total",
    "a_person",
    "a_receipt",
    "a_record",
    "a_subsidy",
    "a_working_life",
    "an_account_year",
    "an_approval",
    "an_employer",
    "an_enrolment",
    "an_entry",
    "money",
    "months",
]

SENDER = "33010001"
RECEIVER = "44030001"
CASE = "33010001-2026-000123"
# The signed head of an empty journal in its form; what the signature is over is not the message's business.
CHECKPOINT = (
    "jiexu/44030001/journal\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
    "— jiexu/44030001/journal Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def a_working_life(contributions: int = 1440) -> Record:
    """A record with this many contributions (a multiple of 36): the three kinds from the same month on, to 2021-12.

    No rule refuses it; some rules warn, because wages and interest rates do not follow the times.
    """
    years = contributions // 36
    first = f"{2022 - years}-01"
    return a_record(
        person=a_person(
            birth_date="1962-03-17",
            social_security_number="330106196203171238",
            document_number="330106196203171238",
            first_work_date=f"{2021 - years}-12-15",
            first_enrolment_month=first,
        ),
        enrolments=tuple(an_enrolment(kind=kind, started=f"{first}-01") for kind in KINDS),
        contributions=tuple(a_contribution(kind, month) for kind in KINDS for month in months(first, years * 12)),
        months=tuple(a_month_total(kind, first=first, actual=str(years * 12), total=str(years * 12)) for kind in KINDS),
        account=tuple(_account_years(2022 - years, years)),
    )


def a_header(**changes: Any) -> Header:
    """The header of a delivery; `changes` are fields of Header."""
    header = Header(
        message_id="6f1c2f0e-7c1b-4c5e-9d52-0d3c1f6a8b11",
        case=CASE,
        sender=SENDER,
        receiver=RECEIVER,
        sequence=1,
        sent="2026-11-22T08:00:00Z",
        environment="test",
    )
    return replace(header, **changes)


def an_approval(stage: str = "handler", **changes: str) -> Approval:
    """One stage, each by another person."""
    person, minute = f"staff-{STAGES.index(stage) + 1}", STAGES.index(stage)
    return Approval(stage=stage, person=person, at=f"2026-11-22T07:0{minute}:00Z")._replace(**changes)


def a_delivery(**changes: Any) -> Delivery:
    """A delivery of `a_record()`; `changes` are fields of Delivery."""
    delivery = Delivery(
        header=a_header(),
        kinds=KINDS,
        approvals=tuple(an_approval(stage) for stage in STAGES),
        record=a_record(),
    )
    return replace(delivery, **changes)


def a_finding(**changes: str) -> Finding:
    """An error of a business rule."""
    return Finding(
        code="R011",
        path="/delivery/record/contributions/contribution[3]/@employerPaid",
        expected="at most employerDue",
        found="more",
        respond_by="2026-12-13",
    )._replace(**changes)


def a_receipt(**changes: Any) -> Receipt:
    """A rejecting receipt with one finding; `changes` are fields of Receipt."""
    receipt = Receipt(
        header=a_header(
            message_id="0b9d2c1a-3a58-4e57-8a0e-51b9d7c3f2aa",
            sender=RECEIVER,
            receiver=SENDER,
            sent="2026-11-23T01:30:00Z",
            answers="6f1c2f0e-7c1b-4c5e-9d52-0d3c1f6a8b11",
        ),
        outcome="rejected",
        digest="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        decided="2026-11-23T01:29:58Z",
        findings=(a_finding(),),
    )
    return replace(receipt, **changes)


def _account_years(first: int, count: int) -> Iterator[AccountYear]:
    """A chain of account years that add up: the opening earns the full year's interest, the months theirs."""
    rate, credited, by_month = 669, 12 * 560_00, 560_00 * 78
    opening = 0
    for year in range(first, first + count):
        interest = round((opening + by_month / 12) * rate / 10_000)
        closing = opening + credited + interest
        yield AccountYear(
            "110",
            str(year),
            "12",
            "0.066900",
            *(money(part) for part in (opening, credited, interest, 0, closing)),
            *(money(part) for part in (opening, credited, interest, 0, closing)),
        )
        opening = closing
