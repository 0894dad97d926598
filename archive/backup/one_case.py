"""The originals of one case, straight from a backup: no home, no ledger, only the place and one secret key."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archive.backup.dump import Row
from archive.backup.place import Place
from archive.backup.restoring import Dump, fetched_dump, read
from archive.backup.snapshot import File, Snapshot
from archive.ocfl.storage import place as object_place
from archive.segments import keys
from archive.segments.catalog import Member
from archive.segments.keys import KeyWrap
from archive.segments.layout import segment_id
from archive.segments.members import bound, decrypt
from formats.digest import sha256
from formats.errors import IntegrityError, UsageError


class Recovered(NamedTuple):
    """One original: what it is, SHA-256 in hex, and its bytes, which have that digest."""

    kind: str
    digest: str
    data: bytes


def originals_of(place: Place, found: Snapshot, wrap: KeyWrap, case: str, folder: Path) -> Iterator[Recovered]:
    """Every original of a case, by segment and place; the ledger's dump is held in a nameless file in `folder`.

    Each is checked three times: its ciphertext against the ledger, its tag, its digest. Raises UsageError S412 (no such
    case has originals in this snapshot), IntegrityError A502, A509, A512; UnreachableError.
    """
    with fetched_dump(place, found, wrap, folder) as dumped:
        wanted = {str(row.values["digest"]) for row in dumped.rows("originals") if row.values["case_number"] == case}
        if not wanted:
            raise UsageError("S412", case)
        rows = sorted(_members(dumped, wanted), key=lambda row: (row.segment, row.place))
    missing = wanted - {row.digest for row in rows}
    if missing:
        raise IntegrityError("A501", min(missing))
    for number, group in groupby(rows, key=lambda row: row.segment):
        yield from _of_segment(place, found, wrap, number, list(group))


def _members(dumped: Dump, wanted: set[str]) -> Iterator[Member]:
    for row in dumped.rows("members"):
        if row.values["digest"] in wanted:
            yield member_of(row)


def member_of(row: Row) -> Member:
    """A row of the dump as a member."""
    values: Mapping[str, object] = row.values
    return Member(*(values[name] for name in Member._fields))  # type: ignore[arg-type]  # the dump's types are loose


def _of_segment(place: Place, found: Snapshot, wrap: KeyWrap, number: int, rows: list[Member]) -> Iterator[Recovered]:
    tar, cipher = files_of(found, number).tar, AESGCM(_key(place, found, wrap, number))
    for row, message in zip(rows, _spans(read(place, tar), rows), strict=True):
        if sha256(message) != row.sha256:
            raise IntegrityError("A502", row.digest)
        data = decrypt(cipher, message, bound(segment_id(found.office, number), row.place))
        if data is None or sha256(data) != row.digest:
            raise IntegrityError("A502", row.digest)
        yield Recovered(row.kind, row.digest, data)


class SegmentFiles(NamedTuple):
    """A segment's files in a backup: its tar, and the files of wrapped keys, the newest first."""

    tar: File
    keys: tuple[File, ...]


def files_of(found: Snapshot, number: int) -> SegmentFiles:
    """A segment's files, sealed or not. Raises IntegrityError A512 when the snapshot has no such segment."""
    folder = f"archive/ocfl/{object_place(segment_id(found.office, number))}/"
    start = f"archive/open/{number:08d}."
    files = [file for file in found.files if file.path.startswith((folder, start))]
    tars = [file for file in files if file.path.endswith(".tar")]
    wrapped = sorted((file for file in files if file.path.endswith(".pgp")), key=lambda file: file.path, reverse=True)
    if not tars or not wrapped:
        raise IntegrityError("A512", f"snapshot {found.id} has no segment {number}")
    return SegmentFiles(tars[0], tuple(wrapped))


def _key(place: Place, found: Snapshot, wrap: KeyWrap, number: int) -> bytes:
    """The segment's key, from the newest of its files that this key opens. Raises IntegrityError A509, A512."""
    for file in files_of(found, number).keys:
        try:
            return keys.opened(wrap, b"".join(read(place, file)))
        except IntegrityError as error:
            if error.code != "A509":
                raise
    raise IntegrityError("A509", f"segment {number}")


def _spans(pieces: Iterator[bytes], rows: list[Member]) -> Iterator[bytes]:
    """The ciphertexts of these members, in the order of their offsets, out of a tar that is read once from its start.

    Raises IntegrityError A502 when it ends too early.
    """
    held, start = bytearray(), 0
    for row in rows:
        while start + len(held) < row.offset + row.size:
            drop = min(len(held), max(0, row.offset - start))
            del held[:drop]
            start += drop
            piece = next(pieces, None)
            if piece is None:
                raise IntegrityError("A502", row.digest)
            held += piece
        yield bytes(held[row.offset - start : row.offset - start + row.size])
