"""The invented people are true to the field: every rule finds them right, and the wrong ones wrong in one way."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import date
from random import Random
from statistics import median
from typing import Protocol, TypeVar

import pytest

from flows.synthetic.employers import COUNT, employer, freelance_agency
from flows.synthetic.names import FEMALE, MALE, full_name
from flows.synthetic.people import (
    already_contributed,
    bad_check_digit,
    large_person,
    other_name,
    overlapping_months,
    people,
    unbalanced_account,
)
from flows.synthetic.places import EARLIER, HANGZHOU, SHENZHEN, Place
from formats import identifiers, rules
from formats.messages import Delivery, Header
from formats.reasons import reason
from formats.record import Record
from formats.xml import decode, encode

ON = date(2026, 11, 22)
KINDS = ("110", "210", "310")
HEADER = Header(
    "0b9a1c1e-7a53-4a0e-9a39-2f6f6a3f6f10",
    "33010001-2026-000001",
    HANGZHOU.office,
    SHENZHEN.office,
    1,
    "2026-11-22T08:00:00Z",
    "test",
)


class _OfKind(Protocol):
    @property
    def kind(self) -> str:
        """The insurance kind (AAE140)."""


_Row = TypeVar("_Row", bound=_OfKind)


def _only(rows: Iterable[_Row], kinds: Collection[str]) -> tuple[_Row, ...]:
    return tuple(row for row in rows if row.kind in kinds)


def _delivery(record: Record, kinds: tuple[str, ...] = KINDS) -> Delivery:
    moving = replace(
        record,
        enrolments=_only(record.enrolments, kinds),
        contributions=_only(record.contributions, kinds),
        subsidies=_only(record.subsidies, kinds),
        benefits=_only(record.benefits, kinds),
        months=_only(record.months, kinds),
        account=_only(record.account, kinds),
    )
    return Delivery(HEADER, kinds, (), moving)


def _errors(record: Record) -> set[str]:
    findings = rules.check(_delivery(record), ON)
    return {finding.code for finding in findings if reason(finding.code).severity == "error"}


def _records(count: int, seed: int, home: Place = HANGZHOU, on: date = ON) -> list[Record]:
    return [record for _, record in people(count, seed, home=home, on=on)]


@pytest.mark.parametrize(("seed", "home"), [(1, HANGZHOU), (2, HANGZHOU), (3, SHENZHEN)])
def test_no_rule_refuses_anybody(seed: int, home: Place) -> None:
    """A delivery of any of a hundred people breaks no rule, and warns of nothing but their age."""
    codes = Counter(
        finding.code for record in _records(100, seed, home) for finding in rules.check(_delivery(record), ON)
    )
    assert set(codes) <= {"R023"}


@pytest.mark.parametrize("on", [date(2024, 2, 29), date(2026, 1, 1), date(2031, 12, 31)])
def test_people_of_any_day(on: date) -> None:
    """On other days too, leap days and years without a published rate among them, no rule refuses anybody."""
    for record in _records(30, 4, on=on):
        assert not rules.blocks(rules.check(_delivery(record), on))


def test_same_person_however_many() -> None:
    """Person 7 of a seed is the same among 7 as among 20; of another seed it is somebody else."""
    few, many = list(people(7, 1, home=HANGZHOU, on=ON)), list(people(20, 1, home=HANGZHOU, on=ON))
    assert many[:7] == few
    assert few[6][0] == "3301000000007"
    assert _records(7, 2)[6].person.name + _records(7, 2)[6].person.birth_date != (
        few[6][1].person.name + few[6][1].person.birth_date
    )


def test_people_come_one_by_one() -> None:
    """The first of a hundred million people is there at once."""
    assert next(people(10**8, 1, home=HANGZHOU, on=ON))[0] == "3301000000001"


def test_identity_numbers_are_valid_and_unique() -> None:
    """Every identity number has its check digit and says birth and sex; none comes twice among 400."""
    persons = [record.person for record in _records(400, 5)]
    assert all(identifiers.is_resident_number(person.social_security_number) for person in persons)
    assert all(identifiers.birth_date_of(p.social_security_number) == p.birth_date for p in persons)
    assert all(identifiers.sex_of(person.social_security_number) == person.sex for person in persons)
    assert len({person.social_security_number for person in persons}) == 400
    ages = [ON.year - int(person.birth_date[:4]) for person in persons]
    assert 21 <= min(ages) <= 23
    assert 57 <= max(ages) <= 59


def test_names_have_rare_characters_and_dots() -> None:
    """Among two hundred people there are characters that GBK lacks, and names of ethnic minorities with their dot."""
    names = [record.person.name for record in _records(200, 1)]
    assert any({"䶮", "𬀩"} & set(name) for name in names)
    assert any("·" in name for name in names)
    chance = Random("names")
    assert "·" in full_name(chance, MALE, "05", 1980)
    assert "·" not in full_name(chance, FEMALE, "04", 1990)


def test_employers_are_distinct_and_valid() -> None:
    """No two employers of a place share number, name or credit code, and every credit code is valid."""
    for place in (HANGZHOU, SHENZHEN, *EARLIER):
        all_of_them = [employer(place, number) for number in range(COUNT)] + [freelance_agency(place)]
        assert all(identifiers.is_credit_code(one.credit_code) for one in all_of_them)
        for field in ("employer_id", "name", "credit_code"):
            assert len({getattr(one, field) for one in all_of_them}) == COUNT + 1


def test_whole_working_lives() -> None:
    """Lives have the size of real ones, and everything a record can hold turns up among two hundred."""
    records = _records(200, 1)
    middle = [record for record in records if 1981 <= int(record.person.birth_date[:4]) <= 1996]
    assert 500 <= median(len(record.contributions) for record in middle) <= 800
    assert {row.kind for record in records for row in record.contributions} == {"110", "210", "310", "410", "510"}
    assert {row.kind for record in records for row in record.benefits} == {"210", "310", "510"}
    assert {row.contribution_type for record in records for row in record.contributions} == {"10", "31"}
    assert {row.contribution_status for record in records for row in record.enrolments} == {"1", "2", "3"}
    assert {row.topic for record in records for row in record.other} == {
        "deemed-service",
        "earlier-transfer",
        "professional-title",
    }
    assert any(record.subsidies for record in records)
    assert any(row.deemed != "0" for record in records for row in record.months)
    assert any(row.employer_paid < row.employer_due for record in records for row in record.contributions)
    assert {len({row.division for row in record.contributions}) for record in records} == {1, 2}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [(bad_check_digit, "R001"), (overlapping_months, "R014"), (unbalanced_account, "R017")],
)
def test_each_wrong_breaks_one_rule(wrong: Callable[[Record], Record], code: str) -> None:
    """Each of the three mistakes breaks exactly one rule, whoever it is made with."""
    for record in _records(30, 6):
        assert _errors(wrong(record)) == {code}


def test_wrongs_need_something_to_be_wrong_with() -> None:
    """A record without a paid pension month or account cannot be made wrong in these."""
    empty = Record(_records(1, 1)[0].person)
    for wrong in (overlapping_months, unbalanced_account):
        with pytest.raises(ValueError, match="pension"):
            wrong(empty)


def test_receiver_has_paid_months_of_the_same_person() -> None:
    """The receiving office's record is right in itself, and shares person and paid months with the delivery."""
    for record in _records(20, 7):
        there = already_contributed(record, SHENZHEN)
        assert there.person == record.person
        assert _errors(there) == set()
        assert {row.division for row in there.contributions} == {SHENZHEN.city}
        for kind in ("110", "310"):
            paid = {row.month for row in record.contributions if row.kind == kind}
            assert paid & {row.month for row in there.contributions if row.kind == kind}


def test_receiver_has_another_name() -> None:
    """The other name belongs to the same number."""
    for record in _records(20, 8):
        other = other_name(record).person
        assert other.social_security_number == record.person.social_security_number
        assert other.name != record.person.name
        assert other_name(other_name(record)).person.name != other.name


@pytest.mark.parametrize("contributions", [3, 100, 1440, 1441, 2000, 2880])
def test_large_person_has_so_many_rows(contributions: int) -> None:
    """The benchmarks' person has exactly the contributions asked for."""
    assert len(large_person(1, 1, contributions)[1].contributions) == contributions


@pytest.mark.parametrize("contributions", [0, 2, 2881])
def test_large_person_has_bounds(contributions: int) -> None:
    """Lives without three months, or longer than 40 years in six kinds, are refused."""
    with pytest.raises(ValueError, match="480 months"):
        large_person(1, 1, contributions)


def test_large_person_is_a_life_that_keeps_every_rule() -> None:
    """1,440 contributions, 60 account years, 24 benefits not drawn any more, and nothing wrong."""
    number, record = large_person(17, 1)
    assert number == "3301000000017"
    assert (len(record.contributions), len(record.account), len(record.benefits)) == (1440, 60, 24)
    assert _errors(record) == set()
    assert large_person(17, 1) == (number, record)
    assert large_person(18, 1)[1].person.social_security_number != record.person.social_security_number


def test_people_survive_xml() -> None:
    """Records follow the schema and come back from XML as they were; the large one has about half a megabyte."""
    for record in _records(10, 9):
        assert decode(encode(_delivery(record))) == _delivery(record)
    document = encode(_delivery(large_person(1, 1)[1]))
    assert 400_000 <= len(document) <= 700_000
    assert decode(document) == _delivery(large_person(1, 1)[1])
