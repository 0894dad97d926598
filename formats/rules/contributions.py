"""R010-R015: what was due and paid.

Thousands of rows, nearly all of them right: each rule first asks over whole columns whether anything is wrong, and
looks at single rows only then.
"""

from collections.abc import Iterator
from operator import gt

from formats.codes import Band, insurance_kinds, wage_band
from formats.rules.figures import COUNTING, REFUND, Figures, Place, contribution


def band(figures: Figures) -> Iterator[Place]:
    """R010 (warning): the base is within 60 % to 300 % of the reference wage of its place and year, where one is known.

    Only for kinds that have a band, and not for refunds and adjustments, whose base may be a difference.
    """
    distinct = set(_bases(figures))
    bands = {place: wage_band(*place) for place in {(division, year) for division, year, _ in distinct}}
    outside = {key for key in distinct if _outside(bands[key[:2]], key[2])}
    if not outside:
        return
    banded = {code for code, kind in insurance_kinds().items() if kind.banded}
    types, kinds = figures.columns["contribution_type"], figures.columns["kind"]
    for row, key in enumerate(_bases(figures)):
        if key in outside and types[row] in COUNTING and kinds[row] in banded:
            yield Place(contribution(row, "base"), "60 % to 300 % of the reference wage", "outside")


def employer_paid(figures: Figures) -> Iterator[Place]:
    """R011: the employer paid at most what was due; a refund pays back, so its amount is not above 0."""
    yield from _at_most(figures, "employer_paid", "employer_due", "employerPaid", "employerDue")


def person_paid(figures: Figures) -> Iterator[Place]:
    """R012: the person paid at most what was due, which is not negative; a refund's amount is not above 0."""
    yield from _at_most(figures, "person_paid", "person_due", "personPaid", "personDue")
    due = figures.amounts["person_due"]
    if min(due, default=0) < 0:
        for row, amount in enumerate(due):
            if amount < 0 and figures.columns["contribution_type"][row] != REFUND:
                yield Place(contribution(row, "personDue"), "not negative", "negative")


def account_paid(figures: Figures) -> Iterator[Place]:
    """R013: what went to the account is at most what was paid, for employer and person; in a refund not above 0."""
    yield from _at_most(figures, "employer_paid_account", "employer_paid", "employerPaidAccount", "employerPaid")
    yield from _at_most(figures, "person_paid_account", "person_paid", "personPaidAccount", "personPaid")


def double_month(figures: Figures) -> Iterator[Place]:
    """R014: a month of a kind counts once at a place.

    Adjustments do not count, nor what was not fully paid, nor a payment that was refunded.
    """
    doubles = {key for key, times in figures.counted.items() if times > 1}
    seen = set()
    for row, key in enumerate(_keys(figures)) if doubles else ():
        if key in doubles and figures.counting[row]:
            if key in seen:
                yield Place(contribution(row, "month"), "a month that no row before counts", "the same again")
            seen.add(key)


def overlap(figures: Figures) -> Iterator[Place]:
    """R015 (warning): a month of a kind counts at one place; at two it is an overlap for the receiving office."""
    if sum(map(len, figures.months.values())) == len(figures.counted):
        return
    places: dict[tuple[str, str], str] = {}
    for row, key in enumerate(_keys(figures)):
        kind, month, division = key
        if key in figures.counted and places.setdefault((kind, month), division) != division:
            yield Place(contribution(row, "division"), "one place a month", "a second place")


def _at_most(figures: Figures, amount: str, limit: str, amount_name: str, limit_name: str) -> Iterator[Place]:
    """Where an amount is more than its limit, or positive in a refund."""
    amounts, limits, types = figures.amounts[amount], figures.amounts[limit], figures.columns["contribution_type"]
    if REFUND in types:
        # A refund carries minus amounts: the limit there is 0.
        limits = [0 if code == REFUND else value for code, value in zip(types, limits, strict=True)]
    # Columns that are the same are one list.
    if amounts is not limits and any(map(gt, amounts, limits)):
        for row, (value, most) in enumerate(zip(amounts, limits, strict=True)):
            if value > most:
                expected = "not above 0 in a refund" if types[row] == REFUND else f"at most {limit_name}"
                yield Place(contribution(row, amount_name), expected, "more")


def _bases(figures: Figures) -> Iterator[tuple[str, str, int]]:
    """The base of each contribution (fen) with its place and year."""
    years = [month[:4] for month in figures.columns["month"]]
    return zip(figures.columns["division"], years, figures.amounts["base"], strict=True)


def _outside(legal: Band | None, base: int) -> bool:
    """Whether a base (fen) is outside its band; no base is not, nor is any base where no band is known."""
    return bool(base) and legal is not None and not legal.lowest <= base <= legal.highest


def _keys(figures: Figures) -> Iterator[tuple[str, str, str]]:
    """What each contribution is for: kind, month, division."""
    columns = figures.columns
    return zip(columns["kind"], columns["month"], columns["division"], strict=True)
