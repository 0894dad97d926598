"""What cases wait for, of whom, and until when. Nothing is changed here, and nothing is refused by a clock.

What a case in a state waits for is a table (`WAITS`): reading the ledger and joining the clocks follow it.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple, cast

from sqlalchemy import ScalarSelect, and_, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from archive.case import State
from archive.cases import Direction
from archive.ledger import Ledger
from archive.tables import DELIVERY, LETTER, cases, messages
from formats.clocks import Due, Leg, Limit, due
from formats.messages import Awaited
from formats.workdays import Calendar, beijing_day

Whose = Literal["us", "partner"]
Since = Literal["opened", "posted", "entered", "updated"]
Wanted = Awaited | Literal["letter"]


class Wait(NamedTuple):
    """What a case in one state waits for, and the leg whose limit runs.

    `since`: the limit runs from the case's opening, from the posting or the entering of its delivery or letter, or from
    the last change of its state.
    """

    direction: Direction
    state: State
    leg: Leg
    awaited: Wanted
    of: Whose
    since: Since


# An on-hold receipt does not prolong the partner's limit: it runs from the delivery.
WAITS: tuple[Wait, ...] = (
    Wait("out", State.OPEN, "deliver", "delivery", "us", "opened"),
    Wait("out", State.APPROVED, "deliver", "delivery", "us", "opened"),
    Wait("out", State.HELD, "deliver", "delivery", "us", "opened"),
    Wait("out", State.SEALED, "deliver", "delivery", "us", "opened"),
    Wait("out", State.IN_TRANSIT, "receipt", "receipt", "partner", "posted"),
    Wait("out", State.ON_HOLD, "join", "receipt", "partner", "posted"),
    Wait("out", State.RETURNED, "return", "correction", "us", "updated"),
    Wait("out", State.WITHDRAWING, "receipt", "receipt", "partner", "updated"),
    Wait("in", State.OPEN, "letter", "letter", "us", "opened"),
    Wait("in", State.APPROVED, "letter", "letter", "us", "opened"),
    Wait("in", State.HELD, "letter", "letter", "us", "opened"),
    Wait("in", State.SEALED, "letter", "letter", "us", "opened"),
    Wait("in", State.IN_TRANSIT, "receipt", "receipt", "partner", "posted"),
    Wait("in", State.AWAITED, "deliver", "delivery", "partner", "posted"),
    Wait("in", State.RECEIVED, "join", "receipt", "us", "entered"),
    Wait("in", State.RETURNED, "return", "correction", "partner", "updated"),
    Wait("in", State.WITHDRAWING, "receipt", "receipt", "partner", "updated"),
)


class Awaiting(NamedTuple):
    """A case that waits; `since` is UTC text."""

    case: str
    partner: str
    kinds: tuple[str, ...]
    wait: Wait
    since: str


class Chased(NamedTuple):
    """A case that waits, with its limit. `since` and `due` are days in Beijing (`YYYY-MM-DD`).

    `due` is empty and `left` None where no limit is known; else `left` are the working days until then, negative when
    they are over. `provisional`: the calendar of a day until then is not published yet. `unsure`: the limit has no
    source that was seen; `source` is that of the limit.
    """

    case: str
    direction: Direction
    partner: str
    state: State
    awaited: Wanted
    of: Whose
    leg: Leg
    since: str
    due: str
    left: int | None
    overdue: bool
    provisional: bool
    unsure: bool
    source: str


def awaiting(ledger: Ledger, partner: str | None = None, waits: Sequence[Wait] = WAITS) -> tuple[Awaiting, ...]:
    """The cases that wait for something, by partner and in the order of opening. Raises UnreachableError S409."""
    by_state: dict[tuple[Direction, State], list[Wait]] = {}
    for wait in waits:
        by_state.setdefault((wait.direction, wait.state), []).append(wait)
    wanted = select(
        *(cases.c[name] for name in ("case_number", "direction", "partner", "kinds", "state", "opened", "updated")),
        _of_delivery(messages.c.posted).label("posted"),
        _of_delivery(messages.c.created).label("entered"),
    ).where(_in_states(by_state))
    if partner is not None:
        wanted = wanted.where(cases.c.partner == partner)
    with ledger.reading() as connection:
        return tuple(
            Awaiting(row["case_number"], row["partner"], row["kinds"], wait, row[wait.since] or row["updated"])
            for row in connection.execute(wanted.order_by(cases.c.partner, cases.c.id)).mappings()
            for wait in by_state[cast("Direction", row["direction"]), State(row["state"])]
        )


def _in_states(pairs: Iterable[tuple[Direction, State]]) -> ColumnElement[bool]:
    return or_(*(and_(cases.c.direction == direction, cases.c.state == state) for direction, state in pairs))


def _of_delivery(column: ColumnElement[str]) -> ScalarSelect[str]:
    """This column of the case's delivery or contact letter; the earliest, since one may come twice."""
    return (
        select(func.min(column))
        .where(
            messages.c.partner == cases.c.partner,
            messages.c.message_id == cases.c.message_id,
            messages.c.kind.in_((DELIVERY, LETTER)),
        )
        .correlate(cases)
        .scalar_subquery()
    )


def chased(
    rows: Iterable[Awaiting], on: date, calendar: Calendar, limits: Sequence[Limit] | None = None
) -> tuple[Chased, ...]:
    """Each case with its limit as it stands on the day `on`; by partner, what is due first before the others."""
    found: dict[tuple[tuple[str, ...], Leg, date], tuple[Due | None, int | None]] = {}
    result = []
    for row in rows:
        begun = beijing_day(datetime.fromisoformat(row.since))
        key = (row.kinds, row.wait.leg, begun)
        if key not in found:  # thousands of cases begin on one day, and days are counted one by one
            limit = due(*key, calendar, limits)
            found[key] = limit, calendar.working_days_between(on, limit.day) if limit else None
        result.append(_chased(row, begun, *found[key], on))
    return tuple(sorted(result, key=lambda item: (item.partner, not item.due, item.due, item.case)))


def _chased(row: Awaiting, begun: date, limit: Due | None, left: int | None, on: date) -> Chased:
    return Chased(
        case=row.case,
        direction=row.wait.direction,
        partner=row.partner,
        state=row.wait.state,
        awaited=row.wait.awaited,
        of=row.wait.of,
        leg=row.wait.leg,
        since=begun.isoformat(),
        due=limit.day.isoformat() if limit else "",
        left=left,
        overdue=limit is not None and on > limit.day,
        provisional=limit is not None and limit.provisional,
        unsure=limit is not None and limit.rule.unsure,
        source=limit.rule.source if limit else "",
    )
