"""Repair of files from a backup: objects of sealed segments, the readme object, open segments and their keys.

What a file must be is told by the journal, never by the backup: an object's inventory by its SHA-512, its other files
by that inventory; a member of an open segment by its row. A file that is right stays; one that is wrong goes aside when
a right one is there to take its place.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from archive.audit.facts import Facts, Said
from archive.backup.aside import Aside
from archive.backup.journal_repair import Mended
from archive.backup.one_case import files_of
from archive.backup.place import Place
from archive.backup.restoring import fetch
from archive.backup.snapshot import File, Snapshot
from archive.flushing import disk, flush, make_folder, write_all
from archive.ledger import Ledger
from archive.ocfl import objects
from archive.ocfl.objects import replace_file
from archive.ocfl.storage import root_files
from archive.segments import catalog
from archive.segments.catalog import Member
from archive.segments.files import held
from archive.segments.layout import Layout, readme_id, segment_id
from archive.segments.members import header, padding
from formats.digest import sha256
from formats.errors import IntegrityError

_DECLARATION = ("0=ocfl_object_1.1", b"ocfl_object_1.1\n")


class Right(NamedTuple):
    """What a file must be: its SHA-512, and its bytes where these follow from it alone."""

    sha512: str
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Mender:
    """A backup and the archive that is put right from it; `work` is a folder for what was fetched."""

    place: Place
    found: Snapshot
    files: Mapping[str, File]
    layout: Layout
    ledger: Ledger
    said: Said
    aside: Aside
    work: Path

    def mend(self, places: Collection[str]) -> Iterator[Mended]:
        """Put right what lies at these paths under the archive's folder; gives each file that was put right.

        What is damaged in the backup too is passed over. Raises UnreachableError.
        """
        if any(place.startswith("ocfl/") for place in places):
            yield from self._root_files()
        readme = self.layout.objects.object_path(readme_id(self.layout.office))
        if self.said.readme and self._touches(places, readme):
            yield from self._object(readme_id(self.layout.office), max(self.said.readme), self.said.readme)
        for number, fact in self.said.segments.items():
            if fact.state == "sealed" and self._touches(places, self.layout.object_path(number)):
                yield from self._object(segment_id(self.layout.office, number), fact.version, fact.inventories, fact)
            elif fact.state != "destroyed" and any(place.startswith(f"open/{number:08d}.") for place in places):
                yield from self._open_keys(fact)
                yield from self._open_tar(number)

    def _touches(self, places: Collection[str], folder: Path) -> bool:
        inner = folder.relative_to(self.layout.root).as_posix()
        return any(place == inner or place.startswith(f"{inner}/") for place in places)

    def _root_files(self) -> Iterator[Mended]:
        for name, data in root_files().items():
            right = Right(hashlib.sha512(data).hexdigest(), data)
            yield from self._file("", self.layout.objects.path, name, right)

    def _object(
        self, object_id: str, version: int, inventories: Mapping[int, str], fact: Facts | None = None
    ) -> Iterator[Mended]:
        """Put the files of an object right, the inventories first; what does not belong to it goes aside."""
        folder = self.layout.objects.object_path(object_id)
        rights = self._rights(folder, version, inventories)
        if rights is None:
            return
        for relative, right in rights.items():
            yield from self._file(object_id, folder, relative, right, fact)
        for path in sorted(folder.rglob("*"), reverse=True):
            relative = path.relative_to(folder).as_posix()
            if path.is_symlink() or not path.is_dir():
                if relative not in rights:
                    self.aside.move(path)
                    yield Mended("A503", path.relative_to(self.layout.root).as_posix())
            elif not any(path.iterdir()):
                path.rmdir()

    def _rights(self, folder: Path, version: int, inventories: Mapping[int, str]) -> dict[str, Right] | None:
        """What each file of the object must be; None when its inventory is neither here nor in the backup."""
        rights = {_DECLARATION[0]: Right(hashlib.sha512(_DECLARATION[1]).hexdigest(), _DECLARATION[1])}
        head: bytes | None = None
        for number in range(1, version + 1):
            digest = inventories.get(number, "")
            head = self._inventory(folder, number, digest)
            if head is None:
                return None
            sidecar = f"{digest} inventory.json\n".encode()
            for prefix in (f"v{number}/", "") if number == version else (f"v{number}/",):
                rights[f"{prefix}inventory.json"] = Right(digest, head)
                rights[f"{prefix}inventory.json.sha512"] = Right(hashlib.sha512(sidecar).hexdigest(), sidecar)
        manifest = json.loads(head or b"{}")["manifest"]
        return rights | {path: Right(digest.lower()) for digest, paths in manifest.items() for path in paths}

    def _inventory(self, folder: Path, number: int, digest: str) -> bytes | None:
        """The bytes of a version's inventory, from wherever they are right."""
        inner = folder.relative_to(self.layout.root).as_posix()
        for place in (folder / f"v{number}/inventory.json", folder / "inventory.json"):
            if _sha512(place) == digest:
                return place.read_bytes()
        fetched = self._fetched(f"{inner}/v{number}/inventory.json", digest)
        return fetched.read_bytes() if fetched else None

    def _file(
        self, object_id: str, folder: Path, relative: str, right: Right, fact: Facts | None = None
    ) -> Iterator[Mended]:
        target = folder / relative
        if not target.is_symlink() and _sha512(target) == right.sha512:
            return
        inner = target.relative_to(self.layout.root).as_posix()
        good = self._made(right.data) if right.data is not None else self._fetched(inner, right.sha512)
        if good is None and fact is not None and relative.endswith(".tar"):
            good = self._patched(fact, target, right.sha512)
        if good is None:
            return
        replace_file(self.layout.objects, self.layout.stage, self.aside.folder, object_id, relative, good)
        yield Mended("A506", inner)

    def _patched(self, fact: Facts, tar: Path, sha512: str) -> Path | None:
        """A sealed tar of which the backup has only the beginning, as it was when it was open."""
        beginning = self._fetched(f"open/{fact.n:08d}.tar", "")
        if beginning is None or not tar.is_file():
            return None
        patched = self.work / "patched"
        shutil.copyfile(tar, patched)
        with beginning.open("rb") as source, patched.open("r+b") as target:
            shutil.copyfileobj(source, target)
        return patched if _sha512(patched) == sha512 else None

    def _open_keys(self, fact: Facts) -> Iterator[Mended]:
        target = self.layout.open_keys(fact.n)
        if _sha512(target) == fact.keys:
            return
        for name in (f"open/{fact.n:08d}.keys.pgp", *self._sealed_since(fact.n)):
            good = self._fetched(name, fact.keys)
            if good is not None:
                self._swap(good, target)
                yield Mended("A506", target.relative_to(self.layout.root).as_posix())
                return

    def _sealed_since(self, number: int) -> list[str]:
        try:
            return [file.path.removeprefix("archive/") for file in files_of(self.found, number).keys]
        except IntegrityError:
            return []

    def _open_tar(self, number: int) -> Iterator[Mended]:
        """Put the members of an open segment right, one by one, under the locks of whoever keeps.

        A member of which there is no right copy keeps what there is of it; where nothing is, it is made of zeros, so
        that the segment can be kept in again: the audit goes on naming it.
        """
        name = f"open/{number:08d}.tar"
        beginning = self._fetched(name, "")
        target, made = self.layout.open_tar(number), self.work / "made"
        with held(self.layout.lock), self.ledger.writing() as connection:
            row = catalog.segment(connection, number, lock=True)
            if row is None or row.state not in ("open", "sealing"):
                return
            rows = list(catalog.of_segment(connection, number))
            mended = _build(made, rows, [target, *([beginning] if beginning else [])])
            if target.is_file() and _same_start(target, made):
                return
            self._swap(made, target)
        for digest in mended:
            yield Mended("A502", digest)
        if not mended:
            yield Mended("A506", name)

    def _swap(self, good: Path, target: Path) -> None:
        """Give the good file the name; what had it goes aside."""
        with disk():
            make_folder(target.parent)
            if target.is_file() and not target.is_symlink():
                self.aside.keep(target)
            elif os.path.lexists(target):
                self.aside.move(target)
            flush(good)
            good.replace(target)
            flush(target.parent)

    def _made(self, data: bytes) -> Path:
        path = self.work / "made"
        path.write_bytes(data)
        return path

    def _fetched(self, inner: str, sha512: str) -> Path | None:
        """The backup's file for this path, when it is the right one; any is, when `sha512` is empty."""
        file = self.files.get(f"archive/{inner}")
        if file is None or (sha512 and file.sha512 and file.sha512 != sha512):
            return None
        target = self.work / "fetched"
        with disk():
            target.unlink(missing_ok=True)
        try:
            fetch(self.place, file, target)
        except IntegrityError:
            return None  # damaged there too: what lies here stays, and the audit goes on naming it
        return target if not sha512 or _sha512(target) == sha512 else None


@contextmanager
def mender(place: Place, found: Snapshot, layout: Layout, ledger: Ledger, said: Said, aside: Aside) -> Iterator[Mender]:
    """A mender at work, under the lock of whoever writes objects; what it fetched is removed behind it."""
    work = _work(layout)
    with held(layout.seal_lock):
        with disk():
            shutil.rmtree(work, ignore_errors=True)
            make_folder(work)
        try:
            files = {file.path: file for file in found.files}
            yield Mender(place, found, files, layout, ledger, said, aside, work)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def sweep(layout: Layout) -> None:
    """Settle what a repair that was killed has left in the stage. Raises UnreachableError S416."""
    if layout.stage.is_dir() and any(layout.stage.iterdir()):
        with held(layout.seal_lock):
            objects.recover(layout.objects, layout.stage)


def _work(layout: Layout) -> Path:
    return layout.stage / "repair"


def _build(made: Path, rows: list[Member], sources: list[Path]) -> list[str]:
    """Write a tar of these members, each from the first source in which it is right; gives the digests put right."""
    mended: list[str] = []
    handles = [path.open("rb") for path in sources if path.is_file()]
    own = sources[0].is_file()
    out = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        for row in rows:
            found = [_read(handle, row) for handle in handles]
            right = next((place for place, data in enumerate(found) if sha256(data) == row.sha256), None)
            message = found[right] if right is not None else (found[0] if own else b"").ljust(row.size, b"\0")
            if right is not None and (right > 0 or not own):
                mended.append(row.digest)
            for part in (header(row.place, row.kind, row.size), message, padding(row.size)):
                write_all(out, part)
        os.fsync(out)
    finally:
        os.close(out)
        for handle in handles:
            handle.close()
    return mended


def _read(handle: BinaryIO, row: Member) -> bytes:
    handle.seek(row.offset)
    return handle.read(row.size)


def _same_start(path: Path, made: Path) -> bool:
    """Whether a tar begins with what was made of its rows; what lies behind was never kept."""
    with path.open("rb") as first, made.open("rb") as second:
        while wanted := second.read(1 << 20):
            if first.read(len(wanted)) != wanted:
                return False
    return True


def _sha512(path: Path) -> str:
    """SHA-512 (hex) of a plain file, empty where there is none that can be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha512").hexdigest()
    except OSError:
        return ""
