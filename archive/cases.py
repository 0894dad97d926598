"""Cases: opened, approved, held, released, withdrawn, and looked at. Each function is one transaction.

What these functions change are this office's own cases, which a case number names alone: outgoing ones, and incoming
ones that begin with a contact letter of this office. Whatever a person does to
a case takes it away from the process that may be sealing it: that process then finds its claim gone.

Errors of every function: UnreachableError S409 when the database does not answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, true, update

from archive import approving, counters, journal
from archive.approving import Approved, PersonSignature
from archive.case import Event, State, advance
from archive.journal import Entry, extent
from archive.ledger import Ledger, chunks
from archive.tables import DELIVERY, OUT, approvals, messages, utc_text
from archive.tables import cases as table
from archive.tables import originals as kept
from formats.errors import UsageError
from formats.identifiers import case_number
from formats.messages import STAGES, Approval, Finding

Direction = Literal["out", "in"]

_WHY = "transfer of the insurance relation"


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case to be opened: its number, the other office, the person number, the insurance kinds (AAE140).

    `direction` is `in` for a case that begins with a contact letter; `posted_person` is then `1` where the person was
    moved by an officially approved posting.
    """

    case: str
    partner: str
    person: str
    kinds: tuple[str, ...]
    direction: Direction = "out"
    posted_person: str = ""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as the ledger has it.

    `person` is empty for incoming cases that nobody asked for, `digest` until there is a document. `findings` are those
    of the last check or receipt; `why` says why it is held or withdrawn. `letter` and `message_id` name the contact
    letter and the delivery that stands, `corrects` the delivery that is being corrected; `posted_person` is `1` where
    the person was officially posted.
    """

    case: str
    direction: Direction
    partner: str
    person: str
    kinds: tuple[str, ...]
    state: State
    opened: str
    updated: str
    digest: str
    findings: tuple[Finding, ...]
    approvals: tuple[Approval, ...]
    why: str = ""
    letter: str = ""
    message_id: str = ""
    corrects: str = ""
    reason: str = ""
    posted_person: str = ""


@dataclass(frozen=True, slots=True)
class OriginalRow:
    """An original as the ledger has it: whose case, what it is (`originals.Kept`), bytes, when it was entered."""

    case: str
    kind: str
    size: int
    kept: str
    digest: str
    direction: Direction
    partner: str
    message_id: str


def number_cases(ledger: Ledger, office: str, count: int, at: datetime) -> tuple[str, ...]:
    """Reserve case numbers of the year. Raises UsageError S401 when the office is none or the year is used up."""
    with ledger.writing() as connection:
        serials = counters.reserve(connection, counters.serial(office, at.year), count)
        try:
            return tuple(case_number(office, at.year, serial) for serial in serials)
        except ValueError as error:
            raise UsageError("S401", str(error)) from None


def open_cases(ledger: Ledger, cases: Sequence[NewCase], who: str, at: datetime) -> None:
    """Open cases of this office, all or none. Raises UsageError S411 naming a number that is taken."""
    if not cases:
        return
    numbers = [case.case for case in cases]
    with ledger.writing() as connection:
        journal.lock(connection)
        taken = [row.case_number for row in _own(connection, numbers)]
        taken += [number for number, times in Counter(numbers).items() if times > 1]
        if taken:
            raise UsageError("S411", f"{min(taken)} is open already")
        now = utc_text(at)
        connection.execute(insert(table), [_new(case, now) for case in cases])
        journal.append(connection, Entry(now, "opened", extent(numbers), _WHY, "entered", who))


def _new(case: NewCase, now: str) -> dict[str, Any]:
    return {
        "case_number": case.case,
        "direction": case.direction,
        "partner": case.partner,
        "person": case.person,
        "kinds": case.kinds,
        "state": State.OPEN,
        "opened": now,
        "updated": now,
        "digest": "",
        "findings": (),
        "why": "",
        "posted_person": case.posted_person,
    }


def approve(
    ledger: Ledger,
    cases: Sequence[str],
    stage: str,
    who: str,
    at: datetime,
    stages: Sequence[str] = STAGES,
    signatures: Mapping[str, PersonSignature] = MappingProxyType({}),
) -> None:
    """Approve one stage of open cases (art. 7), all or none; after the last of `stages` they are approved.

    `who` is a staff id, `signatures` the person's own by case number, which were verified. Raises UsageError S411 (not
    open, or another stage is next), S412 (unknown), S413 (this person approved another stage of the case), S474, S476
    (as `approving.check`), each naming the case.
    """
    numbers = list(dict.fromkeys(cases))
    if not numbers:
        return
    with ledger.writing() as connection:
        journal.lock(connection)
        rows = _known(connection, numbers)
        done = approving.approved(connection, [row.id for row in rows])
        for row in rows:
            before = done.get(row.id, Approved())
            _check_stage(row, before.approvals, stage, who, stages)
            if row.case_number in signatures:
                approving.check(row, before, signatures[row.case_number], at)
        now, place = utc_text(at), stages.index(stage)
        connection.execute(
            insert(approvals),
            [
                {"case_id": row.id, "stage": stage, "place": place, "who": who}
                | approving.entered(signatures.get(row.case_number), now)
                for row in rows
            ],
        )
        state = advance(State.OPEN, Event.APPROVE) if stage == stages[-1] else State.OPEN
        _change(connection, [row.id for row in rows], {"state": state, "updated": now})
        what = {"stage": stage, **extent(numbers)}
        how = "signed with the person's own key" if signatures else "entered for the person"
        journal.append(connection, Entry(now, "approved", what, "art. 7", how, who))


def _check_stage(row: Row[Any], signed: Sequence[Approval], stage: str, who: str, stages: Sequence[str]) -> None:
    if row.state != State.OPEN:
        raise UsageError("S411", f"{row.case_number} is {row.state}")
    done = [approval.stage for approval in signed]
    upcoming = next((name for name in stages if name not in done), "")
    if stage != upcoming:
        raise UsageError("S411", f"{row.case_number}: the next stage is {upcoming or 'none'}")
    if who in (approval.person for approval in signed):
        raise UsageError("S413", row.case_number)


def hold(ledger: Ledger, case: str, who: str, why: str, at: datetime, findings: tuple[Finding, ...] = ()) -> None:
    """Stop a case that has not left. Raises UsageError S411, S412."""
    what = {"codes": " ".join(sorted({finding.code for finding in findings}))}
    _act(ledger, case, Event.HOLD, Entry(utc_text(at), "held", what, why, "stopped by a person", who), findings)


def release(ledger: Ledger, case: str, who: str, why: str, at: datetime) -> None:
    """Open a held case again; every stage must be signed anew. Raises UsageError S411, S412."""
    _act(ledger, case, Event.RELEASE, Entry(utc_text(at), "released", {}, why, "released by a person", who), ())


def withdraw(ledger: Ledger, case: str, who: str, why: str, at: datetime) -> None:
    """End a case that has not left. Raises UsageError S411, S412."""
    _act(ledger, case, Event.WITHDRAW, Entry(utc_text(at), "withdrawn", {}, why, "withdrawn by a person", who), None)


def reopen(
    ledger: Ledger, case: str, reason: str, who: str, why: str, at: datetime, entries: Sequence[Entry] = ()
) -> None:
    """Open a case again whose delivery is to be corrected, for this reason (its code); every stage is signed anew.

    Its next delivery gets an id of its own and says what it corrects. `entries` are what else the journal is told in
    the same transaction. Raises UsageError S411, S412.
    """
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        row = _known(connection, [case])[0]
        if row.direction != OUT:
            raise UsageError("S411", f"{case} is not delivered by this office")
        connection.execute(delete(approvals).where(approvals.c.case_id == row.id))
        values = {"corrects": _stands(connection, row), "reason": reason, "message_id": None, "sequence": None}
        _change(connection, [row.id], {"state": _advanced(row, Event.REOPEN), "updated": now, "why": why, **values})
        what = {**extent([case]), "code": reason}
        journal.append(connection, Entry(now, "reopened", what, why, "opened again by a person", who), *entries)


def _stands(connection: Connection, row: Row[Any]) -> str:
    """The message id of the delivery that stands at the partner: the newest that was accepted, else the newest."""
    accepted = (
        select(messages.c.message_id)
        .where(
            messages.c.direction == OUT,
            messages.c.kind == DELIVERY,
            messages.c.case_number == row.case_number,
            messages.c.outcome == "accepted",
        )
        .order_by(messages.c.id.desc())
    )
    return connection.execute(accepted).scalars().first() or row.message_id or ""


def _advanced(row: Row[Any], event: Event) -> State:
    try:
        return advance(State(row.state), event)
    except UsageError as error:
        raise UsageError(error.code, f"{row.case_number}: {error.detail}") from None


def _act(ledger: Ledger, case: str, event: Event, entry: Entry, findings: tuple[Finding, ...] | None) -> None:
    """What a person does to one case; findings None leaves those it has."""
    with ledger.writing() as connection:
        journal.lock(connection)
        row = _known(connection, [case])[0]
        values: dict[str, Any] = {"state": _advanced(row, event), "updated": entry.at, "claim": None}
        values["why"] = "" if event is Event.RELEASE else entry.why
        if findings is not None:
            values["findings"] = findings
        if event is Event.RELEASE:
            connection.execute(delete(approvals).where(approvals.c.case_id == row.id))
        _change(connection, [row.id], values)
        what = {**extent([case]), **entry.what}
        journal.append(connection, Entry(entry.at, entry.kind, what, entry.why, entry.how, entry.who))


def find(ledger: Ledger, case: str) -> CaseRow:
    """The case with this number; this office's outgoing one first. Raises UsageError S412."""
    with ledger.reading() as connection:
        found = _rows(connection, table.c.case_number == case)
    if not found:
        raise UsageError("S412", case)
    return next((row for row in found if row.direction == OUT), found[0])


def listing(
    ledger: Ledger,
    *,
    state: str | None = None,
    partner: str | None = None,
    direction: Direction | None = None,
    case: str | None = None,
) -> tuple[CaseRow, ...]:
    """The cases in the order of their opening, all or those that fit; `case` is a number."""
    wanted = {"state": state, "partner": partner, "direction": direction, "case_number": case}
    with ledger.reading() as connection:
        return _rows(connection, *(table.c[name] == value for name, value in wanted.items() if value is not None))


def counts(ledger: Ledger) -> Mapping[tuple[Direction, State], int]:
    """How many cases stand where, by direction and state."""
    groups = select(table.c.direction, table.c.state, func.count()).group_by(table.c.direction, table.c.state)
    with ledger.reading() as connection:
        return {(row[0], State(row[1])): row[2] for row in connection.execute(groups)}


def originals(ledger: Ledger, case: str | None = None) -> tuple[OriginalRow, ...]:
    """The originals, of this case or all, in the order of keeping."""
    wanted = select(kept).order_by(kept.c.id)
    with ledger.reading() as connection:
        rows = connection.execute(wanted if case is None else wanted.where(kept.c.case_number == case)).all()
    return tuple(
        OriginalRow(
            case=row.case_number,
            kind=row.kind,
            size=row.size,
            kept=row.kept_at,
            digest=row.digest,
            direction=cast("Direction", row.direction),
            partner=row.partner,
            message_id=row.message_id,
        )
        for row in rows
    )


def _own(connection: Connection, numbers: Sequence[str]) -> list[Row[Any]]:
    """Those of this office: outgoing, or asked for by its own letter, for which it has the person number."""
    columns = (table.c.id, table.c.case_number, table.c.state, table.c.direction, table.c.message_id, table.c.updated)
    wanted = select(*columns)
    own = or_(table.c.direction == OUT, table.c.person != "")
    return [
        row
        for chunk in chunks(numbers)
        for row in connection.execute(wanted.where(own, table.c.case_number.in_(chunk)))
    ]


def _known(connection: Connection, numbers: Sequence[str]) -> list[Row[Any]]:
    rows = {row.case_number: row for row in _own(connection, numbers)}
    unknown = next((number for number in numbers if number not in rows), None)
    if unknown is not None:
        raise UsageError("S412", unknown)
    return [rows[number] for number in numbers]


def _change(connection: Connection, ids: Sequence[int], values: Mapping[str, Any]) -> None:
    for chunk in chunks(ids):
        connection.execute(update(table).where(table.c.id.in_(chunk)).values(**values))


def _rows(connection: Connection, *wanted: ColumnElement[bool]) -> tuple[CaseRow, ...]:
    where = and_(true(), *wanted)
    done = approving.grouped(
        connection.execute(select(approvals).join(table).where(where).order_by(approvals.c.case_id, approvals.c.place))
    )
    return tuple(
        CaseRow(
            case=row.case_number,
            direction=cast("Direction", row.direction),
            partner=row.partner,
            person=row.person,
            kinds=row.kinds,
            state=State(row.state),
            opened=row.opened,
            updated=row.updated,
            digest=row.digest,
            findings=row.findings,
            approvals=done.get(row.id, Approved()).approvals,
            why=row.why,
            letter=row.letter,
            message_id=row.message_id or "",
            corrects=row.corrects,
            reason=row.reason,
            posted_person=row.posted_person,
        )
        for row in connection.execute(select(table).where(where).order_by(table.c.id))
    )
