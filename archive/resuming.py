"""A delivery that was put on hold is judged again: its package, kept as it came, waits once more like one that arrives.

It gets another receipt with an id and a number of its own; the one that said on-hold stays what it was.
"""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import select, update

from archive import counters, journal
from archive.case import State
from archive.journal import Entry, extent
from archive.ledger import Ledger, insert
from archive.tables import DELIVERY, IN, ArrivalState, MessageState, arrivals, cases, messages, utc_text
from formats.errors import UsageError


def resume(ledger: Ledger, case: str, who: str, why: str, at: datetime, reason: str = "") -> None:
    """Have the delivery of an incoming case judged again; `reason` is the code for which a person refuses it, or empty.

    Raises UsageError S411 (it is not on hold), S412, UnreachableError S409.
    """
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        row = connection.execute(select(cases).where(cases.c.direction == IN, cases.c.case_number == case)).first()
        if row is None:
            raise UsageError("S412", case)
        held = connection.execute(
            select(messages).where(
                messages.c.direction == IN,
                messages.c.kind == DELIVERY,
                messages.c.partner == row.partner,
                messages.c.message_id == row.message_id,
                messages.c.state == MessageState.ANSWERED,
                messages.c.outcome == "on-hold",
            )
        ).first()
        if row.state != State.RECEIVED or held is None:
            raise UsageError("S411", f"{case} has no delivery that is on hold")
        number = counters.reserve(connection, counters.sequence(row.partner), 1)[0]
        fresh = {"state": MessageState.RECEIVED, "outcome": "", "answer_id": str(uuid4()), "answer_sequence": number}
        connection.execute(update(messages).where(messages.c.id == held.id).values(**fresh))
        connection.execute(update(cases).where(cases.c.id == row.id).values(reason=reason, updated=now))
        arrival = {"name": held.name, "digest": held.package_digest, "size": held.size}
        waiting = {**arrival, "state": ArrivalState.WAITING, "code": "", "at": now}
        connection.execute(insert(connection, arrivals).values(waiting).on_conflict_do_nothing())
        what: dict[str, str | int] = {**extent([case]), "code": reason}
        journal.append(connection, Entry(now, "resumed", what, why, "to be judged again", who))
