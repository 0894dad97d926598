"""A document judged before it travels: the receiver's checks in the receiver's order, with the same reason codes.

What the receiver alone can know is not checked here: whether the message came before (M190-M192, M200), what its
records and the case say (L, C). That `findings` gives what a receiver's opening gives is shown by
`tests/flows/test_conformance.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from formats import validation
from formats.messages import STAGES, ContactLetter, Delivery, Environment, Finding
from formats.xml import DEFAULT_LIMITS, Limits
from transfer import receipts, signed_approvals
from transfer.naming import PackageName
from transfer.roster import Roster


def nobody(_office: str) -> Roster | None:
    """No staff card of any office is there."""
    return None


_APPROVED = (Delivery, ContactLetter)


@dataclass(frozen=True, slots=True)
class Receiver:
    """What is known of the office that is to receive. Empty or None: as the document says, therefore never wrong.

    `people` gives the staff card that it has of a sender, None where it has none: signatures are not judged then.
    """

    office: str = ""
    environment: Environment | None = None
    stages: Sequence[str] = STAGES
    limits: Limits = DEFAULT_LIMITS
    people: Callable[[str], Roster | None] = nobody


def findings(
    document: bytes, on: date, receiver: Receiver, signer: str = "", name: PackageName | None = None
) -> tuple[Finding, ...]:
    """What the receiver will find on the day `on`; empty if nothing. Never raises on bad data.

    As there, the first step that finds something ends the checks: form and schema (M150-M162), sender (T133),
    addressee (M170), environment (M180), file name (M192), approvals (M210, M211; with a staff card M212-M215), rules
    (R). `signer` is the office that signed the package in which the document came, `name` that package's; without them
    they are not judged. Raises UsageError S401, S408, S417, S475 for a staff card that cannot be read.
    """
    message, found = validation.check(document, on, receiver.limits)
    if message is None:
        return found
    header = message.header
    name = name or PackageName(signer or header.sender, header.receiver, header.sequence, header.message_id)
    office, environment = receiver.office or header.receiver, receiver.environment or header.environment
    if wrong := receipts.inspect(message, signer or header.sender, name, office, environment):
        return (wrong,)
    return (_approvals(message, document, receiver) or found) if isinstance(message, _APPROVED) else found


def _approvals(message: Delivery | ContactLetter, document: bytes, receiver: Receiver) -> tuple[Finding, ...]:
    """What is wrong with the approvals: the stages, or else the signatures."""
    if found := receipts.approvals(message, receiver.stages):
        return found
    people = receiver.people(message.header.sender)
    return () if people is None else signed_approvals.findings(message, document, people)
