"""Two whole offices talk about a case: asked for, delivered, returned, corrected, withdrawn, declined, reminded."""

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from archive import cases, conversation, journal, money, resuming
from archive import objections as register
from archive.case import State
from archive.cases import NewCase
from archive.money import Remittance
from flows import bundle_checks, bundles, letters, objections, passes, reminding, remitting, upkeeping, writing
from flows.reports import Read
from flows.times import now
from flows.wiring import Office
from formats import xml
from formats.errors import UsageError
from formats.messages import STAGES, ContactLetter, Delivery, Reminder, Return
from formats.record import Record
from tests import builders
from tests import exchange as ex
from tests.command_line import Call
from tests.office import KINDS, Pair, configure, copied, fill, found_pair, open_approved, some_people

PEOPLE = some_people(3)
PERSON = PEOPLE[0][0]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices that have nobody."""
    folder = tmp_path_factory.mktemp("empty")
    found_pair(folder)
    return folder


@pytest.fixture
def pair(empty: Path, tmp_path: Path) -> Pair:
    """Two offices: the people's records at the old one, the people enrolled at the new one."""
    pair = copied(empty, tmp_path)
    fill(pair.sender, PEOPLE)
    fill(pair.receiver, [(person, Record(person=record.person)) for person, record in PEOPLE])
    configure(pair.receiver, phone="0755-88880000")
    return pair


def approve(home: Path, number: str) -> None:
    """All stages, each by another person."""
    with Office.at(home) as office:
        for stage in STAGES:
            cases.approve(office.ledger, [number], stage, f"staff-{stage}", now(), office.settings.stages)


def ask(pair: Pair, person: str = PERSON) -> str:
    """The new office asks for a person's record; the case's number."""
    with Office.at(pair.receiver) as office:
        (number,) = cases.number_cases(office.ledger, office.code, 1, now())
        (partner,) = office.directory.partners
        cases.open_cases(office.ledger, [NewCase(number, partner, person, KINDS, "in")], "staff-1", now())
    approve(pair.receiver, number)
    return number


def swap(pair: Pair, rounds: int = 2) -> list[Read]:
    """Both offices send, receive and acknowledge; what they read beside deliveries."""
    found: list[Read] = []
    for _ in range(rounds):
        for home in (pair.receiver, pair.sender):
            with Office.at(home) as office:
                assert passes.send(office).failed == ()
                report = passes.receive(office)
                assert report.failed == ()
                found += report.opened.read
                assert passes.acknowledge(office).failed == ()
    return found


def states(pair: Pair, number: str) -> tuple[State, State]:
    """Where the case stands at the old office, and at the new one."""
    return ex.case(pair.sender, number).state, ex.case(pair.receiver, number).state


def delivered(pair: Pair) -> str:
    """A case that was asked for, delivered and accepted."""
    number = ask(pair)
    swap(pair)
    approve(pair.sender, number)
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    return number


def kept(home: Path, number: str, kind: str) -> list[bytes]:
    """The originals of a case that are of this kind."""
    with Office.at(home) as office:
        return [office.store.read(row.digest) for row in cases.originals(office.ledger, number) if row.kind == kind]


def test_a_record_that_is_asked_for_comes(pair: Pair) -> None:
    """Contact letter, delivery that answers it, receipt: the case has one number at both, and both audits are clean."""
    number = ask(pair)
    (read,) = swap(pair)
    assert read == Read(number, "contact-letter", "accepted", ())
    assert states(pair, number) == (State.OPEN, State.AWAITED)
    approve(pair.sender, number)
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    (sent,) = kept(pair.receiver, number, "letter-sent")
    letter = xml.decode(sent)
    assert isinstance(letter, ContactLetter)
    assert letter.applicant.name == PEOPLE[0][1].person.name
    (document,) = kept(pair.sender, number, "delivery-sent")
    delivery = xml.decode(document)
    assert delivery.header.answers == letter.header.message_id
    assert isinstance(delivery, Delivery)
    assert [form.sums.kind for form in delivery.forms] == ["110"]
    assert ex.problems(pair) == ()


def test_nobody_of_that_number_is_insured_there(pair: Pair) -> None:
    """A letter for a person whom the old office does not have is refused with L304; the case ends as declined."""
    stranger = some_people(1, seed=77)
    fill(pair.receiver, [("stranger", stranger[0][1])])
    number = ask(pair, "stranger")
    (read,) = swap(pair)
    assert [finding.code for finding in read.findings] == ["L304"]
    assert ex.case(pair.receiver, number).state is State.DECLINED
    assert [finding.code for finding in ex.case(pair.receiver, number).findings] == ["L304"]
    with Office.at(pair.sender) as office, pytest.raises(UsageError, match="S412"):
        cases.find(office.ledger, number)


def take_back(pair: Pair, number: str) -> None:
    """The office that asked withdraws its letter."""
    with Office.at(pair.receiver) as office:
        writing.withdraw(office, number, "asked the wrong office", "staff-9", now())


def test_the_old_office_declines(pair: Pair) -> None:
    """Who withdraws a case that was asked for tells the office that asked."""
    number = ask(pair)
    swap(pair)
    with Office.at(pair.sender) as office:
        writing.withdraw(office, number, "draws a pension already", "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.WITHDRAWN, State.DECLINED)
    assert ex.problems(pair) == ()


def test_the_letter_is_taken_back(pair: Pair) -> None:
    """A letter that is withdrawn in time ends the case at both; too late, and the delivery comes all the same."""
    number = ask(pair)
    swap(pair)
    take_back(pair, number)
    assert states(pair, number) == (State.OPEN, State.WITHDRAWING)
    swap(pair)
    assert states(pair, number) == (State.WITHDRAWN, State.WITHDRAWN)

    late = ask(pair, PEOPLE[1][0])
    swap(pair)
    approve(pair.sender, late)
    ex.send(pair)
    take_back(pair, late)
    read = swap(pair)
    assert [finding.code for item in read for finding in item.findings] == ["C411"]
    assert states(pair, late) == (State.ACCEPTED, State.ACCEPTED)


def test_a_delivery_to_a_case_that_is_closed(pair: Pair) -> None:
    """C415: what was asked for and withdrawn is refused when it comes all the same, and nobody is taken in."""
    number = ask(pair)
    swap(pair)
    take_back(pair, number)
    swap(pair)
    late = ex.with_header(ex.a_new_delivery(1), case=number)
    ex.deliver(pair.receiver, ex.parcel(pair.sender, pair.receiver, ex.named(late), xml.encode(late)))
    (refused,) = ex.receive(pair.receiver).opened.rejected
    assert (refused.case, [finding.code for finding in refused.findings]) == (number, ["C415"])
    with Office.at(pair.receiver) as office:
        assert office.records.taken_in(number) is None
    assert ex.case(pair.receiver, number).state is State.WITHDRAWN


def test_a_delivery_is_taken_back_before_it_comes(pair: Pair) -> None:
    """A withdrawal that overtakes its delivery: the delivery is refused when it comes, nobody is taken in."""
    (number,) = open_approved(pair, [PERSON])
    with Office.at(pair.sender) as office:
        passes.send(office)
    mailbox = ex.mailbox(pair.receiver)
    (parcel,) = mailbox.glob("*.pgp")
    held = parcel.read_bytes()
    parcel.unlink()
    with Office.at(pair.sender) as office:
        writing.withdraw(office, number, "the wrong person", "staff-9", now())
    swap(pair)
    parcel.write_bytes(held)
    swap(pair)
    assert states(pair, number) == (State.WITHDRAWN, State.REJECTED)
    assert [finding.code for finding in ex.case(pair.receiver, number).findings] == ["C412"]
    with Office.at(pair.receiver) as office:
        assert office.records.taken_in(number) is None
    assert ex.problems(pair) == ()


def test_an_accepted_delivery_cannot_be_taken_back(pair: Pair) -> None:
    """A withdrawal that crosses the accepting receipt comes too late at both."""
    (number,) = open_approved(pair, [PERSON])
    ex.send(pair)
    ex.receive(pair.receiver)
    with Office.at(pair.sender) as office:
        writing.withdraw(office, number, "the wrong person", "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)


def test_a_refused_delivery_is_corrected(pair: Pair) -> None:
    """What the new office refused is corrected, approved anew and sent as a correction of the same case."""
    (number,) = open_approved(pair, [PERSON])

    def spoiled(delivery: Delivery) -> bytes:
        person = delivery.record.person._replace(social_security_number="330106198503171213")
        return xml.encode(replace(delivery, record=replace(delivery.record, person=person)))

    ex.seal_as_is(pair, {number: spoiled})
    swap(pair)
    assert states(pair, number) == (State.REJECTED, State.REJECTED)
    with Office.at(pair.sender) as office:
        cases.reopen(office.ledger, number, "C420", "staff-9", "number read wrongly", now())
        with pytest.raises(UsageError, match=r"S413|S411"):
            cases.approve(office.ledger, [number], STAGES[1], "staff-1", now(), office.settings.stages)
    approve(pair.sender, number)
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    with Office.at(pair.sender) as office:
        acts = {entry.kind: entry.what for entry in journal.entries(office.ledger)}
    assert acts["reopened"]["code"] == "C420"
    first, second = (xml.decode(document) for document in kept(pair.sender, number, "delivery-sent"))
    assert isinstance(second, Delivery)
    assert second.correction is not None
    assert second.correction.message_id == first.header.message_id
    assert [change.path for change in second.correction.changes] == [
        "/delivery/record/registration/person/@socialSecurityNumber"
    ]
    assert ex.problems(pair) == ()


def test_a_return_is_answered_with_reasons(pair: Pair) -> None:
    """A delivery that is returned stands again once the old office has said why; question and answer travel too."""
    number = delivered(pair)
    with Office.at(pair.receiver) as office:
        writing.send_back(office, number, "C421", "the person says that March 2008 is missing", "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.RETURNED, State.RETURNED)
    (package,) = kept(pair.receiver, number, "letter-sent")[1:]
    assert isinstance(xml.decode(package), Return)
    with Office.at(pair.sender) as office:
        writing.clarify(office, number, "which employer?", "", "", "staff-9", now())
    swap(pair)
    with Office.at(pair.receiver) as office:
        row = cases.find(office.ledger, number)
        question = [
            item for item in conversation.said(office.ledger, row.partner, number) if item.kind == "clarification"
        ]
        writing.clarify(office, number, "the first one", question[0].message_id, "", "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.RETURNED, State.RETURNED)
    with Office.at(pair.sender) as office:
        writing.uphold(office, number, "nothing was paid for that month", "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    assert ex.problems(pair) == ()


@pytest.mark.parametrize("at_the_new_office", [False, True])
def test_the_evidence_of_a_conversation_holds(pair: Pair, at_the_new_office: bool) -> None:
    """A bundle has letter, delivery, return, answer and every receipt, and is good in the eyes of its checker."""
    number = delivered(pair)
    with Office.at(pair.receiver) as office:
        writing.send_back(office, number, "C420", "please look again", "staff-9", now())
    swap(pair)
    with Office.at(pair.sender) as office:
        writing.uphold(office, number, "it is right", "staff-9", now())
    swap(pair)
    with Office.at(pair.receiver if at_the_new_office else pair.sender) as office:
        report = bundle_checks.verify(bundles.make(office, number, "staff-9", now()))
    assert [check for check in report.checks if check.code] == []
    assert len(report.receipts) == 4


def test_a_message_that_was_kept_and_not_entered_is_a_draft(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between keeping and entering a person's message: nothing was said, and the audit finds nothing wrong."""
    number = delivered(pair)

    def killed(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writing.composing, "record_written", killed)
        with Office.at(pair.receiver) as office, pytest.raises(KeyboardInterrupt):
            writing.send_back(office, number, "C420", "please look again", "staff-9", now())
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    assert ex.problems(pair) == ()
    with Office.at(pair.receiver) as office:
        writing.send_back(office, number, "C420", "please look again", "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.RETURNED, State.RETURNED)
    assert ex.problems(pair) == ()


def test_a_reminder_changes_nothing(pair: Pair) -> None:
    """What is overdue is said, answered and kept, and the case stays where it is."""
    number = ask(pair)
    swap(pair)
    with Office.at(pair.receiver) as office:
        writing.remind(office, number, "delivery", "2026-12-11", 1, "service", now())
    (read,) = swap(pair)
    assert read == Read(number, "reminder", "accepted", ())
    for home, kind in ((pair.receiver, "written"), (pair.sender, "read")):
        with Office.at(home) as office:
            kinds = [entry.kind for entry in journal.entries(office.ledger) if entry.what.get("kind") == "reminder"]
            assert kinds == [kind]
    assert states(pair, number) == (State.OPEN, State.AWAITED)


def before(home: Path, kind: str, column: str) -> None:
    """Have this office's messages of a kind written or posted long ago."""
    with closing(sqlite3.connect(home / "ledger.db")) as ledger, ledger:
        ledger.execute(
            f"UPDATE messages SET {column} = '2026-08-03T01:00:00Z' WHERE kind = ? AND direction = 'out'", [kind]
        )


def test_reminders_go_out_by_themselves(pair: Pair) -> None:
    """The first when the limit is over, the next after some working days; the old office reads both, nothing moves."""
    number = ask(pair)
    swap(pair)
    with Office.at(pair.receiver) as office:
        assert reminding.remind(office, now()) == ()
        before(pair.receiver, "contact-letter", "posted")
        assert [(item.case, item.awaited) for item in upkeeping.upkeep(office).reminded] == [(number, "delivery")]
        assert upkeeping.upkeep(office).reminded == ()
        before(pair.receiver, "reminder", "created")
        assert [(item.case, item.awaited) for item in upkeeping.upkeep(office).reminded] == [(number, "delivery")]
        row = cases.find(office.ledger, number)
        written = [item for item in conversation.said(office.ledger, row.partner, number) if item.kind == "reminder"]
        messages = [xml.decode(office.store.read(item.digest)) for item in written]
    assert [message.count for message in messages if isinstance(message, Reminder)] == [1, 2]
    assert [item.kind for item in swap(pair)] == ["reminder"] * 2
    assert states(pair, number) == (State.OPEN, State.AWAITED)


def test_what_comes_twice_is_answered_twice_and_done_once(pair: Pair) -> None:
    """Every package of a whole conversation comes a second time: the same receipts go out, nothing else happens."""
    number = ask(pair)
    posted: dict[Path, bytes] = {}

    def copy_all() -> None:
        for home in (pair.sender, pair.receiver):
            posted.update({path: path.read_bytes() for path in ex.mailbox(home).glob("*.pgp")})

    for home in (pair.receiver, pair.sender, pair.receiver, pair.sender):
        with Office.at(home) as office:
            passes.send(office)
            copy_all()
            passes.receive(office)
            passes.acknowledge(office)
            copy_all()
    assert states(pair, number) == (State.OPEN, State.AWAITED)
    for path, data in posted.items():
        path.write_bytes(data)
    swap(pair)
    assert states(pair, number) == (State.OPEN, State.AWAITED)
    approve(pair.sender, number)
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    assert ex.problems(pair) == ()


def test_what_a_person_writes_is_in_no_journal(pair: Pair) -> None:
    """The words of a return, an answer and a question reach the partner, and no ledger or journal of either office."""
    words = "the person, Zhou Mingyuan, says so"
    number = delivered(pair)
    with Office.at(pair.receiver) as office:
        writing.send_back(office, number, "C421", words, "staff-9", now())
    swap(pair)
    with Office.at(pair.sender) as office:
        writing.clarify(office, number, words, "", "", "staff-9", now())
        writing.uphold(office, number, words, "staff-9", now())
    swap(pair)
    for home in (pair.sender, pair.receiver):
        with closing(sqlite3.connect(home / "ledger.db")) as ledger:
            assert words not in "\n".join(ledger.iterdump())
    assert sum(words.encode() in document for document in kept(pair.sender, number, "letter-sent")) == 2


@pytest.mark.parametrize("code", ["C423", "C410", "R001", "none"])
def test_only_a_reason_returns(pair: Pair, call: Call, code: str) -> None:
    """A warning, or a code of something else, is no reason to return or to correct."""
    for words in (("return", "--note", "x"), ("correct", "--why", "x")):
        verb, *rest = words
        answer = call("-C", pair.receiver, "case", verb, "x", *rest, "--code", code, "--by", "staff-1", "--json")
        assert answer.code == "S421"


def test_messages_about_nothing_are_refused(pair: Pair) -> None:
    """A return or a reminder about a case that the partner does not have is refused with its code."""
    number = delivered(pair)
    with Office.at(pair.sender) as office:
        with pytest.raises(UsageError, match="S411"):
            writing.send_back(office, number, "C420", "not mine to return", "staff-9", now())
        with pytest.raises(UsageError, match="S411"):
            writing.uphold(office, number, "nobody returned it", "staff-9", now())


def test_a_letter_needs_a_telephone(pair: Pair) -> None:
    """An office that has not said where it can be reached cannot ask."""
    configure(pair.receiver, phone="")
    with Office.at(pair.receiver) as office, pytest.raises(UsageError, match=r"contact\.phone"):
        letters.contact(office)


def total(home: Path, number: str) -> str:
    """What moves in all, by the newest delivery's form."""
    delivery = xml.decode(kept(home, number, "delivery-sent")[-1])
    assert isinstance(delivery, Delivery)
    return delivery.forms[0].sums.total


def less(amount: str, fen: int) -> str:
    """An amount in yuan, less some fen."""
    return builders.money(int(amount.replace(".", "")) - fen)


@pytest.fixture
def waiting(pair: Pair) -> tuple[Pair, str]:
    """A delivery with an information form, which the new office has put on hold for its money."""
    configure(pair.receiver, account_name="x", bank="x", bank_number="102584000002", account="4000")
    number = ask(pair)
    swap(pair)
    approve(pair.sender, number)
    swap(pair)
    assert states(pair, number) == (State.ON_HOLD, State.RECEIVED)
    assert [finding.code for finding in ex.case(pair.sender, number).findings] == ["C423"]
    return pair, number


def test_the_record_is_taken_in_when_the_money_agrees(waiting: tuple[Pair, str]) -> None:
    """Two vouchers that add up to the form's total: the second one has the delivery accepted, once."""
    pair, number = waiting
    with Office.at(pair.receiver) as office:
        assert office.records.taken_in(number) is None
        first = Remittance("110", less(total(pair.sender, number), 43_53), "2026-12-01", "V-1")
        remitting.remit(office, number, first, "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.ON_HOLD, State.RECEIVED)
    with Office.at(pair.receiver) as office:
        remitting.remit(office, number, Remittance("110", "43.53", "2026-12-02", "V-2"), "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    with Office.at(pair.receiver) as office:
        assert office.records.taken_in(number) is not None
        with pytest.raises(UsageError, match="S411"):
            remitting.remit(office, number, Remittance("110", "1.00", "2026-12-03", "V-3"), "staff-9", now())
    assert ex.problems(pair) == ()


def test_money_that_does_not_agree_sends_the_table_back(waiting: tuple[Pair, str]) -> None:
    """Where the wrong amount came in, a person refuses the delivery; corrected, it is judged anew."""
    pair, number = waiting
    with Office.at(pair.receiver) as office:
        paid = less(total(pair.sender, number), 43_53)
        remitting.remit(office, number, Remittance("110", paid, "2026-12-01", "V-1"), "staff-9", now())
    swap(pair)
    with Office.at(pair.receiver) as office:
        writing.send_back(office, number, "C422", "43.53 yuan are missing", "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.REJECTED, State.REJECTED)
    assert [finding.code for finding in ex.case(pair.sender, number).findings] == ["C422"]
    assert b"43.53 yuan are missing" in kept(pair.receiver, number, "letter-sent")[-1]
    with Office.at(pair.receiver) as office:
        acts = {entry.kind: entry.what for entry in journal.entries(office.ledger)}
        assert acts["remitted"]["kind"] == "110"
        assert acts["resumed"]["code"] == "C422"
    with Office.at(pair.sender) as office:
        cases.reopen(office.ledger, number, "C422", "staff-9", "sum corrected", now())
    approve(pair.sender, number)

    swap(pair)
    assert states(pair, number) == (State.ON_HOLD, State.RECEIVED)
    with Office.at(pair.receiver) as office:
        remitting.remit(office, number, Remittance("110", "43.53", "2026-12-05", "V-2"), "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    assert ex.problems(pair) == ()


def test_an_objection_to_what_is_on_hold(waiting: tuple[Pair, str]) -> None:
    """The receipt refuses the delivery for it, the note goes to the old office; corrected and taken in, it has ended."""
    pair, number = waiting
    with Office.at(pair.receiver) as office:
        objections.object_to(office, number, "March 2008 is missing", "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.REJECTED, State.REJECTED)
    assert b"March 2008 is missing" in kept(pair.receiver, number, "letter-sent")[-1]
    with Office.at(pair.sender) as office:
        (came,) = objections.every(office)
        assert (came.route, came.ending) == ("received", "")
        objections.correct(office, number, "", "staff-9", "found in the file", now())
    time.sleep(1)  # the correction comes in a later second than the objection
    approve(pair.sender, number)
    swap(pair)
    with Office.at(pair.receiver) as office:
        assert [item.ending for item in objections.every(office)] == [""]
        with pytest.raises(UsageError, match="S411"):  # the objection is open until the correction is taken in
            objections.object_to(office, number, "another month is missing", "staff-9", now())
        paid = Remittance("110", total(pair.sender, number), "2026-12-01", "V-1")
        remitting.remit(office, number, paid, "staff-9", now())
    swap(pair)
    assert states(pair, number) == (State.ACCEPTED, State.ACCEPTED)
    for home, route in ((pair.receiver, "returned"), (pair.sender, "received")):
        with Office.at(home) as office:
            assert [(item.route, item.ending) for item in objections.every(office)] == [(route, "corrected")]
    assert ex.problems(pair) == ()


class _Killed(BaseException):
    """Nothing catches it."""


def _killed(*_: object) -> None:
    raise _Killed


def test_an_objection_that_was_cut_off(waiting: tuple[Pair, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the note and the refusal of what is on hold: entered again it goes on, is one, and refuses."""
    pair, number = waiting
    with Office.at(pair.receiver) as office:
        with monkeypatch.context() as cut:
            cut.setattr(resuming, "resume", _killed)
            with pytest.raises(_Killed):
                objections.object_to(office, number, "a month is missing", "staff-8", now())
        objections.object_to(office, number, "a month is missing", "staff-8", now())
        assert [item.route for item in register.registered(office.ledger, number)] == ["returned"]
        with pytest.raises(UsageError, match="S411"):
            objections.object_to(office, number, "", "staff-8", now(), here=True)
    swap(pair)
    assert states(pair, number) == (State.REJECTED, State.REJECTED)
    assert ex.codes(ex.case(pair.sender, number).findings) == {"C421"}


@pytest.mark.parametrize(
    "item",
    [
        Remittance("110", "17000", "2026-12-01", "V-1"),
        Remittance("110", "17000.00", "1.12.2026", "V-1"),
        Remittance("110", "17000.00", "2026-12-01", " "),
        Remittance("999", "17000.00", "2026-12-01", "V-1"),
    ],
)
def test_what_is_no_remittance_is_refused(waiting: tuple[Pair, str], item: Remittance) -> None:
    """An amount, a day, a voucher or a kind that is none is refused with S421, and nothing is entered."""
    pair, number = waiting
    with Office.at(pair.receiver) as office:
        with pytest.raises(UsageError, match="S421"):
            remitting.remit(office, number, item, "staff-9", now())
        assert money.received(office.ledger, office.settings.code, number) == ()
