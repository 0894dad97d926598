"""Writing into the open segment: all members, one flush, one transaction of the ledger; only then they are kept.

The ledger's `end` of the open segment is the truth. Bytes behind it are what a killed process left or a full disk cut
off: they were never acknowledged, and are written over. Bytes missing before it were acknowledged: then nothing is
written at all (A508).
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, func, insert, select, update

from archive import journal
from archive.flushing import disk, flush, make_folder, write_file
from archive.journal import Entry
from archive.segments import catalog, keys, members
from archive.segments.catalog import Member, Segment
from archive.segments.context import WHY, Context, own_cipher
from archive.segments.files import Appender, held
from archive.tables import segments, utc_text
from formats import merkle
from formats.errors import IntegrityError

_PIECE: Final = 2**20  # bytes put aside at once

Originals = Mapping[str, tuple[str, bytes]]
"""Kind and bytes by SHA-256."""


def write(context: Context, originals: Originals, at: datetime) -> frozenset[str]:
    """Keep originals in the open segment, all or none; returns those that somebody else had kept meanwhile.

    Raises as `OriginalStore.keep`.
    """
    now = utc_text(at)
    with held(context.layout.lock), context.ledger.writing() as connection, disk():
        segment = _open(connection)
        known = frozenset(catalog.known(connection, list(originals)))
        fresh = {digest: item for digest, item in originals.items() if digest not in known}
        if not fresh:
            return known
        entries = []
        if segment is None:
            segment = _begin(context, connection, now)
            entries.append(opened_entry(context, segment))
        cipher = own_cipher(context, segment.n, segment.keys_sha512)
        with _at_end(context, segment) as handle:
            rows = append(handle, context, segment, cipher, fresh)
            os.fdatasync(handle)
        _record(context, connection, segment, rows, entries, now)
        return known


def _open(connection: Connection) -> Segment | None:
    """The open segment's row, locked until the transaction ends."""
    rows = catalog.in_state(connection, "open", lock=True)
    return rows[-1] if rows else None


def _begin(context: Context, connection: Connection, now: str) -> Segment:
    """A new segment with a fresh key, wrapped and flushed before the row counts."""
    n = (connection.execute(select(func.max(segments.c.n))).scalar() or 0) + 1
    segment, _ = new_files(context, n, now)
    connection.execute(insert(segments).values(segment._asdict()))
    return segment


def new_files(context: Context, n: int, now: str) -> tuple[Segment, AESGCM]:
    """The files of a new segment with a fresh key, flushed, and its row to be; `n` or the next number that is free.

    The caller holds the writer's lock. Raises OSError, and as `KeyWrap.wrap`.
    """
    layout = context.layout
    while layout.object_path(n).exists():  # of a ledger newer than this one: it was restored from a backup
        n += 1
    make_folder(layout.open)
    put_aside(context, n)
    key = keys.fresh()
    message = keys.wrapped(context.wrap, key)
    write_file(layout.open_keys(n), message)
    os.close(os.open(layout.open_tar(n), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    flush(layout.open)
    digest = keys.sha512(message)
    return Segment(n, "open", 0, 0, now, "", digest, "", "", 0, ""), context.opened.add(digest, key)


def put_aside(context: Context, n: int) -> None:
    """Move files of a segment that the ledger does not know to `aside/`: nobody was told that they are kept."""
    layout = context.layout
    for file in (layout.open_tar(n), layout.open_keys(n), layout.next_keys(n)):
        if file.exists():
            move_aside(context, file)


def move_aside(context: Context, file: Path) -> None:
    """Move a file to `aside/` under a name that is free there. Raises OSError."""
    make_folder(context.layout.aside)
    file.rename(free_name(context.layout.aside / file.name))
    flush(context.layout.aside)
    flush(file.parent)


def free_name(wanted: Path) -> Path:
    """This path, or the first with a number behind it at which there is nothing."""
    target, count = wanted, 0
    while target.exists():
        count += 1
        target = wanted.with_name(f"{wanted.name}.{count}")
    return target


def opened_entry(context: Context, segment: Segment) -> Entry:
    """The journal's entry about a new segment."""
    what: dict[str, str | int] = {"segment": segment.n, "keys": segment.keys_sha512}
    how = "fresh key, wrapped for the archive key and the escrow key"
    return Entry(segment.opened, "segment-opened", what, WHY, how, context.who)


@contextmanager
def _at_end(context: Context, segment: Segment) -> Iterator[int]:
    """The open tar, cut back to its end and standing there; what is written when it fails is cut off again.

    Raises IntegrityError A508 when it is shorter, or gone.
    """
    try:
        handle = os.open(context.layout.open_tar(segment.n), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise IntegrityError("A508", f"segment {segment.n} is gone") from None
    try:
        cut_back(context, handle, segment)
        os.lseek(handle, segment.end, os.SEEK_SET)
        try:
            yield handle
        except BaseException:
            os.ftruncate(handle, segment.end)  # of a full disk, this gives the room back
            raise
    finally:
        os.close(handle)


def cut_back(context: Context, handle: int, segment: Segment) -> None:
    """Cut an open tar back to the end that the ledger has. Raises IntegrityError A508 when it is shorter.

    What is cut off goes to `aside/`: a killed process left it, or the ledger is an older one that somebody put back.
    """
    size = os.fstat(handle).st_size
    if size < segment.end:
        raise IntegrityError("A508", f"segment {segment.n}: {size} bytes of {segment.end}")
    if size > segment.end:
        make_folder(context.layout.aside)
        tail = free_name(context.layout.aside / f"{segment.n:08d}-{segment.end}.tail")
        with tail.open("xb") as copy:
            for offset in range(segment.end, size, _PIECE):
                copy.write(os.pread(handle, min(_PIECE, size - offset), offset))
            copy.flush()
            os.fsync(copy.fileno())
        flush(context.layout.aside)
        os.ftruncate(handle, segment.end)


def append(handle: int, context: Context, segment: Segment, cipher: AESGCM, fresh: Originals) -> list[Member]:
    """Encrypt and write the members; returns their rows, whose entry is still to come. Raises OSError."""
    object_id, end = context.layout.object_id(segment.n), segment.end
    chance = os.urandom(members.NONCE * len(fresh))
    rows: list[Member] = []
    with Appender(handle) as appender:
        for number, (digest, (kind, data)) in enumerate(fresh.items()):
            place = segment.members + number
            nonce = chance[members.NONCE * number : members.NONCE * (number + 1)]
            message = members.encrypt(cipher, nonce, data, members.bound(object_id, place))
            appender.add(members.block(place, kind, message))
            size, offset = len(message), end + members.BLOCK
            rows.append(Member(digest, kind, len(data), segment.n, place, offset, size, "", 0))
            end = offset + members.padded(size)
    return [row._replace(sha256=found) for row, found in zip(rows, appender.digests, strict=True)]


def _record(
    context: Context, connection: Connection, segment: Segment, rows: list[Member], entries: list[Entry], now: str
) -> None:
    """The rows, the segment's new end and state, and the journal."""
    end = rows[-1].offset + members.padded(rows[-1].size)
    row = update(segments).where(segments.c.n == segment.n)
    state = "sealing" if end >= context.policy.segment_bytes else "open"
    connection.execute(row.values(state=state, members=segment.members + len(rows), end=end))
    entries.append(kept_entry(context, segment, rows, now))
    number = journal.lock(connection).count + len(entries)
    catalog.enter(connection, [member._replace(entry=number) for member in rows])
    journal.append(connection, *entries)


def kept_entry(context: Context, segment: Segment, rows: Sequence[Member], now: str) -> Entry:
    """The journal's entry about new members of a segment; `segment` is its row before they came."""
    what: dict[str, str | int] = {
        "segment": segment.n,
        "first": segment.members,
        "members": len(rows),
        "bytes": sum(row.bytes for row in rows),
        "root": merkle.root_of(catalog.member_line(row._asdict()) for row in rows).hex(),
    }
    return Entry(now, "kept", what, WHY, "encrypted, written, flushed", context.who)
