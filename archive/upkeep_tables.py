"""The ledger's tables of upkeep: signed heads, audits, backups, lookups, holds and lawful destruction.

Who needs every table takes `metadata` from here.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from archive.tables import metadata

__all__ = ["backups", "checkpoints", "checks", "gone", "holds", "lookups", "metadata", "tombstones", "witnessed"]

# Every signed head of the journal that left the house, or was kept to be compared with later.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("root", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("note", Text, nullable=False),
)

# Partners' signed heads, as they came in receipts: this office is their witness.
witnessed = Table(
    "witnessed",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("partner", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("root", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("note", Text, nullable=False),
    UniqueConstraint("partner", "size", "root", name="witnessed_once"),
)

# One row a segment and audit: what was read, and how many problems were found in it.
checks = Table(
    "checks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("members", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("problems", Integer, nullable=False),
    Index("checks_segment", "segment", "at"),
)

# One row a backup that was read back and holds.
backups = Table(
    "backups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("files", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of the snapshot's manifest
)

# The register of lookups (arts. 14-22).
lookups = Table(
    "lookups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("requester", Text, nullable=False),  # person, agent, employer, authority, unit
    Column("requester_id", Text, nullable=False),  # who asked, by the office's own number for them
    Column("purpose", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("subject", Text, nullable=False),  # the person number looked up
    Column("who", Text, nullable=False),  # the lookup user
    Column("outcome", Text, nullable=False),  # shown, or the code of the refusal
    Column("salt", Text, nullable=False),  # of the digest in the journal
    Index("lookups_who", "who", "at"),
    Index("lookups_subject", "subject", "at"),
)

# What must not be destroyed, whatever its age: an objection (art. 16), a lawsuit, an inquiry.
holds = Table(
    "holds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("direction", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("case_number", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("placed", Text, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("lifted", Text, nullable=False),
    Column("lifted_by", Text, nullable=False),
    Column("salt", Text, nullable=False),  # of the digest in the journal
    Index("holds_case", "direction", "partner", "case_number"),
)

# What stands for an original that was destroyed lawfully.
tombstones = Table(
    "tombstones",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("direction", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("case_number", Text, nullable=False),
    Column("kept_at", Text, nullable=False),
    Column("destroyed", Text, nullable=False),
    Column("order_digest", Text, nullable=False),
    Column("entry", Integer, nullable=False),  # the journal's entry whose root covers this row
    Index("tombstones_digest", "digest"),
)

# What is left of a row of `members` or `originals` that a lawful destruction took away or moved: its leaf, at its place
# among the rows of its entry, so that the entry's root still proves the rows that stayed.
gone = Table(
    "gone",
    metadata,
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),  # among the entry's rows, from 0
    Column("leaf", Text, nullable=False),
    Column("order_digest", Text, nullable=False),
)
