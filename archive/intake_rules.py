"""Whether a delivery fits what the receiving office has already: the last check on receipt. Pure.

Also how employers from other offices are named. An employer's id is unique in one office only, so a delivered
employer is stored under its id and the office it came from (`3301060001(33010001)`), beside the office's own and never
over them; `shown_ids` takes the origin off again when the record is read.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from formats.codes import insurance_kinds
from formats.messages import Finding
from formats.record import Contribution

_Row = TypeVar("_Row", bound=tuple[str, ...])

# A receipt names so many overlapping months; the rest are of the same kind.
MOST_FINDINGS = 20

_PENSION = "pension"  # the scheme of 110 and 120

# What makes a row the one it is, by part of the record; of the other parts, all of it. A contribution's employer, wage,
# rates and days, and a spell's state, are how an office writes it down.
_contribution = attrgetter(
    *("kind", "month", "contribution_type", "division", "base"),
    *("employer_due", "employer_due_account", "person_due", "person_due_account"),
    *("employer_paid", "employer_paid_account", "person_paid", "person_paid_account"),
)
_IDENTITY: Mapping[str, Callable[[Any], Hashable]] = {
    "contributions": _contribution,
    "enrolments": attrgetter("kind", "division", "started"),
}

_ORIGIN = re.compile(r"\([0-9]{8}\)$")


def already_transferred() -> Finding:
    """L302: an earlier case of the same sender brought the person's relation in one of these kinds, with these months.

    Who has moved away since, or whose late months are sent after, brings months that are not here yet.
    """
    return Finding("L302", "/delivery/@kinds", "kinds not yet transferred", "an earlier case with one of these kinds")


def other_name() -> Finding:
    """L303: the social security number belongs to a person of another name here."""
    return Finding("L303", "/delivery/record/registration/person/@name", "the name held here", "another name")


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same, however they are composed and with either separating dot.

    Names of ethnic minorities are written with U+00B7 or U+2022, because GBK has only the first.
    """
    return _plain_name(one) == _plain_name(other)


def overlaps(
    delivered: Sequence[Contribution], stored: Iterable[Contribution], corrected: Iterable[Contribution] = ()
) -> tuple[Finding, ...]:
    """A finding for every delivered paid contribution whose month is paid here already, whatever the division.

    What is stored of the delivery that is `corrected` does not count, and what is delivered and stored alike is one
    contribution (`not_here`). A month counts once a kind (GB/T 40217, 006001).
    Of an employees' pension it is L307, a warning: the relation moves first and the receiving office clears afterwards
    (人社部发〔2010〕70号 art. 10). No rule says so of the other kinds: theirs is L301, which refuses, and goes before.
    """
    there = tuple(stored)
    both = paid_months(there, corrected)
    if not both:
        return ()
    missing = not_here("contributions", delivered, there, corrected)
    both &= paid_months(missing)
    new = set(missing)
    found = (_overlap(number, row) for number, row in enumerate(delivered, 1) if _month(row) in both and row in new)
    by_code = sorted(found, key=lambda finding: finding.code)
    return tuple(finding for finding in by_code if finding.code == by_code[0].code)[:MOST_FINDINGS]


def not_here(
    part: str, delivered: Sequence[_Row], stored: Iterable[_Row], corrected: Iterable[_Row] = ()
) -> list[_Row]:
    """The delivered rows of one part of the record that are not here already, each as often as it is missing.

    Who comes back brings what this office handed over before: a contribution is the same one where kind, month, type,
    place and every amount are, a spell where kind, place and beginning are, any other row where it is equal. What is
    stored of the delivery that is `corrected` is not one of them.
    """
    identity = _IDENTITY.get(part, tuple)
    replaced = set(map(identity, corrected))
    there = Counter(key for key in map(identity, stored) if key not in replaced)
    missing = []
    for row in delivered:
        key = identity(row)
        if there[key]:
            there[key] -= 1
        else:
            missing.append(row)
    return missing


def _overlap(number: int, row: Contribution) -> Finding:
    return Finding(
        "L307" if _month(row)[0] == _PENSION else "L301",
        f"/delivery/record/contributions/contribution[{number}]/@month",
        "a month not yet contributed here",
        "a month with a paid contribution of this kind",
    )


def paid_months(contributions: Iterable[Contribution], without: Iterable[Contribution] = ()) -> set[tuple[str, str]]:
    """(kind, month) with a paid contribution; a month whose refunds take all of it back is none.

    The employees' pensions are one kind, `pension`. What was paid by the rows `without` is left out.
    """
    paid: Counter[tuple[str, str]] = Counter()
    for rows, sign in ((contributions, 1), (without, -1)):
        for row in rows:
            paid[_month(row)] += sign * (_fen(row.employer_paid) + _fen(row.person_paid))
    return {month for month, fen in paid.items() if fen > 0}


def same_months(kinds: Collection[str]) -> set[str]:
    """The kinds a month of which may be a month of one of these: the employees' pensions count as one."""
    known = insurance_kinds()
    pensions = {code for code, kind in known.items() if kind.scheme == _PENSION}
    return {*kinds, *(pensions if pensions & set(kinds) else ())}


def _month(row: Contribution) -> tuple[str, str]:
    kind = insurance_kinds().get(row.kind)
    return (_PENSION if kind is not None and kind.scheme == _PENSION else row.kind, row.month)


def stored_id(employer: str, office: str) -> str:
    """The id under which an employer that another office delivered is stored; none stays none."""
    return f"{employer}({office})" if employer else ""


def shown_ids(stored: Collection[str]) -> Mapping[str, str]:
    """What the record calls the stored employers: their plain ids, unless two of them would then be one."""
    plain = {employer: _ORIGIN.sub("", employer) for employer in stored}
    return plain if len(set(plain.values())) == len(plain) else {employer: employer for employer in stored}


def _plain_name(name: str) -> str:
    return unicodedata.normalize("NFC", name).replace("\u2022", "\u00b7")


def _fen(money: str) -> int:
    """Yuan with two places as fen."""
    return int(money.replace(".", "")) if money else 0
