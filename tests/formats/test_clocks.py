"""Clocks: the table of limits, and the last day of a limit."""

from datetime import date
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats import clocks
from formats.clocks import LEGS, Due, Leg, Limit, due, limits, office_limits, with_limits
from formats.codes import insurance_kinds
from formats.errors import UsageError
from formats.workdays import published

MONDAY = date(2026, 11, 23)
MOVING = sorted(code for code, kind in insurance_kinds().items() if kind.transfers)
SCHEMES = {insurance_kinds()[kind].scheme for kind in MOVING}


def _due(kinds: tuple[str, ...], leg: Leg, since: date = MONDAY) -> Due:
    found = due(kinds, leg, since, published())
    assert found is not None
    return found


def _due_of(rule: Limit) -> Due:
    return Due(published().add_working_days(MONDAY, rule.days), provisional=False, rule=rule)


def test_every_scheme_that_moves_has_every_leg() -> None:
    """There is a limit in force for each scheme and leg; the notice of lump-sum payments is the pension's alone."""
    there = {(row.scheme, row.leg) for row in limits() if not row.valid_to}
    assert there == {(scheme, leg) for scheme in SCHEMES for leg in LEGS if leg != "lump-sum"} | {
        ("pension", "lump-sum")
    }


def test_each_limit_has_a_source_or_says_that_it_is_unsure() -> None:
    """A sure limit names a numbered document and the day from which it counts; one without a source is unsure."""
    for row in limits():
        assert row.source
        assert 1 <= row.days <= 15
        if not row.unsure:
            assert "〔" in row.source
            assert date.fromisoformat(row.valid_from)
        assert row.unsure or row.source != "none"


def test_periods_of_a_limit_do_not_overlap() -> None:
    """At no time are two limits of our own in force for one scheme and leg."""
    for one, other in combinations(limits(), 2):
        if (one.scheme, one.leg) == (other.scheme, other.leg):
            first, second = sorted((one, other), key=lambda row: row.valid_from)
            assert "" < first.valid_to < second.valid_from


def test_the_limits_of_the_rules() -> None:
    """Pension 15, 15, 15, and 10 for the notice of lump-sum payments; medical 10 and 5; all of them sure."""
    for kind in ("110", "120", "170"):
        for leg in ("letter", "deliver", "join"):
            assert (_due((kind,), leg).rule.days, _due((kind,), leg).rule.unsure) == (15, False)
    assert (_due(("110",), "lump-sum").rule.days, _due(("110",), "lump-sum").rule.unsure) == (10, False)
    for kind in ("310", "390"):
        assert (_due((kind,), "deliver").rule.days, _due((kind,), "deliver").rule.unsure) == (10, False)
        assert (_due((kind,), "join").rule.days, _due((kind,), "join").rule.unsure) == (5, False)
    assert all(_due(("210",), leg).rule.unsure for leg in ("letter", "deliver", "join"))


def test_a_limit_runs_over_holidays_and_days_worked_instead() -> None:
    """From 24 September 2026, before Mid-Autumn and National Day, with 10 October worked: 15 days end on 22 October."""
    found = _due(("110",), "deliver", date(2026, 9, 24))
    assert (found.day, found.provisional) == (date(2026, 10, 22), False)


def test_a_limit_into_an_unpublished_year_is_provisional() -> None:
    """It counts weekends alone from where nothing is published, and says so; a limit that ends before does not."""
    last = max(published().years)
    assert not _due(("110",), "deliver", date(last, 11, 23)).provisional
    assert _due(("110",), "deliver", date(last, 12, 21)).provisional
    assert _due(("110",), "deliver", date(last + 1, 3, 1)).provisional


def test_several_kinds_have_the_limit_that_ends_first() -> None:
    """Pension with medical is due when the medical part is; of equal limits a sure one is named."""
    assert _due(("110", "310"), "deliver").rule.scheme == "medical"
    assert _due(("110", "310"), "deliver").day == date(2026, 12, 7)
    unsure, sure = (
        Limit(scheme, "join", 5, "", "", unsure=scheme == "medical", source="x") for scheme in ("medical", "pension")
    )
    assert due(("310", "110"), "join", MONDAY, published(), (unsure, sure)) == _due_of(sure)


@given(
    st.lists(st.sampled_from(MOVING), min_size=1, unique=True),
    st.sampled_from([leg for leg in LEGS if leg != "lump-sum"]),
    st.dates(date(2022, 1, 1), date(2027, 12, 31)),
)
def test_the_limit_of_a_case_is_the_earliest_of_its_kinds(kinds: list[str], leg: Leg, since: date) -> None:
    """Whatever the kinds and their order, no single kind is due before the whole case, and one is due with it."""
    together = _due(tuple(kinds), leg, since)
    assert together.day == min(_due((kind,), leg, since).day for kind in kinds)
    assert together.day > since
    assert published().working_days_between(since, together.day) == together.rule.days


def test_no_limit_where_none_is_in_force() -> None:
    """None for no kinds, for kinds that do not move, before the rule's first day and after its last."""
    for kinds, since in (((), MONDAY), (("410", "999"), MONDAY), (("310",), date(2021, 10, 31))):
        assert due(kinds, "deliver", since, published()) is None
    table = [Limit("pension", "join", 3, "", "2020-12-31", unsure=False, source="x")]
    assert due(("110",), "join", date(2020, 12, 31), published(), table) is not None
    assert due(("110",), "join", date(2021, 1, 1), published(), table) is None


def test_an_offices_limit_takes_the_place_of_ours() -> None:
    """Its rows replace all of ours for the same scheme and leg, and nothing else."""
    own = office_limits("scheme,leg,days\nunemployment,deliver,5\npension,receipt, 2\n", "calendar.limits")
    assert own[0] == Limit("unemployment", "deliver", 5, "", "", unsure=False, source="")
    table = with_limits(own)
    assert len(table) == len(limits())
    assert due(("210",), "deliver", MONDAY, published(), table) == Due(
        date(2026, 11, 30), provisional=False, rule=own[0]
    )
    assert due(("210",), "join", MONDAY, published(), table) == _due(("210",), "join")
    assert with_limits(()) == limits()


def test_our_own_table_is_one_that_an_office_could_give() -> None:
    """The table in the package is read as an office's would be, with the same result."""
    text = clocks.resources.files("formats").joinpath("tables/clocks.csv").read_text(encoding="utf-8")
    assert office_limits(text, "x") == limits()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("maternity,join,5,,,no", "scheme is not one that moves"),
        ("pension,wait,5,,,no", "leg must be one of letter"),
        ("pension,join,0,,,no", "days must be a number from 1"),
        ("pension,join,251,,,no", "days must be a number from 1"),
        ("pension,join,1.5,,,no", "days must be a number from 1"),
        ("pension,join,五,,,no", "days must be a number from 1"),
        ("pension,join,５,,,no", "days must be a number from 1"),
        ("pension,join,5,2026-1-1,,no", "valid_from must be a day"),
        ("pension,join,5,,never,no", "valid_to must be a day"),
        ("pension,join,5,,,maybe", "unsure must be yes or no"),
    ],
)
def test_a_wrong_limit_is_named(line: str, told: str) -> None:
    """What is wrong with an office's limits is S401 with the setting and the line."""
    with pytest.raises(UsageError) as caught:
        office_limits(f"scheme,leg,days,valid_from,valid_to,unsure\n{line}\n", "calendar.limits")
    assert caught.value.code == "S401"
    assert caught.value.detail.startswith("calendar.limits: line 2")
    assert told in caught.value.detail
