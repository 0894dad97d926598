"""Which place pays, from when an account is temporary, and the table of figures."""

from datetime import date

import pytest

from formats.pension.months import counted_months
from formats.pension.parameters import parameters
from formats.pension.paying import PayingPlace, least_months, place_that_pays
from formats.pension.temporary import is_temporary
from formats.rules.figures import figures_of
from tests import builders as a
from tests.formats.deliveries import delivery
from tests.formats.pension.lives import FIGURES, WUHAN

DAY = date(2026, 11, 22)


def spell(division: str, first: str, months: int) -> list[tuple[str, str]]:
    """Months at a place."""
    return [(month, division) for month in a.months(first, months)]


# 国办发〔2009〕66号 art. 6 (1) to (4): household place, relation, months, what pays.
PLACES = (
    ("330106", "330200", spell("330200", "2020-01", 12), PayingPlace("330106", "household")),
    ("420106", "330100", spell("330100", "2010-01", 120), PayingPlace("330100", "relation")),
    ("420106", "330100", spell("330100", "2010-01", 119), PayingPlace("420106", "household-else")),
    # Ten years in two cities of one province, then elsewhere.
    (
        "420106",
        "440300",
        spell("330100", "2000-01", 60) + spell("330200", "2005-01", 60) + spell("440300", "2010-01", 80),
        PayingPlace("330200", "earlier"),
    ),
    # Of two long places the later one.
    (
        "420106",
        "440300",
        spell("320500", "1998-01", 130) + spell("340100", "2009-01", 120) + spell("440300", "2019-01", 80),
        PayingPlace("340100", "earlier"),
    ),
    # A month that stands twice counts once.
    ("420106", "330100", spell("330100", "2010-01", 60) * 2, PayingPlace("420106", "household-else")),
    ("", "330100", spell("330100", "2010-01", 12), PayingPlace("", "household-else")),
    ("", "", [], PayingPlace("", "household-else")),
)


@pytest.mark.parametrize(("household", "relation", "months", "expected"), PLACES)
def test_the_place_that_pays(
    household: str, relation: str, months: list[tuple[str, str]], expected: PayingPlace
) -> None:
    """Household place, place of the relation, the last one with ten years, household place: in this order."""
    assert place_that_pays(household, relation, months, DAY, FIGURES) == expected


def test_a_temporary_account_gives_its_place_no_years() -> None:
    """Ten years in a temporary account do not make its place pay."""
    months = spell("330100", "2010-01", 120)
    assert place_that_pays("420106", "330100", months, DAY, FIGURES, temporary=("33",)).ground == "household-else"


@pytest.mark.parametrize(
    ("sex", "first", "expected"),
    [
        ("1", "2035-03", False),  # born 1985-03-17: fifty after the first of March 2035
        ("1", "2035-04", True),
        ("2", "2025-03", False),
        ("2", "2025-04", True),
        ("9", "2060-01", False),
    ],
)
def test_the_age_counts_at_the_first_month_there(sex: str, first: str, expected: bool) -> None:
    """Men from 50 and women from 40 on: whole years on the first day of the first month in the province."""
    person = a.a_person(sex=sex, household_place=WUHAN)
    assert is_temporary(person, [("2009-12", "440300"), (first, "330100")], FIGURES) is expected


def test_who_was_there_before_keeps_an_ordinary_account() -> None:
    """An account is temporary neither in the household province, nor before 2010, nor for who was insured there young."""
    person = a.a_person(sex="2", household_place=WUHAN, birth_date="1965-03-17")
    assert is_temporary(person, [("2010-01", "330100")], FIGURES) is True
    assert is_temporary(person, [("2010-01", "330100")], FIGURES, posted=True) is False
    assert is_temporary(person, [("2009-12", "330100")], FIGURES) is False
    assert is_temporary(person, [("2000-01", "330200"), ("2004-01", WUHAN), ("2012-01", "330100")], FIGURES) is False
    assert is_temporary(person, [("2012-01", "330100"), ("2014-01", WUHAN)], FIGURES) is False


def test_a_record_without_household_place_or_months_cannot_say() -> None:
    """Then the rule says nothing."""
    assert is_temporary(a.a_person(household_place=""), [("2021-01", "330100")], FIGURES) is None
    assert is_temporary(a.a_person(), [], FIGURES) is None


def test_least_months_rise_by_six_a_year_from_2030_on() -> None:
    """Fifteen years until 2029, then half a year more every year, twenty from 2039 on."""
    rising = [least_months(date(year, 7, 1), FIGURES) for year in range(2029, 2041)]
    assert rising == [180, 186, 192, 198, 204, 210, 216, 222, 228, 234, 240, 240]


def test_the_table_of_figures_is_whole() -> None:
    """Every row has a value, dates that are days in order, and a source; what has no source is unsure."""
    for rows in parameters().rows.values():
        for row in rows:
            for day in filter(None, (row.valid_from, row.valid_to)):
                assert date.fromisoformat(day)
            assert row.value
            assert row.source
            assert not row.valid_to or row.valid_from <= row.valid_to
            assert row.unsure or row.source != "none"


def test_a_figure_is_that_of_its_day_and_kind() -> None:
    """A month is its first day, both ends of a validity are in force, and a row without a kind holds for all."""
    cap = [FIGURES.whole("account_rate", month, "110") for month in ("1997-12", "1998-01", "2005-12", "2006-01")]
    assert cap == [0, 1100, 1100, 800]
    assert FIGURES.text("account_rate", "2020-01", "170") == ""
    assert FIGURES.whole("temporary_age_2", "2026-11-22", "110") == 40
    assert FIGURES.unsure("pooled_rounding", "2026-11-22")
    assert not FIGURES.unsure("pooled_rate", "2020-01", "110")
    assert not FIGURES.unsure("pooled_rate", "1990-01", "110")


def test_months_count_as_the_rules_count() -> None:
    """What counts here counts for the rules R014, R015 and R019, whatever was adjusted, refunded or half paid."""
    rows = [a.a_contribution("110", month) for month in a.months("2021-01", 12)]
    rows[1] = rows[1]._replace(contribution_type="20", employer_paid="-1120.00", person_paid="-560.00")
    rows[2] = rows[2]._replace(employer_paid="0.00")
    late = rows[3]._replace(contribution_type="31", division="420100")
    adjusted = rows[4]._replace(contribution_type="34")
    back = rows[5]._replace(contribution_type="20", employer_paid="-1120.00", person_paid="-560.00")
    message = delivery(contributions=(*rows, late, adjusted, back, rows[6], back._replace(month="2021-07")))
    counted = counted_months(message.record.contributions, ("110",))
    assert {one.month for one in counted} == figures_of(message, DAY).months["110"]
    assert len(counted) == 9
