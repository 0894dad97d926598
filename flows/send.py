"""The send flow: seal every approved case and post it. Thin: everything is in `passes.send`."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import passes
from flows.steps import current
from flows.tasks import as_task
from flows.wiring import Office


@flow(name="send", log_prints=False, persist_result=False)
def send(home: str, cases: list[str] | None = None, workers: int = 0) -> dict[str, Any]:
    """One send pass of the office at `home`, as `jiexu send --json` prints it."""
    with Office.at(Path(home)) as office:
        return passes.send(office, cases, workers_wanted=workers, run=as_task, steps=current()).document()
