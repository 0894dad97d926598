"""Who comes back, or moves to and fro: what this office handed over before is stored once, and what is new comes in."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.records import RecordsDatabase
from archive.records_connection import RecordsConnection
from archive.records_rows import Rows
from archive.records_sql import Statements
from formats.digest import sha256
from formats.messages import Correction, Delivery
from formats.profile import canonical
from formats.record import Contribution, Record
from tests.builders import (
    KINDS,
    RECEIVER,
    SENDER,
    a_contribution,
    a_delivery,
    a_header,
    a_month_total,
    a_person,
    a_record,
    an_employer,
    an_enrolment,
    months,
)

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
PLACES = {SENDER: "330106", RECEIVER: "440305"}


def _paid(first: str, count: int, office: str = SENDER, kind: str = "310", **changes: str) -> tuple[Contribution, ...]:
    """Months paid at an office's place to its own employer E1."""
    return tuple(
        a_contribution(kind, month, **{"division": PLACES[office], "employer_id": "E1", **changes})
        for month in months(first, count)
    )


def _record(*rows: Contribution) -> Record:
    return Record(a_person(), employers=(an_employer(employer_id="E1"),), contributions=rows)


def _moved(record: Record, sender: str, number: int = 1, kinds: tuple[str, ...] = ("310",)) -> Delivery:
    """A delivery of this record by this office, in a case of its own."""
    return a_delivery(header=a_header(case=f"{sender}-2026-{number:06d}", sender=sender), record=record, kinds=kinds)


def _take_in(records: RecordsDatabase, delivery: Delivery) -> list[str]:
    return [finding.code for finding in records.take_in(delivery, sha256(repr(delivery).encode()), AT)]


def _months(records: RecordsDatabase, person: str) -> list[tuple[str, str]]:
    return sorted((row.month, row.division) for row in records.read(person, KINDS).contributions)


@pytest.mark.parametrize("kind", ["110", "310"])
def test_own_months_come_back_once(records: RecordsDatabase, kind: str) -> None:
    """What this office contributed and another brings back with its own months is neither an overlap nor there twice."""
    own, new = _paid("2020-01", 12, kind=kind), _paid("2021-01", 6, RECEIVER, kind)
    records.add([("1", _record(*own))])
    assert _take_in(records, _moved(_record(*own, *new), RECEIVER, kinds=(kind,))) == []
    read = records.read("1", KINDS)
    assert Counter(row._replace(employer_id="") for row in read.contributions) == Counter(
        row._replace(employer_id="") for row in (*own, *new)
    )
    assert {row.employer_id for row in read.contributions if row.division == PLACES[SENDER]} == {"E1"}


def test_an_office_that_keeps_less_brings_the_same_months_back(records: RecordsDatabase) -> None:
    """Wage, settlement, day and rates may be written down otherwise; the office's own rows stay as they are."""
    own = _paid("2020-01", 3)
    records.add([("1", _record(*own))])
    other = [row._replace(wage="1.00", settled="2020-12", received="2020-12-31", employer_rate="0.0700") for row in own]
    assert _take_in(records, _moved(_record(*other), RECEIVER)) == []
    assert set(records.read("1", KINDS).contributions) == set(own)


@pytest.mark.parametrize(
    "change", [{"division": "440305"}, {"base": "7000.01"}, {"person_paid": "0.01"}, {"employer_due": "9.99"}], ids=str
)
def test_other_figures_are_an_overlap(records: RecordsDatabase, change: dict[str, str]) -> None:
    """L301: a month of another place or amount is another contribution of the same month."""
    own = _paid("2020-01", 3)
    records.add([("1", _record(*own))])
    assert _take_in(records, _moved(_record(own[0], own[1]._replace(**change)), RECEIVER)) == ["L301"]
    assert set(records.read("1", KINDS).contributions) == set(own)


def test_a_month_that_both_paid_still_overlaps(records: RecordsDatabase) -> None:
    """L307 for the one month that was paid twice, not for those that come back; that month is there twice to be cleared."""
    own = _paid("2020-01", 12, kind="110")
    twice = _paid("2020-12", 2, RECEIVER, "110")
    records.add([("1", _record(*own))])
    assert _take_in(records, _moved(_record(*own, *twice), RECEIVER, kinds=("110",))) == ["L307"]
    assert len(_months(records, "1")) == 14


def test_to_and_fro(records: RecordsDatabase) -> None:
    """Who moved here, away, and here again brings the months since; the same relation without new ones is L302."""
    first, away, since = _paid("2019-01", 12), _paid("2020-01", 12, RECEIVER), _paid("2021-01", 12)
    assert _take_in(records, _moved(_record(*first), SENDER, 1)) == []
    person = records.persons()[0]
    before = records.read(person, KINDS)
    assert _take_in(records, _moved(_record(*first), SENDER, 2)) == ["L302"]
    assert _take_in(records, _moved(_record(), SENDER, 3)) == ["L302"]
    assert records.read(person, KINDS) == before
    assert _take_in(records, _moved(_record(*first, *away, *since), SENDER, 4)) == []
    assert len(_months(records, person)) == len(set(_months(records, person))) == 36
    assert _take_in(records, _moved(_record(*first, *away, *since), SENDER, 5)) == ["L302"]


def test_other_figures_of_what_was_brought_before(records: RecordsDatabase) -> None:
    """L302: a second case of the sender that brings other figures of a month is no move, even with new months."""
    first = _paid("2019-01", 3, kind="110")
    assert _take_in(records, _moved(_record(*first), SENDER, 1, ("110",))) == []
    other = (first[0]._replace(base="6000.00"), *_paid("2019-04", 1, kind="110"))
    before = records.read(records.persons()[0], KINDS)
    assert _take_in(records, _moved(_record(*other), SENDER, 2, ("110",))) == ["L302"]
    assert records.read(records.persons()[0], KINDS) == before


def test_spells_and_equal_rows_once(records: RecordsDatabase) -> None:
    """A spell that came back stays as the office has it; totals, years, subsidies, benefits that are equal stay once."""
    spell = an_enrolment(kind="310", ended="2021-12-31", base="", contribution_status="3")
    whole = a_record(enrolments=(spell,))
    records.add([("1", whole)])
    returned = replace(whole, enrolments=(spell._replace(ended="", base="7000.00", contribution_status="1"),))
    assert _take_in(records, _moved(returned, RECEIVER, kinds=KINDS)) == []
    assert records.read("1", KINDS) == whole


def test_a_correction_leaves_the_office_s_own_months(records: RecordsDatabase) -> None:
    """A correction of what came with them changes only that; of a month that is the office's own it is L306."""
    own, new = _paid("2020-01", 2), _paid("2021-01", 2, RECEIVER)
    records.add([("1", _record(*own))])
    brought = _moved(_record(*own, *new), RECEIVER)
    assert records.take_in(brought, "1" * 64, AT) == ()
    correction = Correction(brought.header.message_id, "1" * 64, "C420", ())
    right = replace(brought, record=_record(*own, new[0], new[1]._replace(base="6000.00")), correction=correction)
    assert records.take_in(right, "2" * 64, AT, {"1" * 64: brought}) == ()
    assert Counter(row.base for row in records.read("1", KINDS).contributions) == {own[0].base: 3, "6000.00": 1}
    correction = Correction(brought.header.message_id, "2" * 64, "C420", ())
    theirs = replace(right, record=_record(own[0]._replace(base="6000.00"), own[1], *new), correction=correction)
    findings = records.take_in(theirs, "3" * 64, AT, {"2" * 64: right})
    assert [finding.code for finding in findings] == ["L306"]


def test_a_correction_that_adds_what_is_here(records: RecordsDatabase) -> None:
    """A month that was left out of the delivery and is the office's own is not stored beside itself."""
    own, new = _paid("2020-01", 2), _paid("2021-01", 2, RECEIVER)
    records.add([("1", _record(*own))])
    brought = _moved(_record(*new), RECEIVER)
    assert records.take_in(brought, "1" * 64, AT) == ()
    correction = Correction(brought.header.message_id, "1" * 64, "C420", ())
    whole = replace(brought, record=_record(*own, *new), correction=correction)
    assert records.take_in(whole, "2" * 64, AT, {"1" * 64: brought}) == ()
    assert len(_months(records, "1")) == 4


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_any_number_of_moves(stays: Sequence[int]) -> None:
    """However often somebody moves between two offices, each holds every month that was brought to it once."""
    with TemporaryDirectory() as folder:
        urls = {code: f"sqlite:///{Path(folder) / code}.db" for code in PLACES}
        offices = {code: RecordsDatabase(url, canonical()) for code, url in urls.items()}
        for office in offices.values():
            office.create_schema()
        here, there = SENDER, RECEIVER
        offices[here].add([("1", _record())])
        persons, paid = {here: "1"}, list[Contribution]()
        for turn, length in enumerate(stays, 1):
            rows = _paid(f"{2000 + turn}-01", length, here)
            _book(urls[here], persons[here], rows)
            paid += rows
            delivery = _moved(offices[here].read(persons[here], KINDS), here, turn)
            nothing_new = turn > 2 and not length
            assert _take_in(offices[there], delivery) == (["L302"] if nothing_new else [])
            persons.setdefault(there, f"{here}2026{turn:06d}")
            assert _months(offices[there], persons[there]) == sorted((row.month, row.division) for row in paid)
            here, there = there, here
        for office in offices.values():
            office.close()


def _book(url: str, person: str, rows: Sequence[Contribution]) -> None:
    """The office's own system books months of a person."""
    database, profile = RecordsConnection(url), canonical()
    with database.transaction(write=True) as connection:
        there = Rows(connection, profile, Statements(profile, database.dialect))
        there.store_employers([an_employer(employer_id="E1")])
        there.insert_part("contributions", [person] * len(rows), rows)
    database.close()


@pytest.mark.parametrize("part", ["contributions", "months"])
def test_a_correction_never_takes_an_own_row_away(records: RecordsDatabase, part: str) -> None:
    """L306 for a row that was here before the delivery brought it, also where nothing in the row says whose it is."""
    own = _paid("2020-01", 2, employer_id="")
    total = a_month_total("310", first="2020-01", last="2020-02", actual="2", total="2")
    whole = Record(a_person(), contributions=own, months=(total,))
    records.add([("1", whole)])
    brought = _moved(whole, RECEIVER)
    assert records.take_in(brought, "1" * 64, AT) == ()
    assert records.read("1", KINDS) == whole
    less = replace(whole, **{part: getattr(whole, part)[1:]})
    correction = Correction(brought.header.message_id, "1" * 64, "C420", ())
    corrected = replace(brought, record=less, correction=correction)
    assert [one.code for one in records.take_in(corrected, "2" * 64, AT, {"1" * 64: brought})] == ["L306"]
    assert records.read("1", KINDS) == whole


@pytest.mark.parametrize("kind", ["110", "310"])
def test_what_was_here_twice_before_is_no_overlap_of_the_delivery(records: RecordsDatabase, kind: str) -> None:
    """An own month at two places is not the delivery's doing: neither when it comes again nor when it is corrected."""
    own, elsewhere = _paid("2020-01", 1, kind=kind), _paid("2020-01", 1, kind=kind, division="330108")
    new = _paid("2021-01", 1, RECEIVER, kind)
    records.add([("1", _record(*own, *elsewhere))])
    brought = _moved(_record(*own, *new), RECEIVER, kinds=(kind,))
    for _ in range(2):
        assert records.take_in(brought, "1" * 64, AT) == ()
    correction = Correction(brought.header.message_id, "1" * 64, "C420", ())
    right = replace(brought, record=_record(*own, new[0]._replace(base="6000.00")), correction=correction)
    assert records.take_in(right, "2" * 64, AT, {"1" * 64: brought}) == ()
    assert len(_months(records, "1")) == 3
