"""What a message of the partner, or the partner's receipt for one of ours, does to a case. Pure.

Two offices talk about one case over a channel that delays, repeats and crosses messages. Each side decides by its own
state alone, and the rules are such that both come to the same end: who has taken a record in says so and cannot be
talked out of it by a withdrawal that comes late; what was withdrawn before it came is refused when it comes.

`about` says what the message that is answered is to this office: the case's `letter` or its `delivery`, an `earlier`
delivery of the case, its `return`, another `message` of it, or nothing that is known (`unknown`).
"""

from dataclasses import dataclass
from typing import Literal

from archive.case import TRANSITIONS, Event, State, advance
from formats.messages import Outcome

Kind = Literal["contact-letter", "delivery", "return", "withdrawal", "reminder", "clarification"]
About = Literal["letter", "delivery", "earlier", "return", "message", "unknown"]

KINDS: tuple[Kind, ...] = ("contact-letter", "delivery", "return", "withdrawal", "reminder", "clarification")


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer to a message: outcome, the code of the reason where it is a refusal, and what happens to the case."""

    outcome: Outcome
    code: str = ""
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a receipt does to the case: an event, or the code of a contradiction; neither where it changes nothing."""

    event: Event | None = None
    code: str = ""


_AGREED = Ruling("accepted")
_UNKNOWN = Ruling("rejected", "C410")
_TOO_LATE = Ruling("rejected", "C411")
_WITHDRAWN_BEFORE = Ruling("rejected", "C412")
_NOT_RETURNABLE = Ruling("rejected", "C413")
_ASKED_BEFORE = Ruling("rejected", "C414")


def letter(state: State | None, withdrawn: bool) -> Ruling:
    """A contact letter; `state` of the outgoing case of its number. Whether the person is here is not judged here."""
    if withdrawn:
        return _WITHDRAWN_BEFORE
    return _AGREED if state is None else _ASKED_BEFORE


def open_to_delivery(state: State) -> bool:
    """Whether an incoming case in this state may get a delivery: the first, another after a refusal, a correction.

    Whether an accepted case has had this record already is judged by the records database.
    """
    posted = State.IN_TRANSIT if state is State.SEALED else state
    return posted in (State.RECEIVED, State.ACCEPTED) or any(
        (posted, event) in TRANSITIONS for event in (Event.DELIVER, Event.REDELIVER, Event.REPLACE)
    )


def sent_back(state: State | None, about: About) -> Ruling:
    """A return; `state` of the outgoing case. It must name the delivery that stands."""
    if state is None:
        return _UNKNOWN
    if about != "delivery" or (state, Event.SEND_BACK) not in TRANSITIONS:
        return _NOT_RETURNABLE
    return Ruling("accepted", event=Event.SEND_BACK)


def withdrawal(state: State | None, about: About, *, outgoing: bool) -> Ruling:
    """A withdrawal: of the partner's letter (our outgoing case), of its delivery, or its word that it declines ours."""
    if state is State.WITHDRAWN or state is State.DECLINED:
        return _AGREED
    if outgoing:
        return _taken_back(state, about in ("letter", "unknown"))
    if about == "letter":
        return Ruling("accepted", event=Event.DECLINE) if (state, Event.DECLINE) in TRANSITIONS else _TOO_LATE
    if about == "unknown" and state in (None, State.IN_TRANSIT, State.AWAITED, State.WITHDRAWING):
        return _AGREED  # what it takes back has not come yet, and will be refused when it comes
    return _taken_back(state, about == "delivery")


def _taken_back(state: State | None, current: bool) -> Ruling:
    if state is None or (current and state is State.REJECTED):  # nothing was taken in
        return _AGREED
    if not current or (state, Event.TAKE_BACK) not in TRANSITIONS:
        return _TOO_LATE
    return Ruling("accepted", event=Event.TAKE_BACK)


def remark(state: State | None, about: About, *, answer: bool = False) -> Ruling:
    """A reminder, or a clarification; an answer to a return says that the sending office stands by its delivery."""
    if state is None:
        return _UNKNOWN
    stands = answer and about == "return" and state is State.RETURNED
    return Ruling("accepted", event=Event.UPHOLD) if stands else _AGREED


_DELIVERY_EVENTS: dict[Outcome, Event] = {
    "accepted": Event.ACCEPT,
    "rejected": Event.REJECT,
    "on-hold": Event.PUT_ON_HOLD,
}


def of_delivery(state: State, outcome: Outcome, *, earlier: Outcome | None, late: bool, stands: bool) -> Effect:
    """The receipt for a delivery; `stands` unless another has taken its place.

    `earlier` is what a receipt for it said before, `late` that this one was written before that one.
    """
    event = _DELIVERY_EVENTS[outcome]
    if earlier in ("accepted", "rejected") and earlier != outcome:
        return Effect() if late and outcome == "on-hold" else Effect(code="C403")
    if earlier == outcome or not stands:
        return Effect()
    if state is State.WITHDRAWN:
        return Effect(code="C403") if outcome == "accepted" else Effect()
    if (state, event) in TRANSITIONS:
        return Effect(event)
    return Effect()  # returned meanwhile, or withdrawing: an answer that was overtaken


def of_letter(state: State, outcome: Outcome) -> Effect:
    """The receipt for this office's contact letter."""
    if outcome == "accepted":
        return Effect(Event.ACKNOWLEDGE) if state is State.IN_TRANSIT else Effect()
    if outcome == "on-hold":
        return Effect()
    if state is State.WITHDRAWN or state is State.DECLINED:
        return Effect()
    return Effect(Event.DECLINE) if state in (State.IN_TRANSIT, State.WITHDRAWING) else Effect(code="C403")


def of_return(state: State, outcome: Outcome) -> Effect:
    """The receipt for this office's return: refused, the delivery stands as it was."""
    return Effect(Event.UPHOLD) if outcome == "rejected" and state is State.RETURNED else Effect()


def of_withdrawal(state: State, outcome: Outcome, *, outgoing: bool) -> Effect:
    """The receipt for this office's withdrawal."""
    if outcome == "accepted":
        if state is State.ACCEPTED and outgoing:
            return Effect(code="C403")
        return Effect(Event.CONFIRM) if (state, Event.CONFIRM) in TRANSITIONS else Effect()
    if outcome == "rejected" and state is State.WITHDRAWING:
        return Effect(Event.TOO_LATE if outgoing else Event.ACKNOWLEDGE)
    return Effect()


def after(state: State, *events: Event | None) -> State:
    """The state after these events; None is no event."""
    for event in events:
        state = state if event is None else advance(state, event)
    return state
