"""Statements run once: what the journal and the target's catalog say about a step in doubt."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from formats.errors import IntegrityError, UnreachableError
from migration.copying import steps
from migration.copying.steps import Journal
from migration.plan import Act, Plan, Step
from tests.migration.workshop import AT, RUN, Workshop, named


class Cut:
    """A target whose connection breaks behind or before the statement with this number."""

    def __init__(self, workshop: Workshop, number: int, *, behind: bool) -> None:
        self._target, self._number, self._behind = workshop.target, number, behind
        self.ran: list[str] = []

    def catalog(self) -> object:
        """The real one's."""
        return self._target.catalog()

    def execute(self, statements: Sequence[str]) -> None:
        """Run them, or break."""
        self._number -= 1
        if self._number == 0 and not self._behind:
            raise UnreachableError("S409", "cut")
        self._target.execute(statements)
        self.ran += statements
        if self._number == 0:
            raise UnreachableError("S409", "cut")


@pytest.fixture
def plan(workshop: Workshop) -> Plan:
    """Two tables, an index each."""
    for name in ("a", "b"):
        workshop.make(name, {"id": "integer", "word": "text"}, [("1", "x")], ["id"])
        workshop.source.execute([f"CREATE INDEX {name}_word ON {named(workshop.table(name))} (word)"])
    workshop.target.copied(RUN)
    return workshop.freeze()[1]


@pytest.mark.parametrize("behind", [True, False], ids=["behind", "before"])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_step_in_doubt_is_decided_by_the_catalog(workshop: Workshop, plan: Plan, number: int, behind: bool) -> None:
    """Whether the connection broke before or behind a statement: in the end each was run exactly once."""
    cut = Cut(workshop, number, behind=behind)
    acts = (*steps.BEFORE, *steps.AFTER)
    Journal(workshop.folder).begin(RUN, plan, AT)
    with pytest.raises(UnreachableError):
        steps.take(cut, plan, acts, Journal(workshop.folder))  # type: ignore[arg-type]
    steps.take(cut, plan, acts, Journal(workshop.folder))  # type: ignore[arg-type]
    assert cut.ran == [step.sql for step in plan.steps if step.sql]
    assert steps.take(workshop.target, plan, acts, Journal(workshop.folder)) == 0


def test_what_sets_one_thing_is_run_whole_again(workshop: Workshop, plan: Plan) -> None:
    """Delete and insert for one subject: cut behind the insert, both are run again, so that it stands there once."""
    table = named(workshop.table("numbers"))
    workshop.target.execute([f"CREATE TABLE {table} (n integer)"])
    sql = (f"DELETE FROM {table}", f"INSERT INTO {table} VALUES (7)")
    sets = replace(plan, steps=tuple(Step(n, Act.SET_SEQUENCE, "numbers.n", text) for n, text in enumerate(sql, 1)))
    cut = Cut(workshop, 2, behind=True)
    with pytest.raises(UnreachableError):
        steps.take(cut, sets, steps.AFTER, Journal(workshop.folder))  # type: ignore[arg-type]
    steps.take(cut, sets, steps.AFTER, Journal(workshop.folder))  # type: ignore[arg-type]
    assert cut.ran == [*sql, *sql]


def test_a_refused_statement_is_named_by_its_step(workshop: Workshop, plan: Plan) -> None:
    """D641 names step, act and subject; after a correction the step is tried again."""
    acts = (*steps.BEFORE, *steps.AFTER)
    name = plan.tables[1].target
    workshop.target.execute([f"CREATE VIEW {named(name)} AS SELECT 1 AS one"])
    with pytest.raises(IntegrityError) as refusal:
        steps.take(workshop.target, plan, acts, Journal(workshop.folder))
    assert refusal.value.code == "D641"
    assert refusal.value.detail.startswith(f"step 2 (create-table {name})")
    workshop.target.execute([f"DROP VIEW {named(name)}"])
    steps.take(workshop.target, plan, acts, Journal(workshop.folder))
    assert len(workshop.target.catalog().tables) == 2


def test_a_torn_line_is_no_line(workshop: Workshop, plan: Plan) -> None:
    """What a killed process had half written is cut off, and the journal goes on."""
    journal = Journal(workshop.folder)
    journal.begin(RUN, plan, AT)
    journal.start(plan.steps[0])
    path = workshop.folder / steps.FILE
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"state": "en')
    again = Journal(workshop.folder)
    assert path.read_bytes() == whole
    assert again.belongs(RUN, plan)
    assert again.doubtful(plan.steps[0])
    assert not again.ended(plan.steps[0])
