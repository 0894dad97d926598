"""How much of the archive was read lately, and when each segment was last read."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select

from archive.audit.report import Coverage
from archive.ledger import Ledger
from archive.tables import segments, utc_text
from archive.upkeep_tables import checks


class Age(NamedTuple):
    """A segment: number, state, bytes, and when an audit last read all of it (UTC text, empty for never)."""

    segment: int
    state: str
    bytes: int
    checked: str


class Point(NamedTuple):
    """The share of the archive's bytes that was read in the days before this moment (UTC text)."""

    at: str
    share: float


def ages(ledger: Ledger) -> tuple[Age, ...]:
    """Every segment that is there, by number. Raises UnreachableError S409."""
    wanted = select(segments.c.n, segments.c.state, segments.c.end, segments.c.checked)
    with ledger.reading() as connection:
        rows = connection.execute(wanted.where(segments.c.state != "destroyed").order_by(segments.c.n))
        return tuple(Age(*row) for row in rows)


def coverage(ledger: Ledger, at: datetime, days: int) -> Coverage:
    """The share that was read within `days` before `at`. Raises UnreachableError S409."""
    since = utc_text(at - timedelta(days=days))
    every = ages(ledger)
    lately = [age for age in every if age.checked >= since]
    return Coverage(days, sum(age.bytes for age in every), sum(age.bytes for age in lately), len(every), len(lately))


def history(ledger: Ledger, at: datetime, days: int, points: int = 60) -> tuple[Point, ...]:
    """The coverage at evenly spaced moments from the first check (at most four times `days` ago) until `at`.

    Of a segment's bytes at that time the check itself tells. Raises UnreachableError S409.
    """
    since = utc_text(at - timedelta(days=4 * days))
    wanted = select(checks.c.at, checks.c.segment, checks.c.bytes).where(checks.c.at >= since).order_by(checks.c.at)
    existing = select(segments.c.n, segments.c.end, segments.c.opened).where(segments.c.state != "destroyed")
    with ledger.reading() as connection:
        made = [tuple(row) for row in connection.execute(wanted)]
        there = [tuple(row) for row in connection.execute(existing)]
    if not made:
        return ()
    first = datetime.fromisoformat(made[0][0])
    step = max(timedelta(hours=1), (at - first) / max(1, points - 1))
    moments = [first + step * place for place in range(points) if first + step * place < at] + [at]
    return tuple(_point(moment, days, made, there) for moment in moments)


def _point(
    moment: datetime, days: int, made: Sequence[tuple[str, int, int]], there: Sequence[tuple[int, int, str]]
) -> Point:
    now, since = utc_text(moment), utc_text(moment - timedelta(days=days))
    read = {segment for at, segment, _ in made if since <= at <= now}
    then = [(segment, size) for segment, size, opened in there if opened <= now]
    total = sum(size for _, size in then)
    return Point(now, sum(size for segment, size in then if segment in read) / total if total else 1.0)
