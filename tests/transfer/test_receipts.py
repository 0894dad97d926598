"""The judgement between an opened package and its receipt."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.messages import STAGES, Approval, Delivery, Environment, Finding, Header, Receipt
from formats.reasons import RECEIPT_STEPS, reason
from formats.record import Person, Record
from transfer import receipts
from transfer.naming import PackageName
from transfer.receipts import Earlier, Known, Progress

SENDER, RECEIVER, OTHER = "33010001", "42010001", "51010001"
ID, OTHER_ID = "0b8c1d2e-3f40-4a5b-8c6d-7e8f90a1b2c3", "1b8c1d2e-3f40-4a5b-8c6d-7e8f90a1b2c3"
HEADER = Header(ID, "33010001-2026-000123", SENDER, RECEIVER, 17, "2026-11-22T08:00:00Z", "production")
NAME = PackageName(SENDER, RECEIVER, 17, ID)
DIGEST, OTHER_DIGEST = "a" * 64, "b" * 64
SIGNED = tuple(Approval(stage, f"p{place}", "2026-11-22T08:00:00Z") for place, stage in enumerate(STAGES))
PERSON = Person("", "", "", "", "", "", "", "", "")
DELIVERY = Delivery(HEADER, ("110",), SIGNED, Record(PERSON))
RECEIPT = Receipt(HEADER, "accepted", DIGEST, "2026-11-22T08:00:00Z")

earlier = st.none() | st.builds(
    Earlier, st.sampled_from([DIGEST, OTHER_DIGEST]), st.sampled_from(["done", "working", "failed"])
)


def test_a_right_message_passes() -> None:
    """A delivery and a receipt that agree with signer, office, environment and name have no finding."""
    for message in (DELIVERY, RECEIPT):
        assert receipts.inspect(message, SENDER, NAME, RECEIVER, "production") is None


@pytest.mark.parametrize(
    ("header", "name", "code"),
    [
        ({"sender": OTHER}, {}, "T133"),
        ({}, {"sender": OTHER}, "T133"),
        ({"sender": OTHER}, {"sender": OTHER}, "T133"),
        ({"receiver": OTHER}, {}, "M170"),
        ({"receiver": OTHER}, {"receiver": OTHER}, "M170"),
        ({"environment": "test"}, {}, "M180"),
        ({}, {"receiver": OTHER}, "M192"),
        ({}, {"message_id": OTHER_ID}, "M192"),
        ({}, {"sequence": 18}, "M192"),
        ({"sequence": 18}, {}, "M192"),
    ],
)
def test_each_disagreement_has_its_code(header: dict[str, Any], name: dict[str, Any], code: str) -> None:
    """Sender, addressee, environment, name."""
    message = replace(DELIVERY, header=replace(HEADER, **header))
    found = receipts.inspect(message, SENDER, replace(NAME, **name), RECEIVER, "production")
    assert found is not None
    assert found.code == code


offices = st.sampled_from([SENDER, RECEIVER, OTHER])
environments: st.SearchStrategy[Environment] = st.sampled_from(["production", "test"])
headers = st.builds(
    lambda sender, receiver, environment, sequence: replace(
        HEADER, sender=sender, receiver=receiver, environment=environment, sequence=sequence
    ),
    offices,
    offices,
    environments,
    st.integers(1, 2),
)
names = st.builds(PackageName, offices, offices, st.integers(1, 2), st.just(ID))


@given(headers, names, offices, offices)
def test_the_first_step_that_fails_is_told(header: Header, name: PackageName, signer: str, office: str) -> None:
    """Whatever disagrees, the finding is the one of the earliest step, and nothing passes that disagrees."""
    wrong = [
        *(["T133"] if {header.sender, name.sender} != {signer} else []),
        *(["M170"] if header.receiver != office else []),
        *(["M180"] if header.environment == "test" else []),
        *(["M192"] if (header.receiver, header.sequence) != (name.receiver, name.sequence) else []),
    ]
    found = receipts.inspect(replace(RECEIPT, header=header), signer, name, office, "production")
    assert wrong == sorted(wrong, key=lambda code: RECEIPT_STEPS.index(reason(code).step))
    assert (found.code if found else None) == (wrong[0] if wrong else None)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (Known(ID), "new"),
        (Known(ID, Earlier(DIGEST, "done"), ID), "repeat"),
        (Known(ID, Earlier(DIGEST, "working"), ID), "wait"),
        (Known(ID, Earlier(DIGEST, "failed"), ID), "new"),
        (Known(ID, Earlier(OTHER_DIGEST, "done"), ID), "M190"),
        (Known(ID, Earlier(OTHER_DIGEST, "failed"), ID), "M190"),
        (Known(ID, None, OTHER_ID), "M191"),
        (Known(ID, Earlier(DIGEST, "done"), OTHER_ID), "M191"),
        (Known(ID, None, None, Earlier(OTHER_DIGEST, "done")), "new"),
        (Known(ID, None, None, Earlier(OTHER_DIGEST, "working")), "wait"),
        (Known(ID, None, None, Earlier(OTHER_DIGEST, "failed")), "new"),
        (Known(ID, None, None, Earlier(DIGEST, "done")), "repeat"),
        (Known(ID, Earlier(DIGEST, "failed"), ID, Earlier(DIGEST, "failed")), "new"),
    ],
)
def test_duplicates_follow_the_table(known: Known, expected: str) -> None:
    """Same id and document by state; same id with other content and a used number are refused; corrections are new."""
    found = receipts.duplicate(known, DIGEST)
    assert (found.code if isinstance(found, Finding) else found) == expected


@given(earlier, st.sampled_from([None, ID, OTHER_ID]), earlier)
def test_duplicates_keep_their_promises(
    message: Earlier | None, sequence_of: str | None, delivery: Earlier | None
) -> None:
    """A receipt is repeated only for the same bytes, nothing is taken in while it is worked on, nor under a used id."""
    found = receipts.duplicate(Known(ID, message, sequence_of, delivery), DIGEST)
    same = [known for known in (message, delivery) if known is not None and known.digest == DIGEST]
    states: list[Progress] = [known.state for known in same]
    if found == "repeat":
        assert "done" in states
    if found == "new":
        assert message is None or (message.digest, message.state) == (DIGEST, "failed")
        assert sequence_of != OTHER_ID
    if message is not None and message.digest != DIGEST:
        assert isinstance(found, Finding)
        assert found.code == "M190"


@pytest.mark.parametrize(
    ("given_approvals", "stages", "codes"),
    [
        (SIGNED, STAGES, []),
        (SIGNED[:3], STAGES, ["M210"]),
        ((), STAGES, ["M210"] * 4),
        ((), (), []),
        (SIGNED[2:], STAGES[2:], []),
        (SIGNED, STAGES[:1], []),
        ((SIGNED[0], SIGNED[1]._replace(person="p0")), STAGES[:2], ["M211"]),
        (tuple(approval._replace(person="p0") for approval in SIGNED), STAGES, ["M211"] * 3),
        ((SIGNED[0], SIGNED[1]._replace(person="p0")), STAGES[:3], ["M210", "M211"]),
        ((SIGNED[0], SIGNED[0]), STAGES[:1], []),
    ],
)
def test_approvals_must_be_complete_and_by_different_people(
    given_approvals: tuple[Approval, ...], stages: tuple[str, ...], codes: list[str]
) -> None:
    """Each configured stage, each by another person (arts. 7, 26)."""
    found = receipts.approvals(replace(DELIVERY, approvals=given_approvals), stages)
    assert [finding.code for finding in found] == codes
    assert not any("p0" in text for finding in found for text in finding)


@given(st.lists(st.tuples(st.sampled_from(STAGES), st.sampled_from(["a", "b", "c"])), max_size=8))
def test_no_finding_means_complete_and_different(pairs: list[tuple[str, str]]) -> None:
    """There is no finding exactly when all stages are there and no person has two of them."""
    carried = tuple(Approval(stage, person, "") for stage, person in pairs)
    stages_of: dict[str, set[str]] = {}
    for stage, person in pairs:
        stages_of.setdefault(person, set()).add(stage)
    right = {stage for stage, _ in pairs} == set(STAGES) and all(len(held) == 1 for held in stages_of.values())
    assert (receipts.approvals(replace(DELIVERY, approvals=carried), STAGES) == ()) == right


@pytest.mark.parametrize(("sent", "code"), [(DIGEST, None), (None, "C401"), (OTHER_DIGEST, "C402"), ("", "C402")])
def test_a_receipt_must_answer_what_was_sent(sent: str | None, code: str | None) -> None:
    """It answers a delivery of this office, and the very bytes that were sent."""
    found = receipts.match(RECEIPT, sent)
    assert (found.code if found else None) == code
