"""Reminders (催办) that go out by themselves: what a partner owes, once it is overdue and again every few days."""

from datetime import datetime
from typing import Final, cast, get_args

from archive import chasing, conversation
from archive.chasing import Chased
from archive.tables import OUT, REMINDER
from flows import writing
from flows.reports import Reminded
from flows.wiring import SERVICE, Office
from formats.messages import Awaited
from formats.workdays import beijing_day

_AWAITED: Final = get_args(Awaited)


def remind(office: Office, at: datetime) -> tuple[Reminded, ...]:
    """Write a reminder for each case that is overdue at the partner and was not reminded of lately.

    The next send pass posts them. Raises ServiceError S403, S409, S416.
    """
    today = beijing_day(at)
    waiting = chasing.awaiting(office.ledger)
    reminded = []
    for item in chasing.chased(waiting, today, office.calendar, office.clocks):
        if item.of == "partner" and item.overdue and item.awaited in _AWAITED:
            count = _count(office, item, at)
            if count:
                writing.remind(office, item.case, cast("Awaited", item.awaited), item.due, count, SERVICE, at)
                reminded.append(Reminded(item.case, item.partner, item.awaited, item.due))
    return tuple(reminded)


def _count(office: Office, item: Chased, at: datetime) -> int:
    """Which reminder of this limit is due, from 1; 0 when none is yet."""
    earlier = [
        beijing_day(datetime.fromisoformat(said.created))
        for said in conversation.said(office.ledger, item.partner, item.case)
        if said.kind == REMINDER and said.direction == OUT and said.created[:10] >= item.since
    ]
    if earlier:
        since = office.calendar.working_days_between(earlier[-1], beijing_day(at))
        if since < office.settings.calendar.remind:
            return 0
    return len(earlier) + 1
