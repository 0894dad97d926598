"""Reading ahead in a thread, and work in several processes."""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from formats.errors import IntegrityError, ServiceError
from migration.ahead import ahead
from migration.copying.crew import in_order
from migration.copying.progress import Advance, Pace
from tests.parts import ROOT


def test_items_come_in_order_and_an_error_in_its_place() -> None:
    """The items are those of the iterator; its error is raised where the next item would have come."""

    def items() -> Iterator[int]:
        yield from range(5)
        raise IntegrityError("D652", "chunk 6")

    found: list[int] = []
    with ahead(items(), 2) as coming, pytest.raises(IntegrityError):
        found.extend(itertools.chain.from_iterable([item] for item in coming))
    assert found == [0, 1, 2, 3, 4]


def test_no_more_than_so_many_are_made_ahead() -> None:
    """A reader that stops leaves no thread behind, and only a few items were made for it."""
    made = []

    def items() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    with ahead(items(), 3) as coming:
        assert next(coming) == 0
        time.sleep(0.1)
    assert len(made) <= 6
    assert "read-ahead" not in {thread.name for thread in threading.enumerate()}


def double(number: int) -> int:
    """Work; 13 brings bad luck, and 99 the end of the process."""
    if number == 13:
        raise IntegrityError("D642", "table 13")
    if number == 99:
        os._exit(1)
    return number * 2


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_jobs(workers: int) -> None:
    """Results are in order whoever is faster; an error of the work is raised."""
    assert list(in_order(double, range(12), workers)) == [n * 2 for n in range(12)]
    with pytest.raises(IntegrityError) as refusal:
        list(in_order(double, range(20), workers))
    assert (refusal.value.code, refusal.value.detail) == ("D642", "table 13")


def test_a_process_that_dies_is_an_error() -> None:
    """A worker that ends without a word is S419, not a wait for ever."""
    with pytest.raises(ServiceError) as refusal:
        list(in_order(double, [1, 99, 2], 2))
    assert refusal.value.code == "S419"


def test_workers_end_with_a_parent_that_was_killed() -> None:
    """Kill -9 of the process that started them: its workers end by themselves."""
    command = [sys.executable, "-m", "tests.migration.copying.sleeper"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        worker = int(process.stdout.readline())
        process.kill()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and alive(worker):
        time.sleep(0.05)
    assert not alive(worker)


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_speed_counts_what_this_run_did() -> None:
    """Rows found from an earlier run count as done, not as speed; the time left follows from the speed."""
    seen: list[Advance] = []
    clock = iter([0.0, 1.0, 2.0, 4.0])
    pace = Pace(seen.append, 100, lambda: next(clock))
    pace.found("a", 40)
    pace.done("a", 10)
    pace.done("b", 30)
    assert seen == [
        Advance("a", 40, 100, 0.0, None),
        Advance("a", 50, 100, 5.0, 10.0),
        Advance("b", 80, 100, 10.0, 2.0),
    ]
