"""Checks of an information form: for each code a form that breaks it, and what a good form is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.synthetic.people import large_person, people
from flows.synthetic.places import HANGZHOU as HANGZHOU_OFFICE
from flows.synthetic.places import SHENZHEN as SHENZHEN_OFFICE
from formats import rules
from formats.information_form import FormPeriod, FormSums, InformationForm
from formats.messages import Finding
from formats.pension.checking import MOST_FINDINGS, check, check_forms
from formats.pension.filling import fill
from formats.pension.money import fen, yuan
from formats.reasons import reason, reasons
from formats.record import Record
from formats.xsd import attribute_name
from tests import builders as a
from tests.formats.deliveries import WOMAN
from tests.formats.pension.lives import FIGURES, ON, WUHAN, a_life, an_account, month, year_of

RATES = {2019: "0.076100", 2020: "0.060400", 2021: "0.066900"}
SUMS, PERIOD = "/delivery/forms/form[1]/sums", "/delivery/forms/form[1]/period"
LATER = date(2026, 11, 22)


def life(*rows: Any, rates: dict[int, str] | None = None, **person: str) -> Record:
    """A record of these contributions with its account."""
    listed = rows or (*year_of(2019, 6000_00), *year_of(2020), *year_of(2021))
    return a_life(listed, an_account(listed, rates or RATES), **person)


def form_of(record: Record, at: date = ON, *, temporary: bool = False) -> InformationForm:
    """The pension form of a record."""
    found = fill(record, "110", at, FIGURES, temporary=temporary)
    assert found is not None
    return found


def with_sums(found: InformationForm, **changes: str) -> InformationForm:
    """The form with other values in form one."""
    return replace(found, sums=found.sums._replace(**changes))


def with_row(found: InformationForm, number: int, **changes: str) -> InformationForm:
    """The form with other values in a row (from 1) of form two."""
    rows = list(found.periods)
    rows[number - 1] = rows[number - 1]._replace(**changes)
    return replace(found, periods=tuple(rows))


def without_row(found: InformationForm, number: int) -> InformationForm:
    """The form without a row, and form one counting what is left."""
    rows = found.periods[: number - 1] + found.periods[number:]
    months = str(sum(int(row.months) for row in rows))
    return replace(with_sums(found, months=months, first=rows[0].first, last=rows[-1].last), periods=rows)


def codes(findings: tuple[Finding, ...]) -> set[str]:
    """The codes found."""
    return {finding.code for finding in findings}


GOOD = life()
FORM = form_of(GOOD)
TWELVE = life(*year_of(2004, 1000_00, account=1200), rates={2004: "0.022500"})
TEN = life(*year_of(2004, 1000_00, account=1000), rates={2004: "0.022500"})
DRAWING = replace(GOOD, benefits=(a.a_benefit(kind="110", status="1"),))
RETIRED = replace(GOOD, enrolments=(a.an_enrolment(retired="1"),))
OLD = life(*year_of(2021), **WOMAN | {"household_place": "420106", "birth_date": "1980-05-06"})
THIRTEEN = (
    FORM.periods[0],
    FORM.periods[1],
    FORM.periods[1]._replace(division=WUHAN, last="2020-01", months="1"),
    FORM.periods[2],
)


# Code, path of a finding with it, form, record. A case may break more codes, because it must differ from the record.
BROKEN: tuple[tuple[str, str, Callable[[], InformationForm], Record], ...] = (
    ("R021", f"{SUMS}/@kind", lambda: FORM, DRAWING),
    ("R021", f"{SUMS}/@kind", lambda: FORM, RETIRED),
    ("R022", f"{SUMS}/@kind", lambda: with_sums(FORM, kind="410"), GOOD),
    ("R029", f"{SUMS}/@transferred", lambda: form_of(GOOD, date(2027, 1, 1)), GOOD),
    ("R040", f"{SUMS}/@account", lambda: with_sums(FORM, this_year="0.01"), GOOD),
    ("R040", f"{SUMS}/@total", lambda: with_sums(FORM, total=FORM.sums.account), GOOD),
    ("R041", f"{SUMS}/@months", lambda: with_sums(FORM, months="35"), GOOD),
    ("R041", f"{SUMS}/@first", lambda: with_sums(FORM, first="2019-02"), GOOD),
    ("R041", f"{SUMS}/@last", lambda: with_sums(FORM, last="2022-01"), GOOD),
    ("R042", f"{PERIOD}[2]/@year", lambda: with_row(FORM, 2, year="2021"), GOOD),
    ("R042", f"{PERIOD}[2]/@months", lambda: with_row(FORM, 2, months="11"), GOOD),
    ("R043", f"{PERIOD}[2]/@first", lambda: replace(FORM, periods=(FORM.periods[0],) * 2), GOOD),
    ("R043", f"{PERIOD}[3]/@months", lambda: replace(FORM, periods=THIRTEEN), GOOD),
    ("R044", f"{PERIOD}[2]/@closing", lambda: with_row(FORM, 2, closing="20000.00"), GOOD),
    ("R044", f"{PERIOD}[3]/@closingPerson", lambda: with_row(FORM, 3, interest_person="0.00"), GOOD),
    ("R045", f"{SUMS}/@pooled", lambda: with_sums(FORM, pooled="28800.37", total="50000.00"), GOOD),
    ("R045", f"{SUMS}/@firstWorkDate", lambda: with_sums(FORM, first_work_date="2019-12-31"), GOOD),
    ("R045", f"{PERIOD}[1]/@base", lambda: with_row(FORM, 1, base="6000.02"), GOOD),
    ("R045", f"{PERIOD}[1]/@months", lambda: with_row(FORM, 1, division=WUHAN), GOOD),
    ("R045", f"{SUMS}/@months", lambda: without_row(FORM, 1), GOOD),
    ("R045", f"{SUMS}/@months", lambda: with_sums(FORM, kind="120"), GOOD),
    ("R046", f"{SUMS}/@pooled", lambda: with_sums(FORM, pooled=yuan(fen(FORM.sums.pooled) + 36)), GOOD),
    ("R046", f"{PERIOD}[1]/@base", lambda: with_row(FORM, 1, base="6000.01"), GOOD),
    ("R047", f"{SUMS}/@untilLastYear", lambda: with_sums(form_of(TWELVE), until_last_year="1337.54"), TWELVE),
    ("R048", f"{SUMS}/@temporary", lambda: form_of(OLD), OLD),
    ("R048", f"{SUMS}/@temporary", lambda: form_of(GOOD, temporary=True), GOOD),
    ("R049", f"{SUMS}/@kind", lambda: with_sums(FORM, kind="310"), GOOD),
    ("R050", f"{SUMS}/@account", lambda: form_of(TEN), TEN),
    ("R051", f"{SUMS}/@account", lambda: form_of(TWELVE), TWELVE),
    ("R052", f"{SUMS}/@account", lambda: form_of(GOOD, LATER), GOOD),
)


def test_a_form_that_was_filled_in_from_the_record_is_good() -> None:
    """No finding for a form beside the record that it was filled in from."""
    assert check(FORM, GOOD, LATER) == ()


@pytest.mark.parametrize(("code", "path", "broken", "record"), BROKEN)
def test_what_is_wrong_is_found_at_its_place(
    code: str, path: str, broken: Callable[[], InformationForm], record: Record
) -> None:
    """Each code has forms that break it, found at the place."""
    assert (code, path) in {(found.code, found.path) for found in check(broken(), record, LATER)}


@pytest.mark.parametrize(("code", "path", "broken", "record"), [one for one in BROKEN if one[0] < "R045"])
def test_what_is_wrong_by_itself_is_told_once(
    code: str, path: str, broken: Callable[[], InformationForm], record: Record
) -> None:
    """No difference from the record is told at the same place, nor of rows that do not lie in years or overlap."""
    found = check(broken(), record, LATER)
    assert {one.code for one in found if one.path == path} == {code}
    if code in ("R042", "R043"):
        assert not [one for one in found if one.code in ("R045", "R046", "R047") and "/period[" in one.path]


def test_an_amount_beside_a_wrong_sum_is_told() -> None:
    """Which part of a sum disagrees with the record is said, although the sum does not add up either."""
    found = {(one.code, one.path) for one in check(with_sums(FORM, before_1998="1.00"), GOOD, LATER)}
    assert {("R040", f"{SUMS}/@account"), ("R045", f"{SUMS}/@before1998")} <= found


def test_every_code_of_the_forms_is_broken_here() -> None:
    """The table has no R code from R040 on that no form above breaks."""
    assert {code for code in reasons() if "R040" <= code < "S"} <= {code for code, *_ in BROKEN}


def test_findings_name_no_amount() -> None:
    """Expected and found are words: no value of form or record stands in a finding."""
    for _, _, broken, record in BROKEN:
        form = broken()
        texts = {text for row in (form.sums, *form.periods) for text in row if len(text) > 4}
        for finding in check(form, record, LATER):
            assert not any(text in f"{finding.expected} {finding.found}" for text in texts)


def test_the_number_is_in_the_path() -> None:
    """Of the second form of a delivery the findings say so."""
    findings = check(with_sums(FORM, total="0.00"), GOOD, LATER, 2)
    assert {finding.path.partition("/sums")[0] for finding in findings} == {"/delivery/forms/form[2]"}


def test_the_forms_of_a_delivery() -> None:
    """Each form is checked under its number; a kind has one form, and only kinds that are transferred have one."""
    assert check_forms((FORM,), ("110", "210"), GOOD, LATER) == ()
    findings = check_forms((FORM, FORM), ("110",), GOOD, LATER)
    assert [(one.code, one.path) for one in findings] == [("R049", "/delivery/forms/form[2]/sums/@kind")]
    findings = check_forms((FORM,), ("120",), GOOD, LATER)
    assert [(one.code, one.path) for one in findings] == [("R022", f"{SUMS}/@kind")]


def test_a_year_that_the_form_leaves_out_is_named() -> None:
    """Months of the record that no row of form two has are told with their year."""
    expected = {finding.expected for finding in check(without_row(FORM, 2), GOOD, LATER)}
    assert "months of 2020 at a place that the record has" in expected


def test_one_row_a_year_with_the_average_base_is_as_good() -> None:
    """An office that writes one row a year, on the average base, is not refused."""
    rows = [*year_of(2020, 6000_00), *year_of(2021)]
    rows[6:12] = year_of(2020, 8000_01)[6:]
    record = life(*rows)
    ours = form_of(record)
    assert len(ours.periods) == 3
    year = ours.periods[1]._replace(
        first="2020-01", months="12", base="7000.00", credited="6720.00", credited_person="6720.00"
    )
    theirs = replace(ours, periods=(year, ours.periods[2]))
    assert codes(check(theirs, record, LATER)) <= {"R046"}
    assert not rules.blocks(check(theirs, record, LATER))


def test_a_payout_of_the_account_is_no_break_of_the_chain() -> None:
    """What the record says was paid out of the account in a year is missing from its closing."""
    record = life()
    account = list(record.account)
    paid = fen(account[2].closing) - 100_00
    account[2] = account[2]._replace(paid="100.00", closing=yuan(paid), paid_person="100.00", closing_person=yuan(paid))
    record = replace(record, account=tuple(account))
    assert check(form_of(record), record, LATER) == ()


def test_what_is_left_out_holds() -> None:
    """The optional fields of form one may be missing."""
    assert check(with_sums(FORM, employer="", first_work_date="", account_opened=""), GOOD, LATER) == ()


def test_an_approved_posting_is_exempt_from_the_age_rule() -> None:
    """Who was officially posted has an ordinary account at any age, and a temporary one is told."""
    assert codes(check(form_of(OLD), OLD, LATER, posted=True)) == set()
    assert codes(check(form_of(OLD, temporary=True), OLD, LATER)) == set()
    assert "R048" in codes(check(form_of(OLD, temporary=True), OLD, LATER, posted=True))


def test_residents_have_no_temporary_accounts() -> None:
    """The age rule is one of the employees' pension."""
    paid = month("2021-12", kind="170", person_rate="0.0000", employer_rate=0)
    record = replace(OLD, contributions=(paid,), account=tuple(an_account([paid], RATES, "170")))
    found = fill(record, "170", ON, FIGURES)
    assert found is not None
    assert check(found, record, LATER) == ()


def test_a_receipt_is_not_flooded() -> None:
    """At most so many findings of a code, and they come in the order of the codes."""
    rows = [row for year in range(1999, 2022) for row in year_of(year)]
    record = life(*rows, rates=dict.fromkeys(range(1999, 2022), "0.020000"))
    wrong = form_of(record)
    wrong = replace(wrong, periods=tuple(row._replace(base="1.00") for row in wrong.periods))
    findings = [finding.code for finding in check(wrong, record, LATER)]
    assert findings == sorted(findings)
    assert findings.count("R045") == MOST_FINDINGS


@pytest.mark.parametrize("home", [HANGZHOU_OFFICE, SHENZHEN_OFFICE], ids=["Hangzhou", "Shenzhen"])
def test_synthetic_people_fill_in_and_check_clean(home: Any) -> None:
    """Forty people of each demo office have forms without a finding, or with the age rule's warning at most."""
    for _, record in people(40, 20261122, home=home, on=LATER):
        findings = check(form_of(record, LATER), record, LATER)
        assert codes(findings) <= {"R048"}


def test_a_whole_life_of_benchmarks_is_clean() -> None:
    """Forty years with an account since 1993 fill in and check clean too."""
    _, record = large_person(1, 1)
    found = form_of(record, LATER)
    assert check(found, record, LATER) == ()
    assert fen(found.sums.before_1998) > 0


MONEY = st.from_regex(r"-?(0|[1-9][0-9]{0,12})\.[0-9]{2}", fullmatch=True)
MONTH = st.builds("{:04d}-{:02d}".format, st.integers(1000, 2999), st.integers(1, 12))
RATE = st.from_regex(r"[0-9]\.[0-9]{4}", fullmatch=True)
COUNT = st.from_regex(r"0|[1-9][0-9]{0,3}", fullmatch=True)
DAY = st.dates(date(1000, 1, 1), date(2999, 12, 31)).map(str)
SHAPES: dict[str, st.SearchStrategy[str]] = {
    "kind": st.sampled_from(("110", "120", "170", "310", "410", "999")),
    "division": st.sampled_from(("330100", "420100", "999999")),
    "division_name": st.just("某地"),
    "year": st.integers(1000, 2999).map(str),
    "first": MONTH, "last": MONTH, "months": COUNT, "transferred": DAY, "first_work_date": DAY,
    "employer_rate": RATE, "account_rate": RATE, "person_rate": RATE,
    "temporary": st.sampled_from("01"),
    "employer": st.just(""), "first_person_month": MONTH, "first_contribution": MONTH, "account_opened": MONTH,
    "remark": st.just(""),
}  # fmt: skip


def _rows(shape: Any) -> st.SearchStrategy[Any]:
    return st.builds(shape, **{name: SHAPES.get(name, MONEY) for name in shape._fields})


@settings(max_examples=50)
@given(st.builds(InformationForm, _rows(FormSums), st.lists(_rows(FormPeriod), max_size=4).map(tuple)))
def test_whatever_passed_the_schema_gives_findings_and_never_an_exception(found: InformationForm) -> None:
    """Any form of the schema's shape is answered with findings of known codes."""
    assert all(reason(finding.code) for finding in check(found, GOOD, LATER))


AMOUNTS = ("before_1998", "until_last_year", "this_year", "account", "pooled", "total")


@given(st.sampled_from(AMOUNTS), st.integers(100, 10**9), st.sampled_from((1, -1)))
def test_a_yuan_more_or_less_is_always_refused(name: str, fen_more: int, sign: int) -> None:
    """No sum of form one can be wrong by a yuan or more: the form is refused, at that place."""
    wrong = with_sums(FORM, **{name: yuan(fen(getattr(FORM.sums, name)) + sign * fen_more)})
    findings = check(wrong, GOOD, LATER)
    assert rules.blocks(findings)
    assert f"{SUMS}/@{attribute_name(name)}" in {finding.path for finding in findings}
