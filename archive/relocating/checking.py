"""Whether the files of an archive are what they must be: by OCFL, by each segment's manifest, by the ledger.

The bytes of sealed objects were read when they were copied; their digests are used here and not computed again.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Connection

from archive.ocfl.validation import file_digests, validate_object, validate_root
from archive.relocating.copying import Copied
from archive.segments import catalog, keys, members
from archive.segments.catalog import Member, Segment
from archive.segments.context import key_messages
from archive.segments.layout import MANIFEST, TAR, Layout
from formats.digest import sha256

_PIECE: Final = 1 << 20
_OBJECT: Final = 5  # parts of an object's path: ocfl, three times three digits, the id


def objects_of(paths: Collection[str]) -> set[str]:
    """The objects in which these files lie, by their folders."""
    split = (path.split("/") for path in paths)
    return {"/".join(parts[:_OBJECT]) for parts in split if len(parts) > _OBJECT and parts[0] == "ocfl"}


def of_object(root: Path, name: str, copied: Mapping[str, Copied]) -> list[str]:
    """What is wrong with one object below the archive's folder `root`, a line each; it may have gone."""
    folder = root / name
    if not folder.exists():
        return []

    def digester(file: Path, algorithms: Collection[str]) -> Mapping[str, str]:
        """The digests that the copying found."""
        found = copied.get(file.relative_to(root).as_posix())
        known = {"sha256": found.copy.sha256, "sha512": found.copy.sha512} if found else {}
        return known if set(algorithms) <= set(known) else file_digests(file, algorithms)

    flaws = [f"{name}/{flaw.subject}: {flaw.code}" for flaw in validate_object(folder, digester=digester)]
    content = folder / "v1/content"
    if (content / TAR).exists() and not _is_as_told(content / TAR, content / MANIFEST):
        flaws.append(f"{name}/v1/content/{TAR}: not what its manifest says")
    return flaws


def of_root(root: Path) -> list[str]:
    """What is wrong with the storage root itself, or does not belong there."""
    place = root / "ocfl"
    found = validate_root(place, objects=False) if place.exists() else ()
    return [f"ocfl/{flaw.subject}: {flaw.code}" for flaw in found]


def of_ledger(connection: Connection, layout: Layout, *, bytes_too: bool) -> Iterator[str]:
    """What the ledger says is kept and is not there: objects by their inventories, open segments up to their end.

    With `bytes_too` every member of an open segment is read. The caller holds the locks of sealing and of writing.
    """
    for row in catalog.in_state(connection, "open", "sealing", "sealed"):
        if not any(keys.sha512(message) == row.keys_sha512 for message in key_messages(layout, row.n)):
            yield f"segment {row.n}: its file of keys is missing or changed"
        if row.state == "sealed":
            if _sha512(layout.object_path(row.n) / "inventory.json") != row.inventory:
                yield f"segment {row.n}: its object is not the one that was sealed"
        else:
            yield from _of_open(layout, row, catalog.of_segment(connection, row.n) if bytes_too else ())


def _of_open(layout: Layout, row: Segment, rows: Iterable[Member]) -> Iterator[str]:
    tar = next((path for path in (layout.open_tar(row.n), layout.sealed_tar(row.n)) if path.is_file()), None)
    if tar is None or tar.stat().st_size < row.end:
        yield f"segment {row.n}: kept bytes are missing from its tar"
        return
    with tar.open("rb") as file:
        for member in rows:
            if not _is_kept(file, member):
                yield f"segment {row.n}: original {member.digest} is not what was kept"


def _is_kept(file: BinaryIO, row: Member) -> bool:
    """Whether the member is as it was written: header, ciphertext, zeros."""
    file.seek(row.offset - members.BLOCK)
    header, data = file.read(members.BLOCK), file.read(row.size)
    rest = file.read(members.padded(row.size) - row.size)
    told = members.header(row.place, row.kind, row.size), row.sha256, members.padding(row.size)
    return (header, sha256(data), rest) == told


def _sha512(file: Path) -> str:
    """Empty if the file cannot be read."""
    try:
        return keys.sha512(file.read_bytes())
    except OSError:
        return ""


def _is_as_told(tar: Path, manifest: Path) -> bool:
    """Whether the members of a sealed tar are those of its manifest, one by one, and nothing else is there."""
    try:
        with tar.open("rb") as file, manifest.open("rb") as told:
            return all(line == next(told, b"") for line in _lines(file)) and not told.read(1)
    except (OSError, ValueError):
        return False


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The manifest's line of each member (ustar, POSIX.1-1988). Raises ValueError for what is no member."""
    while (header := file.read(members.BLOCK)) != bytes(members.BLOCK):
        size = int(header[124:135], 8)
        hashed, left = hashlib.sha256(), size
        while left and (piece := file.read(min(left, _PIECE))):
            hashed.update(piece)
            left -= len(piece)
        file.read(members.padded(size) - size)
        yield b"%s  %s\n" % (hashed.hexdigest().encode(), header[:8])
