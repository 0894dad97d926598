"""`jiexu migrate home`: the archive's files to another storage, a signed statement beside them, and the switch.

What belongs to one moment is done while nobody can keep or seal: the statement is written, the old folder is left
(`archive.relocating.leave`), the setting changed. Killed between the last two, every command says with S401 where the
archive is, and the same call again changes the setting alone.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from stat import S_IMODE
from typing import Final

from archive import relocating
from archive.entries import canonical
from archive.flushing import disk
from archive.relocating import Home, Relocated
from archive.segments.files import moved_to
from flows import settings as settings_module
from flows.private import replace_whole
from flows.relocation_words import next_steps
from flows.steps import Steps, quiet
from flows.storage_setting import settled
from flows.times import utc_text
from flows.wiring import Office
from formats.digest import sha256
from transfer import detached

STATEMENT: Final = "relocation.json"
SIGNATURE: Final = "relocation.json.sig"
SUMS: Final = "relocation.sha256"
FORMAT: Final = "jiexu-relocation-1"


@dataclass(frozen=True, slots=True)
class HomeReport:
    """An archive in two places: folders, files, bytes, the root of both; `written`, `removed` are of this run.

    `statement` is the file that says so, signed with the office's key; `switched` whether the setting names the new
    folder now; `next` what is to be done, in the office's language.
    """

    old: str
    new: str
    files: int
    bytes: int
    written: int
    removed: int
    root: str
    statement: str
    switched: bool
    next: tuple[str, ...]


def relocate(
    office: Office, to: Path, who: str, at: datetime, *, workers: int = 1, switch: bool = False, steps: Steps = quiet
) -> HomeReport:
    """Copy the archive into `to`/archive, compare, state it, and with `switch` use it from now on.

    Raises as `archive.relocating.relocate`; UsageError S401 (`to` is no folder), S408 (the office's key).
    """
    old, new = office.archive, relocating.place(to)
    if switch and moved_to(old) == str(new):  # killed just before the setting was changed
        _settle(office, new)
        return _told(office, to, old, new)
    home = Home(office.ledger, old, office.code)
    key = office.key  # a passphrase that is wrong is found before hours of copying

    def finish(found: Relocated) -> None:
        """Nobody keeps or seals now."""
        text = canonical(
            {
                "format": FORMAT,
                "office": office.code,
                "old": str(found.old.resolve()),
                "new": str(found.new),
                "files": found.files,
                "bytes": found.bytes,
                "root": found.root,
                "sums": sha256(found.sums.encode("utf-8", "surrogateescape")),
                "at": utc_text(at),
                "by": who,
                "key": key.fingerprint,
                "journal": office.checkpoint(at),
            }
        ).encode()
        _put(new.parent / SUMS, found.sums.encode("utf-8", "surrogateescape"))
        _put(new.parent / STATEMENT, text)
        _put(new.parent / SIGNATURE, detached.sign(text, key, at))
        steps("stated", 1)
        if switch:
            relocating.leave(old, new)
            steps("left", 1)
            _settle(office, new)
            steps("switched", 1)

    found = relocating.relocate(home, new, at, who=who, workers=workers, steps=steps, finish=finish)
    return _report(office, to, found, switched=switch)


def _settle(office: Office, new: Path) -> None:
    """The setting, in the place of the one before; then the new folder is nobody's copy any more."""
    file = office.settings.home / settings_module.FILE
    with disk():
        text, mode = file.read_text(encoding="utf-8"), S_IMODE(file.stat().st_mode)
    _put(file, settled(text, archive=str(new)).encode(), mode)
    with disk():
        relocating.marker(new).unlink(missing_ok=True)


def _put(path: Path, data: bytes, mode: int = 0o600) -> None:
    """A file whole and flushed, in the place of the one that was there. Raises UnreachableError S416."""
    with disk():
        replace_whole(path, data, mode)


def _report(office: Office, to: Path, found: Relocated, *, switched: bool) -> HomeReport:
    old, new = str(found.old), str(found.new)
    return HomeReport(
        old=old,
        new=new,
        files=found.files,
        bytes=found.bytes,
        written=found.written,
        removed=found.removed,
        root=found.root,
        statement=str(found.new.parent / STATEMENT),
        switched=switched,
        next=next_steps(switched=switched, to=str(to), old=old, new=new, language=office.settings.language),
    )


def _told(office: Office, to: Path, old: Path, new: Path) -> HomeReport:
    """The report of a switch that was gone on with, by the statement of the run that was killed."""
    with disk():
        said = json.loads((new.parent / STATEMENT).read_text(encoding="utf-8"))
    found = Relocated(old, new, said["files"], said["bytes"], 0, 0, said["root"], "")
    return _report(office, to, found, switched=True)
