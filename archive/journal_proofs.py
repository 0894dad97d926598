"""What can be proved of the journal to others: that an entry is in it, that it only grew, and all of it to be replayed.

Everything is proved under a signed head of the journal (`archive.journal.checkpoint`), and held against it before it is
handed out. How it is written down and checked elsewhere is in `proof_files`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from archive import checkpoints, journal, proof_files
from archive.checkpoints import Checkpoint
from archive.ledger import Ledger
from archive.tables import journal as entries
from archive.upkeep_tables import checkpoints as signed_heads
from formats import merkle
from formats.errors import IntegrityError, UsageError
from formats.merkle import Frontier

_PAGE: Final = 1000  # signed heads read at once


@dataclass(frozen=True, slots=True)
class Inclusion:
    """One entry under a signed head: its number, its canonical JSON, the proof's hashes in hex, the head's note."""

    n: int
    entry: str
    proof: tuple[str, ...]
    note: str

    def file(self, verifier: str) -> Iterator[bytes]:
        """The lines of the file; `verifier` is the public key, for those who trust the file."""
        return proof_files.inclusion_file(self.entry, self.proof, self.note, verifier)


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the journal under the newer signed head began as that under the older: both notes, the hashes in hex."""

    old: str
    new: str
    proof: tuple[str, ...]

    def file(self, verifier: str) -> Iterator[bytes]:
        """The lines of the file; `verifier` is the public key, for those who trust the file."""
        return proof_files.consistency_file(self.old, self.proof, self.new, verifier)


def inclusion(ledger: Ledger, n: int, note: str) -> Inclusion:
    """The proof that entry `n` (from 1) is under a signed head.

    Raises UsageError S421: the head has no such entry; IntegrityError A504: an entry that does not hold; A510: the
    entries are not those that were signed.
    """
    head = checkpoints.parse(note)
    if not 0 < n <= head.size:
        raise UsageError("S421", f"the signed head has {head.size} entries, not {n}")
    with ledger.reading() as connection:
        row = connection.execute(select(entries).where(entries.c.n == n)).first()
        if row is None:
            raise IntegrityError("A504", f"entry {n} is missing")
        line, leaf = journal.checked(row)
        proof = tuple(_root(connection, part) for part in merkle.inclusion_ranges(n - 1, head.size))
    if not merkle.verify_inclusion(leaf, n - 1, head.size, proof, bytes.fromhex(head.root)):
        raise IntegrityError("A510", f"entries 1 to {head.size} are not those that were signed")
    return Inclusion(n, line.decode(), tuple(part.hex() for part in proof), note)


def consistency(ledger: Ledger, old: str, new: str) -> Consistency:
    """The proof between two signed heads of this journal.

    Raises UsageError S421: the older is not the smaller, or has no entries; IntegrityError A504, A510 as `inclusion`.
    """
    then, now = checkpoints.parse(old), checkpoints.parse(new)
    if not 0 < then.size <= now.size:
        raise UsageError("S421", f"a journal of {now.size} entries did not grow from one of {then.size}")
    with ledger.reading() as connection:
        proof = tuple(_root(connection, part) for part in merkle.consistency_ranges(then.size, now.size))
    roots = bytes.fromhex(then.root), bytes.fromhex(now.root)
    if not merkle.verify_consistency(then.size, now.size, proof, *roots):
        raise IntegrityError("A510", f"entries 1 to {now.size} are not those that were signed")
    return Consistency(old, new, tuple(part.hex() for part in proof))


def signed_by(ledger: Ledger, day: str) -> str:
    """The note of the last head signed by the end of a day (`2026-11-22`, UTC). Raises UsageError S421: none was."""
    wanted = select(signed_heads.c.note).where(signed_heads.c.at <= f"{day}T23:59:59Z", signed_heads.c.size > 0)
    with ledger.reading() as connection:
        note = connection.execute(wanted.order_by(signed_heads.c.size.desc()).limit(1)).scalar()
        if note is None:
            first = connection.execute(select(signed_heads.c.at).order_by(signed_heads.c.at).limit(1)).scalar()
            raise UsageError("S421", f"no head was signed by {day}; the first was at {first or 'no time'}")
    return str(note)


def export(ledger: Ledger, note: str, verifier: str) -> Iterator[bytes]:
    """The lines of a file with all entries under a signed head, and every head that was signed on the way.

    Raises IntegrityError A504 naming an entry that does not hold, or the first that is missing.
    """
    head = checkpoints.parse(note)
    yield proof_files.header("export", verifier)
    with ledger.reading() as connection:
        notes = _notes(connection, head)
        upcoming = next(notes, None)
        count = 0
        for row in journal.pages(connection, select(entries).where(entries.c.n <= head.size)):
            while upcoming is not None and upcoming.size <= count:
                yield proof_files.checkpoint_line(upcoming.note)
                upcoming = next(notes, None)
            if row.n != count + 1:
                break
            yield journal.checked(row)[0] + b"\n"
            count = row.n
    if count != head.size:
        raise IntegrityError("A504", f"entry {count + 1} is missing")
    yield proof_files.checkpoint_line(note)


def _root(connection: Connection, part: range) -> bytes:
    """The tree hash over the leaves of these places, from 0. Raises IntegrityError A504: one is missing or no hash."""
    wanted = select(entries.c.n, entries.c.leaf).where(entries.c.n <= part.stop)
    frontier = Frontier().extend(map(_leaf, journal.pages(connection, wanted, part.start)))
    if frontier.size != len(part):
        raise IntegrityError("A504", f"of the entries {part.start + 1} to {part.stop} one is missing")
    return frontier.root()


def _leaf(row: Row[Any]) -> bytes:
    try:
        return bytes.fromhex(row[1])
    except (ValueError, TypeError):
        raise IntegrityError("A504", f"entry {row[0]} was changed") from None


def _notes(connection: Connection, head: Checkpoint) -> Iterator[Row[Any]]:
    """The heads that were signed before this one, by size."""
    after, wanted = -1, select(signed_heads).order_by(signed_heads.c.size).limit(_PAGE)
    while page := connection.execute(
        wanted.where(signed_heads.c.size > after, signed_heads.c.size < head.size)
    ).fetchall():
        yield from page
        after = page[-1].size
