"""A correction takes the place of what its case brought to the records database; SQLite and PostgreSQL."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.records import RecordsDatabase
from archive.records_replacing import replaced
from formats.messages import Delivery
from formats.profile import canonical_text, parse
from formats.record import Record
from tests.builders import (
    CASE,
    KINDS,
    a_contribution,
    a_delivery,
    a_header,
    a_person,
    a_record,
    an_employer,
    an_enrolment,
    an_entry,
)
from tests.letters import a_correction

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
NUMBER = CASE.replace("-", "")  # the person number that a first delivery brings
FIRST = "0" * 64


def _execute(url: str, statement: str) -> None:
    """Run a statement past the records database."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def _correction(record: Record, of: str = FIRST, **changes: Any) -> Delivery:
    """A correction of the document with the digest `of`."""
    said = a_correction().correction
    assert said is not None
    return a_delivery(record=record, correction=replace(said, digest=of), **changes)


def _codes(findings: object) -> list[str]:
    assert isinstance(findings, tuple)
    return [finding.code for finding in findings]


def _rows(record: Record) -> dict[str, Counter[Any]]:
    parts = ("enrolments", "contributions", "subsidies", "benefits", "months", "account")
    return {part: Counter(getattr(record, part)) for part in parts}


_CONTRIBUTIONS = st.lists(
    st.builds(
        a_contribution,
        st.just("110"),
        st.sampled_from([f"2021-{month:02}" for month in range(1, 5)]),
        st.sampled_from([500_000, 600_000, 700_000]),
    ),
    max_size=6,
)
_ENROLMENTS = st.lists(st.builds(lambda kind: an_enrolment(kind=kind), st.sampled_from(KINDS)), max_size=3)


@given(
    st.lists(
        st.builds(
            lambda paid, kept: a_record(contributions=tuple(paid), enrolments=tuple(kept)), _CONTRIBUTIONS, _ENROLMENTS
        ),
        min_size=2,
        max_size=5,
    )
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_corrected_again_and_again(records: RecordsDatabase, versions: list[Record]) -> None:
    """Whatever the corrections on the way, what stands is what the last one says; each of them twice is once."""
    case = f"33010001-2026-{next(_CASES):06}"
    person = a_person(social_security_number=f"C{case}")
    header = a_header(case=case)
    versions = [replace(version, person=person) for version in versions]
    delivery, digest = a_delivery(header=header, record=versions[0]), f"{0:064}"
    assert records.take_in(delivery, digest, AT) == ()
    for number, version in enumerate(versions[1:], start=1):
        known = {digest: delivery}
        delivery = _correction(version, of=digest, header=header)
        digest = f"{number:064}"
        assert records.take_in(delivery, digest, AT, known) == ()
        assert records.take_in(delivery, digest, AT, known) == ()
    stored = records.read(case.replace("-", ""), KINDS)
    assert _rows(stored) == _rows(versions[-1])
    mark = records.taken_in(case)
    assert mark is not None
    assert mark.digest == digest


_CASES = iter(range(1, 1_000_000))


@given(_CONTRIBUTIONS, _CONTRIBUTIONS)
def test_what_is_replaced(before: list[Any], after: list[Any]) -> None:
    """Taking out and putting in what `replaced` names makes the one record's rows the other's; nothing else is named."""
    old, new = a_record(contributions=tuple(before)), a_record(contributions=tuple(after))
    rows = Counter(before)
    for item in replaced(old, new, ["contributions"]):
        assert item.before != item.after
        assert rows[item.row] == item.before
        rows[item.row] = item.after
    assert +rows == Counter(after)


def test_a_correction_of_another_document(records: RecordsDatabase) -> None:
    """L305: the correction names another document than was taken in, one that is not kept here, or another person."""
    delivery = a_delivery()
    assert records.take_in(delivery, FIRST, AT) == ()
    known = {FIRST: delivery}
    assert _codes(records.take_in(_correction(a_record(), of="1" * 64), "2" * 64, AT, known)) == ["L305"]
    assert _codes(records.take_in(_correction(a_record()), "2" * 64, AT)) == ["L305"]
    other = a_record(person=a_person(social_security_number="11010119900307109X"))
    assert _codes(records.take_in(_correction(other), "2" * 64, AT, known)) == ["L305"]
    assert records.read(NUMBER, KINDS) == a_record()


def test_a_delivery_that_corrects_nothing(records: RecordsDatabase) -> None:
    """L302 stays for a second delivery of a case that does not say what it corrects."""
    assert records.take_in(a_delivery(), FIRST, AT) == ()
    assert _codes(records.take_in(a_delivery(record=a_record(contributions=())), "1" * 64, AT)) == ["L302"]


@pytest.mark.parametrize(
    ("change", "afterwards"),
    [
        ("UPDATE ac43 SET aae180 = '1.00' WHERE aae003 = '202101'", []),
        ("DELETE FROM ac43 WHERE aae003 = '202101'", []),
        ("INSERT INTO ac43 SELECT * FROM ac43 WHERE aae003 = '202101'", ["L307"]),
    ],
    ids=["changed", "gone", "a twin"],
)
def test_changed_here_since(records: RecordsDatabase, database_url: str, change: str, afterwards: list[str]) -> None:
    """L306 when a row that is to be replaced does not stand as it was brought; a row that stays may have been changed.

    A twin is a month that was paid here too, to be cleared.
    """
    paid = (a_contribution(month="2021-01"), a_contribution(month="2021-02"))
    delivery = a_delivery(record=a_record(contributions=paid))
    assert records.take_in(delivery, FIRST, AT) == ()
    _execute(database_url, change)
    before = records.read(NUMBER, KINDS)
    known = {FIRST: delivery}
    assert _codes(records.take_in(_correction(a_record(contributions=paid[1:])), "1" * 64, AT, known)) == ["L306"]
    assert records.read(NUMBER, KINDS) == before
    other = _correction(a_record(contributions=(paid[0], a_contribution(month="2021-03"))))
    assert _codes(records.take_in(other, "1" * 64, AT, known)) == afterwards


def test_months_of_others_still_overlap(records: RecordsDatabase) -> None:
    """L301 looks at what others brought or paid here, never at what the corrected delivery brought itself."""
    first = a_delivery(record=a_record(contributions=(a_contribution("310", "2021-01"),)))
    assert records.take_in(first, FIRST, AT) == ()
    case = "44030001-2026-000999"
    elsewhere = a_delivery(
        header=a_header(case=case, sender="44030001"),
        record=a_record(contributions=(a_contribution("310", "2021-02"),)),
    )
    assert records.take_in(elsewhere, "9" * 64, AT) == ()
    known = {FIRST: first}
    twice = a_contribution("310", "2021-02", division="440300")
    both = a_record(contributions=(a_contribution("310", "2021-01", 600_000), twice))
    assert _codes(records.take_in(_correction(both), "1" * 64, AT, known)) == ["L301"]
    own = a_record(contributions=(a_contribution("310", "2021-01", 600_000), a_contribution("310", "2021-03")))
    assert records.take_in(_correction(own), "1" * 64, AT, known) == ()
    assert sorted(row.month for row in records.read(NUMBER, KINDS).contributions) == ["2021-01", "2021-02", "2021-03"]


def test_whose_the_person_is(records: RecordsDatabase) -> None:
    """A corrected name is taken over where the case brought the person; of somebody who was here it is L303."""
    delivery, known = a_delivery(), {FIRST: a_delivery()}
    renamed = _correction(a_record(person=a_person(name="王改名")))
    assert records.take_in(delivery, FIRST, AT) == ()
    assert records.take_in(renamed, "1" * 64, AT, known) == ()
    assert records.read(NUMBER, KINDS).person.name == "王改名"

    here = a_person(social_security_number="HERE")
    records.add([("7", Record(person=here))])
    second = a_delivery(header=a_header(case="33010001-2026-000777"), record=a_record(person=here))
    assert records.take_in(second, "3" * 64, AT) == ()
    wrong = _correction(
        a_record(person=here._replace(name="王改名")), of="3" * 64, header=a_header(case="33010001-2026-000777")
    )
    assert _codes(records.take_in(wrong, "4" * 64, AT, {"3" * 64: second})) == ["L303"]
    assert records.read("7", KINDS).person.name == here.name


def test_employers_and_entries_stay(records: RecordsDatabase) -> None:
    """An employer is told anew, other information only grows: nobody can tell which case an equal entry came with."""
    first = a_delivery(record=a_record(other=(an_entry(),)))
    assert records.take_in(first, FIRST, AT) == ()
    note = an_entry(text="更正后补充")
    renamed = an_employer(name="杭州改名有限公司")
    again = _correction(a_record(employers=(renamed,), other=(note,)))
    assert records.take_in(again, "1" * 64, AT, {FIRST: first}) == ()
    stored = records.read(NUMBER, KINDS)
    assert set(stored.other) == {an_entry(), note}
    assert [employer.name for employer in stored.employers] == [renamed.name]


def test_many_corrections_in_one_transaction(records: RecordsDatabase) -> None:
    """Corrections come in batches as deliveries do; one that cannot be carried out leaves its neighbours alone."""
    cases = [f"33010001-2026-00080{number}" for number in range(3)]
    firsts, known = [], {}
    for number, case in enumerate(cases):
        record = a_record(person=a_person(social_security_number=f"M{number}"))
        firsts.append((a_delivery(header=a_header(case=case), record=record), f"{number:064}"))
        known[f"{number:064}"] = firsts[-1][0]
    assert records.take_in_all(firsts, AT) == ((), (), ())
    again = [
        (
            _correction(replace(delivery.record, contributions=()), of=digest, header=delivery.header),
            digest[:-1] + "f",
        )
        for delivery, digest in firsts
    ]
    again[1] = (replace(again[1][0], correction=None), "e" * 64)
    results = records.take_in_all(
        [(delivery, f"f{number}" * 32) for number, (delivery, _) in enumerate(again)], AT, known
    )
    assert [_codes(result) for result in results] == [[], ["L302"], []]
    left = [len(records.read(case.replace("-", ""), KINDS).contributions) for case in cases]
    assert left == [0, len(a_record().contributions), 0]


@pytest.mark.parametrize("kind", ["110", "210"])
def test_a_month_that_was_refunded_since(records: RecordsDatabase, database_url: str, kind: str) -> None:
    """L306 when a month that is to be replaced was taken back by a refund (20): what was settled needs a person."""
    delivery = a_delivery(record=a_record(contributions=(a_contribution(kind, "2021-01", 600_000),)))
    assert records.take_in(delivery, FIRST, AT) == ()
    minus, zero = (
        ("'-' || ", "'0.00'") if database_url.startswith("sqlite") else ("-", "0")
    )  # texts there, numbers here
    back = ", ".join(minus + name for name in ("aae080", "aae081", "aae082", "aae083"))
    named = "aac001, aae140, aae003, aae002, aab301, aab001, aac040, aae180, aaa042, aaa041, aae079"
    _execute(
        database_url,
        f"INSERT INTO ac43 ({named}, aaa115, aae020, aae021, aae022, aae023, aae080, aae081, aae082, aae083)"
        f" SELECT {named}, '20', {', '.join([zero] * 4)}, {back} FROM ac43",
    )
    before = records.read(NUMBER, KINDS)
    again = _correction(a_record(contributions=(a_contribution(kind, "2021-01", 700_000),)))
    assert _codes(records.take_in(again, "1" * 64, AT, {FIRST: delivery})) == ["L306"]
    assert records.read(NUMBER, KINDS) == before


def test_a_name_in_two_columns(database_url: str) -> None:
    """Where the profile has a value in a second column too, a correction writes both: the record can be read again."""
    text = canonical_text().replace('name = { column = "aac003" }', 'name = { column = "aac003", also = "aac003_old" }')
    database = RecordsDatabase(database_url, parse(text))
    database.create_schema()
    delivery = a_delivery()
    assert database.take_in(delivery, FIRST, AT) == ()
    renamed = a_person(name="李四")
    assert database.take_in(_correction(a_record(person=renamed)), "1" * 64, AT, {FIRST: delivery}) == ()
    assert database.read(NUMBER, KINDS).person == renamed
    database.close()
