"""Invented people with whole working lives, for the demo, the tests and the benchmarks.

Nobody here exists. Person `index` of a seed is always the same, however many people are made; neither person numbers
nor identity numbers come twice in one seed and place. The last functions make what can be wrong with a record, for the
demo: mistakes that one rule each finds, and conflicts with what the receiving office has.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from random import Random

from flows.synthetic import identities
from flows.synthetic.accounts import ACCOUNT_SINCE, account_years, month_total
from flows.synthetic.employers import COUNT, employer
from flows.synthetic.entitlements import benefits, subsidies, unemployment
from flows.synthetic.names import FEMALE
from flows.synthetic.places import EARLIER, HANGZHOU, Place
from flows.synthetic.working_life import (
    ENDED,
    INTERRUPTED,
    KIND_SPANS,
    LATE,
    PAYING,
    REGULAR,
    Job,
    Rows,
    draw_jobs,
    last_day,
    write_job,
    yuan,
)
from formats.record import OtherEntry, Person, Record

_WORK_AGES, _WORK_AGE_WEIGHTS = (18, 19, 20, 22, 25), (16, 10, 16, 40, 18)
_SPENT = (20, 45, 70)  # per cent of the medical account that people spend in a year
_TITLES = ("助理工程师", "工程师", "经济师", "主管护师", "一级教师", "高级工", "技师")
_PENSION = "110"
_SCHEME_START = KIND_SPANS[_PENSION][0]
_MOVING_KINDS = ("110", "210", "310")
_LEVEL = 900  # per mille of the reference wage
_AT_WORK = "01"  # AAC016
_STILL_INSURED, _TITLED = 0.12, 0.2
_LONG_CAREER, _CAME_FROM_ELSEWHERE, _INSURED_LATE = 60, 0.18, 0.55

_LARGE_BORN, _LARGE_YEAR = date(1967, 3, 11), 2026
_LARGE_KINDS = ("110", "210", "310", "330", "320", "370")
_LARGE_MONTHS, _LARGE_JOBS, _LARGE_BENEFITS = 480, 5, 24
_LARGE_ACCOUNTS = {"110": 1993, "310": 1999}  # 33 + 27 = 60 years to the end of 2025


def people(count: int, seed: int, *, home: Place, on: date) -> Iterator[tuple[str, Record]]:
    """The first `count` people of a seed: person number (AAC001) and record, made one by one.

    They were insured at `home` until shortly before `on`; every eighth or so still is.
    """
    for index in range(1, count + 1):
        yield _person_number(home, index), _life(index, seed, home, on)


def large_person(index: int, seed: int, contributions: int = 1440) -> tuple[str, Record]:
    """A person with exactly so many contributions, 24 benefits and, from 1,440 on, 60 account years, for benchmarks.

    Up to 40 years to the end of 2025 in Hangzhou, in three insurance kinds, or in as many more as it takes. ValueError
    for less than three contributions or more than 2,880.
    """
    kinds = _LARGE_KINDS[: max(3, -(-contributions // _LARGE_MONTHS))]
    each, rest = divmod(contributions, len(kinds))
    if not 1 <= each <= _LARGE_MONTHS or each == _LARGE_MONTHS < each + rest:
        raise ValueError("a life has at most 480 months in each of six insurance kinds")
    chance = Random(f"large {seed} {index}")
    end = _LARGE_YEAR * 12 - 1
    spans = {kind: (end - each + (number >= rest), end) for number, kind in enumerate(kinds)}
    first = end - each + (rest == 0)
    level = chance.randrange(600, 2400)
    starts = [first + (end + 1 - first) * turn // _LARGE_JOBS for turn in range(_LARGE_JOBS + 1)]
    jobs = [
        Job(HANGZHOU, employer(HANGZHOU, chance.randrange(COUNT)), start, following - 1, level)
        for start, following in pairwise(starts)
        if start < following
    ]
    rows = Rows()
    for job in jobs:
        write_job(rows, job, spans, INTERRUPTED if job is jobs[-1] else ENDED, 15)
    birth = (_LARGE_BORN + timedelta(index // identities.ORDERS % 300), index % identities.ORDERS)
    person = identities.person(chance, HANGZHOU, date(_LARGE_YEAR, 1, 1), birth, first, first)
    drawn = unemployment(HANGZHOU.city, range(end - _LARGE_BENEFITS - 11, end - 11))
    record = replace(_record(person, jobs, rows, _LARGE_YEAR, _SPENT[0], 0, _LARGE_ACCOUNTS), benefits=tuple(drawn))
    return _person_number(HANGZHOU, index), record


def _life(index: int, seed: int, home: Place, on: date) -> Record:
    chance = Random(f"{seed} {index}")
    birth = identities.birth(index, seed, on)
    born = birth[0]
    now = on.year * 12 + on.month - 1
    paying = chance.random() < _STILL_INSURED
    last = now - 1 if paying else now - 2 - chance.randrange(9)
    first_work = born.year * 12 + born.month - 1 + chance.choices(_WORK_AGES, _WORK_AGE_WEIGHTS)[0] * 12
    first_work = min(first_work + chance.randrange(12), last - 8)
    jobs = _jobs(chance, home, max(first_work, _SCHEME_START), last)
    deemed = jobs[0].first - first_work if jobs[0].first == _SCHEME_START else 0
    rows = Rows()
    for job in jobs:
        status = ENDED if job is not jobs[-1] else PAYING if paying else INTERRUPTED
        write_job(rows, job, KIND_SPANS, status, chance.randrange(8, 27))
    person = identities.person(chance, home, on, birth, first_work, jobs[0].first)
    if paying:
        person = person._replace(employment_status=_AT_WORK)
    return replace(
        _record(person, jobs, rows, on.year, chance.choice(_SPENT), deemed, ACCOUNT_SINCE),
        subsidies=tuple(subsidies(chance, jobs)),
        benefits=tuple(benefits(chance, jobs, born.year if person.sex == FEMALE else None)),
        other=tuple(_other(chance, jobs, deemed)),
    )


def _person_number(home: Place, index: int) -> str:
    return f"{home.city}{index:07d}"


def _jobs(chance: Random, home: Place, first: int, last: int) -> list[Job]:
    """A career that ends at home; some came from another place, and some have only lately been insured."""
    span = last - first
    if span >= _LONG_CAREER and chance.random() < _CAME_FROM_ELSEWHERE:
        moved = first + span * chance.randrange(15, 45) // 100
        earlier = draw_jobs(chance, chance.choice(EARLIER), first, moved)
        return earlier + draw_jobs(chance, home, moved + 1 + chance.randrange(4), last)
    if chance.random() < _INSURED_LATE:
        first += span * chance.randrange(55) // 100
    return draw_jobs(chance, home, first, last)


def _record(
    person: Person,
    jobs: Sequence[Job],
    rows: Rows,
    this_year: int,
    spent: int,
    deemed: int,
    accounts: Mapping[str, int],
) -> Record:
    """The record of a life's rows, with what follows from them; `accounts` says from which year a kind has one."""
    years = [
        row
        for kind, since in accounts.items()
        for row in account_years(kind, rows.credits.get(kind, ()), since, this_year, 0 if kind == _PENSION else spent)
    ]
    return Record(
        person=person,
        employers=tuple({job.employer.employer_id: job.employer for job in jobs}.values()),
        enrolments=tuple(rows.enrolments),
        contributions=tuple(rows.contributions),
        months=tuple(
            month_total(kind, credited, deemed if kind == _PENSION else 0) for kind, credited in rows.credits.items()
        ),
        account=tuple(years),
    )


def _other(chance: Random, jobs: Sequence[Job], deemed: int) -> Iterator[OtherEntry]:
    """Other information (art. 2(5)): service before the scheme, earlier transfers, professional titles."""
    if deemed:
        yield OtherEntry("deemed-service", "1998-01-01", f"视同缴费年限{deemed}个月, 依据职工档案认定")
    for before, after in pairwise(jobs):
        if before.place.city != after.place.city:
            text = f"由{before.place.name}市转入, 缴费年限合并计算"
            yield OtherEntry("earlier-transfer", last_day(after.first), text)
    if chance.random() < _TITLED:
        yield OtherEntry("professional-title", last_day(jobs[-1].first), chance.choice(_TITLES))


def bad_check_digit(record: Record) -> Record:
    """The same record with a wrong check digit in the social security number (R001)."""
    number = record.person.social_security_number
    wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
    return replace(record, person=record.person._replace(social_security_number=wrong, document_number=wrong))


def overlapping_months(record: Record) -> Record:
    """The same record with one month of the pension paid again at the same place, as a late payment (R014).

    ValueError if no month of the pension was paid in full.
    """
    index = _last_full_month(record)
    row = record.contributions[index]
    again = row._replace(contribution_type=LATE)
    rows = (*record.contributions[: index + 1], again, *record.contributions[index + 1 :])
    return replace(record, contributions=rows)


def unbalanced_account(record: Record) -> Record:
    """The same record with 100 yuan too much at the end of the pension account (R017). ValueError if it has none."""
    index = max((index for index, year in enumerate(record.account) if year.kind == _PENSION), default=None)
    if index is None:
        raise ValueError("the record has no pension account")
    year = record.account[index]
    more = yuan(int(year.closing.replace(".", "")) + 100_00)
    rows = (*record.account[:index], year._replace(closing=more), *record.account[index + 1 :])
    return replace(record, account=rows)


def already_contributed(record: Record, place: Place) -> Record:
    """What `place` has of the same person: the last months of the record, paid there too.

    ValueError if no month of the pension was paid in full.
    """
    month = record.contributions[_last_full_month(record)].month
    last = int(month[:4]) * 12 + int(month[5:]) - 1
    chance = Random(f"{place.city} {month}")
    job = Job(place, employer(place, chance.randrange(COUNT)), last - 2, last, _LEVEL)
    rows = Rows()
    write_job(rows, job, {kind: KIND_SPANS[kind] for kind in _MOVING_KINDS}, PAYING, 20)
    return _record(record.person, [job], rows, last // 12, 0, 0, ACCOUNT_SINCE)


def other_name(record: Record) -> Record:
    """A record of the same number with another name and nothing else."""
    name = record.person.name
    return Record(record.person._replace(name=name[:-1] + ("华" if name[-1] != "华" else "明")))


def _last_full_month(record: Record) -> int:
    """The place of the last pension contribution that was paid in full and in time."""
    for index in reversed(range(len(record.contributions))):
        row = record.contributions[index]
        in_full = (row.employer_paid, row.person_paid) == (row.employer_due, row.person_due)
        if row.kind == _PENSION and row.contribution_type == REGULAR and in_full:
            return index
    raise ValueError("no month of the pension was paid in full")
