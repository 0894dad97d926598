"""What a person signs who approves a stage of a case (art. 7), and how it is found again in a document. Pure.

The statement is a few lines of text, so that a person can read what is signed and any OpenPGP software can sign it. It
names the case, the two offices, the stage, the person, the time, and the digest of the document's content: the exact
bytes between its approvals and its end. Message id, sequence number and time of sending are not known when it is
signed, and stand before.
"""

import hashlib
import re
from typing import NamedTuple

from formats.messages import Approval, ContactLetter, Delivery

_APPROVALS_END = re.compile(rb"</(?:[A-Za-z_][\w.-]*:)?approvals\s*>|<(?:[A-Za-z_][\w.-]*:)?approvals(?:\s[^<>]*)?/>")


class Subject(NamedTuple):
    """What is approved: a case between two offices, its kinds, and the SHA-256 of the document's content."""

    case: str
    sender: str
    receiver: str
    kinds: tuple[str, ...]
    content: str

    @classmethod
    def of(cls, message: Delivery | ContactLetter, document: bytes) -> "Subject | None":
        """The subject of a message and its document; None where the document's content cannot be told apart."""
        content = content_digest(document)
        header = message.header
        return (content and cls(header.case, header.sender, header.receiver, message.kinds, content)) or None


def content_digest(document: bytes) -> str | None:
    """SHA-256 of what a document says beside header and approvals, in lower-case hex.

    The bytes after the end of its approvals up to the root's closing tag. None where the end of the approvals does not
    stand exactly once, as where a comment repeats it.
    """
    ends = list(_APPROVALS_END.finditer(document))
    if len(ends) != 1:
        return None
    return hashlib.sha256(document[ends[0].end() : document.rfind(b"</")]).hexdigest()


def statement(subject: Subject, approval: Approval) -> bytes:
    """The text that the person signs, in UTF-8, each line ended by a line feed. The signature itself is no part."""
    lines = {
        "case": subject.case,
        "sender": subject.sender,
        "receiver": subject.receiver,
        "kinds": " ".join(subject.kinds),
        "content": subject.content,
        "stage": approval.stage,
        "person": approval.person,
        "at": approval.at,
    }
    return "".join(("jiexu approval 1\n", *(f"{name}: {value}\n" for name, value in lines.items()))).encode()
