"""The long life of an archive: sends, receipts, refusals, corrections, a new key, a lost home, a restore, and on.

What stands for a correction, as long as there is no message of its own for it: a case that was refused stays refused,
and the corrected record goes in a new case; and a partner's second delivery of a case that was refused, with another
document, reopens the case at the receiver (`archive.case`, REDELIVER). Both are lived through here.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from archive import cases, journal, journal_proofs, proof_files, witnesses
from archive.backup import restoring
from archive.cases import OriginalRow
from archive.checkpoints import open_note
from archive.ocfl.validation import validate_root
from archive.segments import catalog
from flows import backup_places, backups, bundles, rekeying
from flows.backups import Restored
from flows.bundle_checks import verify
from flows.maintaining import audited
from flows.synthetic.people import other_name, people
from flows.synthetic.places import HANGZHOU, SHENZHEN
from flows.times import now
from flows.wiring import Office
from formats import xml
from formats.messages import Delivery
from formats.record import Record
from tests import exchange as ex
from tests.archive.ocfl.outside import judged
from tests.office import KINDS, TODAY, Pair, configure, exchange, fill, found_pair, open_approved, some_people, states

SEGMENT = 200_000  # bytes; two or three batches fill one
BATCH = 5  # cases
WRONG = 2  # people whose name is misspelt at the office that sends them
BACK = 3  # people who come from the other office; the first of them with another name


@dataclass(frozen=True)
class Life:
    """The office at `pair.sender` after all of it; its first home lies at `lost`, as it was when it was lost.

    `refused` and `corrected` are its cases of the people in `WRONG`, before and after; `came` is the case that the
    partner delivered twice; `first`, `middle`, `last` are the cases of before the new key, before the loss, after it.
    `heads` are notes that it signed before the new key and before the loss, `bundle` the evidence of the case
    `corrected[0]`, made before both.
    """

    pair: Pair
    lost: Path
    refused: Sequence[str]
    corrected: Sequence[str]
    came: str
    first: Sequence[str]
    middle: Sequence[str]
    last: Sequence[str]
    heads: Sequence[str]
    bundle: bytes
    restored: Restored

    @property
    def sent(self) -> dict[str, str]:
        """All cases that this office sent, and the state in which each ended."""
        accepted = (*self.first, *self.corrected, *self.middle, *self.last)
        return dict.fromkeys(accepted, "accepted") | dict.fromkeys(self.refused, "rejected")


@pytest.fixture(scope="module", params=[60, pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])])
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """The life of so many cases."""
    return live(tmp_path_factory.mktemp("life"), request.param)


def live(folder: Path, count: int) -> Life:
    """Everything in its order."""
    pair = found_pair(folder, {HANGZHOU.office: ("", f"sqlite:///{folder / 'hangzhou.db'}")})
    configure(pair.sender, segment_bytes=SEGMENT, batch=BATCH)
    everybody = some_people(count)
    third = count // 3
    refused, first = _misspelt(pair, everybody[:third])
    _correct(folder / "hangzhou.db", everybody[:WRONG])
    corrected = open_approved(pair, [person for person, _ in everybody[:WRONG]])
    exchange(pair)
    came = _come_from_there(pair)
    with Office.at(pair.sender) as office:
        heads = [office.checkpoint(now())]
        bundle = bundles.make(office, corrected[0], "staff-9", now())
        rekeying.change_archive_key(office, "staff-9", now())
    middle = _sent(pair, everybody[third : 2 * third])
    _sent_again(pair, middle[0])
    with Office.at(pair.sender) as office:
        heads.append(office.checkpoint(now()))
    lost, restored = _lose_and_restore(pair, folder)
    last = _sent(pair, everybody[2 * third :])
    with Office.at(pair.sender) as office:
        office.store.seal_due(now(), all_of_them=True)
    return Life(pair, lost, refused, corrected, came, first, middle, last, heads, bundle, restored)


def _misspelt(pair: Pair, first: Sequence[tuple[str, Record]]) -> tuple[Sequence[str], Sequence[str]]:
    """Send the first people, some of them with a wrong name; the cases that are refused for it, and the others."""
    fill(pair.receiver, [(f"440399000000{n}", Record(record.person)) for n, (_, record) in enumerate(first[:WRONG])])
    wrong = [(person, replace(record, person=other_name(record).person)) for person, record in first[:WRONG]]
    fill(pair.sender, [*wrong, *first[WRONG:]])
    numbers = open_approved(pair, [person for person, _ in first])
    exchange(pair)
    return numbers[:WRONG], numbers[WRONG:]


def _correct(database: Path, right: Sequence[tuple[str, Record]]) -> None:
    """The office that sent them corrects the names."""
    with closing(sqlite3.connect(database)) as connection, connection:
        names = [(record.person.name, person) for person, record in right]
        assert connection.executemany("UPDATE AC01 SET AAC003 = ? WHERE AAC001 = ?", names).rowcount == len(right)


def _sent(pair: Pair, more: Sequence[tuple[str, Record]]) -> Sequence[str]:
    """More people go."""
    fill(pair.sender, more)
    numbers = open_approved(pair, [person for person, _ in more])
    exchange(pair)
    return numbers


def _sent_again(pair: Pair, number: str) -> None:
    """The same package arrives a second time, and is answered with the same receipt."""
    ex.deliver(pair.receiver, ex.sent(pair, number))
    assert ex.receive(pair.receiver).opened.repeated == 1
    assert len(ex.acknowledge(pair.receiver).posted.posted) == 1
    assert ex.receive(pair.sender).failed == ()


def _come_from_there(pair: Pair) -> str:
    """People come from the other office; one of them is refused, delivered a second time, corrected, and taken in.

    Gives that case. The office that wrote the second delivery is played by hand, since ours sends no such message.
    """
    back = Pair(pair.receiver, pair.sender)
    there = list(people(BACK, 77, home=SHENZHEN, on=TODAY))
    known = other_name(there[0][1])
    fill(pair.sender, [("3301990000001", known)])
    fill(back.sender, there)
    numbers = open_approved(back, [person for person, _ in there], HANGZHOU.office)
    exchange(back)
    assert states(back.receiver)[numbers[0]] == states(back.sender)[numbers[0]] == "rejected"
    with Office.at(back.sender) as office:
        kept = next(row for row in cases.originals(office.ledger, numbers[0]) if row.kind == "delivery-sent")
        document = xml.decode(office.store.read(kept.digest))
    assert isinstance(document, Delivery)
    person = document.record.person._replace(name=known.person.name)
    second = replace(document, record=replace(document.record, person=person))
    second = ex.with_header(second, message_id=str(uuid4()), sequence=5000)
    ex.deliver(back.receiver, ex.parcel(back.sender, back.receiver, ex.named(second), xml.encode(second)))
    assert [item.case for item in ex.receive(back.receiver).opened.accepted] == [numbers[0]]
    ex.acknowledge(back.receiver)
    for file in ex.mailbox(back.sender).iterdir():
        file.unlink()  # the receipt is for the program that wrote the second delivery
    return numbers[0]


def _lose_and_restore(pair: Pair, folder: Path) -> tuple[Path, Restored]:
    """Back up, lose the home, and bring it back with the escrow's key, which lay elsewhere."""
    elsewhere, safe, lost = folder / "elsewhere", folder / "safe", folder / "lost"
    elsewhere.mkdir()
    safe.mkdir()
    with Office.at(pair.sender) as office, backup_places.opened(str(elsewhere)) as place:
        backups.back_up(office, place, "elsewhere", now())
    for name in ("escrow-secret.asc", "escrow-passphrase"):
        (pair.sender / "keys" / name).rename(safe / name)
    pair.sender.rename(lost)
    with Office.at(pair.receiver) as partner:
        verifier = partner.directory.partner(HANGZHOU.office).journal
    wrap = backups.key_at(safe / "escrow-secret.asc", safe / "escrow-passphrase")
    with backup_places.opened(str(elsewhere)) as place:
        found = restoring.open_snapshot(place, "", wrap, verifier)
        restored = backups.restore_office(place, found, wrap, pair.sender, now())
    (pair.sender / "keys/passphrase").write_bytes((lost / "keys/passphrase").read_bytes())
    return lost, restored


def rows_of(office: Office, kind: str, direction: str) -> dict[str, list[OriginalRow]]:
    """The originals of a kind and a direction by message id."""
    found: dict[str, list[OriginalRow]] = {}
    for row in cases.originals(office.ledger):
        if (row.kind, row.direction) == (kind, direction):
            found.setdefault(row.message_id, []).append(row)
    return found


def test_every_case_comes_to_its_end(life: Life) -> None:
    """Refused stays refused, corrected and all later ones are accepted at both; what came twice is accepted here."""
    here, there = states(life.pair.sender), states(life.pair.receiver)
    assert {case: state for case, state in here.items() if case.startswith(HANGZHOU.office)} == life.sent
    assert {case: state for case, state in there.items() if case.startswith(HANGZHOU.office)} == life.sent
    assert Counter(state for case, state in here.items() if case.startswith(SHENZHEN.office)) == {"accepted": BACK}
    assert (here[life.came], there[life.came]) == ("accepted", "rejected")


def test_a_validator_that_nobody_here_wrote_accepts_it(life: Life) -> None:
    """ocfl-py finds every sealed segment and the readme, all good; our own validation finds no flaw."""
    with Office.at(life.pair.sender) as office:
        root = office.store.layout.objects
        with office.ledger.reading() as connection:
            sealed = catalog.in_state(connection, "sealed")
            assert catalog.in_state(connection, "open", "sealing") == []
    assert len(sealed) > len(life.sent) // (3 * BATCH)
    assert {row.version for row in sealed} == {1, 2}
    assert judged(root.path) == (len(sealed) + 1, len(sealed) + 1, [])
    assert len(list(root.objects())) == len(sealed) + 1
    assert validate_root(root.path) == ()


def test_every_original_equals_its_source(life: Life) -> None:
    """Byte for byte: what the lost home had, and what the partner has of the same messages."""
    with Office.at(life.lost) as lost, Office.at(life.pair.sender) as office, Office.at(life.pair.receiver) as partner:
        before = cases.originals(lost.ledger)
        assert life.restored.originals == len({row.digest for row in before})
        assert cases.originals(office.ledger)[: len(before)] == before
        for digest in {row.digest for row in before}:
            assert office.store.read(digest) == lost.store.read(digest)
        for ours, theirs in (("package-sent", "package-received"), ("receipt-received", "package-sent")):
            mine, there = rows_of(office, ours, "out"), rows_of(partner, theirs, "in")
            assert mine.keys() == there.keys()
            assert len(mine) == len(life.sent)
            for message, (row,) in mine.items():
                (other,) = there[message]
                assert office.store.read(row.digest) == partner.store.read(other.digest)


def test_every_document_says_what_the_records_say(life: Life) -> None:
    """The signed delivery of each case is the person's record in the business database, which nobody restored."""
    with Office.at(life.pair.sender) as office:
        for number in (*life.corrected, *life.first, *life.middle, *life.last):
            row = cases.find(office.ledger, number)
            delivery = xml.decode(office.store.read(row.digest))
            assert isinstance(delivery, Delivery)
            assert delivery.record == office.records.read(row.person, KINDS)


def test_sealed_objects_are_never_touched(life: Life) -> None:
    """Every file of an object that the lost home had is there with the same bytes."""
    root = life.lost / "archive/ocfl"
    files = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    assert len(files) > len(life.sent) // (3 * BATCH)
    for path in files:
        assert (life.pair.sender / "archive/ocfl" / path).read_bytes() == (root / path).read_bytes()


def test_audits_are_clean(life: Life) -> None:
    """Every original is decrypted; nothing is wrong, nothing is left over, at either office and after the restore.

    Of each delivery that the records refused there is the draft of an accepting receipt: document, signature, package.
    """
    assert life.restored.problems == ()
    for home, refused in ((life.pair.sender, 1), (life.pair.receiver, WRONG)):
        with Office.at(home) as office:
            report = audited(office, now(), deep=True)
            assert (report.problems, report.drafts, report.leftover) == ((), 3 * refused, 0)
            assert report.originals == len({row.digest for row in cases.originals(office.ledger)})


def test_partners_are_witnesses(life: Life) -> None:
    """What each office kept of the other's signed heads, before and after the loss, fits the journal of today."""
    for home, other in ((life.pair.sender, life.pair.receiver), (life.pair.receiver, life.pair.sender)):
        with Office.at(home) as office, Office.at(other) as partner:
            kept = witnesses.witnessed(partner.ledger, office.code)
            heads = [open_note(row.note, office.journal_key.verifier) for row in kept]
            assert heads
            assert journal.verify(office.ledger, heads).count > heads[-1].size


def test_the_journal_only_grew(life: Life) -> None:
    """Off-line: from the heads of before the new key and before the loss to today's, and single entries under it."""
    with Office.at(life.pair.sender) as office, Office.at(life.pair.receiver) as partner:
        verifier = partner.directory.partner(HANGZHOU.office).journal
        note = office.checkpoint(now())
        entries = list(journal.entries(office.ledger))
        for old in life.heads:
            proof = journal_proofs.consistency(office.ledger, old, note)
            checked = proof_files.check(proof.file(verifier), verifier)
            assert (checked.since, checked.head.size) == (open_note(old, verifier).size, len(entries))
        for kind in ("archive-key-changed", "restored"):
            (n,) = (n for n, entry in enumerate(entries, 1) if entry.kind == kind)
            proved = journal_proofs.inclusion(office.ledger, n, note)
            assert f'"{kind}"' in proof_files.check(proved.file(verifier), verifier).entry
        export = journal_proofs.export(office.ledger, note, verifier)
        assert proof_files.check(export, verifier, [open_note(old, verifier) for old in life.heads]).since == 1


def test_evidence_holds_from_before_and_after(life: Life) -> None:
    """A bundle that was made before the new key and the loss, and bundles of today: old cases, refused, both ways."""
    with Office.at(life.pair.sender) as office, Office.at(life.pair.receiver) as partner:
        there = partner.directory.partner(HANGZHOU.office)
        trusted = {key.key.fingerprint: HANGZHOU.office for key in there.keys}
        trusted |= {key.key.fingerprint: SHENZHEN.office for key in office.directory.partner(SHENZHEN.office).keys}
        numbers = (life.corrected[0], life.refused[0], life.middle[0], life.last[0], life.came)
        made = [bundles.make(office, number, "staff-9", now()) for number in numbers]
        reports = [verify(data, trusted, {HANGZHOU.office: there.journal}) for data in (life.bundle, *made)]
    assert [report.first for report in reports] == [None] * len(reports)
    assert [report.case for report in reports] == [life.corrected[0], *numbers]
    outcomes = [[receipt.outcome for receipt in report.receipts] for report in reports]
    assert outcomes == [["accepted"], ["accepted"], ["rejected"], ["accepted"], ["accepted"], ["rejected", "accepted"]]
