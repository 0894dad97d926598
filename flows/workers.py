"""Workers: the same act of a pass in several processes at once, each an office at work of its own.

Nothing is handed out: every worker claims its own batches from the ledger, as a second pass on another machine would.
A task of Prefect that needs two cores starts its workers here, since a process pool inside one task costs far less
than a task a process.
"""

import multiprocessing
import threading
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, Protocol, TypeVar

from flows.sealing import seal
from flows.settling import settle
from flows.steps import Steps
from flows.wiring import Office, spare_the_collector
from formats.errors import ServiceError


class Countable(Protocol):
    """A report that says how many cases were worked on."""

    @property
    def done(self) -> int:
        """How many."""


R = TypeVar("R", bound=Countable)

_office: list[Office] = []


def seal_batch(office: Office, cases: Collection[str] | None) -> Any:
    """One batch of sealing."""
    return seal(office, office.settings.work.batch, cases)


def settle_batch(office: Office, cases: Collection[str] | None) -> Any:  # noqa: ARG001 - packages are not chosen
    """One batch of settling."""
    return settle(office, office.settings.work.batch)


def side_by_side(
    home: Path,
    batch: Callable[[Office, Collection[str] | None], R],
    workers: int,
    cases: Collection[str] | None,
    steps: Steps,
) -> list[R]:
    """The reports of `batch`, run again and again in `workers` processes until each finds nothing more to do.

    Raises ServiceError: S419 when a process ends unexpectedly, else whatever stopped a batch.
    """
    reports: list[R] = []
    try:
        with ProcessPoolExecutor(workers, _context(), initializer=_open, initargs=(home,)) as pool:
            running: set[Future[R]] = {pool.submit(_run, batch, cases) for _ in range(workers)}
            while running:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    report = future.result()
                    if report.done:
                        reports.append(report)
                        steps("batch", report.done)
                        running.add(pool.submit(_run, batch, cases))
    except BrokenProcessPool:
        raise ServiceError("S419") from None
    return reports


def _context() -> BaseContext:
    """How processes are started: forked while there is one thread, at once and with the key unlocked; else apart.

    A fork copies locks that other threads hold and nobody will ever release.
    """
    if threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _open(home: Path) -> None:
    _office[:] = [Office.at(home)]
    spare_the_collector()


def _run(batch: Callable[[Office, Collection[str] | None], R], cases: Collection[str] | None) -> R:
    return batch(_office[0], cases)
