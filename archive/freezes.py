"""Freezes among the originals: the kept original data of a migration (art. 9, no. 4), a file or a part of one each.

A freeze is a folder of files, known here by its digest alone. Its files are originals of the office, of no case: their
rows in the register have the kind `frozen` and the message id `<digest of the freeze>:<name>#<part>`. A file of more
than 64 MiB is kept in parts, since an original is read whole.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final

from sqlalchemy import func, select

from archive import journal, registry
from archive.journal import Entry
from archive.ledger import Ledger
from archive.originals import Kept
from archive.segments.store import SegmentOriginals
from archive.tables import OUT, originals, utc_text
from formats.errors import IntegrityError, UsageError

FROZEN: Final = "frozen"

_PART: Final = 64 * 2**20
_BATCH: Final = 64 * 2**20
_WHY: Final = "the source of a migration is kept (art. 9)"


@dataclass(frozen=True, slots=True)
class KeptFreeze:
    """A freeze in the archive: its digest, how many originals and bytes it is, and when it was kept (UTC text)."""

    freeze: str
    originals: int
    bytes: int
    kept_at: str


def keep(store: SegmentOriginals, freeze: str, root: Path, names: Iterable[str], who: str, at: datetime) -> KeptFreeze:
    """Keep the files of a freeze; what an interrupted call has kept already is compared and used.

    `names` are paths below `root`. Raises as `OriginalStore.keep`; UsageError S417 when a file can't be read.
    """
    now, count, size = utc_text(at), 0, 0
    for batch in _batches(_parts(root, names)):
        kept = store.keep([(FROZEN, data) for _, data in batch], at)
        _register(store, freeze, [(name, item) for (name, _), item in zip(batch, kept, strict=True)], who, now)
        count += len(kept)
        size += sum(item.size for item in kept)
    found = KeptFreeze(freeze, count, size, now)
    what: dict[str, str | int] = {"freeze": freeze, "originals": count, "bytes": size}
    with store.context.ledger.writing() as connection:
        journal.append(connection, Entry(now, "freeze-kept", what, _WHY, "kept among the originals", who))
    return found


def listing(ledger: Ledger) -> tuple[KeptFreeze, ...]:
    """The freezes that are kept, the earliest first. Raises UnreachableError S409."""
    freeze = func.substr(originals.c.message_id, 1, 64)
    wanted = (
        select(freeze, func.count(), func.sum(originals.c.size), func.min(originals.c.kept_at))
        .where(originals.c.kind == FROZEN)
        .group_by(freeze)
        .order_by(func.min(originals.c.kept_at), freeze)
    )
    with ledger.reading() as connection:
        return tuple(KeptFreeze(row[0], row[1], int(row[2]), row[3]) for row in connection.execute(wanted))


def take_out(store: SegmentOriginals, freeze: str, folder: Path) -> KeptFreeze:
    """Write a kept freeze into an empty or new folder, for this user only; the archive keeps it.

    Raises UsageError S412 (no such freeze), S417 (the folder); IntegrityError A501, A502, A507, A509.
    """
    found = next((item for item in listing(store.context.ledger) if item.freeze == freeze), None)
    if found is None:
        raise UsageError("S412", f"no freeze {freeze}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError("S417", f"{folder.name} is not empty")
        for name, digest in _originals(store.context.ledger, freeze):
            target = folder / _harmless(name)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with target.open("ab") as out:
                out.write(store.read(digest))
            target.chmod(0o600)
    except OSError as error:
        raise UsageError("S417", f"{folder.name}: {error.strerror}") from None
    return found


def _parts(root: Path, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        try:
            with (root / name).open("rb") as file:
                number = 0
                while (data := file.read(_PART)) or number == 0:
                    yield f"{name}#{number:04d}", data
                    number += 1
        except OSError as error:
            raise UsageError("S417", f"{name}: {error.strerror}") from None


def _batches(parts: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    batch: list[tuple[str, bytes]] = []
    for part in parts:
        batch.append(part)
        if sum(len(data) for _, data in batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _register(store: SegmentOriginals, freeze: str, kept: Iterable[tuple[str, Kept]], who: str, now: str) -> None:
    office = store.context.layout.office
    values = [registry.original_values(item, OUT, office, "", f"{freeze}:{name}", now) for name, item in kept]
    with store.context.ledger.writing() as connection:
        journal.lock(connection)
        registry.register(connection, values, _WHY, who, now)


def _originals(ledger: Ledger, freeze: str) -> list[tuple[str, str]]:
    """The parts of a freeze in order: the file's name, the digest of the part."""
    wanted = select(originals.c.message_id, originals.c.digest).where(
        originals.c.kind == FROZEN, originals.c.message_id.startswith(f"{freeze}:", autoescape=True)
    )
    with ledger.reading() as connection:
        rows = sorted(tuple(row) for row in connection.execute(wanted))
    return [(name.partition(":")[2].rpartition("#")[0], digest) for name, digest in rows]


def _harmless(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise IntegrityError("A507", f"a freeze with a file {name}")
    return path
