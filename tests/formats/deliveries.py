"""Deliveries for the tests of the business rules: valid but for the values that a test changes."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from formats import rules
from formats.messages import Delivery
from formats.record import Contribution, Record
from tests import builders as a

ON = date(2026, 11, 22)
# A woman of forty-six, with a number that holds.
WOMAN = {"social_security_number": "330106198005062320", "sex": "2", "birth_date": "1980-05-06"}


def delivery(record: Record | None = None, **changes: Any) -> Delivery:
    """A valid delivery; `changes` are fields of its record."""
    return a.a_delivery(record=record or a.a_record(**changes))


def person(**changes: str) -> Delivery:
    """A valid delivery with another person."""
    return delivery(person=a.a_person(**changes))


def contributions(changed: dict[int, dict[str, str]], more: Sequence[Contribution] = ()) -> Delivery:
    """A valid delivery with changed contributions (by number from 0) and more of them at the end."""
    rows = [row._replace(**changed.get(number, {})) for number, row in enumerate(a.a_record().contributions)]
    return delivery(contributions=(*rows, *more))


def enrolment(**changes: str) -> Delivery:
    """A valid delivery with another pension spell."""
    rest = a.a_record().enrolments[1:]
    return delivery(enrolments=(a.an_enrolment(**changes), *rest))


def account(**changes: str) -> Delivery:
    """A valid delivery with another account year."""
    return delivery(account=(a.an_account_year(**changes),))


def months(**changes: str) -> Delivery:
    """A valid delivery with another total of pension months."""
    return delivery(months=(a.a_month_total(**changes), *a.a_record().months[1:]))


def found(message: Delivery) -> set[str]:
    """The codes of the rules that do not hold."""
    return {finding.code for finding in rules.check(message, ON)}


PERSON = "/delivery/record/registration/person"
CONTRIBUTION = "/delivery/record/contributions/contribution"
ENROLMENT = "/delivery/record/registration/enrolments/enrolment"
EMPLOYER = "/delivery/record/registration/employers/employer"
ACCOUNT = "/delivery/record/account"


def places(message: Delivery) -> list[tuple[str, str]]:
    """Code and path of every finding."""
    return [(finding.code, finding.path) for finding in rules.check(message, ON)]
