"""What a piece of work uses: seconds of the clock, of the processor here and in the servers, and peak memory."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from flows.bench.migration.server import Servers
from formats.errors import ServiceError

Command = Sequence[str]

_WORK: Final = "flows.bench.migration"


@dataclass(frozen=True, slots=True)
class Used:
    """One piece of work: its rows, seconds, processor seconds of its own processes and of the servers', peak MiB."""

    rows: int
    seconds: float
    cpu: float
    served: float | None = None
    peak_mib: float = 0.0

    @property
    def speed(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds

    @property
    def cost(self) -> float | None:
        """Microseconds of processor time a row, here and in the servers; None where theirs is not known."""
        return None if self.served is None else (self.cpu + self.served) / self.rows * 1e6

    @property
    def own_cost(self) -> float:
        """Microseconds of processor time a row, here."""
        return self.cpu / self.rows * 1e6

    def __add__(self, other: "Used") -> "Used":
        """Both, one after the other, for the same rows."""
        served = None if self.served is None or other.served is None else self.served + other.served
        peak = max(self.peak_mib, other.peak_mib)
        return Used(self.rows, self.seconds + other.seconds, self.cpu + other.cpu, served, peak)


@dataclass(slots=True)
class Book:
    """All that was measured, by what it was, round by round."""

    rounds: dict[str, list[Used]] = field(default_factory=lambda: defaultdict(list))

    def enter(self, what: str, used: Used | None) -> None:
        """Enter one piece of work; None: there is no tool for it here."""
        if used is not None:
            self.rounds[what].append(used)

    def middle(self, figure: Callable[[Used], float | None], *whats: str) -> float | None:
        """The median over the rounds of a figure of these pieces of work, one after the other; None: not measured."""
        if not all(what in self.rounds for what in whats):
            return None
        every = zip(*(self.rounds[what] for what in whats), strict=True)
        found = [figure(_together(pieces)) for pieces in every]
        known = [one for one in found if one is not None]
        return median(known) if len(known) == len(found) else None


def _together(pieces: Sequence[Used]) -> Used:
    whole, *rest = pieces
    for piece in rest:
        whole += piece
    return whole


def stage(servers: Servers, name: str, folder: Path, workers: int, rows: int) -> Used:
    """One stage of ours. Raises ServiceError S420 when it fails or does not carry all rows."""
    servers.ready()
    before = servers.used()
    command = [sys.executable, "-m", _WORK, name, str(folder), str(workers)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise ServiceError("S420", f"{name}: {done.stderr.decode(errors='replace').strip()[-300:]}")
    found = json.loads(done.stdout)
    if found["rows"] != rows:
        raise ServiceError("S420", f"{name}: {found['rows']} rows of {rows}")
    return Used(rows, found["seconds"], found["cpu"], _since(before, servers.used()), found["peak_mib"])


def script(servers: Servers, rows: int, *lines: Sequence[Command], variables: Mapping[str, str]) -> Used:
    """What a user would script: lines one after the other, each of commands joined by pipes.

    Raises ServiceError S420 when a command fails.
    """
    servers.ready()
    before, started = servers.used(), time.perf_counter()
    cpu = sum(_piped(line, {**os.environ, **variables}) for line in lines)
    seconds = time.perf_counter() - started
    return Used(rows, seconds, cpu, _since(before, servers.used()))


def _since(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _piped(line: Sequence[Command], variables: Mapping[str, str]) -> float:
    """Seconds of processor time of a pipe's commands and their children."""
    running: list[subprocess.Popen[bytes]] = []
    for place, command in enumerate(line):
        last = place == len(line) - 1
        feeder = running[-1].stdout if running else None
        out = subprocess.DEVNULL if last else subprocess.PIPE
        running.append(
            subprocess.Popen(command, stdin=feeder, stdout=out, stderr=subprocess.DEVNULL, env=dict(variables))
        )
        if feeder:
            feeder.close()  # so that a command learns when the next one ends
    return sum([_ended(process) for process in running])


def _ended(process: subprocess.Popen[bytes]) -> float:
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ServiceError("S420", f"{Path(str(process.args[0])).name} ended with {process.returncode}")  # type: ignore[index]
    return used.ru_utime + used.ru_stime
