"""Approvals as the ledger has them: read by case; and what a person's own signature must agree with to be entered."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, select

from archive.ledger import chunks
from archive.tables import approvals, utc_text
from formats.errors import UsageError
from formats.messages import Approval

# How far the clock on which a person signs may be beside this one's.
CLOCKS_APART: Final = timedelta(minutes=5)


class PersonSignature(NamedTuple):
    """A person's signature over the statement of an approval (`formats.approval`), in base 64.

    `content` is the digest that the statement names, `at` the signature's own time.
    """

    content: str
    signature: str
    at: datetime


class Approved(NamedTuple):
    """The approvals of one case in the order of the stages, and the contents that were signed for, each once."""

    approvals: tuple[Approval, ...] = ()
    contents: tuple[str, ...] = ()


def approved(connection: Connection, ids: Sequence[int]) -> dict[int, Approved]:
    """By the id of the case; cases without an approval are left out."""
    wanted = select(approvals).order_by(approvals.c.place)
    return grouped(
        row for chunk in chunks(ids) for row in connection.execute(wanted.where(approvals.c.case_id.in_(chunk)))
    )


def grouped(rows: Iterable[Row[Any]]) -> dict[int, Approved]:
    """Rows of approvals in the order of the stages, by the id of the case."""
    groups: dict[int, Approved] = {}
    for row in rows:
        before = groups.get(row.case_id, Approved())
        contents = dict.fromkeys((*before.contents, *filter(None, (row.content,))))
        given = Approval(row.stage, row.who, row.at, row.signature)
        groups[row.case_id] = Approved((*before.approvals, given), tuple(contents))
    return groups


def check(row: Row[Any], before: Approved, given: PersonSignature, at: datetime) -> None:
    """Whether a signature fits the case as it stands, of which `row` has number and time of the last change.

    Raises UsageError S474 (other signatures are over another content), S476 (it was made before the case came to this
    stage, or after now), each naming the case.
    """
    if any(content != given.content for content in before.contents):
        raise UsageError("S474", row.case_number)
    earliest = datetime.fromisoformat(row.updated) - CLOCKS_APART
    if not earliest <= given.at <= at + CLOCKS_APART:
        raise UsageError("S476", f"{row.case_number}: signed at {utc_text(given.at)}")


def entered(given: PersonSignature | None, now: str) -> dict[str, str]:
    """What a row of the approvals has of a signature; `now` is its time where there is none."""
    if given is None:
        return {"at": now, "signature": "", "content": ""}
    return {"at": utc_text(given.at), "signature": given.signature, "content": given.content}
