"""One measured piece of work in a process of its own: `python -m flows.bench.work seal|open HOME WORKERS`.

Prints one JSON document: persons, seconds of processor time (user and system, children included) and of the clock
while the work was done, and the peak of memory in MiB. Starting Python and unlocking the key is not counted: a service
does that once.
"""

import json
import resource
import sys
import time
from pathlib import Path

import click

from flows import passes
from flows.bench.office import MANY
from flows.collecting import collect
from flows.sealing import seal
from flows.settling import settle
from flows.wiring import Office, spare_the_collector


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in used)


def measure(act: str, home: Path, workers: int) -> dict[str, float]:
    """Seal every approved case of the home, or settle every package in its mailbox."""
    with Office.at(home) as office:
        if act == "open":
            collect(office)
        _warm(office)
        started, cpu = time.monotonic(), _cpu()
        if act == "seal":
            report = seal(office, MANY) if workers == 1 else passes.send(office, workers_wanted=workers).sealed
            done = len(report.sealed)
        else:
            opened = settle(office, MANY) if workers == 1 else passes.receive(office, workers_wanted=workers).opened
            done = len(opened.accepted)
        seconds, used = time.monotonic() - started, _cpu() - cpu
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {"persons": done, "cpu": used, "seconds": seconds, "peak_mib": max(peaks) / 1024}


def _warm(office: Office) -> None:
    """Open what a running service has open: key, directory, databases."""
    for part in (office.key, office.directory, office.ledger, office.records, office.store):
        assert part is not None
    spare_the_collector()


if __name__ == "__main__":
    click.echo(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
