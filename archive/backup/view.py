"""What the ledger says, at one moment, that a backup must hold."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from archive.tables import ArrivalState, arrivals, journal, journal_head, members, segments


class Segment(NamedTuple):
    """A segment as it stands in the ledger; `end` in bytes, digests in hex."""

    n: int
    state: str
    end: int
    version: int
    keys_sha512: str
    sha512: str
    inventory: str


class Span(NamedTuple):
    """Where a member's ciphertext lies in its tar, in bytes, and its SHA-256."""

    digest: str
    offset: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class View:
    """The journal's end, the segments, the members of those that are not sealed, and the packages that wait.

    `waiting`: digest of a package -> the folder of the spool in which it lies. `readme` is the version of the readme
    object, 0 when there is none.
    """

    entries: int
    root: str
    segments: tuple[Segment, ...]
    spans: Mapping[int, tuple[Span, ...]]
    waiting: Mapping[str, str]
    readme: int


def look(connection: Connection) -> View:
    """The view of this transaction."""
    head = connection.execute(select(journal_head.c.n, journal_head.c.root)).one()
    columns = [segments.c[name] for name in Segment._fields]
    rows = tuple(Segment(*row) for row in connection.execute(select(*columns).order_by(segments.c.n)))
    return View(
        entries=head.n,
        root=head.root,
        segments=rows,
        spans={row.n: _spans(connection, row.n) for row in rows if row.state in ("open", "sealing")},
        waiting=_waiting(connection),
        readme=_readme(connection),
    )


def _spans(connection: Connection, segment: int) -> tuple[Span, ...]:
    columns = [members.c[name] for name in Span._fields]
    wanted = select(*columns).where(members.c.segment == segment).order_by(members.c.place)
    return tuple(Span(*row) for row in connection.execute(wanted))


def _waiting(connection: Connection) -> dict[str, str]:
    places = {ArrivalState.QUARANTINED: "quarantine", ArrivalState.WAITING: "inbox"}
    wanted = select(arrivals.c.digest, arrivals.c.state).where(arrivals.c.state.in_(list(places)))
    return {row.digest: places[ArrivalState(row.state)] for row in connection.execute(wanted)}


def _readme(connection: Connection) -> int:
    wanted = select(journal.c.what).where(journal.c.kind == "readme-written").order_by(journal.c.n.desc()).limit(1)
    found: Any = connection.execute(wanted).scalar()
    return int(json.loads(found)["version"]) if found else 0
