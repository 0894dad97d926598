"""One measured piece of work in a process of its own: `python -m flows.bench.work seal|open HOME WORKERS`.

Prints one JSON document: persons, seconds of processor time (user and system, children included) and of the clock
while the work was done, and this process's peak of memory in MiB. Starting Python and unlocking the key is not counted:
a service does that once.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from flows.bench.office import MANY
from flows.bench.using import cpu, peak
from flows.collecting import collect
from flows.sealing import seal
from flows.settling import settle
from flows.steps import quiet
from flows.wiring import Office, spare_the_collector
from flows.workers import seal_batch, settle_batch, side_by_side


def measure(act: str, home: Path, workers: int) -> dict[str, float]:
    """Seal every approved case of the home, or settle every package in its mailbox."""
    with Office.at(home) as office:
        if act == "open":
            collect(office)
        _warm(office)
        started, before = time.monotonic(), cpu()
        if act == "seal":
            done = sum(len(report.sealed) for report in _reports(office, seal, seal_batch, workers))
        else:
            done = sum(len(report.accepted) for report in _reports(office, settle, settle_batch, workers))
        seconds, used = time.monotonic() - started, cpu() - before
    return {"persons": done, "cpu": used, "seconds": seconds, "peak_mib": peak()}


def _reports(office: Office, alone: Callable[..., Any], batch: Callable[..., Any], workers: int) -> Sequence[Any]:
    if workers == 1:
        return [alone(office, MANY)]
    return side_by_side(office.settings.home, batch, workers, None, quiet)


def _warm(office: Office) -> None:
    """Open what a running service has open: key, directory, databases."""
    for part in (office.key, office.directory, office.ledger, office.records, office.store):
        assert part is not None
    spare_the_collector()


if __name__ == "__main__":
    click.echo(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
