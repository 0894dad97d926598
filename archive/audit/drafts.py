"""Drafts: originals that a pass kept and, because it was interrupted, never entered in the register.

They are not a problem where the ledger explains them: a package that is among the arrivals, a document under a message
id or a sequence number that the ledger has reserved, and the signature and the package that were kept together with
such a document; a batch of nothing but signatures and packages, which sealing anew keeps for documents that are kept
already (`archive.resealing`); and the parts of a freeze. None of them ever left: only what the ledger calls sealed is
posted.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, case, exists, func, select

from archive.audit.report import Store
from archive.counters import sequence
from archive.freezes import FROZEN
from archive.ledger import Ledger, chunks
from archive.segments.adoption import UNKNOWN
from archive.tables import OUT, arrivals, cases, counters, members, messages, originals
from formats import xml
from formats.errors import ServiceError
from formats.messages import Header

LETTER = "letter-sent"
_DOCUMENTS = ("delivery-sent", "receipt-sent", LETTER, UNKNOWN)
_COMPANIONS = ("signature-sent", "package-sent")


class Unnamed(NamedTuple):
    """A row of `members` that no row of `originals` names."""

    digest: str
    kind: str
    segment: int
    place: int
    entry: int


def unnamed(ledger: Ledger) -> tuple[Unnamed, ...]:
    """Every member that no original names, in one view of the ledger. Raises UnreachableError S409."""
    named = exists().where(originals.c.digest == members.c.digest)
    columns = [members.c[name] for name in Unnamed._fields]
    with ledger.reading() as connection:
        rows = connection.execute(select(*columns).where(~named).order_by(members.c.segment, members.c.place))
        return tuple(Unnamed(*row) for row in rows)


def explained(ledger: Ledger, store: Store, found: Sequence[Unnamed]) -> set[str]:
    """The digests among these that are drafts, or may be: a document that only the key could tell from one is one.

    Raises UnreachableError S409.
    """
    drafts = set(_arrived(ledger, [item.digest for item in found]))
    drafts |= {item.digest for item in found if item.kind == FROZEN}  # keeping the freeze again registers them
    for item in found:
        if item.kind in _DOCUMENTS and item.digest not in drafts and _is_reserved(ledger, store, item):
            drafts.add(item.digest)
    batches = {item.entry for item in found if item.digest in drafts}
    companions = [item for item in found if item.kind in _COMPANIONS]
    batches |= set(_with_documents(ledger, sorted({item.entry for item in companions} - batches)))
    batches |= set(_of_companions(ledger, sorted({item.entry for item in companions} - batches)))
    return drafts | {item.digest for item in companions if item.entry in batches}


def _arrived(ledger: Ledger, digests: Sequence[str]) -> Iterator[str]:
    with ledger.reading() as connection:
        for chunk in chunks(digests):
            yield from connection.execute(select(arrivals.c.digest).where(arrivals.c.digest.in_(chunk))).scalars()


def _is_reserved(ledger: Ledger, store: Store, item: Unnamed) -> bool:
    try:
        header = xml.decode(store.read(item.digest)).header
    except ServiceError as error:
        return error.code == "S408"
    with ledger.reading() as connection:
        return _knows(connection, header.message_id) or (item.kind == LETTER and _gave_out(connection, header))


def _knows(connection: Connection, message_id: str) -> bool:
    case = select(cases.c.id).where(cases.c.message_id == message_id)
    receipt = select(messages.c.id).where(messages.c.answer_id == message_id)
    return any(connection.execute(wanted.limit(1)).first() is not None for wanted in (case, receipt))


def _gave_out(connection: Connection, header: Header) -> bool:
    """Whether the message has a number that was given out and left with nothing: a person's that was not entered."""
    used = connection.execute(
        select(counters.c.used).where(counters.c.name == sequence(header.receiver))
    ).scalar_one_or_none()
    left = select(messages.c.id).where(
        messages.c.direction == OUT, messages.c.partner == header.receiver, messages.c.sequence == header.sequence
    )
    return header.sequence <= (used or 0) and connection.execute(left.limit(1)).first() is None


def _with_documents(ledger: Ledger, entries: Sequence[int]) -> Iterator[int]:
    """Which of these batches hold a document that is in the register."""
    registered = exists().where(originals.c.digest == members.c.digest)
    wanted = select(members.c.entry).distinct().where(members.c.kind.in_(_DOCUMENTS), registered)
    with ledger.reading() as connection:
        for chunk in chunks(entries):
            yield from connection.execute(wanted.where(members.c.entry.in_(chunk))).scalars()


def _of_companions(ledger: Ledger, entries: Sequence[int]) -> Iterator[int]:
    """Which of these batches hold nothing but signatures and packages."""
    wanted = select(members.c.entry).group_by(members.c.entry)
    alone = wanted.having(func.sum(case((members.c.kind.in_(_COMPANIONS), 0), else_=1)) == 0)
    with ledger.reading() as connection:
        for chunk in chunks(entries):
            yield from connection.execute(alone.where(members.c.entry.in_(chunk))).scalars()
