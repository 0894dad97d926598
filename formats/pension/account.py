"""What of a personal account is moved: 国办发〔2009〕66号 art. 4, and the rate caps of the procedures to it.

Of contributions before 1998 only the person's own move, with their interest; of those since then the whole account.
What was credited above 11 % of the base in 1998 to 2005, and above 8 % since 2006, stays behind and the record stays as
it is; what was credited below is moved as if it had been credited at that rate, and the record is adjusted. Of the year
of the transfer only what was credited moves: its interest is the receiving office's to give.

The figures are those of `parameters.py`, money is whole fen. Nothing here changes a record: the received figures stay.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from formats.interest import millionths, year_interest
from formats.pension.money import fen, part, yuan
from formats.pension.months import CountedMonth
from formats.pension.parameters import Parameters
from formats.record import AccountYear

_RATE = 10_000


@dataclass(frozen=True, slots=True)
class MovedAccount:
    """The account as form one states it, in fen, and what is to be told about it.

    `raised` is for each year what its closing gains because too little was credited. `without_interest`: a closed year
    has no interest yet. `unsure`: a figure that no rule gives had a part in it.
    """

    years: Mapping[int, AccountYear]
    before_1998: int = 0
    until_last_year: int = 0
    this_year: int = 0
    raised: Mapping[int, int] = field(default_factory=dict)
    short: Mapping[int, int] = field(default_factory=dict)  # principal by year that `raised` begins with
    above: bool = False
    without_interest: bool = False
    unsure: bool = False


def moved_account(
    rows: Iterable[AccountYear],
    months: Sequence[CountedMonth],
    kind: str,
    at: date,
    parameters: Parameters,
    *,
    whole: bool = False,
) -> MovedAccount:
    """What moves on a day `at` of the account of one insurance kind, whose account years and months are given.

    `whole`: everything in the account moves, whatever it was credited at: temporary accounts, residents' accounts.
    Without rows the account is what the months credited, without interest.
    """
    listed = sorted(rows, key=lambda row: row.year) or _years_of(months, kind)
    years = {int(row.year): row for row in listed if int(row.year) <= at.year}
    last = at.year - 1
    if not years:
        return MovedAccount({})
    rates = {year: millionths(row.rate) for year, row in years.items() if year <= last}
    closed = max(rates, default=0)
    balance = fen(years[closed].closing) if closed else fen(years[min(years)].opening)
    running = years.get(at.year)
    late = bool(balance) and (closed < last or not rates[closed])
    credited = fen(running.credited) - fen(running.paid) if running else _credited(months, at.year)
    if whole:
        return MovedAccount(years, 0, balance, credited, without_interest=late)
    before, leaving = _before_1998(years, rates, last, parameters, kind)
    above, short = _differences(months, kind, parameters)
    interest = parameters.text("account_rate_interest", at.isoformat(), kind) == "year"
    lowered = _grown(above, rates, at.year, interest=interest)
    raised = _grown(short, rates, at.year, interest=interest)
    return MovedAccount(
        years,
        before,
        balance - leaving + lowered.get(last, 0) + raised.get(last, 0),
        credited + above.get(at.year, 0) + short.get(at.year, 0),
        raised,
        short,
        above=bool(above),
        without_interest=late,
        unsure=bool(leaving and parameters.unsure("person_part_interest", at.isoformat(), kind))
        or bool((above or short) and parameters.unsure("account_rate_interest", at.isoformat(), kind)),
    )


def _before_1998(
    years: Mapping[int, AccountYear], rates: Mapping[int, int], last: int, parameters: Parameters, kind: str
) -> tuple[int, int]:
    """The person's part of before 1998 as form one states it, and what leaves the rest of the account for it.

    What leaves is the whole balance of that time with its interest since then, less the person's interest where the
    parameter puts it with the rest.
    """
    since = parameters.whole("account_whole_from", f"{last:04d}-12-31", kind)
    earlier = [year for year in years if year < since]
    if not since or (not earlier and since not in years):
        return 0, 0
    first = min((year for year in years if year >= since), default=0)
    opening = years[first] if first else None
    everything = fen(opening.opening if opening else years[max(earlier)].closing)
    person = fen(opening.opening_person if opening else years[max(earlier)].closing_person)
    later = {year: rate for year, rate in rates.items() if year >= since}
    whole_now, person_now = (
        _grown({since - 1: amount}, later, last).get(last, amount) for amount in (everything, person)
    )
    if parameters.text("person_part_interest", f"{last:04d}-12-31", kind) == "last-year":
        return person_now, whole_now
    return person, whole_now - (person_now - person)


def _differences(
    months: Iterable[CountedMonth], kind: str, parameters: Parameters
) -> tuple[dict[int, int], dict[int, int]]:
    """By year: what was credited above the rate (as minus amounts), and what is missing below it."""
    above: dict[int, int] = {}
    short: dict[int, int] = {}
    for month in months:
        cap = parameters.whole("account_rate", month.month, kind)
        if not cap or month.base <= 0 or month.account_rate == cap:
            continue
        difference = part(month.base, cap, _RATE) - month.account_due
        side, year = (above if difference < 0 else short), int(month.month[:4])
        side[year] = side.get(year, 0) + difference
    return above, short


def _grown(
    principal: Mapping[int, int], rates: Mapping[int, int], until: int, *, interest: bool = True
) -> dict[int, int]:
    """The balance at the end of each year, of principal by year, by the year method; a year without rate bears none."""
    balance, found = 0, dict[int, int]()
    for year in range(min(principal, default=until + 1), until + 1):
        added = principal.get(year, 0)
        balance += added + (year_interest(balance, added, rates.get(year, 0)) if interest else 0)
        found[year] = balance
    return found


def _credited(months: Iterable[CountedMonth], year: int) -> int:
    return sum(month.credited for month in months if month.month[:4] == f"{year:04d}")


def _years_of(months: Sequence[CountedMonth], kind: str) -> list[AccountYear]:
    """An account as the months make it, for a record that has none: by year, without interest."""
    rows: list[AccountYear] = []
    whole = person = 0
    for year in sorted({month.month[:4] for month in months}):
        those = [month for month in months if month.month[:4] == year]
        credited, own = sum(month.credited for month in those), sum(month.credited_person for month in those)
        before, before_own = yuan(whole), yuan(person)
        whole, person = whole + credited, person + own
        rows.append(
            AccountYear(
                kind,
                year,
                str(len(those)),
                "0.000000",
                *(before, yuan(credited), "0.00", "0.00", yuan(whole)),
                *(before_own, yuan(own), "0.00", "0.00", yuan(person)),
            )
        )
    return rows
