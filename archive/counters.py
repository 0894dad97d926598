"""Numbers that are given out once: sequence numbers towards a partner, case numbers of a year."""

from sqlalchemy import Connection

from archive.ledger import insert
from archive.tables import counters


def reserve(connection: Connection, name: str, count: int) -> range:
    """The next `count` numbers of this counter, from 1. Another transaction waits until this one ends."""
    begin = insert(connection, counters).values(name=name, used=count)
    used: int = connection.execute(
        begin.on_conflict_do_update(
            index_elements=[counters.c.name], set_={"used": counters.c.used + begin.excluded.used}
        ).returning(counters.c.used)
    ).scalar_one()
    return range(used - count + 1, used + 1)


def sequence(partner: str) -> str:
    """The counter of the messages to this partner."""
    return f"sequence/{partner}"


def serial(office: str, year: int) -> str:
    """The counter of the cases that this office opens in this year."""
    return f"case/{office}/{year:04d}"
