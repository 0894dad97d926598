"""The messages that offices send each other: delivery (with the record) and receipt (回执)."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from formats.record import Record

Environment = Literal["production", "test"]
Outcome = Literal["accepted", "rejected", "on-hold"]

# Art. 7: initial review 初审, review 审核, recheck 复核, approval 审批.
STAGES = ("handler", "reviewer", "rechecker", "approver")


class Finding(NamedTuple):
    """What a check found. `expected` and `found` say the kind of thing, never a person's value.

    `path` is an XPath-like place in the document (`/delivery/record/contributions/contribution[17]/@month`), empty
    when the whole is meant; `respond_by` is a date or empty.
    """

    code: str
    path: str = ""
    expected: str = ""
    found: str = ""
    respond_by: str = ""


class Approval(NamedTuple):
    """One stage of the approval of a case (art. 7): who (staff id, not a name), as what, when (UTC)."""

    stage: str
    person: str
    at: str


@dataclass(frozen=True, slots=True)
class Header:
    """What every message carries. Times are UTC, `2026-11-22T08:00:00Z`; `answers` is a message id or empty."""

    message_id: str  # UUID, lower case
    case: str
    sender: str  # agency code, 8 digits
    receiver: str
    sequence: int  # counts the messages from this sender to this receiver, from 1
    sent: str
    environment: Environment
    answers: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Carries one case's record to the receiving office. `kinds` are the insurance kinds (AAE140) being transferred."""

    header: Header
    kinds: tuple[str, ...]
    approvals: tuple[Approval, ...]
    record: Record


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receiving office's answer to one delivery. `digest`: SHA-256 of the delivery's document, lower-case hex.

    `checkpoint` is the newest signed head of the answering office's journal, the note's exact text (C2SP
    tlog-checkpoint, at most 4,000 characters): whoever gets the receipt is its witness. Empty where none is given.
    """

    header: Header
    outcome: Outcome
    digest: str
    decided: str  # UTC time
    findings: tuple[Finding, ...] = ()
    checkpoint: str = ""


Message = Delivery | Receipt
