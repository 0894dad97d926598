"""Claims, sealing and posting: nobody takes what another has, and what was lost is not recorded."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from archive import cases, claims, outgoing, tables
from archive.claims import Owner
from archive.ledger import Ledger
from archive.tables import messages, originals, owners
from formats.messages import STAGES, Finding
from tests.archive.stories import (
    LATER,
    NOW,
    PARTNER,
    SERVICE,
    approved,
    document_of,
    opened,
    package_of,
    posted,
    sealed,
    state,
)
from tests.parts import ROOT


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A new ledger on each database."""
    with Ledger.create(database_url) as made:
        yield made


@pytest.fixture
def owner() -> Owner:
    """One owner of this process."""
    return Owner.this_process()


@pytest.fixture
def other() -> Owner:
    """Another owner; its process lives, too."""
    return Owner.this_process()


def _process(url: str, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.archive.claimer", url, mode],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_two_processes_share_the_work(ledger: Ledger, database_url: str) -> None:
    """Two processes at once on one ledger: every case is sealed by exactly one, with ids of its own."""
    numbers = approved(ledger, 150)
    processes = [_process(database_url, "drain") for _ in range(2)]
    assert [_line(process) for process in processes] == ["ready", "ready"]
    for process in processes:
        _begin(process)
    done = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(done[0] + done[1]) == sorted(numbers)
    with ledger.reading() as connection:
        sent = connection.execute(select(messages.c.case_number, messages.c.message_id, messages.c.sequence)).all()
    assert len({row.message_id for row in sent}) == len({row.case_number for row in sent}) == 150
    assert sorted(row.sequence for row in sent) == list(range(1, 151))


def test_a_killed_process_loses_its_claims_at_once(ledger: Ledger, database_url: str, owner: Owner) -> None:
    """While it lives nobody gets its cases; after kill -9 the next claim does, with the same ids, lease or not."""
    numbers = approved(ledger, 5)
    process = _process(database_url, "hold")
    try:
        assert _line(process) == "ready"
        _begin(process)
        assert _line(process) == "5"
        assert outgoing.claim(ledger, owner, 10, NOW) == ()
        with ledger.reading() as connection:
            reserved = {
                row.case_number: (row.message_id, row.sequence)
                for row in connection.execute(select(tables.cases)).all()
            }
    finally:
        process.kill()
    _wait_for_the_end(process)
    work = outgoing.claim(ledger, owner, 10, NOW)  # not waited for: the process is a zombie still
    assert {item.case: (item.message_id, item.sequence) for item in work} == reserved
    assert sorted(reserved) == sorted(numbers)
    process.communicate()


def _wait_for_the_end(process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 10
    while claims._started(process.pid) and time.monotonic() < deadline:
        time.sleep(0.01)


def test_work_says_all_that_sealing_needs(ledger: Ledger, owner: Owner) -> None:
    """The case, its approvals in order, a message id and the next number to that partner."""
    approved(ledger, 2)
    approved(ledger, 1, "11010001")
    opened(ledger)
    work = outgoing.claim(ledger, owner, 10, NOW)
    assert [(item.partner, item.sequence) for item in work] == [(PARTNER, 1), (PARTNER, 2), ("11010001", 1)]
    assert [approval.stage for approval in work[0].approvals] == list(STAGES)
    assert work[0].person == "P00000"


def test_claims_do_not_overlap(ledger: Ledger, owner: Owner, other: Owner) -> None:
    """What one owner has, neither another nor it itself gets again."""
    numbers = approved(ledger, 6)
    mine = outgoing.claim(ledger, owner, 4, NOW)
    theirs = outgoing.claim(ledger, other, 4, NOW)
    assert [item.case for item in (*mine, *theirs)] == list(numbers)
    assert outgoing.claim(ledger, owner, 4, NOW) == ()


def test_named_cases_only(ledger: Ledger, owner: Owner) -> None:
    """With cases named, only these are taken, and no more than the limit."""
    numbers = approved(ledger, 6)
    unknown = [f"{number}-no" for number in numbers] * 300
    assert outgoing.claim(ledger, owner, 4, NOW, []) == ()
    work = outgoing.claim(ledger, owner, 2, NOW, [*unknown, *numbers[3:]])
    assert [item.case for item in work] == list(numbers[3:5])


def test_a_released_claim_keeps_its_ids(ledger: Ledger, owner: Owner, other: Owner) -> None:
    """Given back, a case goes to the next owner with the message id and sequence that it has."""
    approved(ledger, 3)
    first = outgoing.claim(ledger, owner, 3, NOW)
    outgoing.release(ledger, owner)
    assert outgoing.claim(ledger, other, 3, NOW) == first


def test_a_late_owner_is_fenced_off(ledger: Ledger, owner: Owner, other: Owner) -> None:
    """After ten minutes without a sign of life another gets the case; the first one's record then writes nothing."""
    (number,) = approved(ledger)
    (work,) = outgoing.claim(ledger, owner, 1, NOW)
    assert outgoing.claim(ledger, other, 1, NOW + claims.LEASE) == ()
    assert outgoing.claim(ledger, other, 1, LATER) == (work,)
    package = package_of(work, document_of(work))
    assert outgoing.record_sealed(ledger, owner, [package], [], SERVICE, LATER) == ()
    assert state(ledger, number) == "approved"
    assert outgoing.record_sealed(ledger, other, [package], [], SERVICE, LATER) == (number,)


def test_a_late_owner_that_nobody_replaced_may_record(ledger: Ledger, owner: Owner) -> None:
    """A lease that ran out harms nobody until somebody claims."""
    (number,) = approved(ledger)
    (work,) = outgoing.claim(ledger, owner, 1, NOW)
    package = package_of(work, document_of(work))
    assert outgoing.record_sealed(ledger, owner, [package], [], SERVICE, LATER + timedelta(hours=1)) == (number,)


def test_recording_renews_the_lease(ledger: Ledger, owner: Owner, other: Owner) -> None:
    """An owner that records is alive, and keeps what else it has."""
    approved(ledger, 2)
    first, _ = outgoing.claim(ledger, owner, 2, NOW)
    outgoing.record_sealed(
        ledger, owner, [package_of(first, document_of(first))], [], SERVICE, NOW + timedelta(minutes=9)
    )
    assert outgoing.claim(ledger, other, 2, LATER) == ()


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ({}, False),
        ({"pid": 2**22 + 1}, True),
        ({"started": "1"}, True),
        ({"boot_id": "another"}, False),
        ({"boot_id": ""}, False),
        ({"host": "another"}, False),
    ],
)
def test_who_is_dead(owner: Owner, change: dict[str, Any], dead: bool) -> None:
    """Dead for certain: same host, same boot, and no such process or a later one; of all others nobody knows."""
    assert replace(owner, **change).is_dead() is dead


def test_owners_without_claims_leave_no_trace(ledger: Ledger, owner: Owner, other: Owner) -> None:
    """Released and dead owners are forgotten."""
    outgoing.claim(ledger, replace(owner, pid=2**22 + 1), 1, NOW)
    outgoing.claim(ledger, other, 1, NOW)
    outgoing.release(ledger, other)
    with ledger.reading() as connection:
        assert connection.execute(select(owners)).all() == []


def test_sealing_enters_everything_at_once(ledger: Ledger, owner: Owner) -> None:
    """Case, message and original say the same; what was held keeps its findings and stays here."""
    (first, second) = approved(ledger, 2)
    work = outgoing.claim(ledger, owner, 2, NOW)
    package = package_of(work[0], document_of(work[0]))
    findings = (Finding("R014", "/delivery/record/contributions", "one row", "two rows"),)
    assert outgoing.record_sealed(ledger, owner, [package], [(second, findings)], SERVICE, NOW) == (first, second)
    assert (cases.find(ledger, first).state, cases.find(ledger, first).digest) == ("sealed", package.digest)
    assert (cases.find(ledger, second).state, cases.find(ledger, second).findings) == ("held", findings)
    with ledger.reading() as connection:
        (message,) = connection.execute(select(messages)).all()
        (original,) = connection.execute(select(originals)).all()
    assert (message.message_id, message.sequence, message.state) == (package.message_id, 1, "sealed")
    assert (original.digest, original.kind, original.case_number) == (package.digest, "delivery-sent", first)


def test_recording_twice_changes_nothing(ledger: Ledger, owner: Owner) -> None:
    """A case that is sealed is not sealed again."""
    packages = sealed(ledger, owner)
    assert outgoing.record_sealed(ledger, owner, packages, [], SERVICE, NOW) == ()


@pytest.mark.parametrize("act", [cases.hold, cases.withdraw])
def test_a_person_stops_a_case_that_is_being_sealed(ledger: Ledger, owner: Owner, act: object) -> None:
    """What a person holds or withdraws while it is claimed is not recorded as sealed, and never leaves."""
    (number,) = approved(ledger)
    (work,) = outgoing.claim(ledger, owner, 1, NOW)
    assert callable(act)
    act(ledger, number, "staff-7", "objection", NOW)
    assert outgoing.record_sealed(ledger, owner, [package_of(work, document_of(work))], [], SERVICE, NOW) == ()
    assert outgoing.claim_posts(ledger, owner, 1, NOW, "message") == ()


def test_a_held_case_sealed_later_has_its_ids(ledger: Ledger, owner: Owner) -> None:
    """Held, released and approved anew, a case leaves under the ids it once got."""
    (number,) = approved(ledger)
    (work,) = outgoing.claim(ledger, owner, 1, NOW)
    outgoing.record_sealed(ledger, owner, [], [(number, ())], SERVICE, NOW)
    cases.release(ledger, number, "staff-7", "corrected", NOW)
    for stage in STAGES:
        cases.approve(ledger, [number], stage, f"staff-{stage}", NOW)
    (again,) = outgoing.claim(ledger, owner, 1, NOW)
    assert (again.message_id, again.sequence) == (work.message_id, work.sequence)


def test_posting_puts_cases_in_transit(ledger: Ledger, owner: Owner, other: Owner) -> None:
    """Sealed messages are posted by one owner, once."""
    packages = sealed(ledger, owner, 3)
    mine = outgoing.claim_posts(ledger, owner, 2, NOW, "message")
    theirs = outgoing.claim_posts(ledger, other, 2, NOW, "message")
    assert [post.name for post in (*mine, *theirs)] == [package.name for package in packages]
    first = packages[0]
    assert mine[0] == outgoing.Post(
        first.message_id, "delivery", PARTNER, first.name, first.package_digest, first.case, first.digest
    )
    ids = [package.message_id for package in packages]
    assert outgoing.record_posted(ledger, owner, ids, SERVICE, NOW) == tuple(ids[:2])
    assert [state(ledger, package.case) for package in packages] == ["in_transit", "in_transit", "sealed"]
    assert outgoing.record_posted(ledger, owner, ids, SERVICE, NOW) == ()


def test_a_post_that_failed_is_posted_by_the_next(ledger: Ledger, owner: Owner, other: Owner) -> None:
    """Claims on messages are given back like those on cases; receipts are claimed apart from deliveries."""
    sealed(ledger, owner)
    assert outgoing.claim_posts(ledger, owner, 5, NOW, "receipt") == ()
    first = outgoing.claim_posts(ledger, owner, 5, NOW, "message")
    outgoing.release(ledger, owner)
    assert outgoing.record_posted(ledger, owner, [first[0].message_id], SERVICE, NOW) == ()
    assert outgoing.claim_posts(ledger, other, 5, NOW, "message") == first


def test_what_left_cannot_be_stopped(ledger: Ledger, owner: Owner) -> None:
    """A case in transit is neither held nor withdrawn: S411."""
    (package,) = posted(ledger, owner)
    for act in (cases.hold, cases.withdraw):
        with pytest.raises(Exception, match="S411"):
            act(ledger, package.case, "staff-7", "too late", NOW)
