"""Journals with entries, and every way to damage them: what the tests of the journal and its proofs share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import delete, insert, select, update

from archive import journal
from archive.checkpoints import JournalKey
from archive.journal import Entry
from archive.ledger import Ledger
from archive.tables import journal as table
from archive.tables import journal_head
from formats.merkle import Frontier

KEY = JournalKey.generate("jiexu/33010001/journal")
Damage = Callable[[Ledger], None]


def some_entry(number: int) -> Entry:
    """An entry that differs from its neighbours."""
    what: dict[str, str | int] = {"arrival": number, "digest": f"{number:064x}", "code": "T113"}
    return Entry("2026-11-22T08:00:00Z", "quarantined", what, "错误", 'said "no"\\', f"staff-{number}")


def grown(ledger: Ledger, count: int) -> None:
    """So many entries more."""
    first = journal.head(ledger).count + 1
    journal.record(ledger, map(some_entry, range(first, first + count)))


def edited(n: int, column: str, value: object) -> Damage:
    """One column of one entry has another value."""

    def act(ledger: Ledger) -> None:
        with ledger.writing() as connection:
            connection.execute(update(table).where(table.c.n == n).values({column: value}))

    return act


def deleted(n: int) -> Damage:
    """One entry is gone."""

    def act(ledger: Ledger) -> None:
        with ledger.writing() as connection:
            connection.execute(delete(table).where(table.c.n == n))

    return act


def closed_up(n: int) -> Damage:
    """One entry is gone, and those behind it have moved up."""

    def act(ledger: Ledger) -> None:
        with ledger.writing() as connection:
            connection.execute(delete(table).where(table.c.n == n))
            for behind in range(n + 1, journal.head(ledger).count + 1):
                connection.execute(update(table).where(table.c.n == behind).values(n=behind - 1))

    return act


def swapped(n: int, other: int) -> Damage:
    """Two entries have changed places."""

    def act(ledger: Ledger) -> None:
        with ledger.writing() as connection:
            for before, after in ((n, 10**6), (other, n), (10**6, other)):
                connection.execute(update(table).where(table.c.n == before).values(n=after))

    return act


def inserted(n: int) -> Damage:
    """A copy of the last entry stands at a place; those behind it have moved on."""

    def act(ledger: Ledger) -> None:
        with ledger.writing() as connection:
            for behind in range(journal.head(ledger).count, n - 1, -1):
                connection.execute(update(table).where(table.c.n == behind).values(n=behind + 1))
            row = connection.execute(select(table).order_by(table.c.n.desc()).limit(1)).one()
            connection.execute(insert(table).values({**row._asdict(), "n": n}))

    return act


def cut(n: int) -> Damage:
    """Entry `n` and everything behind it are gone."""

    def act(ledger: Ledger) -> None:
        with ledger.writing() as connection:
            connection.execute(delete(table).where(table.c.n >= n))

    return act


def covered_up(ledger: Ledger) -> None:
    """Whoever did it also computed every number, every leaf and the journal's end anew."""
    with ledger.writing() as connection:
        rows = connection.execute(select(table).order_by(table.c.n)).all()
        connection.execute(delete(table))
        connection.execute(update(journal_head).values(journal.head_values(Frontier())))
        if rows:
            entries = [journal.entry_of(row) for row in rows]
            journal.append(
                connection, *(Entry(row.at, row.kind, row.what, row.why, row.how, row.who) for row in entries)
            )


@contextmanager
def untouched(ledger: Ledger) -> Iterator[None]:
    """Put the journal back as it was when the block ends."""
    with ledger.reading() as connection:
        rows = [row._asdict() for row in connection.execute(select(table))]
        head = connection.execute(select(journal_head)).one()._asdict()
    yield
    with ledger.writing() as connection:
        connection.execute(delete(table))
        connection.execute(insert(table), rows)
        connection.execute(delete(journal_head))
        connection.execute(insert(journal_head), [head])
