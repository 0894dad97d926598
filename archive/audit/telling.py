"""Which row of a group was changed, removed or added, where that can be told.

The root of an entry says that its rows are not the ones that were entered, not which one it is. But most of a row
stands somewhere else too: a member's in the headers and bytes of its segment, an original's in the rows of its message
and in its member. So each row is tried as those places have it, each absent one is put in, each extra one left out; if
then the root comes out, it is proved what the row was. It is told with the table, the digest and the columns.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archive.audit.report import Problem
from archive.audit.rows import Group

Values = Mapping[str, Any]

_TRIES = 3000  # roots computed for one group; beyond them the entry alone is named
_HASHES = 400_000  # the same bound for large groups


@dataclass(frozen=True, slots=True)
class Told:
    """A group's problem, and its rows as they were entered; None where that cannot be told."""

    problem: Problem
    rows: tuple[Values, ...] | None


def tell(group: Group, instead: Callable[[Values], Iterable[Values]], absent: Iterable[Values]) -> Told:
    """Find the one row that makes the difference.

    `instead` gives what a row may have been, `absent` rows that may be missing, each best guess first.
    """
    budget = max(1, min(_TRIES, _HASHES // max(1, len(group.rows))))
    for tries, (problem, rows) in enumerate(_attempts(group, instead, absent)):
        if group.holds_with(rows):
            return Told(problem, tuple(rows))
        if tries >= budget:
            break
    return Told(_untold(group), None)


def _attempts(
    group: Group, instead: Callable[[Values], Iterable[Values]], absent: Iterable[Values]
) -> Iterator[tuple[Problem, Sequence[Values]]]:
    rows, table = list(group.rows), group.covered.table.name
    where = f"entry {group.entry}"
    if len(rows) > group.expected:
        for place, row in enumerate(rows):
            told = Problem("A507", f"{table} {row['digest']}: no such row was entered", where)
            yield told, rows[:place] + rows[place + 1 :]
    elif len(rows) < group.expected:
        for row in absent:
            told = Problem("A507", f"{table} {row['digest']}: the row is missing", where)
            for place in _seats(group, rows, row):
                yield told, [*rows[:place], row, *rows[place:]]
    else:
        for place, row in enumerate(rows):
            for other in instead(row):
                changed = [name for name in other if other[name] != row[name]]
                told = Problem("A507", f"{table} {row['digest']}: {', '.join(changed)}", where)
                yield told, [*rows[:place], other, *rows[place + 1 :]]


def _seats(group: Group, rows: Sequence[Values], row: Values) -> Iterable[int]:
    """Where among the rows this one may have stood."""
    if group.covered.order == ("place",):
        return [sum(other["place"] < row["place"] for other in rows)]
    return range(len(rows) + 1)


def _untold(group: Group) -> Problem:
    count = f": {len(group.rows)} rows instead of {group.expected}" if len(group.rows) != group.expected else ""
    digest = f" {group.rows[0]['digest']}" if len(group.rows) == 1 else ""
    return Problem("A507", f"{group.covered.table.name}{digest}, entry {group.entry}{count}", f"entry {group.entry}")
