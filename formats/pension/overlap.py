"""Months of a pension that were paid twice, and how the receiving office clears them: 先转后清.

The relation moves first, then the receiving office agrees with the person which relation is kept for these months,
clears the other, and refunds what the account holds of it; a month counts once. Sources: 人社部发〔2009〕187号;
人社部发〔2010〕70号 art. 10. Months that a resident's pension (170) overlaps with an employees' count for the latter
alone; the resident's own contributions and the collective's subsidies of these months are refunded, without interest
(人社部发〔2014〕17号 art. 7).

Everything here proposes: no record is changed. Money is whole fen while it is computed with.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from formats.codes import insurance_kinds
from formats.interest import millionths, year_interest
from formats.pension.money import fen, part, yuan
from formats.pension.months import counted_months, paid
from formats.pension.parameters import Parameters
from formats.record import Contribution, Record

Side = Literal["delivered", "stored"]

_PENSION, _RESIDENT = "pension", "resident-pension"
_COLLECTIVE = "6"  # AAE341: 集体补助


class ClearedMonth(NamedTuple):
    """A month that was paid twice: the side that is kept, and of the other its kinds and divisions that are cleared."""

    month: str
    kept: Side
    kinds: tuple[str, ...]
    divisions: tuple[str, ...]


class RefundYear(NamedTuple):
    """One year of the cleared months' account: principal credited, interest of the year, balance; money in yuan."""

    side: Side
    year: str
    credited: str
    interest: str
    closing: str


@dataclass(frozen=True, slots=True)
class Clearing:
    """What clearing an overlap means: which months, how the refund grows by year, the refund, and what counts then.

    `months` is the number of months of both sides together, each once.
    """

    cleared: tuple[ClearedMonth, ...]
    years: tuple[RefundYear, ...]
    refund: str
    months: int


class ResidentYear(NamedTuple):
    """What is refunded to a resident of one year: overlapping months, what was paid in the year, the refund."""

    year: str
    months: int
    paid: str
    refund: str


def months_paid_twice(delivered: Iterable[Contribution], stored: Iterable[Contribution]) -> tuple[str, ...]:
    """The months for which both sides have a paid contribution to an employees' pension (110, 120), in their order."""
    return tuple(sorted(_paid(delivered).keys() & _paid(stored).keys()))


def apart(delivered: Record, together: Record) -> tuple[Record, Record]:
    """What of the record at the receiving office came with the delivery, and the rest, employers left out.

    `together` is that record as it is now. A refund (20) that was booked since belongs to the side whose month at that
    place it takes back: to the delivery where only it has such a month, or one of just that amount.
    """
    brought = Counter(plain(row) for row in delivered.contributions)
    rows: dict[Side, list[Contribution]] = {"delivered": [], "stored": []}
    for row in together.contributions:
        came = brought[plain(row)] > 0
        brought[plain(row)] -= came
        rows["delivered" if came else "stored"].append(row)
    refunds = [row for row in rows["stored"] if paid(row) < 0 and _is_of(row, rows["delivered"], rows["stored"])]
    rows["delivered"] += refunds
    rows["stored"] = [row for row in rows["stored"] if row not in refunds]
    years = set(delivered.account)
    parts = (
        (rows["delivered"], tuple(year for year in together.account if year in years)),
        (rows["stored"], tuple(year for year in together.account if year not in years)),
    )
    first, second = (Record(together.person, contributions=tuple(some), account=account) for some, account in parts)
    return first, second


def plain(row: Contribution) -> Contribution:
    """A row without its employer: one of another office has another id here."""
    return row._replace(employer_id="")


def _is_of(refund: Contribution, delivered: Sequence[Contribution], stored: Sequence[Contribution]) -> bool:
    """Whether a refund takes back a delivered month, and not one of the receiving office's own."""
    place = refund.kind, refund.month, refund.division
    theirs, ours = (
        [paid(row) for row in rows if (row.kind, row.month, row.division) == place and paid(row) > 0]
        for rows in (delivered, stored)
    )
    return bool(theirs) and (not ours or (-paid(refund) in theirs and -paid(refund) not in ours))


def clear(delivered: Record, stored: Record, keep: Side, at: date, parameters: Parameters) -> Clearing:
    """The clearing of two records of one person at a day `at`, as the person and the office agreed: `keep` one side.

    Of a month that counts on the other side alone, the other side is kept. The refund is the account's part of the
    cleared months with the interest of the account in which it lies, up to the end of last year.
    """
    records: Mapping[Side, Record] = {"delivered": delivered, "stored": stored}
    rows = {side: _paid(record.contributions) for side, record in records.items()}
    counting = {side: _counted(record) for side, record in records.items()}
    other: Side = "stored" if keep == "delivered" else "delivered"
    cleared: list[ClearedMonth] = []
    gone: dict[Side, list[Contribution]] = {"delivered": [], "stored": []}
    for month in months_paid_twice(delivered.contributions, stored.contributions):
        kept = other if month in counting[other] - counting[keep] else keep
        side: Side = keep if kept == other else other
        those = rows[side][month]
        gone[side] += those
        kinds, divisions = {row.kind for row in those}, {row.division for row in those}
        cleared.append(ClearedMonth(month, kept, tuple(sorted(kinds)), tuple(sorted(divisions))))
    years: list[RefundYear] = []
    refund = 0
    for side, record in records.items():
        grown, amount = _refund(side, gone[side], record, at, parameters)
        years += grown
        refund += amount
    return Clearing(tuple(cleared), tuple(years), yuan(refund), len(counting["delivered"] | counting["stored"]))


def clear_resident(resident: Record, employee: Record, parameters: Parameters) -> tuple[ResidentYear, ...]:
    """What a resident gets back, by year, for the months that an employees' pension counts too.

    Both records may be the same one. A year with a single contribution was paid as a whole: each overlapping month is a
    twelfth of it. Where months were paid one by one, the overlapping ones are refunded. Refunds that were made before
    (20) are taken off.
    """
    counted = _counted(employee)
    of_month: dict[str, int] = {}
    refunded: Counter[str] = Counter()
    for row in resident.contributions:
        if _scheme(row.kind) == _RESIDENT:
            amount = fen(row.person_paid)
            if amount < 0:
                refunded[row.month[:4]] -= amount
            else:
                of_month[row.month] = of_month.get(row.month, 0) + amount
    for subsidy in resident.subsidies:
        if _scheme(subsidy.kind) == _RESIDENT and subsidy.funding_item == _COLLECTIVE:
            of_month[subsidy.month] = of_month.get(subsidy.month, 0) + fen(subsidy.amount)
    found: list[ResidentYear] = []
    for year in sorted({month[:4] for month in of_month}):
        amounts = {month: amount for month, amount in of_month.items() if month[:4] == year and amount}
        total = sum(amounts.values())
        twice = sorted(month for month in counted if month[:4] == year)
        if len(amounts) == 1:
            refund = part(total, len(twice), parameters.whole("resident_year_months", f"{year}-12-31") or 12)
        else:
            twice = [month for month in twice if month in amounts]
            refund = sum(amounts[month] for month in twice)
        left = refund - refunded[year]
        if twice and amounts and left > 0:
            found.append(ResidentYear(year, len(twice), yuan(total), yuan(left)))
    return tuple(found)


def _refund(
    side: Side, rows: Sequence[Contribution], record: Record, at: date, parameters: Parameters
) -> tuple[list[RefundYear], int]:
    """The cleared months' part of one side's account, by year, and what it holds: without interest of this year."""
    whole = parameters.text("refund_part", at.isoformat()) == "account"
    credited: dict[int, int] = {}
    for row in rows:
        year = int(row.month[:4])
        amount = fen(row.person_paid_account) + (fen(row.employer_paid_account) if whole else 0)
        credited[year] = credited.get(year, 0) + amount
    kinds = {row.kind for row in rows}
    rates = {int(row.year): millionths(row.rate) for row in record.account if row.kind in kinds}
    found: list[RefundYear] = []
    balance = 0
    for year in range(min(credited, default=at.year + 1), at.year + 1):
        added = credited.get(year, 0)
        interest = year_interest(balance, added, rates.get(year, 0)) if year < at.year else 0
        balance += added + interest
        found.append(RefundYear(side, str(year), yuan(added), yuan(interest), yuan(balance)))
    return found, balance


def _paid(contributions: Iterable[Contribution]) -> dict[str, list[Contribution]]:
    """The rows of an employees' pension by month; a month of which nothing remains paid is left out."""
    months: dict[str, list[Contribution]] = {}
    for row in contributions:
        if _scheme(row.kind) == _PENSION:
            months.setdefault(row.month, []).append(row)
    return {month: rows for month, rows in months.items() if sum(map(paid, rows)) > 0}


def _counted(record: Record) -> set[str]:
    kinds = [code for code, kind in insurance_kinds().items() if kind.scheme == _PENSION]
    return {month.month for month in counted_months(record.contributions, kinds)}


def _scheme(kind: str) -> str:
    known = insurance_kinds().get(kind)
    return "" if known is None else known.scheme
