"""Adoption: the plain originals of an older home (`ab/cd/<digest>`, one file each) are moved into segments."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from archive import journal
from archive.flushing import disk, flush, make_folder
from archive.journal import Entry
from archive.ledger import Ledger, chunks
from archive.segments.store import SegmentOriginals
from archive.tables import originals, utc_text
from formats.digest import sha256
from formats.errors import IntegrityError

UNKNOWN: Final = "unregistered"  # the kind of a plain original that no row of the ledger names

_PAIR = re.compile(r"[0-9a-f]{2}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FILES: Final = 500  # originals in one batch
_BYTES: Final = 32 * 2**20  # of one batch, and one original more
_WHY: Final = "originals of an older home move into segments (art. 9)"


def adopt(folder: Path, store: SegmentOriginals, ledger: Ledger, at: datetime) -> int:
    """Keep the plain originals under `folder` in `store` and read each back; returns how many.

    Their files go to `plain-adopted/` of the archive, from where only lawful destruction removes them. It may be killed
    and called again: what is kept already is not kept twice. Raises IntegrityError A502 naming a file that is not what
    its name says, and as `OriginalStore.keep` and `read`; what was adopted by then is recorded.
    """
    adopted = 0
    for files in _batches(folder):
        items = _items(ledger, files)
        kept = store.keep(items, at)
        for entry, (_, data) in zip(kept, items, strict=True):
            if store.read(entry.digest) != data:
                raise IntegrityError("A502", entry.digest)
        what: dict[str, str | int] = {"originals": len(kept), "bytes": sum(entry.size for entry in kept)}
        how = "kept in segments, read back, the plain files put aside"
        journal.record(ledger, [Entry(utc_text(at), "plain-adopted", what, _WHY, how, store.context.who)])
        _put_aside(folder, files, store.layout.adopted)
        adopted += len(kept)
    return adopted


def _batches(folder: Path) -> Iterator[list[Path]]:
    """The plain originals, a batch at a time."""
    batch: list[Path] = []
    gathered = 0
    for file in _plain(folder):
        batch.append(file)
        gathered += file.stat().st_size
        if len(batch) == _FILES or gathered >= _BYTES:
            yield batch
            batch, gathered = [], 0
    if batch:
        yield batch


def _plain(folder: Path) -> Iterator[Path]:
    for first in _folders(folder):
        for second in _folders(first):
            with disk():
                found = sorted(second.iterdir())
            yield from (
                file
                for file in found
                if _DIGEST.fullmatch(file.name)
                and file.name.startswith(first.name + second.name)
                and file.is_file()
                and not file.is_symlink()
            )


def _folders(folder: Path) -> list[Path]:
    with disk():
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        return [place for place in found if _PAIR.fullmatch(place.name) and place.is_dir() and not place.is_symlink()]


def _items(ledger: Ledger, files: Sequence[Path]) -> list[tuple[str, bytes]]:
    """Kind and bytes. Raises IntegrityError A502."""
    kinds: dict[str, str] = {}
    with ledger.reading() as connection:
        for chunk in chunks([file.name for file in files]):
            wanted = select(originals.c.digest, originals.c.kind).where(originals.c.digest.in_(chunk))
            kinds.update((row.digest, row.kind) for row in connection.execute(wanted.order_by(originals.c.id.desc())))
    items = []
    for file in files:
        with disk():
            data = file.read_bytes()
        if sha256(data) != file.name:
            raise IntegrityError("A502", file.name)
        items.append((kinds.get(file.name, UNKNOWN), data))
    return items


def _put_aside(folder: Path, files: Sequence[Path], target: Path) -> None:
    """Move files, with the folders that they lie in, and remove the folders that are empty then."""
    with disk():
        for file in files:
            place = target / file.relative_to(folder)
            make_folder(place.parent)
            file.rename(place)
        for parent in sorted({file.parent for file in files}):
            flush(target / parent.relative_to(folder))
            for empty in (parent, parent.parent):
                if not any(empty.iterdir()):
                    empty.rmdir()
        flush(folder)
