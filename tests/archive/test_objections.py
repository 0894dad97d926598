"""The register of objections: read out of the journal, one open at a time, on each database."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from random import Random

import pytest

from archive import journal, objections
from archive.claims import Owner
from archive.ledger import Ledger
from archive.tables import utc_text
from formats.errors import UsageError
from tests.archive.stories import NOW, opened, posted


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A new ledger on each database."""
    with Ledger.create(database_url) as made:
        yield made


def test_one_is_open_at_a_time(ledger: Ledger) -> None:
    """Whatever is entered and decided in whatever order: the register has what was allowed, and nothing else moves."""
    numbers = [item.case for item in posted(ledger, Owner.this_process(), 3)]
    random = Random(7)  # a fixed walk: the rule is checked at each step, beside a register kept here
    known: list[tuple[str, str, str, str]] = []
    for step in range(60):
        number, at = random.choice(numbers), NOW + timedelta(minutes=step)
        place = next((n for n, item in enumerate(known) if item[0] == number and not item[2]), None)
        ending = random.choice(("", "corrected", "stands"))
        with pytest.raises(UsageError, match="S411") if bool(ending) == (place is None) else nullcontext():
            if ending:
                objections.decide(ledger, number, ending, "staff-2", at)
            else:
                objections.enter(ledger, number, "staff-1", at)
        if ending and place is not None:
            known[place] = (*known[place][:2], ending, utc_text(at))
        elif not ending and place is None:
            known.append((number, utc_text(at), "", ""))
    found = objections.registered(ledger)
    assert [(item.case, item.entered, item.ending, item.decided) for item in found] == known
    assert {item.route for item in found} == {"here"}
    assert objections.registered(ledger, numbers[0]) == tuple(item for item in found if item.case == numbers[0])
    kinds = [line.kind for line in journal.entries(ledger)]
    assert kinds.count("objected") == len(known)
    assert kinds.count("objection-decided") == sum(bool(item[2]) for item in known)


def test_what_came_with_a_return_has_no_entry_but_its_end(ledger: Ledger) -> None:
    """The partner's return is a message: the register has how it ended here, after one that was entered before too."""
    (number,) = (item.case for item in posted(ledger, Owner.this_process()))
    objections.enter(ledger, number, "staff-1", NOW)
    journal.record(ledger, [objections.decided(number, "stands", "staff-2", NOW) for _ in range(2)])
    assert [(item.route, item.ending) for item in objections.registered(ledger)] == [
        ("here", "stands"),
        ("received", "stands"),
    ]


def test_only_what_was_delivered_is_objected_to(ledger: Ledger) -> None:
    """A case that has not left has nothing to object to, and one that nobody knows neither."""
    (number,) = opened(ledger)
    with pytest.raises(UsageError, match="S411"):
        objections.enter(ledger, number, "staff-1", NOW)
    with pytest.raises(UsageError, match="S412"):
        objections.enter(ledger, "33010001-2020-000001", "staff-1", NOW)
    assert objections.registered(ledger) == ()
