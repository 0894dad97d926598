"""The register of originals: every row under a root in the journal, every row once."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from archive import journal
from archive.ledger import Ledger
from archive.originals import Kept
from archive.registry import FIELDS, original_line, original_values, register
from archive.tables import originals, utc_text
from formats import merkle
from formats.digest import sha256
from tests.archive.stories import NOW, OFFICE, PARTNER, SERVICE

CASE = f"{OFFICE}-2026-000001"


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A new ledger on each database."""
    with Ledger.create(database_url) as made:
        yield made


def rows(*names: str, direction: str = "out") -> list[dict[str, object]]:
    """Rows for originals whose bytes are these names."""
    return [
        original_values(
            Kept(sha256(name.encode()), len(name), "delivery-sent"), direction, PARTNER, CASE, name, utc_text(NOW)
        )
        for name in names
    ]


def enter(ledger: Ledger, values: list[dict[str, object]]) -> None:
    """Register rows in a transaction of their own."""
    with ledger.writing() as connection:
        register(connection, values, "transfer", SERVICE, utc_text(NOW))


def test_rows_are_proved_by_their_entry(ledger: Ledger) -> None:
    """The entry's root is the tree hash over the lines of its rows, in the order of their ids."""
    enter(ledger, rows("one", "two", "three"))
    enter(ledger, rows("four"))
    entries = {entry.n: entry for entry in journal.entries(ledger) if entry.kind == "registered"}
    with ledger.reading() as connection:
        found = connection.execute(select(originals).order_by(originals.c.id)).mappings().all()
    assert [row["message_id"] for row in found] == ["one", "two", "three", "four"]
    for number, entry in entries.items():
        lines = [original_line(dict(row)) for row in found if row["entry"] == number]
        assert entry.what == {"originals": len(lines), "root": merkle.root_of(lines).hex()}
    assert sum(int(entry.what["originals"]) for entry in entries.values()) == 4


def test_known_rows_are_left_out(ledger: Ledger) -> None:
    """What is there already, or stands twice in one batch, is not entered again; nothing new leaves no entry."""
    enter(ledger, rows("one", "two"))
    enter(ledger, rows("two", "three", "three"))
    enter(ledger, rows("one", "three"))
    assert [entry.what["originals"] for entry in journal.entries(ledger)] == [2, 1]
    enter(ledger, rows("one", direction="in"))
    assert journal.entries(ledger)[-1].what["originals"] == 1


def test_a_line_tells_every_field(ledger: Ledger) -> None:
    """Whatever is changed in a row, its line is another."""
    (row,) = rows("one")
    assert len({original_line(row), *(original_line({**row, name: "changed"}) for name in FIELDS)}) == len(FIELDS) + 1
