"""The money leg of a transfer: what was paid to this office for a case, to be matched to its information form."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import insert, select

from archive import journal
from archive.case import State
from archive.journal import Entry, extent
from archive.ledger import Ledger
from archive.tables import IN, cases, remittances, utc_text
from formats.errors import UsageError

_WHY = "transfer of the insurance relation"


class Remittance(NamedTuple):
    """Money that came in: insurance kind (AAE140), yuan with two places, the date, the voucher's number."""

    kind: str
    amount: str
    received: str
    reference: str


def record(ledger: Ledger, case: str, item: Remittance, who: str, at: datetime) -> None:
    """Enter money for an incoming case that waits for it; the same voucher again changes nothing.

    Raises UsageError S411 (the case does not wait, or the voucher was entered with another amount), S412,
    UnreachableError S409.
    """
    with ledger.writing() as connection:
        journal.lock(connection)
        row = connection.execute(select(cases).where(cases.c.direction == IN, cases.c.case_number == case)).first()
        if row is None:
            raise UsageError("S412", case)
        if row.state not in (State.IN_TRANSIT, State.AWAITED, State.RECEIVED):
            raise UsageError("S411", f"{case}: a case that is {row.state} waits for no money")
        there = connection.execute(
            select(remittances).where(
                remittances.c.case_id == row.id,
                remittances.c.kind == item.kind,
                remittances.c.reference == item.reference,
            )
        ).first()
        if there is not None:
            if Remittance(*(getattr(there, name) for name in Remittance._fields)) != item:
                raise UsageError("S411", f"{case}: this voucher was entered otherwise before")
            return
        now = utc_text(at)
        connection.execute(insert(remittances).values(case_id=row.id, **item._asdict(), who=who, at=now))
        what: dict[str, str | int] = {**extent([case]), "kind": item.kind}
        journal.append(connection, Entry(now, "remitted", what, _WHY, "entered by a person", who))


def received(ledger: Ledger, partner: str, case: str) -> tuple[Remittance, ...]:
    """What has come in for a case with this partner, in the order of entering. Raises UnreachableError S409."""
    wanted = (
        select(*(remittances.c[name] for name in Remittance._fields))
        .join(cases, cases.c.id == remittances.c.case_id)
        .where(cases.c.direction == IN, cases.c.partner == partner, cases.c.case_number == case)
        .order_by(remittances.c.id)
    )
    with ledger.reading() as connection:
        return tuple(Remittance(*row) for row in connection.execute(wanted))


def sums(items: tuple[Remittance, ...]) -> Mapping[str, int]:
    """By insurance kind, in fen."""
    found: dict[str, int] = {}
    for item in items:
        found[item.kind] = found.get(item.kind, 0) + int(item.amount.replace(".", ""))
    return found
