"""Which case of this office is about a person: what is handed out as a file must belong to one."""

from sqlalchemy import select

from archive.ledger import Ledger
from archive.tables import cases as table


def newest_of(ledger: Ledger, person: str) -> str:
    """The number of the newest case whose person number this is; empty where there is none. Raises S409."""
    wanted = select(table.c.case_number).where(table.c.person == person).order_by(table.c.id.desc()).limit(1)
    with ledger.reading() as connection:
        return (connection.scalar(wanted) or "") if person else ""
