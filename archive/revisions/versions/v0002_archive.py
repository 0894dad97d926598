"""The archive in segments, the journal as a Merkle log, and what audits, backups, lookups and retention remember."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from archive.entries import line
from formats.digest import sha256
from formats.errors import IntegrityError
from formats.merkle import Frontier, leaf_hash

revision = "0002"
down_revision = "0001"

_PAGE = 5000  # entries turned at once
_FIELDS = ("n", "at", "kind", "what", "why", "how", "who")


def upgrade() -> None:
    """Add the archive's tables, and turn the journal's chain into a tree."""
    with op.batch_alter_table("originals") as table:
        table.add_column(sa.Column("entry", sa.Integer, nullable=False, server_default="0"))
        table.create_index("originals_entry", ["entry"])
    with op.batch_alter_table("originals") as table:
        table.alter_column("entry", server_default=None)  # it was for the rows that were there
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
        *_words("at", "requester", "requester_id", "purpose", "basis", "scope", "subject", "who", "outcome", "salt"),
    )
    op.create_index("lookups_who", "lookups", ["who", "at"])
    op.create_index("lookups_subject", "lookups", ["subject", "at"])
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("direction", "partner", "case_number", "why", "placed", "placed_by", "lifted", "lifted_by", "salt"),
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
    """The chain's entries, once it is found whole, as the leaves of a tree."""
    leaves = op.create_table(
        "journal_leaves",
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        *_words("at", "kind", "what", "why", "how", "who", "leaf"),
    )
    frontier = Frontier()
    for page in _chain():
        rows = [{**row, "leaf": leaf_hash(line(**row)).hex()} for row in page]
        op.bulk_insert(leaves, rows)
        frontier = frontier.extend(bytes.fromhex(row["leaf"]) for row in rows)
    op.drop_table("journal")
    op.rename_table("journal_leaves", "journal")
    op.drop_table("journal_head")
    head = op.create_table(
        "journal_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        *_numbers("n"),
        *_words("root", "frontier"),
    )
    hashes = " ".join(part.hex() for part in frontier.hashes)
    op.bulk_insert(head, [{"id": 1, "n": frontier.size, "root": frontier.root().hex(), "frontier": hashes}])
    _heads()


def _chain() -> Iterator[list[dict[str, Any]]]:
    """The entries of the old chain, page by page, each held against the hash before it. Raises IntegrityError A504.

    There an entry's hash was SHA-256 over its canonical JSON, `what` as text, with the hash before it as `previous`.
    """
    journal = sa.table("journal", *map(sa.column, (*_FIELDS, "previous", "hash")))
    ordered = sa.select(journal).order_by(journal.c.n).limit(_PAGE)
    count, end = 0, "0" * 64
    while rows := op.get_bind().execute(ordered.where(journal.c.n > count)).mappings().fetchall():
        page = []
        for row in rows:
            fields = {name: row[name] for name in _FIELDS}
            chained = json.dumps(fields | {"previous": end}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            if (row["n"], row["previous"], row["hash"]) != (count + 1, end, sha256(chained.encode())):
                raise IntegrityError("A504", f"entry {count + 1} was changed before the ledger was upgraded")
            count, end = count + 1, row["hash"]
            page.append(fields)
        yield page
    head = op.get_bind().execute(sa.text("SELECT n, hash FROM journal_head")).first()
    if head is None or tuple(head) != (count, end):
        raise IntegrityError("A504", f"entry {count} is not the end that the ledger has noted")


def _heads() -> None:
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
