"""A toy archive: a root, a stage, and made-up segments."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from archive.ocfl.objects import Source, Stored, add_version, recover, write
from archive.ocfl.storage import StorageRoot

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def name(number: int) -> str:
    """The id of a segment's object."""
    return f"urn:jiexu:110105:segment:{number:08d}"


class Archive(NamedTuple):
    """A root, its stage, and the folder for what a repair puts aside."""

    root: StorageRoot
    stage: Path
    aside: Path

    def write(self, number: int, files: Mapping[str, Source] | None = None) -> Stored:
        """Write a segment's object."""
        files = segment(number) if files is None else files
        return write(self.root, self.stage, name(number), files, message="sealed", user="service", at=AT)

    def rekey(self, number: int, keys: int) -> Stored:
        """The change of a key: keys-N instead of the one before."""
        return add_version(
            self.root,
            self.stage,
            name(number),
            {f"keys-{keys}.pgp": b"key %d" % keys},
            [f"keys-{keys - 1}.pgp"],
            message="new key",
            user="service",
            at=AT,
        )

    def recover(self) -> None:
        """What a start after a crash does."""
        recover(self.root, self.stage)


def archive(folder: Path) -> Archive:
    """An archive whose root is made if it was not there."""
    made = Archive(StorageRoot(folder / "archive" / "ocfl"), folder / "archive" / "stage", folder / "aside")
    made.root.create()
    return made


def segment(number: int = 1, size: int = 3000) -> dict[str, Source]:
    """The four files of a sealed segment, made up."""
    return {
        "members.tar": b"%08d" % number * (size // 8),
        "manifest-sha256.txt": b"digest  %08d\n" % number,
        "catalog.bin": b"catalog %d" % number,
        "keys-1.pgp": b"key 1",
    }


def flip(file: Path, place: int = 0) -> None:
    """Change one bit of a file."""
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)
