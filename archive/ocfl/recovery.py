"""What a killed process left: finished where its rename was done, undone where it was not.

A version is added in three steps: (1) its folder is renamed in, (2) the root inventory is replaced, (3) the sidecar is
replaced. Whoever is killed in between leaves one of two exact states, and only these are rolled forward; anything else
is damage, which an audit must see.
"""

import shutil
from pathlib import Path

from archive.flushing import disk, flush, write_file
from archive.ocfl.inventory import Inventory, digest, parse, sidecar_digest
from archive.ocfl.json_text import MOST_BYTES
from archive.ocfl.reading import read_file
from archive.ocfl.storage import StorageRoot
from archive.ocfl.version_blocks import number
from archive.ocfl.work import Act, act_of, prune, working
from formats.errors import IntegrityError


def recover(root: StorageRoot, stage: Path) -> None:
    """Settle everything in the stage and empty it. It may itself be killed and called again.

    Raises UnreachableError S416. What lies in the stage, also by others' hands, is gone afterwards.
    """
    with disk():
        if not stage.is_dir():
            return
        for left in sorted(stage.iterdir()):
            if not left.is_dir() or left.is_symlink():
                left.unlink()
                continue
            act = act_of(left)
            if act is not None:
                _finish(root, stage, act)
            shutil.rmtree(left)
        flush(stage)


def settle(root: StorageRoot, stage: Path, object_id: str) -> bool:
    """Finish a version of one object whose folder is in place while the root inventory or its sidecar is the old one.

    Returns whether there was something to finish; of an object that is whole, or damaged, nothing is changed. Raises
    UnreachableError S416.
    """
    folder = root.object_path(object_id)
    new = _unfinished(folder, object_id)
    if new is None:
        return False
    data, said = new
    with working(stage, "version", object_id) as work:
        write_file(work / "inventory.json", data)
        write_file(work / "inventory.json.sha512", said)
        flush(work)
        put_inventory(work, folder)
    return True


def put_inventory(source: Path, folder: Path) -> None:
    """Steps 2 and 3: rename the flushed inventory and sidecar in `source` over those of the object. Raises OSError."""
    for name in ("inventory.json", "inventory.json.sha512"):
        (source / name).replace(folder / name)
        flush(folder)


def _finish(root: StorageRoot, stage: Path, act: Act) -> None:
    if not act.object_id:
        return
    place = root.object_path(act.object_id)
    if act.kind == "version":
        settle(root, stage, act.object_id)
    elif not place.exists():
        prune(place.parent, root.path)


def _unfinished(folder: Path, object_id: str) -> tuple[bytes, bytes] | None:
    """Inventory and sidecar of the newest version, if the object is in one of the two states; else None."""
    try:
        newest = max(number(entry.name) for entry in folder.iterdir())
        if newest < 2 or _read(folder, "", ".sha512") == _read(folder, f"v{newest}", ".sha512"):
            return None
        data, said, inventory = _sound(folder, f"v{newest}", object_id)
        old_data, old_said, old = _sound(folder, f"v{newest - 1}", object_id)
        is_next = {**inventory.versions} == {**old.versions, inventory.head: inventory.versions[inventory.head]}
        is_whole = all((folder / path).is_file() for path in inventory.contents)
        if (
            is_next
            and is_whole
            and _read(folder, "", ".sha512") == old_said
            and _read(folder, "", "") in {data, old_data}
        ):
            return data, said
    except (OSError, ValueError, IntegrityError):
        return None
    return None


def _sound(folder: Path, name: str, object_id: str) -> tuple[bytes, bytes, Inventory]:
    """A version's inventory with its sidecar. Raises OSError, IntegrityError A506 if it is not sound."""
    data, said = _read(folder, name, ""), _read(folder, name, ".sha512")
    inventory = parse(data)
    if sidecar_digest(said) != digest(data) or inventory.head != name or inventory.object_id != object_id:
        raise IntegrityError("A506", f"{object_id}: {name}/inventory.json")
    return data, said, inventory


def _read(folder: Path, version: str, ending: str) -> bytes:
    return read_file(folder / version / f"inventory.json{ending}", MOST_BYTES)
