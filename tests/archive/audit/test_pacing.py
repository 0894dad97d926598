"""What an audit reads first, what it notes, and that nobody is accused who works meanwhile."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from archive.audit import audit
from archive.audit.coverage import ages, coverage, history
from archive.segments.rekey import rekey
from archive.tables import originals
from archive.upkeep_tables import checks
from tests.archive.audit.small import AT, NEXT, SEGMENT, Place, keep_batch, small
from tests.archive.stores import store_in
from tests.archive.wraps import MemoryWrap

HOUR = timedelta(hours=1)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Four sealed segments and an open one."""
    return small(tmp_path / "office")


def test_the_oldest_checked_comes_first(place: Place) -> None:
    """Without time each audit reads one sealed segment, the one that was not read for longest, and the open one."""
    seen, told = [], list[int]()
    with place.opened() as (ledger, store):
        for number in range(1, 6):
            told.clear()
            at = AT + number * HOUR
            report = audit(
                ledger, store, place.archive, at=at, budget=timedelta(0), progress=lambda _d, _t, n: told.append(n)
            )
            assert (report.problems, report.segments) == ((), 2)
            assert told[-1] == 5
            seen.append(told[0])
        with ledger.reading() as connection:
            noted = connection.execute(select(checks.c.segment).order_by(checks.c.id)).scalars().all()
    assert seen == [1, 2, 3, 4, 1]
    assert list(noted) == [segment for first in seen for segment in (first, 5)]


def test_a_killed_audit_is_gone_on_with(place: Place) -> None:
    """What was read before the end came is noted; the next audit begins with the rest."""
    with place.opened() as (ledger, store):

        def stop(_done: int, _total: int, segment: int) -> None:
            """The end, in the third segment."""
            if segment == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            audit(ledger, store, place.archive, at=AT + HOUR, progress=stop)
        assert [age.segment for age in ages(ledger) if age.checked] == [1, 2]
        told: list[int] = []
        audit(ledger, store, place.archive, at=AT + 2 * HOUR, progress=lambda _d, _t, n: told.append(n))
    assert told == [3, 4, 1, 2, 5]


def test_progress_counts_the_bytes(place: Place) -> None:
    """It begins above 0, never goes back, and ends with all."""
    told: list[tuple[int, int]] = []
    with place.opened() as (ledger, store):
        report = audit(
            ledger, store, place.archive, at=AT + HOUR, progress=lambda done, total, _n: told.append((done, total))
        )
        total = sum(age.bytes for age in ages(ledger))
    assert report.read >= total
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (total, total)


def test_coverage_tells_what_was_read_lately(place: Place) -> None:
    """The share of the bytes that was read within the days, now and over time."""
    with place.opened() as (ledger, store):
        assert coverage(ledger, AT, 90).share == 0.0
        assert history(ledger, AT, 90) == ()
        audit(ledger, store, place.archive, at=AT + HOUR, budget=timedelta(0))
        sizes = {age.segment: age.bytes for age in ages(ledger)}
        part = (sizes[1] + sizes[5]) / sum(sizes.values())
        assert coverage(ledger, AT + 2 * HOUR, 90).share == part
        audit(ledger, store, place.archive, at=AT + timedelta(days=10))
        assert coverage(ledger, AT + timedelta(days=10), 90).share == 1.0
        late = coverage(ledger, AT + timedelta(days=101), 90)
        assert (late.share, late.lately, late.segments) == (0.0, 0, 5)
        line = history(ledger, AT + timedelta(days=101), 90, points=11)
    assert [round(point.share, 6) for point in (line[0], line[-2], line[-1])] == [round(part, 6), 1.0, 0.0]


def test_nobody_is_accused_who_works_meanwhile(place: Place) -> None:
    """Keeping, sealing and a change of key in another thread: audits one after the other find nothing."""
    newest = MemoryWrap(secret=b"a third secret for the archive..", older=(NEXT.secret, *NEXT.older))

    def work() -> None:
        """Six batches with one key, then a change of key, then twelve more."""
        chance = random.Random(3)
        with place.opened() as (ledger, store):
            for batch in range(100, 106):
                keep_batch(ledger, store, batch, chance)
            rekey(store.context, NEXT, newest, "B" * 40, AT)
            newer = store_in(place.folder, ledger, wrap=newest, segment_bytes=SEGMENT)
            for batch in range(106, 118):
                keep_batch(ledger, newer, batch, chance)

    found = []
    with ThreadPoolExecutor(1) as other, place.opened() as (ledger, _):
        store = store_in(place.folder, ledger, wrap=newest, segment_bytes=SEGMENT)
        working = other.submit(work)
        while not working.done():
            found += audit(ledger, store, place.archive, at=AT + HOUR).problems
        working.result()
        with ledger.reading() as connection:
            registered = set(connection.execute(select(originals.c.digest)).scalars())
        last = audit(ledger, store, place.archive, at=AT + HOUR, deep=True)
    # In a trial without cases nothing but the register explains what was kept a moment ago.
    assert [problem for problem in found if (problem.code, problem.subject in registered) != ("A503", True)] == []
    assert (last.problems, last.originals) == ((), 54 + 18 * 6)
