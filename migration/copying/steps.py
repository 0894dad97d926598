"""The plan's statements, each run once though the process may be killed between any two instructions.

`steps.jsonl` in the migration's folder begins with the run and its plan, written when the target was seen to have none
of the plan's tables and before the first statement: from then on those tables are this run's. A step is entered before
its statement is sent, and again when the target has answered. Most environments commit such statements by themselves,
so a ledger inside the target would not be safer.

A step that was begun and not ended is in doubt. Statements that only set something are run again. For the others the
journal knows how many such objects the target had before the first step of this kind, and how many steps of it have
ended: if the target's catalog has more than both together, the step is done.
"""

import json
import os
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from formats.errors import IntegrityError, UsageError
from migration import plan_file
from migration.catalog import Catalog, Table
from migration.engine import Target
from migration.freeze.disk import flush, refusals, write_all
from migration.plan import Act, Plan, Step

FILE: Final = "steps.jsonl"
BEFORE: Final = (Act.CREATE_SCHEMA, Act.CREATE_TYPE, Act.CREATE_TABLE)
AFTER: Final = (
    Act.ADD_KEY,
    Act.ADD_INDEX,
    Act.ADD_CHECK,
    Act.ADD_FOREIGN_KEY,
    Act.SET_SEQUENCE,
    Act.SET_COMMENT,
    Act.CREATE_VIEW,
)

# How many objects a catalog has of the kind that an act makes.
_COUNTS: Final[Mapping[Act, Callable[[Catalog], int]]] = {
    Act.CREATE_TYPE: lambda catalog: len(catalog.types) + len(catalog.sequences),
    Act.CREATE_TABLE: lambda catalog: len(catalog.tables),
    Act.ADD_KEY: lambda catalog: sum(map(_indexed, catalog.tables)),
    Act.ADD_INDEX: lambda catalog: sum(map(_indexed, catalog.tables)),
    Act.ADD_CHECK: lambda catalog: sum(len(table.checks) for table in catalog.tables),
    Act.ADD_FOREIGN_KEY: lambda catalog: sum(len(table.foreign) for table in catalog.tables),
    Act.CREATE_VIEW: lambda catalog: len(catalog.views),
    Act.CREATE_TRIGGER: lambda catalog: len(catalog.triggers),
}


class Journal:
    """Which steps of a run were begun and ended, in a file that is flushed at each."""

    def __init__(self, folder: Path) -> None:
        """The journal in this folder, empty as long as `begin` was not called. Raises UnreachableError S416."""
        self._path = folder / FILE
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._heading: dict[str, str] = {}
        self._before: dict[str, int] = {}
        with refusals():
            data = self._path.read_bytes() if self._path.exists() else b""
            whole = data[: data.rfind(b"\n") + 1]
            if whole != data:  # the line that a killed process was writing: its step was not sent yet, or is in doubt
                os.truncate(self._path, len(whole))
        for line in whole.splitlines():
            self._read(json.loads(line))

    def begin(self, run: str, plan: Plan, at: datetime) -> None:
        """Enter that from now on the plan's tables in the target are this run's."""
        heading = {"run": run, "plan": plan_file.digest(plan), "at": at.isoformat()}
        self._write(heading)
        with refusals():
            flush(self._path.parent)

    def belongs(self, run: str, plan: Plan) -> bool:
        """Whether this run by this plan has begun. Raises UsageError D607 when another one has."""
        if not self._heading:
            return False
        if (self._heading["run"], self._heading["plan"]) != (run, plan_file.digest(plan)):
            raise UsageError("D607", f"{FILE}: another run or another plan")
        return True

    def ended(self, step: Step) -> bool:
        """Whether the target has answered that the step is done."""
        return step.number in self._ended

    def doubtful(self, step: Step) -> bool:
        """Whether the step may have been done: it was begun, and no answer is known."""
        return step.number in self._begun - self._ended

    def reached(self, plan: Plan, acts: Collection[Act]) -> bool:
        """Whether a step of these acts was begun."""
        return any(step.number in self._begun for step in plan.steps if step.act in acts)

    def before(self, act: Act) -> int | None:
        """How many objects of its kind the target had before the act's first step; None: it was not counted yet."""
        return self._before.get(act)

    def count(self, act: Act, objects: int) -> None:
        """Enter how many objects of its kind the target has before the act's first step."""
        self._write({"act": act, "objects": objects})

    def start(self, step: Step) -> None:
        """Enter that the step's statement is about to be sent."""
        self._write({"step": step.number, "state": "begun"})

    def end(self, step: Step) -> None:
        """Enter that the step is done."""
        self._write({"step": step.number, "state": "ended"})

    def _write(self, line: Mapping[str, str | int]) -> None:
        with refusals():
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                write_all(handle, json.dumps(line, ensure_ascii=False, sort_keys=True).encode() + b"\n")
                os.fsync(handle)
            finally:
                os.close(handle)
        self._read(line)

    def _read(self, line: Mapping[str, str | int]) -> None:
        if "run" in line:
            self._heading = {name: str(value) for name, value in line.items()}
        elif "act" in line:
            self._before[str(line["act"])] = int(line["objects"])
        else:
            (self._begun if line["state"] == "begun" else self._ended).add(int(line["step"]))


def take(target: Target, plan: Plan, acts: Collection[Act], journal: Journal) -> int:
    """Run the statements of these acts that are not done yet; returns how many.

    Raises IntegrityError D641 naming the step.
    """
    count = 0
    for step in plan.steps:
        if step.act not in acts or not step.sql or journal.ended(step):
            continue
        if step.act in _COUNTS and journal.before(step.act) is None:
            journal.count(step.act, _COUNTS[step.act](target.catalog()))
        doubtful = journal.doubtful(step)
        if not (doubtful and _done(target, plan, step, journal)):
            journal.start(step)
            _execute(target, plan, step, journal, doubtful=doubtful)
            count += 1
        journal.end(step)
    return count


def _done(target: Target, plan: Plan, step: Step, journal: Journal) -> bool:
    """Whether a step in doubt was done."""
    if step.act not in _COUNTS:
        return False
    ended = sum(1 for other in plan.steps if other.act is step.act and journal.ended(other))
    return _COUNTS[step.act](target.catalog()) > (journal.before(step.act) or 0) + ended


def _execute(target: Target, plan: Plan, step: Step, journal: Journal, *, doubtful: bool) -> None:
    statements = [step.sql]
    if doubtful and step.act not in _COUNTS:
        # What sets one thing may be several statements (delete, insert): then all of them once more.
        same = (other for other in plan.steps if (other.act, other.subject) == (step.act, step.subject))
        statements = [other.sql for other in same if other.number <= step.number]
    try:
        target.execute(statements)
    except IntegrityError as error:
        if error.code != "D641":
            raise
        # A connection that was cut may have left the statement running: it may be done by now.
        if not (doubtful and _done(target, plan, step, journal)):
            raise IntegrityError("D641", f"step {step.number} ({step.act} {step.subject}): {error.detail}") from None


def _indexed(table: Table) -> int:
    """How many keys and indexes a table has."""
    return (table.primary is not None) + len(table.uniques) + len(table.indexes)
