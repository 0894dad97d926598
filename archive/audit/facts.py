"""What the journal says of each segment, and the rows of `segments` that say something else (A507)."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, select

from archive.audit.report import Problem
from archive.segments.members import padded
from archive.tables import journal, members, segments

_KINDS = ("kept", "segment-opened", "segment-sealed", "segment-rekeyed", "segment-destroyed", "readme-written")


@dataclass(slots=True)
class Facts:
    """One segment: digests are SHA-512 in hex; `inventories` by version of the object. `end` None: not known."""

    n: int
    state: str = "open"
    members: int = 0
    end: int | None = None
    opened: str = ""
    sealed: str = ""
    keys: str = ""
    sha512: str = ""
    version: int = 0
    inventories: dict[int, str] = field(default_factory=dict)
    entry: int = 0  # the last entry that changed it


@dataclass(frozen=True, slots=True)
class Said:
    """All segments by number, and the inventories of the readme object by version."""

    segments: Mapping[int, Facts]
    readme: Mapping[int, str]


def of_journal(connection: Connection) -> Said:
    """Fold the journal's entries about segments. Only for a journal that holds."""
    found: dict[int, Facts] = {}
    readme: dict[int, str] = {}
    wanted = select(journal.c.n, journal.c.at, journal.c.kind, journal.c.what).where(journal.c.kind.in_(_KINDS))
    for row in connection.execute(wanted.order_by(journal.c.n).execution_options(yield_per=5000)):
        what = json.loads(row.what)
        if row.kind == "readme-written":
            readme[what["version"]] = what["inventory"]
        else:
            _fold(found.setdefault(what["segment"], Facts(what["segment"])), row, what)
    ends = select(members.c.segment, func.max(members.c.offset)).group_by(members.c.segment)
    last = select(members.c.segment, members.c.offset, members.c.size).join(
        (tops := ends.subquery()), (tops.c[0] == members.c.segment) & (tops.c[1] == members.c.offset)
    )
    for item in connection.execute(last):
        if item.segment in found:
            found[item.segment].end = item.offset + padded(item.size)
    return Said(found, readme)


def of_rows(connection: Connection) -> Said:
    """What the rows themselves say, for a journal that does not hold."""
    rows = connection.execute(select(segments)).all()
    return Said({row.n: _as_row(row) for row in rows}, {})


def _fold(facts: Facts, row: Row[Any], what: Mapping[str, Any]) -> None:
    facts.entry = row.n
    match row.kind:
        case "kept":
            facts.members += what["members"]
        case "segment-opened":
            facts.opened, facts.keys = row.at, what["keys"]
        case "segment-sealed":
            facts.state, facts.sealed, facts.version = "sealed", row.at, 1
            facts.sha512, facts.keys = what["sha512"], what["keys"]
            facts.inventories[1] = what["inventory"]
        case "segment-rekeyed":
            facts.keys = what["keys"]
            if what["inventory"]:
                facts.version = what["version"]
                facts.inventories[what["version"]] = what["inventory"]
        case _:
            facts.state = "destroyed"


def _as_row(row: Row[Any]) -> Facts:
    inventories = {row.version: row.inventory} if row.inventory else {}
    return Facts(
        n=row.n,
        state=row.state,
        members=row.members,
        end=row.end,
        opened=row.opened,
        sealed=row.sealed,
        keys=row.keys_sha512,
        sha512=row.sha512,
        version=row.version,
        inventories=inventories,
    )


def differing(connection: Connection, said: Said, doubted: Collection[int]) -> Iterator[tuple[int, Problem]]:
    """Rows of `segments` that are not what the journal says, by number.

    Of the segments in `doubted`, whose members' rows are not what they were, the end is not compared.
    """
    rows = {row.n: row for row in connection.execute(select(segments))}
    for number in sorted({*rows, *said.segments}):
        facts, row = said.segments.get(number), rows.get(number)
        if facts is None:
            yield number, Problem("A507", f"segments {number}: no such row was entered")
        elif row is None:
            yield number, Problem("A507", f"segments {number}: the row is missing", f"entry {facts.entry}")
        elif columns := list(_changed(row, facts, with_end=number not in doubted)):
            yield number, Problem("A507", f"segments {number}: {', '.join(columns)}", f"entry {facts.entry}")


def _changed(row: Row[Any], facts: Facts, *, with_end: bool) -> Iterator[str]:
    """`sealing` is no act of its own in the journal: an open segment may be in either state."""
    if row.state != facts.state and (facts.state, row.state) != ("open", "sealing"):
        yield "state"
    pairs = {
        "opened": facts.opened,
        "sealed": facts.sealed,
        "keys_sha512": facts.keys,
        "sha512": facts.sha512,
        "inventory": facts.inventories.get(facts.version, ""),
        "version": facts.version,
    }
    if facts.state != "destroyed":
        pairs["members"] = facts.members
        if with_end and facts.end is not None:
            pairs["end"] = facts.end
    yield from (name for name, value in pairs.items() if getattr(row, name) != value)
