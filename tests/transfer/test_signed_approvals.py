"""The signatures under approvals, held against the sender's staff card: each reason, and only it."""

import time
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from formats import approval, xml
from formats.approval import Subject
from formats.messages import STAGES, Approval, ContactLetter, Delivery
from tests import builders, letters, staff
from transfer import detached, receipts, signed_approvals
from transfer.keys import OfficeKey, generate_key, load_secret
from transfer.roster import Person, Role, Roster, StaffKey

AT = datetime.now(UTC).replace(microsecond=0)
YEAR = timedelta(days=365)


def person(stage: str, key: OfficeKey | None = None, *earlier: OfficeKey) -> Person:
    """`staff-STAGE` with this stage's role."""
    keys = (*earlier, key or staff.key(f"staff-{stage}"))
    certificates = tuple(StaffKey(one.fingerprint, one.public.armored) for one in keys)
    return Person(f"staff-{stage}", certificates, (Role(stage, AT - YEAR, AT + YEAR),))


PEOPLE: Roster = {f"staff-{stage}": person(stage) for stage in STAGES}


def signed(
    message: Delivery | ContactLetter, stage: str, *, key: OfficeKey | None = None, at: datetime = AT, said: str = ""
) -> Approval:
    """The approval of a stage by `staff-STAGE`; `said`: the stage that the statement names."""
    who = f"staff-{stage}"
    subject = Subject.of(message, xml.encode(message))
    assert subject is not None
    text = approval.statement(subject, said or stage, who)
    signature = b64encode(detached.sign(text, key or staff.key(who), at)).decode()
    return Approval(stage, who, at.strftime("%Y-%m-%dT%H:%M:%SZ"), signature)


MESSAGE = builders.a_delivery()
GOOD = {stage: signed(MESSAGE, stage) for stage in STAGES}


def codes(people: Roster = PEOPLE, message: Delivery | ContactLetter = MESSAGE, **changes: Approval) -> list[str]:
    """The codes for a document whose stages are signed, all but those that are changed."""
    given = replace(message, approvals=tuple({**GOOD, **changes}.values()))
    document = xml.encode(given)
    read = xml.decode(document)
    assert isinstance(read, (Delivery, ContactLetter))
    assert receipts.approvals(read, STAGES) == ()
    return [finding.code for finding in signed_approvals.findings(read, document, people)]


def test_four_good_signatures_have_no_finding() -> None:
    """In a delivery and in a contact letter; with a second certificate of the person in front or behind, too."""
    assert codes() == []
    letter = letters.a_contact_letter()
    assert codes(message=letter, **{stage: signed(letter, stage) for stage in STAGES}) == []
    own, other = staff.key("staff-handler"), staff.key("staff-7")
    for key, earlier in ((own, other), (other, own)):
        assert codes({**PEOPLE, "staff-handler": person("handler", key, earlier)}) == []


def test_m212_a_signature_over_something_else() -> None:
    """Another content, stage, case, time or key, and what is no signature: M212 and nothing else."""
    assert codes(message=replace(MESSAGE, record=builders.a_record(benefits=()))) == ["M212"] * 4
    moved = replace(MESSAGE, header=replace(MESSAGE.header, case="33010001-2026-000124"))
    assert codes(message=moved) == ["M212"] * 4
    later = (AT + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for wrong in (
        signed(MESSAGE, "handler", said="reviewer"),
        signed(MESSAGE, "handler", key=staff.key("staff-7")),
        GOOD["handler"]._replace(at=later),
        GOOD["handler"]._replace(signature=GOOD["reviewer"].signature),
        GOOD["handler"]._replace(signature="AAAA"),
        GOOD["handler"]._replace(signature="AAAAA"),
    ):
        assert codes(handler=wrong) == ["M212"], wrong


def test_m212_where_a_tag_may_be_none() -> None:
    """A document with a comment has no content to be signed, though it says the same."""
    given = replace(MESSAGE, approvals=tuple(GOOD.values()))
    document = xml.encode(given).replace(b"<record", b"<!-- --><record", 1)
    assert xml.decode(document) == given
    assert [item.code for item in signed_approvals.findings(given, document, PEOPLE)] == ["M212"] * 4


def test_m213_a_role_that_was_not_held() -> None:
    """Another stage's role, one that begins a second later, one that has just ended."""
    second = timedelta(seconds=1)
    for roles in (
        (Role("reviewer", AT - YEAR),),
        (Role("handler", AT + second),),
        (Role("handler", AT - YEAR, AT),),
        (),
    ):
        people = {**PEOPLE, "staff-handler": replace(PEOPLE["staff-handler"], roles=roles)}
        assert codes(people) == ["M213"]
    now_on = (Role("handler", AT, AT + second),)
    assert codes({**PEOPLE, "staff-handler": replace(PEOPLE["staff-handler"], roles=now_on)}) == []


def test_m214_a_key_that_was_not_valid() -> None:
    """A key that was made after the approval; the signature itself holds."""
    early = AT - timedelta(hours=1)
    key = load_secret(generate_key("staff-late", staff.PASSPHRASE, early - YEAR), staff.PASSPHRASE)
    fresh = load_secret(generate_key("staff-late", staff.PASSPHRASE, AT), staff.PASSPHRASE)
    assert codes({**PEOPLE, "staff-handler": person("handler", key)}, handler=signed(MESSAGE, "handler", key=key)) == []
    # The fresh key's own clock is back: it signs at a time at which it was not there yet.
    bound = replace(fresh.signing[0].bound, created=early - YEAR)
    dated_back = replace(fresh, signing=(replace(fresh.signing[0], bound=bound),))
    wrong = signed(MESSAGE, "handler", key=dated_back, at=early)
    assert codes({**PEOPLE, "staff-handler": person("handler", fresh)}, handler=wrong) == ["M214"]


def test_m215_nobody_or_no_signature() -> None:
    """A person who is not on the card, or an approval that nobody signed."""
    assert codes({name: one for name, one in PEOPLE.items() if name != "staff-handler"}) == ["M215"]
    assert codes(handler=GOOD["handler"]._replace(signature="")) == ["M215"]
    assert codes({}) == ["M215"] * 4


def test_each_approval_has_a_finding_of_its_own() -> None:
    """Four different flaws are four findings, each at its place and without a value of the document."""
    ended = replace(PEOPLE["staff-reviewer"], roles=(Role("reviewer", AT - YEAR, AT),))
    given = replace(MESSAGE, approvals=tuple({**GOOD, "handler": GOOD["handler"]._replace(signature="")}.values()))
    found = signed_approvals.findings(given, xml.encode(given), {**PEOPLE, "staff-reviewer": ended})
    assert [(item.code, item.path) for item in found] == [
        ("M215", "/delivery/approvals/approval[1]"),
        ("M213", "/delivery/approvals/approval[2]"),
    ]


def test_checking_takes_no_time_beside_opening() -> None:
    """The approvals of a document of a megabyte cost less than a fifth of reading it, in processor time."""
    large = replace(MESSAGE, record=builders.a_record(contributions=builders.a_record().contributions * 70))
    large = replace(large, approvals=tuple(signed(large, stage) for stage in STAGES))
    document = xml.encode(large)
    assert len(document) > 10**6
    assert signed_approvals.findings(large, document, PEOPLE) == ()
    times = []
    for act in (lambda: signed_approvals.findings(large, document, PEOPLE), lambda: xml.decode(document)):
        began = time.process_time()
        for _ in range(10):
            act()
        times.append(time.process_time() - began)
    assert times[0] < times[1] / 5
