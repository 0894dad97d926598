"""What an invented life received: benefits (art. 2(3)) and subsidies (art. 2(2))."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random

from flows.synthetic.working_life import KIND_SPANS, Job, month_text, reference, yuan
from formats.record import Benefit, Subsidy

_ENDED = "3"  # AAE116: nothing is drawn any more, so that nothing keeps the relation from moving
_UNEMPLOYMENT, _HOSPITAL, _MATERNITY = "200011", "300012", "500011"  # AAA036
_COUNTY_SUBSIDY = "5"  # AAE341
_MOST_UNEMPLOYMENT_MONTHS = 24  # 社会保险法 art. 46
_MATERNITY_AGES = range(23, 37)
_NOTHING = "0.00"


def unemployment(place: str, months: range) -> list[Benefit]:
    """Unemployment benefit for these months, at 45 % of the place's reference wage; a spell that has ended."""
    return [
        Benefit(
            "210",
            _UNEMPLOYMENT,
            month_text(month),
            yuan(reference(place, month // 12) * 45 // 100),
            _NOTHING,
            _ENDED,
            place,
        )
        for month in months
    ]


def benefits(chance: Random, jobs: Sequence[Job], mother_born: int | None) -> list[Benefit]:
    """Past benefits: after lost jobs, in hospital, and for women (`mother_born`: year of birth) at childbirth."""
    found: list[Benefit] = []
    for job, following in pairwise(jobs):
        gap = following.first - job.last - 1
        insured = job.last - max(job.first, KIND_SPANS["210"][0]) + 1
        # 社会保险法 art. 45: a full year of contributions, and not left by one's own will.
        if gap >= 2 and insured >= 12 and not job.freelance and chance.random() < 0.6:
            most = min(gap, insured // 6 + 1, _MOST_UNEMPLOYMENT_MONTHS)
            found += unemployment(job.place.city, range(job.last + 1, job.last + 1 + most))
    for job in jobs:
        month = chance.randrange(job.first, job.last + 1)
        year, place = month // 12, job.place.city
        if chance.random() < 0.05 and month >= KIND_SPANS["310"][0]:
            amount = chance.randrange(90_000, 2_500_000)
            found.append(Benefit("310", _HOSPITAL, month_text(month), yuan(amount), _NOTHING, _ENDED, place))
        mother = mother_born is not None and year - mother_born in _MATERNITY_AGES
        if mother and not job.freelance and month <= KIND_SPANS["510"][1] and chance.random() < 0.25:
            amount = reference(place, year) * 32 // 10
            found.append(Benefit("510", _MATERNITY, month_text(month), yuan(amount), _NOTHING, _ENDED, place))
    return found


def subsidies(chance: Random, jobs: Sequence[Job]) -> Iterator[Subsidy]:
    """The county's subsidy to the pension contributions of people who work freelance, a year or two long."""
    for job in jobs:
        if job.freelance and chance.random() < 0.3:
            place = job.place.city
            for month in range(job.first, min(job.last, job.first + 23) + 1):
                amount = yuan(reference(place, month // 12) * 6 // 100)
                text = month_text(month)
                yield Subsidy("110", text, _COUNTY_SUBSIDY, amount, place, f"{text}-28")
