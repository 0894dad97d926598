"""Moving what stays: before a segment is destroyed, its other members are kept again in new segments.

All bytes are on the disk, read back and compared, before the ledger knows of them; the ledger then changes at once. A
process killed before that leaves files in `open/` that no row names, and the next new segment puts them aside.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, func, insert, select

from archive.flushing import disk
from archive.journal import Entry
from archive.segments import catalog, members, writing
from archive.segments.catalog import Member, Segment
from archive.segments.context import Context
from archive.segments.files import read_at
from archive.segments.reading import Reader
from archive.tables import segments, utc_text
from formats.digest import sha256
from formats.errors import IntegrityError

_GATHERED = 16 * 2**20  # bytes of originals in memory at once


@dataclass(frozen=True, slots=True)
class Moved:
    """A new segment that is on the disk and not yet in the ledger: its row to be, and its members' (no entry yet)."""

    segment: Segment
    members: tuple[Member, ...]


def copy(context: Context, staying: Sequence[Member], at: datetime) -> tuple[Moved, ...]:
    """Write these members into new segments, encrypted with fresh keys, flushed and read back.

    The caller holds the archive's locks until `enter` has told the ledger. Raises UnreachableError S416, S409;
    IntegrityError A501, A502, A509 when a member cannot be read: then nothing may be destroyed.
    """
    moved: list[Moved] = []
    reader = Reader(context)
    with context.ledger.reading() as connection:
        last = connection.execute(select(func.max(segments.c.n))).scalar() or 0
    waiting = list(staying)
    while waiting:
        with disk():
            segment, cipher = writing.new_files(context, last + 1, utc_text(at))
            rows = _fill(context, segment, cipher, waiting, reader)
            _read_back(context, segment, cipher, rows)
        end = rows[-1].offset + members.padded(rows[-1].size)
        moved.append(Moved(segment._replace(state="sealing", members=len(rows), end=end), tuple(rows)))
        last = segment.n
        del waiting[: len(rows)]
    return tuple(moved)


def _fill(
    context: Context, segment: Segment, cipher: AESGCM, waiting: Sequence[Member], reader: Reader
) -> list[Member]:
    """Write members until the segment is full; returns their new rows. Raises OSError."""
    rows: list[Member] = []
    handle = os.open(context.layout.open_tar(segment.n), os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        for group in _groups(waiting):
            originals = {row.digest: (row.kind, reader.read(row.digest)) for row in group}
            rows += writing.append(handle, context, segment, cipher, originals)
            end = rows[-1].offset + members.padded(rows[-1].size)
            segment = segment._replace(members=len(rows), end=end)
            if end >= context.policy.segment_bytes:
                break
        os.fsync(handle)
    finally:
        os.close(handle)
    return rows


def _groups(waiting: Sequence[Member]) -> Iterator[list[Member]]:
    group: list[Member] = []
    gathered = 0
    for row in waiting:
        group.append(row)
        gathered += row.bytes
        if gathered >= _GATHERED:
            yield group
            group, gathered = [], 0
    if group:
        yield group


def _read_back(context: Context, segment: Segment, cipher: AESGCM, rows: Sequence[Member]) -> None:
    """Read every member from the disk and decrypt it. Raises IntegrityError A502, OSError."""
    object_id = context.layout.object_id(segment.n)
    handle = os.open(context.layout.open_tar(segment.n), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        for row in rows:
            data = members.decrypt(cipher, read_at(handle, row.size, row.offset), members.bound(object_id, row.place))
            if data is None or sha256(data) != row.digest:
                raise IntegrityError("A502", row.digest)
    finally:
        os.close(handle)


def enter(context: Context, connection: Connection, moved: Sequence[Moved], first: int, at: datetime) -> list[Entry]:
    """The new segments and their members as rows; returns their journal entries, to be numbered from `first` on.

    The rows that the members had before must be gone. The segments then wait to be sealed.
    """
    entries: list[Entry] = []
    for item in moved:
        connection.execute(insert(segments).values(item.segment._asdict()))
        entries.append(writing.opened_entry(context, item.segment))
        begun = item.segment._replace(members=0)
        entries.append(writing.kept_entry(context, begun, item.members, utc_text(at)))
        number = first + len(entries) - 1
        catalog.enter(connection, [row._replace(entry=number) for row in item.members])
    return entries
