"""Longer trials, run by `make soak`: kill -9 at random instants, not at chosen steps."""

import multiprocessing
import random
import signal
from pathlib import Path

import pytest

from flows.wiring import Office
from tests.flows.test_crash import PASSES, assert_ended_once
from tests.office import Pair, exchange, fill, found_pair, open_approved, some_people

PEOPLE = 60
KILLS = 200
LONGEST = 1.2  # seconds; a pass over all the people takes about as long


def _pass(home: Path, name: str) -> None:
    with Office.at(home) as office:
        PASSES[name][1](office, lambda _name, _count: None)


def _killed_after(pair: Pair, name: str, seconds: float) -> bool:
    """Run a pass and kill it after so long; whether it was still running."""
    home = pair.sender if PASSES[name][0] == "sender" else pair.receiver
    child = multiprocessing.get_context("fork").Process(target=_pass, args=(home, name))
    child.start()
    child.join(seconds)
    child.kill()
    child.join()
    return child.exitcode == -signal.SIGKILL


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(3))
def test_kills_at_random_instants_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    """After 200 kills of random passes at random instants, one exchange ends every case once, with its original."""
    chance = random.Random(seed)
    pair = found_pair(tmp_path)
    people = some_people(PEOPLE, seed)
    fill(pair.sender, people)
    numbers = open_approved(pair, [number for number, _ in people])

    killed = sum(_killed_after(pair, chance.choice(list(PASSES)), LONGEST * chance.random() ** 2) for _ in range(KILLS))
    exchange(pair)

    assert killed > KILLS // 10
    assert_ended_once(pair, numbers)
