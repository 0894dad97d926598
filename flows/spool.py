"""The spool: the folders `outbox/`, `inbox/` and `quarantine/` of a home.

A package lies in `outbox/` from when it is sealed, so that the same bytes can be posted again at any time; in `inbox/`
from when it is fetched until it is settled. Files are flushed to disk before the ledger says that they are
there.
"""

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from formats.digest import sha256
from formats.errors import IntegrityError


def write(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write files (name, bytes) durably: all are flushed, and the folder, when this returns. Replaces atomically.

    Several processes may write the same name at once: each has a `.part` of its own, and the last one stays.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    staged = []
    for name, data in files:
        part = folder / f"{name}.{uuid4().hex}.part"
        with part.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        staged.append((part, folder / name))
    for part, final in staged:
        part.replace(final)
    if staged:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read(folder: Path, name: str, digest: str) -> bytes:
    """The file's bytes. Raises IntegrityError A501 (gone) or A502 (not the bytes that were sealed)."""
    try:
        data = (folder / name).read_bytes()
    except OSError:
        raise IntegrityError("A501", name) from None
    if sha256(data) != digest:
        raise IntegrityError("A502", name)
    return data


def remove(folder: Path, names: Iterable[str]) -> None:
    """Remove files that are no longer needed; what is gone already is fine."""
    for name in names:
        (folder / name).unlink(missing_ok=True)


def sweep(folder: Path, keep: Collection[str], before: float) -> None:
    """Remove files whose names are not among `keep` and that were last changed before this (seconds since 1970)."""
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):  # another process may take a file away while we look
            if path.name not in keep and path.stat().st_mtime < before:
                path.unlink()
