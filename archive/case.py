"""The states of a case, and what moves it from one to the next. Pure: a table and a lookup.

A case is one person's transfer between two offices. The sending office has it as an outgoing case, the receiving office
as an incoming one; the two tables share the two ends, accepted and rejected. The diagram in the README is drawn from
these tables.
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
    WITHDRAWN = "withdrawn"
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
    TAKE_IN = "take_in"
    REFUSE = "refuse"
    REDELIVER = "redeliver"  # a corrected delivery of a case that was refused


Transitions = Mapping[tuple[State, Event], State]

OUTGOING: Transitions = MappingProxyType(
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
        (State.IN_TRANSIT, Event.ACCEPT): State.ACCEPTED,
        (State.IN_TRANSIT, Event.REJECT): State.REJECTED,
        (State.IN_TRANSIT, Event.PUT_ON_HOLD): State.ON_HOLD,
        (State.ON_HOLD, Event.ACCEPT): State.ACCEPTED,
        (State.ON_HOLD, Event.REJECT): State.REJECTED,
    }
)

INCOMING: Transitions = MappingProxyType(
    {
        (State.RECEIVED, Event.TAKE_IN): State.ACCEPTED,
        (State.RECEIVED, Event.REFUSE): State.REJECTED,
        (State.REJECTED, Event.REDELIVER): State.RECEIVED,
    }
)

TRANSITIONS: Transitions = MappingProxyType({**OUTGOING, **INCOMING})

# States in which the ledger must have the original of the document (guarantee: nothing leaves before it is kept).
KEPT_OUTGOING = (State.SEALED, State.IN_TRANSIT, State.ON_HOLD, State.ACCEPTED, State.REJECTED)
KEPT_INCOMING = (State.ACCEPTED, State.REJECTED)


def advance(state: State, event: Event) -> State:
    """The state after the event. Raises UsageError S411 where the table has none."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise UsageError("S411", f"a case that is {state} cannot {event}") from None


def diagram() -> str:
    """Both tables as one Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    for title, start, table in (("Outgoing", State.OPEN, OUTGOING), ("Incoming", State.RECEIVED, INCOMING)):
        lines.append(f"    state {title} {{")
        prefix = title[0].lower()
        lines.append(f"        [*] --> {prefix}_{start}")
        lines.extend(
            f"        {prefix}_{before} --> {prefix}_{after}: {event}" for (before, event), after in table.items()
        )
        names = {state: None for pair in table.items() for state in (pair[0][0], pair[1])}
        lines.extend(f"        {prefix}_{name}: {name}" for name in names)
        lines.append("    }")
    return "\n".join(lines) + "\n"
