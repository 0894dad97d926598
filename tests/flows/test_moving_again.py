"""Who moves from one office to another, back, and there again: each office ends with every month once."""

import sqlite3
from contextlib import closing
from pathlib import Path

from archive import cases
from archive.cases import NewCase
from flows.synthetic.places import HANGZHOU, SHENZHEN
from flows.times import now
from flows.wiring import Office
from tests import exchange as ex
from tests.office import Pair, exchange, fill, found_pair, some_people

KIND = "210"  # unemployment insurance: it has months and no account

# A month as the one before it, but for month, place and days.
_BOOK = """
INSERT INTO ac43 SELECT DISTINCT aac001, aae140, :month, :month, aaa115, :place, aab001, aac040, aae180, aaa042, aaa041,
       aae020, aae021, aae022, aae023, aae080, aae081, aae082, aae083, :month || '28'
FROM ac43 WHERE aac001 = :person AND aae140 = :kind AND aae003 = (
    SELECT max(aae003) FROM ac43 WHERE aac001 = :person AND aae140 = :kind)
"""
_TOTALS = """
INSERT INTO ac50 SELECT aac001, aae140, min(aae003), max(aae003), count(DISTINCT aae003), 0, count(DISTINCT aae003)
FROM ac43 WHERE aac001 = :person AND aae140 = :kind GROUP BY aac001, aae140
"""


def _book(home: Path, person: str, place: str, *months: str) -> None:
    """The office's own system books months, and has one total a kind, as for everybody."""
    named = {"person": person, "kind": KIND, "place": place}
    with closing(sqlite3.connect(home / "records.db")) as database, database:
        for month in months:
            database.execute(_BOOK, {**named, "month": month})
        database.execute("DELETE FROM ac50 WHERE aac001 = :person AND aae140 = :kind", named)
        database.execute(_TOTALS, named)


def _move(pair: Pair, person: str) -> str:
    """The case in which the person's relation goes over, to its receipt."""
    with Office.at(pair.sender) as office:
        partner = SHENZHEN.office if office.code == HANGZHOU.office else HANGZHOU.office
        (number,) = cases.number_cases(office.ledger, office.code, 1, now())
        cases.open_cases(office.ledger, [NewCase(number, partner, person, (KIND,))], "staff-1", now())
        for stage in office.settings.stages:
            cases.approve(office.ledger, [number], stage, f"staff-{stage}", now(), office.settings.stages)
    exchange(pair)
    return number


def _months(home: Path, person: str) -> list[tuple[str, str]]:
    with Office.at(home) as office:
        return sorted((row.month, row.division) for row in office.records.read(person, (KIND,)).contributions)


def test_there_and_back_and_there_again(tmp_path: Path) -> None:
    """Three moves with months paid in between are three accepted cases; the fourth, with nothing new, is L302."""
    there = found_pair(tmp_path)
    back = Pair(there.receiver, there.sender)
    _, (own, record) = some_people(2)  # paid until June 2026
    fill(there.sender, [(own, record)])
    _book(there.sender, own, "330100")
    first = _months(there.sender, own)

    number = _move(there, own)
    away = number.replace("-", "")
    _book(there.receiver, away, "440305", "202607", "202608")
    returned = _move(back, away)
    assert ex.case(there.sender, returned).state == ex.case(there.receiver, returned).state == "accepted"
    second = [*first, ("2026-07", "440305"), ("2026-08", "440305")]
    assert _months(there.sender, own) == second

    _book(there.sender, own, "330100", "202609")
    again = _move(there, own)
    assert ex.case(there.sender, again).state == ex.case(there.receiver, again).state == "accepted"
    assert _months(there.receiver, away) == _months(there.sender, own) == [*second, ("2026-09", "330100")]

    twice = _move(there, own)
    assert (ex.case(there.sender, twice).state, ex.codes(ex.case(there.sender, twice).findings)) == (
        "rejected",
        {"L302"},
    )
    assert ex.problems(there) == ()
