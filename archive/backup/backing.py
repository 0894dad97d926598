"""The backup: everything that the ledger's view of one moment needs, brought to another place and read back from there.

1. the ledger is dumped in one view, compressed and encrypted under a key of its own
2. the files that this view needs are brought over, but for those that an earlier snapshot has; each is read back
3. older files are read again, those first that were read longest ago, as long as the time lasts
4. the signed list is written, last of all, and read back: only now there is a snapshot
5. the ledger remembers the backup, and the signed head that went with it

What is damaged here is not copied as if it were good: it is left out, named in the list and in the report, and the
earlier snapshots keep what they have. A backup that is killed leaves files and no snapshot; the next one uses them.
"""

import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import BinaryIO

from sqlalchemy import insert as plain_insert

from archive import journal
from archive.backup import cipher, dump, home_files, snapshot, sources
from archive.backup.place import PIECE, Place
from archive.backup.snapshot import HOME, HOME_KEY, LEDGER, LEDGER_KEY, File, Snapshot
from archive.backup.sources import Source, Wanted
from archive.backup.view import View, look
from archive.backup.writing import Writer
from archive.checkpoints import Checkpoint, JournalKey, sign
from archive.journal import Entry
from archive.ledger import insert
from archive.segments import keys
from archive.segments.files import held
from archive.segments.layout import Layout
from archive.tables import utc_text
from archive.upkeep_tables import backups, checkpoints
from formats.errors import IntegrityError

ROLLING = timedelta(minutes=5)  # how long older files are read again, unless told otherwise

_ROUNDS = 3  # so often begun anew because the archive was changed underneath
_DAMAGE = ("A501", "A502", "A506", "A508")

Steps = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup did.

    `files` and `bytes` are those of the snapshot, `written` and `written_bytes` what this run brought over, `verified`
    the files read back from the place in this run, `healed` copies there that were damaged and replaced, `damaged`
    what could not be copied because it is damaged here (code, path).
    """

    snapshot: str
    files: int
    bytes: int
    written: int
    written_bytes: int
    verified: int
    healed: tuple[str, ...]
    damaged: tuple[tuple[str, str], ...]
    digest: str


def back_up(
    source: Source,
    place: Place,
    key: JournalKey,
    at: datetime,
    *,
    named: str,
    budget: timedelta | None = ROLLING,
    who: str = "service",
    steps: Steps = lambda _name, _count: None,
) -> BackupReport:
    """Make a backup; `named` is the place without user and password, `budget` None reads everything there again.

    `steps("copied", n)` is told after each file. Raises IntegrityError A511 (the place does not give back what was
    written: there is no snapshot), A512; UnreachableError S404, S407, S409, S416, S445 (another backup is under way).
    """
    with held(Layout(source.archive, source.office).backup_lock, wait=False):
        earlier = _earlier(place, key)
        for _ in range(_ROUNDS):
            made, writer, note, changed = _attempt(source, place, key, at, earlier, budget, steps)
            if not changed:
                break
        _write_note(place, made.id, note)
    _remember(source, made, note, at, named, who)
    return BackupReport(
        snapshot=made.id,
        files=len(made.files),
        bytes=made.bytes,
        written=writer.written + 1,
        written_bytes=writer.bytes + len(note),
        verified=sum(file.verified == made.at for file in made.files),
        healed=tuple(writer.healed),
        damaged=made.damaged,
        digest=snapshot.digest(note),
    )


def _earlier(place: Place, key: JournalKey) -> dict[str, File]:
    """The files of the newest snapshot whose list holds, by path."""
    for name in reversed(snapshot.listed(place)):
        try:
            found = snapshot.opened(snapshot.read_note(place, name), name, key.verifier)
        except IntegrityError:
            continue  # a list that was damaged at the place is no reason not to make a new backup
        return {file.path: file for file in found.files}
    return {}


def _attempt(
    source: Source,
    place: Place,
    key: JournalKey,
    at: datetime,
    earlier: dict[str, File],
    budget: timedelta | None,
    steps: Steps,
) -> tuple[Snapshot, Writer, bytes, bool]:
    """Bring everything over but the list; also says whether what could not be copied was changed meanwhile."""
    now = utc_text(at)
    name = snapshot.next_name(place, at)
    writer = Writer(place, earlier, now)
    with tempfile.TemporaryFile(dir=source.archive) as held:
        view, rows, ledger_key = _dumped(source, name, held)
        files, damaged = _copied(writer, sources.wanted(source, view), steps)
        files = writer.verify(files, budget)
        for wanted in _sealed(source, name, held, ledger_key):
            files[wanted.path] = writer.put(wanted)
            steps("copied", 1)
    checkpoint = sign(Checkpoint(key.name, view.entries, view.root), key)
    made = Snapshot(
        name, source.office, now, view.entries, view.root, checkpoint, rows, tuple(files.values()), tuple(damaged)
    )
    return made, writer, snapshot.signed(made, key), bool(damaged) and _has_changed(source, view)


def _copied(
    writer: Writer, wanted: Iterable[Wanted | IntegrityError], steps: Steps
) -> tuple[dict[str, File], list[tuple[str, str]]]:
    files: dict[str, File] = {}
    damaged: list[tuple[str, str]] = []
    for item in wanted:
        try:
            if isinstance(item, IntegrityError):
                raise item
            files[item.path] = writer.put(item)
        except IntegrityError as error:
            if error.code not in _DAMAGE:
                raise
            damaged.append((error.code, error.detail))
        steps("copied", 1)
    return files, damaged


def _dumped(source: Source, name: str, held: BinaryIO) -> tuple[View, str, bytes]:
    """Dump the ledger into a file without a name; gives the view, the SHA-256 of the plain dump, and the key."""
    key, hashed = cipher.new_key(), sha256()

    def seen(lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            hashed.update(line)
            yield line

    with source.ledger.reading() as connection:
        view = look(connection)
        held.writelines(cipher.encrypt(key, ledger_name(name), _compressed(seen(dump.lines(connection)))))
    return view, hashed.hexdigest(), key


def ledger_name(name: str) -> str:
    """Where the ledger of a snapshot lies, and what its cipher is bound to."""
    return f"ledger/{name}.jsonl.z.enc"


def home_name(name: str) -> str:
    """Where the home's small files of a snapshot lie, and what their cipher is bound to."""
    return f"home/{name}.tar.enc"


def _compressed(lines: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj()
    for line in lines:
        if packed := packer.compress(line):
            yield packed
    yield packer.flush()


def _sealed(source: Source, name: str, held: BinaryIO, ledger_key: bytes) -> Iterator[Wanted]:
    """The ledger's dump and the home's files, encrypted, and the wrapped key of each."""
    home_key = cipher.new_key()
    home = b"".join(cipher.encrypt(home_key, home_name(name), [home_files.pack(source.home)]))
    wrapped_ledger, wrapped_home = keys.wrapped(source.wrap, ledger_key), keys.wrapped(source.wrap, home_key)

    def ledger() -> Iterator[bytes]:
        held.seek(0)
        while piece := held.read(PIECE):
            yield piece

    yield Wanted(LEDGER, ledger_name(name), "", "", ledger)
    yield Wanted(LEDGER_KEY, f"ledger/{name}.key.pgp", "", "", lambda: iter([wrapped_ledger]))
    yield Wanted(HOME, home_name(name), "", "", lambda: iter([home]))
    yield Wanted(HOME_KEY, f"home/{name}.key.pgp", "", "", lambda: iter([wrapped_home]))


def _has_changed(source: Source, view: View) -> bool:
    with source.ledger.reading() as connection:
        return look(connection).segments != view.segments


def _write_note(place: Place, name: str, note: bytes) -> None:
    """Raises IntegrityError A511: a list that does not come back is taken away again."""
    place.write(snapshot.note_name(name), [note])
    try:
        same = snapshot.read_note(place, name) == note
    except IntegrityError:
        same = False
    if not same:
        place.remove(snapshot.note_name(name))
        raise IntegrityError("A511", snapshot.note_name(name))


def _remember(source: Source, made: Snapshot, note: bytes, at: datetime, named: str, who: str) -> None:
    now, hashed = utc_text(at), snapshot.digest(note)
    told: dict[str, str | int] = {"place": named, "snapshot": made.id, "digest": hashed}
    told |= {"files": len(made.files), "bytes": made.bytes}
    head = {"size": made.entries, "root": made.root, "at": now, "note": made.checkpoint}
    with source.ledger.writing() as connection:
        journal.lock(connection)
        connection.execute(plain_insert(backups), {"at": now, **told})
        connection.execute(insert(connection, checkpoints).on_conflict_do_nothing(), head)
        how = "copied to another place, read back and compared"
        journal.append(connection, Entry(now, "backed-up", told, "kept against loss (art. 9)", how, who))
