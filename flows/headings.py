"""The header of a message of this office: what is the same for deliveries, letters, receipts and all others."""

from datetime import datetime

from flows.times import utc_text
from flows.wiring import Office
from formats.messages import Header


def heading(
    office: Office, partner: str, case: str, message_id: str, sequence: int, at: datetime, answers: str = ""
) -> Header:
    """The header of message `message_id` to a partner, its number in the sequence to it, about a case, sent `at`.

    `case` and `answers` may be empty, where there is none.
    """
    return Header(
        message_id=message_id,
        case=case,
        sender=office.code,
        receiver=partner,
        sequence=sequence,
        sent=utc_text(at),
        environment=office.settings.environment,
        answers=answers,
    )
