"""Cases and messages that must have an original and have none (A505).

What was destroyed lawfully has a tombstone, and that is as good as the original here.
"""

from sqlalchemy import and_, exists, func, or_, select

from archive.case import KEPT_INCOMING, KEPT_OUTGOING
from archive.ledger import Ledger
from archive.tables import IN, OUT, MessageState, cases, messages, originals
from archive.upkeep_tables import tombstones


def bare(ledger: Ledger) -> list[str]:
    """Cases (messages, where they have none) whose document left or was answered, and has no original in the ledger.

    Case numbers or message ids, sorted. Raises UnreachableError S409.
    """
    of_case = and_(
        originals.c.direction == cases.c.direction,
        originals.c.partner == cases.c.partner,
        originals.c.case_number == cases.c.case_number,
    )
    of_tomb = and_(
        tombstones.c.direction == cases.c.direction,
        tombstones.c.partner == cases.c.partner,
        tombstones.c.case_number == cases.c.case_number,
    )
    sent = or_(
        exists().where(of_case, originals.c.kind == "delivery-sent", originals.c.digest == cases.c.digest),
        exists().where(of_tomb, tombstones.c.digest == cases.c.digest),
    )
    received = or_(
        exists().where(of_case, originals.c.kind == "package-received"),
        exists().where(of_tomb, tombstones.c.kind == "package-received"),
    )
    document = or_(
        exists().where(originals.c.message_id == messages.c.message_id, originals.c.digest == messages.c.digest),
        exists().where(tombstones.c.digest == messages.c.digest),
    )
    package = or_(
        exists().where(
            originals.c.message_id == messages.c.message_id, originals.c.digest == messages.c.package_digest
        ),
        exists().where(tombstones.c.digest == messages.c.package_digest),
    )
    of_cases, of_messages = select(cases.c.case_number), select(messages.c.case_number, messages.c.message_id)
    with ledger.reading() as connection:
        found = [
            *connection.execute(
                of_cases.where(cases.c.direction == OUT, cases.c.state.in_(KEPT_OUTGOING), ~sent)
            ).scalars(),
            *connection.execute(
                of_cases.where(cases.c.direction == IN, cases.c.state.in_(KEPT_INCOMING), ~received)
            ).scalars(),
        ]
        for direction, kept in ((OUT, document), (IN, package)):
            received_only = messages.c.state == MessageState.RECEIVED  # not answered yet
            rows = connection.execute(of_messages.where(messages.c.direction == direction, ~received_only, ~kept))
            found += [row.case_number or row.message_id for row in rows]
    return sorted(set(found))


def count(ledger: Ledger) -> int:
    """How many cases there are. Raises UnreachableError S409."""
    with ledger.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(cases)).scalar_one())
