"""The first form of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_CLAIMED = sa.text("claim IS NOT NULL")
_OUTGOING = sa.text("direction = 'out'")
_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    """Make every table."""
    _work()
    _cases()
    _messages()
    _arrivals()
    _originals()
    _journal()


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _partial(name: str, table: str, columns: list[str], where: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _work() -> None:
    op.create_table(
        "owners",
        sa.Column("token", sa.Text, primary_key=True),
        *_words("host", "boot_id"),
        sa.Column("pid", sa.Integer, nullable=False),
        *_words("started", "until"),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("used", sa.BigInteger, nullable=False),
    )


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("case_number", "direction", "partner", "person", "kinds", "state", "opened", "updated"),
        *_words("digest", "findings", "why"),
        sa.Column("message_id", sa.Text),
        sa.Column("sequence", sa.BigInteger),
        sa.Column("claim", sa.Text),
        sa.UniqueConstraint("direction", "partner", "case_number", name="cases_number"),
    )
    op.create_index("cases_state", "cases", ["direction", "state", "id"])
    op.create_index("cases_message", "cases", ["message_id"])
    _partial("cases_out_number", "cases", ["case_number"], _OUTGOING, unique=True)
    _partial("cases_claim", "cases", ["claim"], _CLAIMED)
    op.create_table(
        "approvals",
        sa.Column("case_id", sa.Integer, sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column("stage", sa.Text, primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        *_words("who", "at"),
        sa.UniqueConstraint("case_id", "who", name="approvals_who"),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("direction", "partner", "message_id"),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        *_words("kind", "case_number", "name", "digest", "package_digest"),
        sa.Column("size", sa.BigInteger, nullable=False),
        *_words("state", "answers", "outcome"),
        sa.Column("answer_id", sa.Text),
        sa.Column("answer_sequence", sa.BigInteger),
        sa.Column("arrival", sa.Integer),
        *_words("created", "posted"),
        sa.Column("claim", sa.Text),
        sa.UniqueConstraint("direction", "partner", "message_id", "digest", name="messages_content"),
    )
    op.create_index("messages_state", "messages", ["direction", "kind", "state", "id"])
    op.create_index("messages_case", "messages", ["direction", "partner", "case_number"])
    op.create_index("messages_sequence", "messages", ["direction", "partner", "sequence"])
    op.create_index("messages_answers", "messages", ["direction", "partner", "answers"])
    op.create_index("messages_answer_id", "messages", ["answer_id"])
    op.create_index("messages_arrival", "messages", ["arrival"])
    _partial("messages_out_id", "messages", ["partner", "message_id"], _OUTGOING, unique=True)
    _partial("messages_out_sequence", "messages", ["partner", "sequence"], _OUTGOING, unique=True)
    _partial("messages_claim", "messages", ["claim"], _CLAIMED)


def _arrivals() -> None:
    op.create_table(
        "arrivals",
        sa.Column("number", sa.Integer, primary_key=True),
        *_words("name", "digest"),
        sa.Column("size", sa.BigInteger, nullable=False),
        *_words("state", "code", "at"),
        sa.Column("claim", sa.Text),
    )
    op.create_index("arrivals_state", "arrivals", ["state", "number"])
    op.create_index("arrivals_digest", "arrivals", ["digest"])
    _partial("arrivals_waiting", "arrivals", ["name", "digest"], _WAITING, unique=True)
    _partial("arrivals_claim", "arrivals", ["claim"], _CLAIMED)


def _originals() -> None:
    op.create_table(
        "originals",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("digest", "kind"),
        sa.Column("size", sa.BigInteger, nullable=False),
        *_words("direction", "partner", "case_number", "message_id", "kept_at"),
        sa.UniqueConstraint("digest", "kind", "direction", "partner", "message_id", name="originals_once"),
    )
    op.create_index("originals_case", "originals", ["direction", "partner", "case_number"])
    op.create_index("originals_message", "originals", ["message_id"])


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        *_words("at", "kind", "what", "why", "how", "who", "previous", "hash"),
    )
    head = op.create_table(
        "journal_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("n", sa.Integer, nullable=False),
        *_words("hash"),
    )
    op.bulk_insert(head, [{"id": 1, "n": 0, "hash": "0" * 64}])
