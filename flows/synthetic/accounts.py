"""What follows from the contributions of an invented life: the personal accounts by year, and the months counted."""

from collections.abc import Iterable, Sequence

from flows.synthetic.working_life import Credit, month_text, yuan
from formats import codes, interest
from formats.record import AccountYear, MonthTotal

ACCOUNT_SINCE = {"110": 1998, "310": 1999}  # the kinds that have an account, and its first year

_MEDICAL_RATE = "0.003500"  # what banks pay on demand
_OPEN_YEAR = "0.000000"  # interest is computed when the year is over


def interest_rate(kind: str, year: int) -> str:
    """The rate of a closed year as a fraction with six places; the last known one where the table ends earlier."""
    if kind != "110":
        return _MEDICAL_RATE
    known = codes.interest_rates()
    return known[min(max(known), max(min(known), str(year)))].rate


def account_years(kind: str, credited: Iterable[Credit], since: int, this_year: int, spent: int) -> list[AccountYear]:
    """One row a year from the first credit (not before the year `since`) to the last closed one, and the running one.

    `this_year` is the running year: without interest yet, and left out where nothing was credited in it.
    `spent` is the share of a year's money that the person draws in it, in per cent (medical account).
    """
    by_year: dict[int, list[int]] = {}
    for credit in credited:
        if credit.month < since * 12:
            continue
        sums = by_year.setdefault(credit.month // 12, [0, 0, 0])
        sums[0] += credit.total
        sums[1] += credit.person
        sums[2] += credit.full
    years: list[AccountYear] = []
    if not by_year:
        return years
    balances = (0, 0)
    for year in range(min(by_year), max(*by_year, this_year - 1) + 1):
        total, person, months = by_year.get(year, (0, 0, 0))
        rate = interest_rate(kind, year) if year < this_year else _OPEN_YEAR
        whole = _close(balances[0], total, rate, spent)
        part = _close(balances[1], person, rate, spent)
        texts = (map(yuan, whole), map(yuan, part))
        years.append(AccountYear(kind, str(year), str(months), rate, *texts[0], *texts[1]))
        balances = (whole[-1], part[-1])
    return years


def _close(opening: int, credited: int, rate: str, spent: int) -> tuple[int, int, int, int, int]:
    """Opening, credited, interest, paid and closing of one year, in fen."""
    earned = interest.year_interest(opening, credited, interest.millionths(rate))
    paid = (opening + credited + earned) * spent // 100
    return opening, credited, earned, paid, opening + credited + earned - paid


def month_total(kind: str, credited: Sequence[Credit], deemed: int = 0) -> MonthTotal:
    """The contribution months of a kind: those fully paid, and `deemed` ones from before there were contributions."""
    full = [credit.month for credit in credited if credit.full]
    return MonthTotal(
        kind, month_text(min(full)), month_text(max(full)), str(len(full)), str(deemed), str(len(full) + deemed)
    )
