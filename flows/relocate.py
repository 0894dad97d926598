"""The migration flow: every stage a task, and every group of chunks that is copied or compared one of its own.

Thin: everything is in `relocation.relocate`. Prefect stores no address: the folder has them.
"""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import relocation
from flows.steps import current
from flows.tasks import as_task
from flows.wiring import Office
from migration.run import Folder


@flow(name="relocate", log_prints=False, persist_result=False)
def relocate(home: str, folder: str, workers: int = 1, *, keep: bool = True) -> dict[str, Any]:
    """The migration in this folder, of the office at `home`, as `jiexu migrate run --json` prints it."""
    with Office.at(Path(home)) as office:
        return relocation.relocate(
            office, Folder(Path(folder)), workers=workers, keep=keep, run=as_task, steps=current()
        ).document()
