"""Copy: from the freeze into an empty target, resumable at any instant.

Nothing is written before everything that can be known has been checked: the plan fits the freeze and refuses nothing,
every value has an answer in its conversion, and the target is empty or this run's own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from formats.errors import IntegrityError, UsageError
from migration import catalog_file
from migration.copying import own, steps
from migration.copying.altering import Alterations, alterations
from migration.copying.crew import Crew, in_order
from migration.copying.loading import CopyJob, Held, Loaded, copy_group, load, plain, same
from migration.copying.progress import Pace, Progress, silent
from migration.copying.rules import check_rules
from migration.copying.steps import Journal
from migration.engine import Target
from migration.freeze import Chunk, Frozen
from migration.mapping import Mapping
from migration.plan import Act, Plan

_GROUP_BYTES: Final = 64 * 2**20
_GROUP_CHUNKS: Final = 64
_ONE_WRITER: Final = {"sqlite"}  # engines whose sessions would only wait for each other


@dataclass(frozen=True, slots=True)
class TableCopy:
    """One table in the target: rows, chunks and how many were there before, cells altered, seconds of loading."""

    number: int
    table: str
    rows: int = 0
    chunks: int = 0
    before: int = 0
    altered: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What a copy did: table by table, statements run, and the list of alterations with the rules' uses."""

    tables: tuple[TableCopy, ...]
    statements: int
    alterations: Alterations

    @property
    def rows(self) -> int:
        """How many rows are in the target."""
        return sum(table.rows for table in self.tables)


def copy(
    frozen: Frozen,
    plan: Plan,
    mapping: Mapping,
    target: Target,
    folder: Path,
    run: str,
    *,
    at: datetime,
    workers: int = 1,
    progress: Progress = silent,
    crew: Crew | None = None,
) -> CopyReport:
    """Load the freeze into the target by the plan, or go on with it. `folder` is the migration's own.

    With a `crew` the work is cut into groups of chunks for it; without one, only for more workers than one.

    Raises RefusedError D605; UsageError D603, D604, D606, D607, D645; IntegrityError D641, D642, D644, D645, D646,
    D652; UnreachableError S409, S416. Whatever is raised, it can be gone on with.
    """
    fit(frozen, plan)
    rules = check_rules(plan, mapping)
    altered = alterations(frozen, plan, rules, folder)
    journal = Journal(folder)
    own.begin(plan, target, journal, run, at)
    count = steps.take(target, plan, steps.BEFORE, journal)
    pace = Pace(progress, sum(frozen.rows(table.number) for table in plan.tables))
    job = CopyJob(target, frozen.folder, plan, rules, run)
    tables = _load(job, frozen, _held(frozen, plan, target, run), workers, pace, crew)
    count += steps.take(target, plan, steps.AFTER, journal)
    target.refresh([table.target for table in plan.tables])
    whole = tuple(
        TableCopy(one.number, one.table, one.rows, one.chunks, one.before, altered.cells(one.number), one.seconds)
        for one in tables
    )
    return CopyReport(whole, count, altered)


def finish(plan: Plan, target: Target, folder: Path) -> int:
    """Make the triggers, once the target was verified: they would have altered rows. Returns how many.

    Raises IntegrityError D641.
    """
    return steps.take(target, plan, (Act.CREATE_TRIGGER,), Journal(folder))


def fit(frozen: Frozen, plan: Plan) -> None:
    """Raise UsageError D604 unless the plan is one of this freeze; RefusedError D605 when it refuses something."""
    plan.stand()
    if plan.catalog != catalog_file.digest(frozen.catalog):
        raise UsageError("D604", "the plan was made of another catalog")
    for table in plan.tables:
        if table.number not in frozen.tables or frozen.reading(table.number) != table.reading_source():
            raise UsageError("D604", f"{table.source} was frozen in another way")


def chunks(frozen: Frozen, plan: Plan) -> Iterator[Chunk]:
    """All chunks of the plan's tables, in the plan's order."""
    return (chunk for table in plan.tables for chunk in frozen.chunks(table.number))


def groups(chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, ...]]:
    """Chunks in groups of some 64 MiB: what one process or one task does at a time."""
    group: list[Chunk] = []
    size = 0
    for chunk in chunks:
        if group and (size + chunk.bytes > _GROUP_BYTES or len(group) == _GROUP_CHUNKS):
            yield tuple(group)
            group, size = [], 0
        group.append(chunk)
        size += chunk.bytes
    if group:
        yield tuple(group)


def _held(frozen: Frozen, plan: Plan, target: Target, run: str) -> Held:
    """The target's ledger of this run. Raises as `own.held`, IntegrityError D646 for chunks of no freeze."""
    held = own.held(plan, target, run)
    if unknown := set(held) - {chunk.place for chunk in chunks(frozen, plan)}:
        raise IntegrityError("D646", f"{len(unknown)} chunks that the freeze has not")
    return held


def _load(
    job: CopyJob, frozen: Frozen, held: Held, workers: int, pace: Pace, crew: Crew | None
) -> tuple[TableCopy, ...]:
    """Load all chunks; `job` is the pattern of every group's."""
    tables = {table.number: TableCopy(table.number, str(table.target)) for table in job.plan.tables}
    for one in _loaded(job, frozen, held, workers, crew):
        table, rows = tables[one.copied.table], one.copied.rows
        tables[table.number] = replace(
            table,
            rows=table.rows + rows,
            chunks=table.chunks + 1,
            before=table.before + one.before,
            seconds=table.seconds + one.seconds,
        )
        (pace.found if one.before else pace.done)(table.table, rows)
    return tuple(tables.values())


def _loaded(job: CopyJob, frozen: Frozen, held: Held, workers: int, crew: Crew | None) -> Iterator[Loaded]:
    together = 1 if job.plan.target in _ONE_WRITER else workers
    if together <= 1 and crew is None:
        yield from load(job, chunks(frozen, job.plan), held)
        return
    # What is there already and has no rules needs no looking at its rows, and so no other process.
    known = {place: one for place, one in held.items() if one.table not in job.rules}
    missing = (chunk for chunk in chunks(frozen, job.plan) if chunk.place not in known)
    for chunk in chunks(frozen, job.plan):
        if chunk.place in known:
            same(plain(chunk), known[chunk.place])
            yield Loaded(plain(chunk), before=True, seconds=0.0)
    jobs = (
        replace(job, chunks=group, held=tuple(held[chunk.place] for chunk in group if chunk.place in held))
        for group in groups(missing)
    )
    for loaded in (crew or in_order)(copy_group, jobs, together):
        yield from loaded
