"""Remove a whole object: for lawful destruction when its time has come, and for nothing else."""

from pathlib import Path

from archive.flushing import flush
from archive.ocfl.storage import StorageRoot
from archive.ocfl.work import prune, working


def destroy(root: StorageRoot, stage: Path, object_id: str) -> None:
    """Rename the object out of the root, flush, remove it with the folders that led to it alone.

    An object that is not there is none any more, so a call may be repeated. Killed before the rename it leaves the
    object as it was, after it `recover` removes the rest. Raises UnreachableError S416.
    """
    place = root.object_path(object_id)
    with working(stage, "destroy", object_id) as work:
        if place.exists():
            place.rename(work / "object")
            flush(work)
            flush(place.parent)
        prune(place.parent, root.path)
