"""The journal: every act in it, and every change to it found and named."""

import base64
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update

from archive import cases, checkpoints, incoming, journal, outgoing
from archive.checkpoints import Checkpoint, JournalKey
from archive.claims import Owner
from archive.journal import EMPTY, EVENTS, Entry, Head
from archive.ledger import Ledger
from archive.originals import Kept
from archive.tables import journal_head
from archive.upkeep_tables import checkpoints as signed_heads
from formats import merkle
from formats.errors import IntegrityError
from formats.merkle import leaf_hash
from tests.archive.journals import (
    KEY,
    Damage,
    closed_up,
    covered_up,
    cut,
    deleted,
    edited,
    grown,
    inserted,
    some_entry,
    swapped,
    untouched,
)
from tests.archive.stories import NOW, SERVICE, Partner, answer, approved, arrived, opened, posted

COLUMNS = ("at", "kind", "what", "why", "how", "who", "leaf")


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


@pytest.fixture
def grown_to_40(tmp_path: Path) -> Path:
    """The file of a ledger with 40 entries, of which every eighth was signed."""
    file = tmp_path / "grown.db"
    with Ledger.create(f"sqlite:///{file}") as ledger:
        for _ in range(5):
            grown(ledger, 8)
            signed(ledger)
        assert journal.verify(ledger, (), KEY.verifier).count == 40
    return file


def signed(ledger: Ledger) -> Checkpoint:
    """The journal's head, signed now and kept."""
    return checkpoints.open_note(journal.checkpoint(ledger, KEY, NOW), KEY.verifier)


def test_an_empty_journal_holds(ledger: Ledger) -> None:
    """Nothing in it, nothing wrong with it; its head can be signed."""
    assert journal.verify(ledger) == journal.head(ledger) == EMPTY
    assert journal.entries(ledger) == ()
    assert signed(ledger) == Checkpoint(KEY.name, 0, merkle.EMPTY_ROOT.hex())
    grown(ledger, 1)
    assert journal.verify(ledger, (), KEY.verifier).count == 1


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


def test_the_root_is_that_of_the_entries(database_url: str) -> None:
    """On each database: leaves are over canonical JSON, the root is RFC 6962's, however the entries were grouped."""
    with Ledger.create(database_url) as ledger:
        for count in (1, 5, 2, 700, 1500):
            grown(ledger, count)
        entries = journal.entries(ledger)
        leaves = []
        for entry in entries:
            plain = {name: getattr(entry, name) for name in ("n", "at", "kind", "what", "why", "how", "who")}
            canonical = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            leaves.append(leaf_hash(canonical.encode()))
        assert [entry.leaf for entry in entries] == [leaf.hex() for leaf in leaves]
        assert journal.head(ledger) == Head(2208, merkle.root(leaves).hex())
        assert journal.verify(ledger) == journal.head(ledger)


def test_a_signed_head_still_fits_after_more_entries(filled: Ledger) -> None:
    """The journal only grows; the same head is not signed twice."""
    note = journal.checkpoint(filled, KEY, NOW)
    assert journal.checkpoint(filled, KEY, NOW) == note
    opened(filled)
    assert journal.verify(filled, [checkpoints.open_note(note, KEY.verifier)], KEY.verifier).count == 7
    assert journal.checkpoint(filled, KEY, NOW) != note


DAMAGES: list[tuple[Damage, int]] = [
    *((edited(3, name, "x"), 3) for name in COLUMNS),
    (edited(3, "who", "staff-handler "), 3),
    (edited(3, "what", '{"cases":1,"first":"33010001-2026-000003","last":"33010001-2026-000003","stage":"x"}'), 3),
    (deleted(3), 3),
    (deleted(1), 1),
    (deleted(6), 6),
    (closed_up(3), 3),
    (closed_up(6), 6),
    (swapped(3, 4), 3),
    (swapped(2, 6), 2),
    (inserted(3), 3),
    (inserted(7), 7),
    (inserted(0), 0),
    (cut(5), 5),
    (cut(1), 1),
]


def test_every_damage_is_found_and_named(database_url: str) -> None:
    """On each database: edited, removed, moved, inserted, cut off: A504, naming the first entry that does not hold."""
    with Ledger.create(database_url) as ledger:
        approved(ledger)
        opened(ledger)
        for damage, entry in DAMAGES:
            with untouched(ledger):
                damage(ledger)
                with pytest.raises(IntegrityError, match=rf"A504.*entry {entry}\b"):
                    journal.verify(ledger)
            assert journal.verify(ledger).count == 6


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_random_damage_is_found_at_its_place(grown_to_40: Path, data: st.DataObject) -> None:
    """Whatever is done to the rows at whatever place is named; and again when it is covered up, by a signed head."""
    file = Path(shutil.copy(grown_to_40, grown_to_40.with_name("damaged.db")))
    with Ledger.open(f"sqlite:///{file}") as ledger:
        place = data.draw(st.integers(1, 40))
        other = data.draw(st.integers(1, 39).map(lambda step: (place - 1 + step) % 40 + 1))
        before_last = min(place, 39)  # a copy of the last entry at the last place is one entry more, and no damage
        column = data.draw(st.sampled_from(["at", "why", "how", "who"]))
        damage, first = data.draw(
            st.sampled_from(
                [
                    (edited(place, column, "x"), place),
                    (deleted(place), place),
                    (closed_up(place), place),
                    (swapped(place, other), min(place, other)),
                    (inserted(before_last), before_last),
                    (cut(place), place),
                ]
            )
        )
        damage(ledger)
        with pytest.raises(IntegrityError, match=rf"A504.*entry {first}\b"):
            journal.verify(ledger)
        covered_up(ledger)
        with pytest.raises(IntegrityError, match="A510") as raised:
            journal.verify(ledger, (), KEY.verifier)
        low, high, *_ = map(int, re.findall("[0-9]+", raised.value.detail))
        assert low <= first <= high <= low + 7


def test_what_is_no_text_any_more_is_named(ledger: Ledger, tmp_path: Path) -> None:
    """SQLite takes any octets as text, and any type in a column: each is A504 with the entry's number."""
    grown(ledger, 6)
    raw = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    for value in ("CAST(x'ff' AS TEXT)", "x'00'", "7", "1.5"):
        with untouched(ledger):
            raw.execute(f"UPDATE journal SET who = {value} WHERE n = 4")
            with pytest.raises(IntegrityError, match=r"A504.*entry 4\b") as raised:
                journal.verify(ledger)
            assert "\udcff" not in str(raised.value)
            raw.execute("UPDATE journal SET who = '' WHERE n = 4")
    raw.close()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"n": 5}, "entry 6"),
        ({"n": 9}, "entry 7"),
        ({"root": "0" * 64}, "entry 6"),
        ({"frontier": ""}, "entry 6"),
        ({"frontier": "zz"}, "entry 6"),
        ({"frontier": f"{'0' * 64} {'1' * 64}"}, "entry 6"),
    ],
)
def test_a_changed_end_is_found_and_stops_writing(filled: Ledger, values: dict[str, object], named: str) -> None:
    """The ledger's note of the end, edited: A504, and no act is done on it."""
    with filled.writing() as connection:
        connection.execute(update(journal_head).values(values))
    with pytest.raises(IntegrityError, match=rf"A504.*{named}\b"):
        journal.verify(filled)
    with pytest.raises(IntegrityError, match="A504"):
        opened(filled)


def test_recomputed_leaves_are_found_by_the_end(ledger: Ledger) -> None:
    """Whoever edits a row and its leaf, but not the end, is found; the range is that of the subtree."""
    grown(ledger, 11)
    row = journal.entries(ledger, first=10)[0]
    leaf = leaf_hash(
        json.dumps(
            {name: getattr(row, name) for name in ("n", "at", "kind", "what", "why", "how")} | {"who": "x"},
            ensure_ascii=False,
            sort_keys=True,
            separators=(",", ":"),
        ).encode()
    )
    edited(10, "who", "x")(ledger)
    edited(10, "leaf", leaf.hex())(ledger)
    with pytest.raises(IntegrityError, match=r"A504.*entries 9 to 10\b"):
        journal.verify(ledger)


def test_a_lost_head_stops_writing(filled: Ledger) -> None:
    """Without its end the journal cannot go on, and no act is done without it: A504."""
    with filled.writing() as connection:
        connection.execute(delete(journal_head))
    with pytest.raises(IntegrityError, match="A504"):
        journal.verify(filled)
    with pytest.raises(IntegrityError, match="A504"):
        cases.open_cases(filled, [cases.NewCase("33010001-2026-000009", "44030001", "P", ("110",))], "staff-0", NOW)
    assert len(cases.listing(filled)) == 3


@pytest.mark.parametrize(("damage", "low", "high"), [(edited(9, "who", "x"), 7, 12), (cut(15), 13, 18)])
def test_a_rewritten_journal_is_not_the_signed_one(ledger: Ledger, damage: Damage, low: int, high: int) -> None:
    """Whoever computes everything anew is found by a head kept here, or elsewhere: A510, between two signed heads."""
    heads = []
    for _ in range(3):
        grown(ledger, 6)
        heads.append(signed(ledger))
    damage(ledger)
    covered_up(ledger)
    named = rf"A510.*entries {low} to {high}\b"
    with pytest.raises(IntegrityError, match=named):
        journal.verify(ledger)
    with ledger.writing() as connection:
        connection.execute(delete(signed_heads))
    assert journal.verify(ledger).count in (14, 18)  # nothing in the house tells any more
    with pytest.raises(IntegrityError, match=named):
        journal.verify(ledger, reversed(heads))
    with pytest.raises(IntegrityError, match=r"A510.*entries 1 to 18\b"):
        journal.verify(ledger, heads[2:])


def test_a_kept_head_that_was_not_signed_is_found(filled: Ledger) -> None:
    """A head that an editor put into the ledger's table: A510 where it does not fit, A527 where the key is known."""
    signed(filled)
    forged = JournalKey.generate(KEY.name)
    root = journal.head(filled).root
    for note, verifier, code in (
        (checkpoints.sign(Checkpoint(KEY.name, 6, root), forged), KEY.verifier, "A527"),
        (checkpoints.sign(Checkpoint(KEY.name, 5, root), KEY), KEY.verifier, "A510"),
        ("nonsense", "", "A527"),
        (base64.b64encode(b"x").decode(), KEY.verifier, "A527"),
    ):
        with filled.writing() as connection:
            connection.execute(update(signed_heads).values(note=note))
        with pytest.raises(IntegrityError, match=rf"{code}.*head of 6\b"):
            journal.verify(filled, (), verifier)


def test_no_second_head_of_a_size_is_signed(filled: Ledger) -> None:
    """A log must not sign two heads that contradict each other: A510 instead."""
    signed(filled)
    edited(3, "who", "x")(filled)
    covered_up(filled)
    with pytest.raises(IntegrityError, match=r"A510.*6\b"):
        journal.checkpoint(filled, KEY, NOW)


def test_more_heads_than_a_page_are_all_compared(filled: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kept heads are read page by page, and so are the entries."""
    monkeypatch.setattr(journal, "_PAGE", 2)
    for _ in range(7):
        grown(filled, 1)
        signed(filled)
    assert journal.verify(filled, (), KEY.verifier).count == 13
    with filled.writing() as connection:
        row = connection.execute(select(signed_heads).where(signed_heads.c.size == 13)).one()
        connection.execute(delete(signed_heads).where(signed_heads.c.size == 13))
        connection.execute(insert(signed_heads).values({**row._asdict(), "size": 12}).prefix_with("OR REPLACE"))
    with pytest.raises(IntegrityError, match=r"A510.*head of 12\b"):
        journal.verify(filled)


def test_other_parts_write_their_own_entries(ledger: Ledger) -> None:
    """`record` takes entries of known kinds with their fields, and no others."""
    entry = Entry("2026-11-22T08:00:00Z", "office-created", {"office": "33010001"}, "founding", "jiexu init", "staff-1")
    assert journal.record(ledger, [entry, entry]).count == 2
    for kind, what in (("unheard-of", {"office": "33010001"}), ("office-created", {"name": "x"})):
        with pytest.raises(ValueError, match=kind):
            journal.record(ledger, [Entry(entry.at, kind, what, "", "", "")])
    assert journal.record(ledger, []).count == journal.verify(ledger).count == 2


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), min_size=4, max_size=4))
def test_whatever_an_entry_says_it_is_read_as_it_was_written(tmp_path: Path, words: list[str]) -> None:
    """Quotes, backslashes, control characters and every script: the leaf is over canonical JSON all the same."""
    file = tmp_path / "words.db"
    with Ledger.open(f"sqlite:///{file}") if file.exists() else Ledger.create(f"sqlite:///{file}") as ledger:
        what, why, how, who = words
        journal.record(ledger, [Entry("2026-11-22T08:00:00Z", "office-created", {"office": what}, why, how, who)])
        (found,) = journal.entries(ledger, last=1)
        assert (found.what, found.why, found.how, found.who) == ({"office": what}, why, how, who)
        plain = {name: getattr(found, name) for name in ("n", "at", "kind", "what", "why", "how", "who")}
        canonical = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert found.leaf == leaf_hash(canonical.encode()).hex()
        assert journal.verify(ledger) == journal.head(ledger)


def test_every_act_is_in_the_journal(tmp_path: Path) -> None:
    """Each kind of entry that the work on cases writes is written by its act, and nothing of a person with it."""
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
        assert written == {*list(EVENTS)[: list(EVENTS).index("office-created")], "registered"}
        assert journal.verify(ledger) == journal.head(ledger)
        with ledger.reading() as connection:
            assert "P0000" not in str(connection.execute(text("SELECT * FROM journal")).all())


def _old_ledger(url: str, entries: int, spoil: Callable[[dict[str, str | int]], None] | None = None) -> None:
    """A ledger of revision 0001 with a chain of entries, as the program of that time wrote them."""
    from alembic import command
    from sqlalchemy import create_engine

    from archive.revisions import configuration
    from formats.digest import sha256

    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "0001")
        end = "0" * 64
        for n in range(1, entries + 1):
            entry = some_entry(n)
            what = json.dumps(dict(entry.what), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            row: dict[str, str | int] = {"n": n, "at": entry.at, "kind": entry.kind, "what": what, "why": entry.why}
            row |= {"how": entry.how, "who": entry.who, "previous": end}
            end = sha256(json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())
            row["hash"] = end
            if spoil and n == 4:
                spoil(row)
            columns = ", ".join(f'"{name}"' for name in row)
            connection.execute(
                text(f"INSERT INTO journal ({columns}) VALUES ({', '.join(f':{name}' for name in row)})"), row
            )
        connection.execute(text("UPDATE journal_head SET n = :n, hash = :hash"), {"n": entries, "hash": end})
    engine.dispose()


@pytest.mark.parametrize("entries", [0, 7])
def test_an_older_ledger_s_chain_becomes_a_tree(database_url: str, entries: int) -> None:
    """An upgrade keeps every entry's content; the journal goes on, and holds."""
    _old_ledger(database_url, entries)
    Ledger.upgrade(database_url)
    with Ledger.open(database_url) as ledger:
        assert journal.verify(ledger) == journal.head(ledger)
        kept = [Entry(line.at, line.kind, line.what, line.why, line.how, line.who) for line in journal.entries(ledger)]
        assert kept == [some_entry(n) for n in range(1, entries + 1)]
        grown(ledger, 3)
        assert journal.verify(ledger).count == entries + 3


def test_a_changed_chain_is_not_made_into_a_tree(database_url: str) -> None:
    """A504 naming the entry, and the older ledger stays as it was."""
    _old_ledger(database_url, 7, lambda row: row.update(who="x"))
    for _ in range(2):
        with pytest.raises(IntegrityError, match=r"A504.*entry 4\b"):
            Ledger.upgrade(database_url)
