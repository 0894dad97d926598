"""Steps: what a pass tells whoever watches it, as it happens.

A pass calls `steps(name, count)` after each thing it has done with that many cases. A progress bar listens; so do the
tests that kill the process at every step of a case's life. Names and counts only: nothing of a case or a person.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")

Steps = Callable[[str, int], None]


class Run(Protocol):
    """How an act of a pass is run: at once, or as a task of Prefect."""

    def __call__(self, name: str, act: Callable[[], T], /) -> T:
        """Run `act` under this name and give its result."""


def quiet(_name: str, _count: int) -> None:
    """Nobody is watching."""


def at_once(_name: str, act: Callable[[], T], /) -> T:
    """Run the act here and now."""
    return act()


_listener: ContextVar[Steps] = ContextVar("listener", default=quiet)


def current() -> Steps:
    """The listener of this context: how a flow, whose parameters Prefect stores, finds the progress bar."""
    return _listener.get()


@contextmanager
def watched_by(steps: Steps) -> Iterator[None]:
    """Within this context, `current()` is this listener."""
    token = _listener.set(steps)
    try:
        yield
    finally:
        _listener.reset(token)
