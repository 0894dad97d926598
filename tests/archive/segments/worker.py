"""Processes that keep originals and change keys, to be raced and killed by tests: `python -m ... worker URL FOLDER MODE`.

It waits for a line on its standard input; for each it forks a child that does what the line says and prints what was
acknowledged. All is imported by then, so a child begins at once.
"""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from archive.ledger import Ledger
from archive.segments.rekey import rekey
from tests.archive.segments.looking import items
from tests.archive.stores import WRAP, store_in
from tests.archive.wraps import MemoryWrap

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SEGMENT = 20_000


def wrap_of(round_number: int) -> MemoryWrap:
    """The wrap of a round of changes of key: it opens what that of the round before wrapped."""
    if round_number == 0:
        return WRAP
    return MemoryWrap(bytes((round_number,)) * 32, (wrap_of(round_number - 1).secret,))


def say(text: str) -> None:
    """One write, so that lines of several children do not mix."""
    os.write(1, f"{text}\n".encode())


def keep(url: str, folder: Path, first: int, count: int, each: int) -> None:
    """Keep `count` batches of `each`, saying the last number of each batch once it is acknowledged."""
    with Ledger.open(url) as ledger:
        store = store_in(folder, ledger, segment_bytes=SEGMENT)
        say("begun")
        for number in range(first, first + count * each, each):
            store.keep(items(number, each), NOW)
            store.seal_due(NOW)
            say(f"kept {number + each}")


def change(url: str, folder: Path, round_number: int) -> None:
    """Change the key."""
    old, new = wrap_of(round_number - 1), wrap_of(round_number)
    with Ledger.open(url) as ledger:
        store = store_in(folder, ledger, wrap=old, segment_bytes=SEGMENT)
        say("begun")
        rekey(store.context, old, new, f"key {round_number}", NOW)
        say("changed")


def main() -> None:
    """Do what the lines say, each in a child that leads a process group of its own."""
    url, folder = sys.argv[1], Path(sys.argv[2])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    say("ready")
    for line in sys.stdin:
        act, *numbers = line.split()
        child = os.fork()
        if child:
            say(f"child {child}")
            continue
        status = 1
        try:
            {"keep": keep, "change": change}[act](url, folder, *map(int, numbers))
            status = 0
        except BaseException as error:  # noqa: BLE001 - the parent reads it
            say(f"failed {error!r}")
        finally:
            os._exit(status)


if __name__ == "__main__":
    main()
