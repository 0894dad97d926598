"""A record without its person: for planning and development, nothing that identifies anybody directly (art. 17). Pure.

Names, numbers, documents, exact dates, employers and free text are left out. What is left is coarse: a
person stands under a pseudonym, with sex, year of birth, household place; amounts are sums of a period and a kind,
rounded to hundreds of yuan. How coarse years and places are is a `Level`. What is left may still single somebody out
who is alone with it, so people are counted by `quasi_identifiers`, and given only in groups of at least k.
"""

import hmac
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from formats.record import Contribution, Record

Row = tuple[str, ...]
Quasi = tuple[str, ...]

_HUNDRED: Final = 100_00  # fen

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "persons": ("person", "sex", "birth", "place", "first", "last"),
        "contributions": ("person", "kind", "period", "place", "months", "base", "employer_paid", "person_paid"),
        "benefits": ("person", "kind", "item", "period", "amount"),
        "account": ("person", "kind", "period", "credited", "interest", "closing"),
    }
)


@dataclass(frozen=True, slots=True)
class Level:
    """How coarse an extract is: years that stand together, of birth and in all periods; digits of a division."""

    birth_years: int
    years: int
    place_digits: int

    def birth(self, day: str) -> str:
        """The year of birth, or the first of those that stand together."""
        return _band(day, self.birth_years)

    def period(self, month: str) -> str:
        """The year of a month or day, or the first of those that stand together."""
        return _band(month, self.years)

    def place(self, division: str) -> str:
        """The beginning of a division's code: city, province, or nothing."""
        return division[: self.place_digits]


# From fine to coarse: the first that hides people well enough is taken.
LEVELS: Final = (Level(1, 1, 4), Level(5, 1, 2), Level(5, 5, 2), Level(10, 10, 2), Level(20, 20, 0))


def pseudonym(key: bytes, number: str, level: Level) -> str:
    """Sixteen hexadecimal digits that stand for a person number: the same by the same key in all extracts of a level.

    By another key, and at another level, they cannot be linked: a fine extract joined to a coarse one would tell people
    apart who are alike in each.
    """
    told = f"{level.birth_years} {level.years} {level.place_digits} {number}"
    return hmac.new(key, told.encode(), sha256).hexdigest()[:16]


def sample(key: bytes, numbers: Iterable[str], count: int) -> list[str]:
    """So many of these person numbers, chosen by the key: the same by the same key, and nobody picks anybody."""
    return sorted(numbers, key=lambda number: hmac.new(key, b"sample " + number.encode(), sha256).digest())[:count]


def quasi_identifiers(record: Record, level: Level) -> Quasi:
    """By what somebody may be found again who is known from elsewhere: what `persons` has beside the pseudonym."""
    person = record.person
    periods = sorted({level.period(row.month) for row in record.contributions if row.month})
    first, last = (periods[0], periods[-1]) if periods else ("", "")
    return person.sex, level.birth(person.birth_date), level.place(person.household_place), first, last


def choose(groups: Sequence[Counter[Quasi]], k: int, most_left_out: float) -> int | None:
    """The number of the first level at which no more than this share of people is in groups of fewer than k.

    `groups` are the people counted by their quasi-identifiers, for each level. None where there is no such level.
    """
    for number, counted in enumerate(groups):
        small = sum(count for count in counted.values() if count < k)
        if counted and small <= most_left_out * counted.total():
            return number
    return None


def rows(record: Record, name: str, level: Level) -> Iterator[tuple[str, Row]]:
    """What an extract has of a record, by file; `name` is the person's pseudonym."""
    yield "persons", (name, *quasi_identifiers(record, level))
    yield from (("contributions", (name, *row)) for row in _contributions(record.contributions, level))
    yield from (("benefits", (name, *row)) for row in _benefits(record, level))
    yield from (("account", (name, *row)) for row in _account(record, level))


def _contributions(contributions: Sequence[Contribution], level: Level) -> Iterator[Row]:
    groups: defaultdict[Row, list[Contribution]] = defaultdict(list)
    for row in contributions:
        groups[row.kind, level.period(row.month), level.place(row.division)].append(row)
    for group, found in sorted(groups.items()):
        months = str(len({row.month for row in found}))
        sums = (_rounded(getattr(row, name) for row in found) for name in ("base", "employer_paid", "person_paid"))
        yield (*group, months, *sums)


def _benefits(record: Record, level: Level) -> Iterator[Row]:
    groups: defaultdict[Row, list[str]] = defaultdict(list)
    for row in record.benefits:
        groups[row.kind, row.item, level.period(row.month)].append(row.amount)
    yield from ((*group, _rounded(amounts)) for group, amounts in sorted(groups.items()))


def _account(record: Record, level: Level) -> Iterator[Row]:
    groups: defaultdict[Row, list[tuple[str, str, str, str]]] = defaultdict(list)
    for row in record.account:
        groups[row.kind, level.period(row.year)].append((row.year, row.credited, row.interest, row.closing))
    for group, found in sorted(groups.items()):
        _, credited, interest, closing = zip(*sorted(found), strict=True)
        yield (*group, _rounded(credited), _rounded(interest), _rounded(closing[-1:]))


def _band(text: str, years: int) -> str:
    year = text[:4]
    return str(int(year) // years * years) if year.isdigit() else ""


def _rounded(amounts: Iterable[str]) -> str:
    """The sum in yuan, to the next hundred."""
    fen = sum(int(amount.replace(".", "")) for amount in amounts if amount)
    return str((fen + _HUNDRED // 2) // _HUNDRED * 100)
