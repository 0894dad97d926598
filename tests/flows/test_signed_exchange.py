"""Two offices end to end where the receiver has the sender's staff card: every reason in a receipt, and only it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from archive import cases, journal
from archive.cases import NewCase
from flows import partner_staff, passes, roster, writing
from flows.times import now
from flows.wiring import Office
from formats import xml
from formats.messages import STAGES, Approval, Delivery
from tests import exchange as ex
from tests import staff
from tests.office import KINDS, Pair, configure, copied, fill, found_pair, some_people
from tests.transfer.test_signed_approvals import signed
from transfer.keys import generate_key, load_secret

(PERSON, RECORD), *_ = some_people(1)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two offices; each has four people on its roster, and the other's staff card on file."""
    folder = tmp_path_factory.mktemp("signed")
    pair = found_pair(folder)
    fill(pair.sender, [(PERSON, RECORD)])
    cards = {}
    for home in (pair.sender, pair.receiver):
        configure(home, signatures="required", phone="0755-88880000")
        with Office.at(home) as office:
            for stage in STAGES:
                roster.add(office, f"staff-{stage}", staff.key(f"staff-{stage}").public, "staff-handler", now())
            for stage in STAGES:
                begins = now() - timedelta(minutes=10)
                roster.give(office, f"staff-{stage}", stage, begins, None, "staff-handler", now())
            cards[home] = partner_staff.own_card(office, now())[1]
    for home, other in ((pair.sender, pair.receiver), (pair.receiver, pair.sender)):
        with Office.at(home) as office:
            partner_staff.add(office, cards[other], "staff-handler", now())
    return folder


@pytest.fixture
def pair(founded: Path, tmp_path: Path) -> Pair:
    """Two offices to be changed at will."""
    return copied(founded, tmp_path)


def approved(pair: Pair) -> str:
    """A case with four signed stages."""
    with Office.at(pair.sender) as office:
        (number,) = cases.number_cases(office.ledger, office.code, 1, now())
        cases.open_cases(office.ledger, [NewCase(number, "44030001", PERSON, KINDS)], "staff-handler", now())
    staff.sign(pair.sender, [number])
    return number


def answered(pair: Pair, number: str) -> list[str]:
    """The codes of the receipt, as the sender has them when it has come."""
    ex.receive(pair.receiver)
    ex.acknowledge(pair.receiver)
    ex.receive(pair.sender)
    row = ex.case(pair.sender, number)
    assert row.state == ("rejected" if row.findings else "accepted")
    return [finding.code for finding in row.findings]


def test_a_case_with_four_signed_stages_is_accepted(pair: Pair) -> None:
    """From the first signature to the receipt; both audits are clean, and the card is in the journal."""
    number = approved(pair)
    assert ex.send(pair).sealed.sealed == (number,)
    assert answered(pair, number) == []
    assert ex.problems(pair) == ()
    with Office.at(pair.receiver) as office:
        (entry,) = (line for line in journal.entries(office.ledger) if line.kind == "partner-staff-added")
    assert (entry.what["partner"], entry.what["people"]) == ("33010001", 4)


def test_a_letter_is_checked_like_a_delivery(pair: Pair) -> None:
    """The office that is asked has the staff card of the office that asks: signed it is taken, unsigned it is M215."""
    fill(pair.receiver, [(PERSON, replace(RECORD, contributions=(), account=(), months=()))])
    with Office.at(pair.receiver) as office:
        numbers = cases.number_cases(office.ledger, office.code, 2, now())
        new = [NewCase(number, "33010001", PERSON, KINDS, "in") for number in numbers]
        cases.open_cases(office.ledger, new, "staff-handler", now())
    staff.sign(pair.receiver, numbers[:1])
    configure(pair.receiver, signatures="optional")
    with Office.at(pair.receiver) as office:
        for stage in STAGES:
            cases.approve(office.ledger, numbers[1:], stage, f"staff-{stage}", now())
    ex.send(Pair(pair.receiver, pair.sender))
    report = ex.receive(pair.sender)
    found = {read.case: (read.outcome, tuple(item.code for item in read.findings)) for read in report.opened.read}
    assert found == {numbers[0]: ("accepted", ()), numbers[1]: ("rejected", ("M215",) * 4)}


Alter = Callable[[Delivery, tuple[Approval, ...]], tuple[Approval, ...]]


FLAWS: dict[str, tuple[str, Alter]] = {
    "a stage is missing": ("M210", lambda _, given: given[:3]),
    "a person approved twice": ("M211", lambda _, given: (*given[:3], given[3]._replace(person=given[0].person))),
    "other bytes were signed": ("M212", lambda _, given: (given[0]._replace(signature=given[1].signature), *given[1:])),
    "a stage without a signature": ("M215", lambda _, given: (*given[:3], given[3]._replace(signature=""))),
}


@pytest.mark.parametrize("name", FLAWS)
def test_each_flaw_has_its_reason(name: str, pair: Pair) -> None:
    """The receiver answers with this reason and no other."""
    code, alter = FLAWS[name]

    def altered(delivery: Delivery) -> bytes:
        return xml.encode(replace(delivery, approvals=alter(delivery, delivery.approvals)))

    number = approved(pair)
    ex.seal_as_is(pair, {number: altered})
    ex.send(pair)
    assert answered(pair, number) == [code]


def test_a_role_that_the_card_does_not_have_then(pair: Pair) -> None:
    """M213: the card on file says that the approver's role ended before the case was approved."""
    with Office.at(pair.sender) as office:
        roster.end(office, "staff-approver", [], now() - timedelta(minutes=9), "staff-handler", now())
        card = partner_staff.own_card(office, now())[1]
        roster.give(office, "staff-approver", "approver", now() - timedelta(minutes=8), None, "staff-handler", now())
    with Office.at(pair.receiver) as office:
        partner_staff.add(office, card, "staff-handler", now())
    number = approved(pair)
    ex.send(pair)
    assert answered(pair, number) == ["M213"]


def test_a_person_whom_the_card_does_not_have(pair: Pair) -> None:
    """M215: somebody new, whose card has not come; with the newer card on file the next delivery is taken."""
    with Office.at(pair.sender) as office:
        roster.add(office, "staff-99", staff.key("staff-99").public, "staff-handler", now())
        roster.give(office, "staff-99", "approver", now() - timedelta(minutes=1), None, "staff-handler", now())
    with Office.at(pair.sender) as office:
        (number,) = cases.number_cases(office.ledger, office.code, 1, now())
        cases.open_cases(office.ledger, [NewCase(number, "44030001", PERSON, KINDS)], "staff-handler", now())
    staff.sign(pair.sender, [number], STAGES[:3])
    staff.sign(pair.sender, [number], STAGES[3:], by="staff-99")
    ex.send(pair)
    assert answered(pair, number) == ["M215"]


def test_a_key_that_was_not_valid_then(pair: Pair) -> None:
    """M214: a signature that is dated before its key was made."""
    fresh = load_secret(generate_key("staff-reviewer", staff.PASSPHRASE, now()), staff.PASSPHRASE)
    with Office.at(pair.sender) as office:
        roster.add(office, "staff-reviewer", fresh.public, "staff-handler", now())
        card = partner_staff.own_card(office, now())[1]
    with Office.at(pair.receiver) as office:
        partner_staff.add(office, card, "staff-handler", now())
    early = now().replace(microsecond=0) - timedelta(minutes=5)
    bound = replace(fresh.signing[0].bound, created=early)
    dated_back = replace(fresh, signing=(replace(fresh.signing[0], bound=bound),))
    (pair.sender / "staff/staff-reviewer.asc").write_text(staff.key("staff-reviewer").public.armored, encoding="ascii")
    number = approved(pair)

    def altered(delivery: Delivery) -> bytes:
        first, _, *others = delivery.approvals
        wrong = signed(delivery, "reviewer", key=dated_back, at=early)
        return xml.encode(replace(delivery, approvals=(first, wrong, *others)))

    ex.seal_as_is(pair, {number: altered})
    ex.send(pair)
    assert answered(pair, number) == ["M214"]


def test_a_correction_is_signed_anew(pair: Pair) -> None:
    """What it corrects is part of what is signed: the first delivery's signatures are gone, four new ones are taken."""
    number = approved(pair)
    ex.send(pair)
    assert answered(pair, number) == []
    first = ex.case(pair.sender, number)
    with Office.at(pair.receiver) as office:
        writing.send_back(office, number, "C421", "the person objects", "staff-handler", now())
        passes.send(office)
    ex.receive(pair.sender)
    with Office.at(pair.sender) as office:
        cases.reopen(office.ledger, number, "C421", "staff-handler", "", now())
    with closing(sqlite3.connect(pair.sender / "records.db")) as database, database:
        assert database.execute("UPDATE ac01 SET aac010 = '330108'").rowcount
    staff.sign(pair.sender, [number])
    second = ex.case(pair.sender, number)
    assert not {one.signature for one in first.approvals} & {one.signature for one in second.approvals}
    assert ex.send(pair).sealed.sealed == (number,)
    assert answered(pair, number) == []
