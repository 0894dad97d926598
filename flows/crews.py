"""Crews: who works on the groups of chunks of a migration.

Run directly, groups are done by processes. Run by Prefect, each group is a task of its own, whose work is done by the
same processes: so a group that fails is seen, and tried again where that helps.
"""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextvars import copy_context
from itertools import count
from typing import TypeVar

from flows.steps import Run, at_once
from formats.errors import ServiceError
from migration.copying.crew import Crew

J = TypeVar("J")
R = TypeVar("R")


def of(run: Run, name: str) -> Crew | None:
    """The crew for groups called `name`: none when nobody watches, else tasks of `run` with processes behind them."""
    if run is at_once:
        return None

    def in_tasks(work: Callable[[J], R], jobs: Iterable[J], workers: int) -> Iterator[R]:
        """See `migration.copying.crew.Crew`."""
        numbers = count(1)
        with (
            ProcessPoolExecutor(max(workers, 1), multiprocessing.get_context("spawn")) as processes,
            ThreadPoolExecutor(max(workers, 1)) as threads,
        ):

            def submit(job: J) -> Future[R]:
                """Start a task for this job in a thread that knows which flow run it is of."""
                label = f"{name} {next(numbers)}"
                return threads.submit(copy_context().run, run, label, lambda: _done(processes, work, job))

            yield from _in_order(submit, jobs, max(workers, 1))

    return in_tasks


def _done(processes: Executor, work: Callable[[J], R], job: J) -> R:
    try:
        return processes.submit(work, job).result()
    except BrokenProcessPool:
        raise ServiceError("S419") from None


def _in_order(submit: Callable[[J], Future[R]], jobs: Iterable[J], workers: int) -> Iterator[R]:
    """Results in the order of the jobs; no more than twice as many are begun as there are workers."""
    running: deque[Future[R]] = deque()
    try:
        for job in jobs:
            running.append(submit(job))
            if len(running) >= 2 * workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()
