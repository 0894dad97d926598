"""A correction takes the place of what its case brought before: row by row, and nothing else is touched.

What is taken out is exactly what the corrected delivery brought and the correction does not have; what stands in both
stays where it is, with whatever the office's database holds beside the record's columns. Every row to be taken out must
stand as it was written, as often as it was brought: else somebody has changed it here since, or the office has one just
like it, and a person must look (L306).

Other information (art. 2(5)) is never taken out: equal entries are stored once, so nobody can tell whose one is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from formats.messages import Delivery, Finding
from formats.pension.months import paid
from formats.pension.overlap import plain
from formats.record import Contribution, Record


class Replaced(NamedTuple):
    """A row that stands another number of times in the correction than before; `part` is a field of `Record`."""

    part: str
    row: Any
    before: int
    after: int


def replaced(before: Record, after: Record, parts: Sequence[str]) -> Iterator[Replaced]:
    """The rows of these parts of the record that are to be taken out, put in, or both."""
    for part in parts:
        old, new = Counter(getattr(before, part)), Counter(getattr(after, part))
        for row in dict.fromkeys((*getattr(before, part), *getattr(after, part))):
            if old[row] != new[row]:
                yield Replaced(part, row, old[row], new[row])


def corrected(delivery: Delivery, known: Mapping[str, Delivery], taken_in: str) -> Delivery | None:
    """The delivery that this one corrects, when that is the one taken in; `known` by their documents' digests."""
    said = delivery.correction
    return known.get(taken_in) if said is not None and said.digest == taken_in else None


def refunded_since(changes: Iterable[Replaced], earlier: Record, stored: Iterable[Contribution]) -> bool:
    """Whether a month whose row is to be replaced was taken back since by a row that did not come with it.

    What was refunded is settled with the person: a correction of it needs one who looks.
    """
    months = {(item.row.kind, item.row.month) for item in changes if item.part == "contributions" and item.before}
    since = Counter(map(plain, stored)) - Counter(map(plain, earlier.contributions))
    return any(paid(row) < 0 and (row.kind, row.month) in months for row in since)


def other_document() -> Finding:
    """L305: the correction is of another document, or of another person, than was taken in for its case."""
    return Finding("L305", "/delivery/correction/@digest", "the delivery that was taken in", "another")


def changed_since() -> Finding:
    """L306: what was taken in is not there any more as it was."""
    return Finding("L306", "/delivery/correction", "the rows as they were taken in", "other rows")
