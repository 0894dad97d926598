"""Sealing: a segment that is full or old is read back whole and becomes an OCFL object of its own.

Two transactions of the ledger, and between them a state `sealing` in which the segment is readable and takes nothing
more. Whatever was killed in between is done again from the start by `finish`: each step may be repeated.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import func, select, update

from archive import journal
from archive.flushing import disk, flush
from archive.journal import Entry
from archive.ocfl import objects
from archive.ocfl.objects import ReadBack, Source, Stored
from archive.segments import catalog, catalog_file, keys, members
from archive.segments.catalog import Member, Segment
from archive.segments.context import WHY, Context, other_ciphers, own_cipher
from archive.segments.files import held, read_at
from archive.segments.layout import CATALOG, MANIFEST, TAR, keys_name
from archive.tables import journal as lines
from archive.tables import segments, utc_text
from formats.errors import IntegrityError

_READ: Final = 2**20  # bytes read at once, when members are small; many more do not stay in the processor's cache


def close_due(context: Context, at: datetime, *, all_of_them: bool) -> None:
    """Let the open segment take nothing more if it is old, or in any case, and has a member."""
    before = utc_text(at - context.policy.segment_age)
    with context.ledger.writing() as connection:
        for row in catalog.in_state(connection, "open", lock=True):
            if row.members and (all_of_them or row.opened <= before):
                connection.execute(update(segments).where(segments.c.n == row.n).values(state="sealing"))


def seal_all(context: Context, at: datetime) -> tuple[int, ...]:
    """Seal every segment that waits for it; returns those sealed here. Raises as `finish`, after trying all."""
    with held(context.layout.seal_lock):
        return finish_all(context, at)


def finish_all(context: Context, at: datetime) -> tuple[int, ...]:
    """The same for a caller who holds the seal lock."""
    sealed, failed = [], None
    with context.ledger.reading() as connection:
        waiting = [row.n for row in catalog.in_state(connection, "sealing")]
    for n in waiting:
        try:
            if finish(context, n, at):
                sealed.append(n)
        except IntegrityError as error:
            failed = failed or error  # one damaged segment does not keep the others from being safe
    if failed:
        raise failed
    return tuple(sealed)


def finish(context: Context, n: int, at: datetime) -> bool:
    """Seal a segment in the state `sealing`; false if it is not in that state. The caller holds the seal lock.

    Raises IntegrityError A502 naming an original that is not as it was kept, A508 (bytes are missing), A506, A509 (its
    file of keys), UnreachableError S416, S409; the segment then stays as it is, readable.
    """
    layout = context.layout
    with context.ledger.reading() as connection:
        row = catalog.segment(connection, n)
        if row is None or row.state != "sealing":
            return False
        rows = list(catalog.of_segment(connection, n))
    with disk():
        tar = layout.open_tar(n) if layout.open_tar(n).exists() else layout.sealed_tar(n)
        digest = _read_back(tar, row, rows)
        layout.objects.create()
        stored = objects.write(
            layout.objects,
            layout.stage,
            layout.object_id(n),
            {} if layout.object_path(n).exists() else _files(context, row, rows, ReadBack(tar, digest)),
            message="sealed",
            user=layout.office,
            at=at,
        )
        if stored.digests.get(TAR) != digest:
            raise IntegrityError("A506", f"{layout.object_id(n)}: {TAR}")
    _record(context, row, stored, tar.stat().st_size, utc_text(at))
    remove_open_files(context, n)
    return True


def remove_open_files(context: Context, n: int) -> None:
    """Take the files of a segment that is sealed out of `open/`. Raises UnreachableError S416."""
    layout = context.layout
    with disk():
        for file in (layout.open_tar(n), layout.open_keys(n), layout.next_keys(n)):
            file.unlink(missing_ok=True)
        flush(layout.open)


def _read_back(tar: Path, row: Segment, rows: Sequence[Member]) -> str:
    """End the tar, flush it, read it from the disk and compare it with the ledger; returns its SHA-512 in hex."""
    if not tar.exists() or tar.stat().st_size < row.end:
        raise IntegrityError("A508", f"segment {row.n}")
    handle = os.open(tar, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if not _is_ended(handle, row.end):
            _end(tar, row.end)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        return _compared(handle, row, rows)
    finally:
        os.close(handle)


def _is_ended(handle: int, end: int) -> bool:
    """Whether nothing but a tar's end lies there; by its bytes, for a killed process can leave as many others."""
    return read_at(handle, len(members.END) + 1, end) == members.END


def _end(tar: Path, end: int) -> None:
    """End a tar. One that was ended before may be read-only already, and is not to come here."""
    handle = os.open(tar, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.ftruncate(handle, end)  # what a killed process left behind the end
        os.ftruncate(handle, end + len(members.END))
    finally:
        os.close(handle)


def _compared(handle: int, segment: Segment, rows: Sequence[Member]) -> str:
    """SHA-512 of an ended tar in hex. Raises IntegrityError A502 naming the first member that is not as kept."""
    whole = hashlib.sha512()
    pending: Future[None] | None = None
    with ThreadPoolExecutor(1) as second:  # hashlib lets both threads run
        for group in _groups(segment, rows):
            start = group[0].offset - members.BLOCK
            data = read_at(handle, group[-1].offset + members.padded(group[-1].size) - start, start)
            os.posix_fadvise(handle, start + len(data), len(data), os.POSIX_FADV_WILLNEED)  # while both hash
            if pending:
                pending.result()
            pending = second.submit(whole.update, data)
            view = memoryview(data)
            for row in group:
                begin = row.offset - start
                if not _is_kept(row, view[begin - members.BLOCK : begin + members.padded(row.size)]):
                    raise IntegrityError("A502", row.digest)
    if not _is_ended(handle, segment.end):
        raise IntegrityError("A506", f"segment {segment.n}: the end of its tar")
    whole.update(members.END)
    return whole.hexdigest()


def _is_kept(row: Member, data: memoryview) -> bool:
    """Whether these bytes are the member as it was written: header, ciphertext, zeros."""
    begin, end = members.BLOCK, members.BLOCK + row.size
    return (
        data[:begin] == members.header(row.place, row.kind, row.size)
        and hashlib.sha256(data[begin:end]).hexdigest() == row.sha256
        and data[end:] == members.padding(row.size)
    )


def _groups(segment: Segment, rows: Sequence[Member]) -> Iterator[list[Member]]:
    """Members that lie one behind the other, about 1 MiB at once. Raises IntegrityError A507 where one has no row."""
    group: list[Member] = []
    end = gathered = 0
    for place, row in enumerate(rows):
        if row.place != place or row.offset != end + members.BLOCK:
            raise IntegrityError("A507", f"members: segment {segment.n}, place {place}")
        end = row.offset + members.padded(row.size)
        group.append(row)
        gathered += row.size
        if gathered >= _READ:
            yield group
            group, gathered = [], 0
    if end != segment.end or len(rows) != segment.members:
        raise IntegrityError("A507", f"members: segment {segment.n}, place {len(rows)}")
    if group:
        yield group


def _files(context: Context, row: Segment, rows: Sequence[Member], tar: ReadBack) -> dict[str, Source]:
    """The files of a segment's object."""
    layout = context.layout
    manifest = "".join(f"{member.sha256}  {member.place:08d}\n" for member in rows)
    known = _catalog(context, row, rows)
    cipher = own_cipher(context, row.n, row.keys_sha512)
    return {
        TAR: tar,
        MANIFEST: manifest.encode(),
        CATALOG: catalog_file.render(known, cipher, layout.object_id(row.n)),
        keys_name(1): _message(context, row),
    }


def _message(context: Context, row: Segment) -> bytes:
    """The wrapped key that the ledger names. Raises IntegrityError A509."""
    for file in (context.layout.open_keys(row.n), context.layout.next_keys(row.n)):
        if file.exists() and keys.sha512(message := file.read_bytes()) == row.keys_sha512:
            return message
    raise IntegrityError("A509", f"segment {row.n}: its file of keys is missing or changed")


def _catalog(context: Context, row: Segment, rows: Sequence[Member]) -> catalog_file.Catalog:
    since = _written_up_to(context)
    with context.ledger.reading() as connection:
        length = connection.execute(select(func.max(lines.c.n))).scalar()
        return catalog_file.of_ledger(connection, rows, row.opened, length or 0, since)


def _written_up_to(context: Context) -> int:
    """The journal's length when the newest readable catalog was written; 0 before the first."""
    with context.ledger.reading() as connection:
        sealed = catalog.in_state(connection, "sealed")
    for row in sorted(sealed, key=lambda row: (row.sealed, row.n), reverse=True):
        known = read_catalog(context, row.n)
        if known:
            return known.journal
    return 0


def read_catalog(context: Context, n: int) -> catalog_file.Catalog | None:
    """The catalog of a sealed segment; None if it is damaged or its key cannot be opened, which an audit tells."""
    object_id = context.layout.object_id(n)
    try:
        data = context.layout.objects.content(object_id, CATALOG).read_bytes()
    except (IntegrityError, OSError):
        return None
    for cipher in other_ciphers(context, n):
        try:
            return catalog_file.parse(data, cipher, object_id)
        except IntegrityError:
            continue  # another file of keys may be the right one
    return None


def _record(context: Context, row: Segment, stored: Stored, size: int, now: str) -> None:
    """The second transaction: the segment is sealed."""
    digest, message = stored.digests[TAR], stored.digests[keys_name(1)]
    what: dict[str, str | int] = {
        "segment": row.n,
        "members": row.members,
        "bytes": size,
        "sha512": digest,
        "inventory": stored.inventory_sha512,
        "keys": message,
    }
    columns = {"sha512": digest, "inventory": stored.inventory_sha512, "keys_sha512": message}
    with context.ledger.writing() as connection:
        catalog.segment(connection, row.n, lock=True)
        change = update(segments).where(segments.c.n == row.n)
        connection.execute(change.values(state="sealed", sealed=now, version=1, **columns))
        how = "read back, compared, made an OCFL object"
        journal.append(connection, Entry(now, "segment-sealed", what, WHY, how, context.who))
