"""The folder of one migration: everything that belongs to it, and from which it goes on after any interruption.

    run.json          what was asked for, and how long each phase has taken (mode 0600: an address may hold a password)
    mapping.toml      the mapping file as it was given, and the files that it names
    catalog.json      the survey; surveyed.txt says of which state of the source, where that can be known
    oddities.csv      what the survey found in values, with keys (0600)
    faults.csv        of legacy files: every cell that can't be read, by file and record (0600)
    plan.json  plan.txt  plan.sql        the plan: for machines, for people, the target's statements
    freeze/           the kept original
    steps.jsonl       which of the plan's statements were run
    alterations.csv   every cell that a declared rule altered (0600); alterations.json says by what; unlisted.csv
    differences.csv   every difference that the last comparison found (0600); drift.csv those of the source
    recheck/          what the last check of the proof found
    proof.json  proof.json.sig  proof.html

The folder's own name is the operator's; inside it no name says anything of a person.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Final

from formats.errors import UnreachableError, UsageError
from migration import json_values
from migration.proof import Phase

FORMAT: Final = "urn:jiexu:migration:run:1"

_FILE: Final = "run.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: a random run id, the two environments as they were given, by whom, when (UTC text).

    `target` is empty for a freeze alone. `phases` is how long each phase has taken so far.
    """

    run: str
    source: str
    target: str
    by: str
    began: str
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one migration. Values of paths; nothing is opened."""

    path: Path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @property
    def freeze(self) -> Path:
        """Where the freeze lies."""
        return self.path / "freeze"

    def asked(self) -> Asked:
        """What was asked for. Raises UsageError D607 when the folder is not one of a migration."""
        try:
            return json_values.decode(FORMAT, Asked, (self.path / _FILE).read_bytes())
        except (OSError, ValueError):
            raise UsageError("D607", f"{self.path.name} is not the folder of a migration") from None

    def write(self, name: str, data: bytes) -> None:
        """Write one file whole, for this user only: the old one stands until the new one is on the disk."""
        part = self.path / f"{name}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        part.replace(self.path / name)

    @contextmanager
    def held(self) -> Iterator[int]:
        """The folder for this process alone, and for those that it hands the lock's open handle, which it is given.

        Raises UnreachableError S445 when another one is at work in it.
        """
        handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield handle
        except BlockingIOError:
            raise UnreachableError("S445", self.path.name) from None
        finally:
            os.close(handle)

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Count the time of the block as this phase's, also when the block fails."""
        began = monotonic()
        try:
            yield
        finally:
            asked = self.asked()
            before = {one.name: one.milliseconds for one in asked.phases}
            spent = before.get(phase, 0) + round((monotonic() - began) * 1000)
            phases = tuple(Phase(name, count) for name, count in {**before, phase: spent}.items())
            self._keep(replace(asked, phases=phases))

    def _keep(self, asked: Asked) -> None:
        self.write(_FILE, json_values.encode(FORMAT, asked))


def begin(path: Path, source: str, target: str, by: str, began: str) -> Folder:
    """The folder of a migration from `source` to `target`: made, or gone on with when it is this very one.

    Raises UsageError D607 when the folder holds another migration or something else.
    """
    folder = Folder(path)
    if (path / _FILE).exists():
        asked = folder.asked()
        if asked.source != source or (asked.target and target and asked.target != target):
            raise UsageError("D607", f"{path.name} is the folder of another migration")
        if target and not asked.target:
            folder._keep(replace(asked, target=target))  # noqa: SLF001 - the same module
        return folder
    if path.exists() and any(path.iterdir()):
        raise UsageError("D607", f"{path.name} is not empty")
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    folder._keep(Asked(secrets.token_hex(8), source, target, by, began))  # noqa: SLF001
    return folder
