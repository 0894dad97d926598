"""Change of the archive key: every segment's key is wrapped anew; no tar is touched.

A sealed segment gets a new file of keys as the next version of its object, the open one a new file in the place of the
old. Each step is recorded for itself, so that a change that was killed goes on where it stood; `archive-key-changed`
says that it is complete. The old files stay in the older versions, and whoever has the old key still reads with them.
"""

import json
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from archive import journal
from archive.flushing import disk, flush, write_file
from archive.journal import Entry
from archive.ocfl import objects
from archive.ocfl.objects import Stored
from archive.segments import catalog, keys, sealing
from archive.segments.catalog import Segment
from archive.segments.context import Context, key_messages
from archive.segments.files import held
from archive.segments.keys import KeyWrap
from archive.segments.layout import keys_name
from archive.tables import journal as lines
from archive.tables import segments, utc_text
from formats.errors import IntegrityError

_HOW = "key of the segment wrapped for the new archive key"


def rekey(context: Context, old: KeyWrap, new: KeyWrap, fingerprint: str, at: datetime) -> tuple[int, ...]:
    """Wrap every segment's key with `new`; returns the segments done by this call, the open one among them.

    `fingerprint` names the new archive key in the journal, and tells a change that goes on from a new one. Segments
    that another process opens meanwhile with the old key stay so: the office's processes are to be restarted with the
    new key first. Raises IntegrityError A509 when neither `old` nor `new` opens a key, A506 (an object is damaged),
    UnreachableError S416, S409; what was done by then is recorded, and the same call goes on.
    """
    why = f"change to the archive key {fingerprint}"
    done = []
    with held(context.layout.seal_lock):
        objects.recover(context.layout.objects, context.layout.stage)
        sealing.finish_all(context, at)  # under the same lock: an object that is there has its file of keys for good
        note_all(context, at)
        with context.ledger.reading() as connection:
            settled = _settled(connection, why)
            rows = catalog.in_state(connection, "sealed", "sealing", "open")
        for row in rows:
            if row.n not in settled:
                step = _wrap_sealed if row.state == "sealed" else _wrap_open
                step(context, row, _key(context, row, old, new), new, why, at)
                done.append(row.n)
        with context.ledger.writing() as connection:
            entry = Entry(utc_text(at), "archive-key-changed", {"fingerprint": fingerprint}, why, _HOW, context.who)
            journal.append(connection, entry)
    return tuple(done)


def note_all(context: Context, at: datetime) -> None:
    """Record versions of sealed segments' objects that a killed process made and did not record.

    The caller holds the seal lock. Raises IntegrityError A506 when such an object is damaged.
    """
    with context.ledger.reading() as connection:
        sealed = catalog.in_state(connection, "sealed")
    for row in sealed:
        if (context.layout.object_path(row.n) / f"v{row.version + 1}").is_dir():
            _note_version(context, row, at)


def _note_version(context: Context, row: Segment, at: datetime) -> None:
    root, object_id = context.layout.objects, context.layout.object_id(row.n)
    objects.settle(root, context.layout.stage, object_id)
    stored = objects.stored(root, object_id)
    if stored.version > row.version and keys_name(stored.version) in stored.digests:
        inventory = root.inventory(object_id)
        _note_sealed(context, row, stored, inventory.versions[inventory.head].message or "", at)


def settle_open_keys(context: Context, row: Segment) -> None:
    """The next file of keys takes its place once the ledger names it; before that, it never counted. Raises OSError.

    The caller holds the writer's lock.
    """
    new, current = context.layout.next_keys(row.n), context.layout.open_keys(row.n)
    if not new.exists():
        return
    if keys.sha512(new.read_bytes()) == row.keys_sha512:
        new.replace(current)
    else:
        new.unlink()
    flush(context.layout.open)


def _settled(connection: Connection, why: str) -> set[int]:
    """Segments done by a change that was killed: since the last one that was completed, and to the same key."""
    last = select(func.max(lines.c.n)).where(lines.c.kind == "archive-key-changed")
    since = connection.execute(last).scalar() or 0
    wanted = select(lines.c.what).where(lines.c.n > since, lines.c.kind == "segment-rekeyed", lines.c.why == why)
    return {json.loads(what)["segment"] for what in connection.execute(wanted).scalars()}


def _key(context: Context, row: Segment, *wraps: KeyWrap) -> bytes:
    """The segment's key, from whichever file of keys and whichever wrap opens it. Raises IntegrityError A509.

    The file that the ledger names comes first: anybody who has the public keys can make another that opens too.
    """
    failed = IntegrityError("A509", f"segment {row.n}: it has no file of keys")
    for message in sorted(key_messages(context.layout, row.n), key=lambda found: keys.sha512(found) != row.keys_sha512):
        for wrap in wraps:
            try:
                return keys.opened(wrap, message)
            except IntegrityError as error:
                failed = error  # another file or the other wrap may open
    raise failed


def _wrap_sealed(context: Context, row: Segment, key: bytes, new: KeyWrap, why: str, at: datetime) -> None:
    layout, version = context.layout, row.version + 1
    stored = objects.add_version(
        layout.objects,
        layout.stage,
        layout.object_id(row.n),
        {keys_name(version): keys.wrapped(new, key)},
        [keys_name(row.version)],
        message=why,
        user=layout.office,
        at=at,
    )
    _note_sealed(context, row, stored, why, at)


def _note_sealed(context: Context, row: Segment, stored: Stored, why: str, at: datetime) -> None:
    digest = stored.digests[keys_name(stored.version)]
    columns = {"version": stored.version, "inventory": stored.inventory_sha512, "keys_sha512": digest}
    what: dict[str, str | int] = {
        "segment": row.n,
        "version": stored.version,
        "inventory": stored.inventory_sha512,
        "keys": digest,
    }
    with context.ledger.writing() as connection:
        catalog.segment(connection, row.n, lock=True)
        connection.execute(update(segments).where(segments.c.n == row.n).values(**columns))
        journal.append(connection, Entry(utc_text(at), "segment-rekeyed", what, why, _HOW, context.who))


def _wrap_open(context: Context, row: Segment, key: bytes, new: KeyWrap, why: str, at: datetime) -> None:
    """The new file lies beside the old one until the ledger names it."""
    layout, n = context.layout, row.n
    message = keys.wrapped(new, key)
    digest = keys.sha512(message)
    what: dict[str, str | int] = {"segment": n, "version": 0, "inventory": "", "keys": digest}
    with held(layout.lock), context.ledger.writing() as connection, disk():
        current = catalog.segment(connection, n, lock=True)
        settle_open_keys(context, current or row)
        write_file(layout.next_keys(n), message)
        flush(layout.open)
        connection.execute(update(segments).where(segments.c.n == n).values(keys_sha512=digest))
        journal.append(connection, Entry(utc_text(at), "segment-rekeyed", what, why, _HOW, context.who))
        settled = row._replace(keys_sha512=digest)
    with held(layout.lock), disk():
        settle_open_keys(context, settled)
