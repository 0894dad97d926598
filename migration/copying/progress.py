"""How far a long phase is: rows done and in all, how fast, how long it will still take."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advance:
    """Where a phase stands: the table it was at last, rows done and in all, rows a second, seconds left.

    Speed counts what this run did, not what was there before it; `left` is None as long as nothing can be said.
    """

    table: str
    rows: int
    of: int
    per_second: float
    left: float | None


Progress = Callable[[Advance], None]


def silent(_: Advance) -> None:
    """Tell nobody."""


class Pace:
    """Counts rows and tells `progress` of it."""

    def __init__(self, progress: Progress, of: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`of` rows in all; `clock` gives seconds."""
        self._progress, self._of, self._clock = progress, of, clock
        self._began = clock()
        self._done = self._found = 0

    def found(self, table: str, rows: int) -> None:
        """Rows that were done by an earlier run."""
        self._found += rows
        self._tell(table)

    def done(self, table: str, rows: int) -> None:
        """Rows that were done now."""
        self._done += rows
        self._tell(table)

    def _tell(self, table: str) -> None:
        seconds = self._clock() - self._began
        speed = self._done / seconds if seconds > 0 else 0.0
        rows = self._done + self._found
        self._progress(Advance(table, rows, self._of, speed, (self._of - rows) / speed if speed else None))
