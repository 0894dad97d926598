"""What must not be taken in: packages nobody vouches for, documents that are wrong, and what comes twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from archive import duplicates
from archive.duplicates import Known
from flows.times import now
from flows.wiring import Office
from formats import xml
from formats.digest import sha256
from formats.messages import STAGES, Approval, Delivery, Receipt
from tests import builders as a
from tests import exchange as ex
from tests import parts
from tests.exchange import Alter
from tests.office import Pair, configure, copied, fill, found_pair, open_approved, some_people, states
from transfer.keys import generate_key, load_public, load_secret, public_part
from transfer.mailbox import Parcel
from transfer.naming import PackageName
from transfer.partners import Card, Directory

PEOPLE = some_people(3)
STRANGER = "51010001"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices that have nobody."""
    folder = tmp_path_factory.mktemp("empty")
    found_pair(folder)
    return folder


@pytest.fixture(scope="module")
def in_transit(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices; three packages of the one lie in the mailbox of the other."""
    folder = tmp_path_factory.mktemp("transit")
    pair = copied(empty, folder)
    fill(pair.sender, PEOPLE)
    open_approved(pair, [person for person, _ in PEOPLE])
    ex.send(pair)
    return folder


@pytest.fixture
def pair(in_transit: Path, tmp_path: Path) -> Pair:
    """Two offices; three packages of the one lie in the mailbox of the other."""
    return copied(in_transit, tmp_path)


def altered(old: bytes, new: bytes) -> Alter:
    """The document with the first of these bytes changed."""

    def alter(delivery: Delivery) -> bytes:
        document = xml.encode(delivery)
        assert old in document
        return document.replace(old, new, 1)

    return alter


def without_last_stage(delivery: Delivery) -> bytes:
    """A document that lacks an approval."""
    return xml.encode(replace(delivery, approvals=delivery.approvals[:-1]))


def approved_by_one(delivery: Delivery) -> bytes:
    """A document whose last two stages one person approved."""
    *rest, before, last = delivery.approvals
    return xml.encode(replace(delivery, approvals=(*rest, before, last._replace(person=before.person))))


def against_a_rule(delivery: Delivery) -> bytes:
    """A document with a person born on another day than the number says."""
    person = delivery.record.person._replace(birth_date="1970-01-01", first_work_date="1997-12-31")
    return xml.encode(replace(delivery, record=replace(delivery.record, person=person)))


BAD: dict[str, tuple[Alter, str]] = {
    "not well-formed": (altered(b"</delivery>", b"</deliver>"), "M150"),
    "no UTF-8": (altered(b"<approvals>", b"<approvals>\xff"), "M150"),
    "doctype": (altered(b"<delivery", b"<!DOCTYPE delivery [<!ENTITY e 'e'>]>\n<delivery"), "M151"),
    "against the schema": (altered(b' sex="', b' gender="'), "M160"),
    "unknown version": (altered(b'message:1" version="1.0"', b'message:1" version="2.0"'), "M161"),
    "no message": (altered(b'<delivery xmlns="urn:jiexu:message:1"', b'<delivery xmlns="urn:other:message:1"'), "M162"),
    "other addressee": (lambda delivery: xml.encode(ex.with_header(delivery, receiver=STRANGER)), "M170"),
    "test": (lambda delivery: xml.encode(ex.with_header(delivery, environment="test")), "M180"),
    "other message id": (lambda delivery: xml.encode(ex.with_header(delivery, sequence=77)), "M192"),
    "unapproved": (without_last_stage, "M210"),
    "approved by one": (approved_by_one, "M211"),
    "against a rule": (against_a_rule, "R002"),
}


@pytest.fixture(scope="module")
def answered(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, dict[str, str], tuple[str, ...]]:
    """After one exchange of bad documents and good ones: the offices, the bad ones' cases, the good cases."""
    pair = copied(empty, tmp_path_factory.mktemp("answered"))
    people = some_people(len(BAD) + 3)
    fill(pair.sender, people)
    numbers = open_approved(pair, [person for person, _ in people])
    bad = dict(zip(BAD, numbers, strict=False))
    ex.seal_as_is(pair, {number: BAD[what][0] for what, number in bad.items()})
    ex.send(pair)
    ex.receive(pair.receiver)
    ex.acknowledge(pair.receiver)
    ex.receive(pair.sender)
    return pair, bad, numbers[len(BAD) :]


@pytest.mark.parametrize("what", BAD)
def test_a_bad_document_comes_back_with_its_code(
    answered: tuple[Pair, dict[str, str], tuple[str, ...]], what: str
) -> None:
    """From a proved sender: a rejecting receipt closes the case that is in transit, with the reason."""
    pair, bad, _ = answered
    row = ex.case(pair.sender, bad[what])
    assert (row.state, ex.codes(row.findings)) == ("rejected", {BAD[what][1]})


def test_the_neighbours_of_bad_documents_go_on(answered: tuple[Pair, dict[str, str], tuple[str, ...]]) -> None:
    """Only the good ones of the batch are taken in, nothing is quarantined, and both archives are whole."""
    pair, _, good = answered
    assert {number: ex.case(pair.sender, number).state for number in good} == dict.fromkeys(good, "accepted")
    assert ex.people_there(pair.receiver).keys() == {number.replace("-", "") for number in good}
    assert ex.quarantined(pair.sender) == ex.quarantined(pair.receiver) == set()
    assert ex.problems(pair) == ()


def test_receipts_for_what_was_never_sent_are_quarantined(pair: Pair) -> None:
    """The same bad documents under ids that the sender does not know: rejected, and there C401."""
    expected = {}
    for number, (what, (alter, code)) in enumerate(BAD.items(), 1):
        delivery = ex.a_new_delivery(number)
        expected[delivery.header.message_id] = code
        ex.deliver(pair.receiver, ex.parcel(pair.sender, pair.receiver, ex.named(delivery), alter(delivery)))
        assert what
    report = ex.receive(pair.receiver).opened
    assert len(report.accepted) == len(PEOPLE)
    found = sorted(code for judged in report.rejected for code in ex.codes(judged.findings))
    assert found == sorted(expected.values())

    ex.acknowledge(pair.receiver)
    report = ex.receive(pair.sender).opened
    assert [item.code for item in report.quarantined] == ["C401"] * len(BAD)
    assert len(report.closed) == len(PEOPLE)
    assert len(ex.quarantined(pair.sender)) == len(BAD)
    assert set(states(pair.sender).values()) == {"accepted"}
    assert ex.problems(pair) == ()


def receipts_there(home: Path) -> dict[str, bytes]:
    """What lies in an office's mailbox."""
    return {file.name: file.read_bytes() for file in ex.mailbox(home).iterdir()}


def test_what_was_answered_gets_the_same_receipt_again(pair: Pair) -> None:
    """The same package again: the same bytes are posted again, and nothing is written twice."""
    number = min(states(pair.sender))
    ex.receive(pair.receiver)
    ex.acknowledge(pair.receiver)
    first = receipts_there(pair.sender)
    ex.receive(pair.sender)
    there, cases_there = ex.people_there(pair.receiver), states(pair.receiver)

    ex.deliver(pair.receiver, ex.sent(pair, number))
    report = ex.receive(pair.receiver).opened
    assert (report.repeated, report.done) == (1, 1)
    assert len(ex.acknowledge(pair.receiver).posted.posted) == 1
    again = receipts_there(pair.sender)
    assert len(again) == 1
    assert again.items() <= first.items()
    assert (ex.people_there(pair.receiver), states(pair.receiver)) == (there, cases_there)
    assert ex.receive(pair.sender).failed == ()
    assert set(states(pair.sender).values()) == {"accepted"}
    assert ex.problems(pair) == ()


@pytest.mark.parametrize("what", ["not well-formed", "test", "against a rule"])
def test_what_was_refused_gets_the_same_receipt_again(pair: Pair, what: str) -> None:
    """A bad document again: the same rejecting receipt, whichever check refused it."""
    delivery = ex.a_new_delivery(1)
    item = ex.parcel(pair.sender, pair.receiver, ex.named(delivery), BAD[what][0](delivery))
    found = []
    for _ in range(2):
        ex.deliver(pair.receiver, item)
        ex.receive(pair.receiver)
        ex.acknowledge(pair.receiver)
        found.append(receipts_there(pair.sender))
        for file in ex.mailbox(pair.sender).iterdir():
            file.unlink()
    assert len(found[1]) == 1
    assert found[1].items() <= found[0].items()


def same_id(first: Delivery) -> Delivery:
    """Another document with the message id of the first."""
    return ex.with_header(ex.a_new_delivery(9), message_id=first.header.message_id)


def same_sequence(first: Delivery) -> Delivery:
    """Another document with the sequence number of the first."""
    return ex.with_header(ex.a_new_delivery(9), sequence=first.header.sequence)


@pytest.mark.parametrize(("second", "code"), [(same_id, "M190"), (same_sequence, "M191")])
@pytest.mark.parametrize("together", [False, True], ids=["afterwards", "in one batch"])
def test_an_identity_used_twice(pair: Pair, second: Callable[[Delivery], Delivery], code: str, together: bool) -> None:
    """Another document under a used message id or sequence number is quarantined, and nothing of it is written."""
    one = ex.a_new_delivery(1)
    first, other = (
        ex.parcel(pair.sender, pair.receiver, ex.named(delivery), xml.encode(delivery))
        for delivery in (one, ex.of_another_person(second(one)))
    )
    ex.deliver(pair.receiver, first, *([other] if together else []))
    reports = [ex.receive(pair.receiver).opened]
    ex.deliver(pair.receiver, *([] if together else [other]))
    reports.append(ex.receive(pair.receiver).opened)

    assert sum(len(report.accepted) for report in reports) == len(PEOPLE) + 1
    assert [item.code for report in reports for item in report.quarantined] == [code]
    assert [item.code for report in reports for item in report.failed] == []
    assert len(ex.quarantined(pair.receiver)) == 1
    assert len(ex.people_there(pair.receiver)) == len(PEOPLE) + 1
    assert ex.problems(pair) == ()


@pytest.mark.parametrize(("second", "code"), [(same_id, "M190"), (same_sequence, "M191")])
def test_an_identity_used_twice_at_two_workers(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, second: Callable[[Delivery], Delivery], code: str
) -> None:
    """Two that judged at once, each knowing nothing of the other: one is taken in, the other waits and is judged anew."""
    one = ex.a_new_delivery(1)
    for delivery in (one, ex.of_another_person(second(one))):
        ex.deliver(pair.receiver, ex.parcel(pair.sender, pair.receiver, ex.named(delivery), xml.encode(delivery)))
    configure(pair.receiver, batch=1)
    with monkeypatch.context() as blind:
        blind.setattr(duplicates, "known", lambda *_: Known())
        report = ex.receive(pair.receiver).opened
    assert (len(report.accepted), report.waiting, report.quarantined) == (len(PEOPLE) + 1, 1, ())
    report = ex.receive(pair.receiver).opened
    assert [item.code for item in report.quarantined] == [code]
    assert len(ex.people_there(pair.receiver)) == len(PEOPLE) + 1
    assert ex.problems(pair) == ()


@pytest.mark.parametrize("together", [False, True], ids=["afterwards", "in one batch"])
def test_one_package_under_two_names(pair: Pair, together: bool) -> None:
    """A copy under another sequence number does not change the answer: the case is accepted at both offices."""
    number = max(states(pair.sender))
    whole = ex.sent(pair, number)
    name = ex.message_in_transit(pair, number)
    copy = Parcel(str(replace(name, sequence=99)), whole.data)
    if not together:
        ex.receive(pair.receiver)
    ex.deliver(pair.receiver, copy)
    for _ in range(2):
        assert ex.receive(pair.receiver).opened.rejected == ()
        ex.acknowledge(pair.receiver)
        assert ex.receive(pair.sender).opened.quarantined == ()
    assert set(states(pair.sender).values()) == set(states(pair.receiver).values()) == {"accepted"}
    assert list((pair.receiver / "inbox").iterdir()) == []
    assert ex.problems(pair) == ()


def a_partner_from_the_files(pair: Pair) -> None:
    """Give the receiver the secret key for which the hostile files are made, and a partner who signed some."""
    keys = parts.shared_data("openpgp") / "keys"
    (pair.receiver / "keys/office.asc").write_text((keys / "recip.sec.asc").read_text("ascii"), "ascii")
    (pair.receiver / "keys/passphrase").write_text("", "ascii")
    public = (keys / "sender.pub.asc").read_text("ascii")
    card = Card(STRANGER, "files", "folder:nowhere", "", public, load_public(public).fingerprint)
    Directory.add(pair.receiver / "partners", card, now())


@pytest.mark.parametrize("own_key", [True, False], ids=["other key", "their key"])
def test_hostile_packages_are_quarantined_as_they_are(pair: Pair, own_key: bool) -> None:
    """Each is kept byte for byte with a T code and never answered; the neighbours go on."""
    folder = parts.shared_data("openpgp")
    expected = json.loads((folder / "cases.json").read_text("utf-8"))
    # 12f names no recipient and is signed by the partner: that it was made for somebody else its document would say.
    proved = {name for name in expected if expected[name]["expect"] == "accept"} | {"12f_surreptitious_forward.pgp"}
    hostile = [folder / name for name in expected if own_key or name not in proved]
    if not own_key:
        a_partner_from_the_files(pair)
    names = {}
    for number, file in enumerate(hostile, 1):
        name = str(PackageName(a.SENDER, a.RECEIVER, 500 + number, ex.a_new_delivery(1).header.message_id))
        ex.deliver(pair.receiver, Parcel(name, file.read_bytes()))
        names[name] = file

    report = ex.receive(pair.receiver).opened
    codes = {item.subject: item.code for item in report.quarantined if item.subject in names}
    assert codes.keys() == names.keys()
    assert {code[0] for code in codes.values()} == {"T"}
    assert len(set(codes.values())) > (2 if own_key else 5)
    assert {sha256(file.read_bytes()) for file in hostile} <= ex.quarantined(pair.receiver)
    neighbours = len(PEOPLE) if own_key else 0
    assert len(report.accepted) == neighbours
    assert len(ex.acknowledge(pair.receiver).posted.posted) == neighbours
    assert report.failed == ()


def test_files_that_are_no_packages_are_left_alone(pair: Pair) -> None:
    """Files with other names stay in the mailbox and are counted, half uploads not even that."""
    folder = ex.mailbox(pair.receiver)
    foreign = {"notes.txt", "x.xml.pgp", f"{a.SENDER}-{a.RECEIVER}-0-{ex.a_new_delivery(1).header.message_id}.xml.pgp"}
    half = f"{ex.named(ex.a_new_delivery(1))}.part"
    for name in (*foreign, half):
        (folder / name).write_bytes(b"x")
    (folder / "folder").mkdir()
    report = ex.receive(pair.receiver)
    assert (report.fetched.fetched, report.fetched.foreign, report.failed) == (len(PEOPLE), len(foreign), ())
    assert {file.name for file in folder.iterdir()} == {*foreign, half, "folder"}


@pytest.mark.parametrize("document", [xml.encode, lambda _: b"<"], ids=["whole", "unreadable"])
def test_a_name_that_says_another_sender(pair: Pair, document: Alter) -> None:
    """A file name that says another sender than the signer is T133, whatever is in it."""
    delivery = ex.a_new_delivery(1)
    name = replace(ex.named(delivery), sender=STRANGER)
    ex.deliver(pair.receiver, ex.parcel(pair.sender, pair.receiver, name, document(delivery)))
    report = ex.receive(pair.receiver).opened
    assert [item.code for item in report.quarantined] == ["T133"]
    assert len(report.accepted) == len(PEOPLE)
    assert len(ex.acknowledge(pair.receiver).posted.posted) == len(PEOPLE)


def test_a_document_that_says_another_sender(pair: Pair) -> None:
    """A document in the name of another office than its signer is T133, and is not answered."""
    delivery = ex.with_header(ex.a_new_delivery(1), sender=STRANGER)
    name = replace(ex.named(delivery), sender=a.SENDER)
    ex.deliver(pair.receiver, ex.parcel(pair.sender, pair.receiver, name, xml.encode(delivery)))
    assert [item.code for item in ex.receive(pair.receiver).opened.quarantined] == ["T133"]


def assert_quarantined(pair: Pair, item: Parcel, code: str) -> None:
    """The sender quarantines this receipt, and its case stays as it was."""
    before = states(pair.sender)
    ex.deliver(pair.sender, item)
    report = ex.receive(pair.sender).opened
    assert [(found.subject, found.code) for found in report.quarantined] == [(item.name, code)]
    assert ex.quarantined(pair.sender) == {sha256(item.data)}
    assert states(pair.sender) == before
    assert ex.problems(pair) == ()


def closes_as_ever(pair: Pair) -> None:
    """The true receipts close the cases all the same."""
    ex.receive(pair.receiver)
    ex.acknowledge(pair.receiver)
    ex.receive(pair.sender)
    assert set(states(pair.sender).values()) == {"accepted"}


def test_a_receipt_for_other_bytes(pair: Pair) -> None:
    """C402: the case stays in transit until the true receipt comes."""
    receipt = replace(ex.a_new_receipt(pair, min(states(pair.sender))), digest="0" * 64)
    assert_quarantined(pair, ex.receipt_parcel(pair, receipt), "C402")
    closes_as_ever(pair)


def test_a_receipt_from_a_stranger(pair: Pair) -> None:
    """T130: who is not a partner closes nothing."""
    receipt = ex.a_new_receipt(pair, min(states(pair.sender)))
    assert_quarantined(pair, stranger(pair, receipt), "T130")
    closes_as_ever(pair)


def test_a_receipt_from_another_partner(pair: Pair) -> None:
    """C401: a partner who was not sent the delivery closes nothing, T133 in the name of who was."""
    receipt = ex.a_new_receipt(pair, min(states(pair.sender)))
    item = stranger(pair, replace(receipt, header=replace(receipt.header, sender=STRANGER)), known=True)
    assert_quarantined(pair, item, "C401")
    closes_as_ever(pair)


def test_a_receipt_in_the_name_of_another_partner(pair: Pair) -> None:
    """T133: a partner cannot answer in the name of the one who was sent the delivery."""
    assert_quarantined(pair, stranger(pair, ex.a_new_receipt(pair, min(states(pair.sender))), known=True), "T133")
    closes_as_ever(pair)


def stranger(pair: Pair, receipt: Receipt, *, known: bool = False) -> Parcel:
    """A receipt sealed by an office that was sent nothing, which the sender may know."""
    key = load_secret(generate_key("stranger", "x", now()), "x")
    if known:
        card = Card(STRANGER, "stranger", "folder:nowhere", "", public_part(key), key.fingerprint)
        Directory.add(pair.sender / "partners", card, now())
    with Office.at(pair.sender) as office:
        return ex.sealed_by(key, office.key.public, ex.named(receipt), xml.encode(receipt))


@pytest.mark.parametrize("together", [False, True], ids=["afterwards", "in one batch"])
def test_a_receipt_that_contradicts_an_earlier_one(pair: Pair, together: bool) -> None:
    """C403: what is accepted stays accepted."""
    number = min(states(pair.sender))
    item = ex.receipt_parcel(pair, ex.a_new_receipt(pair, number, "rejected"))
    ex.receive(pair.receiver)
    ex.acknowledge(pair.receiver)
    if not together:
        ex.receive(pair.sender)
    ex.deliver(pair.sender, item)
    assert [found.code for found in ex.receive(pair.sender).opened.quarantined] == ["C403"]
    assert set(states(pair.sender).values()) == {"accepted"}
    assert ex.problems(pair) == ()


def test_the_same_receipt_twice(pair: Pair) -> None:
    """Harmless: the case is closed, nothing is quarantined, nothing is kept twice."""
    ex.receive(pair.receiver)
    ex.acknowledge(pair.receiver)
    there = receipts_there(pair.sender)
    ex.receive(pair.sender)
    before = ex.case(pair.sender, min(states(pair.sender)))
    ex.deliver(pair.sender, *(Parcel(name, data) for name, data in there.items()))
    report = ex.receive(pair.sender)
    assert (report.failed, len(report.opened.closed)) == ((), len(there))
    assert ex.case(pair.sender, before.case) == before
    assert ex.problems(pair) == ()


@pytest.mark.parametrize("code", ["M150", "M160", "M161"])
def test_receipts_are_never_answered(pair: Pair, code: str) -> None:
    """A receipt that cannot be read is quarantined: two offices would answer each other for ever."""
    receipt = ex.a_new_receipt(pair, min(states(pair.sender)))
    changes = {
        "M150": (b"</receipt>", b"</receip>"),
        "M160": (b' outcome="accepted"', b' outcome="received"'),
        "M161": (b'message:1" version="1.0"', b'message:1" version="2.0"'),
    }
    document = xml.encode(receipt).replace(*changes[code])
    item = ex.parcel(pair.receiver, pair.sender, ex.named(receipt), document)
    assert_quarantined(pair, item, code)
    assert ex.acknowledge(pair.sender).posted.done == 0
    closes_as_ever(pair)


def test_approvals_of_other_stages_than_ours(pair: Pair) -> None:
    """What counts at the receiver are the stages that it asks for, by different people."""
    delivery = ex.a_new_delivery(1)
    again = Approval("handler", "staff-9", delivery.approvals[0].at)
    twice = replace(delivery, approvals=(*delivery.approvals, again))
    ex.deliver(pair.receiver, ex.parcel(pair.sender, pair.receiver, ex.named(twice), xml.encode(twice)))
    assert len(ex.receive(pair.receiver).opened.accepted) == len(PEOPLE) + 1
    assert len(STAGES) == len(delivery.approvals)
