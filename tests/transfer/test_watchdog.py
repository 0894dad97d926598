"""The watchdog over a connection."""

import threading
import time

from transfer.watchdog import Watchdog


def test_silence_is_cut() -> None:
    """Without a sign of life the cut comes after the time, once."""
    cut = threading.Event()
    with Watchdog(0.1, cut.set):
        started = time.monotonic()
        assert cut.wait(2)
        assert 0.05 < time.monotonic() - started < 1


def test_movement_puts_it_off() -> None:
    """As long as something moves nothing is cut."""
    cut = threading.Event()
    with Watchdog(0.3, cut.set) as watchdog:
        for _ in range(12):
            time.sleep(0.05)
            watchdog.moved()
        assert not cut.is_set()


def test_idleness_is_allowed() -> None:
    """Between two operations a connection may be silent, and the next one has its whole time."""
    cut = threading.Event()
    watchdog = Watchdog(0.2, cut.set)
    with watchdog:
        pass
    time.sleep(0.4)
    with watchdog:
        time.sleep(0.05)
    assert not cut.is_set()
    watchdog.close()


def test_pauses_do_not_count() -> None:
    """Time that is not the connection's is not counted, and afterwards silence is cut again."""
    cut = threading.Event()
    with Watchdog(0.1, cut.set) as watchdog:
        with watchdog.paused():
            time.sleep(0.3)
            assert not cut.is_set()
        assert cut.wait(2)


def test_closing_ends_the_thread() -> None:
    """A closed watchdog has no thread and cuts nothing."""
    cut = threading.Event()
    watchdog = Watchdog(0.05, cut.set)
    with watchdog:
        watchdog.close()
        time.sleep(0.2)
    assert not cut.is_set()
