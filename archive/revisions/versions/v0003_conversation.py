"""Cases that begin with a contact letter, are corrected or withdrawn; signed approvals; the money leg."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NEW = {
    "cases": ("letter", "posted_person", "corrects", "reason"),
    "approvals": ("signature", "content"),
}


def upgrade() -> None:
    """Add the columns; what is there has none of it."""
    for name, columns in _NEW.items():
        for column in columns:
            op.add_column(name, sa.Column(column, sa.Text, nullable=False, server_default=sa.text("''")))
    op.create_table(
        "remittances",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("cases.id"), nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("kind", "amount", "received", "reference", "who", "at")
        ),
        sa.UniqueConstraint("case_id", "kind", "reference", name="remittances_once"),
    )
