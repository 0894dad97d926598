"""The upkeep flow: seal, audit and back up the archive. Thin: everything is in `upkeeping.upkeep`."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import upkeeping
from flows.steps import current
from flows.tasks import as_task
from flows.wiring import Office


@flow(name="upkeep", log_prints=False, persist_result=False)
def upkeep(home: str) -> dict[str, Any]:
    """One upkeep pass of the office at `home`, as `jiexu upkeep --json` prints it."""
    with Office.at(Path(home)) as office:
        return upkeeping.upkeep(office, run=as_task, steps=current()).document()
