"""The signatures under the approvals of a partner's document, held against the partner's staff card.

For each approval the first of these that holds, and nothing where none does:

| M215 | it has no signature, or the card does not know the person |
| M213 | the person did not hold the stage's role at the time of the approval |
| M214 | the person's key was not valid when it signed, or is too weak |
| M212 | the signature is not the person's over this document's content, or not of the time of the approval |
"""

from base64 import b64decode
from binascii import Error as NotBase64
from datetime import datetime
from functools import lru_cache

from formats import approval
from formats.approval import Subject
from formats.errors import RefusedError
from formats.messages import Approval, ContactLetter, Delivery, Finding
from formats.xsd import ROOTS
from transfer import detached
from transfer.keys import PublicKey, load_public
from transfer.roster import Person, Roster

_SAID = {
    "M212": ("a signature over this content", "another one"),
    "M213": ("the stage's role at that time", "not held then"),
    "M214": ("a key that was valid then", "one that was not"),
    "M215": ("a signature by a person of the staff card", "none"),
}
# What a signature that does not hold makes of the approval; every other reason is M212.
_INVALID_KEY = ("T131", "T132")


def findings(message: Delivery | ContactLetter, document: bytes, people: Roster) -> tuple[Finding, ...]:
    """What is wrong with the signatures of a document that was read (`xml.decode`), one finding an approval at most.

    Raises UsageError S408 when a certificate of the card cannot be read.
    """
    path, subject = f"/{ROOTS[type(message)]}/approvals", Subject.of(message, document)
    found = ((place, _flaw(given, subject, people)) for place, given in enumerate(message.approvals, start=1))
    return tuple(Finding(code, f"{path}/approval[{place}]", *_SAID[code]) for place, code in found if code)


def _flaw(given: Approval, subject: Subject | None, people: Roster) -> str:
    """The code of what is wrong with one approval, empty for nothing."""
    person = people.get(given.person)
    if person is None or not given.signature:
        return "M215"
    at = datetime.fromisoformat(given.at)
    if not person.holds(given.stage, at):
        return "M213"
    if subject is None:
        return "M212"
    try:
        signature = b64decode(given.signature, validate=True)
        signed = _verified(approval.statement(subject, given.stage, given.person), signature, person)
    except RefusedError as error:
        return "M214" if error.code in _INVALID_KEY else "M212"
    except NotBase64:
        return "M212"
    return "" if signed == at else "M212"


def _verified(said: bytes, signature: bytes, person: Person) -> datetime:
    """When the person signed, with whichever key of the card. Raises RefusedError as `detached.verify`."""
    last = RefusedError("T130")
    for key in person.keys:
        try:
            return detached.verify(said, signature, _certificate(key.public_key)).created
        except RefusedError as error:
            if error.code != "T130":
                raise
            last = error
    raise last


@lru_cache(maxsize=1024)
def _certificate(armored: str) -> PublicKey:
    """A certificate; reading one takes longer than verifying with it."""
    return load_public(armored)
