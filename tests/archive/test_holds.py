"""Holds: placed on a case, lifted by number, each in the journal."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive import cases, holds, journal
from archive.cases import NewCase
from archive.ledger import Ledger
from formats.errors import UsageError

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
CASE = "33010001-2026-000001"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with one case."""
    with Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}") as made:
        cases.open_cases(made, [NewCase(CASE, "44030001", "330106001", ("110",))], "staff-1", AT)
        yield made


def keys(ledger: Ledger) -> frozenset[holds.CaseKey]:
    """The cases that are held."""
    with ledger.reading() as connection:
        return holds.held(connection)


def test_a_hold_is_placed_and_lifted(ledger: Ledger) -> None:
    """While one hold is not lifted the case is held; each act is one entry that names no reason."""
    first = holds.place(ledger, CASE, "objection 17 of 2026", "staff-2", AT)
    second = holds.place(ledger, CASE, "suit 4 of 2026", "staff-2", AT)
    assert holds.listing(ledger) == (first, second)
    assert keys(ledger) == {("out", "44030001", CASE)}
    lifted = holds.lift(ledger, first.number, "staff-3", AT)
    assert (lifted.lifted, lifted.lifted_by) == ("2026-11-22T08:00:00Z", "staff-3")
    assert keys(ledger) == {("out", "44030001", CASE)}
    holds.lift(ledger, second.number, "staff-3", AT)
    assert keys(ledger) == frozenset()
    assert holds.listing(ledger) == ()
    assert [hold.number for hold in holds.listing(ledger, lifted=True)] == [first.number, second.number]
    lines = journal.entries(ledger, first=2)
    assert len({line.what["row"] for line in lines}) == 4  # digests of what each row was then
    told = [(line.kind, {"hold": line.what["hold"], "case": line.what["case"]}, line.who) for line in lines]
    assert told == [
        ("hold-placed", {"hold": first.number, "case": CASE}, "staff-2"),
        ("hold-placed", {"hold": second.number, "case": CASE}, "staff-2"),
        ("hold-lifted", {"hold": first.number, "case": CASE}, "staff-3"),
        ("hold-lifted", {"hold": second.number, "case": CASE}, "staff-3"),
    ]
    assert "objection" not in str(journal.entries(ledger))
    journal.verify(ledger)


def test_a_hold_needs_a_case_and_a_reason(ledger: Ledger) -> None:
    """An unknown case is S412, no reason S421; neither leaves a trace."""
    with pytest.raises(UsageError, match="S412"):
        holds.place(ledger, "33010001-2026-000009", "objection", "staff-2", AT)
    with pytest.raises(UsageError, match="S421"):
        holds.place(ledger, CASE, "  ", "staff-2", AT)
    assert holds.listing(ledger, lifted=True) == ()
    assert journal.head(ledger).count == 1


def test_a_hold_is_lifted_once(ledger: Ledger) -> None:
    """An unknown hold is S412, one that was lifted S411."""
    placed = holds.place(ledger, CASE, "objection", "staff-2", AT)
    with pytest.raises(UsageError, match="S412"):
        holds.lift(ledger, placed.number + 1, "staff-2", AT)
    holds.lift(ledger, placed.number, "staff-2", AT)
    with pytest.raises(UsageError, match="S411"):
        holds.lift(ledger, placed.number, "staff-2", AT)
    assert [line.kind for line in journal.entries(ledger)] == ["opened", "hold-placed", "hold-lifted"]
