"""Two offices talk about one case over a bad channel, and both come to the same end. Pure: no ledger, no packages."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from archive import dialogue
from archive.case import TRANSITIONS, Event, State, advance
from archive.dialogue import About, Effect, Ruling
from formats.messages import Outcome


class Sent(NamedTuple):
    """A message or a receipt in the channel. `answers` is what it is about, `corrects` an earlier delivery."""

    number: int
    kind: str  # a dialogue.Kind, or "receipt"
    answers: int = 0
    outcome: Outcome = "accepted"
    corrects: int = 0


@dataclass
class Side:
    """One office: where its case stands, what it sent and what came, by number."""

    outgoing: bool
    state: State | None = None
    sent: dict[int, Sent] = field(default_factory=dict)
    came: dict[int, Sent] = field(default_factory=dict)
    answers: dict[int, Sent] = field(default_factory=dict)  # the receipt for what came, to be sent again as it is
    receipts: dict[int, tuple[int, Outcome]] = field(default_factory=dict)  # for what was sent: number, outcome
    letter: int = 0
    delivery: int = 0  # that stands
    returned: int = 0
    taken_in: Counter[int] = field(default_factory=Counter)
    withdrawn: set[int] = field(default_factory=set)


class Talk:
    """Both offices and the channel between them. Messages stay in the channel: each may come any number of times."""

    def __init__(self) -> None:
        self.old, self.new = Side(outgoing=True), Side(outgoing=False)
        self.channel: list[tuple[Side, Sent]] = []  # to whom
        self.numbers = 0

    def post(self, side: Side, kind: str, **fields: int | str) -> Sent:
        """Put a message into the channel."""
        self.numbers += 1
        message = Sent(self.numbers, kind, **fields)  # type: ignore[arg-type]  # names of Sent's own fields
        side.sent[message.number] = message
        self.channel.append((self.other(side), message))
        return message

    def other(self, side: Side) -> Side:
        """The partner."""
        return self.new if side is self.old else self.old

    def act(self, what: str) -> None:
        """A person does something, where the case allows it."""
        self.act_at_the_old(what)
        self.act_at_the_new(what)

    def act_at_the_old(self, what: str) -> None:
        """A person at the sending office."""
        side = self.old
        match what:
            case "deliver unasked" if side.state is None and self.new.state is None:
                side.state = State.OPEN
            case "deliver" if side.state is State.OPEN:
                before, side.state = side.delivery, State.IN_TRANSIT
                side.delivery = self.post(side, "delivery", answers=side.letter, corrects=before).number
            case "correct" if side.state and (side.state, Event.REOPEN) in TRANSITIONS:
                side.state = advance(side.state, Event.REOPEN)
            case "uphold" if side.state is State.RETURNED:
                side.state = advance(side.state, Event.UPHOLD)
                self.post(side, "clarification", answers=side.returned)
            case "withdraw delivery" if side.state and (side.state, Event.RECALL) in TRANSITIONS:
                side.state = advance(side.state, Event.RECALL)
                self.post(side, "withdrawal", answers=side.delivery)
            case "decline" if side.state is State.OPEN and side.letter and not side.delivery:
                side.state = advance(side.state, Event.WITHDRAW)
                self.post(side, "withdrawal", answers=side.letter)

    def act_at_the_new(self, what: str) -> None:
        """A person at the receiving office."""
        side = self.new
        match what:
            case "ask" if side.state is None and self.old.state is None:  # else the number is the old office's
                side.state = State.IN_TRANSIT
                side.letter = self.post(side, "contact-letter").number
            case "return" if side.state is State.ACCEPTED:
                side.state = advance(side.state, Event.SEND_BACK)
                side.returned = self.post(side, "return", answers=side.delivery).number
            case "withdraw letter" if side.letter and side.state in (State.IN_TRANSIT, State.AWAITED):
                side.state = advance(side.state, Event.RECALL)
                self.post(side, "withdrawal", answers=side.letter)
            case "remind" if side.state is State.AWAITED:
                self.post(side, "reminder", answers=side.letter)

    def come(self, place: int, *, refuse: bool) -> None:
        """One message of the channel comes (once more)."""
        if self.channel:
            side, message = self.channel[place % len(self.channel)]
            self.receive(side, message, refuse=refuse)

    def receive(self, side: Side, message: Sent, *, refuse: bool) -> None:
        """What an office does with what comes: the same again gets the same receipt."""
        if message.kind == "receipt":
            self.close(side, message)
        elif message.number in side.answers:
            self.channel.append((self.other(side), side.answers[message.number]))
        else:
            side.came[message.number] = message
            ruling = self.rule(side, message, refuse)
            if ruling.event:
                assert side.state is not None
                side.state = advance(side.state, ruling.event)
            receipt = self.post(side, "receipt", answers=message.number, outcome=ruling.outcome)
            side.answers[message.number] = receipt

    def about(self, side: Side, number: int) -> About:
        """What a number is to this office."""
        message = side.sent.get(number) or side.came.get(number)
        if message is None:
            return "unknown"
        if message.kind == "contact-letter":
            return "letter"
        if message.kind == "delivery":
            return "delivery" if number == side.delivery else "earlier"
        return "return" if message.kind == "return" else "message"

    def rule(self, side: Side, message: Sent, refuse: bool) -> Ruling:
        """The answer to a message, by the rules that are tried here."""
        about = self.about(side, message.answers)
        match message.kind:
            case "contact-letter":
                ruling = dialogue.letter(side.state, message.number in side.withdrawn)
                if ruling.outcome == "accepted" and refuse:  # the person is not insured here
                    return Ruling("rejected", "L304")
                if ruling.outcome == "accepted":
                    side.state, side.letter = State.OPEN, message.number
                return ruling
            case "delivery":
                return self.take_in(side, message, refuse)
            case "return":
                side.returned = message.number
                return dialogue.sent_back(side.state, about)
            case "withdrawal":
                ruling = dialogue.withdrawal(side.state, about, outgoing=side.outgoing)
                if ruling.outcome == "accepted":
                    side.withdrawn.add(message.answers)
                return ruling
            case kind:
                return dialogue.remark(side.state, about, answer=kind == "clarification")

    def take_in(self, side: Side, message: Sent, refuse: bool) -> Ruling:
        """A delivery or a correction at the receiving office."""
        refuse = refuse or message.number in side.withdrawn
        if message.corrects and side.state in (State.ACCEPTED, State.RETURNED):
            if refuse:
                return Ruling("rejected", "R001")
            side.delivery, event = message.number, Event.REPLACE
        else:
            if side.state is None:
                side.state = State.RECEIVED
            elif (side.state, Event.DELIVER) in TRANSITIONS:
                side.state = advance(side.state, Event.DELIVER)
            elif side.state is State.REJECTED:
                side.state = advance(side.state, Event.REDELIVER)
            if side.state is not State.RECEIVED:
                return Ruling("rejected", "C415")
            side.delivery = message.number
            if refuse:
                return Ruling("rejected", "R001", Event.REFUSE)
            event = Event.TAKE_IN
        side.taken_in[message.number] += 1
        return Ruling("accepted", event=event)

    def close(self, side: Side, receipt: Sent) -> None:
        """A receipt for what this office sent."""
        sent, state = side.sent[receipt.answers], side.state
        assert state is not None
        before = side.receipts.get(sent.number)
        effect = self.effect(side, sent, receipt, state, before)
        assert not effect.code, f"{effect.code}: {sent.kind} {receipt.outcome} in {state}"
        if effect.event:
            side.state = advance(state, effect.event)
        side.receipts[sent.number] = (receipt.number, receipt.outcome)

    def effect(self, side: Side, sent: Sent, receipt: Sent, state: State, before: tuple[int, Outcome] | None) -> Effect:
        """What the receipt does, by the rules that are tried here."""
        match sent.kind:
            case "delivery":
                earlier, stands = before[1] if before else None, sent.number == side.delivery
                return dialogue.of_delivery(state, receipt.outcome, earlier=earlier, late=False, stands=stands)
            case "contact-letter":
                return dialogue.of_letter(state, receipt.outcome)
            case "return":
                return dialogue.of_return(state, receipt.outcome)
            case "withdrawal":
                return dialogue.of_withdrawal(state, receipt.outcome, outgoing=side.outgoing)
            case _:
                return Effect()

    def settle(self) -> None:
        """Everything in the channel comes, in the order in which it was sent, until nothing new is said."""
        seen = 0
        while seen < len(self.channel):
            side, message = self.channel[seen]
            seen += 1
            if message.kind == "receipt" or message.number not in side.answers:
                self.receive(side, message, refuse=False)


ACTS = (
    "ask",
    "deliver unasked",
    "deliver",
    "deliver",
    "correct",
    "uphold",
    "return",
    "withdraw delivery",
    "withdraw letter",
    "decline",
    "remind",
)
comings = st.tuples(st.integers(0, 50), st.sampled_from([False, False, True]))
steps = st.one_of(st.sampled_from(ACTS), comings, comings)

# The ends at which the two sides may stand once everything has come: outgoing, incoming.
AGREED: set[tuple[State | None, State | None]] = {
    (None, None),
    (None, State.IN_TRANSIT),  # nothing was answered: cannot be, once everything has come
    (None, State.DECLINED),
    (None, State.WITHDRAWN),
    (State.OPEN, None),
    (State.OPEN, State.AWAITED),
    (State.OPEN, State.ACCEPTED),  # being corrected
    (State.OPEN, State.RETURNED),
    (State.OPEN, State.REJECTED),
    (State.ACCEPTED, State.ACCEPTED),
    (State.REJECTED, State.REJECTED),
    (State.REJECTED, State.ACCEPTED),  # a correction was refused, what it corrects stands
    (State.REJECTED, State.RETURNED),
    (State.RETURNED, State.RETURNED),
    (State.WITHDRAWN, State.WITHDRAWN),
    (State.WITHDRAWN, State.DECLINED),
    (State.WITHDRAWN, State.REJECTED),  # refused, and taken back meanwhile
    (State.WITHDRAWN, None),
    (State.WITHDRAWN, State.AWAITED),  # the delivery was taken back before it came; the letter stands
    (State.WITHDRAWN, State.ACCEPTED),  # a correction was taken back, what it corrects stands
    (State.WITHDRAWN, State.RETURNED),
}
AGREED.remove((None, State.IN_TRANSIT))


@settings(max_examples=600, deadline=None)
@given(st.lists(steps, max_size=40))
def test_both_come_to_the_same_end(walk: list[str | tuple[int, bool]]) -> None:
    """Whatever is said in whatever order, and however often it comes: nothing is taken in twice, no end contradicts."""
    talk = Talk()
    for step in walk:
        if isinstance(step, str):
            talk.act(step)
        else:
            talk.come(step[0], refuse=step[1])
    talk.settle()
    assert (talk.old.state, talk.new.state) in AGREED
    assert all(times == 1 for times in talk.new.taken_in.values())
    if talk.new.state is State.WITHDRAWN and talk.old.state is State.WITHDRAWN and not talk.old.receipts:
        assert not talk.new.taken_in
