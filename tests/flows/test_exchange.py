"""The exchange of whole passes: what is accepted, held back, refused, and what waits for a better day."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from archive import cases, checkpoints, journal, witnesses
from archive.checkpoints import Checkpoint
from flows import collecting, passes, sealing
from flows.synthetic import people as synthetic
from flows.synthetic.places import HANGZHOU, SHENZHEN
from flows.times import now, utc_text
from flows.wiring import Office
from formats import xml
from formats.digest import sha256
from formats.errors import IntegrityError
from formats.messages import STAGES, Approval, Delivery, Receipt
from formats.record import Record
from tests import exchange as ex
from tests.office import KINDS, Pair, configure, copied, exchange, fill, found_pair, open_approved, some_people, states
from transfer import envelope
from transfer.partners import Directory

PEOPLE = some_people(6)

WRONGS = {
    "R001": synthetic.bad_check_digit,
    "R014": synthetic.overlapping_months,
    "R017": synthetic.unbalanced_account,
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices that have nobody."""
    folder = tmp_path_factory.mktemp("empty")
    found_pair(folder)
    return folder


@pytest.fixture
def pair(empty: Path, tmp_path: Path) -> Pair:
    """Two offices; everybody of `PEOPLE` is in the sending one."""
    pair = copied(empty, tmp_path)
    fill(pair.sender, PEOPLE)
    return pair


def opened(pair: Pair, people: Sequence[tuple[str, Record]] = PEOPLE) -> dict[str, str]:
    """Cases of these people, approved: case number -> person number."""
    persons = [person for person, _ in people]
    return dict(zip(open_approved(pair, persons), persons, strict=True))


def test_what_is_sent_arrives_as_it_was(pair: Pair) -> None:
    """Every case is accepted at both offices, digests and records are equal, and no receipt finds anything."""
    numbers = opened(pair)
    exchange(pair)

    assert states(pair.sender) == states(pair.receiver) == dict.fromkeys(numbers, "accepted")
    with Office.at(pair.sender) as sender, Office.at(pair.receiver) as receiver:
        for number, person in numbers.items():
            here, there = cases.find(sender.ledger, number), cases.find(receiver.ledger, number)
            kept = {row.kind: row for row in cases.originals(sender.ledger, number)}
            assert kept.keys() == {"delivery-sent", "signature-sent", "package-sent", "receipt-received"}
            assert kept["delivery-sent"].digest == here.digest == there.digest
            assert here.findings == there.findings == ()
            read = receiver.records.read(number.replace("-", ""), KINDS)
            assert read == sender.records.read(person, KINDS)
            sent = xml.decode(sender.store.read(here.digest))
            assert isinstance(sent, Delivery)
            assert sent.record == read
        assert len(receiver.records.persons()) == len(numbers)
    assert ex.problems(pair) == ()
    for home in (pair.sender, pair.receiver):
        assert list((home / "inbox").iterdir()) == list((home / "quarantine").iterdir()) == []
        assert list(ex.mailbox(home).iterdir()) == []


def test_a_second_run_of_every_pass_does_nothing(pair: Pair) -> None:
    """When all is done there is nothing to do, and nothing is posted again."""
    opened(pair)
    exchange(pair)
    done = [ex.send(pair), ex.receive(pair.receiver), ex.acknowledge(pair.receiver), ex.receive(pair.sender)]
    assert [type(report)() for report in done] == done


def test_the_sender_holds_back_what_the_receiver_would_refuse(empty: Path, tmp_path: Path) -> None:
    """Each wrong is held with its reason alone, the neighbours go on; corrected, released and approved it goes too."""
    pair = copied(empty, tmp_path)
    wrongs = [(number, wrong(record)) for (number, record), wrong in zip(PEOPLE, WRONGS.values(), strict=False)]
    fill(pair.sender, [*wrongs, *PEOPLE[len(wrongs) :]])
    numbers = list(opened(pair))

    held = ex.send(pair).sealed.held
    assert {judged.case: ex.codes(judged.findings) for judged in held} == {
        number: {code} for number, code in zip(numbers, WRONGS, strict=False)
    }
    exchange(pair)
    stopped = dict.fromkeys(numbers[: len(WRONGS)], "held")
    went = dict.fromkeys(numbers[len(WRONGS) :], "accepted")
    assert states(pair.sender) == stopped | went
    assert states(pair.receiver) == went

    for file in pair.sender.glob("records.db*"):
        file.unlink()
    with Office.at(pair.sender) as office:
        office.records.create_schema()
    fill(pair.sender, PEOPLE)
    with Office.at(pair.sender) as office:
        for number in stopped:
            cases.release(office.ledger, number, "staff-handler", "the data are corrected", now())
        for stage in STAGES:
            cases.approve(office.ledger, list(stopped), stage, f"staff-{stage}", now())
    exchange(pair)
    assert states(pair.sender) == states(pair.receiver) == dict.fromkeys(numbers, "accepted")
    assert ex.problems(pair) == ()


def transferred_before(pair: Pair, person: str) -> None:
    """This person's relation came to the receiver years ago."""
    header = ex.a_new_delivery(1).header
    approvals = tuple(Approval(stage, f"staff-{stage}", utc_text(now())) for stage in STAGES)
    with Office.at(pair.sender) as sender, Office.at(pair.receiver) as receiver:
        delivery = Delivery(header, KINDS, approvals, sender.records.read(person, KINDS))
        assert receiver.records.take_in(delivery, "0" * 64, now()) == ()


def test_conflicts_with_the_receiver_s_data_come_back(pair: Pair) -> None:
    """L301, L302 and L303 are rejecting receipts; the sender's case has the reason, the receiver's data are as before."""
    contributed, transferred, renamed, *_ = PEOPLE
    fill(
        pair.receiver,
        [
            ("4403000000001", synthetic.already_contributed(contributed[1], SHENZHEN)),
            ("4403000000002", synthetic.other_name(renamed[1])),
        ],
    )
    transferred_before(pair, transferred[0])
    before = ex.people_there(pair.receiver)
    numbers = list(opened(pair))
    exchange(pair)

    expected = dict(zip(numbers, ("L301", "L302", "L303"), strict=False))
    for number, code in expected.items():
        for home in (pair.sender, pair.receiver):
            row = ex.case(home, number)
            assert (row.state, ex.codes(row.findings)) == ("rejected", {code})
    went = dict.fromkeys(numbers[3:], "accepted")
    assert states(pair.sender) == dict.fromkeys(expected, "rejected") | went

    after = ex.people_there(pair.receiver)
    new = after.keys() - before.keys()
    assert new == {number.replace("-", "") for number in went}
    assert {person: after[person] for person in before} == before
    assert ex.problems(pair) == ()


def test_a_record_that_the_receiver_s_database_refuses(pair: Pair) -> None:
    """That case fails with a code and waits, its neighbours are accepted; when the database takes it, it goes on."""
    numbers = opened(pair)
    refused = sorted(numbers)[2]
    database = sqlite3.connect(pair.receiver / "records.db")
    with closing(database), database:
        number = PEOPLE[2][1].person.social_security_number
        database.execute(
            "CREATE TRIGGER refusal BEFORE INSERT ON AC01 WHEN NEW.AAC002 = "
            f"'{number}' BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    ex.send(pair)
    report = ex.receive(pair.receiver)
    assert [(item.subject, item.code[0]) for item in report.failed] == [(refused, "S")]
    assert number not in repr(report)
    assert {judged.case for judged in report.opened.accepted} == numbers.keys() - {refused}
    assert states(pair.receiver) == dict.fromkeys(numbers, "accepted") | {refused: "received"}

    database = sqlite3.connect(pair.receiver / "records.db")
    with closing(database), database:
        database.execute("DROP TRIGGER refusal")
    exchange(pair)
    assert states(pair.sender) == states(pair.receiver) == dict.fromkeys(numbers, "accepted")
    assert ex.problems(pair) == ()


def test_the_receiver_s_mailbox_out_of_reach(pair: Pair, tmp_path: Path) -> None:
    """What had arrived is settled, the pass says S404 with status 3; the next pass goes on with the rest."""
    numbers = opened(pair)
    early, late = list(numbers)[:3], list(numbers)[3:]
    with Office.at(pair.sender) as office:
        passes.send(office, early)
    with Office.at(pair.receiver) as office:
        collecting.collect(office)
    ex.send(pair)
    folder = ex.mailbox(pair.receiver)
    folder.rename(tmp_path / "away")

    report = ex.receive(pair.receiver)
    assert [(item.subject, item.code, item.status) for item in report.failed] == [("mailbox", "S404", 3)]
    assert {judged.case for judged in report.opened.accepted} == set(early)

    (tmp_path / "away").rename(folder)
    report = ex.receive(pair.receiver)
    assert report.failed == ()
    assert {judged.case for judged in report.opened.accepted} == set(late)
    exchange(pair)
    assert states(pair.sender) == states(pair.receiver) == dict.fromkeys(numbers, "accepted")


def test_a_partner_s_mailbox_out_of_reach(pair: Pair, tmp_path: Path) -> None:
    """What cannot be posted stays sealed, deliveries and receipts alike, and leaves with the next pass."""
    numbers = opened(pair)
    folder = ex.mailbox(pair.receiver)
    folder.rename(tmp_path / "away")
    report = ex.send(pair)
    assert {(item.subject, item.code, item.status) for item in report.failed} == {(case, "S404", 3) for case in numbers}
    assert states(pair.sender) == dict.fromkeys(numbers, "sealed")

    (tmp_path / "away").rename(folder)
    assert len(ex.send(pair).posted.posted) == len(numbers)
    ex.receive(pair.receiver)
    folder = ex.mailbox(pair.sender)
    folder.rename(tmp_path / "away")
    answers = ex.acknowledge(pair.receiver)
    assert {(item.subject, item.code, item.status) for item in answers.failed} == {
        (case, "S404", 3) for case in numbers
    }

    (tmp_path / "away").rename(folder)
    assert len(ex.acknowledge(pair.receiver).posted.posted) == len(numbers)
    ex.receive(pair.sender)
    assert states(pair.sender) == dict.fromkeys(numbers, "accepted")
    assert ex.problems(pair) == ()


def test_a_partner_who_is_not_known_any_more(pair: Pair) -> None:
    """Cases for a partner whose file is gone fail with S403 and stay approved; with the file they go."""
    numbers = opened(pair)
    file = pair.sender / "partners" / f"{SHENZHEN.office}.toml"
    text = file.read_text(encoding="utf-8")
    file.unlink()
    report = ex.send(pair)
    assert {(item.subject, item.code, item.status) for item in report.failed} == {(case, "S403", 2) for case in numbers}
    assert states(pair.sender) == dict.fromkeys(numbers, "approved")

    file.write_text(text, encoding="utf-8")
    exchange(pair)
    assert states(pair.sender) == dict.fromkeys(numbers, "accepted")
    assert ex.problems(pair) == ()


def test_a_sender_who_is_not_known_any_more(pair: Pair) -> None:
    """Packages of a partner whose file is gone are quarantined with T130, unread."""
    numbers = opened(pair)
    ex.send(pair)
    (pair.receiver / "partners" / f"{HANGZHOU.office}.toml").unlink()
    report = ex.receive(pair.receiver)
    assert [item.code for item in report.opened.quarantined] == ["T130"] * len(numbers)
    assert ex.acknowledge(pair.receiver).posted.done == 0
    assert states(pair.receiver) == {}
    assert ex.people_there(pair.receiver) == {}


def test_bytes_in_the_inbox_are_not_trusted(pair: Pair) -> None:
    """A bit flipped between collecting and settling is found; the neighbours go on, and sent again it arrives."""
    numbers = opened(pair)
    ex.send(pair)
    with Office.at(pair.receiver) as office:
        folder = office.settings.mailbox_folder()
        packages = {file.name: file.read_bytes() for file in folder.iterdir()}
        collecting.collect(office)
        hurt = office.settings.stored("inbox") / f"{sha256(packages[min(packages)])}.pgp"
        data = bytearray(hurt.read_bytes())
        data[len(data) // 2] ^= 1
        hurt.write_bytes(data)

    report = ex.receive(pair.receiver)
    assert [(item.subject, item.code) for item in report.failed] == [(min(packages), "A502")]
    assert len(report.opened.accepted) == len(numbers) - 1
    assert sorted(states(pair.receiver).values()) == ["accepted"] * (len(numbers) - 1)

    (folder / min(packages)).write_bytes(packages[min(packages)])
    assert len(ex.receive(pair.receiver).opened.accepted) == 1
    exchange(pair)
    assert states(pair.sender) == dict.fromkeys(numbers, "accepted")
    assert ex.problems(pair) == ()


def test_receipts_are_signed_documents_kept_by_both(pair: Pair) -> None:
    """A receipt is a document of its own: the receiver keeps it as sent, the sender the package as received."""
    numbers = opened(pair)
    exchange(pair)
    with Office.at(pair.sender) as sender, Office.at(pair.receiver) as receiver:
        for number in numbers:
            sent = {row.kind: row for row in cases.originals(receiver.ledger, number)}
            assert sent.keys() == {"package-received", "receipt-sent", "signature-sent", "package-sent"}
            receipt = xml.decode(receiver.store.read(sent["receipt-sent"].digest))
            assert isinstance(receipt, Receipt)
            assert (receipt.outcome, receipt.digest) == ("accepted", cases.find(sender.ledger, number).digest)
            came = next(row for row in cases.originals(sender.ledger, number) if row.kind == "receipt-received")
            package = sender.store.read(came.digest)
            at = now()
            document = envelope.unseal(package, [sender.key], Directory.load(pair.sender / "partners").pins(), at)
            assert document.data == receiver.store.read(sent["receipt-sent"].digest)


def test_receipts_make_partners_witnesses(pair: Pair) -> None:
    """Each receipt carries the signed head of the receiver's journal; the sender keeps it, and it holds over there."""
    opened(pair)
    exchange(pair)
    with Office.at(pair.sender) as sender, Office.at(pair.receiver) as receiver:
        kept = witnesses.witnessed(sender.ledger, receiver.code)
        assert len(kept) == 1
        head = checkpoints.open_note(kept[0].note, receiver.journal_key.verifier)
        assert journal.verify(receiver.ledger, [head]).count > head.size > 0
        rows = [row for row in cases.originals(receiver.ledger) if row.kind == "receipt-sent"]
        receipts = [xml.decode(receiver.store.read(row.digest)) for row in rows]
        assert {receipt.checkpoint for receipt in receipts if isinstance(receipt, Receipt)} == {kept[0].note}


def test_two_heads_of_one_size_are_told(pair: Pair) -> None:
    """A partner that signs two different journals of one size is named, and the case is closed all the same."""
    numbers = opened(pair)
    ex.send(pair)
    ex.receive(pair.receiver)
    with Office.at(pair.sender) as sender, Office.at(pair.receiver) as receiver:
        size = journal.head(receiver.ledger).count
        known = {head.size for head in _heads(receiver)}
        other = checkpoints.sign(Checkpoint(receiver.journal_key.name, min(known), "00" * 32), receiver.journal_key)
        witnesses.witness(sender.ledger, receiver.code, other, receiver.journal_key.verifier, now())
        assert size > min(known)
    ex.acknowledge(pair.receiver)
    report = ex.receive(pair.sender)
    assert {failed.code for failed in report.failed} == {"A510"}
    assert states(pair.sender) == dict.fromkeys(numbers, "accepted")


def _heads(office: Office) -> list[Checkpoint]:
    """The heads in the receipts that an office has sent."""
    rows = [row for row in cases.originals(office.ledger) if row.kind == "receipt-sent"]
    receipts = [xml.decode(office.store.read(row.digest)) for row in rows]
    notes = {receipt.checkpoint for receipt in receipts if isinstance(receipt, Receipt)}
    return [checkpoints.open_note(note, office.journal_key.verifier) for note in notes]


def test_nothing_is_kept_behind_missing_bytes(pair: Pair) -> None:
    """With bytes of the open segment gone, send and receive stop before they begin: A508, and no case is touched."""
    opened(pair, PEOPLE[:3])
    exchange(pair)
    fresh = opened(pair, PEOPLE[3:])
    (segment,) = pair.sender.glob("archive/open/*.tar")
    segment.chmod(0o600)
    os.truncate(segment, segment.stat().st_size // 2)
    for act in (ex.send, lambda pair: ex.receive(pair.sender)):
        with pytest.raises(IntegrityError) as caught:
            act(pair)
        assert caught.value.code == "A508"
    assert {states(pair.sender)[number] for number in fresh} == {"approved"}


def test_a_segment_that_cannot_be_sealed_stops_nobody(pair: Pair) -> None:
    """A damaged segment is named by every pass, with its original, and the passes do all their work."""
    configure(pair.sender, segment_bytes=20_000)
    first = opened(pair, PEOPLE[:1])
    with Office.at(pair.sender) as office:
        assert len(sealing.seal(office, 10).sealed) == 1
    (segment,) = pair.sender.glob("archive/open/*.tar")
    data = bytearray(segment.read_bytes())
    data[600] ^= 1
    segment.chmod(0o600)
    segment.write_bytes(data)
    numbers = {**first, **opened(pair, PEOPLE[1:])}
    report = ex.send(pair)
    assert [failed.code for failed in report.unsealed] == ["A502"]
    assert len(report.posted.posted) == len(numbers)
    ex.receive(pair.receiver)
    ex.acknowledge(pair.receiver)
    assert [failed.code for failed in ex.receive(pair.sender).failed] == ["A502"]
    assert states(pair.sender) == dict.fromkeys(numbers, "accepted")
