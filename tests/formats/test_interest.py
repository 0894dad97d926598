"""The yearly interest of the personal account."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from formats.interest import millionths, month_interest, year_interest

AMOUNTS = st.integers(-(10**10), 10**10)
RATES = st.integers(0, 200_000)


def test_the_two_methods_on_twelve_equal_months() -> None:
    """Twelve times 100 yuan at 8.31 % bear 54.00 yuan by the year method and 54.02 by the month-product method."""
    rate = millionths("0.083100")
    assert year_interest(0, 120_000, rate) == 5400
    assert month_interest(0, dict.fromkeys(range(1, 13), 10_000), rate) == 5402


def test_a_half_fen_is_rounded_up() -> None:
    """Half a fen becomes one; half a fen of a negative balance becomes none."""
    assert year_interest(50, 0, millionths("0.010000")) == 1
    assert year_interest(-50, 0, millionths("0.010000")) == 0


@given(AMOUNTS, AMOUNTS, RATES)
def test_the_year_method_is_the_formula(opening: int, credited: int, rate: int) -> None:
    """The integer result is the exact formula within half a fen."""
    exact = (Fraction(opening) + Fraction(credited) * Fraction("1.083") / 2) * Fraction(rate, 1_000_000)
    assert -Fraction(1, 2) < year_interest(opening, credited, rate) - exact <= Fraction(1, 2)


@given(AMOUNTS, st.dictionaries(st.integers(1, 12), AMOUNTS), RATES)
def test_the_month_method_is_the_formula(opening: int, credits_by_month: dict[int, int], rate: int) -> None:
    """The integer result is the exact formula within half a fen."""
    products = sum(amount * (13 - month) for month, amount in credits_by_month.items())
    exact = (Fraction(opening) + Fraction(products, 12)) * Fraction(rate, 1_000_000)
    assert -Fraction(1, 2) < month_interest(opening, credits_by_month, rate) - exact <= Fraction(1, 2)
