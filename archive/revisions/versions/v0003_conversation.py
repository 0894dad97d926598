"""Cases that begin with a contact letter, are corrected or withdrawn, and the money leg."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NEW = ("letter", "posted_person", "corrects", "reason")


def upgrade() -> None:
    """Add the columns; what is there has none of it."""
    for column in _NEW:
        op.add_column("cases", sa.Column(column, sa.Text, nullable=False, server_default=sa.text("''")))
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
