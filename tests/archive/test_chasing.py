"""What cases wait for, of whom, and until when."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import pytest

from archive import cases, chasing, incoming, outgoing
from archive.case import State
from archive.chasing import WAITS, Awaiting, Chased, Wait
from archive.claims import Owner
from archive.incoming import ReceivedReceipt
from archive.ledger import Ledger
from archive.originals import Kept
from archive.outgoing import SealedPackage
from formats.clocks import Limit
from formats.messages import Outcome
from formats.workdays import published
from tests.archive.stories import (
    KINDS,
    NOW,
    PARTNER,
    SERVICE,
    Partner,
    answer,
    approved,
    arrived,
    opened,
    posted,
    sealed,
)

LATER = datetime(2026, 11, 25, 16, tzinfo=UTC)  # the 26th in Beijing
DELIVER = Wait("out", State.OPEN, "deliver", "delivery", "us", "opened")


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A new ledger on each database."""
    with Ledger.create(database_url) as made:
        yield made


@pytest.fixture
def owner() -> Owner:
    """This process."""
    return Owner.this_process()


def _waits(ledger: Ledger, case: str) -> list[tuple[str, str, str, str]]:
    return [
        (row.wait.leg, row.wait.awaited, row.wait.of, row.since) for row in chasing.awaiting(ledger) if row.case == case
    ]


def _receipt(ledger: Ledger, owner: Owner, partner: Partner, sent: SealedPackage, outcome: Outcome) -> None:
    (item,) = arrived(ledger, owner, [partner.message(f"{outcome} {sent.message_id}", sent.case)], LATER)
    kept = Kept(item.package_digest, item.arrival.size, "receipt-received")
    receipt = ReceivedReceipt(item, sent.message_id, outcome, (), sent.digest, kept)
    assert incoming.record_receipts(ledger, owner, [receipt], SERVICE, LATER) == (None,)


def test_what_has_not_left_is_awaited_of_this_office(ledger: Ledger, owner: Owner) -> None:
    """Open, held, approved or sealed: the delivery, from the opening on, however often the case has moved since."""
    ours = ("deliver", "delivery", "us", "2026-11-22T08:00:00Z")
    (leaving,) = sealed(ledger, owner)
    (waiting,) = approved(ledger)
    fresh, held, ended = opened(ledger, 3)
    cases.hold(ledger, held, "staff-1", "recheck", LATER)
    cases.withdraw(ledger, ended, "staff-1", "moved", LATER)
    for case in (fresh, held, waiting, leaving.case):
        assert _waits(ledger, case) == [ours]
    assert _waits(ledger, ended) == []


def test_what_has_left_is_awaited_of_the_partner(ledger: Ledger, owner: Owner) -> None:
    """In transit: the receipt, from the posting on."""
    (sent,) = sealed(ledger, owner)
    posts = outgoing.claim_posts(ledger, owner, 1, LATER, "message")
    outgoing.record_posted(ledger, owner, [posts[0].message_id], SERVICE, LATER)
    assert _waits(ledger, sent.case) == [("receipt", "receipt", "partner", "2026-11-25T16:00:00Z")]


def test_on_hold_does_not_prolong_the_limit(ledger: Ledger, owner: Owner) -> None:
    """A receipt that says `on-hold` changes the leg; the clock runs on from the posting. A final one ends the wait."""
    (sent,) = posted(ledger, owner)
    partner = Partner()
    _receipt(ledger, owner, partner, sent, "on-hold")
    assert _waits(ledger, sent.case) == [("join", "receipt", "partner", "2026-11-22T08:00:00Z")]
    _receipt(ledger, owner, partner, sent, "accepted")
    assert _waits(ledger, sent.case) == []


def test_a_receipt_that_overtook_the_posting_counts_from_itself(ledger: Ledger, owner: Owner) -> None:
    """On hold before the posting was entered: no time of posting is there, so the case's own change counts."""
    (sent,) = sealed(ledger, owner)
    outgoing.claim_posts(ledger, owner, 1, NOW, "message")
    _receipt(ledger, owner, Partner(), sent, "on-hold")
    assert _waits(ledger, sent.case) == [("join", "receipt", "partner", "2026-11-25T16:00:00Z")]


def test_what_came_is_awaited_of_this_office_until_it_is_answered(ledger: Ledger, owner: Owner) -> None:
    """Received: the decision, from the day on which the delivery was first entered, also when it comes once more."""
    partner = Partner()
    message = partner.message("a delivery", "44030001-2026-000001")
    (item,) = arrived(ledger, owner, [message])
    incoming.prepare(ledger, owner, [item], NOW)
    ours = [("join", "receipt", "us", "2026-11-22T08:00:00Z")]
    assert _waits(ledger, item.case) == ours
    incoming.prepare(ledger, owner, [item], LATER)
    assert _waits(ledger, item.case) == ours
    answer(ledger, owner, [item])
    assert _waits(ledger, item.case) == []


def test_a_delivery_that_came_after_a_refusal_begins_anew(ledger: Ledger, owner: Owner) -> None:
    """The limit of a corrected delivery runs from its own coming, not from that of the refused one."""
    partner, case = Partner(), "44030001-2026-000001"
    answer(ledger, owner, arrived(ledger, owner, [partner.message("wrong", case)]), "rejected")
    (again,) = arrived(ledger, owner, [partner.message("corrected", case)], LATER)
    incoming.prepare(ledger, owner, [again], LATER)
    assert _waits(ledger, case) == [("join", "receipt", "us", "2026-11-25T16:00:00Z")]


def test_only_one_partners_cases(ledger: Ledger) -> None:
    """With a partner, that partner's; without one, all, a partner after the other."""
    (first,) = opened(ledger, partner="51010001")
    second, third = opened(ledger, 2)
    assert [row.case for row in chasing.awaiting(ledger)] == [second, third, first]
    assert [row.case for row in chasing.awaiting(ledger, "51010001")] == [first]
    assert chasing.awaiting(ledger, "11010001") == ()


def test_a_state_may_wait_for_several_things(ledger: Ledger) -> None:
    """The table decides: a second row for the same state is a second line for the case."""
    (case,) = opened(ledger)
    clarify = DELIVER._replace(leg="clarify", awaited="answer", of="partner")
    found = chasing.awaiting(ledger, waits=(DELIVER, clarify))
    assert [(row.case, row.wait) for row in found] == [(case, DELIVER), (case, clarify)]


def test_the_table_names_each_wait_once() -> None:
    """No direction, state and leg stands there twice, and nothing that is over waits."""
    keys = [(wait.direction, wait.state, wait.leg) for wait in WAITS]
    assert len(set(keys)) == len(keys)
    assert {wait.state for wait in WAITS} & {State.ACCEPTED, State.REJECTED, State.WITHDRAWN} == set()


def _chased(rows: Sequence[Awaiting], on: date, limits: Sequence[Limit] | None = None) -> list[Chased]:
    return list(chasing.chased(rows, on, published(), limits))


def test_due_left_and_over() -> None:
    """Opened on Sunday 22 November 2026, due after 15 working days; the due day itself is not over yet."""
    row = Awaiting("33010001-2026-000001", PARTNER, KINDS, DELIVER, "2026-11-22T08:00:00Z")
    expected = {
        date(2026, 11, 22): (15, False),
        date(2026, 11, 23): (14, False),
        date(2026, 12, 11): (0, False),
        date(2026, 12, 12): (0, True),
        date(2026, 12, 14): (-1, True),
        date(2026, 12, 18): (-5, True),
    }
    for on, told in expected.items():
        (found,) = _chased([row], on)
        assert (found.since, found.due) == ("2026-11-22", "2026-12-11")
        assert (found.left, found.overdue) == told
        assert (found.provisional, found.unsure) == (False, False)
        assert "66号" in found.source


def test_the_day_is_beijings() -> None:
    """From 16:00 UTC on a limit runs from the next day: opened on Monday in Beijing, it is due on Monday."""
    row = Awaiting("33010001-2026-000001", PARTNER, KINDS, DELIVER, "2026-11-22T16:00:00Z")
    (found,) = _chased([row], date(2026, 11, 23))
    assert (found.since, found.due) == ("2026-11-23", "2026-12-14")


def test_no_limit_is_neither_due_nor_overdue() -> None:
    """A case of kinds without a limit is listed, without a day, behind the others."""
    row = Awaiting("33010001-2026-000001", PARTNER, ("999",), DELIVER, "2016-11-22T16:00:00Z")
    later = row._replace(case="33010001-2026-000002", kinds=KINDS, since="2026-11-22T16:00:00Z")
    second, first = _chased([row, later], date(2026, 11, 23))
    assert (first.case, first.due, first.left, first.overdue) == (row.case, "", None, False)
    assert second.case == later.case


def test_an_unsure_limit_and_a_provisional_day_are_marked() -> None:
    """What no rule gives and what no calendar has yet says so, and is counted all the same."""
    transit = Wait("out", State.IN_TRANSIT, "receipt", "receipt", "partner", "posted")
    last = max(published().years)
    row = Awaiting("33010001-2026-000001", PARTNER, KINDS, transit, f"{last}-12-28T08:00:00Z")
    (found,) = _chased([row], date(last + 1, 3, 1))
    assert (found.unsure, found.provisional, found.overdue) == (True, True, True)


def test_the_most_urgent_first_partner_by_partner() -> None:
    """By partner, then by due day, then by case."""
    row = Awaiting("c", "44030001", KINDS, DELIVER, "2026-11-20T08:00:00Z")
    sooner = row._replace(case="b", since="2026-11-10T08:00:00Z")
    other = row._replace(case="a", partner="11010001")
    same = row._replace(case="d")
    found = _chased([same, row, sooner, other], date(2026, 11, 23))
    assert [item.case for item in found] == ["a", "b", "c", "d"]


def test_an_offices_own_limits_count() -> None:
    """The limits that are passed in decide, not our own."""
    row = Awaiting("33010001-2026-000001", PARTNER, KINDS, DELIVER, "2026-11-23T01:00:00Z")
    own = [Limit("unemployment", "deliver", 5, "", "", unsure=False, source="of the city")]
    (found,) = _chased([row], date(2026, 11, 23), own)
    assert (found.due, found.source) == ("2026-11-30", "of the city")
