"""The ledger's tables, as SQLAlchemy Core has them, and how values stand in their columns.

Of a person there is the person number of the records database and nothing else. Times are UTC text
(`2026-11-22T08:00:00Z`), so that both databases compare them alike; digests are SHA-256 in lower-case hex; text that is
absent is empty, and NULL only says "nobody" (`claim`) or "not reserved yet" (`message_id`, `sequence`, `arrival`).

`direction` of a case is `out` when this office sends the record, `in` when it receives it; of a message it is `out`
when this office wrote it. A receipt for a delivery, and the contact letter that asked for it, are therefore `out`
messages about an `in` case. An office has one case of a number and partner at most.
"""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from formats.messages import Finding

VERSION_TABLE = "ledger_version"  # where Alembic notes the revision

OUT, IN = "out", "in"
DELIVERY: Final = "delivery"
RECEIPT: Final = "receipt"
LETTER: Final = "contact-letter"
RETURN: Final = "return"
WITHDRAWAL: Final = "withdrawal"
REMINDER: Final = "reminder"
CLARIFICATION: Final = "clarification"


class MessageState(StrEnum):
    """How far a message has come."""

    SEALED = "sealed"  # out: kept, ready to leave
    POSTED = "posted"  # out: in the partner's mailbox
    RECEIVED = "received"  # in: entered, its receipt's ids reserved
    ANSWERED = "answered"  # in: its receipt is ready; out: a final receipt came


class ArrivalState(StrEnum):
    """How far a file from the mailbox has come."""

    WAITING = "waiting"
    DONE = "done"
    QUARANTINED = "quarantined"


class Findings(TypeDecorator[tuple[Finding, ...]]):
    """Findings as a JSON list of lists."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[Finding, ...] | None, _dialect: Dialect) -> str:
        """Into the column."""
        return json.dumps(value or (), ensure_ascii=False)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> tuple[Finding, ...]:
        """Out of the column."""
        return tuple(Finding(*item) for item in json.loads(value or "[]"))


class Words(TypeDecorator[tuple[str, ...]]):
    """Codes, separated by spaces."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, _dialect: Dialect) -> str:
        """Into the column."""
        return " ".join(value or ())

    def process_result_value(self, value: str | None, _dialect: Dialect) -> tuple[str, ...]:
        """Out of the column."""
        return tuple((value or "").split())


def utc_text(at: datetime) -> str:
    """The time as it stands in the ledger; `at` is aware."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


metadata = MetaData()

# One row a process that has claimed something; its claims fall when it is dead or `until` has passed.
owners = Table(
    "owners",
    metadata,
    Column("token", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", Text, nullable=False),
    Column("until", Text, nullable=False),
)

# `sequence/PARTNER`: the last number used towards a partner; `sequence/`: where that of a partner without one begins;
# `case/OFFICE/YEAR`: the last case number.
counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("used", BigInteger, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_number", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("person", Text, nullable=False),  # the person number; empty for incoming cases that nobody asked for
    Column("kinds", Words, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened", Text, nullable=False),
    Column("updated", Text, nullable=False),
    Column("digest", Text, nullable=False),  # of the document as sent or as answered
    Column("findings", Findings, nullable=False),
    Column("why", Text, nullable=False),  # why it is held or withdrawn
    Column("message_id", Text),  # of the delivery that stands; reserved once for what this office sends
    Column("sequence", BigInteger),
    Column("letter", Text, nullable=False, server_default=text("''")),  # message id of the contact letter that asked
    Column("posted_person", Text, nullable=False, server_default=text("''")),  # 1: officially posted, by the letter
    Column("corrects", Text, nullable=False, server_default=text("''")),  # outgoing: message id of what is corrected
    Column("reason", Text, nullable=False, server_default=text("''")),  # why it is corrected, or refused here: a code
    Column("claim", Text),
    UniqueConstraint("direction", "partner", "case_number", name="cases_number"),
    Index("cases_state", "direction", "state", "id"),
)
Index(
    "cases_out_number",
    cases.c.case_number,
    unique=True,
    sqlite_where=text("direction = 'out'"),
    postgresql_where=text("direction = 'out'"),
)
Index("cases_message", cases.c.message_id)
Index(
    "cases_claim",
    cases.c.claim,
    sqlite_where=text("claim IS NOT NULL"),
    postgresql_where=text("claim IS NOT NULL"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("case_id", Integer, ForeignKey("cases.id"), primary_key=True),
    Column("stage", Text, primary_key=True),
    Column("place", Integer, nullable=False),  # the stage's place in the configured order, from 0
    Column("who", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("signature", Text, nullable=False, server_default=text("''")),  # over formats.approval.statement, base 64
    Column("content", Text, nullable=False, server_default=text("''")),  # the content digest that was signed
    UniqueConstraint("case_id", "who", name="approvals_who"),
)

# The money leg: what has been paid to this office for an incoming case, matched to the information form before joining.
remittances = Table(
    "remittances",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", Integer, ForeignKey("cases.id"), nullable=False),
    Column("kind", Text, nullable=False),  # insurance kind (AAE140)
    Column("amount", Text, nullable=False),  # yuan with two places
    Column("received", Text, nullable=False),  # date
    Column("reference", Text, nullable=False),  # number of the voucher of receipt 实收凭证编号
    Column("who", Text, nullable=False),
    Column("at", Text, nullable=False),
    UniqueConstraint("case_id", "kind", "reference", name="remittances_once"),
)

# A partner may use a message id or a sequence number twice; that is refused with a code, not by a constraint.
messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("direction", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("case_number", Text, nullable=False),  # empty: the document could not be read
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("package_digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),  # of the package, in bytes
    Column("state", Text, nullable=False),
    Column("answers", Text, nullable=False),  # the id of the message that is answered; empty where none is
    Column("outcome", Text, nullable=False),
    Column("answer_id", Text),  # incoming, but receipts: their receipt's message id, reserved once
    Column("answer_sequence", BigInteger),
    Column("arrival", Integer),  # incoming: the arrival that is, or was, worked on for it
    Column("created", Text, nullable=False),
    Column("posted", Text, nullable=False),
    Column("claim", Text),
    UniqueConstraint("direction", "partner", "message_id", "digest", name="messages_content"),
    Index("messages_state", "direction", "kind", "state", "id"),
    Index("messages_case", "direction", "partner", "case_number"),
    Index("messages_sequence", "direction", "partner", "sequence"),
    Index("messages_answers", "direction", "partner", "answers"),
    Index("messages_answer_id", "answer_id"),
    Index("messages_arrival", "arrival"),
)
Index(
    "messages_out_id",
    messages.c.partner,
    messages.c.message_id,
    unique=True,
    sqlite_where=text("direction = 'out'"),
    postgresql_where=text("direction = 'out'"),
)
Index(
    "messages_out_sequence",
    messages.c.partner,
    messages.c.sequence,
    unique=True,
    sqlite_where=text("direction = 'out'"),
    postgresql_where=text("direction = 'out'"),
)
Index(
    "messages_claim",
    messages.c.claim,
    sqlite_where=text("claim IS NOT NULL"),
    postgresql_where=text("claim IS NOT NULL"),
)

arrivals = Table(
    "arrivals",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False),  # why it is in quarantine
    Column("at", Text, nullable=False),
    Column("claim", Text),
    Index("arrivals_state", "state", "number"),
    Index("arrivals_digest", "digest"),
)
Index(
    "arrivals_waiting",
    arrivals.c.name,
    arrivals.c.digest,
    unique=True,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)
Index(
    "arrivals_claim",
    arrivals.c.claim,
    sqlite_where=text("claim IS NOT NULL"),
    postgresql_where=text("claim IS NOT NULL"),
)

originals = Table(
    "originals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("direction", Text, nullable=False),  # of the case
    Column("partner", Text, nullable=False),
    Column("case_number", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("kept_at", Text, nullable=False),
    Column("entry", Integer, nullable=False),  # the journal's entry whose root covers this row
    UniqueConstraint("digest", "kind", "direction", "partner", "message_id", name="originals_once"),
    Index("originals_case", "direction", "partner", "case_number"),
    Index("originals_message", "message_id"),
    Index("originals_entry", "entry"),
)

# One row a segment of the archive. `end` is where the last member's last block ends: what lies behind was not kept.
segments = Table(
    "segments",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),  # open, sealing, sealed, destroyed
    Column("members", Integer, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("opened", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("keys_sha512", Text, nullable=False),  # of the newest file of wrapped keys
    Column("sha512", Text, nullable=False),  # of members.tar, once sealed
    Column("inventory", Text, nullable=False),  # SHA-512 of the object's inventory.json, once sealed
    Column("version", Integer, nullable=False),  # of the object: 1 as sealed, one more a change of key
    Column("checked", Text, nullable=False),  # when an audit last read all of it
)

# Which original lies where: `offset` and `size` of its ciphertext in the tar, `bytes` of itself.
members = Table(
    "members",
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256 of the original
    Column("segment", Integer, nullable=False),
    Column("place", Integer, nullable=False),  # in the segment, from 0
    Column("offset", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),  # of the ciphertext
    Column("bytes", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("entry", Integer, nullable=False),  # the journal's entry whose root covers this row
    Index("members_place", "segment", "place", unique=True),
    Index("members_entry", "entry"),
)

journal = Table(
    "journal",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),  # canonical JSON
    Column("why", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("leaf", Text, nullable=False),  # SHA-256 of a zero octet and the entry's canonical JSON
    Index("journal_kind", "kind", "n"),
)

# One row: the journal's end. Whoever writes locks it first, so that the journal has one order.
journal_head = Table(
    "journal_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, nullable=False),
    Column("root", Text, nullable=False),
    Column("frontier", Text, nullable=False),  # hashes of the complete subtrees, the largest first
)
