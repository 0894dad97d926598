"""Whether there is room on a disk for what is about to be written, so that nobody waits hours to be told."""

import shutil
from pathlib import Path
from typing import Final

from formats.errors import UnreachableError
from migration.freeze import Frozen

_TAGGED: Final = 1.5  # a SIARD file beside the freeze that it is written from; 1.1 to 1.4 of it in measurements


def need(place: Path, size: int) -> None:
    """Raise UnreachableError D608 unless so many bytes are free where `place` is, or will be."""
    there = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if size > free:
        raise UnreachableError("D608", f"about {size:,} bytes are needed, {free:,} are free")


def for_siard(frozen: Frozen) -> int:
    """How many bytes a SIARD file of this freeze takes at most, by an estimate."""
    return round(frozen.sealed.packed * _TAGGED)
