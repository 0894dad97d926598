"""The figures of a pension transfer as data with validity dates: `tables/pension_parameters.csv`.

| column | |
|---|---|
| `name` | of the figure |
| `kind` | insurance kind (AAE140) for which it holds; empty: every one |
| `valid_from`, `valid_to` | days `YYYY-MM-DD`, inclusive; empty: open |
| `value` | an amount, a rate (fraction with four places), a number, a word |
| `unsure` | `yes`: no rule gives it, or its text was not seen; what rests on it is never refused, only told |
| `source`, `note` | where it comes from, and what is to be known of it |
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from formats.pension.money import fen


class Parameter(NamedTuple):
    """One row of the table."""

    name: str
    kind: str
    valid_from: str
    valid_to: str
    value: str
    unsure: bool
    source: str


@dataclass(frozen=True, slots=True)
class Parameters:
    """The figures by name. Of several rows the first that fits counts, so an office's own stand before ours."""

    rows: Mapping[str, tuple[Parameter, ...]]

    def find(self, name: str, moment: str, kind: str = "") -> Parameter | None:
        """The row of this name in force at a day or in a month (`YYYY-MM-DD`, `YYYY-MM`: its first day), or None."""
        day = moment if len(moment) > len("YYYY-MM") else f"{moment}-01"
        for row in self.rows.get(name, ()):
            if row.kind in ("", kind) and row.valid_from <= day <= (row.valid_to or day):
                return row
        return None

    def text(self, name: str, moment: str, kind: str = "") -> str:
        """The value as it stands in the table; empty where none is in force."""
        found = self.find(name, moment, kind)
        return "" if found is None else found.value

    def whole(self, name: str, moment: str, kind: str = "") -> int:
        """The value as a whole number, rates in ten-thousandths; 0 where none is in force."""
        return fen(self.text(name, moment, kind))

    def unsure(self, name: str, moment: str, kind: str = "") -> bool:
        """Whether what is in force is unsure; not so where nothing is."""
        found = self.find(name, moment, kind)
        return found is not None and found.unsure


@cache
def parameters() -> Parameters:
    """Our own table."""
    text = resources.files("formats").joinpath("tables/pension_parameters.csv").read_text(encoding="utf-8")
    grouped: dict[str, tuple[Parameter, ...]] = {}
    for row in csv.DictReader(text.splitlines()):
        one = Parameter(
            row["name"],
            row["kind"],
            row["valid_from"],
            row["valid_to"],
            row["value"],
            row["unsure"] == "yes",
            row["source"],
        )
        grouped[one.name] = (*grouped.get(one.name, ()), one)
    return Parameters(grouped)
