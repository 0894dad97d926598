"""Ranges of one state read by several processes at once, each through a snapshot of its own that shares the state."""

import os
import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, forkserver, get_context, parent_process, util
from pathlib import Path
from typing import Final, Self

from formats.errors import ServiceError
from migration.engine import Snapshot, Source
from migration.freeze import making
from migration.freeze.beginning import WORK
from migration.freeze.making import Chunks, Made, Range

_snapshots: Final[list[Snapshot]] = []  # a worker process has one


class Readers:
    """Makes the chunks of ranges, in this process alone or in several; a context manager."""

    def __init__(self, source: Source, snapshot: Snapshot, folder: Path, workers: int) -> None:
        self._source, self._snapshot, self._workers = source, snapshot, workers
        self._places = folder, folder / WORK
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1 and snapshot.shared:
            context = get_context("forkserver")
            context.set_forkserver_preload([__name__, type(source).__module__])
            forkserver.ensure_running()  # it imports them while the ranges are still being found
            self._pool = ProcessPoolExecutor(workers, context, _begin)

    def make(self, ranges: Iterable[Range]) -> Chunks:
        """The chunks of these ranges, in order. Raises as `making.of_range`, ServiceError S419."""
        if self._pool is None:
            yield from making.in_turn(
                step for wanted in ranges for step in making.of_range(self._snapshot, wanted, *self._places)
            )
            return
        shared, waiting = self._snapshot.shared, deque[Future[Made]]()
        try:
            for wanted in ranges:
                waiting.append(self._pool.submit(_make, self._source, shared, wanted, *self._places))
                if len(waiting) > 2 * self._workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise ServiceError("S419") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _begin() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Nobody takes what is made once the parent was killed, and the next run works in the same folder."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _make(source: Source, shared: str, wanted: Range, folder: Path, work: Path) -> Made:
    if not _snapshots:  # here and not in `_begin`, so that an error reaches who waits for the chunk
        _snapshots.append(source.snapshot(shared))
        util.Finalize(None, _snapshots[0].close, exitpriority=0)
    (made,) = making.in_turn(making.of_range(_snapshots[0], wanted, folder, work))
    return made
