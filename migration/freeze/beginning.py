"""The beginning of a freeze, and of a run that goes on with one: whose folder it is, and what in it still stands."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from formats.errors import IntegrityError, UnreachableError, UsageError
from migration import catalog_file
from migration.catalog import Catalog
from migration.freeze import disk, journal, readme, seal, state
from migration.freeze.frozen import CATALOG, README
from migration.freeze.state import FrozenTable, State

WORK: Final = "work"  # what only an unfinished freeze needs


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder, made if it is missing, for this process alone.

    Raises UnreachableError S445 when another process has it, S416; UsageError D607 when it holds something else.
    """
    with disk.refusals():
        disk.make_folder(folder)
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnreachableError("S445", folder.name) from None
        names = {path.name for path in folder.iterdir()}
        if names and not names & {WORK, state.FILE, seal.FILE}:
            raise UsageError("D607", folder.name)
        yield
    finally:
        os.close(handle)


def begin(folder: Path, taken: State, catalog: Catalog) -> None:
    """Make the folder ready for the chunks of the state `taken`; what an earlier run has written is kept for it.

    Raises IntegrityError D653 when that was of another source, catalog or plan, D652, OSError.
    """
    work = folder / WORK
    disk.make_folder(work)
    for part in work.glob("*.part"):
        part.unlink()
    if (folder / state.FILE).exists():
        before = state.decode((folder / state.FILE).read_bytes())
        if (before.identity.engine, before.identity.name) != (taken.identity.engine, taken.identity.name):
            raise IntegrityError("D653", f"{before.identity.engine} {before.identity.name}")
        expect(before, taken.catalog, taken.tables)
        if before.identity.token and before.identity.token == taken.identity.token:
            return
        journal.set_aside(folder, work)
    disk.replace(folder / CATALOG, catalog_file.encode(catalog))
    disk.replace(folder / README, readme.text())
    disk.replace(folder / state.FILE, state.encode(taken))


def expect(before: State, catalog: str, tables: tuple[FrozenTable, ...]) -> None:
    """Raises IntegrityError D653 unless a state is of the catalog with this digest, and its tables were read so."""
    if before.catalog != catalog:
        raise IntegrityError("D653", "its catalog is another")
    if before.tables != tables:
        raise IntegrityError("D653", "its tables or their chunks are others")


def tidy(folder: Path) -> None:
    """Remove what a finished freeze does not need. Raises OSError."""
    if (folder / WORK).exists():
        shutil.rmtree(folder / WORK)
