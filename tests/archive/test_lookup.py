"""Lookups: registered before they are shown, refused with a code, capped."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from archive import journal
from archive.ledger import Ledger
from archive.lookup import Caps, look_up, register
from archive.scopes import Scope, narrow
from formats.errors import ServiceError, UnreachableError, UsageError
from formats.record import Record
from tests.archive.lives import COURT, EMPLOYEES, OWN_CODE, a_life, a_request

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
AGENT = {"requester": "agent", "requester_id": "A-77", "basis": "authorisation 2026-81"}
FEW = Caps(person_per_day=2, per_day=4)


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A new ledger."""
    with Ledger.create(database_url) as made:
        yield made


def _read(person: str, scope: Scope) -> Record:
    """What stands for the records database: nobody has a number with 4711 in it."""
    if "4711" in person:
        raise UsageError("S412", "no such person number")
    return narrow(a_life(), scope)


def _look(ledger: Ledger, at: datetime = AT, caps: Caps = FEW, **asked: Any) -> str:
    """The outcome of a lookup."""
    try:
        look_up(ledger, a_request(**asked), _read, caps, at)
    except ServiceError as error:
        return error.code
    return "shown"


def test_a_lookup_by_another_is_in_the_register_and_the_journal(ledger: Ledger) -> None:
    """Art. 21: who, what for, on what basis, what, by whom; the journal has the number and nothing of the person."""
    shown = look_up(ledger, a_request(**COURT, items=("account",)), _read, FEW, AT)
    assert shown.record == narrow(a_life(), shown.scope)
    (row,) = register(ledger)
    assert (row.id, row.at, row.outcome) == (shown.number, "2026-11-22T08:00:00Z", "shown")
    assert (row.requester, row.requester_id, row.purpose, row.basis) == ("authority", "C1", "duty", COURT["basis"])
    assert (row.scope, row.subject, row.who) == ("account; all kinds; all months", "1", "staff-7")
    (entry,) = journal.entries(ledger)
    assert (entry.kind, entry.why, entry.who) == ("looked-up", "art. 21", "staff-7")
    assert len(str(entry.what["row"])) == 64
    told = {name: value for name, value in entry.what.items() if name != "row"}
    assert told == {"lookup": row.id, "requester": "authority", "scope": row.scope, "outcome": "shown"}


def test_the_number_of_an_application_is_registered(ledger: Ledger) -> None:
    """Art. 19: a unit's written application stands beside its legal basis."""
    asked = {"requester": "unit", "purpose": "application", "application": "A-12", "items": ("account",)}
    assert _look(ledger, **asked) == "shown"
    assert register(ledger)[0].basis == "resident identity card shown; A-12"


def test_the_person_and_the_employer_are_not_registered_as_others(ledger: Ledger) -> None:
    """Art. 21 leaves them out; their lookups are counted, and the journal has the number and a digest of each."""
    assert _look(ledger) == _look(ledger, **EMPLOYEES) == "shown"
    assert register(ledger) == ()
    assert [row.requester for row in register(ledger, everybody=True)] == ["person", "employer"]
    told = [(entry.kind, set(entry.what)) for entry in journal.entries(ledger)]
    assert told == [("lookup-counted", {"lookup", "row"})] * 2


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({**AGENT, "basis": ""}, "S430"),
        ({**AGENT, "subject": "4711"}, "S412"),
        ({**COURT}, "S430"),
    ],
)
def test_a_refusal_is_registered_with_its_code(ledger: Ledger, asked: dict[str, Any], code: str) -> None:
    """Refused lookups of others are in the register and in the journal."""
    assert _look(ledger, **asked) == code
    assert [row.outcome for row in register(ledger)] == [code]
    assert [entry.what["outcome"] for entry in journal.entries(ledger)] == [code]


def test_nothing_is_shown_that_is_not_registered(ledger: Ledger) -> None:
    """When the register cannot be written, there is no record."""
    with ledger.writing() as connection:
        connection.execute(text("ALTER TABLE lookups RENAME COLUMN outcome TO result"))
    with pytest.raises(UnreachableError):
        look_up(ledger, a_request(**AGENT), _read, FEW, AT)


def test_what_fails_is_no_lookup(ledger: Ledger) -> None:
    """A database that does not answer leaves no row: nothing was seen."""

    def away(_person: str, _scope: Scope) -> Record:
        raise UnreachableError("S409")

    with pytest.raises(UnreachableError):
        look_up(ledger, a_request(**AGENT), away, FEW, AT)
    assert register(ledger, everybody=True) == ()


def test_a_user_may_look_up_so_many_persons(ledger: Ledger) -> None:
    """S431 for the third person within 24 hours; the same persons again, and other users, go on; then it is over."""
    outcomes = [_look(ledger, subject=subject) for subject in ("1", "2", "1", "3")]
    assert outcomes == ["shown", "shown", "shown", "S431"]
    assert _look(ledger, subject="3", who="staff-8") == "shown"
    assert _look(ledger, AT + timedelta(hours=23, minutes=59), subject="3", caps=Caps(2, 99)) == "S431"
    assert _look(ledger, AT + timedelta(hours=24), subject="3") == "shown"


def test_the_office_has_so_many_lookups(ledger: Ledger) -> None:
    """S431 for the fifth lookup of an office within 24 hours, whoever asks, and the refused one is registered."""
    assert [_look(ledger, who=f"staff-{number}") for number in range(5)] == [*["shown"] * 4, "S431"]
    assert _look(ledger, **AGENT) == "S431"
    assert [row.outcome for row in register(ledger)] == ["S431"]


def test_trying_numbers_counts(ledger: Ledger) -> None:
    """Whoever tries person numbers out is stopped by the cap like everybody."""
    assert [_look(ledger, subject=f"4711{number}") for number in range(3)] == ["S412", "S412", "S431"]


def test_the_cap_holds_between_two_at_once(ledger: Ledger) -> None:
    """Another lookup that comes in while this one is read is counted: the cap is checked where it is registered."""

    def meanwhile(person: str, scope: Scope) -> Record:
        assert _look(ledger, subject="2", caps=Caps(1, 9)) == "shown"
        return _read(person, scope)

    with pytest.raises(UsageError, match="S431"):
        look_up(ledger, a_request(**AGENT), meanwhile, Caps(1, 9), AT)
    assert [row.outcome for row in register(ledger)] == ["S431"]


def test_the_register_of_one_person(ledger: Ledger) -> None:
    """The auditor can ask who looked up one person."""
    for subject in ("1", "2"):
        assert _look(ledger, subject=subject, **AGENT) == "shown"
    assert [row.subject for row in register(ledger, subject="2")] == ["2"]


def test_the_journal_has_nothing_of_the_person(ledger: Ledger) -> None:
    """Neither numbers nor names nor the requester's number or basis are in the journal's entries."""
    for asked in (AGENT, EMPLOYEES, {**COURT, "items": ("account",)}):
        _look(ledger, subject="330100099", caps=Caps(), **asked)
    told = " ".join(map(str, journal.entries(ledger)))
    for personal in ("330100099", "A-77", "C1", "authorisation", OWN_CODE):
        assert personal not in told
