"""The transition table of cases."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from archive.case import (
    INCOMING,
    KEPT_INCOMING,
    KEPT_OUTGOING,
    OUTGOING,
    TRANSITIONS,
    Event,
    State,
    Transitions,
    advance,
    diagram,
)
from formats.errors import UsageError


class CaseLife(RuleBasedStateMachine):
    """Any sequence of events: those of the table move the case, all others are refused and change nothing."""

    table: Transitions
    state: State

    @initialize(outgoing=st.booleans(), asked=st.booleans())
    def begin(self, outgoing: bool, asked: bool) -> None:
        """A case begins: one that is opened here, or one that a partner's delivery brings."""
        self.table = OUTGOING if outgoing else INCOMING
        self.state = State.OPEN if outgoing or asked else State.RECEIVED
        self.past: list[tuple[State, Event | None]] = [(self.state, None)]

    @rule(event=st.sampled_from(Event))
    def happen(self, event: Event) -> None:
        """One event of the case's own direction."""
        if event not in {known for _, known in self.table}:
            return
        if (self.state, event) not in self.table:
            if (self.state, event) not in TRANSITIONS:
                with pytest.raises(UsageError, match="S411"):
                    advance(self.state, event)
            return
        self.state = advance(self.state, event)
        self.past.append((self.state, event))

    @invariant()
    def stays_in_its_direction(self) -> None:
        """What only the receiving office can be, an outgoing case never is; and the other way round."""
        foreign = {State.AWAITED, State.DECLINED, State.RECEIVED} if self.table is OUTGOING else {State.ON_HOLD}
        assert self.state not in foreign

    @invariant()
    def leaves_only_approved_and_sealed(self) -> None:
        """What left was approved, then sealed, at last; after every reopening anew."""
        states = [state for state, _ in self.past]
        for place, (_, event) in enumerate(self.past):
            if event is Event.POST:
                assert states[place - 2 : place] == [State.APPROVED, State.SEALED]

    @invariant()
    def is_taken_in_once(self) -> None:
        """A record is taken in at most once; after that it is only replaced."""
        assert [event for _, event in self.past].count(Event.TAKE_IN) <= 1

    @invariant()
    def the_end_is_the_end(self) -> None:
        """A case that was withdrawn or declined stays so."""
        assert not {State.WITHDRAWN, State.DECLINED} & {state for state, _ in self.past[:-1]}


TestCaseLife = CaseLife.TestCase
TestCaseLife.settings = settings(max_examples=150, stateful_step_count=20, deadline=None)


def test_unknown_transitions_are_refused_by_code() -> None:
    """Every pair that is not in the table is S411, and nothing else is."""
    for state in State:
        for event in Event:
            if (state, event) in TRANSITIONS:
                assert advance(state, event) in State
            else:
                with pytest.raises(UsageError, match="S411"):
                    advance(state, event)


def test_every_state_and_event_is_used() -> None:
    """No state is out of reach, no event without effect."""
    reached = {State.OPEN, State.RECEIVED} | set(TRANSITIONS.values())
    assert set(State) == reached
    assert set(Event) == {event for _, event in TRANSITIONS}
    assert all(OUTGOING[both] is INCOMING[both] for both in OUTGOING.keys() & INCOMING.keys())


def test_whatever_was_sealed_or_answered_must_have_its_original() -> None:
    """The states behind the sealing, and behind an answer, are those whose original is demanded.

    A case that was opened again is at its beginning, and one that was withdrawn may have come to an end before.
    """
    ends = {State.OPEN, State.WITHDRAWN}
    assert set(KEPT_OUTGOING) == _behind({State.SEALED}, OUTGOING, ends)
    assert set(KEPT_INCOMING) == _behind({State.ACCEPTED, State.REJECTED}, INCOMING, {State.RECEIVED, State.WITHDRAWN})


def _behind(begin: set[State], table: Transitions, ends: set[State]) -> set[State]:
    behind = set(begin)
    while more := {after for (before, _), after in table.items() if before in behind} - behind - ends:
        behind |= more
    return behind


def test_diagram_has_every_transition() -> None:
    """The diagram is the table, no more and no less."""
    arrows = [line for line in diagram().splitlines() if "-->" in line and "[*]" not in line]
    assert len(arrows) == len(OUTGOING) + len(INCOMING)
