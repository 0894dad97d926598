"""The audit: ledger against originals, both ways, and the journal.

1. the journal's chain holds                                                         A504 entry
2. every original that the ledger has is there, byte for byte                        A501, A502 digest
3. everything that is there is in the ledger                                         A503 digest, or the file's name
4. every case and message that must have an original has one                         A505 case

It never stops at the first problem, and reads page by page: it needs little memory and holds up nobody.

A pass that was interrupted between keeping and recording leaves bytes that no row of `originals` names. They are not a
problem where the ledger explains them: a package that is among the arrivals, or a document under a message id that the
ledger has reserved. They never left, and are counted as drafts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, and_, exists, func, select

from archive import journal
from archive.case import KEPT_INCOMING, KEPT_OUTGOING
from archive.journal import Head
from archive.ledger import Ledger
from archive.originals import OriginalStore
from archive.tables import IN, OUT, MessageState, arrivals, cases, messages, originals
from formats import xml
from formats.errors import IntegrityError, ServiceError

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not hold: a code of the step `archive`, and the digest, case number or entry that it is about."""

    code: str
    subject: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was looked at and what was found. `bytes` are those of the originals that hold."""

    originals: int
    bytes: int
    cases: int
    problems: tuple[Problem, ...]
    head: Head
    drafts: int


def audit(ledger: Ledger, store: OriginalStore) -> AuditReport:
    """Check everything. Raises UnreachableError S409 when the ledger does not answer; what is damaged is reported."""
    problems: list[Problem] = []
    try:
        head = journal.verify(ledger)
    except IntegrityError as error:
        problems.append(Problem(error.code, error.detail))
        head = journal.head(ledger)
    count = size = drafts = 0
    for digest in _digests(ledger):
        count += 1
        try:
            size += len(store.read(digest))
        except ServiceError as error:
            problems.append(Problem(error.code, digest))
    for digest in _unknown(ledger, store):
        if _is_draft(ledger, store, digest):
            drafts += 1
        else:
            problems.append(Problem("A503", digest))
    problems += [Problem("A505", case) for case in _bare(ledger)]
    return AuditReport(count, size, _count_cases(ledger), tuple(problems), head, drafts)


def _digests(ledger: Ledger) -> Iterator[str]:
    """Every digest in the ledger, once."""
    page = [""]
    while page:
        wanted = select(originals.c.digest).distinct().where(originals.c.digest > page[-1])
        with ledger.reading() as connection:
            page = list(connection.execute(wanted.order_by(originals.c.digest).limit(_PAGE)).scalars())
        yield from page


def _unknown(ledger: Ledger, store: OriginalStore) -> Iterator[str]:
    """What the store has and the ledger has not."""
    queue = store.digests()
    while page := list(islice(queue, _PAGE)):
        with ledger.reading() as connection:
            there = set(connection.execute(select(originals.c.digest).where(originals.c.digest.in_(page))).scalars())
        yield from (digest for digest in page if digest not in there)


def _is_draft(ledger: Ledger, store: OriginalStore, digest: str) -> bool:
    with ledger.reading() as connection:
        if connection.execute(select(arrivals.c.number).where(arrivals.c.digest == digest).limit(1)).first():
            return True
    try:
        message_id = xml.decode(store.read(digest)).header.message_id
    except ServiceError:
        return False
    with ledger.reading() as connection:
        return _is_reserved(connection, message_id)


def _is_reserved(connection: Connection, message_id: str) -> bool:
    case = select(cases.c.id).where(cases.c.direction == OUT, cases.c.message_id == message_id)
    receipt = select(messages.c.id).where(messages.c.answer_id == message_id)
    return any(connection.execute(wanted.limit(1)).first() is not None for wanted in (case, receipt))


def _bare(ledger: Ledger) -> list[str]:
    """Cases (messages, where they have none) whose document left or was answered, and has no original in the ledger."""
    of_case = and_(
        originals.c.direction == cases.c.direction,
        originals.c.partner == cases.c.partner,
        originals.c.case_number == cases.c.case_number,
    )
    sent = exists().where(of_case, originals.c.kind == "delivery-sent", originals.c.digest == cases.c.digest)
    received = exists().where(of_case, originals.c.kind == "package-received")
    document = exists().where(originals.c.message_id == messages.c.message_id, originals.c.digest == messages.c.digest)
    package = exists().where(
        originals.c.message_id == messages.c.message_id, originals.c.digest == messages.c.package_digest
    )
    of_cases, of_messages = select(cases.c.case_number), select(messages.c.case_number, messages.c.message_id)
    with ledger.reading() as connection:
        bare = [
            *connection.execute(
                of_cases.where(cases.c.direction == OUT, cases.c.state.in_(KEPT_OUTGOING), ~sent)
            ).scalars(),
            *connection.execute(
                of_cases.where(cases.c.direction == IN, cases.c.state.in_(KEPT_INCOMING), ~received)
            ).scalars(),
        ]
        for direction, kept in ((OUT, document), (IN, package)):
            received_only = messages.c.state == MessageState.RECEIVED  # not answered yet
            rows = connection.execute(of_messages.where(messages.c.direction == direction, ~received_only, ~kept))
            bare += [row.case_number or row.message_id for row in rows]
    return sorted(set(bare))


def _count_cases(ledger: Ledger) -> int:
    with ledger.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(cases)).scalar_one())
