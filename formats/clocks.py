"""Clocks: within how many working days an office must do the next thing about a case, as data with validity dates.

`tables/clocks.csv` has a limit for each scheme and leg of a transfer with its source. A limit marked `unsure` has no
source, or one that was not seen: it is a figure to start with, which an office replaces by its own (`office_limits`).
Nothing is ever refused by a clock; what is overdue is shown.

| leg | runs from | until |
|---|---|---|
| `letter` | the person's application | the receiving office's contact letter (联系函) |
| `deliver` | the contact letter | the sending office's delivery |
| `join` | information and money | the receiving office's decision |
| `receipt` | the posting | the partner's receipt |
| `return` | a delivery that was refused or sent back | its correction, or an explanation |
| `clarify` | a question | its answer |
| `lump-sum` | the contact letter | the written notice to the person of lump-sum payments that do not move |

Several kinds in one case have one limit: the one that ends first.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple, cast, get_args

from formats.codes import insurance_kinds
from formats.errors import UsageError
from formats.office_tables import day, rows, yes
from formats.workdays import Calendar

Leg = Literal["letter", "deliver", "join", "receipt", "return", "clarify", "lump-sum"]
LEGS: tuple[Leg, ...] = get_args(Leg)

_LONGEST = 250  # working days: a year of them


class Limit(NamedTuple):
    """A limit in working days for a scheme (`formats.codes.InsuranceKind.scheme`) and a leg.

    It counts for what begins from `valid_from` to `valid_to` (`YYYY-MM-DD`, inclusive, empty = open).
    """

    scheme: str
    leg: Leg
    days: int
    valid_from: str
    valid_to: str
    unsure: bool
    source: str


class Due(NamedTuple):
    """The last day of a limit. `provisional`: some day until then has no published arrangement yet."""

    day: date
    provisional: bool
    rule: Limit


@cache
def limits() -> tuple[Limit, ...]:
    """All rows of the table, in its order."""
    text = resources.files("formats").joinpath("tables/clocks.csv").read_text(encoding="utf-8")
    return tuple(
        Limit(
            row["scheme"],
            cast("Leg", row["leg"]),
            int(row["days"]),
            row["valid_from"],
            row["valid_to"],
            row["unsure"] == "yes",
            row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def due(
    kinds: Iterable[str], leg: Leg, since: date, calendar: Calendar, table: Sequence[Limit] | None = None
) -> Due | None:
    """The last day for this leg of a case with these insurance kinds (AAE140); None where no limit is in force.

    `since` is the day on which the leg began: the next working day is the first that counts. `table` instead of our
    own limits. Of several limits the one that ends first counts, and of equal ones one that is sure.
    """
    known = insurance_kinds()
    schemes = {known[kind].scheme for kind in kinds if kind in known}
    begun = since.isoformat()
    fit = [
        row
        for row in (limits() if table is None else table)
        if row.leg == leg and row.scheme in schemes and row.valid_from <= begun <= (row.valid_to or begun)
    ]
    if not fit:
        return None
    rule = min(fit, key=lambda row: (row.days, row.unsure))
    end = calendar.add_working_days(since, rule.days)
    return Due(end, not calendar.knows(since, end), rule)


def office_limits(text: str, where: str) -> tuple[Limit, ...]:
    """An office's own limits from CSV with the columns of `tables/clocks.csv`; needed are `scheme`, `leg` and `days`.

    `where` is the setting that names the table. Raises UsageError S401 naming setting and line.
    """
    columns = ("valid_from", "valid_to", "unsure", "source", "note")
    return tuple(_own(row, place) for place, row in rows(text, where, ("scheme", "leg", "days"), columns))


def with_limits(own: Sequence[Limit]) -> tuple[Limit, ...]:
    """Our own table, in which an office's limits take the place of all for their scheme and leg."""
    replaced = {(row.scheme, row.leg) for row in own}
    return (*(row for row in limits() if (row.scheme, row.leg) not in replaced), *own)


def _own(row: Mapping[str, str], place: str) -> Limit:
    if row["scheme"] not in {kind.scheme for kind in insurance_kinds().values() if kind.transfers}:
        raise UsageError("S401", f"{place}: the scheme is not one that moves")
    if row["leg"] not in LEGS:
        raise UsageError("S401", f"{place}: leg must be one of {', '.join(LEGS)}")
    days = int(row["days"]) if row["days"].isascii() and row["days"].isdigit() else 0
    if not 0 < days <= _LONGEST:
        raise UsageError("S401", f"{place}: days must be a number from 1 to {_LONGEST}")
    for column in ("valid_from", "valid_to"):
        if row[column]:
            day(row[column], place, column)
    unsure = yes(row["unsure"] or "no", place, "unsure")
    return Limit(row["scheme"], row["leg"], days, row["valid_from"], row["valid_to"], unsure, row["source"])
