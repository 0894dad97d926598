"""The acknowledge flow: post every receipt that is ready. Thin: everything is in `passes.acknowledge`."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import passes
from flows.steps import current
from flows.tasks import as_task
from flows.wiring import Office


@flow(name="acknowledge", log_prints=False, persist_result=False)
def acknowledge(home: str) -> dict[str, Any]:
    """One acknowledge pass of the office at `home`, as `jiexu acknowledge --json` prints it."""
    with Office.at(Path(home)) as office:
        return passes.acknowledge(office, run=as_task, steps=current()).document()
