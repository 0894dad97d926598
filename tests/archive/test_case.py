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

    @initialize(outgoing=st.booleans())
    def begin(self, outgoing: bool) -> None:
        """A case of one direction begins."""
        self.table = OUTGOING if outgoing else INCOMING
        self.state = State.OPEN if outgoing else State.RECEIVED
        self.past = [self.state]

    @rule(event=st.sampled_from(Event))
    def happen(self, event: Event) -> None:
        """One event of the case's own direction."""
        if event not in {known for _, known in self.table}:
            return
        if (self.state, event) not in self.table:
            with pytest.raises(UsageError, match="S411"):
                advance(self.state, event)
            return
        self.state = advance(self.state, event)
        self.past.append(self.state)

    @invariant()
    def stays_in_its_direction(self) -> None:
        """Outgoing cases never become received, incoming ones are nothing but received, accepted or rejected."""
        ends = {State.ACCEPTED, State.REJECTED}
        if self.table is INCOMING:
            assert self.state in {State.RECEIVED, *ends}
        else:
            assert self.state is not State.RECEIVED

    @invariant()
    def leaves_only_approved_and_sealed(self) -> None:
        """A case that left was approved, then sealed, at last."""
        if self.table is OUTGOING and State.IN_TRANSIT in self.past:
            left = self.past.index(State.IN_TRANSIT)
            assert self.past[left - 2 : left] == [State.APPROVED, State.SEALED]

    @invariant()
    def ends_once(self) -> None:
        """Nothing follows an outgoing case's end."""
        ends = {State.ACCEPTED, State.REJECTED, State.WITHDRAWN}
        if self.table is OUTGOING:
            assert not ends & set(self.past[:-1])


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
    assert not {event for _, event in OUTGOING} & {event for _, event in INCOMING}


def test_whatever_was_sealed_or_answered_must_have_its_original() -> None:
    """The states behind the sealing, and behind an answer, are those whose original is demanded."""
    behind: set[State] = {State.SEALED}
    while more := {after for (before, _), after in OUTGOING.items() if before in behind} - behind:
        behind |= more
    assert set(KEPT_OUTGOING) == behind
    assert set(KEPT_INCOMING) == {after for (before, _), after in INCOMING.items() if before is State.RECEIVED}


def test_diagram_has_every_transition() -> None:
    """The diagram is the table, no more and no less."""
    arrows = [line for line in diagram().splitlines() if "-->" in line and "[*]" not in line]
    assert len(arrows) == len(TRANSITIONS)
