"""catalog.bin: what the ledger knows of a segment's members, so that it can be rebuilt from the objects alone.

Lines of JSON, compressed (bzip2) and encrypted with the segment's key, bound to `<object id>/catalog`:

    {"segment": n, "opened": UTC text, "journal": the journal's length when it was written}
    ["m", digest, kind, bytes, entry]                     a member, in the order of the tar
    ["o", id, digest, kind, size, ..., kept_at, entry]    a row of `originals`

Rows of `originals` that were entered after the segment of their member was sealed stand in the next segment's file.
"""

import bz2
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select

from archive.ledger import chunks
from archive.segments import members as codec
from archive.segments.catalog import Member
from archive.tables import members, originals, segments
from formats.errors import IntegrityError

ORIGINAL_FIELDS = tuple(column.name for column in originals.columns)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What was in a catalog.bin: (digest, kind, bytes, entry) of the members, rows of `originals` by `ORIGINAL_FIELDS`.

    `journal` is the journal's length when it was written: rows entered up to then are in it or in an earlier one.
    """

    segment: int
    opened: str
    journal: int
    members: tuple[tuple[str, str, int, int], ...]
    originals: tuple[tuple[Any, ...], ...]


def of_ledger(connection: Connection, rows: Sequence[Member], opened: str, journal: int, since: int) -> Catalog:
    """The catalog of a segment's members (`rows`), with rows that came late: after entry `since` of the journal."""
    own = [row for chunk in chunks([row.digest for row in rows]) for row in _rows(connection, chunk)]
    late = select(originals).join(members, members.c.digest == originals.c.digest)
    late = late.join(segments, segments.c.n == members.c.segment)
    late = late.where(segments.c.state == "sealed", originals.c.entry > since)
    listed = tuple((row.digest, row.kind, row.bytes, row.entry) for row in rows)
    found = sorted({*own, *(tuple(row) for row in connection.execute(late))})
    return Catalog(rows[0].segment, opened, journal, listed, tuple(found))


def _rows(connection: Connection, digests: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    found = connection.execute(select(originals).where(originals.c.digest.in_(digests)))
    return (tuple(row) for row in found)


def render(catalog: Catalog, cipher: AESGCM, object_id: str) -> bytes:
    """The bytes of catalog.bin."""
    first = {"segment": catalog.segment, "opened": catalog.opened, "journal": catalog.journal}
    lines: Iterable[Any] = [
        first,
        *(("m", *member) for member in catalog.members),
        *(("o", *row) for row in catalog.originals),
    ]
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    return codec.encrypt(cipher, os.urandom(codec.NONCE), bz2.compress(text.encode()), _bound(object_id))


def parse(data: bytes, cipher: AESGCM, object_id: str) -> Catalog:
    """What is in a catalog.bin. Raises IntegrityError A506 when it is not what was written."""
    text = codec.decrypt(cipher, data, _bound(object_id))
    if text is None:
        raise IntegrityError("A506", f"{object_id}: catalog.bin")
    first, *lines = (json.loads(line) for line in bz2.decompress(text).decode().splitlines())
    return Catalog(
        segment=first["segment"],
        opened=first["opened"],
        journal=first["journal"],
        members=tuple((digest, kind, size, entry) for mark, digest, kind, size, entry in _marked(lines, "m")),
        originals=tuple(tuple(rest) for _, *rest in _marked(lines, "o")),
    )


def _marked(lines: Iterable[list[Any]], mark: str) -> list[list[Any]]:
    return [line for line in lines if line[0] == mark]


def _bound(object_id: str) -> bytes:
    return f"{object_id}/catalog".encode()
