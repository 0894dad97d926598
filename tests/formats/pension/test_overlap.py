"""Months paid twice: which are kept and cleared, what is refunded, and what counts in the end."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.intake_rules import overlaps
from formats.pension.money import fen
from formats.pension.overlap import (
    Clearing,
    ResidentYear,
    Side,
    apart,
    clear,
    clear_resident,
    months_paid_twice,
)
from formats.pension.parameters import Parameter, Parameters
from formats.record import Contribution, Record, Subsidy
from tests import builders as a
from tests.formats.pension.lives import FIGURES, ON, WUHAN, a_life, an_account, month, year_of

RATES = {2021: "0.066900"}
DELIVERED_ROWS = year_of(2021)
DELIVERED = a_life(DELIVERED_ROWS, an_account(DELIVERED_ROWS, RATES))
STORED_ROWS = [month(when, 5000_00, division=WUHAN) for when in a.months("2021-10", 6)]
STORED = a_life(STORED_ROWS, an_account(STORED_ROWS, RATES))


def _cleared(found: Clearing) -> list[tuple[str, str]]:
    return [(one.month, one.kept) for one in found.cleared]


def test_the_cleared_months_are_refunded_with_their_interest() -> None:
    """Three months of the delivered record are cleared: 1,680 yuan with the interest of the year come back."""
    # 先转后清, 人社部发〔2010〕70号 art. 10. Twice: 2021-10 to 12. Cleared: 3 x 560.00 = 1,680.00 of 2021,
    # interest 1,680 x 6.69 % x 1.083 / 2 = 60.86; nothing for the running year. Months: 12 + 6 - 3 = 15.
    found = clear(DELIVERED, STORED, "stored", ON, FIGURES)
    assert _cleared(found) == [("2021-10", "stored"), ("2021-11", "stored"), ("2021-12", "stored")]
    assert (found.refund, found.months) == ("1740.86", 15)
    assert found.cleared[0].kinds == ("110",)
    assert found.cleared[0].divisions == ("330100",)
    assert [(one.year, one.credited, one.interest, one.closing) for one in found.years] == [
        ("2021", "1680.00", "60.86", "1740.86"),
        ("2022", "0.00", "0.00", "1740.86"),
    ]


def test_the_running_year_bears_no_interest_yet() -> None:
    """Cleared within the year in which they were paid, the months come back without interest, whatever rate is known."""
    assert clear(DELIVERED, STORED, "stored", date(2021, 12, 31), FIGURES).refund == "1680.00"


def test_the_other_side_may_be_cleared_instead() -> None:
    """Which relation is kept is agreed with the person: then 3 x 400 of the stored record come back."""
    # 1,200 + 1,200 x 6.69 % x 0.5415 = 1,200 + 43.47.
    found = clear(DELIVERED, STORED, "delivered", ON, FIGURES)
    assert (found.refund, found.months) == ("1243.47", 15)
    assert {one.divisions for one in found.cleared} == {(WUHAN,)}


def test_a_month_that_counts_on_one_side_only_is_kept_there() -> None:
    """No month is lost to a side on which it was not fully paid."""
    half = [row._replace(employer_paid="1.00") if row.month == "2021-11" else row for row in STORED_ROWS]
    found = clear(DELIVERED, replace(STORED, contributions=tuple(half)), "stored", ON, FIGURES)
    assert ("2021-11", "delivered") in _cleared(found)
    assert found.months == 15


def test_the_employers_part_is_refunded_where_the_parameter_says_so() -> None:
    """In 1998 to 2005 part of the account was the employer's: by default it is not refunded."""
    rows = [month("2004-01", 1000_00, account=1100)]
    record = a_life(rows, an_account(rows, {}))
    other = a_life([rows[0]._replace(division=WUHAN)])
    assert clear(record, other, "stored", ON, FIGURES).refund == "80.00"
    whole = Parameters(
        {**FIGURES.rows, "refund_part": (Parameter("refund_part", "", "", "", "account", unsure=True, source=""),)}
    )
    assert clear(record, other, "stored", ON, whole).refund == "110.00"


def test_what_was_refunded_before_is_not_paid_twice() -> None:
    """A month that is refunded on one side is no overlap."""
    row = STORED_ROWS[0]
    names = ("employer_paid", "employer_paid_account", "person_paid", "person_paid_account")
    back = row._replace(contribution_type="20", **{name: f"-{getattr(row, name)}" for name in names})
    assert months_paid_twice(DELIVERED_ROWS, [row]) == ("2021-10",)
    assert months_paid_twice(DELIVERED_ROWS, [row, back]) == ()


def test_enterprise_and_public_sector_are_one_pension() -> None:
    """A month at an enterprise (110) and one in the public sector (120) overlap; unemployment does not."""
    assert months_paid_twice(DELIVERED_ROWS, [month("2021-03", kind="120"), month("2021-04", kind="210")]) == (
        "2021-03",
    )


def test_every_month_that_is_warned_of_is_one_to_clear() -> None:
    """The months for which the receiving office answers L307 are those that clearing lists."""
    found = overlaps(DELIVERED_ROWS, STORED_ROWS)
    assert {finding.code for finding in found} == {"L307"}
    assert len(found) == len(months_paid_twice(DELIVERED_ROWS, STORED_ROWS)) == 3


def _together(*rows: Contribution) -> Record:
    here = [
        row._replace(employer_id=f"{row.employer_id}(33010001)" if row.employer_id else "") for row in DELIVERED_ROWS
    ]
    years = (*DELIVERED.account, *STORED.account)
    return replace(DELIVERED, contributions=(*here, *STORED_ROWS, *rows), account=years)


def _back(row: Contribution) -> Contribution:
    names = ("employer_paid", "employer_paid_account", "person_paid", "person_paid_account")
    return row._replace(contribution_type="20", **{name: f"-{getattr(row, name)}" for name in names})


def test_both_sides_are_told_apart_in_one_record() -> None:
    """What the receiving office has is the delivered rows and its own; clearing it is as clearing the two."""
    delivered, rest = apart(DELIVERED, _together())
    assert clear(delivered, rest, "stored", ON, FIGURES) == clear(DELIVERED, STORED, "stored", ON, FIGURES)
    assert clear(delivered, rest, "delivered", ON, FIGURES) == clear(DELIVERED, STORED, "delivered", ON, FIGURES)


@pytest.mark.parametrize("side", ["delivered", "stored"])
def test_what_was_refunded_is_cleared(side: Side) -> None:
    """Once the office has booked the refunds of either side, nothing is paid twice; before the last one, one month is."""
    rows = {"delivered": DELIVERED_ROWS[-3:], "stored": STORED_ROWS[:3]}[side]
    backs = [_back(row) for row in rows]
    for booked, left in ((backs[:2], 1), (backs, 0)):
        delivered, rest = apart(DELIVERED, _together(*booked))
        assert len(months_paid_twice(delivered.contributions, rest.contributions)) == left


def test_a_refund_at_one_place_goes_by_its_amount() -> None:
    """Where both sides paid at the same place, a refund of just the delivered amount is the delivered month's."""
    own = [month(when, 5000_00) for when in a.months("2021-10", 3)]
    record = replace(DELIVERED, contributions=(*DELIVERED_ROWS, *own, *map(_back, DELIVERED_ROWS[-3:])))
    delivered, rest = apart(DELIVERED, record)
    assert months_paid_twice(delivered.contributions, rest.contributions) == ()
    assert rest.contributions == tuple(own)


SIDES = st.lists(st.integers(0, 35), max_size=36, unique=True)


@given(SIDES, SIDES, st.sampled_from(("delivered", "stored")))
def test_a_month_counts_once_and_is_cleared_on_one_side(one: list[int], other: list[int], keep: Side) -> None:
    """Months after clearing are the union; the refund is the principal of the cleared side where there is no interest."""
    first, second = (
        [month(f"{2019 + number // 12}-{number % 12 + 1:02d}", base, division=division) for number in numbers]
        for numbers, base, division in ((one, 7000_00, "330100"), (other, 5000_00, WUHAN))
    )
    found = clear(a_life(first), a_life(second), keep, ON, FIGURES)
    twice = len(set(one) & set(other))
    assert found.months == len(set(one) | set(other))
    assert len(found.cleared) == twice
    assert fen(found.refund) == twice * (400_00 if keep == "delivered" else 560_00)


def _resident(*paid: tuple[str, str]) -> Record:
    rows = [
        month(when, 0, kind="170", person_due=amount, person_paid=amount, person_paid_account=amount)
        for when, amount in paid
    ]
    subsidies = tuple(Subsidy("170", when, item, "60.00", "330106") for when, _ in paid[:1] for item in ("6", "5"))
    return replace(a_life(rows), subsidies=subsidies)


def test_a_residents_year_is_refunded_by_twelfths() -> None:
    """Four months of work in a year that was paid as a resident too: a third comes back, with the collective's subsidy."""
    # 人社部发〔2014〕17号 art. 7: own contributions and the collective's subsidies of the months that overlap.
    # 2020 paid 1,200.00 and 60.00 of the collective, 2021 paid 1,000.00. Work from 2020-09 to 2021-01:
    # 2020: 1,260.00 x 4 / 12 = 420.00; 2021: 1,000.00 x 1 / 12 = 83.33. The county's 60.00 stay.
    resident = _resident(("2020-12", "1200.00"), ("2021-06", "1000.00"))
    work = a_life([month(when) for when in a.months("2020-09", 5)])
    assert clear_resident(resident, work, FIGURES) == (
        ResidentYear("2020", 4, "1260.00", "420.00"),
        ResidentYear("2021", 1, "1000.00", "83.33"),
    )


def test_months_that_a_resident_paid_one_by_one() -> None:
    """Where a resident paid by the month, the overlapping months come back."""
    resident = _resident(("2020-10", "100.00"), ("2020-11", "110.00"), ("2020-12", "120.00"))
    work = a_life([month(when) for when in a.months("2020-11", 4)])
    assert clear_resident(resident, work, FIGURES) == (ResidentYear("2020", 2, "390.00", "230.00"),)


@pytest.mark.parametrize("paid", ["0.00", "1200.00"])
def test_years_without_overlap_or_payment_refund_nothing(paid: str) -> None:
    """No month of work, or nothing paid: no row."""
    resident = a_life([month("2020-12", 0, kind="170", person_due=paid, person_paid=paid)])
    assert clear_resident(resident, a_life(year_of(2021)), FIGURES) == ()
    assert clear_resident(a_life(year_of(2021)), resident, FIGURES) == ()


@pytest.mark.parametrize(
    "booked", [{"2020-12": "-600.00"}, {"2020-03": "-600.00"}, dict.fromkeys(a.months("2020-01", 6), "-100.00")]
)
def test_what_a_resident_got_back_is_not_proposed_again(booked: dict[str, str]) -> None:
    """Six of twelve months of 1,200 yuan are 600; booked as a refund, in whatever months, nothing is left to refund."""
    work = a_life([month(when) for when in a.months("2020-01", 6)])
    paid = _resident(("2020-12", "1200.00"))
    before = replace(paid, subsidies=())
    assert clear_resident(before, work, FIGURES) == (ResidentYear("2020", 6, "1200.00", "600.00"),)
    backs = [
        month(when, 0, kind="170", contribution_type="20", person_paid=amount, person_paid_account=amount)
        for when, amount in booked.items()
    ]
    after = replace(before, contributions=(*before.contributions, *backs))
    assert clear_resident(after, work, FIGURES) == ()
