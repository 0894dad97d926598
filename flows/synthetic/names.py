"""Names of invented people: Hanzi by generation, rare characters, and the names of ethnic minorities with their dot.

The tables beside hold parts of names only; no real person is meant by any name made from them.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate
from random import Random

MALE, FEMALE, EITHER = "1", "2", "0"  # GB/T 2261.1


@dataclass(frozen=True, slots=True)
class Weighted:
    """Choices with cumulative weights, as `Random.choices` takes them."""

    choices: tuple[str, ...]
    cumulative: tuple[float, ...]

    @classmethod
    def of(cls, rows: Sequence[tuple[str, float]]) -> "Weighted":
        """From (choice, weight) rows."""
        return cls(tuple(choice for choice, _ in rows), tuple(accumulate(weight for _, weight in rows)))

    def one(self, chance: Random) -> str:
        """One choice."""
        return chance.choices(self.choices, cum_weights=self.cumulative)[0]

    def several(self, chance: Random, count: int) -> list[str]:
        """Several choices, independent of each other."""
        return chance.choices(self.choices, cum_weights=self.cumulative, k=count)


def rows(table: str) -> list[dict[str, str]]:
    """The rows of a table in flows/synthetic/tables/."""
    text = resources.files("flows.synthetic").joinpath(f"tables/{table}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _groups() -> tuple[Weighted, dict[str, str]]:
    table = rows("ethnic_groups")
    return Weighted.of([(row["code"], float(row["weight"])) for row in table]), {r["code"]: r["names"] for r in table}


@cache
def _surnames() -> Weighted:
    return Weighted.of([(row["surname"], float(row["weight"])) for row in rows("surnames")])


@cache
def _given(sex: str, decade: int) -> Weighted:
    """The characters given to boys or girls born in a decade (1960, 1970…)."""
    fitting = [
        (row["character"], float(row["weight"]))
        for row in rows("given_names")
        if row["sex"] in (sex, EITHER) and int(row["born_from"]) <= decade + 5 <= int(row["born_to"])
    ]
    return Weighted.of(fitting)


@cache
def _parts(names: str, sex: str, place: str) -> tuple[str, ...]:
    return tuple(
        row["part"]
        for row in rows("naming_parts")
        if row["names"] == names and row["place"] == place and row["sex"] in (sex, EITHER)
    )


def ethnic_group(chance: Random) -> str:
    """A code of GB/T 3304, about as frequent as in the census."""
    return _groups()[0].one(chance)


def full_name(chance: Random, sex: str, group: str, birth_year: int) -> str:
    """A name that a person of this sex (GB/T 2261.1), ethnic group (GB/T 3304) and year of birth may bear.

    Uyghur and Kazakh names carry the father's name behind U+00B7; Tibetan, Mongol and Yi names are written without.
    """
    naming = _groups()[1][group]
    if naming == "han":
        characters = _given(sex, birth_year // 10 * 10).several(chance, 1 if chance.random() < 0.22 else 2)
        return _surnames().one(chance) + "".join(characters)
    first, last = _parts(naming, sex, "first"), _parts(naming, sex, "last")
    parts = [chance.choice(first)] + ([chance.choice(last)] if last else [])
    return ("·" if naming in ("uyghur", "kazakh") else "").join(parts)
