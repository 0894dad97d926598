"""What the other places say of a row that is in doubt: the candidates that `telling` tries."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, exists, or_, select

from archive.audit.rows import Group
from archive.tables import members, messages, originals

Values = Mapping[str, Any]

_RELATION = ("direction", "partner", "case_number", "message_id", "kept_at")


class Found(NamedTuple):
    """A member as its tar has it."""

    kind: str
    place: int
    offset: int
    size: int


def walk(path: Path) -> Iterator[Found]:
    """The members of a tar by its headers, up to where they end or make no sense. An unreadable file has none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return
    try:
        at = 0
        while len(head := os.pread(handle, 512, at)) == 512:
            found = _parse(head, at)
            if found is None:
                return
            yield found
            at += 512 + -(-found.size // 512) * 512
    except OSError:
        return
    finally:
        os.close(handle)


def _parse(head: bytes, at: int) -> Found | None:
    """A ustar header (POSIX.1-1988): name at 0, size in octal at 124, user name at 265."""
    try:
        name, size, kind = (head[a:b].split(b"\0")[0].decode("ascii") for a, b in ((0, 100), (124, 136), (265, 297)))
        return Found(kind, int(name), at + 512, int(size, 8))
    except ValueError:
        return None


def members_instead(connection: Connection, tars: Mapping[int, Path], group: Group) -> list[Values]:
    """The rows of a `kept` group as the segment's tar has them.

    Where the digest is not known, with each digest that an original names and no member has.
    """
    number, first = int(group.what.get("segment", -1)), int(group.what.get("first", 0))
    last = first + int(group.what.get("members", 0))
    path = tars.get(number)
    here = {row["place"]: row for row in group.rows}
    lost = select(originals.c.digest, originals.c.size).where(~exists().where(members.c.digest == originals.c.digest))
    orphans = [(row.digest, row.size) for row in connection.execute(lost.distinct().limit(100))]
    joined = select(members.c.digest, members.c.place).where(
        members.c.segment == number, members.c.place.between(first, last - 1), members.c.entry != group.entry
    )
    strayed = {row.place: row.digest for row in connection.execute(joined)}
    found: list[Values] = []
    for item in walk(path) if path else ():
        if path is None or not first <= item.place < last:
            continue
        values = {
            "segment": number,
            "place": item.place,
            "offset": item.offset,
            "size": item.size,
            "sha256": _hash(path, item),
            "bytes": item.size - 28,  # nonce and tag
            "kind": item.kind,
            "entry": group.entry,
        }
        digests = [here[item.place]["digest"]] if item.place in here else []
        digests += [strayed[item.place]] if item.place in strayed else []
        digests += [digest for digest, size in orphans if size == item.size - 28]
        digests += [row["digest"] for row in group.rows if row["place"] not in range(first, last)]
        found += [{"digest": digest, **values} for digest in digests]
    return found


def _hash(path: Path, item: Found) -> str:
    with path.open("rb") as file:
        file.seek(item.offset)
        return hashlib.sha256(file.read(item.size)).hexdigest()


def originals_instead(connection: Connection, group: Group, row: Values) -> Iterator[Values]:
    """What a row of a `registered` group may have been, one column changed at a time."""
    member = connection.execute(select(members).where(members.c.digest == row["digest"])).first()
    if member is not None:
        yield {**row, "kind": member.kind, "size": member.bytes}
    for digest, kind, size in _unnamed(connection):
        if (kind, size) == (row["kind"], row["size"]):
            yield {**row, "digest": digest}
    for other in _relations(connection, group, [row["message_id"]], [row["digest"]]):
        for name in _RELATION:
            if other[name] != row[name]:
                yield {**row, name: other[name]}


def originals_absent(connection: Connection, group: Group) -> Iterator[Values]:
    """Rows that a `registered` group may have lost: members that no original names, with what the others relate to."""
    unnamed = _unnamed(connection)
    ids = [row["message_id"] for row in group.rows]
    relations = list(_relations(connection, group, ids, [digest for digest, _, _ in unnamed]))
    for digest, kind, size in unnamed:
        for relation in relations:
            yield {"digest": digest, "kind": kind, "size": size, **relation, "entry": group.entry}


def _unnamed(connection: Connection) -> list[tuple[str, str, int]]:
    wanted = select(members.c.digest, members.c.kind, members.c.bytes)
    named = exists().where(originals.c.digest == members.c.digest)
    return [tuple(row) for row in connection.execute(wanted.where(~named).limit(100))]


def _relations(
    connection: Connection, group: Group, ids: Sequence[str], digests: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Direction, partner, case, message and time as the group's other rows, and the ledger's messages, have them."""
    seen: set[tuple[Any, ...]] = set()
    times = {row["kept_at"] for row in group.rows} | {group.at}
    near = or_(messages.c.message_id.in_(ids), messages.c.digest.in_(digests), messages.c.package_digest.in_(digests))
    known = [tuple(row[name] for name in _RELATION[:4]) for row in group.rows]
    for message in connection.execute(select(messages).where(near)):
        known += [(way, message.partner, message.case_number, message.message_id) for way in ("out", "in")]
    for relation in known:
        for time in sorted(times):
            if (key := (*relation, time)) not in seen:
                seen.add(key)
                yield dict(zip(_RELATION, key, strict=True))
