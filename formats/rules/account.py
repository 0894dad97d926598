"""R016-R020 and R024: contribution months and the personal account, recomputed from the rows (art. 6).

A figure that differs is reported, never corrected: the received one stays (arts. 9, 10).
"""

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from operator import attrgetter

from formats.codes import interest_rates
from formats.interest import millionths, month_interest, year_interest
from formats.record import AccountYear
from formats.rules.figures import Figures, Place, number

_MONTHS = 12
_ROUNDING = 1  # fen: offices round the parts of a sum one by one
_INTEREST_ROUNDING = 5  # fen: offices round interest month by month
# The amounts of a year's sum, of the whole and of the person's part; the keys end the attributes' names in XML.
_PARTS = {
    "": attrgetter("opening", "credited", "interest", "paid", "closing"),
    "Person": attrgetter("opening_person", "credited_person", "interest_person", "paid_person", "closing_person"),
}
_PENSION = "110"


def years(figures: Figures) -> Iterator[Place]:
    """R016: a year of the account stands once for a kind and has at most twelve months."""
    seen = set()
    for row, year in enumerate(figures.record.account):
        if number(year.months) > _MONTHS:
            yield Place(_year(row, "months"), "at most 12", "more")
        if (year.kind, year.year) in seen:
            yield Place(_year(row, "year"), "a year that no row before has", "the same again")
        seen.add((year.kind, year.year))


def sums(figures: Figures) -> Iterator[Place]:
    """R017: closing = opening + credited + interest - paid, and a year opens with what the year before closed with.

    Both for the whole and for the person's part, within 0.01 yuan.
    """
    before: dict[tuple[str, str], int] = {}
    account = figures.record.account
    for row in sorted(range(len(account)), key=lambda row: account[row].year):
        for part, values in _PARTS.items():
            opening, credited, interest, paid, closing = map(number, values(account[row]))
            if abs(opening + credited + interest - paid - closing) > _ROUNDING:
                yield Place(_year(row, f"closing{part}"), "opening + credited + interest - paid", "another sum")
            key = (account[row].kind, part)
            if abs(opening - before.get(key, opening)) > _ROUNDING:
                yield Place(_year(row, f"opening{part}"), "the closing of the year before", "another amount")
            before[key] = closing


def person_part(figures: Figures) -> Iterator[Place]:
    """R018: the person's part is at most the whole in what was credited, in the interest and at the end.

    Sizes are compared, because a year in which more was refunded than paid has minus amounts.
    """
    for row, year in enumerate(figures.record.account):
        for name, whole, person in (
            ("credited", year.credited, year.credited_person),
            ("interest", year.interest, year.interest_person),
            ("closing", year.closing, year.closing_person),
        ):
            if person != whole and abs(number(person)) > abs(number(whole)):
                yield Place(_year(row, f"{name}Person"), f"at most {name}", "more")


def month_counts(figures: Figures) -> Iterator[Place]:
    """R019: the actual months are the distinct months fully paid, and the total is actual and deemed together."""
    for row, total in enumerate(figures.record.months):
        actual = number(total.actual)
        if actual != len(figures.months.get(total.kind, ())):
            yield Place(_total(row, "actual"), "the number of months fully paid", "another number")
        if number(total.total) != actual + number(total.deemed):
            yield Place(_total(row, "total"), "actual + deemed", "another number")


def month_ends(figures: Figures) -> Iterator[Place]:
    """R020: first and last month are those of the months fully paid; both are absent where there is none."""
    for row, total in enumerate(figures.record.months):
        months = figures.months.get(total.kind, ())
        if total.first != min(months, default=""):
            yield Place(_total(row, "first"), "the first month fully paid", "another month")
        if total.last != max(months, default=""):
            yield Place(_total(row, "last"), "the last month fully paid", "another month")


def interest(figures: Figures) -> Iterator[Place]:
    """R024 (warning): the interest of an employees' pension account is what the published rate gives.

    Offices compute by the year or by the month-product method, and put a late payment into the month it is for or in
    which it was settled: each is accepted, within 0.05 yuan. Years without a published rate (before 2016) are not
    checked, nor the running year, nor years with payments out of the account, whose interest is reduced by local rules.
    """
    this_year = f"{figures.on.year:04d}"
    open_rows = [
        row
        for row, year in enumerate(figures.record.account)
        if year.kind == _PENSION and year.year < this_year and not number(year.paid) and _rate(year) is not None
    ]
    open_rows = [row for row in open_rows if _differs(figures.record.account[row])]
    for month in ("month", "settled"):
        if open_rows:
            by_year = _credits(figures, month, {figures.record.account[row].year for row in open_rows})
            open_rows = [row for row in open_rows if _differs(figures.record.account[row], by_year)]
    for row in open_rows:
        yield Place(_year(row, "interest"), "what the published rate gives", "another amount")


def _rate(year: AccountYear) -> int | None:
    """The published rate of a year in millionths."""
    rate = interest_rates().get(year.year)
    return millionths(rate.rate) if rate is not None and rate.published else None


def _differs(year: AccountYear, credited: Mapping[str, Mapping[int, int]] | None = None) -> bool:
    """Whether the interest differs from the year method, or with credits by year and month from the month method."""
    rate, opening = _rate(year) or 0, number(year.opening)
    if credited is None:
        computed = year_interest(opening, number(year.credited), rate)
    else:
        computed = month_interest(opening, credited.get(year.year, {}), rate)
    return abs(number(year.interest) - computed) > _INTEREST_ROUNDING


def _credits(figures: Figures, month: str, years: Container[str]) -> Mapping[str, Mapping[int, int]]:
    """What was credited to the pension account in these years, by year and month, in fen.

    `month` is the column that says when.
    """
    by_year: dict[str, Counter[int]] = {}
    employer, person = figures.amounts["employer_paid_account"], figures.amounts["person_paid_account"]
    kinds = figures.columns["kind"]
    for row, text in enumerate(figures.columns[month]):
        if text[:4] in years and kinds[row] == _PENSION:
            by_year.setdefault(text[:4], Counter())[number(text[5:])] += employer[row] + person[row]
    return by_year


def _year(row: int, name: str) -> str:
    return f"/delivery/record/account/accountYear[{row + 1}]/@{name}"


def _total(row: int, name: str) -> str:
    return f"/delivery/record/account/monthTotal[{row + 1}]/@{name}"
