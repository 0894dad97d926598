"""Several processes at one kind of work: jobs handed out in order, results given back in order.

A process that was started ends by itself when the one that started it is gone, also when that one was killed.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import Protocol, TypeVar

from formats.errors import ServiceError

J = TypeVar("J")
R = TypeVar("R")


class Crew(Protocol):
    """Whoever does jobs: `in_order` here, or whatever else a flow has its groups of chunks done by."""

    def __call__(self, work: Callable[[J], R], jobs: Iterable[J], workers: int, /) -> Iterator[R]:
        """What `work` makes of each job, in order, with at most `workers` at a time. Raises as `in_order`."""


def in_order(work: Callable[[J], R], jobs: Iterable[J], workers: int) -> Iterator[R]:
    """What `work` makes of each job, in order: here, or in `workers` processes when there are more than one.

    Work, jobs and results cross processes. Raises what the work raises; ServiceError S419 when a process dies.
    """
    if workers <= 1:
        yield from map(work, jobs)
        return
    coming = iter(jobs)
    first = list(islice(coming, 2))
    if len(first) < 2:  # one job alone isn't worth a process
        yield from map(work, first)
        return
    coming = chain(first, coming)
    # Each is forked from a process that has imported what they need, instead of importing it by itself.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work.__module__])
    with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as pool:
        # Twice as many as there are workers: none waits, and no more results than that are held.
        running: deque[Future[R]] = deque(pool.submit(work, job) for job in islice(coming, workers * 2))
        try:
            while running:
                result = running.popleft().result()
                running.extend(pool.submit(work, job) for job in islice(coming, 1))
                yield result
        except BrokenProcessPool:
            raise ServiceError("S419") from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
