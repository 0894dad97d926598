"""Approvals with people's own signatures: made here or elsewhere, held against certificate and content, sent along."""

import sqlite3
from base64 import b64decode
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from archive import cases, outgoing
from archive.cases import NewCase
from flows import approving, roster, sealing
from flows.sealing import Sealing
from flows.times import now, utc_text
from flows.wiring import Office
from formats import approval, xml
from formats.approval import Subject
from formats.errors import UsageError
from formats.messages import STAGES, ContactLetter, Delivery
from formats.record import Record
from formats.workdays import beijing_day
from tests import exchange as ex
from tests import staff
from tests.command_line import Call
from tests.flows.test_conversation import kept, swap
from tests.office import KINDS, Pair, configure, copied, fill, found_pair, some_people
from tests.transfer.gnupg import gnupg
from transfer import detached

PEOPLE = some_people(2)
PERSON = PEOPLE[0][0]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices; four people of the sending one have keys."""
    folder = tmp_path_factory.mktemp("empty")
    pair = found_pair(folder)
    fill(pair.sender, PEOPLE)
    fill(pair.receiver, [(person, Record(person=record.person)) for person, record in PEOPLE])
    for home in (pair.sender, pair.receiver):
        staff.employed(home)
        configure(home, phone="0755-88880000")
    return folder


@pytest.fixture
def pair(empty: Path, tmp_path: Path) -> Pair:
    """Two offices."""
    return copied(empty, tmp_path)


def opened(pair: Pair, person: str = PERSON) -> str:
    """An open case of the sending office."""
    with Office.at(pair.sender) as office:
        (number,) = cases.number_cases(office.ledger, office.code, 1, now())
        cases.open_cases(office.ledger, [NewCase(number, "44030001", person, KINDS)], "staff-1", now())
    return number


def refused(pair: Pair, number: str, stage: str, person: str, signature: bytes) -> str:
    """The code with which a signature is refused; nothing is entered."""
    before = ex.case(pair.sender, number)
    with Office.at(pair.sender) as office, pytest.raises(UsageError) as error:
        approving.take(office, number, stage, person, signature, now())
    assert ex.case(pair.sender, number) == before
    return error.value.code


def change_the_record(pair: Pair) -> None:
    """The person lives elsewhere from now on."""
    with closing(sqlite3.connect(pair.sender / "records.db")) as database, database:
        assert database.execute("UPDATE ac01 SET aac010 = '330108'").rowcount


def test_signed_approvals_travel_and_are_what_was_signed(pair: Pair) -> None:
    """Four signatures stand in the delivery, each over the statement on the document's own bytes, each time its own."""
    number = opened(pair)
    staff.sign(pair.sender, [number])
    assert ex.send(pair).sealed.sealed == (number,)
    ex.receive(pair.receiver)
    (document,) = kept(pair.sender, number, "delivery-sent")
    delivery = xml.decode(document)
    assert isinstance(delivery, Delivery)
    subject = Subject.of(delivery, document)
    assert subject is not None
    for given in delivery.approvals:
        said = approval.statement(subject, given.stage, given.person)
        signed = detached.verify(said, b64decode(given.signature), staff.key(given.person).public)
        assert utc_text(signed.created) == given.at
    assert ex.case(pair.receiver, number).state == "accepted"


def test_what_changed_after_the_last_signature_is_held_and_approved_anew(pair: Pair) -> None:
    """A record that is not what was signed never leaves: S474; released and signed anew it does."""
    number = opened(pair)
    staff.sign(pair.sender, [number])
    change_the_record(pair)
    report = ex.send(pair)
    assert report.sealed.sealed == ()
    assert ex.codes(ex.case(pair.sender, number).findings) == {"S474"}
    with Office.at(pair.sender) as office:
        cases.release(office.ledger, number, "staff-1", "", now())
    staff.sign(pair.sender, [number])
    assert ex.send(pair).sealed.sealed == (number,)


def test_what_changed_between_two_stages_is_not_signed(pair: Pair) -> None:
    """The next stage would sign something else than the last: S474, and nothing is entered."""
    number = opened(pair)
    staff.sign(pair.sender, [number], STAGES[:2])
    change_the_record(pair)
    with pytest.raises(UsageError, match="S474"):
        staff.sign(pair.sender, [number], STAGES[2:3])
    assert len(ex.case(pair.sender, number).approvals) == 2


def sealed_later(home: Path, direction: Literal["out", "in"]) -> Delivery | ContactLetter:
    """The message of the one approved case as it would leave in three days."""
    later = now() + timedelta(days=3)
    with Office.at(home) as office:
        (work,) = outgoing.claim(office.ledger, office.owner, 1, now(), direction=direction)
        seal = sealing.seal_case if direction == "out" else sealing.seal_letter
        outcome = seal(office, work, later)
        outgoing.release(office.ledger, office.owner)
    assert isinstance(outcome, Sealing), outcome
    message = xml.decode(outcome.document)
    assert isinstance(message, (Delivery, ContactLetter))
    assert message.header.sent == utc_text(later)
    return message


def test_the_day_of_sealing_changes_nothing(pair: Pair) -> None:
    """A delivery with information forms, and the letter that asked, are what was signed also when they leave later."""
    with Office.at(pair.receiver) as office:
        (number,) = cases.number_cases(office.ledger, office.code, 1, now())
        cases.open_cases(office.ledger, [NewCase(number, "33010001", PERSON, KINDS, "in")], "staff-1", now())
    staff.sign(pair.receiver, [number])
    assert isinstance(sealed_later(pair.receiver, "in"), ContactLetter)
    swap(pair)
    staff.sign(pair.sender, [number])
    delivery = sealed_later(pair.sender, "out")
    assert isinstance(delivery, Delivery)
    first = datetime.fromisoformat(delivery.approvals[0].at)
    assert {form.sums.transferred for form in delivery.forms} == {beijing_day(first).isoformat()}


def test_an_office_can_require_signatures(pair: Pair) -> None:
    """Then nothing is approved without one, and what was approved so before is held: S472."""
    before, after = opened(pair), opened(pair, PEOPLE[1][0])
    with Office.at(pair.sender) as office:
        for stage in STAGES:
            approving.enter(office, [before], stage, f"staff-{stage}", now())
    configure(pair.sender, signatures="required")
    with Office.at(pair.sender) as office, pytest.raises(UsageError, match="S472"):
        approving.enter(office, [after], "handler", "staff-handler", now())
    staff.sign(pair.sender, [after])
    assert ex.send(pair).sealed.sealed == (after,)
    assert ex.codes(ex.case(pair.sender, before).findings) == {"S472"}


def test_signed_and_unsigned_stages_go_together(pair: Pair) -> None:
    """Where signatures are optional, one signature among entered stages is held against the content all the same."""
    number = opened(pair)
    with Office.at(pair.sender) as office:
        approving.enter(office, [number], "handler", "staff-handler", now())
    staff.sign(pair.sender, [number], STAGES[1:2])
    with Office.at(pair.sender) as office:
        for stage in STAGES[2:]:
            approving.enter(office, [number], stage, f"staff-{stage}", now())
    assert ex.send(pair).sealed.sealed == (number,)


def test_a_signature_of_somebody_or_something_else_is_refused(pair: Pair) -> None:
    """Another key, stage, case, text, a person without a certificate: S473; no staff id: S470; another time: S476."""
    number, other = opened(pair), opened(pair, PEOPLE[1][0])
    own = staff.key("staff-handler")
    with Office.at(pair.sender) as office:
        said = approving.statement(office, number, "handler", "staff-handler", now())
        of_other = approving.statement(office, other, "handler", "staff-handler", now())
        of_reviewer = approving.statement(office, number, "reviewer", "staff-handler", now())
        with pytest.raises(UsageError, match="S470"):
            approving.statement(office, number, "handler", "Li Si", now())
    for signature in (
        detached.sign(said, staff.key("staff-approver"), now()),
        detached.sign(of_other, own, now()),
        detached.sign(of_reviewer, own, now()),
        detached.sign(said + b" ", own, now()),
        b"nonsense",
    ):
        assert refused(pair, number, "handler", "staff-handler", signature) == "S473"
    assert refused(pair, number, "handler", "staff-99", detached.sign(said, own, now())) == "S473"
    future = detached.sign(said, own, now() + timedelta(minutes=6))
    assert refused(pair, number, "handler", "staff-handler", future) == "S476"
    with closing(sqlite3.connect(pair.sender / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE cases SET updated = ?", (utc_text(now() + timedelta(minutes=7)),))
    assert refused(pair, number, "handler", "staff-handler", detached.sign(said, own, now())) == "S476"


def test_only_cases_of_this_office_are_signed_for(pair: Pair) -> None:
    """A case that is not there, and one that another office delivered: S412."""
    number = opened(pair)
    staff.sign(pair.sender, [number])
    ex.send(pair)
    ex.receive(pair.receiver)
    with Office.at(pair.receiver) as office:
        for unknown in (number, "44030001-2026-000099"):
            with pytest.raises(UsageError, match="S412"):
                approving.statement(office, unknown, "handler", "staff-handler", now())


def test_the_command_line_signs_with_a_key_from_a_file(pair: Pair, tmp_path: Path, call: Call) -> None:
    """`--key` with `--passphrase-file` for several cases at once; a wrong passphrase is S408, and nothing is entered."""
    numbers = (opened(pair), opened(pair, PEOPLE[1][0]))
    secret, passphrase = tmp_path / "secret.asc", tmp_path / "passphrase"
    secret.write_text(staff.armored("staff-handler"), encoding="ascii")
    words = ("-C", pair.sender, "case", "approve", *numbers, "--stage", "handler", "--by", "staff-handler", "--json")
    key = ("--key", secret, "--passphrase-file", passphrase)
    assert call(*words, *key).code == "S417"
    passphrase.write_text("wrong\n", encoding="utf-8")
    assert call(*words, *key).code == "S408"
    passphrase.write_text(f"{staff.PASSPHRASE}\n", encoding="utf-8")
    assert call(*words, "--signature", secret, *key).code == "S421"
    assert call(*words, "--signature", secret).code == "S421"
    assert call(*words, "--passphrase-file", passphrase).code == "S421"
    answer = call(*words, *key)
    assert answer.document == {"approved": [*numbers], "stage": "handler", "signed": True}
    for number in numbers:
        (given,) = ex.case(pair.sender, number).approvals
        assert (given.person, bool(given.signature)) == ("staff-handler", True)


def test_gpg_signs_a_statement_and_checks_ours(pair: Pair, tmp_path: Path, call: Call) -> None:
    """gpg makes the signature over the file that `case statement` writes, and finds one that we made good."""
    number, file = opened(pair), tmp_path / "statement"
    with gnupg(datetime.now(UTC)) as gpg:
        own = gpg.make_key("staff-21", "ed25519", "cv25519")
        (pair.sender / "staff/staff-21.asc").write_text(own.armored, encoding="ascii")
        words = ("--stage", "handler", "--by", "staff-21")
        assert call("-C", pair.sender, "case", "statement", number, *words, "-o", file).status == 0
        for options, name in (((), "binary"), (("--armor",), "armored")):
            made = gpg.run("--detach-sign", *options, "--local-user", own.fingerprint, "--output", "-", str(file))
            (tmp_path / name).write_bytes(made.stdout)
        approve = ("-C", pair.sender, "case", "approve", number, *words, "--signature", tmp_path / "armored", "--json")
        answer = call(*approve)
        assert answer.document["signed"] is True, answer.err
        gpg.run("--import", data=staff.key("staff-reviewer").public.armored.encode())
        staff.sign(pair.sender, [number], STAGES[1:2])
        given = ex.case(pair.sender, number).approvals[1]
        with Office.at(pair.sender) as office:
            file.write_bytes(approving.statement(office, number, given.stage, given.person, now()))
        (tmp_path / "signature").write_bytes(b64decode(given.signature))
        gpg.run("--verify", str(tmp_path / "signature"), str(file))


def test_a_role_that_has_ended_approves_nothing(pair: Pair) -> None:
    """A signature that is dated back to a time at which the person still had the role is refused: S471."""
    number = opened(pair)
    with Office.at(pair.sender) as office:
        who, key, at = "staff-handler", staff.key("staff-handler"), now()
        before = at - timedelta(minutes=2)
        roster.add(office, who, key.public, who, at)
        roster.give(office, who, "auditor", at - timedelta(days=1), None, who, at)
        roster.give(office, who, "handler", at - timedelta(days=1), at - timedelta(seconds=1), who, at)
        said = approving.statement(office, number, "handler", who, before)
        with pytest.raises(UsageError, match="S471"):
            approving.take(office, number, "handler", who, detached.sign(said, key, before), now())
