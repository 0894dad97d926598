"""A form beside the same form filled in again: where they differ, and how.

Offices lay out form two differently (one row a year with the average base, or one for each base), so rows are compared
by year and place: their months, and what was contributed on. What a year credited is compared as a whole.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from formats.information_form import FormPeriod, InformationForm
from formats.messages import Finding
from formats.pension.filling import Filled
from formats.pension.money import fen
from formats.pension.parameters import Parameters
from formats.xsd import attribute_name

# A row of form two with its number from 1.
Numbered = tuple[int, FormPeriod]

_EXACT = ("first", "last", "months", "first_work_date")
_ACCOUNT = ("before_1998", "until_last_year", "this_year", "account")
_YEAR = ("credited", "interest", "closing", "credited_person", "interest_person", "closing_person")


def by_year(periods: Sequence[FormPeriod]) -> list[tuple[str, list[Numbered]]]:
    """The rows of form two by year, in the order of time."""
    ordered = sorted(enumerate(periods, 1), key=lambda one: (one[1].year, one[1].last, one[0]))
    return [(year, list(rows)) for year, rows in groupby(ordered, key=lambda one: one[1].year)]


def sums(form: InformationForm, filled: Filled, table: Parameters, path: str) -> Iterator[Finding]:
    """R045, R046 and R047: where form one says another thing than the record. Fields that are left out hold."""
    ours, at = filled.form.sums, f"{path}/sums"
    for name in _EXACT:
        given, computed = getattr(form.sums, name), getattr(ours, name)
        if given and computed and given != computed:
            yield Finding("R045", f"{at}/@{attribute_name(name)}", "what the record gives", "another value")
    account = _account_tolerance(filled, table)
    pooled = table.whole("pooled_tolerance", ours.transferred, ours.kind) * max(1, fen(ours.months))
    tolerances = {**dict.fromkeys(_ACCOUNT, account), "pooled": pooled, "total": account + pooled}
    for name, tolerance in tolerances.items():
        given, computed = getattr(form.sums, name), getattr(ours, name)
        place = f"{at}/@{attribute_name(name)}"
        yield from _amount(place, fen(given) - fen(computed), tolerance, unsure=name in filled.unsure)


def rows(form: InformationForm, filled: Filled, table: Parameters, path: str) -> Iterator[Finding]:
    """R045, R046 and R047: where form two says another thing than the record."""
    yield from _places(form, filled, path)
    yield from _years(form, filled, path, _account_tolerance(filled, table))


def _account_tolerance(filled: Filled, table: Parameters) -> int:
    """By how many fen an amount of the account may differ."""
    ours = filled.form.sums
    years = len({row.year for row in filled.form.periods}) + 1
    return table.whole("account_tolerance", ours.transferred, ours.kind) * years


def _places(form: InformationForm, filled: Filled, path: str) -> Iterator[Finding]:
    """Months and bases by year and place."""
    given, ours = _by_place(form.periods), _by_place(filled.form.periods)
    for key in ours.keys() - given.keys():
        yield Finding("R045", f"{path}/sums/@months", f"months of {key[0]} at a place that the record has", "none")
    for key, rows in sorted(given.items()):
        at = f"{path}/period[{rows[0][0]}]"
        months, base = _contributed(rows)
        own_months, own_base = _contributed(ours.get(key, []))
        if months != own_months:
            yield Finding("R045", f"{at}/@months", "the months that the record has of this year and place", "others")
        else:
            yield from _amount(f"{at}/@base", base - own_base, months, unsure=False)


def _years(form: InformationForm, filled: Filled, path: str, tolerance: int) -> Iterator[Finding]:
    """What the account gained in each year, and what it closed with."""
    ours = {year: _year([row for _, row in rows]) for year, rows in by_year(filled.form.periods)}
    for year, rows in by_year(form.periods):
        if year in ours:
            for name, given, computed in zip(_YEAR, _year([row for _, row in rows]), ours[year], strict=True):
                place = f"{path}/period[{rows[-1][0]}]/@{attribute_name(name)}"
                yield from _amount(place, given - computed, tolerance, unsure=bool(filled.unsure))


def _amount(path: str, difference: int, tolerance: int, *, unsure: bool) -> Iterator[Finding]:
    if not difference:
        return
    if abs(difference) <= tolerance:
        yield Finding("R046", path, "what the record gives", "another amount, within rounding")
    else:
        yield Finding("R047" if unsure else "R045", path, "what the record gives", "another amount")


def _by_place(periods: Sequence[FormPeriod]) -> dict[tuple[str, str], list[Numbered]]:
    found: dict[tuple[str, str], list[Numbered]] = {}
    for number, row in enumerate(periods, 1):
        found.setdefault((row.year, row.division), []).append((number, row))
    return found


def _contributed(rows: Sequence[Numbered]) -> tuple[int, int]:
    """Months, and the sum of the bases of all of them in fen."""
    months = sum(fen(row.months) for _, row in rows)
    return months, sum(fen(row.base) * fen(row.months) for _, row in rows)


def _year(rows: Sequence[FormPeriod]) -> tuple[int, ...]:
    """The amounts of `_YEAR`: credited and interest of all rows together, the closing of the last one."""
    found: list[int] = []
    for name in _YEAR:
        amounts = [fen(getattr(row, name)) for row in rows]
        found.append(amounts[-1] if name.startswith("closing") else sum(amounts))
    return tuple(found)
