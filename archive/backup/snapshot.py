"""A snapshot: the signed list of everything that one backup consists of.

The list is text: a first line of JSON about the backup (office, time, where the journal ended, the newest checkpoint,
what could not be copied because it was damaged), then one line of JSON a file. It is signed with the journal's key as a
C2SP signed note, and written last: a backup that was killed has no list, and is none.

A file has a `path`, where it belongs in the home, and a `name`, where it lies at the place. They differ where the same
bytes belong to two paths, or where a name was taken by other bytes of an earlier time.
"""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from archive.backup.place import Place, check_name
from archive.checkpoints import JournalKey, open_text, sign_text
from formats.digest import sha256
from formats.errors import IntegrityError

FORMAT = 1
LEDGER, LEDGER_KEY, HOME, HOME_KEY = "ledger", "ledger.key", "home", "home.key"  # paths that are no paths of the home

_NOTES = "snapshots/"
_TIME = "%Y%m%dT%H%M%SZ"
_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}")
_LONGEST = 256 << 20  # bytes; a list of a million files has about that much
_STORED = ("archive", "inbox", "quarantine")


class File(NamedTuple):
    """One file: `sha512` is empty where the archive itself does not name it; `verified` is UTC text."""

    path: str
    name: str
    size: int
    sha256: str
    sha512: str
    verified: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one backup consists of. `entries` and `root` are the journal's end; `rows` is the SHA-256 of the dump."""

    id: str
    office: str
    at: str
    entries: int
    root: str
    checkpoint: str
    rows: str
    files: tuple[File, ...]
    damaged: tuple[tuple[str, str], ...] = ()

    def file(self, path: str) -> File:
        """The file with this path. Raises IntegrityError A512."""
        found = next((item for item in self.files if item.path == path), None)
        if found is None:
            raise IntegrityError("A512", f"snapshot {self.id} has no {path}")
        return found

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(item.size for item in self.files)


def note_name(snapshot: str) -> str:
    """Where the signed list of a snapshot lies. Raises IntegrityError A512 for what is no snapshot's id."""
    if not _ID.fullmatch(snapshot):
        raise IntegrityError("A512", f"{snapshot!r} is no snapshot")
    return f"{_NOTES}{snapshot}.note"


def listed(place: Place) -> tuple[str, ...]:
    """The ids of all snapshots at the place, the oldest first; their lists are not looked at."""
    found = (name.removeprefix(_NOTES).removesuffix(".note") for name, _ in place.names(_NOTES))
    return tuple(sorted(name for name in found if _ID.fullmatch(name)))


def newest(place: Place) -> str:
    """The id of the newest snapshot. Raises IntegrityError A512 when there is none."""
    found = listed(place)
    if not found:
        raise IntegrityError("A512", "there is no snapshot at this place")
    return found[-1]


def next_name(place: Place, at: datetime) -> str:
    """An id for a new snapshot: the time, but always later than the newest there, whatever the clocks say."""
    stamp = at.astimezone(UTC).replace(microsecond=0)
    found = listed(place)
    if found:
        with suppress(ValueError, OverflowError):  # a name that is no time was not given here
            before = datetime.strptime(found[-1].partition("-")[0], _TIME).replace(tzinfo=UTC)
            stamp = max(stamp, before + timedelta(seconds=1))
    return f"{stamp.strftime(_TIME)}-{secrets.token_hex(2)}"


def signed(snapshot: Snapshot, key: JournalKey) -> bytes:
    """The signed list of a snapshot."""
    head: dict[str, Any] = {
        "format": FORMAT,
        "snapshot": snapshot.id,
        "office": snapshot.office,
        "at": snapshot.at,
        "entries": snapshot.entries,
        "root": snapshot.root,
        "checkpoint": snapshot.checkpoint,
        "rows": snapshot.rows,
        "damaged": snapshot.damaged,
        "files": len(snapshot.files),
    }
    lines: list[Mapping[str, Any] | tuple[Any, ...]] = [head, *snapshot.files]
    return sign_text("".join(f"{_line(value)}\n" for value in lines), key).encode()


def read_note(place: Place, snapshot: str) -> bytes:
    """The bytes of a snapshot's signed list, not checked yet. Raises IntegrityError A512, UnreachableError."""
    held = bytearray()
    for piece in place.read(note_name(snapshot)):
        held += piece
        if len(held) > _LONGEST:
            raise IntegrityError("A512", f"the list of snapshot {snapshot} is too long")
    return bytes(held)


def opened(note: bytes, snapshot: str, verifier: str) -> Snapshot:
    """The snapshot whose list this is. Raises IntegrityError A512: not signed with this key, not a list, another's."""
    try:
        text = open_text(note.decode(), verifier)
    except (IntegrityError, UnicodeDecodeError):
        raise IntegrityError("A512", f"the signature of snapshot {snapshot} does not hold") from None
    return _checked(text, snapshot)


def unproved(note: bytes, snapshot: str) -> Snapshot:
    """The snapshot that a list speaks of, whoever wrote it: only to find the key in it that may prove it.

    Raises IntegrityError A512.
    """
    try:
        text = note.decode().rpartition("\n\n")[0]
    except UnicodeDecodeError:
        raise IntegrityError("A512", f"the list of snapshot {snapshot} cannot be read") from None
    return _checked(text + "\n", snapshot)


def digest(note: bytes) -> str:
    """What the ledger remembers of a snapshot."""
    return sha256(note)


def _line(value: Mapping[str, Any] | tuple[Any, ...]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _checked(text: str, snapshot: str) -> Snapshot:
    try:
        found = _parsed(text)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise IntegrityError("A512", f"the list of snapshot {snapshot} cannot be read") from None
    if found.id != snapshot:
        raise IntegrityError("A512", f"the list of snapshot {snapshot} is that of another")
    return found


def _parsed(text: str) -> Snapshot:
    first, *rest = text.removesuffix("\n").split("\n")
    head = json.loads(first)
    files = tuple(_files(rest))
    if head["format"] != FORMAT or head["files"] != len(files):
        raise ValueError
    return Snapshot(
        id=str(head["snapshot"]),
        office=str(head["office"]),
        at=str(head["at"]),
        entries=int(head["entries"]),
        root=str(head["root"]),
        checkpoint=str(head["checkpoint"]),
        rows=str(head["rows"]),
        files=files,
        damaged=tuple((str(code), str(path)) for code, path in head["damaged"]),
    )


def _files(lines: list[str]) -> Iterator[File]:
    for line in lines:
        path, name, size, first, second, verified = json.loads(line)
        file = File(str(path), check_name(str(name)), int(size), str(first), str(second), str(verified))
        if file.path not in (LEDGER, LEDGER_KEY, HOME, HOME_KEY):
            _check_path(file.path)
        yield file


def _check_path(path: str) -> None:
    """A list must not write outside the home's archive and spool, even if who signed it wanted to."""
    steps = PurePosixPath(path).parts
    if len(steps) < 2 or steps[0] not in _STORED or ".." in steps or path != "/".join(steps):
        raise ValueError
