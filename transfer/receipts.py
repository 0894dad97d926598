"""The judgement between an opened package and its receipt.

Is it for us, is it new, is it approved; and does a receipt answer what was sent? Pure: what the ledger knows is
passed in as values. The order of the checks is that of the reasons' steps (`formats.reasons.RECEIPT_STEPS`): signer,
addressee, environment, identity, duplicate, approvals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from formats.messages import ContactLetter, Delivery, Environment, Finding, Message, Receipt
from formats.xsd import ROOTS
from transfer.naming import PackageName

Progress = Literal["done", "working", "failed"]
Verdict = Literal["new", "repeat", "wait"]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A message that came before: the digest of its document, and how far it came.

    `done`: it was answered; `working`: its receipt is being made; `failed`: it came to no answer.
    """

    digest: str
    state: Progress


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a message's identity, all from the same sender.

    `message`: the message with the same id; `sequence_of`: the id of the message with the same sequence number;
    `delivery`: the latest delivery of the same case. None where there is none.
    """

    message_id: str
    message: Earlier | None = None
    sequence_of: str | None = None
    delivery: Earlier | None = None


def inspect(
    message: Message, opened_office: str, name: PackageName, office_code: str, environment: Environment
) -> Finding | None:
    """The first thing wrong with a document's identity, or None.

    `opened_office` is the office whose signature holds, `office_code` this office. In order: T133 the sender in the
    document or in the file name is not who signed; M170 it is addressed to another office; M180 it is of the other
    environment; M192 the file name and the document disagree.
    """
    header, root = message.header, ROOTS[type(message)]

    def at(attribute: str) -> str:
        return f"/{root}/header/@{attribute}"

    if header.sender != opened_office:
        return Finding("T133", at("sender"), expected=opened_office, found="another office")
    if name.sender != opened_office:
        return Finding("T133", "", expected=opened_office, found="another office in the file name")
    if header.receiver != office_code:
        return Finding("M170", at("receiver"), expected=office_code, found="another office")
    if header.environment != environment:
        return Finding("M180", at("environment"), expected=environment, found=header.environment)
    for attribute, named, written in (
        ("receiver", name.receiver, header.receiver),
        ("messageId", name.message_id, header.message_id),
        ("sequence", name.sequence, header.sequence),
    ):
        if named != written:
            return Finding("M192", at(attribute), expected="as in the file name", found="another value")
    return None


def duplicate(known: Known, digest: str) -> Verdict | Finding:
    """What to do with a message whose document has this digest, by what came before.

    | same id, same document | done: `repeat` the same receipt | working: `wait` | failed: `new`, accept it |
    | same id, other document | M190: quarantine                                                           |
    | same sequence number, other id | M191: quarantine                                                    |
    | another delivery of the case is being worked on | `wait`: one after the other                        |
    | everything else, e.g. a correction after a rejection | `new`                                         |
    """
    if known.message is not None and known.message.digest != digest:
        return Finding("M190", "", expected="the same document as before", found="another document")
    if known.sequence_of is not None and known.sequence_of != known.message_id:
        return Finding("M191", "", expected="a new sequence number", found="one that another message has")
    if known.message is not None:
        return _by_progress(known.message.state)
    if known.delivery is not None and known.delivery.digest == digest:
        return _by_progress(known.delivery.state)
    return "wait" if known.delivery is not None and known.delivery.state == "working" else "new"


def _by_progress(state: Progress) -> Verdict:
    verdicts: dict[Progress, Verdict] = {"done": "repeat", "working": "wait", "failed": "new"}
    return verdicts[state]


def approvals(message: Delivery | ContactLetter, stages: Sequence[str]) -> tuple[Finding, ...]:
    """What is wrong with the approvals that a delivery or a letter carries (arts. 7, 26), empty if nothing.

    M210 for each of the stages that is missing, M211 for each approval by a person who approved another stage before.
    """
    path = f"/{'delivery' if isinstance(message, Delivery) else 'contactLetter'}/approvals"
    given = {approval.stage for approval in message.approvals}
    missing = tuple(
        Finding("M210", path, expected=stage, found="no approval of this stage")
        for stage in stages
        if stage not in given
    )
    first: dict[str, str] = {}
    doubled = tuple(
        Finding("M211", f"{path}/approval[{place}]/@person", expected="a different person", found=before)
        for place, approval in enumerate(message.approvals, start=1)
        if (before := first.setdefault(approval.person, approval.stage)) != approval.stage
    )
    return missing + doubled


def match(receipt: Receipt, sent_digest: str | None) -> Finding | None:
    """Whether a receipt answers what was sent.

    `sent_digest` is the digest of the delivery that the receipt says it answers, None if this office sent none such.
    C401: it answers no delivery of this office; C402: it is for other bytes than were sent.
    """
    if sent_digest is None:
        return Finding("C401", "/receipt/header/@answers", expected="a delivery of this office", found="an unknown one")
    if receipt.digest != sent_digest:
        return Finding("C402", "/receipt/@digest", expected="the digest of what was sent", found="another digest")
    return None
