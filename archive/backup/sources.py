"""The files that a view of the ledger needs, each with its path in the home and a way to read it.

Nothing is believed because it lies in the right folder: what the ledger or an inventory has a digest of carries it, and
whoever copies holds the bytes against it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from archive.backup.place import PIECE
from archive.backup.view import Segment, Span, View
from archive.ledger import Ledger
from archive.ocfl.storage import root_files
from archive.segments.keys import KeyWrap
from archive.segments.layout import Layout, readme_id
from formats.digest import sha256
from formats.errors import IntegrityError

DECLARATION = "0=ocfl_object_1.1"
INVENTORY = ("inventory.json", "inventory.json.sha512")


@dataclass(frozen=True, slots=True)
class Source:
    """An office's own data. `archive` is its folder, `spool` the folders of waiting packages by name.

    `home` has the small files of the home by path: settings, partners, keys; never a passphrase, never the escrow's
    secret. `read` gives an original by its digest.
    """

    ledger: Ledger
    archive: Path
    spool: Mapping[str, Path]
    home: Mapping[str, bytes]
    office: str
    wrap: KeyWrap
    read: Callable[[str], bytes]


class Wanted(NamedTuple):
    """A file to be copied: its path in the home, a name for it at the place, the digests it must have (or empty)."""

    path: str
    name: str
    sha256: str
    sha512: str
    pieces: Callable[[], Iterator[bytes]]


def wanted(source: Source, view: View) -> Iterator[Wanted | IntegrityError]:
    """Every file that the view needs; in the place of one that cannot be copied rightly, the error that names it."""
    layout = Layout(source.archive, source.office)
    yield from _root_files(view, layout)
    for segment in view.segments:
        if segment.state == "sealed":
            yield from _object(layout, layout.object_path(segment.n), segment.version, segment.inventory)
        elif segment.state != "destroyed":
            yield from _open_segment(layout, segment, view.spans[segment.n])
    yield from _packages(source, view)


def from_file(path: Path) -> Callable[[], Iterator[bytes]]:
    """A way to read a file in pieces. The reading raises IntegrityError A506 naming the file."""

    def pieces() -> Iterator[bytes]:
        try:
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    yield piece
        except OSError as error:
            raise IntegrityError("A506", f"{path.name}: {error.strerror}") from None

    return pieces


def _root_files(view: View, layout: Layout) -> Iterator[Wanted | IntegrityError]:
    """What lies in the storage root beside the segments: its declaration, its layout, and the readme object."""
    for inner in sorted(root_files()):
        path = layout.objects.path / inner
        if path.is_file():
            yield Wanted(f"archive/ocfl/{inner}", f"objects/{inner}", "", "", from_file(path))
    if view.readme:
        folder = layout.objects.object_path(readme_id(layout.office))
        yield from _object(layout, folder, view.readme, "")


def _object(layout: Layout, folder: Path, version: int, inventory: str) -> Iterator[Wanted | IntegrityError]:
    """An object as it was at this version: later versions are left out, and the inventory is that version's."""
    inner = folder.relative_to(layout.objects.path).as_posix()

    def file(path: str, at: str = "", sha512: str = "") -> Wanted:
        stored = at or path
        name = f"objects/{inner}/{stored}"
        return Wanted(f"archive/ocfl/{inner}/{path}", name, "", sha512, from_file(folder / stored))

    newest = f"v{version}/{INVENTORY[0]}"
    try:
        content = _content(folder / newest, inventory)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        yield IntegrityError("A506", f"archive/ocfl/{inner}/{newest}")
        return
    yield file(DECLARATION)
    for number in range(1, version + 1):
        for name in INVENTORY:
            yield file(f"v{number}/{name}", sha512=inventory if f"v{number}/{name}" == newest else "")
    for name in INVENTORY:
        yield file(name, at=f"v{version}/{name}", sha512=inventory if name == INVENTORY[0] else "")
    for path, digest in content.items():
        yield file(path, sha512=digest)


def _content(file: Path, expected: str) -> dict[str, str]:
    """Path below the object -> SHA-512 (hex), as the inventory of one version says. Raises ValueError when damaged."""
    data = file.read_bytes()
    if expected and hashlib.sha512(data).hexdigest() != expected:
        raise ValueError
    manifest = json.loads(data)["manifest"]
    return {str(path): str(digest).lower() for digest, paths in manifest.items() for path in paths}


def _open_segment(layout: Layout, segment: Segment, spans: tuple[Span, ...]) -> Iterator[Wanted | IntegrityError]:
    """The beginning of a tar that is still written to, as far as the view knows it, and its keys.

    It may have been sealed since: then the object has the same bytes.
    """
    number = f"{segment.n:08d}"
    tar = _first(layout.open_tar(segment.n), layout.sealed_tar(segment.n))
    wrapped = sorted(layout.object_path(segment.n).glob("v*/content/keys-*.pgp"))
    keys = _keys(segment.keys_sha512, layout.open_keys(segment.n), layout.next_keys(segment.n), *wrapped)
    path = f"archive/open/{number}"
    if tar is None or keys is None:
        yield IntegrityError("A506", f"{path}.{'keys.pgp' if tar else 'tar'}")
        return
    yield Wanted(f"{path}.tar", f"open/{number}-{segment.end}.tar", "", "", _prefix(tar, segment.end, spans))
    keys_name = f"open/{number}-{segment.keys_sha512[:16]}.keys.pgp"
    yield Wanted(f"{path}.keys.pgp", keys_name, "", segment.keys_sha512, from_file(keys))


def _keys(sha512: str, *paths: Path) -> Path | None:
    """The file with this digest, else any."""
    there = [path for path in paths if path.is_file()]
    return next((path for path in there if hashlib.sha512(path.read_bytes()).hexdigest() == sha512), _first(*there))


def _first(*paths: Path) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _prefix(tar: Path, end: int, spans: Iterable[Span]) -> Callable[[], Iterator[bytes]]:
    """A way to read the first `end` bytes of a tar, member by member, each held against the ledger."""

    def pieces() -> Iterator[bytes]:
        try:
            with tar.open("rb") as file:
                for span in spans:
                    yield file.read(max(0, span.offset - file.tell()))
                    data = file.read(span.size)
                    if file.tell() != span.offset + span.size or sha256(data) != span.sha256:
                        raise IntegrityError("A502", span.digest)
                    yield data
                yield file.read(end - file.tell())
                if file.tell() != end:
                    raise IntegrityError("A508", tar.name)
        except OSError as error:
            raise IntegrityError("A506", f"open/{tar.name}: {error.strerror}") from None

    return pieces


def _packages(source: Source, view: View) -> Iterator[Wanted | IntegrityError]:
    """What lies in the spool, and what the view says must lie there and was settled meanwhile."""
    there = {
        path.stem: (folder, path)
        for folder, place in source.spool.items()
        for path in (sorted(place.iterdir()) if place.is_dir() else ())
        if path.suffix == ".pgp" and len(path.stem) == 64
    }
    for digest in sorted({*there, *view.waiting}):
        folder, path = there.get(digest, (view.waiting.get(digest, ""), None))
        name = f"{folder}/{digest}.pgp"
        yield Wanted(name, f"spool/{name}", digest, "", from_file(path) if path else _settled(source, digest))


def _settled(source: Source, digest: str) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        for place in source.spool.values():
            path = place / f"{digest}.pgp"
            if path.is_file():
                yield path.read_bytes()
                return
        yield source.read(digest)

    return pieces
