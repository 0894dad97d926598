"""Write objects and versions (OCFL 1.1, 3), so that at any instant an object is there whole, or as it was before.

All is built in the stage and flushed, file by file and folder by folder; one rename makes it seen; then the folders
above are flushed. `recover` settles what a killed process left. The caller holds the archive's lock.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from archive.flushing import flush, write_file
from archive.ocfl.building import ReadBack, Source, build_version, check_paths, write_inventory
from archive.ocfl.inventory import SPEC, Inventory, User, Version, digest
from archive.ocfl.mending import replace_file, restore_object
from archive.ocfl.recovery import put_inventory, recover, settle
from archive.ocfl.removal import destroy
from archive.ocfl.storage import StorageRoot
from archive.ocfl.work import enter, working

__all__ = [
    "ReadBack",
    "Source",
    "Stored",
    "add_version",
    "destroy",
    "recover",
    "replace_file",
    "restore_object",
    "settle",
    "stored",
    "write",
]

_DECLARATION = ("0=ocfl_object_1.1", b"ocfl_object_1.1\n")


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it lies there: its newest version's number, the SHA-512 (hex) of its inventory, its folder.

    `digests` says by logical path at the head which SHA-512 (hex) the bytes have.
    """

    object_id: str
    version: int
    inventory_sha512: str
    path: Path
    digests: Mapping[str, str]


def write(
    root: StorageRoot,
    stage: Path,
    object_id: str,
    files: Mapping[str, Source],
    *,
    message: str,
    user: str,
    at: datetime,
) -> Stored:
    """A new object with these files by logical path, as its version 1; an object that is there is returned as it is.

    A `Path` is linked where the file system allows, so it becomes read-only and must not be changed any more. `user`
    names who did it, an office's part or account. Raises UnreachableError S416 (nothing is there then), IntegrityError
    A506 (an object is there and its inventory is damaged), ValueError (paths no inventory may have).
    """
    check_paths(files)
    place = root.object_path(object_id)
    if place.exists():
        settle(root, stage, object_id)
        return stored(root, object_id)
    with working(stage, "write", object_id) as work:
        new = work / "object"
        new.mkdir(mode=0o700)
        empty = Inventory(object_id=object_id, spec=SPEC, algorithm="sha512")
        inventory = build_version(new / "v1", empty, files, {}, _about(message, user, at))
        name, text = _DECLARATION
        write_file(new / name, text)
        write_inventory(new, inventory)
        enter(new, place, root.path)
    return stored(root, object_id)


def add_version(
    root: StorageRoot,
    stage: Path,
    object_id: str,
    add: Mapping[str, Source],
    remove: Collection[str],
    *,
    message: str,
    user: str,
    at: datetime,
) -> Stored:
    """The next version: the head's files without those of `remove`, with those of `add` (new, or in place of old).

    Earlier versions and their files stay as they are. If the files would be the very same, no version is made. Raises
    IntegrityError A506 (no such object, or its inventory is damaged), UnreachableError S416 (the object is as before or
    has the version; `recover` or the next call settles it), ValueError (a path to remove that is not there).
    """
    settle(root, stage, object_id)
    old = root.inventory(object_id)
    kept = {path: sha512 for path, sha512 in old.state.items() if path not in remove}
    if set(remove) - old.state.keys():
        raise ValueError("a logical path to be removed is not there")
    check_paths({**dict.fromkeys(kept, b""), **add})
    place = root.object_path(object_id)
    with working(stage, "version", object_id) as work:
        inventory = build_version(work / "version", old, add, kept, _about(message, user, at))
        if inventory.state == old.state:
            return stored(root, object_id)
        write_inventory(work, inventory)
        (work / "version").rename(place / inventory.head)
        flush(work)
        flush(place)
        put_inventory(work, place)
    return stored(root, object_id)


def stored(root: StorageRoot, object_id: str) -> Stored:
    """What is there of an object, from its newest inventory. Raises IntegrityError A506 (missing, damaged)."""
    inventory = root.inventory(object_id)
    data = (root.object_path(object_id) / "inventory.json").read_bytes()
    digests = {path: sha512.lower() for path, sha512 in inventory.state.items()}
    return Stored(object_id, len(inventory.versions), digest(data), root.object_path(object_id), digests)


def _about(message: str, user: str, at: datetime) -> Version:
    """What is said of a version; the address is a URN, since OCFL wants a URI (W009) and an account has none."""
    created = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Version(created, {}, message, User(user, f"urn:jiexu:user:{quote(user, safe='')}"))
