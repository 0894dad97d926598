"""Holds: what must not be destroyed, whatever its age, while an objection (art. 16), a suit or an inquiry lasts.

A hold is placed on a case with a reason and lifted by a person; several may lie on one case, and each holds alone. The
reasons stay in this office's ledger; the journal has the hold's number, the case, who, and a digest of the whole row
(`proved_rows`), so that no hold is lifted but by `lift`.

Errors of every function: UnreachableError S409 when the database does not answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from archive import counters, journal, proved_rows
from archive.journal import Entry
from archive.ledger import Ledger
from archive.proved_rows import HOLDS
from archive.tables import OUT, cases, utc_text
from archive.upkeep_tables import holds
from formats.errors import UsageError

CaseKey = tuple[str, str, str]  # direction, partner, case number


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold as the ledger has it. Times are UTC text; `lifted` is empty while it holds."""

    number: int
    direction: str
    partner: str
    case: str
    why: str
    placed: str
    placed_by: str
    lifted: str
    lifted_by: str


def place(ledger: Ledger, case: str, why: str, who: str, at: datetime) -> Hold:
    """Hold a case; this office's outgoing one first where both directions have the number.

    `why` is the reason in the words of the office and must name nobody, `who` a staff id. Raises UsageError S412
    (unknown case), S421 (no reason).
    """
    if not why.strip():
        raise UsageError("S421", "a hold needs a reason")
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        found = connection.execute(select(cases).where(cases.c.case_number == case).order_by(cases.c.id)).all()
        if not found:
            raise UsageError("S412", case)
        row = next((item for item in found if item.direction == OUT), found[0])
        number = counters.reserve(connection, "hold", 1)[0]
        values = {
            "id": number,
            "direction": row.direction,
            "partner": row.partner,
            "case_number": row.case_number,
            "why": why,
            "placed": now,
            "placed_by": who,
            "lifted": "",
            "lifted_by": "",
            "salt": proved_rows.salt(),
        }
        connection.execute(insert(holds), values)
        what: dict[str, str | int] = {"hold": number, "case": case, "row": proved_rows.digest(holds, values)}
        journal.append(connection, Entry(now, "hold-placed", what, "art. 16 or a proceeding", "held by a person", who))
    return Hold(number, row.direction, row.partner, row.case_number, why, now, who, "", "")


def lift(ledger: Ledger, number: int, who: str, at: datetime) -> Hold:
    """Lift one hold by its number.

    Raises UsageError S412 (no such hold), S411 (it is lifted already); IntegrityError A507 when its row is not what was
    entered, which the entry of the lifting would otherwise cover.
    """
    now = utc_text(at)
    with ledger.writing() as connection:
        journal.lock(connection)
        row = connection.execute(select(holds).where(holds.c.id == number)).first()
        if row is None:
            raise UsageError("S412", f"hold {number}")
        if row.lifted:
            raise UsageError("S411", f"hold {number} was lifted on {row.lifted}")
        proved_rows.require(connection, HOLDS, (number,))
        connection.execute(update(holds).where(holds.c.id == number).values(lifted=now, lifted_by=who))
        changed = connection.execute(select(holds).where(holds.c.id == number)).one()
        proof = proved_rows.digest(holds, changed._asdict())
        what: dict[str, str | int] = {"hold": number, "case": row.case_number, "row": proof}
        journal.append(connection, Entry(now, "hold-lifted", what, "its reason has ended", "lifted by a person", who))
    return _hold(changed)


def listing(ledger: Ledger, *, lifted: bool = False) -> tuple[Hold, ...]:
    """The holds in the order of placing: those that hold, and with `lifted` the lifted ones too."""
    wanted = select(holds).order_by(holds.c.id)
    with ledger.reading() as connection:
        rows = connection.execute(wanted if lifted else wanted.where(holds.c.lifted == "")).all()
    return tuple(_hold(row) for row in rows)


def held(connection: Connection) -> frozenset[CaseKey]:
    """The cases that a hold keeps from destruction now, in the caller's transaction."""
    columns = (holds.c.direction, holds.c.partner, holds.c.case_number)
    rows: Iterable[Any] = connection.execute(select(*columns).where(holds.c.lifted == "").distinct())
    return frozenset((row[0], row[1], row[2]) for row in rows)


def _hold(row: Row[Any]) -> Hold:
    return Hold(
        row.id,
        row.direction,
        row.partner,
        row.case_number,
        row.why,
        row.placed,
        row.placed_by,
        row.lifted,
        row.lifted_by,
    )
