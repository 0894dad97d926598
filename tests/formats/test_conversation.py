"""The messages around a delivery: exact round trips, all by the schema, and what a person signs of them."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats import approval, xml
from formats.approval import Subject
from formats.errors import RefusedError
from formats.messages import STAGES, Message
from formats.xsd import ROOTS
from tests import builders, letters

MESSAGES: dict[str, Callable[[], Message]] = {
    "contact letter": letters.a_contact_letter,
    "contact letter without payee": lambda: letters.a_contact_letter(payee=None, old_office="", approvals=()),
    "delivery with forms": lambda: letters.a_correction(correction=None),
    "correction": letters.a_correction,
    "correction without a listing": lambda: letters.a_correction(
        forms=(), correction=replace(letters.a_correction().correction, changes=())
    ),
    "return": letters.a_return,
    "withdrawal": letters.a_withdrawal,
    "reminder": letters.a_reminder,
    "clarification": letters.a_clarification,
    "answer": lambda: letters.a_clarification(kind="answer", respond_by=""),
}
texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc")).filter(lambda one: one not in "\ufffe\uffff"),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_comes_back(name: str) -> None:
    """Decoding what was encoded gives the same message, and its root is the one that the table says."""
    message = MESSAGES[name]()
    document = xml.encode(message)
    assert xml.decode(document) == message
    assert f"\n<{ROOTS[type(message)]} xmlns=".encode() in document
    xml.validate_written(document, message)


@settings(max_examples=40, deadline=None)
@given(texts, texts)
def test_plain_words_come_back(one: str, other: str) -> None:
    """What people write in a return, a withdrawal, a question comes back to the letter, line feeds too."""
    text = f"{one}\n{other}"
    for message in (letters.a_return(note=text), letters.a_withdrawal(why=text), letters.a_clarification(text=text)):
        assert xml.decode(xml.encode(message)) == message


@pytest.mark.parametrize("name", ["return", "withdrawal", "reminder", "clarification"])
def test_answers_must_say_what_they_answer(name: str) -> None:
    """A message about another one is refused when it does not name it."""
    message = MESSAGES[name]()
    header = replace(message.header, answers="")
    with pytest.raises(RefusedError) as refused:
        xml.decode(xml.encode(replace(message, header=header)))
    assert refused.value.code == "M160"


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_needs_its_version(name: str) -> None:
    """A message of another major version is refused as such, whatever its kind."""
    document = xml.encode(MESSAGES[name]()).replace(b'version="1.0"', b'version="2.0"', 1)
    document = document.replace(b'<?xml version="2.0"', b'<?xml version="1.0"')
    if b'version="2.0"' not in document:
        document = document.replace(b'message:1" version="1.0"', b'message:1" version="2.0"')
    with pytest.raises(RefusedError) as refused:
        xml.decode(document)
    assert refused.value.code == "M161"


def test_the_content_is_all_but_header_and_approvals() -> None:
    """Message id, time, approvals change nothing of what is signed; any change behind the approvals does."""
    delivery = letters.a_correction()
    document = xml.encode(delivery)
    later = replace(delivery, header=builders.a_header(message_id=letters.DIGEST[:8] + "-0000-4000-8000-000000000000"))
    assert approval.content_digest(xml.encode(replace(later, approvals=()))) == approval.content_digest(document)
    for changed in (
        replace(delivery, forms=()),
        replace(delivery, correction=None),
        replace(delivery, record=builders.a_record(benefits=())),
    ):
        assert approval.content_digest(xml.encode(changed)) != approval.content_digest(document)


def test_the_content_is_found_in_other_writings() -> None:
    """A prefix or an empty element does not matter; where the end of the approvals stands twice there is no content."""
    written = b"<m:delivery><m:approvals><m:approval/></m:approvals>\n<r:record/></m:delivery>"
    assert approval.content_digest(written) == hashlib.sha256(b"\n<r:record/>").hexdigest()
    assert approval.content_digest(b"<d><approvals/>x</d>") == hashlib.sha256(b"x").hexdigest()
    assert approval.content_digest(b"<d><!-- </approvals> --><approvals></approvals>x</d>") is None
    assert approval.content_digest(b"<d>x</d>") is None


def test_the_statement_says_who_approves_what() -> None:
    """The text that a person signs, to the byte."""
    delivery = builders.a_delivery()
    subject = Subject.of(delivery, xml.encode(delivery))
    assert subject is not None
    assert approval.statement(subject, delivery.approvals[1]).decode() == (
        "jiexu approval 1\ncase: 33010001-2026-000123\nsender: 33010001\nreceiver: 44030001\nkinds: 110 210 310\n"
        f"content: {subject.content}\nstage: {STAGES[1]}\nperson: staff-2\nat: 2026-11-22T07:01:00Z\n"
    )
