"""Who an invented person is: date of birth, identity number (GB 11643), name, household place."""

from datetime import date, timedelta
from functools import cache
from random import Random

from stdnum.cn import ric

from flows.synthetic.names import FEMALE, MALE, ethnic_group, full_name
from flows.synthetic.places import HANGZHOU, SHENZHEN, Place
from flows.synthetic.working_life import month_text
from formats import codes
from formats.record import Person

YOUNGEST, OLDEST = 22, 58  # years

ORDERS = 497  # pairs of order numbers a day: 001-994, as those above once marked people over a hundred (GB 11643)
_PRIME = 15_485_863  # larger than days x orders, so that its multiples meet every day and order once
_MOVED_HOUSEHOLD = 0.25
_ORIGIN_WEIGHTS, _RETURN_WEIGHTS = (62, 13, 25), (10, 85, 5)  # the home province, the other office's, elsewhere
_RETURN_AGES = {MALE: 50, FEMALE: 40}
_HOMELANDS = {"04": "54", "05": "65", "08": "45", "10": "2224", "17": "65"}  # of some ethnic groups (GB/T 3304)


@cache
def _offset(seed: int) -> int:
    return Random(f"births {seed}").randrange(_PRIME)


def birth(index: int, seed: int, on: date) -> tuple[date, int]:
    """The date of birth and the order number's turn (0 to 496); no two persons of a seed have both in common."""
    youngest, oldest = on.replace(year=on.year - YOUNGEST, day=1), on.replace(year=on.year - OLDEST, day=1)
    slots = (youngest - oldest).days * ORDERS
    day, turn = divmod((index * _PRIME + _offset(seed)) % slots, ORDERS)
    return oldest + timedelta(day), turn


def person(
    chance: Random, home: Place, today: date, birth: tuple[date, int], first_work: int, first_enrolment: int
) -> Person:
    """Who the person is; `first_work` and `first_enrolment` are month numbers."""
    born, turn = birth
    sex = chance.choice((MALE, FEMALE))
    group = ethnic_group(chance)
    returning = today >= born.replace(year=born.year + _RETURN_AGES[sex], day=1)
    origin = chance.choice(_origins(_region(chance, home, group, returning=returning), f"{born:%Y}"))
    # A city is not the division of anybody's identity number; its first old district is.
    division = origin if origin[4:] != "00" else f"{origin[:4]}02"
    body = f"{division}{born:%Y%m%d}{2 * turn + (1 if sex == MALE else 2):03d}"
    number = body + ric.calc_check_digit(f"{body}0")
    settled_here = not returning and chance.random() < _MOVED_HOUSEHOLD
    return Person(
        social_security_number=number,
        name=full_name(chance, sex, group, born.year),
        sex=sex,
        ethnic_group=group,
        birth_date=born.isoformat(),
        first_work_date=f"{month_text(first_work)}-01",
        document_type="01",
        document_number=number,
        nationality="CHN",
        household_place=chance.choice(home.counties) if settled_here else _today(origin),
        first_enrolment_month=month_text(first_enrolment),
    )


def _region(chance: Random, home: Place, group: str, *, returning: bool) -> str:
    """Where somebody was born, as the first digits of a division; empty is anywhere.

    Mostly the home province or the other office's; at the age from which the relation stays in the household province
    (国办发〔2009〕66号 art. 5), people mostly move because they return there.
    """
    other = SHENZHEN if home.city == HANGZHOU.city else HANGZHOU
    regions = (home.city[:2], other.city[:2], _HOMELANDS.get(group, ""))
    return chance.choices(regions, _RETURN_WEIGHTS if returning else _ORIGIN_WEIGHTS)[0]


@cache
def _origins(region: str, year: str) -> tuple[str, ...]:
    """The divisions of a region that were there in a year."""
    return tuple(
        division.code
        for division in codes.divisions().values()
        if division.level != "province"
        and division.code.startswith(region)
        and division.valid_from[:4] <= year
        and (not division.valid_to or year <= division.valid_to)
    )


def _today(division: str) -> str:
    """A division or, where it was repealed, its successor."""
    return codes.divisions()[division].successor or division
