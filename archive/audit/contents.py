"""One segment: all its bytes against the ledger and the journal (A501, A502, A506).

What is damaged is named once: a member by its original's digest; where no member is hit, the file by its path.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select

from archive.audit.facts import Facts
from archive.audit.objects import content_problems, digest_of
from archive.audit.places import name
from archive.audit.reading import Member, Read, read
from archive.audit.report import Problem
from archive.ledger import Ledger
from archive.segments.layout import Layout
from archive.segments.members import padded
from archive.tables import members, segments


@dataclass(frozen=True, slots=True)
class Doubts:
    """Rows of `members` that are not what the journal says, by entry: as they were entered, None where unknown."""

    entered: Mapping[int, Sequence[Mapping[str, Any]] | None] = field(default_factory=dict)

    def settle(self, segment: int, rows: Sequence[Member]) -> list[Member]:
        """The rows of a segment by which its bytes can be judged, in order, none overlapping another."""
        sure = [row for row in rows if row.entry not in self.entered]
        for told in self.entered.values():
            sure += [_member(row) for row in told or () if row["segment"] == segment]
        settled: list[Member] = []
        for row in sorted(sure, key=lambda item: str(item.offset).rjust(20)):
            end = settled[-1].offset + settled[-1].size if settled else 0
            if isinstance(row.offset, int) and isinstance(row.size, int) and row.size > 0 and row.offset >= end:
                settled.append(row)
        return settled

    def settled(self, rows: Sequence[Member]) -> bool:
        """Whether it is known what each of these rows was."""
        return all(self.entered.get(row.entry, ()) is not None for row in rows)


@dataclass(frozen=True, slots=True)
class View:
    """A segment as the ledger has it at one moment."""

    row: Row[Any] | None
    members: tuple[Member, ...]


@dataclass(slots=True)
class Checked:
    """What was found in a segment: problems, members looked at, bytes read, bytes behind the end."""

    problems: list[Problem] = field(default_factory=list)
    members: int = 0
    bytes: int = 0
    leftover: int = 0


def view(ledger: Ledger, segment: int) -> View:
    """The rows of a segment and its members, of one moment. Raises UnreachableError S409."""
    columns = [members.c[name] for name in Member._fields]
    wanted = select(*columns).where(members.c.segment == segment).order_by(members.c.place)
    with ledger.reading() as connection:
        row = connection.execute(select(segments).where(segments.c.n == segment)).first()
        return View(row, _members(connection, wanted))


def _members(connection: Connection, wanted: Any) -> tuple[Member, ...]:
    return tuple(Member(*row) for row in connection.execute(wanted))


def _member(values: Mapping[str, Any]) -> Member:
    return Member(*(values[name] for name in Member._fields))


def check_sealed(
    layout: Layout, facts: Facts, seen: View, content: Mapping[str, str], doubts: Doubts, tell: Callable[[int], None]
) -> Checked:
    """Read a sealed segment; `content` has the SHA-512 of each file of its object, where its inventory can be read."""
    found = Checked()
    rows = doubts.settle(facts.n, seen.members)
    tar = name(layout, layout.sealed_tar(facts.n))
    _tar(found, layout, tar, rows, None, tell, facts.sha512)
    others = {path: digest for path, digest in content.items() if path != tar}
    found.problems += content_problems(layout.root, others)
    return found


def check_open(layout: Layout, facts: Facts, seen: View, doubts: Doubts, tell: Callable[[int], None]) -> Checked:
    """Read a segment that is not sealed; bytes behind its end are what an interrupted keep left."""
    found = Checked()
    rows = doubts.settle(facts.n, seen.members)
    end = max((row.offset + padded(row.size) for row in rows), default=0)
    if seen.row is not None and not doubts.settled(seen.members):
        end = seen.row.end
    tar = name(layout, layout.open_tar(facts.n))
    _tar(found, layout, tar, rows, end, tell, "")
    found.leftover = max(0, found.bytes - end)
    keys = layout.open_keys(facts.n)
    if facts.keys not in (digest_of(keys), digest_of(layout.next_keys(facts.n))):
        found.problems.append(Problem("A506", name(layout, keys), name(layout, keys)))
    return found


def _tar(
    found: Checked,
    layout: Layout,
    tar: str,
    rows: Sequence[Member],
    end: int | None,
    tell: Callable[[int], None],
    sha512: str,
) -> None:
    found.members = len(rows)
    try:
        got = read(layout.root / tar, rows, end, tell)
    except FileNotFoundError:
        got = Read(0, "", tuple(row.digest for row in rows), (), sound=True)
    except OSError:
        found.problems.append(Problem("A506", tar, tar))
        return
    found.bytes = got.bytes
    found.problems += [Problem("A501", digest, tar) for digest in got.missing]
    found.problems += [Problem("A502", digest, tar) for digest in got.damaged]
    if not found.problems and (not got.sound or got.sha512 != sha512):
        found.problems.append(Problem("A506", tar, tar))
