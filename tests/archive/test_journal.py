"""The journal: every act in it, and every change to it found."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update

from archive import cases, incoming, journal, outgoing
from archive.claims import Owner
from archive.journal import EMPTY, EVENTS, Entry, Head
from archive.ledger import Ledger
from archive.originals import Kept
from archive.tables import journal as table
from archive.tables import journal_head
from formats.errors import IntegrityError
from tests.archive.stories import NOW, SERVICE, Partner, answer, approved, arrived, opened, posted


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger."""
    with Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}") as made:
        yield made


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """A ledger with six entries."""
    opened(ledger, 2)
    approved(ledger)
    return ledger


def test_an_empty_journal_holds(ledger: Ledger) -> None:
    """Nothing in it, nothing wrong with it."""
    assert journal.verify(ledger) == journal.head(ledger) == EMPTY
    assert journal.entries(ledger) == ()


def test_entries_say_when_what_why_how_who(filled: Ledger) -> None:
    """Art. 12; the batch is one entry, with the first and last case, and nothing of a person."""
    entries = journal.entries(filled)
    assert [entry.kind for entry in entries] == ["opened", "opened", *["approved"] * 4]
    assert (entries[0].n, entries[0].at, entries[0].who) == (1, "2026-11-22T08:00:00Z", "staff-0")
    assert entries[0].what == {"cases": 2, "first": "33010001-2026-000001", "last": "33010001-2026-000002"}
    assert entries[2].what["stage"] == "handler"
    assert all(entry.why and entry.how and entry.who for entry in entries)
    assert "P0000" not in str(entries)


def test_some_of_the_entries(filled: Ledger) -> None:
    """From a number on, or the last few."""
    entries = journal.entries(filled)
    assert journal.entries(filled, first=5) == entries[4:]
    assert journal.entries(filled, last=2) == entries[-2:]
    assert journal.entries(filled, first=5, last=20) == entries[4:]


def test_the_chain_holds_and_ends_at_the_head(database_url: str) -> None:
    """Each entry has the hash of the one before; the head is the last; on each database a change is found."""
    with Ledger.create(database_url) as ledger:
        approved(ledger)
        entries = journal.entries(ledger)
        assert [entry.previous for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
        assert journal.verify(ledger) == journal.head(ledger) == Head(5, entries[-1].hash)
        _edit("who", "x")(ledger)
        with pytest.raises(IntegrityError, match=r"A504.*entry 3\b"):
            journal.verify(ledger)


def test_a_remembered_head_still_holds_after_more_entries(filled: Ledger) -> None:
    """The journal only grows."""
    head = journal.head(filled)
    opened(filled)
    assert journal.verify(filled, head).count == 7
    assert journal.verify(filled, EMPTY).count == 7


def _edit(column: str, value: object) -> Callable[[Ledger], None]:
    def act(ledger: Ledger) -> None:
        with ledger.writing() as connection:
            connection.execute(update(table).where(table.c.n == 3).values({column: value}))

    return act


def _remove(ledger: Ledger) -> None:
    with ledger.writing() as connection:
        connection.execute(delete(table).where(table.c.n == 3))


def _remove_and_renumber(ledger: Ledger) -> None:
    _remove(ledger)
    with ledger.writing() as connection:
        for n in (4, 5, 6):
            connection.execute(update(table).where(table.c.n == n).values(n=n - 1))


def _swap(ledger: Ledger) -> None:
    with ledger.writing() as connection:
        for before, after in ((3, 99), (4, 3), (99, 4)):
            connection.execute(update(table).where(table.c.n == before).values(n=after))


def _insert(ledger: Ledger) -> None:
    with ledger.writing() as connection:
        for n in (6, 5, 4, 3):
            connection.execute(update(table).where(table.c.n == n).values(n=n + 1))
        row = connection.execute(select(table).where(table.c.n == 2)).one()
        connection.execute(insert(table).values({**row._asdict(), "n": 3}))


@pytest.mark.parametrize(
    ("act", "entry"),
    [
        *((_edit(name, "x"), 3) for name in ("at", "kind", "what", "why", "how", "who", "previous", "hash")),
        (_remove, 3),
        (_remove_and_renumber, 3),
        (_swap, 3),
        (_insert, 3),
    ],
)
def test_every_change_is_found(filled: Ledger, act: Callable[[Ledger], None], entry: int) -> None:
    """Edited, removed, moved, inserted: A504, naming the entry."""
    act(filled)
    with pytest.raises(IntegrityError, match=rf"A504.*entry {entry}\b"):
        journal.verify(filled)


def test_a_cut_end_is_found(filled: Ledger) -> None:
    """Against the ledger's own note at once; with the note changed too, against a remembered head."""
    remembered = journal.head(filled)
    fifth = journal.entries(filled)[4]
    with filled.writing() as connection:
        connection.execute(delete(table).where(table.c.n == 6))
    with pytest.raises(IntegrityError, match=r"A504.*entry 6\b"):
        journal.verify(filled)
    with filled.writing() as connection:
        connection.execute(update(journal_head).values(n=5, hash=fifth.hash))
    assert journal.verify(filled) == Head(5, fifth.hash)
    with pytest.raises(IntegrityError, match=r"A504.*entry 6\b"):
        journal.verify(filled, remembered)


def test_a_rewritten_journal_is_not_the_remembered_one(filled: Ledger) -> None:
    """Whoever computes the whole chain anew is found by a head kept elsewhere."""
    remembered = journal.head(filled)
    with filled.writing() as connection:
        connection.execute(delete(table))
        connection.execute(update(journal_head).values(n=0, hash=EMPTY.hash))
    approved(filled)
    opened(filled)
    assert journal.verify(filled).count == 6
    with pytest.raises(IntegrityError, match=r"A504.*entry 6\b"):
        journal.verify(filled, remembered)


def test_a_lost_head_stops_writing(filled: Ledger) -> None:
    """Without its end the journal cannot go on, and no act is done without it: A504."""
    with filled.writing() as connection:
        connection.execute(delete(journal_head))
    with pytest.raises(IntegrityError, match="A504"):
        journal.verify(filled)
    with pytest.raises(IntegrityError, match="A504"):
        cases.open_cases(filled, [cases.NewCase("33010001-2026-000009", "44030001", "P", ("110",))], "staff-0", NOW)
    assert len(cases.listing(filled)) == 3


def test_other_parts_write_their_own_entries(ledger: Ledger) -> None:
    """`record` takes entries of known kinds with their fields, and no others."""
    entry = Entry("2026-11-22T08:00:00Z", "office-created", {"office": "33010001"}, "founding", "jiexu init", "staff-1")
    assert journal.record(ledger, [entry, entry]).count == 2
    for kind, what in (("unheard-of", {"office": "33010001"}), ("office-created", {"name": "x"})):
        with pytest.raises(ValueError, match=kind):
            journal.record(ledger, [Entry(entry.at, kind, what, "", "", "")])
    assert journal.verify(ledger).count == 2


def test_every_act_is_in_the_journal(tmp_path: Path) -> None:
    """Each kind of entry that the archive writes itself is written by its act, and nothing of a person with it."""
    with Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        owner, partner = Owner.this_process(), Partner()
        (sent,) = posted(ledger, owner)
        (first, second) = approved(ledger, 2)
        outgoing.claim(ledger, owner, 5, NOW)
        outgoing.record_sealed(ledger, owner, [], [(first, ())], SERVICE, NOW)
        cases.release(ledger, first, "staff-7", "corrected", NOW)
        cases.withdraw(ledger, second, "staff-7", "opened twice", NOW)
        delivery = partner.message("one", "44030001-2026-000001")
        (item,) = arrived(ledger, owner, [delivery])
        answer(ledger, owner, [item])
        (again,) = arrived(ledger, owner, [delivery])
        incoming.repeat_answer(ledger, owner, again.arrival, partner.code, item.message_id, SERVICE, NOW)
        receipt, bad = arrived(ledger, owner, [partner.message("two", sent.case), partner.message("bad", "")])
        original = Kept(receipt.package_digest, 1, "receipt-received")
        incoming.record_receipt(
            ledger, owner, receipt, sent.message_id, "accepted", (), sent.digest, original, SERVICE, NOW
        )
        incoming.quarantine(ledger, owner, bad.arrival, "T113", SERVICE, NOW)
        written = {entry.kind for entry in journal.entries(ledger)}
        assert written == set(EVENTS) - {"office-created", "ledger-upgraded", "partner-added", "audited"}
        assert journal.verify(ledger) == journal.head(ledger)
        with ledger.reading() as connection:
            assert "P0000" not in str(connection.execute(text("SELECT * FROM journal")).all())
