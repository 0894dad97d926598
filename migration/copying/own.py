"""What in the target is this run's own: its tables, the chunks that they hold, and leftovers of an abandoned freeze."""

from collections import defaultdict
from collections.abc import Generator
from contextlib import closing
from datetime import datetime

from formats.errors import UsageError
from migration.copying import steps
from migration.copying.loading import Held, plain
from migration.copying.steps import Journal
from migration.engine import Block, Copied, Snapshot, Target
from migration.freeze import Frozen
from migration.plan import Plan, TablePlan


def begin(plan: Plan, target: Target, journal: Journal, run: str, at: datetime) -> None:
    """See that the target is empty or this run's own, and that it takes writes. Raises UsageError D606, D607."""
    if not journal.belongs(run, plan):
        if occupied := target.occupied([table.target for table in plan.tables]):
            raise UsageError("D606", ", ".join(map(str, occupied)))
        journal.begin(run, plan, at)
    target.copied(run)  # makes the ledger, and with it a database that is a file


def held(plan: Plan, target: Target, run: str) -> Held:
    """The target's ledger of this run. Raises UsageError D606 for rows in a table of which it has no chunk."""
    found = ledger(target, run)
    bare = [table for table in plan.tables if not any(number == table.number for number, _ in found)]
    with target.snapshot() as snapshot:
        full = [table for table in bare if _has_rows(snapshot, table)]
    if full:  # perhaps by a process that was thought dead: then its chunk is in the ledger now
        found = ledger(target, run)
        copied = {number for number, _ in found}
        if foreign := [str(table.target) for table in full if table.number not in copied]:
            raise UsageError("D606", f"{', '.join(foreign)}: rows of no chunk")
    return found


def ledger(target: Target, run: str) -> Held:
    """The target's ledger of this run, by table and chunk."""
    return {(one.table, one.chunk): one for one in target.copied(run)}


def settle(frozen: Frozen, plan: Plan, target: Target, journal: Journal, run: str) -> tuple[TablePlan, ...]:
    """Empty every table that holds a chunk which the finished freeze has not; returns which.

    Such a chunk was loaded early, out of a freeze that was begun anew later since its source had changed. Only for a
    plan without declared rules: with them nothing is loaded early. Once a key or an index was begun every chunk had
    been seen to be the freeze's: then nothing is touched, and `copy` refuses what differs (D646).

    Raises UsageError D607 when the folder is of another run.
    """
    if not journal.belongs(run, plan) or journal.reached(plan, steps.AFTER):
        return ()
    loaded: defaultdict[int, set[Copied]] = defaultdict(set)
    for one in target.copied(run):
        loaded[one.table].add(one)
    found = []
    for table in plan.tables:
        if loaded[table.number] - {plain(chunk) for chunk in frozen.chunks(table.number)}:
            target.withdraw(run, table.number, table.target)
            found.append(table)
    return tuple(found)


def _has_rows(snapshot: Snapshot, table: TablePlan) -> bool:
    def blocks() -> Generator[Block, None, None]:
        yield from snapshot.blocks(table.reading_target())

    with closing(blocks()) as found:
        return any(block.rows for block in found)
