"""This office as a witness of its partners' journals."""

from collections.abc import Iterator

import pytest

from archive import checkpoints, journal, witnesses
from archive.checkpoints import Checkpoint, JournalKey
from archive.ledger import Ledger
from formats.digest import sha256
from formats.errors import IntegrityError
from tests.archive.stories import LATER, NOW, PARTNER

KEY = JournalKey.generate(f"jiexu/{PARTNER}/journal")


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A new ledger on each database."""
    with Ledger.create(database_url) as made:
        yield made


def head(size: int, octet: str = "0b") -> str:
    """A signed head of the partner."""
    return checkpoints.sign(Checkpoint(KEY.name, size, octet * 32), KEY)


def test_each_head_is_kept_once(ledger: Ledger) -> None:
    """The note's exact text, when it first came; and one entry in the journal."""
    for at in (NOW, LATER):
        assert witnesses.witness(ledger, PARTNER, head(7), KEY.verifier, at).size == 7
    witnesses.witness(ledger, PARTNER, head(3), KEY.verifier, LATER)
    kept = witnesses.witnessed(ledger)
    assert [(row.partner, row.size, row.root, row.note) for row in kept] == [
        (PARTNER, size, "0b" * 32, head(size)) for size in (3, 7)
    ]
    assert kept[1].at == "2026-11-22T08:00:00Z"
    entries = journal.entries(ledger)
    assert [entry.what for entry in entries] == [
        {"partner": PARTNER, "size": size, "root": "0b" * 32, "note": sha256(head(size).encode())} for size in (7, 3)
    ]
    assert witnesses.witnessed(ledger, "11010001") == ()
    assert len(witnesses.witnessed(ledger, PARTNER)) == 2


def test_two_heads_of_one_size_are_a_contradiction(ledger: Ledger) -> None:
    """A510 naming the partner and the size; both notes are kept as evidence, and each time it is said again."""
    witnesses.witness(ledger, PARTNER, head(7), KEY.verifier, NOW)
    for note in (head(7, "0c"), head(7, "0c"), head(7)):
        with pytest.raises(IntegrityError, match=f"A510.*{PARTNER}.* 7 entries"):
            witnesses.witness(ledger, PARTNER, note, KEY.verifier, LATER)
    assert {row.note for row in witnesses.witnessed(ledger)} == {head(7), head(7, "0c")}
    assert journal.verify(ledger).count == 2


def test_what_is_not_signed_is_not_kept(ledger: Ledger) -> None:
    """A527, and nothing is kept: a stranger cannot make a partner contradict itself."""
    forged = checkpoints.sign(Checkpoint(KEY.name, 7, "0b" * 32), JournalKey.generate(KEY.name))
    for note in (forged, head(7).replace("\n7\n", "\n8\n"), "", "nonsense"):
        with pytest.raises(IntegrityError, match="A527"):
            witnesses.witness(ledger, PARTNER, note, KEY.verifier, NOW)
    assert witnesses.witnessed(ledger) == journal.entries(ledger) == ()
