"""Reading ahead: a thread makes the next items while the caller works on this one.

Decompressing, hashing and the target's network all leave Python's lock alone, so that both run at once on two cores.
"""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")

_PATIENCE: Final = 0.2  # seconds until a waiting thread looks whether anybody still wants its items


@dataclass(frozen=True, slots=True)
class _End:
    """What ends the items: nothing more, or an error that the caller shall have."""

    error: BaseException | None = None


@contextmanager
def ahead(items: Iterator[T], depth: int) -> Iterator[Iterator[T]]:
    """The same items, up to `depth` of them made ahead in a thread, which has ended when the block is left.

    An error in making them is raised where the item would have come.
    """
    made: queue.Queue[T | _End] = queue.Queue(depth)
    unwanted = threading.Event()
    thread = threading.Thread(target=_make, args=(items, made, unwanted), name="read-ahead", daemon=True)
    thread.start()
    try:
        yield _taken(made)
    finally:
        unwanted.set()
        thread.join()


def _make(items: Iterator[T], made: "queue.Queue[T | _End]", unwanted: threading.Event) -> None:
    end = _End()
    try:
        for item in items:
            if not _put(item, made, unwanted):
                return
    except BaseException as error:  # noqa: BLE001 - it is raised again where the caller takes the item
        end = _End(error)
    _put(end, made, unwanted)


def _put(item: T | _End, made: "queue.Queue[T | _End]", unwanted: threading.Event) -> bool:
    """Wait for room and put the item there; False when nobody wants it any more."""
    while not unwanted.is_set():
        try:
            made.put(item, timeout=_PATIENCE)
        except queue.Full:
            continue
        return True
    return False


def _taken(made: "queue.Queue[T | _End]") -> Iterator[T]:
    while True:
        item = made.get()
        if not isinstance(item, _End):
            yield item
        elif item.error is None:
            return
        else:
            raise item.error
