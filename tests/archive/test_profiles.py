"""The shipped mapping profiles on sample databases: one person in three dictionaries, and what is not in a profile."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from archive.records import RecordsDatabase
from archive.scopes import Request, authorise, narrow
from formats.codes import insurance_kinds
from formats.errors import UsageError
from formats.profile import SHIPPED, shipped
from formats.record import Record
from tests.builders import (
    KINDS,
    a_benefit,
    a_contribution,
    a_delivery,
    a_header,
    a_person,
    a_record,
    an_employer,
    an_enrolment,
)
from tests.profiles import carried, statements

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
ALL = tuple(insurance_kinds())

# What of a_record() each worked example cannot hold.
LACKS = {
    "canonical": set(),
    "agency-aac": {"person.nationality", "subsidy.*", "entry.*"},
    "medical-platform": {
        *("person.documentNumber", "person.personalStatus", "person.employmentStatus", "person.firstEnrolmentMonth"),
        *("person.retirementDate", "person.deathDate", "employer.economicType", "employer.industry", "enrolment.base"),
        *("contribution.employerDue", "contribution.employerDueAccount"),
        *("contribution.personDue", "contribution.personDueAccount"),
        *("subsidy.*", "benefit.*", "monthTotal.*", "accountYear.*", "entry.*"),
    },
}
Opened = Callable[[str], RecordsDatabase]


@pytest.fixture
def opened(database_url: str, request: pytest.FixtureRequest) -> Opened:
    """The sample database of a shipped profile, made by its own DDL."""

    def made(name: str) -> RecordsDatabase:
        run(database_url, *statements(name, sa.make_url(database_url).get_backend_name()))
        database = RecordsDatabase(database_url, shipped(name))
        request.addfinalizer(database.close)
        database.create_schema()
        return database

    return made


def run(url: str, *texts: str) -> list[Any]:
    """Run statements past the records database; the rows of the last."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        results = [connection.exec_driver_sql(text) for text in texts]
        rows = list(results[-1].fetchall()) if results[-1].returns_rows else []
    engine.dispose()
    return rows


@pytest.mark.parametrize("name", SHIPPED)
def test_a_record_comes_back(name: str, opened: Opened) -> None:
    """What a profile can hold of a record goes into the office's own tables and comes back equal."""
    records, wanted = opened(name), carried(a_record(), shipped(name))
    records.add([("1", wanted)])
    assert records.read("1", ALL) == wanted
    assert records.deviations() == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_what_a_profile_cannot_hold_is_listed(name: str) -> None:
    """The list has each field without a column of its own and each row type without a table; nothing else is lost."""
    profile = shipped(name)
    assert set(profile.lacks) == LACKS[name]
    lost = {f"{row.name}.{field.name}" for row in profile.rows for field in row.fields if row.table}
    kept = {f"{row.name}.{field.name}" for row in profile.rows for field in row.fields if field.column}
    assert lost - kept == {field for field in profile.lacks if not field.endswith("*")}


def test_one_person_in_three_dictionaries(tmp_path: Path) -> None:
    """The same person, written into three databases that call and code things differently, is read as one record."""
    found: dict[str, Record] = {}
    for name in SHIPPED:
        url = f"sqlite:///{tmp_path / name}.db"
        run(url, *statements(name, "sqlite"))
        records = RecordsDatabase(url, shipped(name))
        records.add([("1", carried(a_record(), shipped(name)))])
        found[name] = records.read("1", ALL)
        records.close()
    assert found["canonical"] == a_record()
    for name in SHIPPED:
        # What the one can hold of the other's reading is what it read itself.
        assert found[name] == carried(found["canonical"], shipped(name))
    medical = carried(found["agency-aac"], shipped("medical-platform"))
    assert medical == found["medical-platform"]
    assert medical.contributions == tuple(row for row in a_record().contributions if row.kind == "310")


def test_the_codes_in_the_database_are_the_offices_own(tmp_path: Path) -> None:
    """The columns hold what this agency means by them: AAE020 is what was paid, 3 is ended, 11 is the pension."""
    url = f"sqlite:///{tmp_path / 'agency.db'}"
    run(url, *statements("agency-aac", "sqlite"))
    records = RecordsDatabase(url, shipped("agency-aac"))
    record = carried(
        a_record(
            employers=(an_employer(employer_type="55"),),
            enrolments=(an_enrolment(enrolment_status="4", contribution_status="3"),),
            contributions=(a_contribution(employer_due="1120.00", employer_paid="1000.00"),),
        ),
        shipped("agency-aac"),
    )
    records.add([("1", record)])
    assert records.read("1", ALL) == record
    records.close()
    with closing(sqlite3.connect(tmp_path / "agency.db")) as database:
        assert database.execute('SELECT "AAE020", "BAE020", "AAE140" FROM "AC43"').fetchall() == [
            ("1000.00", "1120.00", "11")
        ]
        assert database.execute('SELECT "AAC008", "AAE140" FROM "AC02"').fetchall() == [("3", "11")]
        assert database.execute('SELECT "AAB019" FROM "AB01"').fetchall() == [("21",)]


@pytest.mark.parametrize(
    ("name", "change", "place"),
    [
        ("agency-aac", 'UPDATE "AC02" SET "AAC008" = \'7\'', "AC02.AAC008"),
        ("agency-aac", 'UPDATE "AC43" SET "AAE140" = \'99\' WHERE "AAE003" = \'202105\'', "AC43.AAE140"),
        ("medical-platform", "UPDATE psn_insu_d SET insutype = '110'", "psn_insu_d.insutype"),
        ("medical-platform", "UPDATE staf_psn_clct_detl_d SET clct_type = '20'", "staf_psn_clct_detl_d.clct_type"),
    ],
)
def test_an_unmapped_code_is_named(name: str, change: str, place: str, opened: Opened, database_url: str) -> None:
    """S460 names table and column, not the code; the record with that row is kept out, that of others is not."""
    records, profile = opened(name), shipped(name)
    other = a_record(person=a_person(social_security_number="X", document_number="X"))
    records.add([("1", carried(a_record(), profile))])
    run(database_url, change)
    records.add([("2", carried(other, profile))])
    with pytest.raises(UsageError, match="S460") as caught:
        records.read("1", KINDS)
    assert caught.value.detail.startswith(place)
    assert not {"99", "7", "110"} & set(caught.value.detail.replace(".", " ").split())
    assert records.read("2", KINDS) == carried(other, profile)
    (deviation,) = records.deviations()
    assert (f"{deviation.table}.{deviation.column}", deviation.what, deviation.code) == (
        place,
        "unmapped codes",
        "S460",
    )
    assert deviation.values == 1


def test_an_unmapped_kind_is_not_passed_over(opened: Opened, database_url: str) -> None:
    """A row whose kind nobody knows stops the reading of whatever kinds; one that is declared as left out does not."""
    records = opened("agency-aac")
    wanted = carried(a_record(), shipped("agency-aac"))
    records.add([("1", wanted)])
    row = 'SELECT {}, * FROM "AC43" WHERE "AAE140" = \'31\' AND "AAE003" = \'202101\''
    run(database_url, f"CREATE TABLE one AS {row.format('1 AS one')}", "UPDATE one SET \"AAE140\" = '902'")
    columns = ", ".join(f'"{name}"' for name in ("AAC001", *shipped("agency-aac").contribution.columns))
    add = f'INSERT INTO "AC43" ({columns}) SELECT {columns} FROM one'
    run(database_url, add)
    assert records.read("1", KINDS) == wanted
    scope = authorise(Request("1", "person", "P1", "own", "card", "staff-1"))
    assert records.read_scope("1", scope) == narrow(wanted, scope)
    (told,) = records.deviations()
    assert (told.what, told.code, told.rows) == ("left out by kind", "", 1)
    run(database_url, "UPDATE one SET \"AAE140\" = '98'", add)
    with pytest.raises(UsageError, match=r"S460.*AC43\.AAE140"):
        records.read("1", ["110"])


def test_a_national_code_without_a_local_one(opened: Opened) -> None:
    """A delivery with a code that the office's table lacks is S460 the other way round, and nothing of it is written."""
    records = opened("agency-aac")
    record = carried(a_record(benefits=(a_benefit(kind="320"),)), shipped("canonical"))
    delivery = a_delivery(header=a_header(), record=Record(record.person, benefits=record.benefits), kinds=("320",))
    with pytest.raises(UsageError, match=r"S460.*AC61\.AAE140"):
        records.take_in(delivery, "d", AT)
    assert records.persons() == []


@pytest.mark.parametrize("name", ["agency-aac", "medical-platform"])
def test_what_an_office_has_no_place_for_is_refused(name: str, opened: Opened) -> None:
    """A delivery with rows or values that the profile has no place for is S415, and nothing of it is written."""
    records = opened(name)
    for lost in (
        a_record(enrolments=(), contributions=()),
        a_record(person=a_person(nationality="KOR", death_date="2026-01-01")),
    ):
        with pytest.raises(UsageError, match="S415"):
            records.take_in(a_delivery(record=lost), "d", AT)
    due = a_contribution("310", employer_paid="0.00")
    if name == "medical-platform":
        record = carried(a_record(), shipped(name))
        with pytest.raises(UsageError, match=r"S415.*contribution\.employerDue"):
            records.add([("1", Record(record.person, record.employers, contributions=(due,)))])
    assert records.persons() == []


def test_a_row_for_several_months_is_refused(opened: Opened, database_url: str) -> None:
    """Where both ends of a period must be one month, a row with two is S415; unpaid rows are not read, and told."""
    records, profile = opened("medical-platform"), shipped("medical-platform")
    records.add([("1", carried(a_record(), profile))])
    run(database_url, "UPDATE staf_psn_clct_detl_d SET clct_flag = '0' WHERE accrym_begn = '202112'")
    assert len(records.read("1", KINDS).contributions) == 11
    (told,) = records.deviations()
    assert (told.what, told.rows, told.code) == ("other fixed value", 1, "")
    run(database_url, "UPDATE staf_psn_clct_detl_d SET accrym_end = '202103' WHERE accrym_begn = '202102'")
    with pytest.raises(UsageError, match=r"S415.*staf_psn_clct_detl_d\.accrym_begn"):
        records.read("1", KINDS)
    assert {(item.what, item.code) for item in records.deviations()} == {
        ("other fixed value", ""),
        ("second column differs", "S415"),
    }


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("canonical", "DROP TABLE ac43", [("ac43", "", "missing table")]),
        ("canonical", "ALTER TABLE ac61 RENAME aae019 TO amount", [("ac61", "aae019", "missing column")]),
        ("agency-aac", 'ALTER TABLE "AC02" RENAME "AAC001" TO "AAZ999"', [("AC02", "AAC001", "missing column")]),
        (
            "medical-platform",
            "ALTER TABLE staf_psn_clct_detl_d RENAME accrym_end TO accrym",
            [("staf_psn_clct_detl_d", "accrym_end", "missing column")],
        ),
    ],
)
def test_missing_tables_and_columns_are_named(
    name: str, change: str, expected: list[tuple[str, str, str]], opened: Opened, database_url: str
) -> None:
    """What the profile names and the database lacks is found without reading a person."""
    records = opened(name)
    run(database_url, change)
    found = records.deviations()
    assert [(item.table, item.column, item.what) for item in found] == expected
    assert {item.code for item in found} == {"S415"}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_lookup_reads_the_same(name: str, opened: Opened) -> None:
    """Reading within a scope and reading all and narrowing agree, also with dates, second columns and no tables."""
    records, profile = opened(name), shipped(name)
    records.add([("1", carried(a_record(), profile))])
    whole = records.read("1", ALL)
    for items, kinds, first, last in (
        ((), (), "", ""),
        (("registration", "contributions"), ("310",), "2021-02", "2021-06"),
        (("account",), (), "2021-01", "2021-02"),
        (("benefits", "other"), ("310",), "", "2021-12"),
    ):
        request = Request("1", "person", "P1", "own", "card", "staff-1", items, kinds, first, last)
        scope = authorise(request)
        assert records.read_scope("1", scope) == narrow(whole, scope)


def test_an_employer_looks_up_in_any_dictionary(opened: Opened) -> None:
    """An employer's lookup finds it by its credit code where that has another column."""
    records, profile = opened("agency-aac"), shipped("agency-aac")
    records.add([("1", carried(a_record(), profile))])
    employer = a_record().employers[0].credit_code
    request = Request("1", "employer", "E1", "employment", "licence", "staff-1", employer=employer)
    scope = authorise(request)
    assert records.read_scope("1", scope) == narrow(records.read("1", ALL), scope)
