"""Numbers that are given out once: sequence numbers towards a partner, case numbers of a year."""

from typing import Final

from sqlalchemy import Connection, func, select, update

from archive.ledger import insert
from archive.tables import counters
from formats.identifiers import MOST_CASES

# How far a restored office moves on: more than anybody sends, or opens, between two backups.
SEQUENCES: Final = 1_000_000
SERIALS: Final = 10_000

_FLOOR: Final = "sequence/"  # the counter of no partner: where that of a new one begins


def reserve(connection: Connection, name: str, count: int) -> range:
    """The next `count` numbers of this counter, from 1. Another transaction waits until this one ends."""
    floor = select(counters.c.used).where(counters.c.name == f"{name.rpartition('/')[0]}/").scalar_subquery()
    begin = insert(connection, counters).values(name=name, used=func.coalesce(floor, 0) + count)
    used: int = connection.execute(
        begin.on_conflict_do_update(index_elements=[counters.c.name], set_={"used": counters.c.used + count}).returning(
            counters.c.used
        )
    ).scalar_one()
    return range(used - count + 1, used + 1)


def move_on(connection: Connection, office: str, year: int) -> None:
    """Leave out the numbers that a lost office may have given out after its last backup.

    Sequence numbers go on by `SEQUENCES`, also towards partners that are not known yet; the year's case numbers by
    `SERIALS`, or by half of what the year has left where that is less. Numbers left out stay unused.
    """
    reserve(connection, _FLOOR, 0)
    reserve(connection, serial(office, year), 0)
    sequences = counters.c.name.startswith(_FLOOR, autoescape=True)
    connection.execute(update(counters).where(sequences).values(used=counters.c.used + SEQUENCES))
    serials = counters.c.name == serial(office, year)
    used = connection.execute(select(counters.c.used).where(serials)).scalar_one()
    step = max(0, min(SERIALS, (MOST_CASES - used) // 2))
    connection.execute(update(counters).where(serials).values(used=used + step))


def sequence(partner: str) -> str:
    """The counter of the messages to this partner."""
    return f"{_FLOOR}{partner}"


def serial(office: str, year: int) -> str:
    """The counter of the cases that this office opens in this year."""
    return f"case/{office}/{year:04d}"
