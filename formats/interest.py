"""The yearly interest of the personal account (记账利息), in whole fen: no floats, no fractions.

Amounts are integers in fen (1/100 yuan), rates integers in millionths (a rate of 0.083100 is 83,100). Both methods that
offices use are here; which one an office uses is its own choice, so rules accept either. Results are rounded half up
(towards plus infinity) to the fen, once, at the end.
"""

from collections.abc import Mapping

_MILLION = 1_000_000
_MONTHS = 12


def millionths(rate: str) -> int:
    """A rate as it stands in `AccountYear.rate` (fraction with six places, `0.083100`) in millionths. ValueError."""
    return int(rate.replace(".", ""))


def year_interest(opening: int, credited: int, rate: int) -> int:
    """Interest by the year method (年度计算法, 劳办发〔1997〕116号): B₀·r + P·r·1.083/2, in fen.

    `opening` and `credited` (the year's principal) are fen, `rate` is in millionths.
    """
    return _half_up(rate * (2000 * opening + 1083 * credited), 2000 * _MILLION)


def month_interest(opening: int, credited: Mapping[int, int], rate: int) -> int:
    """Interest by the month-product method (月积数法): B₀·r + r/12 · Σ aₙ·(12 - n + 1), in fen.

    `credited` are the fen for each month n of the year (1 to 12); `rate` is in millionths.
    """
    products = sum(amount * (_MONTHS - month + 1) for month, amount in credited.items())
    return _half_up(rate * (_MONTHS * opening + products), _MONTHS * _MILLION)


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
