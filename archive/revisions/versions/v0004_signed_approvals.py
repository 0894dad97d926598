"""Approvals that people sign with their own keys: the signature, and what was signed; the journal found by kind."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, and the index; approvals that are there were entered for people, without either."""
    for column in ("signature", "content"):
        op.add_column("approvals", sa.Column(column, sa.Text, nullable=False, server_default=sa.text("''")))
    op.create_index("journal_kind", "journal", ["kind", "n"])
