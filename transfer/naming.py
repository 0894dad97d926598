"""The names of packages on the wire: `<sender>-<receiver>-<sequence>-<message id>.xml.pgp`. Pure.

A name serves to sort and to find; what counts is what the signed document says. Nothing personal is in it.
"""

import re
from dataclasses import dataclass
from typing import Final

from formats.identifiers import is_agency_code, is_message_id

_NAME: Final = re.compile(r"([0-9]{8})-([0-9]{8})-([1-9][0-9]{0,17})-([0-9a-f-]{36})\.xml\.pgp", re.ASCII)


@dataclass(frozen=True, slots=True)
class PackageName:
    """The name of a package. `sequence` counts the sender's messages to this receiver, from 1."""

    sender: str
    receiver: str
    sequence: int
    message_id: str

    def __str__(self) -> str:
        return f"{self.sender}-{self.receiver}-{self.sequence}-{self.message_id}.xml.pgp"


def parse_name(text: str) -> PackageName | None:
    """The name that this text is, or None if it is not one in its exact form."""
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    sender, receiver, sequence, message_id = match.groups()
    if not (is_agency_code(sender) and is_agency_code(receiver) and is_message_id(message_id)):
        return None
    return PackageName(sender, receiver, int(sequence), message_id)
