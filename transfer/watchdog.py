"""A watchdog over a connection: when nothing moves for too long, the connection is cut.

It is the last resort behind the timeouts of the parts. paramiko needs it: a thread that waits inside a socket write or
for the answer to a channel request has no timeout of its own and would wait for ever on a server that hangs.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self


class Watchdog:
    """Calls `cut` from its own thread when, inside `with watchdog:`, `moved()` is not called for `seconds`.

    Outside the `with` block it sleeps: an idle connection may stay idle. `with watchdog.paused():` inside the block is
    for time that is not the connection's. It cuts at most once.
    """

    def __init__(self, seconds: float, cut: Callable[[], None]) -> None:
        """Start the thread; `close()` ends it."""
        self._seconds = seconds
        self._cut = cut
        self._deadline: float | None = None
        self._closed = False
        self._asleep = False
        self._condition = threading.Condition()
        threading.Thread(target=self._watch, name="jiexu-watchdog", daemon=True).start()

    def moved(self) -> None:
        """Something moved: wait for the whole time again. Cheap; the thread looks only at the old deadline."""
        self._deadline = time.monotonic() + self._seconds

    def close(self) -> None:
        """End the thread."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count the time of this block; afterwards wait for the whole time again."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        with self._condition:
            self.moved()
            if self._asleep:
                # A thread that waits for an earlier deadline need not be woken: it will see the new one then.
                self._condition.notify()

    def _stop(self) -> None:
        with self._condition:
            self._deadline = None

    def _watch(self) -> None:
        with self._condition:
            while not self._closed:
                deadline = self._deadline
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    break
                self._asleep = deadline is None
                self._condition.wait(left)
            else:
                return
        self._cut()
