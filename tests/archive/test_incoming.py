"""Arrivals, deliveries and receipts: answered once, the same ids again after a crash, duplicates known."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from archive import cases, incoming, outgoing
from archive.claims import Owner
from archive.incoming import Earlier, Incoming, Known
from archive.ledger import Ledger
from archive.originals import Kept
from archive.outgoing import SealedPackage
from archive.tables import arrivals, messages, originals
from formats.errors import UnreachableError
from formats.messages import Finding, Outcome
from tests.archive.stories import LATER, NOW, PARTNER, SERVICE, Partner, answer, arrived, posted, sealed, state

CASE = "44030001-2026-000001"


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A new ledger on each database."""
    with Ledger.create(database_url) as made:
        yield made


@pytest.fixture
def owner() -> Owner:
    """One owner of this process."""
    return Owner.this_process()


@pytest.fixture
def other() -> Owner:
    """Another owner; its process lives, too."""
    return Owner.this_process()


@pytest.fixture
def partner() -> Partner:
    """The office that sends."""
    return Partner()


def test_a_file_is_entered_once(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """Collected again before it was settled, it is the same arrival; after that it is a new one."""
    new, _ = partner.message("one", CASE)
    assert incoming.record_arrivals(ledger, [new, new], SERVICE, NOW) == 1
    assert incoming.record_arrivals(ledger, [new], SERVICE, NOW) == 0
    (arrival,) = incoming.claim(ledger, owner, 5, NOW)
    assert (arrival.name, arrival.digest, arrival.size) == (new.name, new.digest, new.size)
    incoming.quarantine(ledger, owner, arrival, "T113", SERVICE, NOW)
    assert incoming.claim(ledger, owner, 5, NOW) == ()
    assert incoming.record_arrivals(ledger, [new], SERVICE, NOW) == 1


def test_arrivals_are_claimed_like_cases(ledger: Ledger, owner: Owner, other: Owner, partner: Partner) -> None:
    """In order, once, and again by the next owner when given back."""
    new = [partner.message(f"text {place}", CASE)[0] for place in range(4)]
    incoming.record_arrivals(ledger, new, SERVICE, NOW)
    mine = incoming.claim(ledger, owner, 3, NOW)
    assert [arrival.name for arrival in mine] == [item.name for item in new[:3]]
    assert [arrival.name for arrival in incoming.claim(ledger, other, 3, NOW)] == [new[3].name]
    outgoing.release(ledger, owner)
    assert incoming.claim(ledger, other, 5, NOW) == mine


def test_a_quarantined_package_keeps_its_reason(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """The ledger says why."""
    (item,) = arrived(ledger, owner, [partner.message("one", CASE)])
    incoming.quarantine(ledger, owner, item.arrival, "T130", SERVICE, NOW)
    with ledger.reading() as connection:
        (row,) = connection.execute(select(arrivals)).all()
    assert (row.state, row.code, row.claim) == ("quarantined", "T130", None)


def test_a_delivery_is_answered(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """Case accepted, receipt ready to post, both originals entered, arrival done."""
    (item,) = arrived(ledger, owner, [partner.message("one", CASE)])
    (answered,), recorded = answer(ledger, owner, [item])
    assert recorded == (item.message_id,)
    row = cases.find(ledger, CASE)
    assert (row.state, row.direction, row.partner, row.digest) == ("accepted", "in", PARTNER, item.digest)
    (post,) = outgoing.claim_posts(ledger, owner, 5, NOW, "receipt")
    assert (post.message_id, post.case, post.partner) == (answered.receipt.message_id, CASE, PARTNER)
    assert post.package_digest == answered.receipt.package_digest
    assert outgoing.record_posted(ledger, owner, [post.message_id], SERVICE, NOW) == (post.message_id,)
    kinds = {(original.kind, original.digest) for original in cases.originals(ledger, CASE)}
    assert kinds == {("package-received", item.package_digest), ("receipt-sent", answered.receipt.digest)}
    outgoing.release(ledger, owner)
    assert incoming.claim(ledger, owner, 5, NOW) == ()


def test_a_batch_is_answered_at_once(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """Many deliveries, several partners: receipts numbered by partner, every case closed."""
    second = Partner("11010001")
    sent = [partner.message(f"a{place}", f"44030001-2026-{place:06}") for place in range(1, 31)]
    sent += [second.message(f"b{place}", f"11010001-2026-{place:06}") for place in range(1, 6)]
    items = arrived(ledger, owner, sent)
    answers = incoming.prepare(ledger, owner, items, NOW)
    assert [item.sequence for item in answers] == [*range(1, 31), *range(1, 6)]
    assert len(answer(ledger, owner, items, "rejected")[1]) == 35
    assert cases.counts(ledger) == {("in", "rejected"): 35}


def test_the_same_ids_after_a_crash(ledger: Ledger, owner: Owner, other: Owner, partner: Partner) -> None:
    """Prepared, not answered, claimed by the next owner: the receipt has the ids that were reserved."""
    (item,) = arrived(ledger, owner, [partner.message("one", CASE)])
    first = incoming.prepare(ledger, owner, [item], NOW)
    outgoing.release(ledger, owner)
    (arrival,) = incoming.claim(ledger, other, 5, NOW)
    again = replace(item, arrival=arrival)
    assert incoming.known(ledger, again) == Known()
    assert incoming.prepare(ledger, other, [again], NOW) == first
    assert state(ledger, CASE) == "received"


CASE_2 = "44030001-2026-000002"


@pytest.mark.parametrize(
    ("text", "case", "message_id", "sequence"),
    [
        ("another content", CASE_2, "first", 2),
        ("another message", CASE_2, "second", 1),
        ("another delivery of the case", CASE, "second", 2),
    ],
)
def test_two_processes_judge_at_once(
    ledger: Ledger, owner: Owner, other: Owner, partner: Partner, text: str, case: str, message_id: str, sequence: int
) -> None:
    """Both find nothing before theirs; who enters it second is told so, and nothing of it is entered."""
    new = [partner.message("one", CASE, "first", 1), partner.message(text, case, message_id, sequence)]
    incoming.record_arrivals(ledger, [item for item, _ in new], SERVICE, NOW)
    mine, theirs = (
        replace(item, arrival=incoming.claim(ledger, who, 1, NOW)[0])
        for who, (_, item) in zip((owner, other), new, strict=True)
    )
    assert incoming.known(ledger, mine) == incoming.known(ledger, theirs) == Known()
    (first,) = incoming.prepare(ledger, owner, [mine], NOW)
    assert first is not None
    assert incoming.prepare(ledger, other, [theirs], NOW) == (None,)
    assert cases.counts(ledger) == {("in", "received"): 1}
    assert incoming.known(ledger, theirs) != Known()


def test_the_neighbours_of_one_that_was_overtaken(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """They are entered, in their places."""
    (first,) = arrived(ledger, owner, [partner.message("one", CASE, "first", 1)])
    incoming.prepare(ledger, owner, [first], NOW)
    three = [
        partner.message("two", CASE_2, "second", 2),
        partner.message("three", "44030001-2026-000003", "first", 3),
        partner.message("four", "44030001-2026-000004", "fourth", 4),
    ]
    answers = incoming.prepare(ledger, owner, arrived(ledger, owner, three), NOW)
    assert [answer and answer.sequence for answer in answers] == [2, None, 3]


def test_what_was_taken_over_is_not_recorded(ledger: Ledger, owner: Owner, other: Owner, partner: Partner) -> None:
    """The first owner was too slow: its answer is not recorded, single acts are refused with S409."""
    (item,) = arrived(ledger, owner, [partner.message("one", CASE)])
    incoming.prepare(ledger, owner, [item], NOW)
    assert len(incoming.claim(ledger, other, 5, LATER)) == 1
    with pytest.raises(UnreachableError, match="S409"):
        incoming.prepare(ledger, owner, [item], LATER)
    with pytest.raises(UnreachableError, match="S409"):
        incoming.quarantine(ledger, owner, item.arrival, "T113", SERVICE, LATER)
    assert incoming.record_answered(ledger, owner, answer(ledger, other, [item])[0], SERVICE, LATER) == ()


def test_duplicates_are_known(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """Before, while and after a delivery is answered, its twin learns how far it came."""
    new, item = partner.message("one", CASE)
    (first,) = arrived(ledger, owner, [(new, item)])
    assert incoming.known(ledger, first) == Known()
    incoming.prepare(ledger, owner, [first], NOW)
    twin = replace(first, arrival=replace(first.arrival, number=first.arrival.number + 1))
    working = Earlier(first.message_id, first.digest, "working")
    assert incoming.known(ledger, twin) == Known(message=working, delivery=working)
    outgoing.release(ledger, owner)
    failed = replace(working, state="failed")
    assert incoming.known(ledger, twin) == Known(message=failed, delivery=failed)
    incoming.claim(ledger, owner, 5, NOW)
    answer(ledger, owner, [first])
    done = replace(working, state="done")
    assert incoming.known(ledger, twin) == Known(message=done, delivery=done)
    assert incoming.known(ledger, replace(twin, partner="11010001")) == Known()


def test_reused_ids_and_numbers_are_known(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """The same id for other content, the same number for another message, another delivery of the case."""
    (first,) = arrived(ledger, owner, [partner.message("one", CASE)])
    answer(ledger, owner, [first])
    done = Earlier(first.message_id, first.digest, "done")
    other_text = replace(first, digest="0" * 64, arrival=replace(first.arrival, number=9))
    assert incoming.known(ledger, other_text).message == done
    other_id = replace(other_text, message_id="0", case="x")
    assert incoming.known(ledger, other_id) == Known(sequence_of=first.message_id)
    correction = replace(other_text, message_id="0", sequence=2)
    assert incoming.known(ledger, correction) == Known(delivery=done)


def test_an_answered_delivery_is_answered_again(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """The same receipt is ready to post again, and the second arrival is done."""
    sent = partner.message("one", CASE)
    (first,) = arrived(ledger, owner, [sent])
    answer(ledger, owner, [first])
    (post,) = outgoing.claim_posts(ledger, owner, 5, NOW, "receipt")
    outgoing.record_posted(ledger, owner, [post.message_id], SERVICE, NOW)
    (again,) = arrived(ledger, owner, [sent])
    incoming.repeat_answer(ledger, owner, again.arrival, PARTNER, first.message_id, SERVICE, NOW)
    assert outgoing.claim_posts(ledger, owner, 5, NOW, "receipt") == (post,)
    outgoing.release(ledger, owner)
    assert incoming.claim(ledger, owner, 5, NOW) == ()


def test_twins_in_one_batch_get_one_receipt(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """One document in two packages, settled together: one message, one receipt, the later bytes of it."""
    new, item = partner.message("one", CASE)
    second = replace(new, digest="2" * 64)
    twin = replace(item, package_digest=second.digest)
    items = arrived(ledger, owner, [(new, item), (second, twin)])
    answered, recorded = answer(ledger, owner, items)
    assert recorded == (item.message_id, item.message_id)
    assert answered[0].receipt.message_id == answered[1].receipt.message_id
    assert len(outgoing.claim_posts(ledger, owner, 5, NOW, "receipt")) == 1
    assert len(cases.originals(ledger, CASE)) == 3


def test_a_corrected_delivery_reopens_a_refused_case(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """Rejected, delivered anew, accepted; a further delivery that is refused leaves it accepted."""
    outcomes: tuple[Outcome, ...] = ("rejected", "accepted", "rejected")
    digests = []
    for place, outcome in enumerate(outcomes):
        (item,) = arrived(ledger, owner, [partner.message(f"text {place}", CASE)])
        answer(ledger, owner, [item], outcome)
        digests.append(item.digest)
        assert state(ledger, CASE) == ("rejected" if place == 0 else "accepted")
    assert cases.find(ledger, CASE).digest == digests[1]


def test_a_document_that_cannot_be_read_is_answered(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """Without a case number there is no case, but a message, a receipt and originals; and again the same ids."""
    sent = partner.message("unreadable", "")
    for _ in range(2):
        (item,) = arrived(ledger, owner, [sent])
        (answered,), recorded = answer(ledger, owner, [item], "rejected")
        assert recorded == (item.message_id,)
    assert cases.listing(ledger) == ()
    assert [post.message_id for post in outgoing.claim_posts(ledger, owner, 5, NOW, "receipt")] == [
        answered.receipt.message_id
    ]


def _receipt(
    ledger: Ledger, owner: Owner, partner: Partner, sent: SealedPackage, outcome: Outcome, **changes: object
) -> tuple[Incoming, str | None]:
    text = f"{outcome} {sent.message_id} {partner.used}"
    sequence = changes.pop("sequence", 0)
    assert isinstance(sequence, int)
    (item,) = arrived(ledger, owner, [partner.message(text, sent.case, sequence=sequence)])
    values: dict[str, str] = {"answers": sent.message_id, "digest": sent.digest}
    values.update({name: str(value) for name, value in changes.items()})
    original = Kept(item.package_digest, item.arrival.size, "receipt-received")
    findings = (Finding("R001"),) if outcome == "rejected" else ()
    code = incoming.record_receipt(
        ledger, owner, item, values["answers"], outcome, findings, values["digest"], original, SERVICE, NOW
    )
    return item, code


@pytest.mark.parametrize(("outcome", "end"), [("accepted", "accepted"), ("rejected", "rejected")])
def test_a_receipt_closes_the_case(ledger: Ledger, owner: Owner, partner: Partner, outcome: Outcome, end: str) -> None:
    """The case is at its end with the receipt's findings; the receipt itself is an original; again it is no news."""
    (sent,) = posted(ledger, owner)
    item, code = _receipt(ledger, owner, partner, sent, outcome)
    assert code is None
    row = cases.find(ledger, sent.case)
    assert (row.state, row.digest) == (end, sent.digest)
    assert [finding.code for finding in row.findings] == (["R001"] if outcome == "rejected" else [])
    assert ("receipt-received", item.package_digest) in {
        (original.kind, original.digest) for original in cases.originals(ledger, sent.case)
    }
    assert _receipt(ledger, owner, partner, sent, outcome)[1] is None
    outgoing.release(ledger, owner)
    assert incoming.claim(ledger, owner, 5, NOW) == ()


def test_a_receipt_may_overtake_the_posting(ledger: Ledger, owner: Owner, other: Owner, partner: Partner) -> None:
    """The answer came before `record_posted`: the case is closed, and the late record changes nothing."""
    (sent,) = sealed(ledger, other)
    outgoing.claim_posts(ledger, other, 5, NOW, "message")
    assert _receipt(ledger, owner, partner, sent, "accepted")[1] is None
    assert outgoing.record_posted(ledger, other, [sent.message_id], SERVICE, NOW) == ()
    assert state(ledger, sent.case) == "accepted"


def test_on_hold_then_accepted(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """A case on hold at the partner is closed by the next receipt; a late 'on hold' does not reopen it."""
    (sent,) = posted(ledger, owner)
    assert _receipt(ledger, owner, partner, sent, "on-hold", sequence=1)[1] is None
    assert state(ledger, sent.case) == "on_hold"
    assert _receipt(ledger, owner, partner, sent, "accepted", sequence=3)[1] is None
    assert _receipt(ledger, owner, partner, sent, "on-hold", sequence=2)[1] is None
    assert state(ledger, sent.case) == "accepted"
    assert _receipt(ledger, owner, partner, sent, "on-hold", sequence=4)[1] == "C403"


def test_receipts_that_do_not_fit(ledger: Ledger, owner: Owner, partner: Partner) -> None:
    """No such delivery C401, other bytes C402, a contradiction C403; each leaves everything as it was."""
    (sent,) = posted(ledger, owner)
    assert _receipt(ledger, owner, partner, sent, "accepted", answers="0")[1] == "C401"
    assert _receipt(ledger, owner, Partner("11010001"), sent, "accepted")[1] == "C401"
    assert _receipt(ledger, owner, partner, sent, "accepted", digest="0" * 64)[1] == "C402"
    assert state(ledger, sent.case) == "in_transit"
    assert _receipt(ledger, owner, partner, sent, "rejected")[1] is None
    item, code = _receipt(ledger, owner, partner, sent, "accepted")
    assert (code, state(ledger, sent.case)) == ("C403", "rejected")
    incoming.quarantine(ledger, owner, item.arrival, "C403", SERVICE, NOW)
    with ledger.reading() as connection:
        assert connection.execute(select(originals).where(originals.c.digest == item.package_digest)).all() == []
        assert len(connection.execute(select(messages).where(messages.c.direction == "in")).all()) == 1
