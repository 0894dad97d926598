"""The process that loads what is frozen already: `python -m migration.copying.early HANDLE`, started by `beside`.

It is only ahead of `copy`, which afterwards holds every line of the target's ledger against the finished freeze: so
whatever stops it here may stop it, and nothing that it says is taken for true. It ends at once when the process that
started it is gone, and holds the lock of the migration's folder as long as it lives.
"""

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from migration import plan_file
from migration.copying import own, steps
from migration.copying.loading import CopyJob, Held, Loaded, load, plain
from migration.copying.steps import Journal
from migration.engine import Target
from migration.freeze import Chunk, manifest
from migration.plan import Plan

CHUNK: Final = b"chunk"  # one more is safe
END: Final = b"end"  # no more after the one that is being loaded


@dataclass(frozen=True, slots=True)
class Order:
    """What to load and where: the plan's file, the folders of the freeze and of the migration, the run, its time."""

    target: Target
    plan: Path
    freeze: Path
    folder: Path
    run: str
    at: datetime


class Signals:
    """What the process that freezes says, heard in a thread."""

    def __init__(self, line: Connection) -> None:
        self._line, self._news = line, threading.Event()
        self.over = False
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def wait(self) -> bool:
        """Wait until there is more to load; False when no more shall be loaded."""
        self._news.wait()
        self._news.clear()
        return not self.over

    def _listen(self) -> None:
        while True:
            try:
                word = self._line.recv_bytes()
            except (EOFError, OSError):
                os._exit(1)  # it was killed: the next one will do the same work, and needs the folder's lock
            self.over = word == END
            self._news.set()


def load_early(order: Order, signals: Signals) -> Iterator[Loaded]:
    """Make the plan's tables once the first chunk is safe, and load every chunk as it becomes so.

    Raises as `copy.copy`.
    """
    if not signals.wait():
        return
    plan, journal = plan_file.decode(order.plan.read_bytes()), Journal(order.folder)
    own.begin(plan, order.target, journal, order.run, order.at)
    steps.take(order.target, plan, steps.BEFORE, journal)
    held = own.held(plan, order.target, order.run)
    job = CopyJob(order.target, order.freeze, plan, {}, order.run)
    yield from load(job, _wanted(arriving(order.freeze / manifest.FILE, signals), plan, held), held)


def arriving(file: Path, signals: Signals) -> Iterator[Chunk]:
    """The chunks of a growing manifest, each once its line is whole."""
    read, going = 0, True
    while going:
        with file.open("rb") as lines:
            if lines.seek(0, os.SEEK_END) < read:
                read = 0  # the freeze was begun anew, or a table of it
            lines.seek(read)
            for line in lines:
                if signals.over or not line.endswith(b"\n"):
                    break
                read += len(line)
                yield manifest.decode(line)
        going = signals.wait()


def _wanted(chunks: Iterator[Chunk], plan: Plan, held: Held) -> Iterator[Chunk]:
    """Those of the plan's tables, but for tables that hold another chunk than the freeze: `own.settle` empties them."""
    wanted = {table.number for table in plan.tables}
    for chunk in chunks:
        if held.get(chunk.place, plain(chunk)) != plain(chunk):
            wanted.discard(chunk.table)
        if chunk.table in wanted:
            yield chunk


def main(handle: int) -> None:
    """Do what comes over this handle, and tell the rows of each chunk that is in the target."""
    with Connection(handle) as line:
        order: Order = line.recv()
        for loaded in load_early(order, Signals(line)):
            line.send(loaded.copied.rows)


if __name__ == "__main__":
    main(int(sys.argv[1]))
    os._exit(0)  # a thread still hears the line and keeps it open: who waits for its end would wait for Python's too
