"""Deliveries with one thing wrong, by the reason code that it must be refused or warned with: that one and no other."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from flows.conformance import people
from flows.conformance.letters import TRANSFERRED, a_delivery, a_form, a_header, approvals
from flows.conformance.lives import Year, a_life
from formats.information_form import FormSums, InformationForm
from formats.messages import Delivery
from formats.pension.money import fen, yuan
from formats.record import Contribution, Record

# A year in which the account had 11 % of the base, here at other rates too, and two later years.
_LIVES = {account: a_life([Year(2004, 1500_00, account, "0.022500")]) for account in (1000, 1200)}
_TWO_YEARS = a_life([Year(2020, 7000_00, 800, "0.060400"), Year(2021, 7000_00, 800, "0.066900")])
_IN_2005 = date(2005, 3, 1)
# A year before 1998, of which only the person's part moves.
_SINCE_1997 = a_life([Year(1997, 500_00, 1100, "0.022500"), Year(1998, 600_00, 1100, "0.022500")])
_IN_1999 = date(1999, 3, 1)


class Flaw(NamedTuple):
    """A vector: its code, its name, the message, and what is then done to the document's bytes."""

    code: str
    name: str
    message: Callable[[], Delivery]
    alter: Callable[[bytes], bytes] = bytes


def _record(**changes: Any) -> Callable[[], Delivery]:
    return lambda: a_delivery(people.a_record(**changes))


def _person(**changes: str) -> Callable[[], Delivery]:
    return _record(person=people.a_person(**changes))


def _enrolment(**changes: str) -> Callable[[], Delivery]:
    return _record(enrolments=(people.an_enrolment(**changes), *people.a_record().enrolments[1:]))


def _contribution(place: int, **changes: str) -> Callable[[], Delivery]:
    rows = list(people.a_record().contributions)
    rows[place] = rows[place]._replace(**changes)
    return _record(contributions=tuple(rows))


def _more(row: Contribution) -> Callable[[], Delivery]:
    return _record(contributions=(*people.a_record().contributions, row))


def _account(**changes: str) -> Callable[[], Delivery]:
    return _record(account=(people.an_account_year(**changes),))


def _months(**changes: str) -> Callable[[], Delivery]:
    return _record(months=(people.a_month_total(**changes), *people.a_record().months[1:]))


def _sums(change: Callable[[FormSums], FormSums]) -> Callable[[], Delivery]:
    form = a_form()
    return lambda: a_delivery(forms=(replace(form, sums=change(form.sums)),))


def _period(**changes: str) -> Callable[[], Delivery]:
    form = a_form()
    return lambda: a_delivery(forms=(replace(form, periods=(form.periods[0]._replace(**changes),)),))


def _overlapping() -> Delivery:
    """June stands in two rows and November in none, so that there are twelve months all the same."""
    form = a_form()
    (year,) = form.periods
    spans = (("2021-01", "2021-06", "6"), ("2021-06", "2021-10", "5"), ("2021-12", "2021-12", "1"))
    rows = (year._replace(first=first, last=last, months=months) for first, last, months in spans)
    return a_delivery(forms=(replace(form, periods=tuple(rows)),))


def _unpooled(by: int) -> Callable[[FormSums], FormSums]:
    """Another pooled fund, with a total that adds up; `by` in fen."""
    return lambda sums: sums._replace(pooled=yuan(fen(sums.pooled) + by), total=yuan(fen(sums.total) + by))


def _form_of(
    record: Record, transferred: date, change: Callable[[InformationForm], InformationForm] = lambda form: form
) -> Callable[[], Delivery]:
    """A delivery of a pension alone, with its form as `change` makes it."""
    return lambda: a_delivery(record, kinds=("110",), forms=(change(a_form(record, at=transferred)),))


def _another_closing(form: InformationForm) -> InformationForm:
    """The second year closes with another amount than it gained."""
    first, second = form.periods
    return replace(form, periods=(first, second._replace(closing_person=first.closing_person)))


def _interest_elsewhere(form: InformationForm) -> InformationForm:
    """Interest of 1998 on what was paid before stands with the rest of the account: no rule says which is right."""
    sums, amount = form.sums, 3_00
    before, rest = fen(sums.before_1998) - amount, fen(sums.until_last_year) + amount
    return replace(form, sums=sums._replace(before_1998=yuan(before), until_last_year=yuan(rest)))


def _replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda document: document.replace(old, new)


def _nested(document: bytes) -> bytes:
    return document[: document.index(b"?>") + 2] + b"<a>" * 400 + b"</a>" * 400


MESSAGES = (
    Flaw("M150", "no-xml", a_delivery, lambda _: b"AAC001,AAC002\n"),
    Flaw("M151", "doctype", a_delivery, _replaced(b"?>\n", b"?>\n<!DOCTYPE delivery>\n")),
    Flaw("M152", "nested-too-deep", a_delivery, _nested),
    Flaw("M160", "no-month", a_delivery, _replaced(b' month="2021-05"', b"")),
    Flaw("M161", "version-2", a_delivery, _replaced(b"urn:jiexu:message:1", b"urn:jiexu:message:2")),
    Flaw("M162", "another-message", a_delivery, _replaced(b"urn:jiexu:message:1", b"urn:example:letter:1")),
    Flaw("M170", "other-addressee", lambda: a_delivery(header=a_header(receiver="51010001"))),
    Flaw("M180", "production", lambda: a_delivery(header=a_header(environment="production"))),
    Flaw("M210", "no-approver", lambda: a_delivery(approvals=approvals()[:3])),
    Flaw(
        "M211",
        "one-person-two-stages",
        lambda: a_delivery(approvals=(*approvals()[:3], approvals()[3]._replace(person="staff-1"))),
    ),
)
RECORDS = (
    Flaw("R001", "check-digit", _person(social_security_number="330106198503171213")),
    Flaw("R002", "another-birth-date", _person(birth_date="1985-03-18")),
    Flaw("R003", "another-sex", _person(sex="2", household_place="440300")),
    Flaw("R004", "work-at-birth", _person(first_work_date="1985-03-17")),
    Flaw("R005", "enrolled-before-work", _person(first_enrolment_month="2020-11")),
    Flaw("R006", "retired-at-first-work", _person(retirement_date="2020-12-15")),
    Flaw("R007", "dead-before-enrolment", _person(death_date="2020-12-31")),
    Flaw("R008", "ended-with-base", _enrolment(base="7000.00")),
    Flaw("R010", "base-below-band", _contribution(0, base="3900.00")),
    Flaw("R011", "employer-paid-too-much", _contribution(2, employer_paid="1120.01")),
    Flaw("R012", "person-paid-too-much", _contribution(2, person_paid="560.01")),
    Flaw("R013", "credited-too-much", _contribution(12, person_paid_account="35.01")),
    Flaw("R014", "month-twice", _more(people.a_contribution("210", "2021-05"))),
    Flaw("R015", "two-places", _more(people.a_contribution("210", "2021-05", division="610100"))),
    Flaw("R016", "thirteen-months", _account(months="13")),
    Flaw("R017", "closing", _account(closing="6963.54")),
    Flaw("R018", "part-above-whole", _account(credited_person="6720.01", interest_person="243.51")),
    Flaw("R019", "eleven-months", _months(actual="11", total="11")),
    Flaw("R020", "first-month", _months(first="2020-12")),
    Flaw("R021", "pension-drawn", _record(benefits=(people.a_benefit(kind="110", status="1"),))),
    Flaw("R022", "kind-not-moved", _record(subsidies=(people.a_subsidy(kind="390"),))),
    Flaw("R023", "past-forty", _person(**people.WOMAN)),
    Flaw(
        "R024",
        "other-interest",
        _account(interest="243.62", closing="6963.62", interest_person="243.62", closing_person="6963.62"),
    ),
    Flaw("R025", "ethnic-group", _person(ethnic_group="57")),
    Flaw("R026", "credit-code", _record(employers=(people.an_employer(credit_code="91330106MA2CXQ1128"),))),
    Flaw("R027", "unknown-employer", _contribution(4, employer_id="3301060009")),
    Flaw("R029", "received-in-future", _contribution(4, received="2099-01-01")),
    Flaw("R030", "private-use-character", _person(name="周明\ue863")),
)
FORMS = (
    Flaw("R040", "total", _sums(lambda sums: sums._replace(total=sums.account))),
    Flaw("R041", "months", _sums(lambda sums: sums._replace(months="11"))),
    Flaw("R042", "year", _period(year="2020")),
    Flaw("R043", "june-twice", _overlapping),
    Flaw("R044", "another-closing", _form_of(_TWO_YEARS, TRANSFERRED, _another_closing)),
    Flaw("R045", "pooled-fund", _sums(_unpooled(100_000))),
    Flaw("R046", "pooled-fund-rounded", _sums(_unpooled(1))),
    Flaw("R047", "interest-elsewhere", _form_of(_SINCE_1997, _IN_1999, _interest_elsewhere)),
    Flaw("R048", "temporary", lambda: a_delivery(forms=(a_form(temporary=True),))),
    Flaw("R049", "form-twice", lambda: a_delivery(forms=(a_form(), a_form()))),
    Flaw("R050", "credited-below-the-rate", _form_of(_LIVES[1000], _IN_2005)),
    Flaw("R051", "credited-above-the-rate", _form_of(_LIVES[1200], _IN_2005)),
    Flaw("R052", "years-without-interest", lambda: a_delivery(forms=(a_form(at=date(2026, 11, 22)),))),
)
FLAWS = (*MESSAGES, *RECORDS, *FORMS)
# Codes of messages that have no vector, with the reason.
ELSEWHERE: Mapping[str, str] = dict.fromkeys(("C402", "C403", "C415", "C423"), "about what the receiver itself sent")
