"""What a correction changes: the places in which two deliveries of one case differ. Pure.

Rows are compared as sets, since their order says nothing. A row that is gone and a new one with the same identity
(kind, month, place and the like) are one row whose other values changed, and these are named; anything else is added
or removed. The listing that travels holds places only: the values stand in the two documents, and `differences` reads
them out of both.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from formats.information_form import InformationForm
from formats.messages import Change, Delivery
from formats.record import (
    AccountYear,
    Benefit,
    Contribution,
    Employer,
    Enrolment,
    MonthTotal,
    OtherEntry,
    Record,
    Subsidy,
)
from formats.xsd import ATTRIBUTES, TAGS

# The parts of a record with their place in the document, and the fields by which a row is the same row.
_PARTS: Mapping[str, tuple[str, type[NamedTuple], tuple[str, ...]]] = {
    "employers": ("registration/employers", Employer, ("employer_id",)),
    "enrolments": ("registration/enrolments", Enrolment, ("kind", "division", "started")),
    "contributions": (
        "contributions",
        Contribution,
        ("kind", "month", "contribution_type", "division", "employer_id"),
    ),
    "subsidies": ("contributions", Subsidy, ("kind", "month", "funding_item", "division")),
    "benefits": ("benefits", Benefit, ("kind", "item", "month", "division")),
    "months": ("account", MonthTotal, ("kind", "first")),
    "account": ("account", AccountYear, ("kind", "year")),
    "other": ("other", OtherEntry, ("topic", "date")),
}


class Difference(NamedTuple):
    """A change with what stood there and what stands there now; empty where there is nothing.

    A row's or a form's text has `name=value` of each field that is not empty; of a form that changed, of those that
    differ. It is about a person.
    """

    change: Change
    before: str
    after: str


def changes(before: Delivery, after: Delivery) -> tuple[Change, ...]:
    """Where `after` differs from `before`, in the order of the document; empty where they say the same.

    Paths of what was removed are places in `before`, all others in `after`.
    """
    return tuple(item.change for item in differences(before, after))


def differences(before: Delivery, after: Delivery) -> tuple[Difference, ...]:
    """The changes, each with both values. Personal data, where the deliveries are of a person."""
    return (*_person(before.record, after.record), *_rows(before.record, after.record), *_forms(before, after))


def _person(before: Record, after: Record) -> Iterator[Difference]:
    path = f"/delivery/record/registration/{TAGS[type(after.person)]}"
    yield from _values(path, before.person, after.person)


def _rows(before: Record, after: Record) -> Iterator[Difference]:
    for part, (place, kind, identity) in _PARTS.items():
        path = f"/delivery/record/{place}/{TAGS[kind]}"
        old = _others(getattr(before, part), getattr(after, part))
        gone: dict[tuple[str, ...], list[tuple[int, NamedTuple]]] = {}
        for number, row in old:
            gone.setdefault(_identity(row, identity), []).append((number, row))
        for number, row in _others(getattr(after, part), getattr(before, part)):
            alike = gone.get(_identity(row, identity))
            if alike:
                yield from _values(f"{path}[{number}]", alike.pop(0)[1], row)
            else:
                yield Difference(Change(f"{path}[{number}]", "added"), "", _text(row))
        for alike in gone.values():
            yield from (Difference(Change(f"{path}[{number}]", "removed"), _text(row), "") for number, row in alike)


def _others(rows: Sequence[NamedTuple], known: Sequence[NamedTuple]) -> list[tuple[int, NamedTuple]]:
    """The rows that the other side does not have, each as often as it has more of them, numbered from 1."""
    left = Counter(known)
    found = []
    for number, row in enumerate(rows, start=1):
        if left[row]:
            left[row] -= 1
        else:
            found.append((number, row))
    return found


def _identity(row: NamedTuple, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in names)


def _values(path: str, before: NamedTuple, after: NamedTuple) -> Iterator[Difference]:
    for name, old, new in zip(ATTRIBUTES[type(after)], before, after, strict=True):
        if old != new:
            yield Difference(Change(f"{path}/@{name}", _kind(old, new)), old, new)


def _kind(old: str, new: str) -> str:
    return "changed" if old and new else "added" if new else "removed"


def _text(row: NamedTuple) -> str:
    return " ".join(f"{name}={value}" for name, value in zip(ATTRIBUTES[type(row)], row, strict=True) if value)


def _forms(before: Delivery, after: Delivery) -> Iterator[Difference]:
    old = {form.sums.kind: form for form in before.forms}
    for number, form in enumerate(after.forms, start=1):
        known = old.pop(form.sums.kind, None)
        if known is None:
            yield Difference(Change(f"/delivery/forms/form[{number}]", "added"), "", _whole(form))
        elif known != form:
            yield Difference(
                Change(f"/delivery/forms/form[{number}]", "changed"), _unlike(known, form), _unlike(form, known)
            )
    removed = {form.sums.kind for form in old.values()}
    for number, form in enumerate(before.forms, start=1):
        if form.sums.kind in removed:
            yield Difference(Change(f"/delivery/forms/form[{number}]", "removed"), _whole(form), "")


def _whole(form: InformationForm) -> str:
    return "; ".join([_text(form.sums), *map(_text, form.periods)])


def _unlike(form: InformationForm, other: InformationForm) -> str:
    """What `form` says and `other` does not: fields of form one, rows of form two."""
    names = ATTRIBUTES[type(form.sums)]
    pairs = zip(names, form.sums, other.sums, strict=True)
    sums = " ".join(f"{name}={value}" for name, value, said in pairs if value != said)
    rows = [_text(row) for _, row in _others(form.periods, other.periods)]
    return "; ".join(part for part in (sums, *rows) if part)
