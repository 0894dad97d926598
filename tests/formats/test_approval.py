"""What a person signs who approves: the content of a document, and the statement over it."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats import approval, xml
from formats.approval import Subject
from formats.errors import RefusedError
from formats.messages import STAGES, ContactLetter, Delivery
from tests import builders, letters


def subject(message: Delivery | ContactLetter) -> Subject:
    """The subject of what we would write."""
    found = Subject.of(message, xml.encode(message))
    assert found is not None
    return found


def test_the_content_is_all_behind_the_approvals() -> None:
    """Message id, sequence, time, approvals change nothing of what is signed; any change behind the approvals does."""
    delivery = letters.a_correction()
    later = builders.a_header(message_id=letters.DIGEST[:8] + "-0000-4000-8000-000000000000", sequence=99)
    assert subject(replace(delivery, header=later, approvals=(builders.an_approval(),))) == subject(delivery)
    for changed in (
        replace(delivery, forms=()),
        replace(delivery, correction=None),
        replace(delivery, record=builders.a_record(benefits=())),
    ):
        assert subject(changed).content != subject(delivery).content


def test_the_day_of_a_letter_is_no_part_of_what_is_signed() -> None:
    """A contact letter that leaves on a later day is the one that was signed; one for another person is not."""
    letter = letters.a_contact_letter()
    assert subject(replace(letter, dated="2026-12-01")) == subject(letter)
    other = replace(letter, applicant=letter.applicant._replace(person_number="43"))
    assert subject(other).content != subject(letter).content


WRITINGS: dict[str, tuple[bytes, bytes | None]] = {
    "prefix": (b"<m:d><m:approvals><m:approval/></m:approvals>\n<r:record/></m:d>", b"\n<r:record/>"),
    "prefix of another alphabet": ("<é:d><é:approvals></é:approvals>x</é:d>".encode(), b"x"),
    "blank in the tag": (b"<d><approvals></approvals\n>x</d>\n", b"x"),
    "no approvals": (b"<d>x</d>", None),
    "twice": (b"<d><approvals></approvals><x><y:approvals></y:approvals></x></d>", None),
    "comment before": (b"<d><!-- </approvals> --><approvals></approvals>x</d>", None),
    "comment behind": (b"<d><approvals></approvals>x</d><!-- y</ -->", None),
    "CDATA": (b"<d><approvals></approvals><![CDATA[x]]></d>", None),
}


@pytest.mark.parametrize("name", WRITINGS)
def test_the_content_is_found_in_other_writings(name: str) -> None:
    """Prefixes and blanks do not matter; where a tag may be none, or is not the only one, there is no content."""
    document, content = WRITINGS[name]
    assert approval.content_digest(document) == (content and hashlib.sha256(content).hexdigest())


def test_the_statement_says_who_approves_what() -> None:
    """The text that a person signs, to the byte."""
    found = subject(builders.a_delivery())
    assert approval.statement(found, STAGES[1], "staff-2").decode() == (
        "jiexu approval 1\ndocument: delivery\nenvironment: test\ncase: 33010001-2026-000123\nsender: 33010001\n"
        f"receiver: 44030001\nkinds: 110 210 310\ncontent: {found.content}\nstage: reviewer\nperson: staff-2\n"
    )
    assert subject(letters.a_contact_letter()).document == "contactLetter"


SPOILED: dict[str, Callable[[Subject], Subject]] = {
    "document": lambda it: it._replace(document="delivery\ncase: x"),
    "environment": lambda it: it._replace(environment="test\n"),
    "case": lambda it: it._replace(case="33010001-2026-000123\n"),
    "sender": lambda it: it._replace(sender=""),
    "receiver": lambda it: it._replace(receiver="44030001\n"),
    "kinds": lambda it: it._replace(kinds=("110\ncontent:",)),
    "content": lambda it: it._replace(content="0" * 63),
}


@pytest.mark.parametrize("name", SPOILED)
def test_no_value_passes_for_another_line(name: str) -> None:
    """What has not the schema's form does not come into a statement."""
    with pytest.raises(ValueError, match="statement"):
        approval.statement(SPOILED[name](subject(builders.a_delivery())), "handler", "staff-1")


@given(st.text(max_size=5) | st.just("staff-1\nstage: approver"), st.sampled_from(STAGES))
def test_a_statement_always_has_ten_lines(person: str, stage: str) -> None:
    """Whatever the staff id is: it is refused, or the statement's lines are its own."""
    try:
        said = approval.statement(subject(builders.a_delivery()), stage, person)
    except ValueError:
        return
    assert said.count(b"\n") == len(said.splitlines()) == 10


def test_a_signature_travels_in_the_approval() -> None:
    """It comes back as it was written; what is no base 64 is against the schema, and none is left out."""
    signed = builders.a_delivery(approvals=(builders.an_approval(signature="iHUEABYIAB0WIQ=="),))
    assert xml.decode(xml.encode(signed)) == signed
    assert b"signature" not in xml.encode(builders.a_delivery())
    with pytest.raises(RefusedError, match="M160"):
        xml.decode(xml.encode(builders.a_delivery(approvals=(builders.an_approval(signature="no base 64"),))))
