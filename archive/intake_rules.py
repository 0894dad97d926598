"""Whether a delivery fits what the receiving office has already: the last check on receipt. Pure.

Also how employers from other offices are named. An employer's id is unique in one office only, so a delivered
employer is stored under its id and the office it came from (`3301060001(33010001)`), beside the office's own and never
over them; `shown_ids` takes the origin off again when the record is read.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from formats.messages import Finding
from formats.record import Contribution

# A receipt names so many overlapping months; the rest are of the same kind.
MOST_FINDINGS = 20

_ORIGIN = re.compile(r"\([0-9]{8}\)$")


def already_transferred() -> Finding:
    """L302: an earlier case of the same sender brought the person's relation in one of these kinds."""
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
    """L301 for every delivered paid contribution whose month is paid here already, whatever the division.

    What is stored of the delivery that is `corrected` does not count. A month counts once a kind (GB/T 40217, 006001);
    it is the receiving office that clears the overlap.
    """
    both = paid_months(stored, corrected)
    if not both:
        return ()
    both &= paid_months(delivered)
    found = (
        Finding(
            "L301",
            f"/delivery/record/contributions/contribution[{number}]/@month",
            "a month not yet contributed here",
            "a month with a paid contribution of this kind",
        )
        for number, row in enumerate(delivered, 1)
        if (row.kind, row.month) in both
    )
    return tuple(finding for finding, _ in zip(found, range(MOST_FINDINGS), strict=False))


def paid_months(contributions: Iterable[Contribution], without: Iterable[Contribution] = ()) -> set[tuple[str, str]]:
    """(kind, month) with a paid contribution; a month whose refunds take all of it back is none.

    What was paid by the rows `without` is left out.
    """
    paid: Counter[tuple[str, str]] = Counter()
    for rows, sign in ((contributions, 1), (without, -1)):
        for row in rows:
            paid[row.kind, row.month] += sign * (_fen(row.employer_paid) + _fen(row.person_paid))
    return {month for month, fen in paid.items() if fen > 0}


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
