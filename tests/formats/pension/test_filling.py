"""Filling in the information form: examples computed by hand from the rules, and what holds for all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from formats.information_form import InformationForm
from formats.pension.filling import Filled, fill, fill_and_tell, pooled_fund
from formats.pension.money import fen
from formats.pension.months import CountedMonth, counted_months
from formats.pension.parameters import Parameter, Parameters
from formats.record import Record, Subsidy
from tests import builders as a
from tests.formats.pension.lives import FIGURES, ON, WUHAN, a_life, an_account, month, year_of


def filled(record: Record, at: date = ON, kind: str = "110", *, temporary: bool = False) -> Filled:
    """The form with what is told; the record has months of the kind."""
    found = fill_and_tell(record, kind, at, FIGURES, temporary=temporary)
    assert found is not None
    return found


def form(record: Record, at: date = ON, kind: str = "110", *, temporary: bool = False) -> InformationForm:
    """The form alone."""
    return filled(record, at, kind, temporary=temporary).form


def moved(found: InformationForm) -> tuple[str, ...]:
    """① ② ③ ④ ⑤ ⑥ of form one."""
    one = found.sums
    return (one.before_1998, one.until_last_year, one.this_year, one.account, one.pooled, one.total)


def test_a_plain_year() -> None:
    """One year on a base of 7,000 yuan moves the account of 6,963.52 and 12 % of twelve wages."""
    # 国办发〔2009〕66号 art. 4. Account: 12 x 560.00 + interest 243.52 (tests/builders.py). Pooled fund:
    # 7,000 x 12 = 84,000; 84,000 x 12 % = 10,080.00. Together 17,043.52.
    found = form(a.a_record())
    assert moved(found) == ("0.00", "6963.52", "0.00", "6963.52", "10080.00", "17043.52")
    assert (found.sums.first, found.sums.last, found.sums.months) == ("2021-01", "2021-12", "12")
    assert (found.sums.employer, found.sums.account_opened) == ("杭州示例制造有限公司", "2021-01")
    (row,) = found.periods
    assert (row.division, row.year, row.first, row.last, row.months) == ("330106", "2021", "2021-01", "2021-12", "12")
    assert (row.base, row.employer_rate, row.account_rate, row.person_rate) == ("7000.00", "0.1600", "0.0800", "0.0800")
    assert (row.credited, row.interest, row.closing, row.remark) == ("6720.00", "243.52", "6963.52", "")


def test_before_1998_only_the_persons_part_moves() -> None:
    """Of a balance of 1,000 at the end of 1997 the person's 400 move with their interest, and nothing is pooled for it."""
    # 66号 art. 4: before 1998 what the person paid with its interest, from 1998 on the whole account.
    # End of 1997: 1,000.00, of it 400.00 the person's. 1998: rate 5.22 %, 12 x 500 x 11 % = 660.00 credited.
    # Interest 1,000 x 5.22 % + 660 x 5.22 % x 1.083 / 2 = 52.20 + 18.656 = 70.86; closing 1,730.86.
    # ① 400 x 1.0522 = 420.88. ② 1,730.86 - 1,000 x 1.0522 = 678.66. Pooled: 500 x 12 x 12 % = 720.00.
    rows = year_of(1998, 500_00, account=1100)
    earlier = a.an_account_year(
        year="1997", rate="0.000000", credited="1000.00", interest="0.00", closing="1000.00",
        credited_person="400.00", interest_person="0.00", closing_person="400.00",
    )  # fmt: skip
    later = a.an_account_year(
        year="1998", rate="0.052200", opening="1000.00", credited="660.00", interest="70.86", closing="1730.86",
        opening_person="400.00", credited_person="480.00", interest_person="34.45", closing_person="914.45",
    )  # fmt: skip
    found = filled(a_life([*year_of(1997, 400_00), *rows], [earlier, later]), date(1999, 6, 1))
    assert moved(found.form) == ("420.88", "678.66", "0.00", "1099.54", "720.00", "1819.54")
    assert found.unsure  # where the interest since 1998 stands is a reading of the rule
    # The other reading: ① stays 400.00, the interest of 20.88 stands in ②; the sum is the same.
    other = Parameter("person_part_interest", "110", "", "", "1998", unsure=True, source="")
    figures = Parameters({**FIGURES.rows, "person_part_interest": (other,)})
    again = fill(a_life([*year_of(1997, 400_00), *rows], [earlier, later]), "110", date(1999, 6, 1), figures)
    assert again is not None
    assert moved(again) == ("400.00", "699.54", "0.00", "1099.54", "720.00", "1819.54")


def test_a_balance_that_1998_opens_with_is_from_before() -> None:
    """Where the account's rows begin with 1998, its opening is what was there before."""
    row = a.an_account_year(
        year="1998", rate="0.052200", opening="1000.00", credited="660.00", interest="70.86", closing="1730.86",
        opening_person="400.00", credited_person="480.00", interest_person="34.45", closing_person="914.45",
    )  # fmt: skip
    found = form(a_life(year_of(1998, 500_00, account=1100), [row]), date(1999, 6, 1))
    assert moved(found)[:3] == ("420.88", "678.66", "0.00")


def test_above_eleven_per_cent_the_rest_stays() -> None:
    """An account credited with 12 % in 2004 moves as if it were 11 %, and the record stays as it is."""
    # Procedures to 66号 (人社部发〔2009〕187号): 1998-2005 what is above 11 % is not moved.
    # 2004: base 1,000, 12 x 120 = 1,440.00, rate 2.25 %: interest 1,440 x 2.25 % x 0.5415 = 17.54; closing 1,457.54.
    # Above: 12 x 10 = 120.00 with interest 1.46. ② 1,457.54 - 121.46 = 1,336.08.
    rows = year_of(2004, 1000_00, account=1200)
    found = filled(a_life(rows, an_account(rows, {2004: "0.022500"})), date(2005, 2, 1))
    assert moved(found.form) == ("0.00", "1336.08", "0.00", "1336.08", "1440.00", "2776.08")
    assert found.told == ("R051",)
    assert (found.form.periods[0].credited, found.form.periods[0].closing) == ("1440.00", "1457.54")


def test_below_eleven_per_cent_the_transfer_is_computed_at_it() -> None:
    """An account credited with 10 % in 2004 moves as if it were 11 %; form two shows the adjusted account and says so."""
    # 2004: base 1,000, 12 x 100 = 1,200.00; interest 1,200 x 2.25 % x 0.5415 = 14.62; closing 1,214.62.
    # Short: 12 x 10 = 120.00 with interest 1.46. ② 1,214.62 + 121.46 = 1,336.08: credited 1,320.00, interest 16.08.
    rows = year_of(2004, 1000_00, account=1000)
    found = filled(a_life(rows, an_account(rows, {2004: "0.022500"})), date(2005, 2, 1))
    assert moved(found.form)[:4] == ("0.00", "1336.08", "0.00", "1336.08")
    assert found.told == ("R050",)
    row = found.form.periods[0]
    assert (row.credited, row.interest, row.closing) == ("1320.00", "16.08", "1336.08")
    assert (row.credited_person, row.account_rate, bool(row.remark)) == ("960.00", "0.1000", True)


def test_above_eight_per_cent_since_2006() -> None:
    """An account credited with 11 % in 2010 moves as if it were 8 %."""
    # 187号; 国发〔2005〕38号: from 2006 on 8 %. 2010: base 2,000, 12 x 220 = 2,640.00, rate 2.5 %: interest
    # 2,640 x 2.5 % x 0.5415 = 35.74; closing 2,675.74. Above: 12 x 60 = 720.00, interest 9.75. ② 1,945.99.
    rows = year_of(2010, 2000_00, account=1100)
    found = filled(a_life(rows, an_account(rows, {2010: "0.025000"})), date(2011, 2, 1))
    assert moved(found.form)[:4] == ("0.00", "1945.99", "0.00", "1945.99")
    assert found.told == ("R051",)


def test_in_the_middle_of_a_year_the_principal_moves() -> None:
    """Of the year of the transfer what was credited moves, without interest."""
    # Plain year, and 2022-01 to 05 on 8,000: 5 x 640.00 = 3,200.00. Pooled (84,000 + 40,000) x 12 % = 14,880.00.
    record = a.a_record()
    rows = [*record.contributions, *(month(when, 8000_00, division="330106") for when in a.months("2022-01", 5))]
    running = a.an_account_year(
        year="2022", rate="0.000000", months="5", opening="6963.52", credited="3200.00", interest="0.00",
        closing="10163.52", opening_person="6963.52", credited_person="3200.00", interest_person="0.00",
        closing_person="10163.52",
    )  # fmt: skip
    expected = ("0.00", "6963.52", "3200.00", "10163.52", "14880.00", "25043.52")
    for account in ((*record.account, running), record.account):  # an office may open the running year later
        found = filled(replace(record, contributions=tuple(rows), account=account), date(2022, 6, 30))
        assert moved(found.form) == expected
        assert found.form.periods[1].closing == "10163.52"
        assert found.told == ()


def test_several_places() -> None:
    """Months of an earlier place have rows of their own, and move with the rest."""
    # Wuhan 2020-10 to 12 on 5,000 (account 3 x 400), then the plain year: 15 months; pooled (15,000 + 84,000) x 12 %.
    rows = [*(month(when, 5000_00, division=WUHAN) for when in a.months("2020-10", 3)), *year_of(2021)]
    found = form(a_life(rows, an_account(rows, {2020: "0.060400", 2021: "0.066900"})))
    assert [(row.division, row.division_name, row.months) for row in found.periods] == [
        ("420100", "武汉市", "3"),
        ("330100", "杭州市", "12"),
    ]
    # 2020: 1,200 + 1,200 x 6.04 % x 0.5415 = 1,239.25. 2021: 1,239.25 x 6.69 % + 6,720 x 6.69 % x 0.5415 = 326.35.
    assert [row.closing for row in found.periods] == ["1239.25", "8285.60"]
    assert moved(found) == ("0.00", "8285.60", "0.00", "8285.60", "11880.00", "20165.60")


def test_a_temporary_account_moves_whole() -> None:
    """Of a temporary account everything that employer and person paid moves, and nothing of the pooled fund beside it."""
    # 66号 art. 5. 2021 on 7,000: 12 x (1,120.00 + 560.00) = 20,160.00; interest 20,160 x 6.69 % x 0.5415 = 730.32.
    rows = [row._replace(employer_due_account="1120.00", employer_paid_account="1120.00") for row in year_of(2021)]
    found = filled(a_life(rows, an_account(rows, {2021: "0.066900"})), temporary=True)
    assert moved(found.form) == ("0.00", "20890.32", "0.00", "20890.32", "0.00", "20890.32")
    assert (found.form.sums.temporary, found.told) == ("1", ())


def test_a_resident_moves_the_account_alone() -> None:
    """A resident's form has the whole account, subsidies included, and no pooled fund."""
    # 人社部发〔2014〕17号 art. 5. 2021: 1,200.00 paid in December and 100.00 of subsidies; paid in December, no interest yet.
    paid = month("2021-12", 0, kind="170", person_due="1200.00", person_due_account="1200.00", person_paid="1200.00",
                 person_paid_account="1200.00")  # fmt: skip
    row = a.an_account_year(
        kind="170", rate="0.015000", credited="1300.00", interest="0.00", closing="1300.00",
        credited_person="1200.00", interest_person="0.00", closing_person="1200.00",
    )  # fmt: skip
    subsidy = Subsidy("170", "2021-12", "5", "100.00", "330106")
    found = filled(replace(a_life([paid], [row]), subsidies=(subsidy,)), kind="170")
    assert moved(found.form) == ("0.00", "1300.00", "0.00", "1300.00", "0.00", "1300.00")
    assert found.told == ()


def test_public_sector_pools_since_its_reform() -> None:
    """Of months before 2014-10 the public sector moves no pooled fund."""
    # 国发〔2015〕2号: 4,000 x 12 % x 2 months from 2014-10 on = 960.00.
    rows = [month(when, 4000_00, kind="120") for when in a.months("2014-09", 3)]
    assert form(a_life(rows), date(2014, 12, 1), "120").sums.pooled == "960.00"


def test_no_month_that_counts_gives_no_form() -> None:
    """Without a fully paid month there is no form."""
    record = a.a_record()
    assert fill(record, "120", ON, FIGURES) is None
    half = [row._replace(employer_paid="0.00") for row in record.contributions]
    assert fill(replace(record, contributions=tuple(half)), "110", ON, FIGURES) is None


def test_interest_that_is_missing_is_told() -> None:
    """An account that has no interest of a closed year yet is moved as it is, and told."""
    assert filled(a.a_record(), date(2024, 3, 1)).told == ("R052",)
    without_account = filled(a_life(year_of(2021)))
    assert moved(without_account.form)[:4] == ("0.00", "6720.00", "0.00", "6720.00")
    assert without_account.told == ("R052",)


def test_a_year_is_cut_where_something_changes() -> None:
    """Rows end where a month is missing, and where place, base or a rate changes; interest stands in the last one."""
    rows = year_of(2021)
    rows[3] = rows[3]._replace(employer_paid="100.00")  # April is not fully paid: it counts not, its money is there
    rows[8:] = [month(row.month, 8000_00, employer_rate=1500) for row in rows[8:]]
    found = form(a_life(rows, an_account(rows, {2021: "0.066900"})))
    assert [(row.first, row.last, row.months) for row in found.periods] == [
        ("2021-01", "2021-03", "3"),
        ("2021-05", "2021-08", "4"),
        ("2021-09", "2021-12", "4"),
    ]
    assert [row.credited for row in found.periods] == ["1680.00", "2240.00", "3120.00"]  # 4 x 640 + April's 560
    assert [row.interest != "0.00" for row in found.periods] == [False, False, True]
    assert [row.closing for row in found.periods[:2]] == ["1680.00", "3920.00"]
    assert found.sums.months == "11"


def test_years_before_the_account_credit_nothing() -> None:
    """Contributions from before the account was opened have rows of months, without money in an account."""
    rows = [*year_of(2020), *year_of(2021)]
    found = form(a_life(rows, an_account(rows[12:], {2021: "0.066900"})))
    assert (found.periods[0].credited, found.periods[0].closing) == ("0.00", "0.00")
    assert found.sums.account_opened == "2021-01"


def test_adjustments_and_refunds() -> None:
    """An adjusted base counts with its month; a refunded month does not count, one paid twice and refunded once does."""
    january = month("2021-01")
    more = january._replace(contribution_type="34", base="500.00", wage="500.00")
    late = month("2021-02", contribution_type="31")
    back = {name: f"-{getattr(late, name)}" for name in ("employer_paid", "person_paid", "person_paid_account")}
    refund = late._replace(contribution_type="20", **back)
    counted = counted_months([january, more, late, refund], ("110",))
    assert [(one.month, one.base) for one in counted] == [("2021-01", 7500_00)]
    assert [one.month for one in counted_months([late, late, refund], ("110",))] == ["2021-02"]


BASES = st.lists(st.integers(1, 3_000_000), min_size=1, max_size=60)


def _months_on(bases: Sequence[int]) -> list[CountedMonth]:
    years = [f"{2006 + number // 12}-{number % 12 + 1:02d}" for number in range(len(bases))]
    return [
        CountedMonth(when, "330100", "", base, "", "", 800, 0, 0, 0) for when, base in zip(years, bases, strict=True)
    ]


@given(BASES)
def test_wherever_it_is_rounded_the_pooled_fund_stays_within_half_a_fen_a_month(bases: list[int]) -> None:
    """The three roundings differ from the exact 12 % by at most half a fen for each rounding."""
    months, exact = _months_on(bases), sum(bases) * 12
    for rounding, times in (("month", len(bases)), ("year", -(-len(bases) // 12)), ("total", 1)):
        row = Parameter("pooled_rounding", "", "", "", rounding, unsure=True, source="")
        found = pooled_fund(months, "110", Parameters({**FIGURES.rows, "pooled_rounding": (row,)}), ON)
        assert abs(100 * found - exact) <= 50 * times


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 47), st.integers(1, 300), st.sampled_from((800, 1100))), min_size=1, max_size=30)
)
def test_the_form_carries_the_account_to_the_fen(life: list[tuple[int, int, int]]) -> None:
    """Whatever was contributed when: form two counts every month once, and credits what the account credited."""
    rows = {
        f"{2003 + number // 12}-{number % 12 + 1:02d}": (base * 100_00, rate if number < 36 else 800)
        for number, base, rate in life
    }
    contributions = [month(when, base, account=rate) for when, (base, rate) in rows.items()]
    account = an_account(contributions, dict.fromkeys(range(2003, 2007), "0.022500"), until=2006)
    found = filled(a_life(contributions, account), date(2007, 5, 1))
    assert sum(int(row.months) for row in found.form.periods) == len(rows)
    if not found.told:
        assert sum(fen(row.credited) for row in found.form.periods) == sum(fen(row.credited) for row in account)
        assert found.form.sums.account == account[-1].closing
