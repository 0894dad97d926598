"""Proofs of the journal: made from the ledger, checked from the file alone, and every spoiled one refused."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update

from archive import checkpoints, journal, journal_proofs, proof_files
from archive.checkpoints import Checkpoint, JournalKey
from archive.ledger import Ledger
from archive.upkeep_tables import checkpoints as signed_heads
from formats.errors import IntegrityError, UsageError
from tests.archive.journals import KEY, closed_up, covered_up, cut, deleted, edited, grown, inserted, swapped
from tests.archive.stories import NOW

SIZES = (3, 8, 21)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger on each database, with 21 entries; heads of 3, 8 and 21 are signed on three days."""
    server = request.param == "postgresql"
    url = request.getfixturevalue("postgresql_url") if server else f"sqlite:///{tmp_path / 'l.db'}"
    with Ledger.create(url) as made:
        for day, size in enumerate(SIZES):
            grown(made, size - journal.head(made).count)
            journal.checkpoint(made, KEY, NOW.replace(day=20 + day))
        yield made


@pytest.fixture
def file(tmp_path: Path) -> list[bytes]:
    """An export of 21 entries with heads of 3, 8 and 21."""
    with Ledger.create(f"sqlite:///{tmp_path / 'export.db'}") as made:
        for size in SIZES:
            grown(made, size - journal.head(made).count)
            note = journal.checkpoint(made, KEY, NOW)
        return list(journal_proofs.export(made, note, KEY.verifier))


def note_of(ledger: Ledger) -> str:
    """The newest signed head."""
    return journal.checkpoint(ledger, KEY, NOW)


def test_every_entry_can_be_proved(ledger: Ledger) -> None:
    """Under any head that has it; the file shows this entry and no other, and holds under the key alone."""
    entries = journal.entries(ledger)
    notes = [journal_proofs.signed_by(ledger, f"2026-11-{20 + day}") for day in range(3)]
    for note, size in zip(notes, SIZES, strict=True):
        for n in range(1, size + 1):
            lines = list(journal_proofs.inclusion(ledger, n, note).file(KEY.verifier))
            found = proof_files.check(lines, KEY.verifier)
            assert (found.form, found.since, found.head.size) == ("inclusion", n, size)
            assert json.loads(found.entry)["who"] == entries[n - 1].who
            assert sum(b"staff-" in line for line in lines) == 1
            assert proof_files.check(lines) == found
    for n in (0, 4):
        with pytest.raises(UsageError, match="S421"):
            journal_proofs.inclusion(ledger, n, notes[0])


def test_two_dates_can_be_related(ledger: Ledger) -> None:
    """Between any two signed heads; the newest of a day or before is taken."""
    notes = [journal_proofs.signed_by(ledger, f"2026-11-{20 + day}") for day in range(3)]
    assert journal_proofs.signed_by(ledger, "2026-12-31") == notes[2]
    for old in range(3):
        for new in range(old, 3):
            lines = list(journal_proofs.consistency(ledger, notes[old], notes[new]).file(KEY.verifier))
            found = proof_files.check(lines, KEY.verifier)
            assert (found.form, found.since, found.head.size) == ("consistency", SIZES[old], SIZES[new])
    with pytest.raises(UsageError, match=r"S421.*2026-11-20T"):
        journal_proofs.signed_by(ledger, "2026-11-19")
    with pytest.raises(UsageError, match="S421"):
        journal_proofs.consistency(ledger, notes[2], notes[0])


def test_an_export_is_the_whole_journal(ledger: Ledger) -> None:
    """Every entry as the exact line that is hashed, with each signed head in its place; it replays to the head."""
    note = note_of(ledger)
    lines = list(journal_proofs.export(ledger, note, KEY.verifier))
    found = proof_files.check(lines, KEY.verifier)
    assert (found.form, found.head) == ("export", checkpoints.parse(note))
    values = [json.loads(line) for line in lines]
    assert [value["n"] for value in values if "n" in value] == list(range(1, 22))
    assert [at for at, value in enumerate(values) if "checkpoint" in value] == [4, 10, 24]
    first = journal_proofs.signed_by(ledger, "2026-11-20")
    assert proof_files.check(journal_proofs.export(ledger, first, KEY.verifier)).head.size == 3


def test_a_reader_compares_with_heads_of_his_own(ledger: Ledger) -> None:
    """An export must fit the heads that the reader has kept; a later one shows that it was cut off."""
    lines = list(journal_proofs.export(ledger, note_of(ledger), KEY.verifier))
    heads = [checkpoints.parse(journal_proofs.signed_by(ledger, f"2026-11-{20 + day}")) for day in range(3)]
    assert proof_files.check(lines, KEY.verifier, reversed(heads)).head == heads[2]
    for size in (1, 3, 20, 21):
        with pytest.raises(IntegrityError, match=rf"A510.* to {size}\b"):
            proof_files.check(lines, KEY.verifier, [*heads, Checkpoint(KEY.name, size, "0" * 64)])
    shorter = list(journal_proofs.export(ledger, journal_proofs.signed_by(ledger, "2026-11-21"), KEY.verifier))
    with pytest.raises(IntegrityError, match=r"A510.*entries 9 to 21\b.*only 8"):
        proof_files.check(shorter, KEY.verifier, heads)


@pytest.mark.parametrize(
    "damage", [edited(5, "who", "x"), deleted(5), closed_up(5), swapped(5, 6), inserted(5), cut(5)]
)
@pytest.mark.parametrize("cover", [False, True])
def test_nothing_is_proved_from_a_damaged_journal(
    ledger: Ledger, damage: Callable[[Ledger], None], cover: bool
) -> None:
    """What does not lead to the signed head is not handed out, or is refused by whoever checks it."""
    notes = [journal_proofs.signed_by(ledger, f"2026-11-{20 + day}") for day in range(3)]
    damage(ledger)
    if cover:
        covered_up(ledger)
    with pytest.raises(IntegrityError, match=r"A504|A510"):
        journal_proofs.inclusion(ledger, 5, notes[2])
    with pytest.raises(IntegrityError, match=r"A504|A510"):
        proof_files.check(list(journal_proofs.export(ledger, notes[2], KEY.verifier)), KEY.verifier)
    if cover:
        with pytest.raises(IntegrityError, match=r"A504|A510"):
            journal_proofs.consistency(ledger, notes[0], notes[2])


def test_a_leaf_that_is_no_hash_is_named(ledger: Ledger) -> None:
    """A504 with the entry's number."""
    edited(7, "leaf", "zz")(ledger)
    with pytest.raises(IntegrityError, match=r"A504.*entry 7\b"):
        journal_proofs.inclusion(ledger, 2, note_of(ledger))


def test_a_forged_kept_head_does_not_pass_an_export(ledger: Ledger) -> None:
    """A head in the ledger that the key did not sign: A527 for whoever checks."""
    note = checkpoints.sign(Checkpoint(KEY.name, 8, "0" * 64), JournalKey.generate(KEY.name))
    newest = note_of(ledger)
    with ledger.writing() as connection:
        connection.execute(update(signed_heads).where(signed_heads.c.size == 8).values(note=note))
    with pytest.raises(IntegrityError, match="A527"):
        proof_files.check(journal_proofs.export(ledger, newest, KEY.verifier), KEY.verifier)


def test_heads_are_exported_page_by_page(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """More heads than a page, one of them of nothing."""
    monkeypatch.setattr(journal_proofs, "_PAGE", 2)
    monkeypatch.setattr(proof_files, "_BLOCK", 4)
    empty = checkpoints.sign(Checkpoint(KEY.name, 0, journal.EMPTY.root), KEY)
    with ledger.writing() as connection:
        connection.execute(insert(signed_heads).values(size=0, root=journal.EMPTY.root, at="", note=empty))
    for _ in range(5):
        grown(ledger, 1)
        note = note_of(ledger)
    lines = list(journal_proofs.export(ledger, note, KEY.verifier))
    assert sum(b'{"checkpoint"' in line for line in lines) == 9
    assert proof_files.check(lines, KEY.verifier).head.size == 26


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_spoiled_export_is_refused_at_its_place(file: list[bytes], data: st.DataObject) -> None:
    """A line changed, removed, doubled or moved: refused, and the entries named are those around it."""
    entries = [at for at, line in enumerate(file) if line.startswith(b'{"at"')]
    at = data.draw(st.sampled_from(entries))
    n = json.loads(file[at])["n"]
    other = data.draw(st.sampled_from([place for place in entries if place > at] or [entries[0]]))
    changed, removed, doubled, moved = list(file), list(file), list(file), list(file)
    changed[at] = changed[at].replace(b"staff-", b"Staff-")
    del removed[at]
    doubled.insert(at, file[at])
    moved[at], moved[other] = file[other], file[at]
    with pytest.raises(IntegrityError, match="A510") as raised:
        proof_files.check(changed, KEY.verifier)
    low, high = next((low, high) for low, high in ((1, 3), (4, 8), (9, 21)) if n <= high)
    assert f"entries {low} to {high} " in raised.value.detail
    for spoiled in (removed, doubled, moved):
        with pytest.raises(IntegrityError, match=r"A504|A510"):
            proof_files.check(spoiled, KEY.verifier)


def test_an_export_that_was_cut_is_refused(file: list[bytes]) -> None:
    """Wherever it ends but behind a head, what it ends with is under no signature; A526, or A510."""
    ends = {at + 1 for at, line in enumerate(file) if b'"checkpoint"' in line}
    for length in range(len(file)):
        if length in ends:
            assert proof_files.check(file[:length], KEY.verifier).head.size < 21
        else:
            with pytest.raises(IntegrityError, match="A526"):
                proof_files.check(file[:length], KEY.verifier)


def spoiled_lines(lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Small damages of a file of four lines."""
    head, entry, proof, note = lines
    yield [head, entry.replace(b"staff-", b"Staff-").replace(b"\\n3\\n", b"\\n4\\n"), proof, note]
    yield [head, entry, proof.replace(b'["', b'["' + b"00" * 32 + b'","'), note]
    yield [head, entry, b'{"proof":[]}\n', note]
    yield [head, entry, b'{"proof":["zz"]}\n', note]
    yield [head, entry, b'{"proof":[7]}\n', note]
    yield [head, entry, b'{"proof":"00"}\n', note]
    yield [head, entry, proof, note.replace(b"\\n21\\n", b"\\n22\\n")]
    yield [head, entry, proof, b'{"checkpoint":7}\n']
    yield [head, b"{}\n", proof, note]
    yield [head, b"\xff\n", proof, note]
    yield [head, b"[" * 100_000, proof, note]
    yield [head, entry, note, proof]
    yield [head, entry, proof]
    yield [head, entry, proof, note, note]
    yield [head.replace(b":1", b":2", 1), entry, proof, note]
    yield [b"{}\n", entry, proof, note]
    yield [b"nonsense", entry, proof, note]
    yield []


def test_a_spoiled_proof_is_refused(ledger: Ledger) -> None:
    """Whatever is changed in the file of an entry or of two heads: A526 or A527."""
    old, new = journal_proofs.signed_by(ledger, "2026-11-20"), note_of(ledger)
    for made in (journal_proofs.inclusion(ledger, 9, new), journal_proofs.consistency(ledger, old, new)):
        for number, lines in enumerate(spoiled_lines(list(made.file(KEY.verifier)))):
            with pytest.raises(IntegrityError, match=r"A526|A527"):
                pytest.fail(f"{number} passed: {proof_files.check(lines, KEY.verifier)}")


def test_another_key_is_not_believed(ledger: Ledger) -> None:
    """A527 with a key that the reader brought, whatever the file claims; without one the file's own must be one."""
    lines = list(journal_proofs.inclusion(ledger, 9, note_of(ledger)).file(KEY.verifier))
    with pytest.raises(IntegrityError, match="A527"):
        proof_files.check(lines, JournalKey.generate(KEY.name).verifier)
    claimed = [proof_files.header("inclusion", "nobody"), *lines[1:]]
    assert proof_files.check(claimed, KEY.verifier).since == 9
    with pytest.raises(IntegrityError, match=r"A526.*public key"):
        proof_files.check(claimed)
