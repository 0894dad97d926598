"""The tables of what was taken in, written in the transaction that writes the record's rows.

`jiexu_intake` has one row a case. It is what makes taking in idempotent, and what tells a second transfer of the same
relation from the first. `jiexu_shared` has the rows that a case brought and that were here already: a correction must
not take them away.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa

from formats.messages import Delivery

metadata = sa.MetaData()

INTAKE = sa.Table(
    "jiexu_intake",
    metadata,
    sa.Column("case_number", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False, comment="SHA-256 of the document, lower-case hex"),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False, index=True, comment="person number at this office"),
    sa.Column("kinds", sa.Text, nullable=False, comment="insurance kinds (AAE140), separated by blanks"),
    sa.Column("taken_in", sa.Text, nullable=False, comment="UTC"),
)

SHARED = sa.Table(
    "jiexu_shared",
    metadata,
    sa.Column("case_number", sa.Text, primary_key=True),
    sa.Column("row_digest", sa.Text, primary_key=True, comment="SHA-256 of the row's part and values, lower-case hex"),
)


class TakenIn(NamedTuple):
    """What a case brought: its sender (agency code), the person number at this office, the document's SHA-256."""

    sender: str
    person: str
    digest: str


# Built once: SQLAlchemy takes longer to build these statements than SQLite to execute them.
_DIGEST = sa.select(INTAKE.c.digest).where(INTAKE.c.case_number == sa.bindparam("case"))
_KINDS = sa.select(INTAKE.c.kinds).where(
    INTAKE.c.person == sa.bindparam("person"), INTAKE.c.sender == sa.bindparam("sender")
)
_MARK = sa.insert(INTAKE)


def digest_of(connection: sa.Connection, case: str) -> str | None:
    """The digest of the document that was taken in for this case, None when none was."""
    digest: str | None = connection.scalar(_DIGEST, {"case": case})
    return digest


def taken_in(connection: sa.Connection, case: str) -> TakenIn | None:
    """What was taken in for this case, None when nothing was."""
    columns = (INTAKE.c[name] for name in TakenIn._fields)
    row = connection.execute(sa.select(*columns).where(INTAKE.c.case_number == case)).first()
    return None if row is None else TakenIn(*row)


def share(connection: sa.Connection, case: str, digests: Collection[str]) -> None:
    """Note the rows that this case brought and that were here already, by their digests."""
    new = set(digests) - shared(connection, case) if digests else set()
    if new:
        connection.execute(sa.insert(SHARED), [{"case_number": case, "row_digest": digest} for digest in sorted(new)])


def shared(connection: sa.Connection, case: str) -> set[str]:
    """The digests of the rows that this case brought and that were here already."""
    return set(connection.scalars(sa.select(SHARED.c.row_digest).where(SHARED.c.case_number == case)))


def kinds_from(connection: sa.Connection, person: str, sender: str) -> set[str]:
    """The kinds that this sender's cases have brought for this person."""
    found = connection.scalars(_KINDS, {"person": person, "sender": sender})
    return {kind for kinds in found for kind in kinds.split()}


def mark_again(connection: sa.Connection, delivery: Delivery, digest: str, at: datetime) -> None:
    """Have the marker of the delivery's case name the correction that took the earlier one's place."""
    values = {"digest": digest, "kinds": " ".join(delivery.kinds), "taken_in": _utc(at)}
    connection.execute(sa.update(INTAKE).where(INTAKE.c.case_number == delivery.header.case).values(**values))


def mark(connection: sa.Connection, delivery: Delivery, digest: str, person: str, at: datetime) -> None:
    """Write the marker of the delivery's case; the primary key refuses a second one."""
    marker = {
        "case_number": delivery.header.case,
        "digest": digest,
        "sender": delivery.header.sender,
        "person": person,
        "kinds": " ".join(delivery.kinds),
        "taken_in": _utc(at),
    }
    connection.execute(_MARK, marker)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
