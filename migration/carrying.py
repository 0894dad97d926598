"""Freeze and copy side by side: what is frozen already goes into the target while the rest is still read.

Both need a processor of their own for most of their time, so on two they take little longer than the longer of both.
What is loaded beside is only ahead: `settle` takes out what the finished freeze has not, `copying.copy` does the rest.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from migration import column_planning, copying, stages
from migration.copying import own
from migration.copying.beside import Beside
from migration.copying.early import Order
from migration.copying.steps import Journal
from migration.engine import Target
from migration.freeze import Frozen
from migration.plan import TablePlan
from migration.run import Folder

_WORTH: Final = 2 * column_planning.CHUNK_BYTES  # bytes of the source, below which a process more is no gain


@contextmanager
def beside(folder: Folder, target: Target, at: datetime, told: Callable[[int], object]) -> Iterator[Callable[[], None]]:
    """For the block, a process that loads the target; to be called behind each chunk that is safe in the freeze.

    `told` gets the rows of each chunk that is in the target. Behind the block the process has ended; whatever kept it
    from its work, the freezing is not disturbed. Nothing is started when the freeze is whole, when the source is small,
    and when rules are declared: what they alter is listed first, of the whole freeze, before the target is touched.

    Raises UsageError D603, D604, D645; UnreachableError S445.
    """
    if stages.sealed(folder) or _ruled(folder) or not _worth(folder):
        yield _nobody
        return
    order = Order(target, folder / stages.PLAN, folder.freeze, folder.path, folder.asked().run, at)
    with folder.held() as lock, Beside(order, lock, told) as loading:
        yield loading.chunk


def settle(folder: Folder, target: Target) -> tuple[TablePlan, ...]:
    """Empty the tables that hold a chunk of a freeze that was begun anew (`own.settle`); returns which.

    Raises IntegrityError D651, D652; UsageError D607; UnreachableError S409, S445; what the target refuses.
    """
    if _ruled(folder):
        return ()
    with folder.held():
        frozen, plan, journal = Frozen.open(folder.freeze), stages.planned(folder), Journal(folder.path)
        return own.settle(frozen, plan, target, journal, folder.asked().run)


def _ruled(folder: Folder) -> bool:
    return bool(copying.check_rules(stages.planned(folder), stages.decisions(folder)[0]))


def _worth(folder: Folder) -> bool:
    return sum(map(column_planning.size, stages.catalog(folder).tables)) >= _WORTH


def _nobody() -> None:
    """Nobody loads."""
