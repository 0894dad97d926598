"""One stage in a process of its own: `python -m flows.bench.migration STAGE FOLDER WORKERS`.

`survey` (with the plan), `freeze`, `copy`, `carry` (freeze and copy side by side, as `jiexu migrate run` does both),
`verify` (with the proof's document, unsigned), or `siard`, which writes the folder's freeze as a SIARD file. Prints one
JSON document: rows, seconds of the clock, seconds of processor time (user and system, children included) and this
process's peak of memory in MiB. Starting Python and loading the drivers is not counted, but that of other processes is.
"""

import json
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from flows import relocation
from flows.bench.using import cpu, peak
from flows.times import now, utc_text
from formats.errors import ServiceError
from migration import carrying, copying, environment, stages
from migration import proof as proofs
from migration.engine import Source
from migration.freeze import Frozen
from migration.proving import Both, Signer
from migration.run import Folder
from migration.siard import About, write

SIARD: Final = "written.siard"

Work = Callable[[], int]  # gives how many rows it went through


def measure(stage: str, folder: Folder, workers: int) -> dict[str, float]:
    """Do the stage on what those before it left in the folder."""
    work = STAGES[stage](folder, workers)
    started, before = time.perf_counter(), cpu()
    rows = work()
    seconds, used = time.perf_counter() - started, cpu() - before
    return {"rows": rows, "seconds": seconds, "cpu": used, "peak_mib": peak()}


def _survey(folder: Folder, _: int) -> Work:
    source = _source(folder)

    def work() -> int:
        """Survey and plan."""
        stages.survey(folder, source, seen=lambda _: None)
        relocation.plan(folder).stand()
        return relocation.rows(folder)

    return work


def _freeze(folder: Folder, workers: int) -> Work:
    source = _source(folder)

    def work() -> int:
        """Freeze."""
        frozen = stages.frozen(folder, source, now(), workers=workers, progress=lambda _: None)
        return sum(part.rows for part in frozen.sealed.tables)

    return work


def _copy(folder: Folder, workers: int) -> Work:
    asked = folder.asked()
    target = environment.target(relocation.address(asked.target))

    def work() -> int:
        """Copy."""
        frozen, plan, (mapping, _) = Frozen.open(folder.freeze), stages.planned(folder), stages.decisions(folder)
        return copying.copy(frozen, plan, mapping, target, folder.path, asked.run, at=now(), workers=workers).rows

    return work


def _carry(folder: Folder, workers: int) -> Work:
    asked = folder.asked()
    source, target = _source(folder), environment.target(relocation.address(asked.target))

    def work() -> int:
        """Freeze and copy side by side."""
        with carrying.beside(folder, target, now(), lambda _: None) as chunk:
            stages.frozen(folder, source, now(), workers=workers, progress=lambda _: chunk())
        carrying.settle(folder, target)
        return _copy(folder, workers)()

    return work


def _verify(folder: Folder, workers: int) -> Work:
    asked = folder.asked()
    source, target = _source(folder), environment.target(relocation.address(asked.target))

    def work() -> int:
        """Compare, and say what was found. Raises ServiceError S420 when it is not equal."""
        found = stages.compare(folder, target, source, workers=workers, progress=lambda _: None)
        signer = Signer("33010001", version("jiexu"), utc_text(now()))
        made = stages.proof(folder, found, Both("source", "target", target.catalog()), signer)
        folder.write(relocation.PROOF, proofs.encode(made))
        if made.verdict != "equal":
            raise ServiceError("S420", "the target differs from the freeze")
        return made.rows

    return work


def _siard(folder: Folder, _: int) -> Work:
    def work() -> int:
        """Write a SIARD file."""
        frozen = Frozen.open(folder.freeze)
        write(frozen, folder / SIARD, about=About("contributions", "benchmark", "1990 to 2024"), at=now())
        return sum(part.rows for part in frozen.sealed.tables)

    return work


def _source(folder: Folder) -> Source:
    return environment.source(relocation.address(folder.asked().source))


STAGES: Final[Mapping[str, Callable[[Folder, int], Work]]] = {
    "survey": _survey,
    "freeze": _freeze,
    "copy": _copy,
    "carry": _carry,
    "verify": _verify,
    "siard": _siard,
}


def main(stage: str, folder: str, workers: str) -> None:
    """Measure this stage, and print what was measured."""
    click.echo(json.dumps(measure(stage, Folder(Path(folder)), int(workers))))
