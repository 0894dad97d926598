"""Kill -9 at every step of a case's life: run again, and each case ends once, with its original (guarantees 1 to 3)."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from archive import cases
from flows import passes, upkeeping
from flows.maintaining import audited
from flows.steps import Steps, quiet
from flows.times import now
from flows.wiring import Office
from tests.office import Pair, configure, copied, exchange, fill, found_pair, open_approved, some_people, states

PEOPLE = 3

PassReport = passes.SendReport | passes.ReceiveReport | passes.AcknowledgeReport | upkeeping.UpkeepReport
Act = Callable[[Office, Steps], PassReport]


def upkeep_later(office: Office, steps: Steps) -> upkeeping.UpkeepReport:
    """An upkeep pass two days from now, when the open segment has come of age."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(upkeeping, "now", lambda: now() + timedelta(days=2))
        return upkeeping.upkeep(office, steps=steps)


PASSES: dict[str, tuple[str, Act]] = {
    "send": ("sender", lambda office, steps: passes.send(office, steps=steps)),
    "receive": ("receiver", lambda office, steps: passes.receive(office, steps=steps)),
    "acknowledge": ("receiver", lambda office, steps: passes.acknowledge(office, steps=steps)),
    "receipts": ("sender", lambda office, steps: passes.receive(office, steps=steps)),
    "upkeep": ("sender", upkeep_later),
}

LIFE = {
    "send": ("claimed", "checked", "kept", "recorded", "uploaded", "posted"),
    "receive": (
        "listed",
        "fetched",
        "arrived",
        "removed",
        "claimed",
        "opened",
        "prepared",
        "kept",
        "receipts",
        "taken in",
        "answered",
        "settled",
    ),
    "acknowledge": ("uploaded", "posted"),
    "receipts": ("listed", "fetched", "arrived", "removed", "claimed", "opened", "closed", "settled"),
    "upkeep": ("recovered", "sealed", "audited", "copied", "backed up"),
}

STEPS = [(name, step) for name, steps in LIFE.items() for step in steps]


def _run_and_die(home: Path, act: Act, step: str) -> None:
    """Run a pass in this process and kill it, without any farewell, when it reaches the step."""

    def listener(name: str, _count: int) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    with Office.at(home) as office:
        act(office, listener)


def killed_at(pair: Pair, name: str, step: str) -> bool:
    """Run a pass of the life in a process that kills itself at the step; whether it came to it."""
    side, act = PASSES[name]
    home = pair.sender if side == "sender" else pair.receiver
    child = multiprocessing.get_context("fork").Process(target=_run_and_die, args=(home, act, step))
    child.start()
    child.join()
    return child.exitcode == -signal.SIGKILL


def run_pass(pair: Pair, name: str) -> None:
    """Run a pass of the life to its end."""
    side, act = PASSES[name]
    with Office.at(pair.sender if side == "sender" else pair.receiver) as office:
        act(office, quiet)


def assert_ended_once(pair: Pair, numbers: Sequence[str]) -> None:
    """Every case is accepted at both ends and has one original; every person is at the receiver once; archives hold."""
    assert states(pair.sender) == dict.fromkeys(numbers, "accepted")
    assert states(pair.receiver) == dict.fromkeys(numbers, "accepted")
    with Office.at(pair.receiver) as receiver, Office.at(pair.sender) as sender:
        assert len(receiver.records.persons()) == len(numbers)
        for office in (sender, receiver):
            assert audited(office, now()).problems == ()
        kept = [row.case for row in cases.originals(sender.ledger, None) if row.kind == "delivery-sent"]
        assert sorted(kept) == sorted(numbers)


def backed_up(pair: Pair) -> Pair:
    """The same offices; the sender has a place for its scheduled backup."""
    elsewhere = pair.sender.parent / "elsewhere"
    elsewhere.mkdir()
    configure(pair.sender, backup=str(elsewhere))
    return pair


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each pass, a folder with two offices in which it is this pass's turn."""
    folder = tmp_path_factory.mktemp("life")
    pair = backed_up(found_pair(folder / "send"))
    people = some_people(PEOPLE)
    fill(pair.sender, people)
    open_approved(pair, [number for number, _ in people])
    places = {"send": folder / "send"}
    for earlier, later in pairwise(LIFE):
        places[later] = folder / later
        run_pass(copied(places[earlier], places[later]), earlier)
    return places


@pytest.mark.parametrize(("name", "step"), STEPS, ids=[f"{name}-{step}" for name, step in STEPS])
def test_a_process_killed_at_any_step_loses_and_doubles_nothing(
    tmp_path: Path, stages: dict[str, Path], name: str, step: str
) -> None:
    """After kill -9 at this step and one more run of every pass, each case ended once, with its original.

    Then upkeep has nothing to complain of, and everything is in the backup.
    """
    pair = copied(stages[name], tmp_path)
    numbers = list(states(pair.sender))

    assert killed_at(pair, name, step), f"the pass {name} never came to the step {step}"
    exchange(pair)

    assert_ended_once(pair, numbers)
    with Office.at(pair.sender) as office:
        report = upkeep_later(office, quiet)
        assert (report.problems, report.failed) == ((), ())
        assert report.snapshot
