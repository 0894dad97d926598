"""The business rules: for each a delivery that breaks it and only it, and what holds for all of them."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats import rules
from formats.codes import interest_rates, reference_wage
from formats.interest import millionths, year_interest
from formats.messages import Delivery, Finding
from formats.reasons import reasons
from formats.record import AccountYear, Contribution, Person, Record
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
    months,
    person,
)

# Rule, path of the first finding, the delivery that breaks it.
BROKEN: tuple[tuple[str, str, Callable[[], Delivery]], ...] = (
    ("R001", f"{PERSON}/@socialSecurityNumber", lambda: person(social_security_number="330106198503171213")),
    ("R002", f"{PERSON}/@birthDate", lambda: person(birth_date="1985-03-18")),
    ("R003", f"{PERSON}/@sex", lambda: person(sex="2", household_place="440300")),
    ("R004", f"{PERSON}/@firstWorkDate", lambda: person(first_work_date="1985-03-17")),
    ("R005", f"{PERSON}/@firstEnrolmentMonth", lambda: person(first_enrolment_month="2020-11")),
    ("R006", f"{PERSON}/@retirementDate", lambda: person(retirement_date="2020-12-15")),
    ("R007", f"{PERSON}/@deathDate", lambda: person(death_date="2020-12-31")),
    ("R008", f"{ENROLMENT}[1]/@base", lambda: enrolment(base="7000.00")),
    ("R010", f"{CONTRIBUTION}[1]/@base", lambda: contributions({0: {"base": "3900.00"}})),
    ("R011", f"{CONTRIBUTION}[3]/@employerPaid", lambda: contributions({2: {"employer_paid": "1120.01"}})),
    ("R012", f"{CONTRIBUTION}[3]/@personPaid", lambda: contributions({2: {"person_paid": "560.01"}})),
    ("R013", f"{CONTRIBUTION}[13]/@personPaidAccount", lambda: contributions({12: {"person_paid_account": "35.01"}})),
    ("R014", f"{CONTRIBUTION}[37]/@month", lambda: contributions({}, [a.a_contribution("210", "2021-05")])),
    (
        "R015",
        f"{CONTRIBUTION}[37]/@division",
        lambda: contributions({}, [a.a_contribution("210", "2021-05", division="610100")]),
    ),
    ("R016", f"{ACCOUNT}/accountYear[1]/@months", lambda: account(months="13")),
    ("R017", f"{ACCOUNT}/accountYear[1]/@closing", lambda: account(closing="6963.54")),
    (
        "R018",
        f"{ACCOUNT}/accountYear[1]/@creditedPerson",
        lambda: account(credited_person="6720.01", interest_person="243.51"),
    ),
    ("R019", f"{ACCOUNT}/monthTotal[1]/@actual", lambda: months(actual="11", total="11")),
    ("R020", f"{ACCOUNT}/monthTotal[1]/@first", lambda: months(first="2020-12")),
    (
        "R021",
        "/delivery/record/benefits/benefit[1]/@status",
        lambda: delivery(benefits=(a.a_benefit(kind="110", status="1"),)),
    ),
    (
        "R022",
        "/delivery/record/contributions/subsidy[1]/@kind",
        lambda: delivery(subsidies=(a.a_subsidy(kind="390"),)),
    ),
    ("R023", f"{PERSON}/@householdPlace", lambda: person(**WOMAN)),
    (
        "R024",
        f"{ACCOUNT}/accountYear[1]/@interest",
        lambda: account(interest="243.62", closing="6963.62", interest_person="243.62", closing_person="6963.62"),
    ),
    ("R025", f"{PERSON}/@ethnicGroup", lambda: person(ethnic_group="57")),
    (
        "R026",
        f"{EMPLOYER}[1]/@creditCode",
        lambda: delivery(employers=(a.an_employer(credit_code="91330106MA2CXQ1128"),)),
    ),
    ("R027", f"{CONTRIBUTION}[5]/@employerId", lambda: contributions({4: {"employer_id": "3301060009"}})),
    ("R029", f"{CONTRIBUTION}[5]/@received", lambda: contributions({4: {"received": "2026-11-23"}})),
    ("R030", f"{PERSON}/@name", lambda: person(name="周明\ue863")),
)


def test_a_valid_record_has_no_findings() -> None:
    """The builders' delivery keeps every rule."""
    assert rules.check(a.a_delivery(), ON) == ()


def test_an_empty_record_has_no_findings() -> None:
    """Rows may be absent: no rule fails on a record of a person and nothing else."""
    assert rules.check(delivery(Record(a.a_person(household_place=""))), ON) == ()


def test_rules_and_reasons_are_the_same() -> None:
    """Every R code of the table has exactly one rule with a docstring that names it, in order, and a vector here."""
    codes = [code for code in reasons() if "R" <= code < "R040"]  # from R040 on: information forms
    assert [rule.code for rule in rules.RULES] == codes == [code for code, _, _ in BROKEN]
    assert all((rule.places.__doc__ or "").startswith(rule.code) for rule in rules.RULES)


@pytest.mark.parametrize(("code", "path", "message"), BROKEN, ids=[code for code, _, _ in BROKEN])
def test_one_thing_wrong_breaks_one_rule(code: str, path: str, message: Callable[[], Delivery]) -> None:
    """One changed value is found by the one rule about it, at its place."""
    findings = rules.check(message(), ON)
    assert {finding.code for finding in findings} == {code}
    assert findings[0].path == path


@pytest.mark.parametrize(("code", "path", "message"), BROKEN, ids=[code for code, _, _ in BROKEN])
def test_only_errors_block(code: str, path: str, message: Callable[[], Delivery]) -> None:
    """A delivery is refused for an error and not for a warning."""
    assert rules.blocks(rules.check(message(), ON)) == (reasons()[code].severity == "error")


@pytest.mark.parametrize(("code", "path", "message"), BROKEN, ids=[code for code, _, _ in BROKEN])
def test_findings_hold_no_value_of_the_person(code: str, path: str, message: Callable[[], Delivery]) -> None:
    """Expected and found name kinds: no value of the record with more than three characters stands in them."""
    broken = message()
    values = {value for value in _values(broken.record) if len(value) > 3 and value not in ("base", "none")}
    for finding in rules.check(broken, ON):
        assert not any(value in f"{finding.expected} {finding.found}" for value in values)


def test_a_rule_that_breaks_everywhere_is_cut_short() -> None:
    """One wrong setting at the sender gives twenty findings a rule, the first ones."""
    findings = rules.check(contributions({row: {"employer_id": "x"} for row in range(36)}), ON)
    assert len(findings) == rules.MOST_FINDINGS
    assert findings[-1].path == f"{CONTRIBUTION}[20]/@employerId"


TEXTS = st.sampled_from(
    ["", "0", "x", "-1.00", "9999.99", "2021-05", "1900-01-01", "2999-12-31", "20", "110", "周", "\ue000"]
)


@settings(max_examples=60)
@given(st.data())
def test_nothing_makes_the_rules_fail(data: st.DataObject) -> None:
    """Whatever text stands in a row, the rules answer with findings and do not raise."""
    record = a.a_record()
    broken: dict[str, Any] = {}
    for group in ("enrolments", "contributions", "subsidies", "benefits", "months", "account"):
        row = getattr(record, group)[0]
        changes = data.draw(st.dictionaries(st.sampled_from(row._fields), TEXTS, max_size=4))
        broken[group] = (row._replace(**changes), *getattr(record, group)[1:])
    changes = data.draw(st.dictionaries(st.sampled_from(Person._fields), TEXTS, max_size=4))
    findings = rules.check(delivery(person=a.a_person(**changes), **broken), ON)
    assert all(isinstance(finding, Finding) and finding.path.startswith("/delivery/") for finding in findings)


def test_a_working_life_is_checked_in_milliseconds() -> None:
    """1,440 contributions with nothing wrong take some 3 ms; the bound is generous for busy machines."""
    message = delivery(_working_life())
    assert {finding.code for finding in rules.check(message, ON)} == {"R023"}
    times = []
    for _ in range(15):
        started = time.process_time()
        rules.check(message, ON)
        times.append(time.process_time() - started)
    assert min(times) < 0.012


def _working_life() -> Record:
    """Forty years whose bases follow the wages and whose interest follows the rates."""
    life = a.a_working_life()
    rows = [a.a_contribution(row.kind, row.month, _base(row)) for row in life.contributions]
    years: list[AccountYear] = []
    opening = 0
    for year in life.account:
        credited = sum(
            int(row.person_paid_account.replace(".", ""))
            for row in rows
            if row.kind == "110" and row.month[:4] == year.year
        )
        rate = interest_rates()[year.year].rate if year.year in interest_rates() else "0.020000"
        interest = year_interest(opening, credited, millionths(rate))
        closing = opening + credited + interest
        figures = [a.money(fen) for fen in (opening, credited, interest, 0, closing)]
        years.append(AccountYear("110", year.year, "12", rate, *figures, *figures))
        opening = closing
    return a.a_record(
        person=life.person,
        enrolments=life.enrolments,
        contributions=tuple(rows),
        months=life.months,
        account=tuple(years),
    )


def _base(row: Contribution) -> int:
    """A base in fen in the middle of the band."""
    return int(reference_wage(row.division, row.month[:4]).replace(".", "") or 50_000) // 10_000 * 10_000


def _values(record: Record) -> set[str]:
    rows = (record.person, *record.employers, *record.enrolments, *record.contributions, *record.account)
    return {value for row in rows for value in row}
