"""Working days: the published ones, an office's own, and what is known of which year."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats import workdays
from formats.errors import UsageError
from formats.workdays import Calendar, OfficeDay, beijing_day, office_days, published

# Around the years of the library, and beyond them.
DAYS = st.dates(date(2003, 1, 1), date(2031, 12, 31))
NEAR = st.dates(date(2026, 1, 1), date(2027, 12, 31))
CALENDARS = st.builds(
    lambda worked, off: Calendar(frozenset(worked), frozenset(off - worked), frozenset({2026})),
    st.sets(NEAR, max_size=40),
    st.sets(NEAR, max_size=40),
)

# The notices of the General Office of the State Council for 2025 and 2026, typed in by hand: first and last day off.
OFF = (
    *(("2025-01-01", "2025-01-01"), ("2025-01-28", "2025-02-04"), ("2025-04-04", "2025-04-06")),
    *(("2025-05-01", "2025-05-05"), ("2025-05-31", "2025-06-02"), ("2025-10-01", "2025-10-08")),
    *(("2026-01-01", "2026-01-03"), ("2026-02-15", "2026-02-23"), ("2026-04-04", "2026-04-06")),
    *(("2026-05-01", "2026-05-05"), ("2026-06-19", "2026-06-21"), ("2026-09-25", "2026-09-27")),
    ("2026-10-01", "2026-10-07"),
)
WORKED = (
    *("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"),
    *("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def test_the_library_has_the_arrangements_that_were_published() -> None:
    """Every day of 2025 and 2026 is worked or off as the two notices say."""
    off = {day for pair in OFF for day in _days(*map(date.fromisoformat, pair))}
    worked = {date.fromisoformat(day) for day in WORKED}
    for day in _days(date(2025, 1, 1), date(2026, 12, 31)):
        assert published().is_working(day) == (day in worked or (day.weekday() < 5 and day not in off)), day


def test_years_are_known_without_a_gap() -> None:
    """The library knows every year from 2004 on to its last, which is not before this program's own time."""
    years = sorted(published().years)
    assert years[0] == 2004
    assert years[-1] >= 2026
    assert all(after - before == 1 for before, after in pairwise(years))


def test_a_year_that_is_not_known_counts_weekends_alone() -> None:
    """Before and after the published years a day is worked when it is no Saturday or Sunday, and this is not known."""
    for year in (2003, max(published().years) + 1):
        for day in _days(date(year, 1, 1), date(year, 12, 31)):
            assert published().is_working(day) == (day.weekday() < 5)
            assert not published().knows(day, day)


def test_the_last_week_of_the_last_year_is_not_known_yet() -> None:
    """New Year's arrangement may reach back to 25 December; between two known years it is known."""
    last = max(published().years)
    assert published().knows(date(2004, 1, 1), date(last, 12, 24))
    assert not published().knows(date(last, 12, 24), date(last, 12, 25))
    assert published().knows(date(last - 1, 12, 25), date(last, 1, 1))
    assert not published().knows(date(2003, 12, 31), date(2004, 1, 1))


def test_the_week_before_new_year_is_where_arrangements_reach_back() -> None:
    """No arrangement of New Year has ever touched a December day before the 25th."""
    special = {*published().off, *published().worked}
    assert {day.day for day in special if day.month == 12} <= set(range(25, 32))


@given(CALENDARS, NEAR, st.integers(0, 60))
def test_counting_forwards_and_between_undo_each_other(calendar: Calendar, day: date, count: int) -> None:
    """The n-th working day after a day is worked, n working days lie between, and the one before has n - 1."""
    end = calendar.add_working_days(day, count)
    assert calendar.working_days_between(day, end) == count
    assert calendar.is_working(end) or end == day
    assert not count or calendar.working_days_between(day, end - timedelta(days=1)) == count - 1


@given(CALENDARS, NEAR, NEAR, NEAR)
def test_working_days_between_add_up(calendar: Calendar, first: date, second: date, third: date) -> None:
    """Whatever the order of three days, the stretches add up; backwards is the same with a minus."""
    between = calendar.working_days_between
    assert between(first, second) + between(second, third) == between(first, third)
    assert between(first, second) == -between(second, first)


@given(CALENDARS, NEAR, NEAR)
def test_working_days_are_the_worked_ones(calendar: Calendar, first: date, last: date) -> None:
    """Between two days lie as many working days as days of which `is_working` says so, the first left out."""
    first, last = sorted((first, last))
    assert calendar.working_days_between(first, last) == sum(map(calendar.is_working, _days(first, last)[1:]))


def test_days_are_not_counted_backwards() -> None:
    """A negative count is refused."""
    with pytest.raises(ValueError, match="forwards"):
        published().add_working_days(date(2026, 11, 23), -1)


@given(DAYS, st.dictionaries(DAYS, st.booleans(), max_size=20))
def test_an_offices_own_days_go_before_the_published_ones(day: date, own: dict[date, bool]) -> None:
    """A day of the office's file is as the file says, every other as it was."""
    calendar = published().with_days([OfficeDay(key, working, "") for key, working in own.items()])
    assert calendar.is_working(day) == own.get(day, published().is_working(day))
    for key, working in own.items():
        assert calendar.is_working(key) == working


def test_an_office_makes_a_year_known() -> None:
    """With 1 January and 1 October of the next year as days off, that year and the last week before it are known."""
    coming = max(published().years) + 1
    both = [OfficeDay(date(coming, month, 1), working=False, why="notice") for month in (1, 10)]
    assert published().with_days(both).knows(date(coming - 1, 12, 1), date(coming, 12, 24))
    for some in (both[:1], both[1:], [both[0], both[1]._replace(working=True)]):
        assert not published().with_days(some).knows(date(coming, 1, 1), date(coming, 1, 1))
        assert published().with_days(some).years == published().years


def test_beijing_decides_the_day() -> None:
    """At 16:00 UTC the next day has begun."""
    assert beijing_day(datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)) == date(2026, 11, 22)
    assert beijing_day(datetime(2026, 11, 22, 16, 0, 0, tzinfo=UTC)) == date(2026, 11, 23)


def test_an_offices_days_are_read_from_csv() -> None:
    """Columns in any order, blanks around values, `why` left out: all the same."""
    expected = (
        OfficeDay(date(2027, 1, 1), working=False, why="元旦"),
        OfficeDay(date(2027, 1, 3), working=True, why=""),
    )
    assert office_days("date,working,why\n2027-01-01,no,元旦\n2027-01-03,yes,\n", "x") == expected
    assert office_days("why, date,working\r\n元旦,2027-01-01 , no\r\n\r\n,2027-01-03,yes", "x") == expected
    assert office_days("date,working\n2027-01-03,yes\n", "x") == expected[1:]
    assert office_days("date,working\n", "x") == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the first line must name date, working"),
        ("2027-01-01,no\n", "the first line must name"),
        ("date,working,holiday\n", "the first line must name"),
        ("date,working,date\n", "the first line must name"),
        ("date,working\n2027-1-1,no\n", "line 2: date must be a day"),
        ("date,working\n20270101,no\n", "line 2: date must be a day"),
        ("date,working\n2027-02-29,no\n", "line 2: date must be a day"),
        ("date,working\n2027-01-01,no\n2027-01-02\n", "line 3: working must be yes or no"),
        ("date,working\n2027-01-01,否\n", "line 2: working must be yes or no"),
        ("date,working\n2027-01-01,no,more\n", "line 2 has more values"),
        ("date,working\n2027-01-01,no\n2027-01-01,yes\n", "line 3: the day stands there twice"),
        ('date,working\n2027-01-01,"no\n', "is not CSV"),
    ],
)
def test_a_wrong_line_is_named(text: str, told: str) -> None:
    """What is wrong with an office's file is S401 with the setting and the line; nothing is passed over."""
    with pytest.raises(UsageError) as caught:
        office_days(text, "calendar.days")
    assert caught.value.code == "S401"
    assert caught.value.detail.startswith("calendar.days: ")
    assert told in caught.value.detail


def test_the_published_calendar_is_read_once() -> None:
    """Every caller has the same value."""
    assert workdays.published() is published()
