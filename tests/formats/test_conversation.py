"""The messages around a delivery: exact round trips, all by the schema, and what a person signs of them."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats import xml
from formats.errors import RefusedError
from formats.messages import Message
from formats.xsd import ROOTS
from tests import letters

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
