"""What leaves this office: cases to be sealed, messages to be posted.

A process claims work (`claims.py`), does it outside the ledger, and records it. Recording looks at the claims again:
what another process has taken over meanwhile, or a person has held or withdrawn, is not touched, and the caller is told
what was really recorded. Each function is one transaction.

Errors of every function: UnreachableError S409 when the database does not answer.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal, cast
from uuid import uuid4

from sqlalchemy import Connection, Row, insert, select, update

from archive import approving, claims, counters, journal
from archive.case import Event, State, advance
from archive.claims import Owner
from archive.egress import Caps, Room
from archive.journal import Entry, extent
from archive.ledger import Ledger, chunks, update_each
from archive.originals import Kept
from archive.registry import original_values, register
from archive.tables import DELIVERY, IN, LETTER, OUT, RECEIPT, MessageState, messages, utc_text
from archive.tables import cases as table
from formats.messages import Approval, Finding
from formats.workdays import beijing_day

MessageKind = Literal["delivery", "receipt", "contact-letter", "return", "withdrawal", "reminder", "clarification"]
# What a pass posts: receipts, or everything that asks for one.
PostKind = Literal["message", "receipt"]
Direction = Literal["out", "in"]

_WHY = "transfer of the insurance relation"


@dataclass(frozen=True, slots=True)
class Work:
    """An approved case to be sealed, with the message id and sequence number that are its own for good.

    `letter` is the message id of the contact letter that a delivery answers, `corrects` that of the delivery which it
    corrects, for `reason`; `posted_person` is `1` in a letter for a person who was officially posted; `contents` are
    the digests of what the approvals' signatures are over (`formats.approval`). All may be empty.
    """

    case: str
    partner: str
    person: str
    kinds: tuple[str, ...]
    approvals: tuple[Approval, ...]
    message_id: str
    sequence: int
    letter: str = ""
    corrects: str = ""
    reason: str = ""
    posted_person: str = ""
    contents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SealedPackage:
    """A sealed message, kept and ready to leave: the document's digest, the package's name, digest and size in bytes.

    `originals` are what was kept of it: the document as signed first, its signature, the package as it leaves.
    """

    case: str
    message_id: str
    name: str
    digest: str
    package_digest: str
    size: int
    originals: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Post:
    """A message that is ready to leave; `digest` is its document's."""

    message_id: str
    kind: MessageKind
    partner: str
    name: str
    package_digest: str
    case: str
    digest: str


def claim(
    ledger: Ledger,
    owner: Owner,
    limit: int,
    at: datetime,
    cases: Collection[str] | None = None,
    direction: Direction = "out",
    caps: Caps | None = None,
) -> tuple[Work, ...]:
    """Take up to `limit` approved cases (only these, if any are named) that nobody has, in the order of opening.

    Outgoing ones are to be sealed as deliveries, incoming ones as contact letters. A case gets its message id and its
    number in the sequence to the partner once: after a crash it has the same. What the `caps` leave no room for stays.
    """
    with ledger.writing() as connection:
        claims.admit(connection, owner, at)
        room = Room.of(connection, caps, beijing_day(at)) if caps else None
        rows = list(islice(_claimable(connection, limit, cases, direction, room), limit))
        if room:
            rows = room.admit(rows)
            room.close(connection)
        if not rows:
            return ()
        reserved = _reserve(connection, rows)
        update_each(connection, table, [{"key": row.id, "claim": owner.token, **reserved[row.id]} for row in rows])
        done = approving.approved(connection, [row.id for row in rows])
    return tuple(
        Work(
            case=row.case_number,
            partner=row.partner,
            person=row.person,
            kinds=row.kinds,
            **done.get(row.id, approving.Approved())._asdict(),
            letter=row.letter,
            corrects=row.corrects,
            reason=row.reason,
            posted_person=row.posted_person,
            **reserved[row.id],
        )
        for row in rows
    )


def _claimable(
    connection: Connection, limit: int, numbers: Collection[str] | None, direction: Direction, room: Room | None
) -> Iterable[Row[Any]]:
    wanted = (
        select(table)
        .where(table.c.direction == direction, table.c.state == State.APPROVED, table.c.claim.is_(None))
        .order_by(table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if room is not None:
        wanted = wanted.where(room.open_to())
    if numbers is None:
        return connection.execute(wanted)
    return (
        row
        for chunk in chunks(sorted(numbers))
        for row in connection.execute(wanted.where(table.c.case_number.in_(chunk)))
    )


def _reserve(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, dict[str, Any]]:
    """Message id and sequence by case id; partners in one order, so that two processes cannot wait for each other."""
    reserved = {row.id: {"message_id": row.message_id, "sequence": row.sequence} for row in rows}
    fresh = [row for row in rows if row.message_id is None]
    for partner in sorted({row.partner for row in fresh}):
        group = [row.id for row in fresh if row.partner == partner]
        numbers = counters.reserve(connection, counters.sequence(partner), len(group))
        for key, number in zip(group, numbers, strict=True):
            reserved[key] = {"message_id": str(uuid4()), "sequence": number}
    return reserved


def record_sealed(
    ledger: Ledger,
    owner: Owner,
    sealed: Sequence[SealedPackage],
    held: Sequence[tuple[str, tuple[Finding, ...]]],
    who: str,
    at: datetime,
    direction: Direction = "out",
) -> tuple[str, ...]:
    """Enter sealed cases with their messages and originals, and hold back those with findings; all of one direction.

    The originals must be kept and the packages flushed before. Returns the numbers of the cases really recorded.
    """
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        if not claims.holds(connection, owner, at):
            return ()
        mine = _mine(connection, owner, [*(item.case for item in sealed), *(case for case, _ in held)], direction)
        leaving = [(mine[item.case], item) for item in sealed if _is_its(item, mine)]
        staying = [(mine[case], findings) for case, findings in held if case in mine]
        _enter_sealed(connection, leaving, who, now)
        state = advance(State.APPROVED, Event.HOLD)
        update_each(
            connection,
            table,
            [
                {"key": row.id, "state": state, "updated": now, "claim": None, "findings": findings}
                for row, findings in staying
            ],
        )
        entries = _sealing_entries(leaving, staying, who, now)
        journal.append(connection, *entries)
    return (*(item.case for _, item in leaving), *(row.case_number for row, _ in staying))


def _mine(connection: Connection, owner: Owner, numbers: Sequence[str], direction: Direction) -> dict[str, Row[Any]]:
    """The cases among these that this owner still has to seal."""
    wanted = select(table).where(
        table.c.direction == direction, table.c.state == State.APPROVED, table.c.claim == owner.token
    )
    return {
        row.case_number: row
        for chunk in chunks(numbers)
        for row in connection.execute(wanted.where(table.c.case_number.in_(chunk)))
    }


def _is_its(item: SealedPackage, mine: Mapping[str, Row[Any]]) -> bool:
    return item.case in mine and mine[item.case].message_id == item.message_id


def _enter_sealed(
    connection: Connection, leaving: Sequence[tuple[Row[Any], SealedPackage]], who: str, now: str
) -> None:
    if not leaving:
        return
    connection.execute(
        insert(messages),
        [message_values(item, *_as_message(row), row.partner, row.sequence, now=now) for row, item in leaving],
    )
    kept = [values for row, item in leaving for values in sent_values(item, row.direction, row.partner, now)]
    register(connection, kept, _WHY, who, now)
    state = advance(State.APPROVED, Event.SEAL)
    update_each(
        connection,
        table,
        [
            {"key": row.id, "state": state, "updated": now, "claim": None, "findings": (), **_sealed(row, item)}
            for row, item in leaving
        ],
    )


def _as_message(row: Row[Any]) -> tuple[MessageKind, str]:
    """What a case is sealed as, and the id of the message that this answers."""
    return ("delivery", row.letter) if row.direction == OUT else ("contact-letter", "")


def _sealed(row: Row[Any], item: SealedPackage) -> dict[str, Any]:
    """What the case knows of what was sealed: its delivery's digest, or its letter's id."""
    return {"digest": item.digest} if row.direction == OUT else {"letter": item.message_id}


def _sealing_entries(
    leaving: Sequence[tuple[Row[Any], SealedPackage]],
    staying: Sequence[tuple[Row[Any], tuple[Finding, ...]]],
    who: str,
    now: str,
) -> list[Entry]:
    entries = []
    if leaving:
        size = sum(item.originals[0].size for _, item in leaving)
        what = {**extent([item.case for _, item in leaving]), "bytes": size}
        entries.append(Entry(now, "sealed", what, _WHY, "original kept, package signed and encrypted", who))
    if staying:
        codes = sorted({finding.code for _, findings in staying for finding in findings})
        held = {**extent([row.case_number for row, _ in staying]), "codes": " ".join(codes)}
        entries.append(Entry(now, "held", held, "checks before sending", "held back by the checks", who))
    return entries


def message_values(
    item: SealedPackage,
    kind: MessageKind,
    answers: str,
    partner: str,
    sequence: int,
    outcome: str = "",
    *,
    now: str,
) -> dict[str, Any]:
    """A sealed message as a row of the ledger, ready to leave."""
    return {
        "direction": OUT,
        "partner": partner,
        "message_id": item.message_id,
        "sequence": sequence,
        "kind": kind,
        "case_number": item.case,
        "name": item.name,
        "digest": item.digest,
        "package_digest": item.package_digest,
        "size": item.size,
        "state": MessageState.SEALED,
        "answers": answers,
        "outcome": outcome,
        "created": now,
        "posted": "",
        "claim": None,
    }


def sent_values(item: SealedPackage, direction: str, partner: str, now: str) -> list[dict[str, Any]]:
    """What was kept of a sealed message, as rows of the register; `direction` is the case's."""
    return [original_values(kept, direction, partner, item.case, item.message_id, now) for kept in item.originals]


def claim_posts(ledger: Ledger, owner: Owner, limit: int, at: datetime, kind: PostKind) -> tuple[Post, ...]:
    """Take up to `limit` messages of this kind that are ready to leave and that nobody has, oldest first."""
    of_kind = messages.c.kind == RECEIPT if kind == "receipt" else messages.c.kind != RECEIPT
    wanted = (
        select(messages)
        .where(
            messages.c.direction == OUT,
            of_kind,
            messages.c.state == MessageState.SEALED,
            messages.c.claim.is_(None),
        )
        .order_by(messages.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    with ledger.writing() as connection:
        claims.admit(connection, owner, at)
        rows = connection.execute(wanted).all()
        for chunk in chunks([row.id for row in rows]):
            connection.execute(update(messages).where(messages.c.id.in_(chunk)).values(claim=owner.token))
    return tuple(
        Post(
            message_id=row.message_id,
            kind=cast("MessageKind", row.kind),
            partner=row.partner,
            name=row.name,
            package_digest=row.package_digest,
            case=row.case_number,
            digest=row.digest,
        )
        for row in rows
    )


def record_posted(ledger: Ledger, owner: Owner, message_ids: Sequence[str], who: str, at: datetime) -> tuple[str, ...]:
    """These messages are in the partners' mailboxes; the cases of deliveries and of contact letters are in transit.

    Returns those recorded.
    """
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        if not claims.holds(connection, owner, at):
            return ()
        wanted = select(messages).where(
            messages.c.direction == OUT, messages.c.state == MessageState.SEALED, messages.c.claim == owner.token
        )
        rows = [
            row
            for chunk in chunks(message_ids)
            for row in connection.execute(wanted.where(messages.c.message_id.in_(chunk)))
        ]
        if not rows:
            return ()
        for chunk in chunks([row.id for row in rows]):
            connection.execute(
                update(messages)
                .where(messages.c.id.in_(chunk))
                .values(state=MessageState.POSTED, posted=now, claim=None)
            )
        for kind, direction in ((DELIVERY, OUT), (LETTER, IN)):
            _set_in_transit(connection, [row.case_number for row in rows if row.kind == kind], direction, now)
        counts = Counter(row.kind for row in rows)
        letters = len(rows) - counts[DELIVERY] - counts[RECEIPT]
        counted = {"deliveries": counts[DELIVERY], "receipts": counts[RECEIPT], "letters": letters}
        what = {**extent([row.case_number for row in rows]), **counted}
        journal.append(connection, Entry(now, "posted", what, _WHY, "put into the partner's mailbox", who))
    recorded = {row.message_id for row in rows}
    return tuple(message_id for message_id in message_ids if message_id in recorded)


def _set_in_transit(connection: Connection, numbers: Sequence[str], direction: str, now: str) -> None:
    state = advance(State.SEALED, Event.POST)
    for chunk in chunks(numbers):
        connection.execute(
            update(table)
            .where(table.c.direction == direction, table.c.case_number.in_(chunk), table.c.state == State.SEALED)
            .values(state=state, updated=now)
        )


def release(ledger: Ledger, owner: Owner) -> None:
    """Give back every claim of this owner: cases, messages and arrivals."""
    with ledger.writing() as connection:
        claims.forget(connection, owner.token)
