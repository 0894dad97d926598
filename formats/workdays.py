"""Working days (工作日) of the People's Republic: weekends, days off (放假) and weekends that are worked (调休上班).

The State Council's General Office publishes each year's arrangement in a notice, mostly in November of the year before.
The library `chinesecalendar` has them since 2004. A year without one counts weekends alone, and what was counted so is
provisional: `Calendar.knows` says of which days the arrangement is known. The last week of the last year is not: New
Year's arrangement has reached back into it in 2006, 2007, 2011, 2018, 2022 and 2023.

An office may have days of its own (`office_days`), which go before the published ones: a local holiday, a closure, or
the next year's arrangement before a new version of the library has it.

A limit's first day is the one after the day from which it runs (Civil Code art. 201). A day is one in Beijing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import NamedTuple, Self

import chinese_calendar

from formats.errors import UsageError
from formats.office_tables import day as day_of
from formats.office_tables import rows, yes

BEIJING = timezone(timedelta(hours=8))

_DAY = timedelta(days=1)
_SATURDAY = 5
_LAST_WEEK = (12, 25)  # month and day from which the next year's arrangement may say otherwise


class OfficeDay(NamedTuple):
    """A day as an office has it, whatever the published arrangement says. `why` is for its own use."""

    day: date
    working: bool
    why: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked. `worked` are such days at weekends, `off` those within a week that are not.

    `years` are those of which the arrangement is known.
    """

    worked: frozenset[date]
    off: frozenset[date]
    years: frozenset[int]

    def is_working(self, day: date) -> bool:
        """Whether this day is worked, as far as is known."""
        return day in self.worked or (day.weekday() < _SATURDAY and day not in self.off)

    def add_working_days(self, day: date, count: int) -> date:
        """The count-th working day after a day, the day itself for 0.

        Raises ValueError for a negative count, OverflowError beyond the year 9999.
        """
        if count < 0:
            raise ValueError("working days are counted forwards")
        while count:
            day += _DAY
            count -= self.is_working(day)
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days there are after `first` up to and with `last`; negative when `last` is the earlier."""
        if last < first:
            return -self.working_days_between(last, first)
        days = (first + _DAY * number for number in range(1, (last - first).days + 1))
        return sum(self.is_working(day) for day in days)

    def knows(self, first: date, last: date) -> bool:
        """Whether the arrangement of all days from `first` to `last`, both inclusive, is known."""
        end = last.year + ((last.month, last.day) >= _LAST_WEEK)
        return all(year in self.years for year in range(first.year, end + 1))

    def with_days(self, days: Iterable[OfficeDay]) -> Self:
        """With an office's own days. A year whose 1 January and 1 October it has as days off is then known."""
        own = {item.day: item.working for item in days}
        worked = (self.worked - own.keys()) | {day for day, working in own.items() if working}
        off = (self.off - own.keys()) | {day for day, working in own.items() if not working}
        arranged = {
            day.year
            for day, working in own.items()
            if not working and (day.month, day.day) == (1, 1) and own.get(day.replace(month=10)) is False
        }
        return type(self)(frozenset(worked), frozenset(off), self.years | arranged)


@cache
def published() -> Calendar:
    """The State Council's arrangements, as far as the installed library has them."""
    days_off: Iterable[date] = chinese_calendar.holidays
    return Calendar(
        worked=frozenset(chinese_calendar.workdays),
        off=frozenset(day for day in days_off if day.weekday() < _SATURDAY),
        years=frozenset(day.year for day in days_off),
    )


def beijing_day(at: datetime) -> date:
    """The day that it is in Beijing at an aware time (UTC+8, no summer time)."""
    return at.astimezone(BEIJING).date()


def office_days(text: str, where: str) -> tuple[OfficeDay, ...]:
    """An office's own days from CSV with the columns `date` (`YYYY-MM-DD`), `working` (`yes` or `no`) and `why`.

    `where` is the setting that names the table. Raises UsageError S401 naming setting and line.
    """
    found: dict[date, OfficeDay] = {}
    for place, row in rows(text, where, ("date", "working"), ("why",)):
        item = OfficeDay(day_of(row["date"], place, "date"), yes(row["working"], place, "working"), row["why"])
        if item.day in found:
            raise UsageError("S401", f"{place}: the day stands there twice")
        found[item.day] = item
    return tuple(found.values())
