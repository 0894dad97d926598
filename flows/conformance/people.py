"""The invented person of the conformance kit: a small whole record, each part with overrides.

The person, the employer and all figures are made up; the numbers' check digits hold. The year is 2021: its interest
rate is published (6.69 %), and it is past for everybody who runs the kit.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

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

DIVISION = "330106"
EMPLOYER = "3301060001"
PERSON = "330106198503171212"
# Pension, unemployment, medical: the kinds that follow the job.
KINDS = ("110", "210", "310")
BASE = 7000_00  # fen a month
# A woman past forty, with a number that holds.
WOMAN = {"social_security_number": "330106198005062320", "sex": "2", "birth_date": "1980-05-06"}

# kind -> employer's rate, person's rate in 1/10000; of the person's part, the share that goes to the account
_RATES = {"110": (1600, 800, 1), "210": (50, 50, 0), "310": (950, 200, 1)}


def a_person(**changes: str) -> Person:
    """An insured person: a man born on 1985-03-17."""
    return Person(
        social_security_number=PERSON,
        name="周明远",
        sex="1",
        ethnic_group="01",
        birth_date="1985-03-17",
        first_work_date="2020-12-15",
        document_type="01",
        document_number=PERSON,
        nationality="CHN",
        household_place=DIVISION,
        personal_status="21",
        employment_status="01",
        first_enrolment_month="2021-01",
    )._replace(**changes)


def an_employer(**changes: str) -> Employer:
    """The employer to which the rows refer."""
    return Employer(
        employer_id=EMPLOYER,
        name="杭州示例制造有限公司",
        credit_code="91330106MA2CXQ1129",
        employer_type="10",
        economic_type="173",
        division=DIVISION,
    )._replace(**changes)


def an_enrolment(**changes: str) -> Enrolment:
    """A pension spell that ended with the year 2021."""
    return Enrolment(
        kind="110",
        division=DIVISION,
        enrolment_status="2",
        contribution_status="2",
        started="2021-01-01",
        ended="2021-12-31",
        employer_id=EMPLOYER,
    )._replace(**changes)


def a_contribution(kind: str = "110", month: str = "2021-01", base: int = BASE, **changes: str) -> Contribution:
    """One month, fully paid; `base` in fen, the amounts follow from it and the kind's rates."""
    employer_rate, person_rate, to_account = _RATES[kind]
    employer, person = money(base * employer_rate // 10_000), money(base * person_rate // 10_000)
    account = person if to_account else "0.00"
    return Contribution(
        kind=kind,
        month=month,
        settled=month,
        contribution_type="10",
        division=DIVISION,
        employer_id=EMPLOYER,
        wage=money(base),
        base=money(base),
        employer_rate=f"{employer_rate / 10_000:.4f}",
        person_rate=f"{person_rate / 10_000:.4f}",
        employer_due=employer,
        employer_due_account="0.00",
        person_due=person,
        person_due_account=account,
        employer_paid=employer,
        employer_paid_account="0.00",
        person_paid=person,
        person_paid_account=account,
        received=f"{month}-20",
    )._replace(**changes)


def a_subsidy(**changes: str) -> Subsidy:
    """A subsidy of the province (funding item 3) for medical insurance."""
    return Subsidy(
        kind="310", month="2021-03", funding_item="3", amount="120.00", division=DIVISION, received="2021-03-25"
    )._replace(**changes)


def a_benefit(**changes: str) -> Benefit:
    """A medical benefit that ended."""
    return Benefit(
        kind="310",
        item="300011",
        month="2021-06",
        amount="236.50",
        from_account="36.50",
        status="3",
        division=DIVISION,
    )._replace(**changes)


def a_month_total(kind: str = "110", **changes: str) -> MonthTotal:
    """The twelve months of 2021."""
    return MonthTotal(kind=kind, first="2021-01", last="2021-12", actual="12", deemed="0", total="12")._replace(
        **changes
    )


def an_account_year(**changes: str) -> AccountYear:
    """The pension account of 2021: 12 x 560.00 with interest by months: 560.00 x 78 x 6.69 % / 12 = 243.52."""
    return AccountYear(
        kind="110",
        year="2021",
        months="12",
        rate="0.066900",
        opening="0.00",
        credited="6720.00",
        interest="243.52",
        paid="0.00",
        closing="6963.52",
        opening_person="0.00",
        credited_person="6720.00",
        interest_person="243.52",
        paid_person="0.00",
        closing_person="6963.52",
    )._replace(**changes)


def an_entry(**changes: str) -> OtherEntry:
    """A remark in the fifth group, with a character that XML escapes."""
    entry = OtherEntry(topic="household-change", date="2021-04-01", text="户籍由农业转为非农业 & 已核对")
    return entry._replace(**changes)


def a_record(**changes: Any) -> Record:
    """One year of pension, unemployment and medical insurance at one employer; `changes` are fields of Record.

    Valid by the schema and by every business rule.
    """
    record = Record(
        person=a_person(),
        employers=(an_employer(),),
        enrolments=tuple(an_enrolment(kind=kind) for kind in KINDS),
        contributions=tuple(a_contribution(kind, month) for kind in KINDS for month in months("2021-01", 12)),
        subsidies=(a_subsidy(),),
        benefits=(a_benefit(),),
        months=tuple(a_month_total(kind) for kind in KINDS),
        account=(an_account_year(),),
        other=(an_entry(),),
    )
    return replace(record, **changes)


def money(fen: int) -> str:
    """An amount as the record carries it: `7416.25`."""
    sign, amount = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{amount // 100}.{amount % 100:02d}"


def months(first: str, count: int) -> Iterator[str]:
    """`count` months from `first` on, `YYYY-MM`."""
    start = int(first[:4]) * 12 + int(first[5:]) - 1
    return (f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(start, start + count))
