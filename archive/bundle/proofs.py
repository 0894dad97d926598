"""What ties a case's originals to a head of the journal: their lines, their entries, and the proofs between."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from archive import entries, gone
from archive.bundle.parts import RegisteredNote
from archive.ledger import Ledger
from archive.registry import FIELDS, original_line
from archive.tables import journal, originals
from formats import merkle
from formats.errors import IntegrityError

_PAGE = 5000  # rows read at once


class _Batch(NamedTuple):
    """One entry and what it registered: ids of the rows that stayed, their places, and the leaves of all."""

    entry: bytes
    proof: tuple[str, ...]
    ids: list[int]
    places: list[int]
    leaves: list[bytes]


def prove(ledger: Ledger, direction: str, partner: str, case: str, size: int) -> tuple[RegisteredNote, ...]:
    """The originals of a case in the order of their keeping, with proofs to the journal's head of `size` entries.

    What was registered behind that head is left out. `part` is still empty. Nothing is checked: who reads the proofs
    does. Raises IntegrityError A504 when the journal has lost an entry; UnreachableError S409.
    """
    own = (originals.c.direction == direction, originals.c.partner == partner, originals.c.case_number == case)
    wanted = select(originals).where(*own, originals.c.entry <= size).order_by(originals.c.id)
    with ledger.reading() as connection:
        rows = connection.execute(wanted).all()
        batches = {number: _batch(connection, number, size) for number in sorted({row.entry for row in rows})}
    return tuple(_note(row, batches[row.entry]) for row in rows)


def _note(row: Row[Any], batch: _Batch) -> RegisteredNote:
    place = batch.places[batch.ids.index(row.id)]
    return RegisteredNote(
        part="",
        **{name: getattr(row, name) for name in FIELDS},
        index=place,
        rows=len(batch.leaves),
        batch=_hex(merkle.inclusion_proof(batch.leaves, place)),
        entry=batch.entry.decode(),
        proof=batch.proof,
    )


def _batch(connection: Connection, number: int, size: int) -> _Batch:
    entry = connection.execute(select(journal).where(journal.c.n == number)).first()
    if entry is None:
        raise IntegrityError("A504", f"entry {number} is missing")
    rows = connection.execute(select(originals).where(originals.c.entry == number).order_by(originals.c.id)).all()
    left = gone.of_entries(connection, [number]).get(number, {})
    lines = (original_line({name: getattr(row, name) for name in FIELDS}) for row in rows)
    return _Batch(
        entry=entries.line(entry.n, entry.at, entry.kind, entry.what, entry.why, entry.how, entry.who),
        proof=_hex(_journal_proof(connection, number, size)),
        ids=[row.id for row in rows],
        places=gone.places(len(rows), left),
        leaves=gone.leaves([merkle.leaf_hash(line) for line in lines], left),
    )


def _journal_proof(connection: Connection, number: int, size: int) -> Iterable[bytes]:
    """The proof that entry `number` is under the head of `size` entries, read from their leaves in the ledger."""
    for part in merkle.inclusion_ranges(number - 1, size):
        leaves = select(journal.c.leaf).where(journal.c.n > part.start, journal.c.n <= part.stop).order_by(journal.c.n)
        with connection.execute(leaves.execution_options(yield_per=_PAGE)) as found:
            yield merkle.root(bytes.fromhex(leaf) for leaf in found.scalars())


def _hex(hashes: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(value.hex() for value in hashes)
