"""Cases that begin with a contact letter, are corrected or withdrawn; approvals with the person's own signature."""

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
        with op.batch_alter_table(name) as table:
            for column in columns:
                table.add_column(sa.Column(column, sa.Text, nullable=False, server_default=""))
        with op.batch_alter_table(name) as table:
            for column in columns:
                table.alter_column(column, server_default=None)  # it was for the rows that were there
