"""Take good bytes in from a backup: a file of an object, a file of the root, a whole object."""

import os
import secrets
import shutil
import stat
from pathlib import Path

from archive.flushing import flush, make_folder
from archive.ocfl.building import copy, link_or_copy
from archive.ocfl.object_validation import validate_object
from archive.ocfl.paths import is_sound
from archive.ocfl.storage import StorageRoot, inventory_of
from archive.ocfl.work import enter, flush_folders, flush_up, working
from formats.errors import IntegrityError


def replace_file(
    root: StorageRoot, stage: Path, aside: Path, object_id: str, relative: str, source: Path
) -> Path | None:
    """Put a copy of `source` at a path in an object's folder, or in the root itself if the id is empty.

    What lay there, or in the way, goes to `aside`; its name there is returned, None if nothing did. The caller has
    compared the digest of `source`. Killed at any instant the old or the new file is there, and the call may be
    repeated; only where a link or a folder was in the way, nothing may be there. Raises UnreachableError S416,
    ValueError (a path that leaves the folder).
    """
    if not is_sound(relative):
        raise ValueError("the path must be relative and without dots")
    folder = root.object_path(object_id) if object_id else root.path
    with working(stage, "replace", object_id) as work:
        copy(source, work / "good")
        flush(work)
        make_folder(aside)
        target = folder / relative
        place = _in_the_way(folder, target)
        moved = _put_aside(place, target, aside, folder) if place is not None else None
        make_folder(target.parent)
        (work / "good").replace(target)
        flush_up(target.parent, root.path)
    return moved


def restore_object(root: StorageRoot, stage: Path, object_id: str, staged: Path) -> Path:
    """Take in a whole object whose folder lies on the same file system; `staged` is gone afterwards. Returns its place.

    Modes are set, all is flushed, the rules of OCFL are checked but for the bytes of content, which the caller has
    compared. Repeated after a crash it is content with the same object in place. Raises IntegrityError A506 (not
    valid, another id, or another object is in place), UnreachableError S416.
    """
    place = root.object_path(object_id)
    if not staged.exists() and place.exists():
        return place
    broken = [flaw for flaw in validate_object(staged, contents=False) if flaw.is_error]
    if broken:
        raise IntegrityError("A506", f"{object_id}: {broken[0].code} {broken[0].subject}")
    inventory = inventory_of(staged, object_id)
    with working(stage, "restore", object_id):
        if place.exists():
            if inventory_of(place, object_id) != inventory:
                raise IntegrityError("A506", f"{object_id}: another object is in its place")
            shutil.rmtree(staged)
            return place
        _seal(staged)
        enter(staged, place, root.path)
    return place


def _seal(folder: Path) -> None:
    """Files 0400, folders 0700, all of it flushed, the innermost first. Raises OSError."""
    for place, _folders, files in os.walk(folder):
        Path(place).chmod(stat.S_IRWXU)
        for name in files:
            (Path(place) / name).chmod(stat.S_IRUSR)
            flush(Path(place) / name)
    flush_folders(folder)


def _in_the_way(folder: Path, target: Path) -> Path | None:
    """What must go before a file can be at `target`: the first above it that is no real folder, or what is there."""
    above = [place for place in reversed(target.parents) if place.is_relative_to(folder)]
    for place in above:
        if os.path.lexists(place) and (place.is_symlink() or not place.is_dir()):
            return place
    return target if os.path.lexists(target) else None


def _put_aside(place: Path, target: Path, aside: Path, folder: Path) -> Path:
    """Give it a name in `aside`. A plain file at `target` keeps its own name until the good one takes it."""
    name = "~".join((folder.name, *place.relative_to(folder).parts, secrets.token_hex(4)))
    if place == target and place.is_file() and not place.is_symlink():
        link_or_copy(place, aside / name)
    else:
        place.rename(aside / name)
        flush(place.parent)
    flush(aside)
    return aside / name
