"""Caps on what leaves in a day: they hold for all processes together, on both databases."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from archive import cases, egress, journal, outgoing
from archive.case import State
from archive.claims import Owner
from archive.egress import Caps, Used
from archive.ledger import Ledger
from archive.tables import messages
from tests.archive.stories import NOW, PARTNER, SERVICE, approved, document_of, package_of
from tests.parts import ROOT

OTHER, THIRD = "51010001", "42010001"
TODAY, TOMORROW = date(2026, 11, 22), NOW + timedelta(days=1)


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A new ledger on each database."""
    with Ledger.create(database_url) as made:
        yield made


@pytest.fixture
def owner() -> Owner:
    """One owner of this process."""
    return Owner.this_process()


def _claimed(ledger: Ledger, owner: Owner, caps: Caps, limit: int = 100) -> Counter[str]:
    return Counter(item.partner for item in outgoing.claim(ledger, owner, limit, NOW, caps=caps))


def test_a_partner_s_cap(ledger: Ledger, owner: Owner) -> None:
    """To one partner no more than its cap; who comes behind it in the order of opening is not kept waiting by it."""
    approved(ledger, 5)
    approved(ledger, 2, OTHER)
    assert _claimed(ledger, owner, Caps(100, 3), 4) == {PARTNER: 3}
    assert _claimed(ledger, owner, Caps(100, 3), 4) == {OTHER: 2}
    assert _claimed(ledger, owner, Caps(100, 3), 4) == {}
    assert egress.used(ledger, TODAY) == Used(5, {PARTNER: 3, OTHER: 2})
    assert egress.waiting(ledger, Caps(100, 3), TODAY) == {PARTNER: 2}


def test_the_office_s_cap(ledger: Ledger, owner: Owner) -> None:
    """All partners together no more than the office's cap; tomorrow is another day."""
    for partner in (PARTNER, OTHER, THIRD):
        approved(ledger, 2, partner)
    assert _claimed(ledger, owner, Caps(5, 3)).total() == 5
    assert egress.waiting(ledger, Caps(5, 3), TODAY) == {THIRD: 1}
    assert outgoing.claim(ledger, owner, 100, NOW, caps=Caps(5, 3)) == ()
    (last,) = outgoing.claim(ledger, owner, 100, TOMORROW, caps=Caps(5, 3))
    assert last.partner == THIRD


def test_a_case_counts_once(ledger: Ledger, owner: Owner) -> None:
    """Released and claimed again, as after a crash, it has its ids and its place; another takes no room from it."""
    approved(ledger, 2)
    caps = Caps(1, 1)
    (first,) = outgoing.claim(ledger, owner, 100, NOW, caps=caps)
    outgoing.release(ledger, owner)
    (again,) = outgoing.claim(ledger, owner, 100, NOW, caps=caps)
    assert (again.case, again.message_id) == (first.case, first.message_id)
    assert egress.used(ledger, TODAY).all == 1


def test_letters_do_not_count(ledger: Ledger, owner: Owner) -> None:
    """Without caps, as for contact letters, nothing is counted."""
    approved(ledger, 2)
    assert len(outgoing.claim(ledger, owner, 100, NOW)) == 2
    assert egress.used(ledger, TODAY) == Used()


def test_a_day_is_beijing_s(ledger: Ledger, owner: Owner) -> None:
    """Sixteen o'clock UTC is the next day."""
    approved(ledger, 2)
    caps = Caps(1, 1)
    before = NOW.replace(hour=15, minute=59)
    assert len(outgoing.claim(ledger, owner, 100, before, caps=caps)) == 1
    assert outgoing.claim(ledger, Owner.this_process(), 100, before, caps=caps) == ()
    assert len(outgoing.claim(ledger, Owner.this_process(), 100, before + timedelta(minutes=1), caps=caps)) == 1


def test_processes_at_once_keep_the_caps_together(ledger: Ledger, database_url: str) -> None:
    """Three processes that claim at the same time: fifty in all, thirty to a partner, and the rest stays approved."""
    for partner in (PARTNER, OTHER, THIRD):
        approved(ledger, 40, partner)
    command = [sys.executable, "-m", "tests.archive.claimer", database_url, "capped"]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    done = [process.communicate("\n", timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    with ledger.reading() as connection:
        sent = Counter(connection.execute(select(messages.c.partner)).scalars())
    assert sent.total() == sum(map(len, done)) == egress.used(ledger, TODAY).all == 50
    assert max(sent.values()) <= 30
    assert len(cases.listing(ledger, state=State.APPROVED)) == 70


def test_the_journal_says_so_once_a_day(ledger: Ledger, owner: Owner) -> None:
    """That cases wait is entered once a day; another cap when it is first used, with the one before."""
    caps = {"cases_per_day": 5, "bytes_per_package": 100}
    egress.declare(ledger, caps, SERVICE, NOW)
    egress.declare(ledger, caps, SERVICE, NOW)
    egress.declare(ledger, {**caps, "cases_per_day": 9}, SERVICE, NOW)
    for at, day in ((NOW, TODAY), (NOW, TODAY), (TOMORROW, TODAY + timedelta(days=1))):
        egress.tell(ledger, {PARTNER: 2, OTHER: 1}, SERVICE, day, at)
    told = [(entry.kind, dict(entry.what)) for entry in journal.entries(ledger)]
    assert told == [
        ("egress-cap-set", {"cap": "cases_per_day", "before": 0, "now": 5}),
        ("egress-cap-set", {"cap": "bytes_per_package", "before": 0, "now": 100}),
        ("egress-cap-set", {"cap": "cases_per_day", "before": 5, "now": 9}),
        ("egress-capped", {"cases": 3, "partners": 2}),
        ("egress-capped", {"cases": 3, "partners": 2}),
    ]
    journal.verify(ledger)


def test_what_was_sealed_counts_no_second_time(ledger: Ledger, owner: Owner) -> None:
    """A sealed case has left the list; only what is approved waits."""
    approved(ledger, 2)
    (work,) = outgoing.claim(ledger, owner, 100, NOW, caps=Caps(1, 1))
    outgoing.record_sealed(ledger, owner, [package_of(work, document_of(work))], [], SERVICE, NOW)
    assert egress.waiting(ledger, Caps(1, 1), TODAY) == {PARTNER: 1}
    assert egress.waiting(ledger, Caps(2, 2), TODAY) == {}
