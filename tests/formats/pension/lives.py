"""Short pension records for the tests: contributions by month, and the account that follows from them."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from formats.interest import millionths, year_interest
from formats.pension.money import fen, yuan
from formats.pension.parameters import parameters
from formats.record import AccountYear, Contribution, Record
from tests import builders as a

ON = date(2022, 3, 1)
FIGURES = parameters()
# Made-up places are not needed: these two are in the table of divisions.
HANGZHOU, WUHAN = "330100", "420100"
_PERSON_RATE = 800


def month(
    when: str,
    base: int = 7000_00,
    *,
    account: int = _PERSON_RATE,
    kind: str = "110",
    employer_rate: int = 1600,
    **changes: str,
) -> Contribution:
    """A fully paid month; `base` in fen, `account` the rate of the account in ten-thousandths.

    The person pays 8 % of the base, or less where the account's rate is lower; the rest of the account is the
    employer's.
    """
    person_rate = min(_PERSON_RATE, account)
    person = yuan(base * person_rate // 10_000)
    employer_account = yuan(base * (account - person_rate) // 10_000)
    employer = yuan(max(base * employer_rate // 10_000, fen(employer_account)))
    return Contribution(
        kind=kind,
        month=when,
        settled=when,
        contribution_type="10",
        division=HANGZHOU,
        employer_id=a.EMPLOYER,
        wage=yuan(base),
        base=yuan(base),
        employer_rate=f"{employer_rate / 10_000:.4f}",
        person_rate=f"{person_rate / 10_000:.4f}",
        employer_due=employer,
        employer_due_account=employer_account,
        person_due=person,
        person_due_account=person,
        employer_paid=employer,
        employer_paid_account=employer_account,
        person_paid=person,
        person_paid_account=person,
        received=f"{when}-20",
    )._replace(**changes)


def year_of(year: int, base: int = 7000_00, **changes: Any) -> list[Contribution]:
    """Twelve months of a year."""
    return [month(when, base, **changes) for when in a.months(f"{year}-01", 12)]


def an_account(
    rows: Iterable[Contribution], rates: Mapping[int, str], kind: str = "110", until: int = 0
) -> list[AccountYear]:
    """The account of these rows, by the year method; `rates` by year, a year without one bears no interest."""
    credited: dict[int, list[int]] = {}
    for row in rows:
        if row.kind == kind:
            sums = credited.setdefault(int(row.month[:4]), [0, 0])
            sums[0] += fen(row.person_paid_account) + fen(row.employer_paid_account)
            sums[1] += fen(row.person_paid_account)
    years: list[AccountYear] = []
    whole = part = 0
    for year in range(min(credited), max(until, *credited) + 1):
        rate = rates.get(year, "0.000000")
        texts: list[str] = []
        for opening, added in ((whole, credited.get(year, [0, 0])[0]), (part, credited.get(year, [0, 0])[1])):
            earned = year_interest(opening, added, millionths(rate))
            texts += [yuan(opening), yuan(added), yuan(earned), "0.00", yuan(opening + added + earned)]
        whole, part = fen(texts[4]), fen(texts[9])
        years.append(AccountYear(kind, str(year), "12", rate, *texts))
    return years


def a_life(rows: Iterable[Contribution], account: Iterable[AccountYear] = (), **person: str) -> Record:
    """A record of a pension and nothing else."""
    rows = tuple(rows)
    return Record(person=a.a_person(**person), employers=(a.an_employer(),), contributions=rows, account=tuple(account))
