"""The ledger's rows about segments, members and originals, from the files of the archive alone.

For the day on which the ledger is lost and no backup of it is found: everything that was sealed comes back, with the
numbers of its journal entries. Of the open segment only what can be decrypted comes back, with no entries and no cases.
`checked`, which audits write, is empty.
"""

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archive.ocfl.inventory import Inventory
from archive.segments import catalog_file, keys
from archive.segments import members as codec
from archive.segments.catalog import Member, Segment
from archive.segments.catalog_file import ORIGINAL_FIELDS, Catalog
from archive.segments.context import key_messages
from archive.segments.keys import KeyWrap
from archive.segments.layout import CATALOG, MANIFEST, TAR, Layout, keys_name
from formats.digest import sha256
from formats.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One segment's rows: its own, its members' by place, and of `originals` those that stand in its catalog.

    A row of `originals` may be about a member of an earlier segment, and is to be entered only if that is there.
    """

    segment: Segment
    members: tuple[Member, ...]
    originals: tuple[dict[str, Any], ...]


def rebuild(root: Path, wrap: KeyWrap, office: str) -> Iterator[Rebuilt]:
    """The segments in the archive's folder `root` by number, the sealed ones first.

    Raises IntegrityError A506 (an object is damaged), A507 (catalog and tar do not fit), A509 (its key). Nothing is
    changed; damage of members is for an audit to find.
    """
    layout = Layout(root, office)
    prefix = layout.object_id(0)[:-8]
    found = layout.objects.objects() if layout.objects.path.is_dir() else iter(())
    sealed = sorted(int(identity[-8:]) for identity, _ in found if identity.startswith(prefix))
    for n in sealed:
        yield _sealed(layout, wrap, n)
    for tar in sorted(layout.open.glob("*.tar")):
        if tar.stem.isdigit() and int(tar.stem) not in sealed:
            yield _open(layout, wrap, int(tar.stem))


def _sealed(layout: Layout, wrap: KeyWrap, n: int) -> Rebuilt:
    object_id = layout.object_id(n)
    inventory = layout.objects.inventory(object_id)
    files = layout.objects.files(object_id)
    known = _catalog(layout, wrap, n, files[CATALOG][0].read_bytes())
    rows = _members(known, files[TAR][0], files[MANIFEST][0].read_text(encoding="ascii"))
    version = len(inventory.versions)
    segment = Segment(
        n=n,
        state="sealed",
        members=len(rows),
        end=files[TAR][0].stat().st_size - len(codec.END),
        opened=known.opened,
        sealed=_created(inventory),
        keys_sha512=files[keys_name(version)][1],
        sha512=files[TAR][1],
        inventory=hashlib.sha512((layout.object_path(n) / "inventory.json").read_bytes()).hexdigest(),
        version=version,
        checked="",
    )
    return Rebuilt(segment, rows, tuple(dict(zip(ORIGINAL_FIELDS, row, strict=True)) for row in known.originals))


def _created(inventory: Inventory) -> str:
    """When version 1 was made, as the ledger writes times."""
    return inventory.versions["v1"].created.replace("+00:00", "Z")


def _catalog(layout: Layout, wrap: KeyWrap, n: int, data: bytes) -> Catalog:
    """Raises IntegrityError A509, A506."""
    for cipher in _ciphers(layout, wrap, n):
        return catalog_file.parse(data, cipher, layout.object_id(n))
    raise IntegrityError("A509", f"segment {n}")


def _ciphers(layout: Layout, wrap: KeyWrap, n: int) -> Iterator[AESGCM]:
    for message in key_messages(layout, n):
        try:
            key = keys.opened(wrap, message)
        except IntegrityError:
            continue  # another file of keys may be for a key at hand
        yield AESGCM(key)


def _members(known: Catalog, tar: Path, manifest: str) -> tuple[Member, ...]:
    """The rows from the catalog, the tar's headers and the manifest. Raises IntegrityError A507."""
    digests = [line.split("  ")[0] for line in manifest.splitlines()]
    try:
        with tarfile.open(tar, "r:") as opened:
            places = [(int(item.name), item.offset_data, item.size) for item in opened]
    except (tarfile.TarError, ValueError):  # a header, or a name that is no place
        raise IntegrityError("A507", f"members: segment {known.segment}") from None
    if not len(known.members) == len(digests) == len(places):
        raise IntegrityError("A507", f"members: segment {known.segment}")
    return tuple(
        Member(digest, kind, size, known.segment, place, offset, stored, ciphertext, entry)
        for (digest, kind, size, entry), ciphertext, (place, offset, stored) in zip(
            known.members, digests, places, strict=True
        )
    )


def _open(layout: Layout, wrap: KeyWrap, n: int) -> Rebuilt:
    """What can be decrypted of a segment that was not sealed, up to the first block that is no member."""
    cipher = next(_ciphers(layout, wrap, n), None)
    if cipher is None:
        raise IntegrityError("A509", f"segment {n}")
    data, rows, end = layout.open_tar(n).read_bytes(), list[Member](), 0
    while (header := _header(data[end : end + codec.BLOCK])) is not None:
        offset = end + codec.BLOCK
        message = data[offset : offset + header.size]
        original = codec.decrypt(cipher, message, codec.bound(layout.object_id(n), len(rows)))
        if original is None:
            break
        digest, place = sha256(original), len(rows)
        row = Member(digest, header.uname, len(original), n, place, offset, header.size, sha256(message), 0)
        rows.append(row)
        end = offset + codec.padded(header.size)
    digest = keys.sha512(layout.open_keys(n).read_bytes())
    return Rebuilt(Segment(n, "open", len(rows), end, "", "", digest, "", "", 0, ""), tuple(rows), ())


def _header(block: bytes) -> tarfile.TarInfo | None:
    try:
        return tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, ValueError):  # the end, or what a killed process left behind it
        return None
