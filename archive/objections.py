"""Objections of insured people to their records (异议, art. 16): when entered, by whose hand, and how they ended.

The register is the journal itself: an entry `objected` and an entry `objection-decided` each, so that nobody changes it
unseen. What the person says, and why the office decides so, stands in messages alone. Art. 16 names no time limit.

Errors of every function: UnreachableError S409 when the database does not answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select

from archive import cases
from archive import journal as log
from archive.case import State
from archive.entries import Entry, Line
from archive.journal import extent
from archive.ledger import Ledger
from archive.tables import journal, utc_text
from formats.errors import UsageError

Route = Literal["returned", "here"]
Ending = Literal["corrected", "stands"]

_KINDS = ("objected", "objection-decided")

# Where a person's objection can be checked at this office: what was delivered is at the partner, or taken in here.
_CHECKED: dict[str, tuple[State, ...]] = {
    "out": (State.IN_TRANSIT, State.ON_HOLD, State.ACCEPTED),
    "in": (State.RECEIVED, State.ACCEPTED),
}


@dataclass(frozen=True, slots=True)
class Objection:
    """One objection; times are UTC text, `entered_by` and `decided_by` staff ids or `partner`.

    `route`: `returned` to the sending office with the delivery, `here` checked by this one, `received` with a return of
    the partner. `ending` is `corrected` (it was right) or `stands` (the record is); it is empty while the objection is
    open, as `decided` is.
    """

    case: str
    entered: str
    entered_by: str
    route: str
    decided: str = ""
    decided_by: str = ""
    ending: str = ""


def entered(case: str, route: Route, who: str, at: datetime) -> Entry:
    """The entry by which an objection is registered."""
    what = {**extent([case]), "route": route}
    return Entry(utc_text(at), "objected", what, "objection (art. 16)", "entered for the person", who)


def decided(case: str, ending: Ending, who: str, at: datetime) -> Entry:
    """The entry by which an objection ends."""
    what = {**extent([case]), "ending": ending}
    return Entry(utc_text(at), "objection-decided", what, "objection (art. 16)", "decided by a person", who)


def enter(ledger: Ledger, case: str, who: str, at: datetime) -> None:
    """Register an objection that is checked here.

    Raises UsageError S411 (nothing was delivered, or one that is checked here is open), S412.
    """
    row = cases.find(ledger, case)
    if row.state not in _CHECKED[row.direction]:
        raise UsageError("S411", f"{case} is {row.state}: nothing that was delivered can be objected to")
    entry = entered(case, "here", who, at)
    with ledger.writing() as connection:
        log.lock(connection)
        admit(connection, [entry])
        log.append(connection, entry)


def admit(connection: Connection, entries: Iterable[Entry]) -> None:
    """Whether these entries may be made now, under the journal's lock, whatever they are about.

    Raises UsageError S411 for one more objection to a case that has one which is checked here.
    """
    for entry in entries:
        if entry.kind == "objected" and _is_open(connection, case := str(entry.what["first"])):
            raise UsageError("S411", f"{case} has an objection that is open")


def decide(ledger: Ledger, case: str, ending: Ending, who: str, at: datetime) -> None:
    """End the objection that was checked here. Raises UsageError S411 where none is open."""
    with ledger.writing() as connection:
        log.lock(connection)
        if not _is_open(connection, case):
            raise UsageError("S411", f"{case} has no objection that is checked here")
        log.append(connection, decided(case, ending, who, at))


def _is_open(connection: Connection, case: str) -> bool:
    """Whether one that is checked here is open."""
    return any(item.route == "here" and not item.ending for item in _registered(connection, case))


def registered(ledger: Ledger, case: str = "") -> tuple[Objection, ...]:
    """The objections of a case, or all, in the order of their entries.

    One that came with a return of the partner and was decided here has no `entered`: that is in the messages.
    """
    with ledger.reading() as connection:
        return _registered(connection, case)


def _registered(connection: Connection, case: str) -> tuple[Objection, ...]:
    found: dict[str, list[Objection]] = {}
    rows = log.pages(connection, select(journal).where(journal.c.kind.in_(_KINDS)))
    for entry in map(log.entry_of, rows):
        number = str(entry.what["first"])
        if case in ("", number):
            _fold(found.setdefault(number, []), number, entry)
    return tuple(_in_order(found.values()))


def _fold(known: list[Objection], number: str, entry: Line) -> None:
    if entry.kind == "objected":
        known.append(Objection(number, entry.at, entry.who, str(entry.what["route"])))
        return
    if not known or known[-1].ending:
        known.append(Objection(number, "", "", "received"))
    known[-1] = replace(known[-1], decided=entry.at, decided_by=entry.who, ending=str(entry.what["ending"]))


def _in_order(groups: Iterable[list[Objection]]) -> list[Objection]:
    return sorted((item for group in groups for item in group), key=lambda item: item.entered or item.decided)
