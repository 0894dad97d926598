"""Code lists, rates, interest rates, bands and divisions."""

import csv
from datetime import date
from importlib import resources

import pytest

from formats import codes


@pytest.mark.parametrize("name", codes.LISTS)
def test_every_list_is_complete(name: str) -> None:
    """Each code stands once and has a Chinese name, an English name and dates that follow each other."""
    text = resources.files("formats").joinpath(f"tables/{name}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    listed = codes.code_list(name)
    assert len(rows) == len(listed) > 0
    assert all(row["source"] for row in rows)
    for code in listed.codes.values():
        assert code.code
        assert code.zh
        assert code.en
        assert not code.valid_from or date.fromisoformat(code.valid_from)
        assert not code.valid_to or code.valid_from <= code.valid_to


def test_an_unknown_list() -> None:
    """A name that is not a list of codes is refused, also where a table has it."""
    with pytest.raises(KeyError):
        codes.code_list("divisions")


def test_validity() -> None:
    """A code is issued from its first day on; membership does not ask for the day."""
    kinds = codes.code_list("insurance_kind")
    assert "120" not in kinds.valid(date(2014, 9, 30))
    assert "120" in kinds.valid(date(2014, 10, 1))
    assert "120" in kinds
    assert "150" not in kinds


def test_names_in_each_language() -> None:
    """Chinese for zh, English for others, and the code itself where it is not known."""
    sexes = codes.code_list("sex")
    assert (sexes.text("2", "zh"), sexes.text("2"), sexes.text("2", "ko"), sexes.text("7")) == (
        "女",
        "female",
        "female",
        "7",
    )
    assert list(sexes) == ["0", "1", "2", "9"]


def test_ethnic_groups() -> None:
    """GB/T 3304 has 56 groups from Han to Jino; 97 and 98 are the police's."""
    groups = codes.code_list("ethnic_group")
    assert [code for code in groups if int(code) <= 56] == [f"{number:02d}" for number in range(1, 57)]
    assert (groups.text("01", "zh"), groups.text("56", "zh")) == ("汉族", "基诺族")


def test_which_kinds_move() -> None:
    """Work injury and maternity never move (社会保险经办条例 art. 15)."""
    kinds = codes.insurance_kinds()
    assert {code for code, kind in kinds.items() if not kind.transfers} == {"410", "510"}
    assert {code for code, kind in kinds.items() if kind.scheme == "pension"} == {"110", "120"}


def test_rates_of_a_place_come_before_the_national_ones() -> None:
    """A district has its city's rates, another place the national ones, and an unknown kind none."""
    assert codes.rates("110", "2018-06", "330106") == codes.Rates("0.1400", "0.0800", "0.0800")
    assert codes.rates("110", "2018-06", "610100") == codes.Rates("0.1900", "0.0800", "0.0800")
    assert codes.rates("110", "2019-05") == codes.Rates("0.1600", "0.0800", "0.0800")
    assert codes.rates("390", "2019-05") is None
    assert codes.rates("120", "2014-09") is None


def test_rates_follow_each_other_without_gap_or_overlap() -> None:
    """Every month from 1998 to 2026 has exactly one rate of the employees' pension at each place of the table."""
    text = resources.files("formats").joinpath("tables/rates.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["kind"] == "110"]
    for place in {row["division"] for row in rows}:
        here = [row for row in rows if row["division"] == place]
        for number in range(1998 * 12, 2027 * 12):
            month = f"{number // 12}-{number % 12 + 1:02d}"
            assert sum(row["valid_from"] <= month <= (row["valid_to"] or month) for row in here) == 1


def test_interest_rates() -> None:
    """The national rates of 2016 to 2025 are published; earlier ones are indicative."""
    published = {year: rate.rate for year, rate in codes.interest_rates().items() if rate.published}
    assert sorted(published) == [str(year) for year in range(2016, 2026)]
    assert published["2016"] == "0.083100"
    assert published["2024"] == "0.026200"


def test_wage_bands() -> None:
    """A district has the band of its city, 60 % to 300 % in fen, and an unknown place or year has none."""
    for city in ("330100", "440300"):
        assert all(codes.reference_wage(city, str(year)) for year in range(1998, 2027))
    wage = int(codes.reference_wage("330106", "2021").replace(".", ""))
    assert codes.wage_band("330106", "2021") == codes.Band(wage * 3 // 5, wage * 3)
    assert codes.wage_band("610100", "2021") is None
    assert codes.wage_band("330106", "1997") is None
    assert codes.wage_band("", "2021") is None


def test_divisions() -> None:
    """A repealed division names its successor, and every successor and province is in the table."""
    divisions = codes.divisions()
    assert divisions["330103"].successor == "330105"
    for code, division in divisions.items():
        assert f"{code[:2]}0000" in divisions
        assert not division.successor or division.successor in divisions
        assert division.level == ("province" if code.endswith("0000") else "city" if code.endswith("00") else "county")
