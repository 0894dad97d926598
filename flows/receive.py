"""The receive flow: collect, open and settle what has arrived. Thin: everything is in `passes.receive`."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import passes
from flows.steps import current
from flows.tasks import as_task
from flows.wiring import Office


@flow(name="receive", log_prints=False, persist_result=False)
def receive(home: str, workers: int = 0) -> dict[str, Any]:
    """One receive pass of the office at `home`, as `jiexu receive --json` prints it."""
    with Office.at(Path(home)) as office:
        return passes.receive(office, workers_wanted=workers, run=as_task, steps=current()).document()
