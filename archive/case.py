"""The states of a case, and what moves it from one to the next. Pure: a table and a lookup.

A case is one person's transfer between two offices. The sending office has it as an outgoing case, the receiving office
as an incoming one, which begins with its own contact letter or with a delivery that nobody asked for. The two tables
share how a message is prepared and the ends. The diagram in the README is drawn from these tables.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from formats.errors import UsageError


class State(StrEnum):
    """Where a case stands."""

    OPEN = "open"  # entered, being approved
    APPROVED = "approved"  # every configured stage is signed (art. 7)
    HELD = "held"  # stopped at this office, by its own checks or by a person
    SEALED = "sealed"  # the original is kept, the package is ready to leave
    IN_TRANSIT = "in_transit"  # left; no receipt yet
    ON_HOLD = "on_hold"  # the partner's receipt says that the partner has it on hold
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RETURNED = "returned"  # a person at the receiving office has sent the delivery back
    WITHDRAWING = "withdrawing"  # this office has taken back what it sent; no receipt for that yet
    WITHDRAWN = "withdrawn"
    AWAITED = "awaited"  # incoming: the partner has the contact letter, its delivery is awaited
    DECLINED = "declined"  # incoming: the partner will not deliver
    RECEIVED = "received"  # incoming: entered, not answered yet


class Event(StrEnum):
    """What happens to a case."""

    APPROVE = "approve"  # the last configured stage is signed
    HOLD = "hold"
    RELEASE = "release"
    WITHDRAW = "withdraw"
    SEAL = "seal"
    POST = "post"
    ACCEPT = "accept"
    REJECT = "reject"
    PUT_ON_HOLD = "put_on_hold"
    ACKNOWLEDGE = "acknowledge"  # the partner has taken up the contact letter
    DECLINE = "decline"  # the partner will not deliver
    DELIVER = "deliver"  # the delivery that was asked for has come
    TAKE_IN = "take_in"
    REFUSE = "refuse"
    REDELIVER = "redeliver"  # a corrected delivery of a case that was refused
    SEND_BACK = "send_back"  # a person at the receiving office returns the delivery
    REOPEN = "reopen"  # the sending office corrects what it delivered
    REPLACE = "replace"  # a correction was taken in in the place of what it corrects
    UPHOLD = "uphold"  # the sending office stands by its delivery
    RECALL = "recall"  # this office takes back what it sent
    CONFIRM = "confirm"  # the partner agrees to that
    TOO_LATE = "too_late"  # the partner has taken it in already
    TAKE_BACK = "take_back"  # the partner takes back what it sent


Transitions = Mapping[tuple[State, Event], State]

# What this office prepares, a delivery or a contact letter, until it has left.
_PREPARING: Transitions = MappingProxyType(
    {
        (State.OPEN, Event.APPROVE): State.APPROVED,
        (State.OPEN, Event.HOLD): State.HELD,
        (State.OPEN, Event.WITHDRAW): State.WITHDRAWN,
        (State.APPROVED, Event.SEAL): State.SEALED,
        (State.APPROVED, Event.HOLD): State.HELD,
        (State.APPROVED, Event.WITHDRAW): State.WITHDRAWN,
        (State.HELD, Event.RELEASE): State.OPEN,
        (State.HELD, Event.WITHDRAW): State.WITHDRAWN,
        (State.SEALED, Event.POST): State.IN_TRANSIT,
        (State.IN_TRANSIT, Event.RECALL): State.WITHDRAWING,
        (State.WITHDRAWING, Event.CONFIRM): State.WITHDRAWN,
        (State.ACCEPTED, Event.SEND_BACK): State.RETURNED,
        (State.RETURNED, Event.UPHOLD): State.ACCEPTED,
    }
)

OUTGOING: Transitions = MappingProxyType(
    {
        **_PREPARING,
        (State.OPEN, Event.TAKE_BACK): State.WITHDRAWN,
        (State.APPROVED, Event.TAKE_BACK): State.WITHDRAWN,
        (State.HELD, Event.TAKE_BACK): State.WITHDRAWN,
        (State.IN_TRANSIT, Event.ACCEPT): State.ACCEPTED,
        (State.IN_TRANSIT, Event.REJECT): State.REJECTED,
        (State.IN_TRANSIT, Event.PUT_ON_HOLD): State.ON_HOLD,
        (State.IN_TRANSIT, Event.SEND_BACK): State.RETURNED,
        (State.ON_HOLD, Event.ACCEPT): State.ACCEPTED,
        (State.ON_HOLD, Event.REJECT): State.REJECTED,
        (State.ON_HOLD, Event.RECALL): State.WITHDRAWING,
        (State.ON_HOLD, Event.SEND_BACK): State.RETURNED,
        (State.WITHDRAWING, Event.ACCEPT): State.ACCEPTED,
        (State.WITHDRAWING, Event.REJECT): State.REJECTED,
        (State.WITHDRAWING, Event.SEND_BACK): State.RETURNED,
        (State.WITHDRAWING, Event.TOO_LATE): State.IN_TRANSIT,
        (State.REJECTED, Event.REOPEN): State.OPEN,
        (State.RETURNED, Event.REOPEN): State.OPEN,
        (State.ACCEPTED, Event.REOPEN): State.OPEN,
    }
)

INCOMING: Transitions = MappingProxyType(
    {
        **_PREPARING,
        (State.IN_TRANSIT, Event.ACKNOWLEDGE): State.AWAITED,
        (State.IN_TRANSIT, Event.DECLINE): State.DECLINED,
        (State.IN_TRANSIT, Event.DELIVER): State.RECEIVED,
        (State.AWAITED, Event.DECLINE): State.DECLINED,
        (State.AWAITED, Event.DELIVER): State.RECEIVED,
        (State.AWAITED, Event.RECALL): State.WITHDRAWING,
        (State.WITHDRAWING, Event.ACKNOWLEDGE): State.AWAITED,
        (State.WITHDRAWING, Event.DECLINE): State.DECLINED,
        (State.WITHDRAWING, Event.DELIVER): State.RECEIVED,
        (State.RECEIVED, Event.TAKE_IN): State.ACCEPTED,
        (State.RECEIVED, Event.REFUSE): State.REJECTED,
        (State.RECEIVED, Event.TAKE_BACK): State.WITHDRAWN,
        (State.REJECTED, Event.REDELIVER): State.RECEIVED,
        (State.RETURNED, Event.REPLACE): State.ACCEPTED,
        (State.ACCEPTED, Event.REPLACE): State.ACCEPTED,
    }
)

TRANSITIONS: Transitions = MappingProxyType({**OUTGOING, **INCOMING})

# States in which the ledger must have the original of the document (guarantee: nothing leaves before it is kept).
KEPT_OUTGOING = (
    State.SEALED,
    State.IN_TRANSIT,
    State.ON_HOLD,
    State.ACCEPTED,
    State.REJECTED,
    State.RETURNED,
    State.WITHDRAWING,
)
KEPT_INCOMING = (State.ACCEPTED, State.REJECTED, State.RETURNED)


def advance(state: State, event: Event) -> State:
    """The state after the event. Raises UsageError S411 where the table has none."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise UsageError("S411", f"a case that is {state} cannot {event}") from None


def diagram() -> str:
    """Both tables as one Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    starts = (("Outgoing", (State.OPEN,), OUTGOING), ("Incoming", (State.OPEN, State.RECEIVED), INCOMING))
    for title, begins, table in starts:
        lines.append(f"    state {title} {{")
        prefix = title[0].lower()
        lines.extend(f"        [*] --> {prefix}_{start}" for start in begins)
        lines.extend(
            f"        {prefix}_{before} --> {prefix}_{after}: {event}" for (before, event), after in table.items()
        )
        names = {state: None for pair in table.items() for state in (pair[0][0], pair[1])}
        lines.extend(f"        {prefix}_{name}: {name}" for name in names)
        lines.append("    }")
    return "\n".join(lines) + "\n"
