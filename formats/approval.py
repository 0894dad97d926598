"""What a person signs who approves a stage of a case (art. 7), and how it is found again in a document. Pure.

The statement is a few lines of text, so that a person can read what is signed and any OpenPGP software can sign it. It
names the case, the two offices, the stage, the person, and the digest of the document's content: the exact bytes
between its approvals and its end. Message id, sequence number and time of sending are not known when it is signed, and
stand before. The time of the approval is the signature's own.
"""

import hashlib
import re
from typing import NamedTuple

from formats.identifiers import is_agency_code, is_case_number, is_staff_id
from formats.messages import STAGES, ContactLetter, Delivery
from formats.xsd import ROOTS

# The end tag of the approvals, and what begins a comment or a CDATA section: one search, faster than two.
_TOLD_APART = re.compile(rb"<!|</(?:[^\s<>:/]+:)?approvals\s*>")
_DIGEST = re.compile("[0-9a-f]{64}")


class Subject(NamedTuple):
    """What is approved: a document of a case between two offices, its kinds, and the SHA-256 of its content."""

    document: str  # the name of the document's root
    environment: str
    case: str
    sender: str
    receiver: str
    kinds: tuple[str, ...]
    content: str

    @classmethod
    def of(cls, message: Delivery | ContactLetter, document: bytes) -> "Subject | None":
        """The subject of a message and its document; None where the document's content cannot be told apart."""
        content = content_digest(document)
        if content is None:
            return None
        header = message.header
        parties = (header.environment, header.case, header.sender, header.receiver)
        return cls(ROOTS[type(message)], *parties, message.kinds, content)


def content_digest(document: bytes) -> str | None:
    """SHA-256 of what a document says behind header and approvals, in lower-case hex.

    The bytes after the end tag of its approvals up to the root's end tag. None where that end tag does not stand
    exactly once, and where the document has comments or CDATA sections: there a tag may be none. For a document that
    was read (`xml.decode`).
    """
    found = list(_TOLD_APART.finditer(document))
    if len(found) != 1 or found[0][0] == b"<!":
        return None
    return hashlib.sha256(memoryview(document)[found[0].end() : document.rfind(b"</")]).hexdigest()


def statement(subject: Subject, stage: str, person: str) -> bytes:
    """The text that the person signs, in UTF-8, each line ended by a line feed.

    ValueError where a value has not the form that the schema prescribes: it could pass for another line.
    """
    right = (
        subject.document in ROOTS.values(),
        subject.environment in ("production", "test"),
        is_case_number(subject.case),
        is_agency_code(subject.sender) and is_agency_code(subject.receiver),
        all(kind.isascii() and kind.isdigit() for kind in subject.kinds),
        _DIGEST.fullmatch(subject.content) is not None,
        stage in STAGES,
        is_staff_id(person),
    )
    if not all(right):
        raise ValueError("a value of the statement has another form than the schema's")
    lines = {
        "document": subject.document,
        "environment": subject.environment,
        "case": subject.case,
        "sender": subject.sender,
        "receiver": subject.receiver,
        "kinds": " ".join(subject.kinds),
        "content": subject.content,
        "stage": stage,
        "person": person,
    }
    return "".join(("jiexu approval 1\n", *(f"{name}: {value}\n" for name, value in lines.items()))).encode()
