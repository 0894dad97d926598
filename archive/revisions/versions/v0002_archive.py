"""The archive in segments, the journal as a Merkle log, and what audits, backups, lookups and retention remember."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the archive's tables, and turn the journal's chain into a tree."""
    with op.batch_alter_table("originals") as table:
        table.add_column(sa.Column("entry", sa.Integer, nullable=False, server_default="0"))
        table.create_index("originals_entry", ["entry"])
    _archive()
    _upkeep()
    _people()
    _journal()


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=False) for name in names]


def _sizes(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _archive() -> None:
    op.create_table(
        "segments",
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        *_words("state"),
        *_numbers("members"),
        *_sizes("end"),
        *_words("opened", "sealed", "keys_sha512", "sha512", "inventory"),
        *_numbers("version"),
        *_words("checked"),
    )
    op.create_table(
        "members",
        sa.Column("digest", sa.Text, primary_key=True),
        *_numbers("segment", "place"),
        *_sizes("offset", "size"),
        *_words("sha256"),
        *_sizes("bytes"),
        *_words("kind"),
        *_numbers("entry"),
        sqlite_with_rowid=False,
    )
    op.create_index("members_place", "members", ["segment", "place"], unique=True)
    op.create_index("members_entry", "members", ["entry"])


def _upkeep() -> None:
    op.create_table(
        "checks",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("at"),
        *_numbers("segment", "members"),
        *_sizes("bytes"),
        *_numbers("problems"),
    )
    op.create_index("checks_segment", "checks", ["segment", "at"])
    op.create_table(
        "backups",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("at", "place", "snapshot"),
        *_numbers("files"),
        *_sizes("bytes"),
        *_words("digest"),
    )


def _people() -> None:
    op.create_table(
        "lookups",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("at", "requester", "requester_id", "purpose", "basis", "scope", "subject", "who", "outcome"),
    )
    op.create_index("lookups_who", "lookups", ["who", "at"])
    op.create_index("lookups_subject", "lookups", ["subject", "at"])
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("direction", "partner", "case_number", "why", "placed", "placed_by", "lifted", "lifted_by"),
    )
    op.create_index("holds_case", "holds", ["direction", "partner", "case_number"])
    op.create_table(
        "tombstones",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("digest", "kind"),
        *_sizes("bytes"),
        *_words("direction", "partner", "case_number", "kept_at", "destroyed", "order_digest"),
        *_numbers("entry"),
    )
    op.create_index("tombstones_digest", "tombstones", ["digest"])
    op.create_table(
        "gone",
        sa.Column("entry", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        *_words("leaf", "order_digest"),
    )


def _journal() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
        *_words("root", "at", "note"),
    )
    op.create_table(
        "witnessed",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("partner"),
        *_numbers("size"),
        *_words("root", "at", "note"),
        sa.UniqueConstraint("partner", "size", "root", name="witnessed_once"),
    )
