"""Retention: how long each kind of original must be kept, as data with validity dates.

The periods are those of the archive rules for social insurance (《社会保险业务档案管理规定（试行）》, 2009) with their
annex: permanent, 100, 50, 30 or 10 years. They are least periods, and the clock starts on 1 January of the year after
the original was kept. Where the annex is not certain, `tables/retention.csv` says so in its note and has the longer
period. A kind that the table does not have is permanent.
"""

import csv
from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib import resources
from typing import NamedTuple

from formats.reasons import Language


class Period(NamedTuple):
    """How long a kind of original is kept. `years` is None for permanent.

    The row is in force from `valid_from` to `valid_to` (`YYYY-MM-DD`, inclusive, empty = open).
    """

    kind: str
    years: int | None
    zh: str
    en: str
    valid_from: str
    valid_to: str

    def text(self, language: Language = "en") -> str:
        """What is kept, in Chinese for `zh`, else in English."""
        return self.zh if language == "zh" else self.en


@cache
def periods() -> tuple[Period, ...]:
    """All rows of the table, in its order."""
    text = resources.files("formats").joinpath("tables/retention.csv").read_text(encoding="utf-8")
    return tuple(
        Period(
            row["kind"],
            int(row["years"]) if row["years"] else None,
            row["zh"],
            row["en"],
            row["valid_from"],
            row["valid_to"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def period(kind: str, on: date, table: Sequence[Period] | None = None) -> Period | None:
    """The longest period in force for a kind on this day, None if the table has none. `table` instead of our own."""
    day = on.isoformat()
    fit = [
        row
        for row in (periods() if table is None else table)
        if row.kind == kind and row.valid_from <= day and (not row.valid_to or day <= row.valid_to)
    ]
    return max(fit, key=lambda row: (row.years is None, row.years or 0), default=None)


def ends(kind: str, kept: date, on: date, table: Sequence[Period] | None = None) -> date | None:
    """The first day on which an original kept on `kept` may be destroyed, by the rules of the day `on`; None: never.

    Years are counted from 1 January after the keeping; a period past the year 9999 never ends.
    """
    found = period(kind, on, table)
    if found is None or found.years is None or kept.year + 1 + found.years > date.max.year:
        return None
    return date(kept.year + 1 + found.years, 1, 1)


def due(kind: str, kept: date, on: date, table: Sequence[Period] | None = None) -> bool:
    """Whether the period of an original kept on `kept` has ended on the day `on`."""
    end = ends(kind, kept, on, table)
    return end is not None and on >= end
