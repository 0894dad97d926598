"""Scopes: who may see what, and that nothing else is read."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.records import RecordsDatabase
from archive.scopes import ANONYMOUS, PURPOSES, REQUESTERS, authorise, bounds, narrow
from formats.errors import UsageError
from formats.groups import GROUPS, PARTS
from formats.profile import canonical
from formats.record import Person, Record
from tests import builders as a
from tests.archive.lives import COURT, EMPLOYEES, OTHER, OTHER_CODE, OWN_CODE, a_life, a_request
from tests.profiles import agency

UNIT = {"requester": "unit", "requester_id": "B1", "purpose": "application", "application": "A-12"}
ANONYMOUSLY = {**COURT, "purpose": "planning", "items": ("registration", "contributions")}


@pytest.fixture
def records(database_url: str) -> Iterator[RecordsDatabase]:
    """A records database with one person, of two employers."""
    yield from _filled(database_url)


def _filled(url: str, profile: Any = None) -> Iterator[RecordsDatabase]:
    database = RecordsDatabase(url, profile or canonical())
    database.create_schema()
    database.add([("1", a_life())])
    yield database
    database.close()


# --- what the law says


def test_every_part_of_the_record_is_in_one_group() -> None:
    """The five groups of art. 2 share out all fields of the record, none twice."""
    parts = [part for group in GROUPS for part in PARTS[group]]
    assert sorted(parts) == sorted(Record.__dataclass_fields__)


@pytest.mark.parametrize(
    ("asked", "groups"),
    [
        ({}, GROUPS),
        ({"requester": "agent", "purpose": "certificate"}, GROUPS),
        ({"items": ("account",)}, ("account",)),
        (EMPLOYEES, ("registration", "contributions")),
        ({**EMPLOYEES, "items": ("contributions",)}, ("contributions",)),
        ({**COURT, "items": ("benefits", "account")}, ("benefits", "account")),
        ({**UNIT, "items": ("contributions",)}, ("contributions",)),
    ],
)
def test_the_groups_of_a_scope(asked: dict[str, Any], groups: tuple[str, ...]) -> None:
    """Art. 15: the person all, the employer art. 2(1) and (2); arts. 18, 19: the items that are named."""
    assert authorise(a_request(**asked)).groups == groups


@pytest.mark.parametrize(
    ("asked", "article"),
    [
        ({"purpose": "duty"}, "purpose"),
        ({"purpose": "nonsense"}, "purpose"),
        ({**COURT, "purpose": "own", "items": GROUPS}, "purpose"),
        ({"basis": " "}, "basis"),
        ({"requester": "agent", "basis": ""}, "basis"),
        ({**COURT, "basis": "", "items": ("account",)}, "basis"),
        ({"requester_id": ""}, "who asks"),
        ({"first": "2022-01", "last": "2021-12"}, "period"),
        (COURT, "items"),
        (UNIT, "items"),
        ({**UNIT, "items": ("account",), "application": ""}, "art. 19"),
        ({**EMPLOYEES, "employer": ""}, "art. 15"),
        ({"employer": OWN_CODE}, "art. 15"),
        ({**EMPLOYEES, "items": ("contributions", "account")}, "art. 15"),
        ({**EMPLOYEES, "items": ("benefits",)}, "art. 15"),
        ({**ANONYMOUSLY, "items": ("other",)}, "art. 17"),
    ],
)
def test_what_the_law_does_not_allow(asked: dict[str, Any], article: str) -> None:
    """A condition of arts. 15 to 19 that is missing is S430 with the article; nothing of the person is in it."""
    with pytest.raises(UsageError, match="S430") as caught:
        authorise(a_request(**asked))
    assert article in caught.value.detail


def test_every_requester_has_a_purpose() -> None:
    """Whoever the Measures name can ask for something, and only authorities anonymously (art. 17)."""
    assert {who for allowed in PURPOSES.values() for who in allowed} == set(REQUESTERS)
    assert {who for purpose in ANONYMOUS for who in PURPOSES[purpose]} == {"authority"}


def test_nobody_is_named_for_planning(records: RecordsDatabase) -> None:
    """Art. 17: neither person nor employer can be told from what planning is shown, with or without registration."""
    for items in (("registration", "contributions"), ("contributions",)):
        found = records.read_scope("1", authorise(a_request(**{**ANONYMOUSLY, "items": items})))
        shown = repr(found)
        person, employer = a.a_person(), a.an_employer()
        for value in (person.name, person.social_security_number, person.birth_date, employer.name, OWN_CODE):
            assert value not in shown
        assert len(found.contributions) == 54


def test_an_employer_sees_its_own_time_only(records: RecordsDatabase) -> None:
    """Art. 15(3): rows that name it and subsidies of those months; who the person is, not what came before or after."""
    found = records.read_scope("1", authorise(a_request(**EMPLOYEES)))
    assert found.employers == (a.an_employer(),)
    assert {row.employer_id for row in (*found.enrolments, *found.contributions)} == {a.EMPLOYER}
    assert (len(found.enrolments), len(found.contributions)) == (3, 36)
    assert found.subsidies == (a.a_subsidy(),)
    assert found.benefits == found.months == found.account == found.other == ()
    assert found.person.name == a.a_person().name
    assert found.person.first_work_date == found.person.employment_status == found.person.first_enrolment_month == ""
    other = records.read_scope("1", authorise(a_request(**{**EMPLOYEES, "employer": OTHER_CODE})))
    assert {row.employer_id for row in other.contributions} == {OTHER}
    assert [row.amount for row in other.subsidies] == ["80.00"]


@pytest.mark.parametrize("person", ["1", "4711"])
def test_an_employer_of_somebody_else_is_refused(records: RecordsDatabase, person: str) -> None:
    """An employer that no row names is refused alike for a known and an unknown person."""
    scope = authorise(a_request(**{**EMPLOYEES, "employer": "91330106MA2CXQ3333"}))
    with pytest.raises(UsageError, match="S430") as caught:
        records.read_scope(person, scope)
    assert caught.value.detail == "no row of this person names this employer (art. 15)"


def test_an_unknown_person(records: RecordsDatabase) -> None:
    """S412, and the number is not repeated."""
    with pytest.raises(UsageError, match="S412") as caught:
        records.read_scope("4711", authorise(a_request()))
    assert "4711" not in str(caught.value)


# --- the same rule in the statements and in memory

_REQUESTS = st.one_of(
    st.fixed_dictionaries(
        {
            "items": st.lists(st.sampled_from(GROUPS), unique=True).map(tuple),
            "kinds": st.lists(st.sampled_from((*a.KINDS, "410")), unique=True).map(tuple),
            "first": st.sampled_from(("", "2020-06", "2021-01", "2021-07", "2022-01", "2022-04")),
            "last": st.sampled_from(("", "2022-04", "2022-06", "2022-12", "2030-01")),
        }
    ),
    st.fixed_dictionaries(
        {
            **{name: st.just(value) for name, value in EMPLOYEES.items()},
            "employer": st.sampled_from((OWN_CODE, OTHER_CODE)),
            "items": st.lists(st.sampled_from(("registration", "contributions")), unique=True).map(tuple),
            "kinds": st.lists(st.sampled_from(a.KINDS), unique=True).map(tuple),
            "first": st.sampled_from(("", "2021-04", "2022-02")),
        }
    ),
    st.fixed_dictionaries(
        {
            **{name: st.just(value) for name, value in ANONYMOUSLY.items()},
            "items": st.lists(st.sampled_from(GROUPS[:4]), unique=True, min_size=1).map(tuple),
            "last": st.sampled_from(("", "2021-11", "2021-12", "2022-01")),
        }
    ),
)


def _outcome(reading: Any) -> Any:
    try:
        return reading()
    except UsageError as error:
        return error.code


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=_REQUESTS)
def test_the_database_and_the_rule_agree(records: RecordsDatabase, asked: dict[str, Any]) -> None:
    """Whatever is asked, what the statements select is what `narrow` leaves of the whole record."""
    scope = authorise(a_request(**asked))
    expected = _outcome(lambda: narrow(a_life(), scope))
    assert _outcome(lambda: records.read_scope("1", scope)) == expected


def test_the_whole_scope_is_the_whole_record(records: RecordsDatabase) -> None:
    """The person sees all that there is."""
    assert records.read_scope("1", authorise(a_request())) == a_life() == records.read("1", a.KINDS)


def test_an_office_with_its_own_profile(database_url: str) -> None:
    """Other tables, codes and constants: the same scope gives the same record."""
    for records in _filled(database_url, agency()):
        for asked in ({}, {"first": "2021-07", "last": "2022-12"}, {"kinds": ("310", "999")}, EMPLOYEES):
            scope = authorise(a_request(**asked))
            assert records.read_scope("1", scope) == narrow(a_life(), scope)


@pytest.mark.parametrize(
    ("field", "period", "found"),
    [
        ("month", ("2021-03", ""), ("2021-03", "9999-12")),
        ("date", ("", "2021-03"), ("0000-01-01", "2021-03-31")),
        ("year", ("2021-01", "2021-12"), ("2021", "2021")),
        ("year", ("2021-02", "2022-11"), ("2022", "2021")),
    ],
)
def test_the_bounds_of_a_period(field: str, period: tuple[str, str], found: tuple[str, str]) -> None:
    """Months and days count by themselves; a year only if all of it lies in the period."""
    assert bounds(field, *period) == found


# --- what is out of scope is not read


def _reads(records: RecordsDatabase, asked: dict[str, Any]) -> dict[str, set[str]]:
    """The columns that SQLite says a scoped reading reads, by table."""
    import sqlite3

    found: dict[str, set[str]] = {}

    def watch(action: int, table: str | None, column: str | None, *_rest: object) -> int:
        if action == sqlite3.SQLITE_READ and table and not table.startswith("sqlite_"):
            found.setdefault(table, set()).add(column or "")
        return sqlite3.SQLITE_OK

    def listen(connection: Any, *_rest: object) -> None:
        connection.set_authorizer(watch)

    engine = records._connection._engine
    engine.dispose()
    sa.event.listen(engine, "connect", listen)
    records.read_scope("1", authorise(a_request(**asked)))
    sa.event.remove(engine, "connect", listen)
    return found


def test_the_statements_touch_no_column_out_of_scope(tmp_path: Any) -> None:
    """SQLite's own account of what it reads: only tables and columns of the scope, and those it is chosen by."""
    for records in _filled(f"sqlite:///{tmp_path / 'records.db'}"):
        read = _reads(records, EMPLOYEES)
        assert set(read) == {"ac01", "ab01", "ac02", "ac43", "ac44"}
        profile = canonical()
        wanted = ("socialSecurityNumber", "name", "sex", "birthDate", "documentType", "documentNumber", "nationality")
        assert read["ac01"] == {"aac001", *(profile.person.field(name).column for name in wanted)}

        read = _reads(records, {**COURT, "items": ("account",)})
        assert set(read) == {"ac01", profile.month_total.table, profile.account_year.table}
        assert read["ac01"] == {"aac001", "aac002", "aac003"}

        read = _reads(records, {**ANONYMOUSLY, "items": ("benefits",)})
        assert read == {"ac01": {"aac001"}, profile.benefit.table: {"aac001", *profile.benefit.columns}}


@pytest.mark.parametrize("asked", [EMPLOYEES, {**COURT, "items": ("contributions",)}])
def test_tables_out_of_scope_may_be_gone(records: RecordsDatabase, database_url: str, asked: dict[str, Any]) -> None:
    """A lookup does not notice that tables out of its scope are not there."""
    profile = canonical()
    gone = {row.table for row in (profile.benefit, profile.account_year, profile.month_total, profile.entry)}
    _execute(database_url, *(f"DROP TABLE {table}" for table in gone))
    assert records.read_scope("1", authorise(a_request(**asked))).contributions
    with pytest.raises(UsageError, match="S415"):
        records.read_scope("1", authorise(a_request()))


@pytest.mark.parametrize(
    ("asked", "others"),
    [
        (EMPLOYEES, f"aab001 = '{OTHER}'"),
        ({"kinds": ("110", "210")}, "aae140 = '310'"),
        ({"last": "2021-12"}, "aae003 > '202112'"),
        ({"first": "2022-01"}, "aae003 < '202201'"),
    ],
)
def test_rows_out_of_scope_are_not_fetched(
    records: RecordsDatabase, database_url: str, asked: dict[str, Any], others: str
) -> None:
    """Values that cannot be read, in rows of other employers, kinds and months, are not come upon."""
    _execute(database_url, f"UPDATE ac43 SET aaa115 = aaa115, aae003 = aae003, aae079 = '29999999' WHERE {others}")
    assert records.read_scope("1", authorise(a_request(**asked))).contributions
    with pytest.raises(UsageError, match="S415"):
        records.read_scope("1", authorise(a_request()))


def _execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_the_words_of_a_scope_name_nobody() -> None:
    """What the register and the journal say of a scope has no number of a person or an employer."""
    words: Sequence[str] = [
        authorise(a_request(**asked)).text()
        for asked in (EMPLOYEES, {"kinds": ("110",), "first": "2021-01"}, {**COURT, "items": ("account",)})
    ]
    assert words == [
        "registration contributions; all kinds; all months; own employees",
        "registration contributions benefits account other; 110; 2021-01 to ...",
        "account; all kinds; all months",
    ]
    assert not any(re.search(r"\d{8}", line) for line in words)
    assert set(Person._fields) >= set(authorise(a_request(**EMPLOYEES)).person)
