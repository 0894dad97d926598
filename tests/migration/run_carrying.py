"""One freeze and copy side by side, of a source that answers slowly, for the tests that kill it: `python -m … FOLDER`."""

import sys
import time
from pathlib import Path

import pytest

from migration import carrying, column_planning, copying, environment, stages
from migration.copying import CopyReport
from migration.freeze import Progress
from migration.run import Folder
from tests.migration.workshop import AT

SLOWLY = 0.02  # seconds a chunk
PATIENCE = 5.0  # seconds to wait for the first chunk in the target


def carry(folder: Path, patience: float = PATIENCE) -> CopyReport:
    """Survey and plan, freeze and copy; or go on with it. The freezing waits until something is in the target."""
    begun = Folder(folder)
    asked = begun.asked()
    source, target = (environment.source(environment.address(text, {})) for text in (asked.source, asked.target))
    stages.survey(begun, source, seen=lambda _: None)
    plan = stages.plan(begun, environment.address(asked.target, {}).engine)
    told: list[int] = []
    with carrying.beside(begun, target, AT, told.append) as chunk:
        deadline = time.monotonic() + patience

        def safe(_: Progress) -> None:
            chunk()
            time.sleep(SLOWLY)
            while not told and time.monotonic() < deadline:
                chunk()
                time.sleep(SLOWLY)

        frozen = stages.frozen(begun, source, AT, progress=safe)
    carrying.settle(begun, target)
    with begun.held():
        return copying.copy(frozen, plan, stages.decisions(begun)[0], target, folder, asked.run, at=AT)


def small(change: pytest.MonkeyPatch) -> None:
    """Small chunks, and a process beside however small the source is."""
    change.setattr(column_planning, "CHUNK_BYTES", 1)
    change.setattr(carrying, "_WORTH", 0)


if __name__ == "__main__":
    small(pytest.MonkeyPatch())
    carry(Path(sys.argv[1]))
