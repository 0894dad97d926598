"""The records database on SQLite and PostgreSQL: reading, adding, and taking in a delivery once, whole or not at all."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.intake_rules import MOST_FINDINGS
from archive.records import RecordsDatabase
from formats.errors import ServiceError, UnreachableError, UsageError
from formats.messages import Delivery
from formats.profile import Profile, canonical
from formats.record import Record
from tests.builders import (
    CASE,
    EMPLOYER,
    KINDS,
    RECEIVER,
    SENDER,
    a_contribution,
    a_delivery,
    a_header,
    a_person,
    a_record,
    a_subsidy,
    a_working_life,
    an_account_year,
    an_employer,
    an_enrolment,
    an_entry,
)
from tests.parts import ROOT
from tests.profiles import agency

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
NUMBER = CASE.replace("-", "")  # the person number that a first delivery brings


def _opened(url: str, profile: Profile) -> Iterator[RecordsDatabase]:
    database = RecordsDatabase(url, profile)
    database.create_schema()
    yield database
    database.close()


def _execute(url: str, *statements: str) -> list[Any]:
    """Run statements past the records database; the rows of the last."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        results = [connection.exec_driver_sql(statement) for statement in statements]
        rows = list(results[-1].fetchall()) if results[-1].returns_rows else []
    engine.dispose()
    return rows


def _of_kinds(record: Record, *kinds: str) -> Record:
    """The record with the rows of these kinds only."""
    parts = ("enrolments", "contributions", "subsidies", "benefits", "months", "account")
    fewer: dict[str, Any] = {part: tuple(r for r in getattr(record, part) if r.kind in kinds) for part in parts}
    return replace(record, **fewer)


def _second(case: str = "33010001-2026-000999", sender: str = SENDER, **changes: Any) -> Delivery:
    """A delivery of another case."""
    return a_delivery(header=a_header(case=case, sender=sender), **changes)


# --- reading and adding


def test_a_record_comes_back(records: RecordsDatabase) -> None:
    """What is added is read again, equal in every value of every row."""
    records.add([("1", a_record()), ("2", a_working_life(144))])
    assert records.read("1", KINDS) == a_record()
    assert records.read("2", KINDS) == a_working_life(144)


def test_only_the_kinds_asked_for(records: RecordsDatabase) -> None:
    """Rows of other kinds, and employers that only they name, stay where they are."""
    other = an_employer(employer_id="E2", name="宁波示例有限公司")
    record = a_record(
        employers=(an_employer(), other),
        contributions=(a_contribution("110"), a_contribution("310", employer_id="E2")),
        enrolments=(an_enrolment(kind="110"),),
    )
    records.add([("1", record)])
    assert records.read("1", ["310"]) == replace(_of_kinds(record, "310"), employers=(other,))
    assert records.read("1", []) == replace(_of_kinds(record), employers=())


def test_many_people_share_employers(records: RecordsDatabase) -> None:
    """People are added in blocks, each employer once; their numbers come out in order."""
    people = [
        (f"{number:04}", a_record(person=a_person(social_security_number=f"X{number}"), contributions=()))
        for number in reversed(range(250))
    ]
    records.add(people)
    assert records.persons() == sorted(number for number, _ in people)
    assert records.read("0249", KINDS) == people[0][1]


def test_add_is_one_transaction(records: RecordsDatabase) -> None:
    """When one of the people cannot be added, none is."""
    twins = [("1", a_record()), ("2", a_record(person=a_person(name="同一号码")))]
    with pytest.raises(UsageError, match="S415"):
        records.add(twins)
    assert records.persons() == []


def test_unknown_person(records: RecordsDatabase) -> None:
    """An unknown person number is S412, and the number is not repeated."""
    with pytest.raises(UsageError, match="S412") as caught:
        records.read("4711", KINDS)
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize("amount", ["99999999999999.99", "-0.01", "0.10", "7416.25", "0.00", "70368744177664.01", ""])
def test_money_is_exact(records: RecordsDatabase, amount: str) -> None:
    """Amounts that binary fractions cannot hold come back to the last digit."""
    record = a_record(contributions=(a_contribution(wage=amount),), subsidies=(a_subsidy(amount=amount),))
    records.add([("1", record)])
    assert records.read("1", KINDS) == record


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12),
    fen=st.integers(-(10**16) + 1, 10**16 - 1),
    millionths=st.integers(0, 999_999),
)
def test_any_value_comes_back(records: RecordsDatabase, text: str, fen: int, millionths: int) -> None:
    """Whatever characters and figures a record has, the database gives them back."""
    money = f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}"
    number = str(len(records.persons()))
    record = a_record(
        person=a_person(social_security_number=number, name=text),
        account=(an_account_year(rate=f"0.{millionths:06}", opening=money),),
        other=(an_entry()._replace(text=text),),
    )
    records.add([(number, record)])
    assert records.read(number, KINDS) == record


def test_rare_characters_and_quotes(records: RecordsDatabase) -> None:
    """Characters beyond GBK, private-use ones and those that mean something to SQL, COPY and JSON come back."""
    record = a_record(
        person=a_person(name="䶮𬀩·㑇•㛃\ue78d"),
        other=tuple(sorted(an_entry()._replace(text=text) for text in ("a\tb\\n\nc", "'\"%s%%?;--", "\\N", "\x1f{}"))),
    )
    records.add([("1", record)])
    assert records.read("1", KINDS) == record


def test_an_office_with_its_own_profile(database_url: str) -> None:
    """Other tables and codes, constants, one table for two row types: the record is the same."""
    for records in _opened(database_url, agency()):
        record = a_record(person=a_person(name="周\ufe10明"))
        records.add([("1", record)])
        assert records.read("1", KINDS) == record
        assert records.read("1", ["310", "999"]) == _of_kinds(record, "310")
        assert records.take_in(_second(record=a_record(person=a_person(social_security_number="X"))), "d", AT) == ()
        number = "330100012026000999"
        assert records.read(number, KINDS) == a_record(person=a_person(social_security_number="X"))
    found = _execute(database_url, 'SELECT aac003, "性别" FROM "人员基本信息" WHERE aac001 = \'1\'')
    assert [tuple(row) for row in found] == [("周\ue78d明", "M")]


# --- databases that are not what the profile says


def test_floats_are_refused(tmp_path: Any) -> None:
    """A DECIMAL column of SQLite, which holds floating-point numbers, is refused and named."""
    url = f"sqlite:///{tmp_path / 'agency.db'}"
    for records in _opened(url, canonical()):
        columns = ", ".join(f"{c} DECIMAL(16,2)" if c == "aae180" else c for c in canonical().contribution.columns)
        _execute(url, "DROP TABLE ac43", f"CREATE TABLE ac43 (aac001, {columns})")
        records.add([("1", a_record(contributions=(a_contribution(base=7000_25),)))])
        with pytest.raises(UsageError, match=r"S415.*ac43\.aae180 .*floating-point") as caught:
            records.read("1", KINDS)
        assert "7000" not in str(caught.value)


def test_numeric_columns_of_other_types(postgresql_url: str) -> None:
    """Integers, numbers without scale and blank-padded text are read exactly, and written."""
    for records in _opened(postgresql_url, canonical()):
        _execute(
            postgresql_url,
            "ALTER TABLE ac43 ALTER aae180 TYPE NUMERIC, ALTER aae003 TYPE INTEGER USING aae003::int, "
            "ALTER aac001 TYPE BIGINT USING aac001::bigint, ALTER aae140 TYPE CHAR(8)",
            "ALTER TABLE ac01 ALTER aac001 TYPE BIGINT USING aac001::bigint",
        )
        records.add([("1", a_record())])
        assert records.take_in(_second(record=a_record(person=a_person(social_security_number="X"))), "d", AT) == ()
        _execute(postgresql_url, "UPDATE ac43 SET aae180 = aae180 * 1.000")
        assert records.persons() == ["1", "330100012026000999"]
        assert records.read("1", KINDS) == a_record()


@pytest.mark.parametrize(
    "damage",
    ["ALTER TABLE ac43 RENAME aae180 TO basis", "DROP TABLE ac43", "DROP TABLE jiexu_intake"],
)
def test_schema_mismatch(records: RecordsDatabase, database_url: str, damage: str) -> None:
    """A missing table or column is S415, and nothing is written."""
    _execute(database_url, damage)
    with pytest.raises(UsageError, match="S415"):
        records.take_in(a_delivery(), "d", AT)
    assert records.persons() == []


def test_a_database_of_the_office_s_own(records: RecordsDatabase, database_url: str) -> None:
    """Tables that are not there are named, made once beside the others, and deliveries are taken in from then on."""
    records.add([("1", a_record(person=a_person(social_security_number="X")))])
    _execute(database_url, "DROP TABLE jiexu_intake", "DROP TABLE jiexu_shared")
    assert [(item.table, item.code) for item in records.deviations()] == [
        ("jiexu_intake", "S415"),
        ("jiexu_shared", "S415"),
    ]
    assert records.prepare() == ("jiexu_intake", "jiexu_shared")
    assert records.prepare() == records.deviations() == ()
    assert records.take_in(a_delivery(), "d", AT) == ()
    assert sorted(records.persons()) == ["1", NUMBER]


def test_values_that_do_not_fit(postgresql_url: str) -> None:
    """A value that is too long for the office's column is S415; neither it nor any other value is in the error."""
    for records in _opened(postgresql_url, canonical()):
        _execute(postgresql_url, "ALTER TABLE ac01 ALTER aac003 TYPE VARCHAR(2)")
        with pytest.raises(UsageError, match=r"S415.*22001") as caught:
            records.take_in(a_delivery(), "d", AT)
        assert a_person().name not in f"{caught.value} {caught.value.__cause__}"
        assert caught.value.__suppress_context__


def test_required_columns(tmp_path: Any) -> None:
    """A column that may not be empty, without a value for it, is S415 and named."""
    url = f"sqlite:///{tmp_path / 'agency.db'}"
    for records in _opened(url, canonical()):
        _execute(
            url,
            "DROP TABLE ac44",
            "CREATE TABLE ac44 (aac001, aae140, aae003, aae341, aae019, aab301, aae079 NOT NULL)",
        )
        with pytest.raises(UsageError, match=r"S415.*ac44\.aae079"):
            records.add([("1", a_record(subsidies=(a_subsidy(received=""),)))])


@pytest.mark.parametrize(
    ("url", "error", "code"),
    [
        ("sqlite:////nowhere/at/all.db", UnreachableError, "S409"),
        ("postgresql://postgres@/x?host=/nowhere", UnreachableError, "S409"),
        ("mysql://localhost/x", UsageError, "S401"),
        ("records.db", UsageError, "S401"),
    ],
)
def test_no_database(url: str, error: type[ServiceError], code: str) -> None:
    """A database that does not answer is S409, to be tried again; a URL of something else is S401."""
    with pytest.raises(error, match=code):
        RecordsDatabase(url, canonical()).persons()


# --- taking in


def test_a_delivery_is_taken_in(records: RecordsDatabase) -> None:
    """What was delivered is what is read, for the delivered kinds, under a new person number."""
    records.add([("1", a_record(person=a_person(social_security_number="X")))])
    assert records.take_in(a_delivery(), "d", AT) == ()
    assert records.persons() == ["1", NUMBER]
    assert records.read(NUMBER, KINDS) == a_record()


def test_employers_of_two_offices(records: RecordsDatabase) -> None:
    """Employers with one id in two offices stay two, and the office's own keeps its values."""
    ours = an_employer(name="本地同号有限公司")
    records.add([("1", a_record(employers=(ours,), person=a_person(social_security_number="X")))])
    assert records.take_in(a_delivery(), "d", AT) == ()
    assert records.read("1", KINDS).employers == (ours,)
    assert records.read(NUMBER, KINDS).employers == (an_employer(),)

    third = _second(sender="44030001", kinds=("210",), record=_of_kinds(a_record(employers=(ours,)), "210"))
    later = tuple(row._replace(month=row.month.replace("2021", "2022")) for row in third.record.contributions)
    assert records.take_in(replace(third, record=replace(third.record, contributions=later)), "e", AT) == ()
    both = records.read(NUMBER, KINDS)
    assert [row.employer_id for row in both.employers] == [f"{EMPLOYER}(33010001)", f"{EMPLOYER}(44030001)"]
    assert {row.employer_id for row in both.contributions} == {row.employer_id for row in both.employers}
    assert records.read(NUMBER, ["110"]).employers == (an_employer(),)


def test_an_employer_is_renamed(records: RecordsDatabase) -> None:
    """An office that delivers an employer again with other values is believed."""
    assert records.take_in(a_delivery(), "d", AT) == ()
    renamed = an_employer(name="杭州示例集团有限公司")
    record = a_record(person=a_person(social_security_number="X"), employers=(renamed,))
    assert records.take_in(_second(record=record), "e", AT) == ()
    assert records.read(NUMBER, KINDS).employers == (renamed,)


def test_taking_in_again_changes_nothing(records: RecordsDatabase) -> None:
    """The same case and digest again is accepted again without a second row; another digest is L302."""
    for _ in range(3):
        assert records.take_in(a_delivery(), "d", AT) == ()
    assert [finding.code for finding in records.take_in(a_delivery(), "other", AT)] == ["L302"]
    assert records.read(NUMBER, KINDS) == a_record()


def test_already_transferred(records: RecordsDatabase) -> None:
    """L302: another case of the same sender with one of the kinds that brings no months of it."""
    assert records.take_in(a_delivery(kinds=("110", "210")), "d", AT) == ()
    before = records.read(NUMBER, KINDS)
    again = _second(kinds=("210", "310"), record=_of_kinds(a_record(contributions=()), "310"))
    assert [finding.code for finding in records.take_in(again, "e", AT)] == ["L302"]
    assert records.read(NUMBER, KINDS) == before


def test_another_name(records: RecordsDatabase) -> None:
    """L303: the number is known with another name; it comes before the months, and no name is in the finding."""
    records.add([("1", a_record(person=a_person(name="周明元")))])
    (finding,) = records.take_in(a_delivery(), "d", AT)
    assert finding.code == "L303"
    assert finding.path == "/delivery/record/registration/person/@name"
    assert not {"周", "明", "远", "元"} & set("".join(finding))
    assert records.persons() == ["1"]
    assert records.read("1", KINDS).person.name == "周明元"


@pytest.mark.parametrize(("here", "there"), [("阿依·努尔", "阿依•努尔"), ("é", "e\u0301")])
def test_the_same_name(records: RecordsDatabase, here: str, there: str) -> None:
    """Either separating dot and either composition is the same name; the office's own way of writing it stays."""
    records.add([("1", Record(a_person(name=here)))])
    assert records.take_in(a_delivery(record=a_record(person=a_person(name=there))), "d", AT) == ()
    assert records.read("1", KINDS) == a_record(person=a_person(name=here))


def test_overlapping_months(records: RecordsDatabase) -> None:
    """L301: a month of the kind is paid here already, in whatever division; each is named by its place."""
    own = (
        a_contribution("210", "2021-03", division="440305", employer_id=""),
        a_contribution("210", "2021-02", employer_paid="0.00", person_paid="0.00", employer_id=""),  # not paid
        a_contribution("210", "2021-05", employer_id=""),  # and taken back:
        a_contribution("210", "2021-05", settled="2021-06", contribution_type="20", employer_paid="-35.00",
                       person_paid="-35.00", employer_id=""),
        a_contribution("310", "2020-12", employer_id=""),
    )  # fmt: skip
    records.add([("1", Record(a_person(), contributions=own))])
    before = records.read("1", KINDS)
    (finding,) = records.take_in(a_delivery(), "d", AT)
    assert finding.code == "L301"
    number = [(row.kind, row.month) for row in a_record().contributions].index(("210", "2021-03")) + 1
    assert finding.path == f"/delivery/record/contributions/contribution[{number}]/@month"
    assert records.read("1", KINDS) == before
    assert records.take_in(a_delivery(kinds=("110", "310"), record=_of_kinds(a_record(), "110", "310")), "d", AT) == ()


def test_a_pension_moves_first_and_is_cleared_afterwards(records: RecordsDatabase) -> None:
    """L307, a warning: months of the pension paid here too, also as public sector staff (120), are taken in with it."""
    own = a_contribution("110", "2021-03", division="440305", employer_id="")._replace(kind="120")
    records.add([("1", Record(a_person(), contributions=(own,)))])
    delivery = a_delivery(kinds=("110",), record=_of_kinds(a_record(), "110"))
    (finding,) = records.take_in(delivery, "d", AT)
    number = [(row.kind, row.month) for row in delivery.record.contributions].index(("110", "2021-03")) + 1
    assert finding.code == "L307"
    assert finding.path == f"/delivery/record/contributions/contribution[{number}]/@month"
    assert own in records.read("1", ("120",)).contributions
    assert set(delivery.record.contributions) <= set(records.read("1", KINDS).contributions)
    assert records.take_in(delivery, "d", AT) == (finding,)  # as the receipt says it again after a crash


def test_many_overlaps_are_cut(records: RecordsDatabase) -> None:
    """A receipt names the first overlapping months only."""
    rows = tuple(row._replace(division="440305") for row in a_record().contributions)
    records.add([("1", a_record(contributions=rows))])
    findings = records.take_in(a_delivery(), "d", AT)
    assert [finding.code for finding in findings] == ["L301"] * MOST_FINDINGS


def test_a_second_case_with_other_kinds(records: RecordsDatabase) -> None:
    """Two cases for one person come together under one number; what both bring is stored once."""
    first = a_delivery(kinds=("110",), record=_of_kinds(a_record(), "110"))
    second = _second(kinds=("210", "310"), record=_of_kinds(a_record(), "210", "310"))
    assert records.take_in(first, "d", AT) == records.take_in(second, "e", AT) == ()
    assert records.persons() == [NUMBER]
    assert records.read(NUMBER, KINDS) == a_record()


# --- at the same time, and with the process killed


def _at_once(*acts: Any) -> list[Any]:
    """The results of acts in threads that begin together."""
    barrier, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int) -> None:
        barrier.wait()
        results[number] = acts[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_the_same_case_at_once(records: RecordsDatabase) -> None:
    """Four that take in the same case at once leave it there once."""
    assert _at_once(*[lambda: records.take_in(a_delivery(), "d", AT)] * 4) == [()] * 4
    assert records.read(NUMBER, KINDS) == a_record()


def test_two_cases_of_one_person_at_once(records: RecordsDatabase) -> None:
    """Of two cases with the same relation one wins; cases with other kinds join the same person."""
    cases = [f"33010001-2026-00000{number}" for number in range(4)]
    deliveries = [
        _second(cases[0], kinds=("110",), record=_of_kinds(a_record(), "110")),
        _second(cases[1], kinds=("110",), record=_of_kinds(a_record(), "110")),
        _second(cases[2], kinds=("210",), record=_of_kinds(a_record(), "210")),
        _second(cases[3], kinds=("310",), record=_of_kinds(a_record(), "310")),
    ]
    results = _at_once(*(lambda d=delivery: records.take_in(d, d.header.case, AT) for delivery in deliveries))
    assert sorted(finding.code for finding in chain(*results)) == ["L302"]
    (number,) = records.persons()
    assert records.read(number, KINDS) == a_record()


def test_people_of_one_employer_at_once(records: RecordsDatabase) -> None:
    """Different people whose employer is new to the office do not get in each other's way."""
    deliveries = [
        _second(f"33010001-2026-00000{number}", record=a_record(person=a_person(social_security_number=f"X{number}")))
        for number in range(4)
    ]
    assert _at_once(*(lambda d=delivery: records.take_in(d, "d", AT) for delivery in deliveries)) == [()] * 4
    assert len(records.persons()) == 4


def test_after_a_fork(records: RecordsDatabase) -> None:
    """A child process uses its own connections; the parent's go on working."""
    records.add([("1", a_record())])
    child = os.fork()
    if child == 0:
        done = False
        try:
            record = records.read("1", KINDS)
            findings = records.take_in(
                _second(sender=RECEIVER, kinds=("210",), record=_of_kinds(record, "999")), "d", AT
            )
            done = (record, findings) == (a_record(), ())
            records.close()
        finally:
            os._exit(0 if done else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert records.read("1", KINDS) == a_record()


# Takes a delivery in and stops for good, saying so, after the given number of INSERTs (or, with 0, after the commit).
_VICTIM = """
import sys, time
from datetime import UTC, datetime
from archive.records import RecordsDatabase
from archive.records_sql import Statements
from formats.profile import canonical
from tests.builders import a_delivery

url, inserts = sys.argv[1], int(sys.argv[2])
original, done = Statements.insert, []

def stop():
    print("stopped", flush=True)
    time.sleep(600)

def insert(self, connection, row, rows):
    original(self, connection, row, rows)
    done.append(row.name)
    if len(done) == inserts:
        stop()

Statements.insert = insert
RecordsDatabase(url, canonical()).take_in(a_delivery(), "d", datetime(2026, 11, 22, 8, tzinfo=UTC))
stop()
"""


@pytest.mark.parametrize("inserts", [1, 4, 9, 0])
def test_killed(records: RecordsDatabase, database_url: str, inserts: int) -> None:
    """A process killed in the middle leaves nothing, one killed after the commit all; the next attempt ends it."""
    command = [sys.executable, "-c", _VICTIM, database_url, str(inserts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "stopped\n"
        os.kill(victim.pid, signal.SIGKILL)
        assert victim.wait() == -signal.SIGKILL
    assert records.persons() == ([] if inserts else [NUMBER])
    assert records.take_in(a_delivery(), "d", AT) == ()
    assert records.read(NUMBER, KINDS) == a_record()
