"""How long originals are kept: the table, and when a period has ended."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats import retention
from formats.retention import Period

ON = date(2026, 11, 22)
TEN = Period("note", 10, "记录", "note", "2009-09-01", "")


def test_the_table_knows_every_kind_that_is_kept() -> None:
    """Each kind of original has one period in force, with its basis in both languages."""
    kinds = {
        "delivery-sent",
        "signature-sent",
        "package-sent",
        "receipt-sent",
        "letter-sent",
        "package-received",
        "letter-received",
        "receipt-received",
        "destruction-order",
    }
    assert {row.kind for row in retention.periods()} == kinds
    for row in retention.periods():
        assert re.search("[\u4e00-\u9fff]", row.text("zh"))
        assert re.fullmatch("[ -~]+", row.text("en"))
        assert row.years in (None, 100, 50, 30, 10)
        assert retention.period(row.kind, ON) == row


def test_records_themselves_are_permanent() -> None:
    """What was sent and received, its signatures and the orders of destruction never fall due."""
    for kind in ("delivery-sent", "package-received", "signature-sent", "destruction-order"):
        assert retention.ends(kind, date(1990, 1, 1), ON) is None
        assert not retention.due(kind, date(1, 1, 1), date(9999, 12, 31))


def test_an_unknown_kind_is_permanent() -> None:
    """What the table does not name is never due."""
    assert not retention.due("something", date(1, 1, 1), date(9999, 12, 31))


def test_receipts_are_kept_a_hundred_years() -> None:
    """The clock starts on 1 January after the keeping, whatever the day was."""
    assert retention.ends("receipt-sent", date(2026, 1, 1), ON) == date(2127, 1, 1)
    assert retention.ends("receipt-sent", date(2026, 12, 31), ON) == date(2127, 1, 1)
    assert not retention.due("receipt-sent", date(2026, 5, 1), date(2126, 12, 31))
    assert retention.due("receipt-sent", date(2026, 5, 1), date(2127, 1, 1))


def test_a_period_counts_while_it_is_in_force() -> None:
    """Before a row's first day and after its last there is no period, and nothing is due."""
    table = [TEN._replace(valid_to="2020-12-31")]
    assert retention.period("note", date(2009, 8, 31), table) is None
    assert retention.period("note", date(2009, 9, 1), table) == table[0]
    assert retention.period("note", date(2020, 12, 31), table) == table[0]
    assert not retention.due("note", date(1990, 1, 1), date(2021, 1, 1), table)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_several_periods_the_longest_counts(order: tuple[int, ...]) -> None:
    """Two rows in force at once: the cautious one decides, and permanent is the longest."""
    rows = [TEN, TEN._replace(years=50), TEN._replace(years=None)]
    assert retention.period("note", ON, [rows[place] for place in order]) == rows[2]
    found = retention.period("note", ON, [rows[place] for place in order if place < 2])
    assert found is not None
    assert found.years == 50


@given(st.dates(max_value=date(9000, 1, 1)), st.integers(0, 200), st.integers(0, 90_000))
def test_nothing_is_due_before_its_years_have_passed(kept: date, years: int, days: int) -> None:
    """Due means: at least so many whole calendar years lie between the year of keeping and the day."""
    table = [Period("note", years, "记录", "note", "0001-01-01", "")]
    on = kept + timedelta(days=days)
    assert retention.due("note", kept, on, table) == (on.year - kept.year - 1 >= years)


def test_a_period_beyond_the_calendar_never_ends() -> None:
    """A period that ends after the year 9999 is as good as permanent."""
    assert retention.ends("receipt-sent", date(9950, 1, 1), date(9950, 1, 1)) is None
