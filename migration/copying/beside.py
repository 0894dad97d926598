"""Loading beside the freezing, in a process of its own: the two would wait for each other's Python in one.

The process (`early`) reads the manifest as it grows; here it is only told that there is more, so a target that is slow
or refuses something never holds the freezing up. What it could not do is done, or refused, by `copy` afterwards.
"""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from typing import Final, Self

from migration.copying.early import CHUNK, END, Order

_PROGRAM: Final = "migration.copying.early"
_PATIENCE: Final = 60  # seconds for the chunk that is being loaded when all is over


class Beside:
    """A process that loads chunks as they become safe; a context manager, behind which it has ended."""

    def __init__(self, order: Order, lock: int, told: Callable[[int], object]) -> None:
        """`lock` is the open handle of the folder's lock; `told` gets the rows of each chunk that is in the target."""
        self._told = told
        self._line, theirs = Pipe()
        with theirs:
            # Nothing goes to the terminal: what a server says of an error may quote a row.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", _PROGRAM, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), lock),
            )
        with suppress(OSError):  # it may have ended already: then `copy` does all of it
            self._line.send(order)

    def chunk(self) -> None:
        """Say that one more chunk is safe, and hear what was loaded meanwhile."""
        with suppress(OSError, EOFError):
            self._line.send_bytes(CHUNK)
            while self._line.poll():
                self._told(self._line.recv())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Let it bring the chunk to its end that it is loading; one that doesn't end is killed, and loses only that."""
        with self._line, suppress(OSError, EOFError):
            self._line.send_bytes(END)
            while self._line.poll(_PATIENCE):
                self._told(self._line.recv())
        self._process.kill()
        self._process.wait()
