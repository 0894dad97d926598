"""Restore: from a place and one secret key to a home, every byte held against the signed list on its way.

The home is put together in a folder beside it, `.<name>.restoring`, and renamed when it is complete and flushed; so a
restore that is killed leaves no home. Run again it goes on: what is in that folder already and holds is not fetched
again. The ledger is made anew each time; one at a URL elsewhere is filled in one transaction.
"""

import hashlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, func, select

from archive import counters, journal
from archive.backup import cipher, dump, home_files, snapshot
from archive.backup.backing import home_name, ledger_name
from archive.backup.place import PIECE, Place
from archive.backup.snapshot import HOME, HOME_KEY, LEDGER, LEDGER_KEY, File, Snapshot
from archive.flushing import disk, flush, make_folder, write_all
from archive.journal import Entry
from archive.ledger import Ledger
from archive.segments import keys
from archive.segments.keys import KeyWrap
from archive.tables import cases, originals, utc_text
from archive.tables import journal as entries
from formats.errors import IntegrityError, UsageError

VERIFIER = "keys/journal.vkey"  # the path in the home of the journal's public line

Steps = Callable[[str, int], None]

_APART = (LEDGER, LEDGER_KEY, HOME, HOME_KEY)


@dataclass(frozen=True, slots=True)
class Opened:
    """A snapshot whose signature holds, and the public line that proved it; `own` when that came from the backup."""

    snapshot: Snapshot
    verifier: str
    own: bool


def open_snapshot(place: Place, name: str, wrap: KeyWrap, verifier: str = "") -> Opened:
    """Open a snapshot, the newest when `name` is empty.

    Without a verifier the one in the backup is used: then the list proves only that whoever could encrypt to the
    archive's key made it, and a person should compare the line with one kept elsewhere. Raises IntegrityError A509,
    A512; UnreachableError.
    """
    chosen = name or snapshot.newest(place)
    note = snapshot.read_note(place, chosen)
    if verifier:
        return Opened(snapshot.opened(note, chosen, verifier), verifier, own=False)
    home = read_home(place, snapshot.unproved(note, chosen), wrap)
    try:
        line = home[VERIFIER].decode().strip()
    except (KeyError, UnicodeDecodeError):
        raise IntegrityError("A512", f"snapshot {chosen} has no {VERIFIER}") from None
    return Opened(snapshot.opened(note, chosen, line), line, own=True)


def read(place: Place, file: File) -> Iterator[bytes]:
    """The file in pieces. Raises IntegrityError A512 behind the last piece when it is not what the list says."""
    size, hashed = 0, sha256()
    for piece in place.read(file.name):
        size += len(piece)
        if size > file.size:
            break
        hashed.update(piece)
        yield piece
    if (size, hashed.hexdigest()) != (file.size, file.sha256):
        raise IntegrityError("A512", f"{file.name} is not what the signed list says")


def read_home(place: Place, found: Snapshot, wrap: KeyWrap) -> dict[str, bytes]:
    """The small files of the home by path. Raises IntegrityError A509, A512."""
    encrypted = b"".join(read(place, found.file(HOME)))
    key = keys.opened(wrap, b"".join(read(place, found.file(HOME_KEY))))
    return home_files.unpack(b"".join(cipher.decrypt(key, home_name(found.id), [encrypted])))


class Dump:
    """A snapshot's ledger, fetched once and read as often as one likes."""

    def __init__(self, held: BinaryIO, key: bytes, name: str) -> None:
        """`held` is the encrypted dump, checked already."""
        self._held, self._key, self._name = held, key, name

    def pieces(self) -> Iterator[bytes]:
        """The plain dump. Raises IntegrityError A512."""
        self._held.seek(0)
        unpacker = zlib.decompressobj()
        try:
            for piece in cipher.decrypt(self._key, self._name, iter(lambda: self._held.read(PIECE), b"")):
                yield unpacker.decompress(piece)
        except zlib.error:
            raise IntegrityError("A512", "the ledger's dump cannot be decompressed") from None
        if not unpacker.eof:
            raise IntegrityError("A512", "the ledger's dump was cut off")

    def rows(self, *tables: str) -> Iterator[dump.Row]:
        """The rows of these tables, in the order of the dump. Raises IntegrityError A512, UsageError S410."""
        return dump.rows(self.pieces(), tables)


@contextmanager
def fetched_dump(place: Place, found: Snapshot, wrap: KeyWrap, folder: Path) -> Iterator[Dump]:
    """The ledger of a snapshot, in a file without a name in this folder. Raises IntegrityError A509, A512."""
    key = keys.opened(wrap, b"".join(read(place, found.file(LEDGER_KEY))))
    with tempfile.TemporaryFile(dir=folder) as held:
        with disk():
            for piece in read(place, found.file(LEDGER)):
                held.write(piece)
        yield Dump(held, key, ledger_name(found.id))


@contextmanager
def staging(home: Path, name: str) -> Iterator[Path]:
    """The folder in which the home is put together; it stays when the block fails, for the next run.

    Raises UsageError S414 when there is a home already, UnreachableError S416.
    """
    refuse_taken(home)
    stage = home.with_name(f".{home.name}.restoring")
    mark = stage / "snapshot"
    with disk():
        if not mark.is_file() or mark.read_text(encoding="ascii") != name:
            if stage.exists():
                remove_tree(stage)
            make_folder(stage)
            mark.write_text(name, encoding="ascii")
    yield stage / "home"


def fetch_files(place: Place, found: Snapshot, home: Path, steps: Steps = lambda _name, _count: None) -> None:
    """Bring every file of the archive and the spool into the home; `steps("restored", n)` is told after each.

    Raises IntegrityError A512, UnreachableError.
    """
    wanted = [file for file in found.files if file.path not in _APART]
    for file in wanted:
        fetch(place, file, home / file.path)
        steps("restored", 1)


def fetch(place: Place, file: File, target: Path) -> None:
    """One file, checked, flushed and renamed to its path; one that is there and holds is left alone.

    Raises IntegrityError A512, UnreachableError.
    """
    with disk():
        make_folder(target.parent)
        if target.is_file() and target.stat().st_size == file.size and file_digest(target) == file.sha256:
            return
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for piece in read(place, file):
                write_all(handle, piece)
            os.fchmod(handle, 0o400 if "/ocfl/" in f"/{file.path}" else 0o600)
            os.fsync(handle)
        finally:
            os.close(handle)
        part.rename(target)
        flush(target.parent)


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file of this machine. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def put_home(home: Path, files: Mapping[str, bytes]) -> None:
    """Write the small files of the home, for this account alone. Raises UnreachableError S416."""
    with disk():
        for path, data in files.items():
            make_folder((home / path).parent)
            handle = os.open(home / path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                write_all(handle, data)
                os.fsync(handle)
            finally:
                os.close(handle)
            flush((home / path).parent)


def fill_ledger(url: str, found: Snapshot, dumped: Dump, at: datetime, who: str) -> None:
    """Make the ledger at this URL that of the snapshot, with an entry `restored` behind its last; in one transaction.

    Its counters are moved on, so that no number is given out twice (`counters.move_on`).
    A ledger that an interrupted restore of this very snapshot filled is left as it is. Raises UsageError S401, S410,
    S414 (the ledger holds something); IntegrityError A512 (it does not come out as it was); UnreachableError S409.
    """
    with _made(url) as ledger, ledger.writing() as connection:
        if not dump.is_empty(connection):
            if _is_restored(connection, found):
                return
            raise UsageError("S414", "the ledger")
        dump.load(connection, dumped.pieces())
        hashed = sha256()
        for line in dump.lines(connection):
            hashed.update(line)
        if hashed.hexdigest() != found.rows:
            raise IntegrityError("A512", "the restored ledger is not the one that was backed up")
        what: dict[str, str | int] = {"snapshot": found.id, "cases": _count(connection, cases)}
        what["originals"] = _count(connection, originals)
        counters.move_on(connection, found.office, at.year)
        how = (
            "every file and row held against the signed list; since the lost office may have used numbers after the "
            f"snapshot, sequence numbers were moved on by {counters.SEQUENCES}, case numbers of {at.year} by up to "
            f"{counters.SERIALS}"
        )
        journal.append(connection, Entry(utc_text(at), "restored", what, "lost or damaged (art. 9)", how, who))


def fresh_ledger(home: Path) -> str:
    """The URL of a SQLite ledger in the staged home, whatever an interrupted run left of it removed."""
    with disk():
        make_folder(home)
        for file in home.glob("ledger.db*"):
            file.unlink()
    return f"sqlite:///{home / 'ledger.db'}"


def move_in(stage: Path, home: Path) -> None:
    """Give the staged home its name: before it was not there at all, after it is there whole.

    Raises UsageError S414 when somebody else made a home meanwhile; UnreachableError S416.
    """
    refuse_taken(home)
    with disk():
        for folder, _, files in os.walk(stage):
            for name in files:
                flush(Path(folder) / name)
            flush(Path(folder))
        make_folder(home.parent)
        stage.rename(home)
        flush(home.parent)
        remove_tree(stage.parent)
        flush(home.parent)


def refuse_taken(home: Path) -> None:
    """Raises UsageError S414 when there is anything at the home."""
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise UsageError("S414", str(home))


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, also what nobody may write to. Raises OSError."""
    shutil.rmtree(folder)


@contextmanager
def _made(url: str) -> Iterator[Ledger]:
    """The ledger at the URL, made when there is none."""
    try:
        ledger = Ledger.create(url)
    except UsageError as error:
        if error.code != "S414":
            raise
        ledger = Ledger.open(url)
    with ledger:
        yield ledger


def _is_restored(connection: Connection, found: Snapshot) -> bool:
    """Whether the journal goes on behind the snapshot's end with its restore, and nothing else."""
    wanted = select(entries.c.kind, entries.c.what).where(entries.c.n == found.entries + 1)
    row = connection.execute(wanted).first()
    return row is not None and row.kind == "restored" and f'"{found.id}"' in row.what


def _count(connection: Connection, table: Any) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
