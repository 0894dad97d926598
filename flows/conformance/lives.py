"""Pension records of whole years, with the account that follows from them, for what shows only in earlier years."""

from collections.abc import Sequence
from typing import NamedTuple

from flows.conformance import people
from formats.interest import millionths, year_interest
from formats.pension.money import fen, yuan
from formats.record import AccountYear, Contribution, Record

_PERSON_RATE = 800  # at most, in ten-thousandths of the base; the rest of the account is the employer's
_EMPLOYER_RATE = 1600


class Year(NamedTuple):
    """Twelve paid months: the base in fen, the account's rate in ten-thousandths, the interest rate."""

    year: int
    base: int
    account: int
    rate: str


def a_life(years: Sequence[Year]) -> Record:
    """A record of the pension of these years, which follow each other, and of nothing else."""
    first, last, count = years[0].year, years[-1].year, str(12 * len(years))
    return Record(
        person=people.a_person(first_work_date=f"{first - 1}-12-15", first_enrolment_month=f"{first}-01"),
        employers=(people.an_employer(),),
        enrolments=(people.an_enrolment(started=f"{first}-01-01", ended=f"{last}-12-31"),),
        contributions=tuple(row for year in years for row in _rows(year)),
        months=(people.a_month_total(first=f"{first}-01", last=f"{last}-12", actual=count, total=count),),
        account=_account(years),
    )


def _rows(year: Year) -> list[Contribution]:
    rate = min(_PERSON_RATE, year.account)
    person, employer = yuan(year.base * rate // 10_000), yuan(year.base * (year.account - rate) // 10_000)
    return [
        people.a_contribution("110", month, year.base)._replace(
            person_rate=f"{rate / 10_000:.4f}",
            person_due=person,
            person_due_account=person,
            person_paid=person,
            person_paid_account=person,
            employer_rate=f"{_EMPLOYER_RATE / 10_000:.4f}",
            employer_due_account=employer,
            employer_paid_account=employer,
        )
        for month in people.months(f"{year.year}-01", 12)
    ]


def _account(years: Sequence[Year]) -> tuple[AccountYear, ...]:
    """Year by year: what was credited, and the interest of the year."""
    rows: list[AccountYear] = []
    whole = part = 0
    for year in years:
        paid = _rows(year)
        person = sum(fen(row.person_paid_account) for row in paid)
        credited = person + sum(fen(row.employer_paid_account) for row in paid)
        earned, of_person = (
            year_interest(opening, added, millionths(year.rate))
            for opening, added in ((whole, credited), (part, person))
        )
        rows.append(
            AccountYear(
                "110",
                str(year.year),
                "12",
                year.rate,
                *map(yuan, (whole, credited, earned, 0, whole + credited + earned)),
                *map(yuan, (part, person, of_person, 0, part + person + of_person)),
            )
        )
        whole, part = whole + credited + earned, part + person + of_person
    return tuple(rows)
