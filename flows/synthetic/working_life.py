"""Invented working lives: jobs with gaps between them, and the rows that offices write about them.

All money is counted in whole fen and written in yuan with two places. Months are numbers (12 · year + month - 1) while
they are counted with, and `YYYY-MM` in rows. Rates and reference wages come from the tables of formats/.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from random import Random
from typing import NamedTuple

from flows.synthetic.employers import COUNT, employer, freelance_agency
from flows.synthetic.places import HANGZHOU, Place
from formats import codes
from formats.codes import Rates
from formats.record import Contribution, Employer, Enrolment

REGULAR, LATE = "10", "31"  # contribution types (AAA115)
PAYING, INTERRUPTED, ENDED = ("1", "1"), ("2", "2"), ("4", "3")  # enrolment (AAC008) and contribution status (AAC031)

_OPEN = 9999 * 12
# The first and last month for which a kind is paid; maternity went into medical insurance at the end of 2019.
KIND_SPANS = {
    "110": (1998 * 12, _OPEN),
    "210": (1999 * 12, _OPEN),
    "310": (1999 * 12, _OPEN),
    "410": (2004 * 12, _OPEN),
    "510": (1998 * 12, 2019 * 12 + 11),
}
_FREELANCE_KINDS = ("110", "310")
_FREELANCE_SHARE = 0.14
_SHORTEST_JOB = 4
_JOB_MONTHS = (6, 14, 26, 40, 64, 100, 150)
_JOB_WEIGHTS = (12, 20, 24, 20, 12, 8, 4)
_GAP_MONTHS = (0, 1, 3, 7, 14, 30)
_GAP_WEIGHTS = (48, 16, 14, 12, 7, 3)
_LATE_SHARE, _ARREARS_SHARE = 0.12, 0.05
_FIRST_BAND_YEAR = 1998
_UNKNOWN_RATES = Rates("0.0100", "0.0000", "0.0000")
_FIRST_YEAR, _YEARS = 1950, 200
_MONTHS = tuple(f"{_FIRST_YEAR + m // 12:04d}-{m % 12 + 1:02d}" for m in range(_YEARS * 12))


class Job(NamedTuple):
    """Work for one employer from one month to another, both inclusive."""

    place: Place
    employer: Employer
    first: int
    last: int
    level: int  # wage in per mille of the place's reference wage
    freelance: bool = False
    late: range = range(0)  # months paid late, in the same year
    arrears: range = range(0)  # months of which the employer still owes a half


class Credit(NamedTuple):
    """What one month put into the personal account, in fen: in all, and of it by the person."""

    month: int
    total: int
    person: int
    full: bool  # whether the month was paid in full


@dataclass(slots=True)
class Rows:
    """The rows of a life as they grow, and the credits from which accounts and month totals follow."""

    enrolments: list[Enrolment] = field(default_factory=list)
    contributions: list[Contribution] = field(default_factory=list)
    credits: dict[str, list[Credit]] = field(default_factory=dict)


class _Dues(NamedTuple):
    """What is due for a month of one kind, in fen, and the texts that every row of it repeats."""

    employer: int
    employer_account: int
    person_account: int
    head: tuple[str, str, str, str]  # wage, base, rates
    texts: tuple[str, str, str, str]  # the four amounts


def month_text(month: int) -> str:
    """A month number as `YYYY-MM`."""
    return _MONTHS[month - _FIRST_YEAR * 12]


def last_day(month: int) -> str:
    """The last day of a month number, `YYYY-MM-DD`."""
    return f"{month_text(month)}-{monthrange(month // 12, month % 12 + 1)[1]:02d}"


def yuan(fen: int) -> str:
    """An amount of 0 or more in yuan with two places."""
    return f"{fen // 100}.{fen % 100:02d}"


@cache
def reference(city: str, year: int) -> int:
    """A city's reference wage in fen; Hangzhou's where the tables have none, stretched to years before and after."""
    wage = codes.reference_wage(city, str(year)) or codes.reference_wage(HANGZHOU.city, str(year))
    if wage:
        return int(wage.replace(".", ""))
    if year < _FIRST_BAND_YEAR:
        return reference(city, year + 1) * 100 // 108
    return reference(city, year - 1) * 104 // 100


@cache
def _band(city: str, year: int) -> tuple[int, int]:
    """The lowest and highest base in whole yuan (60 % and 300 % of the reference wage)."""
    wage = reference(city, year)
    return -(-wage * 60 // 10_000), wage * 3 // 100


@lru_cache(maxsize=8192)
def _rates(kind: str, city: str, month: int, freelance: bool) -> Rates:
    """The rates of a kind at a city; who works freelance pays both parts of pension and medical insurance."""
    known = codes.rates(kind, month_text(month), city) or codes.rates(kind, "1999-01", city) or _UNKNOWN_RATES
    if not freelance:
        return known
    return Rates("0.0000", "0.2000", known.account) if kind == "110" else Rates("0.0000", "0.0800", "0.0200")


_NO_DUES = _Dues(0, 0, 0, ("", "", "", ""), ("", "", "", ""))


def _year_dues(job: Job, year: int, rates: Rates) -> _Dues:
    """A month's dues in a job, each rounded half up to the fen; the base is the wage inside the legal band."""
    lowest, highest = _band(job.place.city, year)
    wage = reference(job.place.city, year) * job.level // 100_000
    base = min(highest, max(lowest, wage))
    employer_rate, person_rate, account_rate = (int(rate.replace(".", "")) for rate in rates)
    to_account = min(person_rate, account_rate)
    employer_due, person_due = (base * employer_rate + 50) // 100, (base * person_rate + 50) // 100
    employer_account = (base * min(employer_rate, account_rate - to_account) + 50) // 100
    person_account = (base * to_account + 50) // 100
    return _Dues(
        employer_due,
        employer_account,
        person_account,
        (yuan(wage * 100), yuan(base * 100), rates.employer, rates.person),
        (yuan(employer_due), yuan(employer_account), yuan(person_due), yuan(person_account)),
    )


def draw_jobs(chance: Random, place: Place, first: int, last: int) -> list[Job]:
    """Jobs at one place that fill the months from `first` to `last`, with gaps; the last job ends with `last`."""
    level = min(2900, max(420, int(chance.lognormvariate(6.85, 0.42))))
    jobs: list[Job] = []
    while first <= last:
        length = chance.choices(_JOB_MONTHS, _JOB_WEIGHTS)[0] + chance.randrange(6)
        end = min(last, first + length - 1)
        if last - end < _SHORTEST_JOB:
            end = last
        freelance = chance.random() < _FREELANCE_SHARE
        workplace = freelance_agency(place) if freelance else employer(place, chance.randrange(COUNT))
        late = _stretch(chance, _LATE_SHARE, first, end)
        arrears = range(0) if freelance else _stretch(chance, _ARREARS_SHARE, first, end)
        jobs.append(Job(place, workplace, first, end, level, freelance, late, arrears))
        level = min(2900, max(420, level * chance.randrange(88, 128) // 100))
        gap = chance.choices(_GAP_MONTHS, _GAP_WEIGHTS)[0]
        first = end + 1 + min(gap, max(0, last - end - _SHORTEST_JOB))
    return jobs


def _stretch(chance: Random, share: float, first: int, last: int) -> range:
    """Now and then one to three months inside a job, neither its first nor its last, before November of one year."""
    start = chance.randrange(first, last + 1)
    if chance.random() >= share or start == first or start % 12 > 7 or start + 4 > last:
        return range(0)
    return range(start, start + chance.randrange(1, 4))


def write_job(rows: Rows, job: Job, spans: Mapping[str, tuple[int, int]], status: tuple[str, str], day: int) -> None:
    """Append the enrolments and contributions of a job; `status` is the enrolments' at its end.

    `spans` says for each kind from which month to which it is written (KIND_SPANS); the money arrives on `day`.
    """
    for kind, (since, until) in spans.items():
        first, last = max(job.first, since), min(job.last, until)
        if first <= last and (kind in _FREELANCE_KINDS or not job.freelance):
            base = _write_kind(rows, job, kind, range(first, last + 1), day)
            _enrol(rows, job, kind, (first, last), status if last == job.last else ENDED, base)


def _enrol(rows: Rows, job: Job, kind: str, span: tuple[int, int], status: tuple[str, str], base: str) -> None:
    paying = status == PAYING
    rows.enrolments.append(
        Enrolment(
            kind,
            job.place.city,
            *status,
            f"{month_text(span[0])}-01",
            "" if paying else last_day(span[1]),
            job.employer.employer_id,
            base if paying else "",
        )
    )


def _write_kind(rows: Rows, job: Job, kind: str, months: range, day: int) -> str:
    """The contributions of one kind in one job; returns the last base."""
    add_row, add_credit = rows.contributions.append, rows.credits.setdefault(kind, []).append
    city, employer_id = job.place.city, job.employer.employer_id
    year, rates, dues = 0, _UNKNOWN_RATES, _NO_DUES
    for month in months:
        now = _rates(kind, city, month, job.freelance)
        if year != month // 12 or rates != now:
            year, rates = month // 12, now
            dues = _year_dues(job, year, rates)
        half = dues.employer // 2
        full = month not in job.arrears or half == dues.employer
        employer_account = dues.employer_account if full else min(half, dues.employer_account)
        paid = dues.texts if full else (yuan(half), yuan(employer_account), *dues.texts[2:])
        text = settled = month_text(month)
        contribution_type = REGULAR
        if month in job.late:
            contribution_type, settled = LATE, month_text(job.late.stop)
        add_row(
            Contribution(
                kind,
                text,
                settled,
                contribution_type,
                city,
                employer_id,
                *dues.head,
                *dues.texts,
                *paid,
                f"{settled}-{day:02d}",
            )
        )
        add_credit(Credit(month, employer_account + dues.person_account, dues.person_account, full))
    return dues.head[1]
