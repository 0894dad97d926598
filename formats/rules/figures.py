"""What the rules share: the delivery, and the contributions as columns of text and of whole fen, made once a check."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from itertools import compress
from typing import NamedTuple

from formats.messages import Delivery
from formats.record import Contribution, Record

# Contribution types (AAA115). A month counts by one of these; an adjustment (34, 35) belongs to a month that counts
# already, and a refund (20) takes back.
REFUND = "20"
COUNTING = frozenset({"10", "31", "32", "33", "40"})

_AMOUNTS = (
    "base",
    "employer_due",
    "employer_paid",
    "employer_paid_account",
    "person_due",
    "person_paid",
    "person_paid_account",
)


class Place(NamedTuple):
    """Where a rule does not hold: path in the document, what was expected, the kind of what was found."""

    path: str
    expected: str
    found: str


# What a contribution is for: insurance kind, month, division.
MonthKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """One delivery as the rules see it. `on` is the day of the check."""

    delivery: Delivery
    on: date
    columns: Mapping[str, Sequence[str]]  # of the contributions, by name of the field
    amounts: Mapping[str, Sequence[int]]  # the money among them in fen; an absent amount is 0
    counting: Sequence[bool]  # for each contribution, whether it makes its month count
    counted: Mapping[MonthKey, int]  # how often a month counts at a place: 1, or more where rows are double
    months: Mapping[str, AbstractSet[str]]  # the months that count, by kind; a month paid at two places counts once
    posted: bool = False  # moved by an officially approved posting

    @property
    def record(self) -> Record:
        """The delivery's record."""
        return self.delivery.record


def number(text: str) -> int:
    """A decimal with fixed places as a whole number: `7416.25` is 741625. Absent is 0.

    So is what is no number: the schema refuses it before, and a rule has nothing to compare.
    """
    try:
        return int(text.replace(".", ""))
    except ValueError:
        return 0


def figures_of(delivery: Delivery, on: date, *, posted: bool = False) -> Figures:
    """The figures of a delivery, for all rules."""
    rows = delivery.record.contributions
    columns: dict[str, Sequence[str]] = dict(
        zip(Contribution._fields, zip(*rows, strict=True) if rows else ((),) * len(Contribution._fields), strict=True)
    )
    amounts = _amounts(columns)
    counting = _counting(columns["contribution_type"], amounts)
    counted = _counted(columns, amounts, counting)
    return Figures(delivery, on, columns, amounts, counting, counted, _months(counted), posted)


def contribution(row: int, attribute: str = "") -> str:
    """The path of a contribution (`row` from 0) or of one of its attributes."""
    path = f"/delivery/record/contributions/contribution[{row + 1}]"
    return f"{path}/@{attribute}" if attribute else path


def _amounts(columns: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[int]]:
    """The amounts that rules compare, in fen.

    Columns repeat (paid is mostly what was due) and so do their texts (a base holds for a year), so each is computed
    once and looked up from then on.
    """
    numbers: dict[str, int] = {}
    amounts: dict[str, Sequence[int]] = {}
    for name in _AMOUNTS:
        column = columns[name]
        same = next((earlier for earlier in amounts if columns[earlier] == column), "")
        if not same:
            numbers.update((text, number(text)) for text in set(column).difference(numbers))
        amounts[name] = amounts[same] if same else list(map(numbers.__getitem__, column))
    return amounts


def _counting(types: Sequence[str], amounts: Mapping[str, Sequence[int]]) -> Sequence[bool]:
    """For each contribution, whether it makes its month count: a type that counts, and paid in full by both."""
    employer_paid, employer_due = amounts["employer_paid"], amounts["employer_due"]
    person_paid, person_due = amounts["person_paid"], amounts["person_due"]
    if COUNTING.issuperset(types) and employer_paid is employer_due and person_paid is person_due:
        return [True] * len(types)
    return [
        code in COUNTING and employer_paid[row] >= employer_due[row] and person_paid[row] >= person_due[row]
        for row, code in enumerate(types)
    ]


def _counted(
    columns: Mapping[str, Sequence[str]], amounts: Mapping[str, Sequence[int]], counting: Sequence[bool]
) -> Mapping[MonthKey, int]:
    """How often each month counts at a place.

    A refund takes a double payment back; where it leaves nothing paid, the month no longer counts at all.
    """
    keys = list(zip(columns["kind"], columns["month"], columns["division"], strict=True))
    times = Counter(compress(keys, counting))
    if REFUND not in columns["contribution_type"]:
        return times
    refunds = Counter(key for key, code in zip(keys, columns["contribution_type"], strict=True) if code == REFUND)
    paid: Counter[MonthKey] = Counter()
    for key, employer, person in zip(keys, amounts["employer_paid"], amounts["person_paid"], strict=True):
        if key in refunds:
            paid[key] += employer + person
    for key in refunds.keys() & times.keys():
        times[key] = max(1, times[key] - refunds[key]) if paid[key] > 0 else 0
    return +times


def _months(counted: Iterable[MonthKey]) -> Mapping[str, AbstractSet[str]]:
    months: defaultdict[str, set[str]] = defaultdict(set)
    for kind, month, _ in counted:
        months[kind].add(month)
    return months
