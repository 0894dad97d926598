"""The spool: the folders `inbox/` and `quarantine/` of an office, each with whole packages in it.

A package lies in `inbox/` from when it is fetched until it is settled. A file is named by the digest of its bytes, so
that nothing ever takes another's place, and flushed to disk before the ledger says that it is there.
"""

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from formats.digest import sha256
from formats.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class Spool:
    """One of the folders. Packages are known by their SHA-256 in lower-case hex."""

    folder: Path

    def write(self, packages: Iterable[bytes]) -> None:
        """Write packages durably: all are flushed, and the folder, when this returns. One that is there is replaced.

        Several processes may write the same package at once: each has a `.part` of its own.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = []
        for package in packages:
            final = self.path(sha256(package))
            part = final.with_suffix(f".{uuid4().hex}.part")
            with part.open("wb") as out:
                out.write(package)
                out.flush()
                os.fsync(out.fileno())
            staged.append((part, final))
        for part, final in staged:
            part.replace(final)
        if staged:
            self._flush()

    def read(self, digest: str) -> bytes:
        """The package. Raises IntegrityError A501 (gone) or A502 (other bytes)."""
        try:
            package = self.path(digest).read_bytes()
        except OSError:
            raise IntegrityError("A501", self._named(digest)) from None
        if sha256(package) != digest:
            raise IntegrityError("A502", self._named(digest))
        return package

    def has(self, digest: str) -> bool:
        """Whether there is a file for this package."""
        return self.path(digest).exists()

    def remove(self, digests: Iterable[str]) -> None:
        """Remove packages that are no longer needed; what is gone already is fine."""
        for digest in digests:
            self.path(digest).unlink(missing_ok=True)

    def sweep(self, keep: Collection[str], before: float) -> None:
        """Remove files of other packages than `keep` that were last changed before this time (seconds since 1970)."""
        kept = {self.path(digest) for digest in keep}
        for path in self.folder.glob("*"):
            with suppress(FileNotFoundError):  # another process may take a file away while we look
                if path not in kept and path.stat().st_mtime < before:
                    path.unlink()

    def path(self, digest: str) -> Path:
        """Where this package lies, or would."""
        return self.folder / f"{digest}.pgp"

    def _named(self, digest: str) -> str:
        return f"{self.folder.name}/{digest}.pgp"

    def _flush(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
