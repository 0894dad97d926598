"""Lookups: asked, checked, registered, and only then shown (arts. 14-22 of the Measures).

1. the request is held against the law (`scopes.authorise`) and against the caps;
2. what is in scope is read, and nothing else;
3. the lookup is registered, the caps are checked once more in the same transaction, and it is committed;
4. the record is handed over.

Art. 21: what anybody but the person and the employer looks up is also in the journal, as are their refusals with the
code; the journal has the register's number, who asks in one word, the scope and a digest of the row with its salt
(`proved_rows`), nothing of the person. The table has a row for the person's and the employer's own lookups too, because
the caps count them; `register` leaves them out, and the journal has nothing of them but number and digest.

Art. 22: one person a request, and no more persons a user, nor lookups an office, within 24 hours than the caps allow.
Refused requests count, so that nobody can find out by trying who is in the database; only those that the caps refused
do not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, distinct, func, insert, select

from archive import counters, journal, proved_rows
from archive.journal import Entry
from archive.ledger import Ledger
from archive.scopes import UNREGISTERED, Request, Scope, authorise
from archive.tables import utc_text
from archive.upkeep_tables import lookups as table
from formats.errors import UsageError
from formats.record import Record

SHOWN = "shown"

_CAPPED = "S431"
_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Caps:
    """How many different persons one user, and how many lookups the whole office, may have within 24 hours."""

    person_per_day: int = 20
    per_day: int = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A lookup that may be shown: its number in the register, when, its scope, and the record within the scope."""

    number: int
    at: str
    scope: Scope
    record: Record


@dataclass(frozen=True, slots=True)
class Registered:
    """A line of the register (art. 21). `subject` is the person number; `outcome` is `shown` or the refusal's code."""

    id: int
    at: str
    requester: str
    requester_id: str
    purpose: str
    basis: str
    scope: str
    subject: str
    who: str
    outcome: str


def look_up(ledger: Ledger, request: Request, read: Callable[[str, Scope], Record], caps: Caps, at: datetime) -> Shown:
    """The record of the request's subject within its scope, registered before it is returned.

    `read` gives the record of a person number within a scope (`RecordsDatabase.read_scope`). Raises UsageError S430
    (the law does not allow it), S431 (a cap is reached), S412 (no such person), each registered with its code; and
    what `read` raises otherwise, which is not: nothing was seen.
    """
    scope: Scope | None = None
    try:
        scope = authorise(request)
        with ledger.reading() as connection:
            _check(connection, request, caps, at)
        record = read(request.subject, scope)
        number = _enter(ledger, request, scope, SHOWN, at, caps)
    except UsageError as error:
        if error.code in ("S430", "S412", _CAPPED):
            _enter(ledger, request, scope, error.code, at)
        raise
    return Shown(number, utc_text(at), scope, record)


def register(ledger: Ledger, *, subject: str | None = None, everybody: bool = False) -> tuple[Registered, ...]:
    """The register for the auditor, in order; of one person number only, if given.

    Without `everybody`, what art. 21 asks for: without lookups by persons and employers.
    """
    wanted = select(*(column for column in table.columns if column.name != "salt")).order_by(table.c.id)
    if subject is not None:
        wanted = wanted.where(table.c.subject == subject)
    if not everybody:
        wanted = wanted.where(table.c.requester.not_in(UNREGISTERED))
    with ledger.reading() as connection:
        return tuple(Registered(**row._asdict()) for row in connection.execute(wanted))


def _check(connection: Connection, request: Request, caps: Caps, at: datetime) -> None:
    """Raise UsageError S431 where one more lookup would exceed a cap."""
    since = utc_text(at - _DAY)
    counted = table.c.at > since, table.c.outcome != _CAPPED
    of_user = *counted, table.c.who == request.who, table.c.subject != request.subject
    others = connection.scalar(select(func.count(distinct(table.c.subject))).where(*of_user)) or 0
    if others >= caps.person_per_day:
        raise UsageError(_CAPPED, f"{request.who} has looked up {others} persons within 24 hours")
    lookups = connection.scalar(select(func.count()).select_from(table).where(*counted)) or 0
    if lookups >= caps.per_day:
        raise UsageError(_CAPPED, f"the office has had {lookups} lookups within 24 hours")


def _enter(
    ledger: Ledger, request: Request, scope: Scope | None, outcome: str, at: datetime, caps: Caps | None = None
) -> int:
    """Register a lookup, and say more of it in the journal where art. 21 asks; with `caps`, only if they allow it."""
    now, words = utc_text(at), scope.text() if scope else ""
    basis = f"{request.basis}; {request.application}" if request.application else request.basis
    with ledger.writing() as connection:
        journal.lock(connection)
        if caps is not None:
            _check(connection, request, caps, at)
        number = counters.reserve(connection, "lookup", 1)[0]
        row = {
            "id": number,
            "at": now,
            "requester": request.requester,
            "requester_id": request.requester_id,
            "purpose": request.purpose,
            "basis": basis,
            "scope": words,
            "subject": request.subject,
            "who": request.who,
            "outcome": outcome,
            "salt": proved_rows.salt(),
        }
        connection.execute(insert(table), row)
        what: dict[str, str | int] = {"lookup": number, "row": proved_rows.digest(table, row)}
        if request.requester in UNREGISTERED:
            entry = Entry(now, "lookup-counted", what, "art. 22", "counted for the caps", request.who)
        else:
            what |= {"requester": request.requester, "scope": words, "outcome": outcome}
            how = "shown" if outcome == SHOWN else "refused"
            entry = Entry(now, "looked-up", what, "art. 21", how, request.who)
        journal.append(connection, entry)
    return number
