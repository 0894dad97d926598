"""The ledger's rows about segments and their members."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from archive.ledger import Ledger, chunks
from archive.tables import members, segments

FIELDS = ("digest", "kind", "bytes", "segment", "place", "offset", "size", "sha256")

_PAGE = 5000  # rows read at once


class Member(NamedTuple):
    """A member's row: which original (SHA-256, kind, bytes) lies where (offset and size of its ciphertext in the tar).

    `sha256` is the ciphertext's, `entry` the number of the journal's entry whose root covers the row.
    """

    digest: str
    kind: str
    bytes: int
    segment: int
    place: int
    offset: int
    size: int
    sha256: str
    entry: int


class Segment(NamedTuple):
    """A segment's row; see `archive.tables.segments`."""

    n: int
    state: str
    members: int
    end: int
    opened: str
    sealed: str
    keys_sha512: str
    sha512: str
    inventory: str
    version: int
    checked: str


class Location(NamedTuple):
    """Where an original lies, and in what state its segment is."""

    member: Member
    state: str
    keys_sha512: str
    version: int


_COLUMNS = tuple(members.c[name] for name in Member._fields)
_SEGMENT = tuple(segments.c[name] for name in Segment._fields)


def member_line(row: Mapping[str, Any]) -> bytes:
    """A row of `members` as a line under its entry's root: canonical JSON of the values of `FIELDS`."""
    return json.dumps([row[name] for name in FIELDS], ensure_ascii=False, separators=(",", ":")).encode()


def where(ledger: Ledger, digest: str) -> Location | None:
    """Where the original with this digest lies; None when it was never kept, or was destroyed."""
    wanted = select(*_COLUMNS, segments.c.state, segments.c.keys_sha512, segments.c.version)
    wanted = wanted.join(segments, segments.c.n == members.c.segment).where(members.c.digest == digest)
    with ledger.reading() as connection:
        row = connection.execute(wanted).first()
    if row is None:
        return None
    return Location(Member(*row[:9]), row.state, row.keys_sha512, row.version)


def known(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Which of these are kept."""
    return {
        digest
        for chunk in chunks(digests)
        for digest in connection.execute(select(members.c.digest).where(members.c.digest.in_(chunk))).scalars()
    }


def of_segment(connection: Connection, n: int) -> Iterator[Member]:
    """The members of a segment by place."""
    wanted = select(*_COLUMNS).where(members.c.segment == n).order_by(members.c.place)
    with connection.execute(wanted.execution_options(yield_per=_PAGE)) as rows:
        for row in rows:
            yield Member(*row)


def enter(connection: Connection, rows: Sequence[Member]) -> None:
    """Insert members; by the driver itself, which takes a fifth of the time that thousands of dictionaries take."""
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    names = ", ".join(f'"{name}"' for name in Member._fields)
    marks = ", ".join([mark] * len(Member._fields))
    statement = f"INSERT INTO {members.name} ({names}) VALUES ({marks})"  # noqa: S608 - every name is our own
    connection.exec_driver_sql(statement, list(rows))


def segment(connection: Connection, n: int, *, lock: bool = False) -> Segment | None:
    """A segment's row; `lock` keeps others from changing it until the transaction ends."""
    wanted = select(*_SEGMENT).where(segments.c.n == n)
    row = connection.execute(wanted.with_for_update() if lock else wanted).first()
    return Segment(*row) if row else None


def in_state(connection: Connection, *states: str, lock: bool = False) -> list[Segment]:
    """The segments in these states by number; `lock` as above."""
    wanted = select(*_SEGMENT).where(segments.c.state.in_(states)).order_by(segments.c.n)
    return [Segment(*row) for row in connection.execute(wanted.with_for_update() if lock else wanted)]
