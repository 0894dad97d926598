"""Rows that are not what the journal says, brought together: problems, and what follows from them.

One damage is named once: what is only the consequence of a row that is named already - its original without a member,
its member without an original, its case without an original - is known here and is not named again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from archive import proved_rows
from archive.audit import evidence, facts
from archive.audit.belief import Belief
from archive.audit.contents import Doubts
from archive.audit.facts import Said
from archive.audit.report import Problem
from archive.audit.rows import MEMBERS, ORIGINALS, Group, differing, unordered, with_gone
from archive.audit.telling import Told, tell
from archive.ledger import Ledger
from archive.segments.layout import Layout
from archive.tables import segments

_GROUPS = 50  # so many are looked into; of the others the entry is named

Values = Mapping[str, Any]


@dataclass(slots=True)
class Rows:
    """What the journal says, and what the rows say otherwise.

    `known` are digests, case numbers and message ids whose absence is explained by a problem that is named; `unsure`
    are segments whose own row is not what it was, so that the store cannot find their originals.
    """

    said: Said
    problems: list[Problem] = field(default_factory=list)
    doubts: Doubts = field(default_factory=Doubts)
    known: set[str] = field(default_factory=set)
    unsure: set[int] = field(default_factory=set)


def of_rows(ledger: Ledger, layout: Layout, belief: Belief) -> Rows:
    """Compare every row with the journal, in one view of the ledger. Raises UnreachableError S409."""
    with ledger.reading() as connection:
        said = facts.of_journal(connection) if belief.whole else facts.of_rows(connection)
        found = Rows(said)
        entered: dict[int, Sequence[Values] | None] = {}
        doubted: set[int] = set()
        for place, group in enumerate(differing(connection, belief)):
            told = _tell(connection, layout, group, deep=place < _GROUPS)
            found.problems.append(told.problem)
            found.known |= _known(group, told.rows)
            if group.covered is MEMBERS:
                entered[group.entry] = told.rows
                doubted |= {row["segment"] for row in group.rows} | {int(group.what.get("segment", -1))}
        found.doubts = Doubts(entered)
        if belief.whole:
            wrong = dict(facts.differing(connection, said, doubted))
            found.problems += wrong.values()
            found.unsure = set(wrong)
            found.problems += _one_by_one(connection)
    return found


def _one_by_one(connection: Connection) -> Iterator[Problem]:
    """What each row has an entry for, and what is gone by no order."""
    for entry, place in unordered(connection):
        yield Problem("A507", f"gone {entry}/{place}: {proved_rows.INSERTED}", f"entry {entry}")
    for proved in proved_rows.ALL:
        for item in proved_rows.differing(connection, proved):
            yield Problem("A507", f"{item.name}: {item.how}", f"entry {item.entry}" if item.entry else "")


def _tell(connection: Connection, layout: Layout, group: Group, *, deep: bool) -> Told:
    group = with_gone(connection, group)
    if deep and group.covered is MEMBERS:
        tars = _tars(connection, layout, group)
        absent = evidence.members_instead(connection, tars, group)
        by_place: dict[int, list[Values]] = {}
        for values in absent:
            by_place.setdefault(values["place"], []).append(values)
        missing = set(by_place) - {row["place"] for row in group.rows}

        def instead(row: Values) -> Iterable[Values]:
            return [other for place in (row["place"], *missing) for other in by_place.get(place, ())]

        return tell(group, instead, [other for place in sorted(missing) for other in by_place[place]])
    if deep and group.covered is ORIGINALS:
        return tell(
            group,
            lambda row: evidence.originals_instead(connection, group, row),
            evidence.originals_absent(connection, group),
        )
    return tell(group, lambda _row: (), ())


def _tars(connection: Connection, layout: Layout, group: Group) -> Mapping[int, Any]:
    """The tar of the group's segment, wherever it stands now."""
    number = int(group.what.get("segment", -1))
    sealed, open_ = layout.sealed_tar(number), layout.open_tar(number)
    row = connection.execute(select(segments.c.state).where(segments.c.n == number)).first()
    first = (open_, sealed) if row is not None and row.state == "open" else (sealed, open_)
    return {number: next((path for path in first if path.is_file()), first[0])}


def _known(group: Group, rows: Sequence[Values] | None) -> set[str]:
    """What is no longer named by these rows, or only by them: its absence elsewhere follows."""
    if rows is None:
        return set()
    was, now = [dict(row) for row in rows], [dict(row) for row in group.rows]
    changed = [row for row in was if row not in now] + [row for row in now if row not in was]
    names = ("digest", "case_number", "message_id")
    return {row[name] for row in changed for name in names if row.get(name)}
