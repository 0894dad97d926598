"""The code lists and figures of the field, as data with validity dates.

The lists stand in `tables/*.csv`, one a file, each row with its source. A code's validity says from and to which date
it was issued; empty means open. Rows of the past keep the codes of their time, so membership does not ask for a date.
Lists marked "not a closed list" are known in part: they serve to print a name, never to refuse a code.

Everything here is read once from the package's own data and is then constant.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import NamedTuple

from formats.reasons import Language

# The lists of `code_list`; each is tables/<name>.csv.
LISTS = (
    "benefit_item",
    "benefit_status",
    "contribution_status",
    "contribution_type",
    "document_type",
    "employer_type",
    "enrolment_status",
    "ethnic_group",
    "funding_item",
    "insurance_kind",
    "sex",
    "yes_no",
)


class Code(NamedTuple):
    """One code: its names and the dates (`YYYY-MM-DD`, inclusive, empty = open) between which it is issued."""

    code: str
    zh: str
    en: str
    valid_from: str
    valid_to: str

    def valid(self, on: date) -> bool:
        """Whether the code is issued on this day."""
        return _within(on.isoformat(), self.valid_from, self.valid_to)


@dataclass(frozen=True, slots=True)
class CodeList:
    """One code list: codes in the order of their table."""

    name: str
    codes: Mapping[str, Code]

    def __contains__(self, code: object) -> bool:
        return code in self.codes

    def __iter__(self) -> Iterator[str]:
        return iter(self.codes)

    def __len__(self) -> int:
        return len(self.codes)

    def valid(self, on: date) -> tuple[str, ...]:
        """The codes that are issued on this day."""
        return tuple(code.code for code in self.codes.values() if code.valid(on))

    def text(self, code: str, language: Language = "en") -> str:
        """The name of a code: Chinese for `zh`, else English; the code itself where the list does not have it."""
        entry = self.codes.get(code)
        if entry is None:
            return code
        return entry.zh if language == "zh" else entry.en


class InsuranceKind(NamedTuple):
    """An insurance kind (AAE140) with what follows from it."""

    code: str
    scheme: str  # pension, resident-pension, unemployment, medical, resident-medical, work-injury, maternity
    transfers: bool  # whether its relation ever moves (社会保险经办条例 arts. 12-15)
    banded: bool  # whether its base must be within 60 % to 300 % of the reference wage


class Division(NamedTuple):
    """An administrative division (GB/T 2260) that the synthetic people use; a repealed one names its successor."""

    code: str
    zh: str
    en: str
    level: str  # province, city or county
    valid_from: str
    valid_to: str
    successor: str


class Rates(NamedTuple):
    """Contribution rates of one kind, as fractions with four places: employer's, person's, of both to the account."""

    employer: str
    person: str
    account: str


class YearRate(NamedTuple):
    """The account's interest rate (记账利率) of a year, as a fraction with six places.

    `published` is true for the national rates (2016 on); others are indicative and must not be checked against.
    """

    rate: str
    published: bool


class Band(NamedTuple):
    """The legal band of the monthly base in fen, inclusive: 60 % and 300 % of the reference wage."""

    lowest: int
    highest: int


@cache
def code_list(name: str) -> CodeList:
    """The list with this name. KeyError if it is not one of `LISTS`."""
    if name not in LISTS:
        raise KeyError(name)
    rows = _table(name)
    return CodeList(
        name,
        {row["code"]: Code(row["code"], row["zh"], row["en"], row["valid_from"], row["valid_to"]) for row in rows},
    )


@cache
def insurance_kinds() -> Mapping[str, InsuranceKind]:
    """All insurance kinds by code."""
    return {
        row["code"]: InsuranceKind(row["code"], row["scheme"], row["transfers"] == "yes", row["banded"] == "yes")
        for row in _table("insurance_kind")
    }


@cache
def divisions() -> Mapping[str, Division]:
    """The divisions in the table by code: far from all, so never a ground to refuse one."""
    return {row["code"]: Division(**row) for row in _table("divisions")}


def rates(kind: str, month: str, division: str = "") -> Rates | None:
    """The rates of a kind in a month (`YYYY-MM`) at a division or its city, else the national ones; None if unknown."""
    for place in (*_places(division), ""):
        for valid_from, valid_to, found in _rates().get((kind, place), ()):
            if _within(month, valid_from, valid_to):
                return found
    return None


@cache
def interest_rates() -> Mapping[str, YearRate]:
    """The interest rates of the employees' pension account (kind 110) by year (`YYYY`)."""
    return {
        row["year"]: YearRate(row["rate"], row["published"] == "yes")
        for row in _table("interest")
        if row["kind"] == "110"
    }


def reference_wage(division: str, year: str) -> str:
    """The reference wage (yuan a month, two places) of a division or its city for a year (`YYYY`); empty if unknown."""
    wages = _wages()
    return next((wages[place, year] for place in _places(division) if (place, year) in wages), "")


def wage_band(division: str, year: str) -> Band | None:
    """The band of the base at a division in a year (`YYYY`), None where no reference wage is known.

    60 % is rounded down and 300 % is exact, so that no rounding at an office puts a base outside.
    """
    wage = reference_wage(division, year)
    if not wage:
        return None
    fen = int(wage.replace(".", ""))
    return Band(fen * 60 // 100, fen * 3)


def _places(division: str) -> tuple[str, ...]:
    """The division itself and its city."""
    return (division, f"{division[:4]}00") if division else ()


def _within(moment: str, valid_from: str, valid_to: str) -> bool:
    """Whether an ISO date or month lies between two others, both inclusive, empty = open."""
    return (not valid_from or valid_from <= moment) and (not valid_to or moment <= valid_to)


# Indexes over whole tables are cached, answers to callers are not: keys come from documents and have no bound.
@cache
def _rates() -> Mapping[tuple[str, str], list[tuple[str, str, Rates]]]:
    index: dict[tuple[str, str], list[tuple[str, str, Rates]]] = {}
    for row in _table("rates"):
        entry = (row["valid_from"], row["valid_to"], Rates(row["employer"], row["person"], row["account"]))
        index.setdefault((row["kind"], row["division"]), []).append(entry)
    return index


@cache
def _wages() -> Mapping[tuple[str, str], str]:
    return {(row["division"], row["year"]): row["wage"] for row in _table("wage_band")}


@cache
def _table(name: str) -> tuple[dict[str, str], ...]:
    text = resources.files("formats").joinpath(f"tables/{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))
