"""Filling in the information form (基本养老保险关系转移接续信息表) from a record.

Form two has a row for each run of months of one year with the same place, base and rates (人社部发〔2009〕187号). What
a year credited beyond its counted months (a half-paid month, a late payment) stands in the year's last row, and so do
the year's interest and, as `closing`, the balance at its end; in an earlier row `closing` is the balance so far. A year
in which no month counts has no row: its interest is in the next closing. Years before the account was opened credit
nothing.

Form one sums up what moves (国办发〔2009〕66号 art. 4): the account (`account.py`), and of the pooled fund 12 % of the
contribution wages of all months from 1998-01 on, in integers. Of residents (170) only the account moves
(人社部发〔2014〕17号 art. 5), of a temporary account everything that was contributed (66号 art. 5).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from formats.codes import divisions
from formats.information_form import FormPeriod, FormSums, InformationForm
from formats.pension.account import MovedAccount, moved_account
from formats.pension.money import fen, part, yuan
from formats.pension.months import CountedMonth, counted_months
from formats.pension.parameters import Parameters
from formats.record import AccountYear, Record

_RATE, _HIGHEST_RATE = 10_000, 99_999  # ten-thousandths; the schema has one digit before the point
_RESIDENT = "170"
_RAISED = "记账比例低于规定比例的部分已补计"  # in form two where the record is to be adjusted


@dataclass(frozen=True, slots=True)
class Filled:
    """A form, and what is to be told of how it came about.

    `told` are reason codes of warnings: R050 credited below the rate, R051 above it, R052 interest missing. `unsure`
    are the fields of form one in which a figure had a part that no rule gives.
    """

    form: InformationForm
    told: tuple[str, ...] = ()
    unsure: frozenset[str] = frozenset()


def fill(
    record: Record, kind: str, at: date, parameters: Parameters, *, temporary: bool = False
) -> InformationForm | None:
    """The form of one insurance kind on a day of transfer; None where no month of the kind counts.

    `temporary`: what is moved is a temporary account (临时基本养老保险缴费账户).
    """
    filled = fill_and_tell(record, kind, at, parameters, temporary=temporary)
    return None if filled is None else filled.form


def fill_and_tell(
    record: Record, kind: str, at: date, parameters: Parameters, *, temporary: bool = False
) -> Filled | None:
    """As `fill`, with what is to be told."""
    months = counted_months(record.contributions, (kind,))
    if not months:
        return None
    rows = [row for row in record.account if row.kind == kind]
    moved = moved_account(rows, months, kind, at, parameters, whole=temporary or kind == _RESIDENT)
    pooled = 0 if temporary else pooled_fund(months, kind, parameters, at)
    account = moved.before_1998 + moved.until_last_year + moved.this_year
    since = str(min(moved.years, default=at.year))  # years without an account credit nothing
    opened = next((one.month for one in months if one.credited > 0 and one.month >= since), "")
    sums = FormSums(
        kind=kind,
        first=months[0].month,
        last=months[-1].month,
        months=str(len(months)),
        transferred=at.isoformat(),
        before_1998=yuan(moved.before_1998),
        until_last_year=yuan(moved.until_last_year),
        this_year=yuan(moved.this_year),
        account=yuan(account),
        pooled=yuan(pooled),
        total=yuan(account + pooled),
        employer=_employer(record, months[-1].employer_id),
        first_work_date=record.person.first_work_date,
        first_contribution=months[0].month,
        account_opened=opened,
        temporary="1" if temporary else "0",
    )
    told = (("R050", bool(moved.short)), ("R051", moved.above), ("R052", moved.without_interest))
    return Filled(
        InformationForm(sums, tuple(_periods(months, moved))),
        tuple(code for code, holds in told if holds),
        frozenset({"before_1998", "until_last_year", "this_year", "account", "total"} if moved.unsure else ()),
    )


def pooled_fund(months: Sequence[CountedMonth], kind: str, parameters: Parameters, at: date) -> int:
    """What moves of the pooled fund, in fen: the rate in force in each month times the month's base.

    Where it is rounded (each month, each year, or once) is a parameter. Kinds without the rate move nothing of it.
    """
    rounding = parameters.text("pooled_rounding", at.isoformat(), kind)
    groups: dict[str, int] = {}
    for month in months:
        key = {"month": month.month, "year": month.month[:4]}.get(rounding, "")
        groups[key] = groups.get(key, 0) + month.base * parameters.whole("pooled_rate", month.month, kind)
    return sum(part(products, 1, _RATE) for products in groups.values())


def _periods(months: Sequence[CountedMonth], moved: MovedAccount) -> Iterator[FormPeriod]:
    """The rows of form two."""
    for year, of_year in groupby(months, key=lambda month: int(month.month[:4])):
        runs = list(_runs(list(of_year)))
        row, short = moved.years.get(year), moved.short.get(year, 0)
        raised_before = moved.raised.get(year - 1, 0)
        so_far, own_so_far = _opening(row, moved, year)
        rest, own_rest = fen(row.credited) if row else 0, fen(row.credited_person) if row else 0
        for number, run in enumerate(runs, 1):
            credited, own = _credited(run) if row or year > max(moved.years, default=0) else (0, 0)
            interest = own_interest = 0
            ends = number == len(runs)
            if ends and row is not None:
                credited, own = rest + short, own_rest
                interest = fen(row.interest) + moved.raised.get(year, 0) - raised_before - short
                own_interest = fen(row.interest_person)
            rest, own_rest = rest - credited, own_rest - own
            so_far, own_so_far = so_far + credited, own_so_far + own
            closing, own_closing = (so_far, own_so_far) if not ends or row is None else _closing(row, moved)
            yield _period(
                run,
                (credited, own, interest, own_interest, closing, own_closing),
                _RAISED if ends and short else "",
            )


def _opening(row: AccountYear | None, moved: MovedAccount, year: int) -> tuple[int, int]:
    """What the account holds before the year's first month: in all, and of it the person's."""
    if row is not None:
        return fen(row.opening) + moved.raised.get(year - 1, 0), fen(row.opening_person)
    before = max((earlier for earlier in moved.years if earlier < year), default=0)
    return _closing(moved.years[before], moved) if before else (0, 0)


def _credited(run: Sequence[CountedMonth]) -> tuple[int, int]:
    return sum(month.credited for month in run), sum(month.credited_person for month in run)


def _closing(row: AccountYear, moved: MovedAccount) -> tuple[int, int]:
    return fen(row.closing) + moved.raised.get(int(row.year), 0), fen(row.closing_person)


def _runs(months: Sequence[CountedMonth]) -> Iterator[list[CountedMonth]]:
    """Months of one year, cut where a month is missing and where place, base or a rate changes."""
    run: list[CountedMonth] = []
    for month in months:
        if run and (int(month.month[5:]) != int(run[-1].month[5:]) + 1 or _terms(month) != _terms(run[-1])):
            yield run
            run = []
        run.append(month)
    yield run


def _terms(month: CountedMonth) -> tuple[str, int, str, int, str]:
    return month.division, month.base, month.employer_rate, month.account_rate, month.person_rate


def _period(run: Sequence[CountedMonth], amounts: tuple[int, ...], remark: str) -> FormPeriod:
    first, last = run[0], run[-1]
    known = divisions().get(first.division)
    rate = min(first.account_rate, _HIGHEST_RATE)
    return FormPeriod(
        division=first.division,
        division_name=known.zh if known else first.division,
        year=first.month[:4],
        first=first.month,
        last=last.month,
        months=str(len(run)),
        base=yuan(first.base),
        employer_rate=first.employer_rate,
        account_rate=f"{rate // _RATE}.{rate % _RATE:04d}",
        person_rate=first.person_rate,
        credited=yuan(amounts[0]),
        credited_person=yuan(amounts[1]),
        interest=yuan(amounts[2]),
        interest_person=yuan(amounts[3]),
        closing=yuan(amounts[4]),
        closing_person=yuan(amounts[5]),
        remark=remark,
    )


def _employer(record: Record, employer_id: str) -> str:
    return next((one.name for one in record.employers if one.employer_id == employer_id), "")
