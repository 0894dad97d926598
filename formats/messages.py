"""The messages that offices send each other about a case.

Contact letter (联系函), delivery (转移报文), return (退回), withdrawal (撤回), reminder (催办), clarification (问询),
and the receipt (回执), which answers each of the others; a correction (更正) is a delivery that says what it corrects.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from formats.information_form import InformationForm
from formats.record import Record

Environment = Literal["production", "test"]
Outcome = Literal["accepted", "rejected", "on-hold"]
Awaited = Literal["delivery", "receipt", "correction", "answer"]

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
    """One stage of the approval of a case (art. 7): who (staff id, not a name), as what, when (UTC).

    `signature` is the person's own detached OpenPGP signature over the statement of `formats.approval`, in base 64, and
    `at` is then its time; empty where the office has the stages entered without signatures.
    """

    stage: str
    person: str
    at: str
    signature: str = ""


class Applicant(NamedTuple):
    """Whose relation a contact letter asks for. Codes of LD/T 92 in brackets."""

    social_security_number: str  # AAC002 社会保障号码
    name: str  # AAC003 姓名
    document_type: str  # AAC058 证件类型
    document_number: str  # AAC147 证件号码
    household_place: str = ""  # AAC010 户籍所在地 (division code)
    person_number: str = ""  # AAC001 原个人编号, at the office that is asked
    posted: str = "0"  # 1: moved by an officially approved posting (经批准调动), which the age rule exempts


class Contact(NamedTuple):
    """Where the office that asks can be reached."""

    office: str  # 机构名称
    phone: str  # AAE005 电话
    address: str = ""  # AAE006 地址
    postcode: str = ""  # AAE007 邮编


class Payee(NamedTuple):
    """The bank account into which the transferred fund is paid."""

    account_name: str  # AAE009 开户全称
    bank: str  # AAC155 开户行
    bank_number: str  # AAC080 行号
    account: str  # AAC078 账号


class Change(NamedTuple):
    """One place in which a correction differs from what it corrects.

    `path` is a place in the correction, or in the corrected document for what was removed; `change` is `added`,
    `removed` or `changed`. The values stand in the two documents.
    """

    path: str
    change: str


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
class ContactLetter:
    """The receiving office asks the sending office for a person's record (联系函). `dated` is a date.

    `payee` is where the fund goes, None where none moves; `old_office` is the name of the office that is asked.
    """

    header: Header
    kinds: tuple[str, ...]
    approvals: tuple[Approval, ...]
    dated: str
    applicant: Applicant
    contact: Contact
    payee: Payee | None = None
    old_office: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a delivery corrects: the corrected delivery's message id and its document's SHA-256, and why.

    `reason` is a code of the table of reasons.
    """

    message_id: str
    digest: str
    reason: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Carries one case's record to the receiving office. `kinds` are the insurance kinds (AAE140) being transferred.

    `forms` are the information forms of the pension kinds among them. `correction` is there when this delivery takes
    the place of an earlier one of the case.
    """

    header: Header
    kinds: tuple[str, ...]
    approvals: tuple[Approval, ...]
    record: Record
    forms: tuple[InformationForm, ...] = ()
    correction: Correction | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """A person at the receiving office sends a delivery back (退回): it must be corrected, or the refusal explained.

    `digest` is that of the delivery's document, `decided` a UTC time, `note` text in plain words.
    """

    header: Header
    digest: str
    decided: str
    findings: tuple[Finding, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An office takes back its own message (撤回): a letter, or a delivery that was not accepted yet.

    `digest` is that of the document that is taken back.
    """

    header: Header
    digest: str
    why: str


@dataclass(frozen=True, slots=True)
class Reminder:
    """What is overdue (催办). `awaited` since the message that is answered, `due` a date, `count` from 1."""

    header: Header
    awaited: Awaited
    due: str
    count: int


@dataclass(frozen=True, slots=True)
class Clarification:
    """A question about a case, or the answer to one (问询). `respond_by` is a date or empty."""

    header: Header
    kind: Literal["question", "answer"]
    text: str
    respond_by: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to one message. `digest`: SHA-256 of that message's document, lower-case hex.

    `checkpoint` is the newest signed head of the answering office's journal, the note's exact text (C2SP
    tlog-checkpoint, at most 4,000 characters): whoever gets the receipt is its witness. Empty where none is given.
    """

    header: Header
    outcome: Outcome
    digest: str
    decided: str  # UTC time
    findings: tuple[Finding, ...] = ()
    checkpoint: str = ""


# Each of these is answered by a receipt.
Asking = ContactLetter | Delivery | Return | Withdrawal | Reminder | Clarification
Message = Asking | Receipt
