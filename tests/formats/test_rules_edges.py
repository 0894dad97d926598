"""The business rules at their edges: near misses that keep a rule, and each part of a rule that has several."""

from collections.abc import Callable
from datetime import date

import pytest

from formats import rules
from formats.messages import Delivery
from formats.record import Contribution, Record
from tests import builders as a
from tests.formats.deliveries import (
    ACCOUNT,
    CONTRIBUTION,
    EMPLOYER,
    ENROLMENT,
    ON,
    PERSON,
    WOMAN,
    account,
    contributions,
    delivery,
    enrolment,
    found,
    months,
    person,
    places,
)


def test_a_foreigner_has_no_birth_in_the_number() -> None:
    """A foreign number is accepted and says nothing about birth and sex."""
    assert found(person(social_security_number="USA0E1234567", document_type="08", nationality="USA")) == set()


def test_a_sex_that_is_not_stated_disagrees_with_nothing() -> None:
    """Only man and woman are compared with the number."""
    assert found(person(sex="9")) == set()


PAYING = {"contribution_status": "1", "enrolment_status": "1"}


@pytest.mark.parametrize(
    ("changes", "attributes"),
    [
        ({**PAYING, "base": "7000.00", "ended": ""}, []),
        ({**PAYING, "base": "0.00", "ended": ""}, ["base"]),
        ({**PAYING, "base": "", "ended": "2021-12-31"}, ["base", "ended"]),
        ({"contribution_status": "3", "ended": ""}, ["ended"]),
        ({"contribution_status": "2", "base": "7000.00", "ended": ""}, ["base", "ended"]),
    ],
)
def test_base_and_end_follow_the_status(changes: dict[str, str], attributes: list[str]) -> None:
    """A paying spell has a base and no end; another has an end and no base."""
    findings = rules.check(enrolment(**changes), ON)
    assert [finding.path for finding in findings] == [f"{ENROLMENT}[1]/@{name}" for name in attributes]


def test_residents_pay_without_a_base() -> None:
    """Residents choose a level: a paying spell of theirs needs no base."""
    spell = a.an_enrolment(kind="170", **PAYING, ended="", employer_id="")
    assert found(a.a_delivery(kinds=(*a.KINDS, "170"), record=a.a_record(enrolments=(spell,)))) == set()


@pytest.mark.parametrize(("changes", "expected"), [({"division": "610100"}, set()), ({"base": "19506.01"}, {"R010"})])
def test_bands_are_those_of_the_place(changes: dict[str, str], expected: set[str]) -> None:
    """A base above the band is found; where no reference wage is known, nothing is."""
    assert found(contributions({0: {"base": "19506.01", **changes}})) - {"R015"} == expected


def test_an_adjustment_is_no_double_month() -> None:
    """A later adjustment of the base pays for a month again without counting it again, outside every band."""
    row = a.a_contribution("210", "2021-05", base=10_000, contribution_type="34", settled="2022-01")
    assert found(contributions({}, [row])) == set()


def test_a_month_that_was_not_paid_may_be_paid_later() -> None:
    """The unpaid row does not count, the late payment does."""
    unpaid = {"employer_paid": "0.00", "person_paid": "0.00", "person_paid_account": "0.00", "received": ""}
    late = a.a_contribution("210", "2021-05", contribution_type="31", settled="2021-08")
    assert found(contributions({16: unpaid})) == {"R019"}
    assert found(contributions({16: unpaid}, [late])) == set()


def refund(month: str, amount: str = "-35.00", **changes: str) -> Contribution:
    """A refund of a month of unemployment insurance."""
    row = a.a_contribution("210", month, contribution_type="20", settled="2021-12")
    names = ("employer_due", "employer_paid", "person_due", "person_paid")
    return row._replace(**dict.fromkeys(names, amount))._replace(**changes)


def test_a_refund_takes_a_double_payment_back() -> None:
    """Paid twice and refunded once counts once; paid once and refunded does not count."""
    twice = a.a_contribution("210", "2021-05")
    assert found(contributions({}, [twice])) == {"R014"}
    assert found(contributions({}, [twice, refund("2021-05")])) == set()
    assert found(contributions({}, [refund("2021-05")])) == {"R019"}


@pytest.mark.parametrize(
    ("attribute", "code"),
    [
        ("employer_paid", "R011"),
        ("person_paid", "R012"),
        ("person_paid_account", "R013"),
        ("employer_paid_account", "R013"),
    ],
)
def test_a_refund_carries_minus_amounts(attribute: str, code: str) -> None:
    """What is paid in a refund is not above zero, whatever was due."""
    rows = [a.a_contribution("210", "2021-05"), refund("2021-05", **{attribute: "0.01"})]
    assert code in found(contributions({}, rows))


def test_a_due_amount_is_not_negative() -> None:
    """Only refunds have minus amounts."""
    due = {"person_due": "-1.00", "person_paid": "-1.00", "person_paid_account": "-1.00"}
    findings = [finding for finding in rules.check(contributions({12: due}), ON) if finding.code == "R012"]
    assert [finding.path for finding in findings] == [f"{CONTRIBUTION}[13]/@personDue"]


def test_a_year_stands_once() -> None:
    """The same year of the same kind twice is found at the second."""
    year = a.an_account_year()
    findings = [finding for finding in rules.check(delivery(account=(year, year)), ON) if finding.code == "R016"]
    assert [finding.path for finding in findings] == [f"{ACCOUNT}/accountYear[2]/@year"]


@pytest.mark.parametrize(("opening", "codes"), [("6963.52", set()), ("6963.53", set()), ("6963.54", {"R017"})])
def test_a_year_opens_with_the_closing_before(opening: str, codes: set[str]) -> None:
    """The carry holds within 0.01 yuan, whatever the order of the rows; the running year has no interest yet."""
    whole = {"opening": opening, "credited": "0.00", "interest": "0.00", "closing": opening}
    parts = {f"{name}_person": value for name, value in {**whole, "opening": "6963.52", "closing": "6963.52"}.items()}
    later = a.an_account_year(year="2026", months="0", **whole, **parts)
    assert found(delivery(account=(later, a.an_account_year()))) == codes


@pytest.mark.parametrize("interest", ["243.47", "243.52", "243.57", "243.39", "243.48"])
def test_interest_by_either_method(interest: str) -> None:
    """The month-product method gives 243.52, the year method 243.44: both hold, within 0.05 yuan."""
    closing = a.money(672000 + int(interest.replace(".", "")))
    changes = {"interest": interest, "closing": closing, "interest_person": interest, "closing_person": closing}
    assert found(account(**changes)) == set()


@pytest.mark.parametrize(("year", "paid"), [("2015", "0.00"), ("2026", "0.00"), ("2020", "100.00")])
def test_interest_that_is_not_checked(year: str, paid: str) -> None:
    """Neither years without a published rate nor the running year nor years with payouts are checked."""
    closing = a.money(672000 - int(paid.replace(".", "")))
    whole = {"interest": "0.00", "paid": paid, "closing": closing}
    assert found(account(year=year, **whole, **{f"{name}_person": value for name, value in whole.items()})) == set()


def test_deemed_months_are_added() -> None:
    """The total is actual and deemed together."""
    assert found(months(deemed="60", total="72")) == set()
    assert found(months(deemed="60", total="12")) == {"R019"}


def test_a_kind_without_a_paid_month_has_no_first_and_last() -> None:
    """Only deemed months: nothing actual, no first, no last."""
    total = a.a_month_total("120", first="", last="", actual="0", deemed="24", total="24")
    message = a.a_delivery(kinds=(*a.KINDS, "120"), record=a.a_record(months=(*a.a_record().months, total)))
    assert found(message) == set()


def test_a_retired_person_keeps_the_pension() -> None:
    """Retired in pension insurance does not move; retired in medical insurance alone does."""
    assert found(enrolment(retired="1")) == {"R021"}
    assert found(enrolment(kind="310", retired="1")) == set()


@pytest.mark.parametrize("kind", ["410", "510"])
def test_kinds_that_never_move(kind: str) -> None:
    """Work injury and maternity in a delivery are found at its kinds."""
    findings = rules.check(a.a_delivery(kinds=(*a.KINDS, kind)), ON)
    assert [(finding.code, finding.path) for finding in findings] == [("R022", "/delivery/@kinds")]


@pytest.mark.parametrize(
    ("day", "household", "kinds", "codes"),
    [
        (date(2020, 5, 5), "330106", a.KINDS, set()),
        (date(2020, 5, 6), "330106", a.KINDS, {"R023"}),
        (date(2020, 5, 6), "440304", a.KINDS, set()),
        (date(2020, 5, 6), "330106", ("210", "310"), set()),
    ],
)
def test_the_age_of_a_temporary_account(day: date, household: str, kinds: tuple[str, ...], codes: set[str]) -> None:
    """From a woman's fortieth birthday on, outside her household's province, for pensions only."""
    record = Record(a.a_person(**WOMAN, household_place=household, first_work_date="2003-01-01"))
    record = Record(record.person._replace(first_enrolment_month="2003-01"))
    message = a.a_delivery(kinds=kinds, record=record)
    assert {finding.code for finding in rules.check(message, day)} == codes


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (f"{PERSON}/@sex", lambda: person(sex="3")),
        (f"{PERSON}/@documentType", lambda: person(document_type="99")),
        (f"{ENROLMENT}[1]/@enrolmentStatus", lambda: enrolment(enrolment_status="3")),
        (f"{ENROLMENT}[1]/@contributionStatus", lambda: enrolment(contribution_status="4")),
        (f"{ENROLMENT}[1]/@retired", lambda: enrolment(retired="2")),
        (
            f"{CONTRIBUTION}[37]/@contributionType",
            lambda: contributions({}, [a.a_contribution("210", contribution_type="99")]),
        ),
        (
            "/delivery/record/contributions/subsidy[1]/@fundingItem",
            lambda: delivery(subsidies=(a.a_subsidy(funding_item="2"),)),
        ),
        ("/delivery/record/benefits/benefit[1]/@status", lambda: delivery(benefits=(a.a_benefit(status="9"),))),
        ("/delivery/@kinds", lambda: a.a_delivery(kinds=(*a.KINDS, "150"))),
    ],
)
def test_codes_that_are_not_in_their_lists(path: str, message: Callable[[], Delivery]) -> None:
    """Each coded value is looked up in its list."""
    assert [(finding.code, finding.path) for finding in rules.check(message(), ON)] == [("R025", path)]


def test_an_employer_is_listed_once() -> None:
    """The same employer id twice is found at the second."""
    findings = rules.check(delivery(employers=(a.an_employer(), a.an_employer(name="杭州另一公司"))), ON)
    assert [(finding.code, finding.path) for finding in findings] == [("R027", f"{EMPLOYER}[2]/@employerId")]


def test_a_person_may_pay_without_an_employer() -> None:
    """Absent references and absent credit codes are not wrong."""
    assert found(contributions({0: {"employer_id": ""}})) == set()
    assert found(delivery(employers=(a.an_employer(credit_code=""),))) == set()


@pytest.mark.parametrize(
    ("name", "text"), [("firstWorkDate", "2026-11-23"), ("retirementDate", "2026-11-23"), ("deathDate", "2026-12-01")]
)
def test_dates_in_the_future(name: str, text: str) -> None:
    """A date after the day of the check is found at its place; the day itself is not."""
    attribute = {"firstWorkDate": "first_work_date", "retirementDate": "retirement_date", "deathDate": "death_date"}[
        name
    ]
    assert ("R029", f"{PERSON}/@{name}") in places(person(**{attribute: text}))
    assert "R029" not in found(person(**{attribute: "2026-11-22"}))


def test_the_running_month_is_not_in_the_future() -> None:
    """Months compare as months: the month of the check is fine, the next is not."""
    row = a.a_contribution("210", "2026-11", received="2026-11-22")
    assert "R029" not in found(contributions({}, [row]))
    assert "R029" in found(contributions({}, [row._replace(month="2026-12")]))


def test_rows_before_the_birth() -> None:
    """A benefit before the person's birth month is found; one in it is not."""
    assert found(delivery(benefits=(a.a_benefit(month="1985-02"),))) == {"R029"}
    assert found(delivery(benefits=(a.a_benefit(month="1985-03"),))) == set()


@pytest.mark.parametrize("name", ["阿依古丽·买买提", "䶮", "𬀩𫚖", "John Smith", "O'Neil-Müller", "李\U00031350"])
def test_names_of_real_people(name: str) -> None:
    """The middle dot, rare Hanzi, also ones newer than this Python's Unicode, and Latin names are fine."""
    assert found(person(name=name)) == set()


@pytest.mark.parametrize(
    "name", ["", " ", "12345", "A123", "周\x07明", "周\u200b明", "周\ue000", "周?", "周？", "周\ufffd"]
)
def test_names_that_no_document_has(name: str) -> None:
    """Nothing, numbers, control, format and private-use characters and lost characters are found, of employers too."""
    assert found(person(name=name)) == {"R030"}
    assert found(delivery(employers=(a.an_employer(name=name),))) == {"R030"}


def test_a_running_unemployment_benefit_moves_with_the_relation() -> None:
    """Only a pension being drawn stays: what remains of an unemployment benefit goes along (R021)."""
    assert found(delivery(benefits=(a.a_benefit(kind="210", status="1"),))) == set()
