"""Recovery: what a killed process left is finished or cut off, and what is missing is said before more is kept."""

import os
import re
from datetime import datetime

from archive.flushing import disk
from archive.ocfl import objects
from archive.segments import catalog, rekey, sealing
from archive.segments.catalog import Segment
from archive.segments.context import Context
from archive.segments.files import held
from archive.segments.writing import cut_back, move_aside
from formats.errors import IntegrityError

_OPEN_FILE = re.compile(r"(\d{8})\.(tar|keys\.pgp|keys\.next\.pgp)")


def recover(context: Context, at: datetime) -> None:
    """Bring files and ledger together; may be killed and called again at any time, also while others keep.

    Objects that were being built are finished or undone (OCFL 1.1), half-done changes of key are finished, the open
    segment is cut back to the ledger's end; what is cut off, and files that the ledger does not know, go to `aside/`.
    A half-done seal waits for `sealing.seal_all`, so that a segment which cannot be sealed keeps nobody from keeping
    more. Raises IntegrityError A506 (an object), A508 when the open segment is shorter than the ledger says.
    """
    layout = context.layout
    with held(layout.seal_lock):
        objects.recover(layout.objects, layout.stage)
        rekey.note_all(context, at)
        with held(layout.lock):
            _check_open(context)
            _tidy(context)


def _check_open(context: Context) -> None:
    """The open segment and its key are there; what lies behind its end goes. The caller holds the writer's lock."""
    with context.ledger.writing() as connection, disk():
        for row in catalog.in_state(connection, "open", "sealing", lock=True):
            rekey.settle_open_keys(context, row)
            if row.state == "open":
                _check_tar(context, row)


def _check_tar(context: Context, row: Segment) -> None:
    try:
        handle = os.open(context.layout.open_tar(row.n), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise IntegrityError("A508", f"segment {row.n} is gone") from None
    try:
        cut_back(context, handle, row)
        os.fsync(handle)
    finally:
        os.close(handle)


def _tidy(context: Context) -> None:
    """Files in `open/` of segments that are sealed, destroyed or unknown."""
    folder = context.layout.open
    with disk():
        names = sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []
    found = {int(match[1]) for name in names if (match := _OPEN_FILE.fullmatch(name))}
    with context.ledger.reading() as connection:
        states = {n: row.state for n in found if (row := catalog.segment(connection, n))}
    for name in names:
        match = _OPEN_FILE.fullmatch(name)
        state = states.get(int(match[1])) if match else None
        if match and state in ("sealed", "destroyed"):
            sealing.remove_open_files(context, int(match[1]))
        elif match and state is None:
            with disk():
                move_aside(context, folder / name)
