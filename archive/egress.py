"""How many records leave a day: caps that hold for all processes together (art. 17 and following: nothing in bulk).

A delivery counts on the day on which its message id is given out, once, also when it is killed and sealed again, and a
correction counts like the first delivery. Contact letters carry no record and do not count. A day is Beijing's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, update

from archive import counters, journal
from archive.case import State
from archive.journal import Entry
from archive.ledger import Ledger, insert
from archive.tables import OUT, utc_text
from archive.tables import cases as table
from archive.tables import counters as numbers

_DAY: Final = "egress-day/"
_PARTNER: Final = "egress/"
_TOLD: Final = "egress-told/"
_CAPS: Final = "egress-caps/"


@dataclass(frozen=True, slots=True)
class Caps:
    """How many deliveries may leave in a day, of the office and to one partner."""

    per_day: int
    per_partner: int


@dataclass(frozen=True, slots=True)
class Used:
    """How many deliveries were begun on a day, and how many of them to each partner."""

    all: int = 0
    partners: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Room:
    """What may still leave on a day; for one transaction, in which no other process counts."""

    caps: Caps
    day: date
    used: Used
    _taken: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, connection: Connection, caps: Caps, day: date) -> "Room":
        """Take the turn of counting until the transaction ends, and see what was used of the day."""
        counters.reserve(connection, f"{_DAY}{day}", 0)
        return cls(caps, day, _used(connection, day))

    def open_to(self) -> ColumnElement[bool]:
        """The cases that can leave now: those that were counted already, and those of partners with room."""
        counted = table.c.message_id.is_not(None)
        if self.used.all >= self.caps.per_day:
            return counted
        full = [partner for partner, count in self.used.partners.items() if count >= self.caps.per_partner]
        return or_(counted, table.c.partner.not_in(full))

    def admit(self, rows: Iterable[Row[Any]]) -> list[Row[Any]]:
        """Those of these cases that may leave, in their order; they are counted."""
        return [row for row in rows if row.message_id is not None or self._count(row.partner)]

    def close(self, connection: Connection) -> None:
        """Write down what was counted."""
        counters.reserve(connection, f"{_DAY}{self.day}", self._taken.total())
        for partner, count in sorted(self._taken.items()):
            counters.reserve(connection, f"{_PARTNER}{self.day}/{partner}", count)

    def _count(self, partner: str) -> bool:
        whole = self.used.all + self._taken.total()
        theirs = self.used.partners.get(partner, 0) + self._taken[partner]
        if whole >= self.caps.per_day or theirs >= self.caps.per_partner:
            return False
        self._taken[partner] += 1
        return True


def used(ledger: Ledger, day: date) -> Used:
    """How many deliveries were begun on this day."""
    with ledger.reading() as connection:
        return _used(connection, day)


def waiting(ledger: Ledger, caps: Caps, day: date) -> Mapping[str, int]:
    """How many approved cases wait for another day, by partner: those for which there is no room in this one."""
    with ledger.reading() as connection:
        now = _used(connection, day)
        wanted = (
            select(table.c.partner, func.count().label("waits"))
            .where(table.c.direction == OUT, table.c.state == State.APPROVED, table.c.message_id.is_(None))
            .group_by(table.c.partner)
            .order_by(table.c.partner)
        )
        found = {row.partner: int(row.waits) for row in connection.execute(wanted)}
    whole = now.all >= caps.per_day
    return {
        partner: count for partner, count in found.items() if whole or now.partners.get(partner, 0) >= caps.per_partner
    }


def tell(ledger: Ledger, waits: Mapping[str, int], who: str, day: date, at: datetime) -> None:
    """Enter once a day in the journal that cases wait for another day."""
    with ledger.writing() as connection:
        if counters.reserve(connection, f"{_TOLD}{day}", 1).stop == 2:
            what = {"cases": sum(waits.values()), "partners": len(waits)}
            why = "no more records leave in a day than the office's caps allow"
            journal.append(connection, Entry(utc_text(at), "egress-capped", what, why, "they stay approved", who))


def declare(ledger: Ledger, caps: Mapping[str, int], who: str, at: datetime) -> None:
    """Enter in the journal caps that differ from those last used; `caps` are the settings by name."""
    with ledger.reading() as connection:
        if _declared(connection) == caps:
            return
    with ledger.writing() as connection:
        journal.lock(connection)
        before = _declared(connection)
        for name, value in caps.items():
            if before.get(name) != value:
                _note(connection, name, value)
                what: dict[str, str | int] = {"cap": name, "before": before.get(name, 0), "now": value}
                why = "a setting says how much may leave"
                journal.append(connection, Entry(utc_text(at), "egress-cap-set", what, why, "used from now on", who))


def _used(connection: Connection, day: date) -> Used:
    partners = f"{_PARTNER}{day}/"
    wanted = select(numbers).where(or_(numbers.c.name == f"{_DAY}{day}", numbers.c.name.startswith(partners)))
    found = {row.name: row.used for row in connection.execute(wanted)}
    whole = found.pop(f"{_DAY}{day}", 0)
    return Used(whole, {name.removeprefix(partners): count for name, count in found.items()})


def _declared(connection: Connection) -> dict[str, int]:
    wanted = select(numbers).where(numbers.c.name.startswith(_CAPS))
    return {row.name.removeprefix(_CAPS): row.used for row in connection.execute(wanted)}


def _note(connection: Connection, name: str, value: int) -> None:
    key = f"{_CAPS}{name}"
    there = update(numbers).where(numbers.c.name == key).values(used=value)
    if not connection.execute(there).rowcount:
        connection.execute(insert(connection, numbers).values(name=key, used=value))
