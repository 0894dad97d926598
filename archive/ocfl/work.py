"""Work folders in the stage: where an object is built before it is renamed in, and what a killed process leaves.

    stage/<16 hex>.ocfl/act.json      what is being done to which object: flushed before anything else
    stage/<16 hex>.ocfl/object/       the whole object: to be renamed in, or renamed out to be destroyed
    stage/<16 hex>.ocfl/version/      a new version's folder
    stage/<16 hex>.ocfl/good          the good file of a repair

The stage lies on the file system of the root, so that a rename is one step. There is one writer: whatever is in the
stage while nobody writes is left over.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from archive.flushing import disk, flush, make_folder, write_file
from archive.ocfl.json_text import NotJsonError, load

Kind = Literal["write", "version", "destroy", "replace", "restore"]


@dataclass(frozen=True, slots=True)
class Act:
    """What a work folder is for; `object_id` may be empty for a file of the root itself."""

    kind: str
    object_id: str


@contextmanager
def working(stage: Path, kind: Kind, object_id: str) -> Iterator[Path]:
    """A work folder for one act; it goes when the act is done or has failed. Raises UnreachableError S416."""
    with disk():
        make_folder(stage)
        work = stage / f"{secrets.token_hex(8)}.ocfl"
        work.mkdir(mode=0o700)
        try:
            write_file(work / "act.json", json.dumps(asdict(Act(kind, object_id))).encode("utf-8"))
            flush(work)
            flush(stage)
            yield work
        finally:
            shutil.rmtree(work)


def act_of(work: Path) -> Act | None:
    """What a work folder that was left over was for; None if it was killed before it did anything. Raises OSError."""
    try:
        value = load((work / "act.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError, NotJsonError):
        return None
    if not isinstance(value, dict) or set(value) != {"kind", "object_id"}:
        return None
    return Act(str(value["kind"]), str(value["object_id"]))


def enter(source: Path, target: Path, top: Path) -> None:
    """Rename a flushed folder to its place below `top` and flush every folder on the way. Raises OSError."""
    make_folder(target.parent)
    source.rename(target)
    flush(source.parent)
    flush_up(target.parent, top)


def flush_up(folder: Path, top: Path) -> None:
    """Flush a folder and those above it up to `top`, the innermost first. Raises OSError."""
    flush(folder)
    while folder != top:
        folder = folder.parent
        flush(folder)


def flush_folders(folder: Path) -> None:
    """Flush every folder below and the folder itself, the innermost first. Raises OSError."""
    for place, _folders, _files in os.walk(folder, topdown=False):
        flush(Path(place))


def prune(folder: Path, top: Path) -> None:
    """Remove a folder and those above it, below `top`, while they are empty (E073). Raises OSError."""
    while folder != top:
        if folder.exists():
            if any(folder.iterdir()):
                return
            folder.rmdir()
            flush(folder.parent)
        folder = folder.parent
