"""The storage root: where an object lies (OCFL 1.1, 4; extension 0003-hash-and-id-n-tuple-storage-layout)."""

import hashlib
import json
import os
import shutil
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from archive.flushing import disk, flush, make_folder, write_file
from archive.ocfl.inventory import Inventory, parse, sidecar_digest
from archive.ocfl.inventory import digest as digest_of
from archive.ocfl.json_text import MOST_BYTES
from archive.ocfl.reading import read_file
from formats.errors import IntegrityError

LAYOUT: Final = "0003-hash-and-id-n-tuple-storage-layout"
DECLARATION: Final = ("0=ocfl_1.1", b"ocfl_1.1\n")
CONFIG: Final = {"extensionName": LAYOUT, "digestAlgorithm": "sha256", "tupleSize": 3, "numberOfTuples": 3}
_DESCRIPTION = "Hashed truncated n-tuple trees with the object's id as the last folder"
_PLAIN = frozenset(string.ascii_letters + string.digits + "-_")
_LONGEST = 100  # characters of an encoded id; a longer one is cut and gets its digest


class StorageRoot:
    """An OCFL storage root in a folder. Reading needs no lock; whoever writes holds the archive's."""

    def __init__(self, path: Path) -> None:
        """Nothing is made before `create`."""
        self.path = path

    def create(self) -> None:
        """Make the root with its declaration and layout, all at once; what is there stays as it is.

        Raises UnreachableError S416.
        """
        if self.path.is_dir() and any(self.path.iterdir()):
            return
        with disk():
            new = self.path.with_name(f"{self.path.name}.new")
            if new.exists():
                shutil.rmtree(new)  # of a process that was killed here
            make_folder(new / "extensions" / LAYOUT)
            for name, data in root_files().items():
                write_file(new / name, data)
            for folder in (new / "extensions" / LAYOUT, new / "extensions", new):
                flush(folder)
            new.rename(self.path)
            flush(self.path.parent)

    def object_path(self, object_id: str) -> Path:
        """Where an object with this id lies, whether it is there or not."""
        return self.path / place(object_id)

    def objects(self) -> Iterator[tuple[str, Path]]:
        """Every object by its folder: (id, folder), in the order of folders; the ids are those the folders tell.

        An object of which files are missing is named too. Raises OSError.
        """
        for first in _folders(self.path):
            if len(first.name) != 3:
                continue
            for second in _folders(first):
                for third in _folders(second):
                    for folder in _folders(third):
                        yield told_id(folder), folder

    def inventory(self, object_id: str) -> Inventory:
        """The newest inventory, compared with its sidecar. Raises IntegrityError A506 (missing, damaged)."""
        return inventory_of(self.object_path(object_id), object_id)

    def content(self, object_id: str, logical: str) -> Path:
        """The file with the bytes of this logical path at the head; raises IntegrityError A506 (no such, damaged)."""
        files = self.files(object_id)
        if logical not in files:
            raise IntegrityError("A506", f"{object_id}: {logical}")
        return files[logical][0]

    def files(self, object_id: str) -> Mapping[str, tuple[Path, str]]:
        """Logical path at the head to its content file and SHA-512 (hex). Raises IntegrityError A506."""
        inventory = self.inventory(object_id)
        folder = self.object_path(object_id)
        return {
            logical: (folder / inventory.manifest[digest][0], digest.lower())
            for logical, digest in inventory.state.items()
        }

    def contents(self, object_id: str) -> Mapping[str, tuple[Path, str]]:
        """Content path, of all versions, to its file and SHA-512 (hex): all bytes. Raises IntegrityError A506."""
        folder = self.object_path(object_id)
        return {path: (folder / path, digest.lower()) for path, digest in self.inventory(object_id).contents.items()}


def place(object_id: str) -> str:
    """The path of an object in the root after extension 0003: three times three digits of SHA-256, the encoded id."""
    digest = hashlib.sha256(object_id.encode("utf-8")).hexdigest()
    signs = (chr(byte) for byte in object_id.encode("utf-8"))
    name = "".join(sign if sign in _PLAIN else f"%{ord(sign):02x}" for sign in signs)
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}-{digest}"
    return "/".join((digest[:3], digest[3:6], digest[6:9], name))


def told_id(folder: Path) -> str:
    """The id that the folder of an object tells; for a long id, which its folder holds cut, that of its inventory."""
    if len(folder.name) <= _LONGEST:
        return unquote(folder.name)
    try:
        return inventory_of(folder).object_id
    except IntegrityError:
        return folder.name


def inventory_of(folder: Path, object_id: str | None = None) -> Inventory:
    """The inventory of an object's folder, compared with its sidecar and the id. Raises IntegrityError A506."""
    subject = object_id or folder.name
    try:
        data = read_file(folder / "inventory.json", MOST_BYTES)
        said = read_file(folder / "inventory.json.sha512", 4096)
    except OSError as error:
        raise IntegrityError("A506", f"{subject}: inventory.json: {error.strerror}") from None
    if sidecar_digest(said) != digest_of(data):
        raise IntegrityError("A506", f"{subject}: inventory.json: E060")
    inventory = parse(data)
    if object_id is not None and inventory.object_id != object_id:
        raise IntegrityError("A506", f"{subject}: inventory.json: E037")
    return inventory


def root_files() -> dict[str, bytes]:
    """The files of a root itself, by their paths in it."""
    layout = {"extension": LAYOUT, "description": _DESCRIPTION}
    name, declaration = DECLARATION
    return {
        f"extensions/{LAYOUT}/config.json": (json.dumps(CONFIG, indent=2) + "\n").encode("ascii"),
        "ocfl_layout.json": (json.dumps(layout, indent=2) + "\n").encode("ascii"),
        name: declaration,
    }


def _folders(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return sorted(folder / entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
