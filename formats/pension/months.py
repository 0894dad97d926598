"""The months of a pension that count, each once, with what was contributed for them.

A month counts when it was paid in full by a type of contribution that counts, at one place, and no refund took it back
(GB/T 40217, 006001): as the business rules R014, R015 and R019 count, which the tests hold together.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from formats.pension.money import fen, part
from formats.record import Contribution

_COUNTING = frozenset({"10", "31", "32", "33", "40"})
_REFUND = "20"
_ADJUSTED_BASE = "34"
_RATE = 10_000


class CountedMonth(NamedTuple):
    """One month that counts, at the place where it counts. Money in fen, the account's rate in ten-thousandths."""

    month: str
    division: str
    employer_id: str
    base: int
    employer_rate: str
    person_rate: str
    account_rate: int
    account_due: int  # what was to be credited to the account
    credited: int  # what was credited to the account, of the employer and the person
    credited_person: int


def counted_months(contributions: Iterable[Contribution], kinds: Iterable[str]) -> tuple[CountedMonth, ...]:
    """The months of these kinds that count, in their order.

    A month that was paid at two places counts at the one whose row stands first: whoever clears the overlap may decide
    otherwise (`overlap.py`). An adjustment of the base (34) states the difference, so it is added to the month's base.
    """
    wanted = frozenset(kinds)
    places: dict[tuple[str, str], list[Contribution]] = {}
    for row in contributions:
        if row.kind in wanted:
            places.setdefault((row.month, row.division), []).append(row)
    found: dict[str, CountedMonth] = {}
    for (month, _), rows in places.items():
        counting = _counting(rows)
        if counting is not None and month not in found:
            found[month] = _month(counting, rows)
    return tuple(found[month] for month in sorted(found))


def paid(row: Contribution) -> int:
    """What employer and person paid, in fen."""
    return fen(row.employer_paid) + fen(row.person_paid)


def _counting(rows: Sequence[Contribution]) -> Contribution | None:
    """The first row by which a month counts at a place; None where none does, or refunds left nothing paid."""
    first = next((row for row in rows if row.contribution_type in _COUNTING and _in_full(row)), None)
    refunded = any(row.contribution_type == _REFUND for row in rows)
    return None if refunded and sum(map(paid, rows)) <= 0 else first


def _in_full(row: Contribution) -> bool:
    return fen(row.employer_paid) >= fen(row.employer_due) and fen(row.person_paid) >= fen(row.person_due)


def _month(counting: Contribution, rows: Sequence[Contribution]) -> CountedMonth:
    based = [counting, *(row for row in rows if row.contribution_type == _ADJUSTED_BASE)]
    base = sum(fen(row.base) for row in based)
    due = sum(fen(row.employer_due_account) + fen(row.person_due_account) for row in based)
    person = sum(fen(row.person_paid_account) for row in rows)
    return CountedMonth(
        counting.month,
        counting.division,
        counting.employer_id,
        base,
        counting.employer_rate,
        counting.person_rate,
        part(due, _RATE, base) if base > 0 else 0,
        due,
        person + sum(fen(row.employer_paid_account) for row in rows),
        person,
    )
