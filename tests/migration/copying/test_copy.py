"""Copying into real databases: what is checked before, what is there after, what a second try finds."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from formats.digest import sha256
from formats.errors import IntegrityError, RefusedError, ServiceError
from migration.canon import Cells
from migration.copying import Advance, copy, finish
from migration.copying.steps import Journal
from migration.engine import Copied
from migration.mapping import Conversion
from migration.plan import Act, Carry, Loss, Step
from migration.verifying import drift
from tests.migration.workshop import AT, RUN, Workshop, load, named

COLUMNS = {"id": "integer", "kind": "text", "note": "text"}
ROWS: list[Cells] = [(str(n), str(n % 3), f"行{n}\n") for n in range(55)]


@pytest.fixture
def filled(workshop: Workshop) -> Workshop:
    """A source with 55 rows, an empty table and one without a key."""
    workshop.make("contrib", COLUMNS, ROWS, ["id"])
    workshop.make("empty", {"id": "integer"}, [], ["id"])
    workshop.make("loose", {"word": "text"}, [("b",), ("a",), (None,), ("a",)])
    workshop.source.execute([f"CREATE INDEX by_kind ON {named(workshop.table('contrib'))} (kind)"])
    return workshop


def code(refusal: pytest.ExceptionInfo[ServiceError]) -> str:
    """The reason."""
    return refusal.value.code


@pytest.mark.parametrize("workers", [1, 2])
def test_everything_arrives(filled: Workshop, workers: int) -> None:
    """All tables arrive whole, by one process or two; a second call finds everything done."""
    frozen, plan = filled.freeze()
    report = filled.copy(frozen, plan, workers)
    assert [(one.rows, one.chunks, one.before) for one in report.tables] == [(55, 6, 0), (0, 1, 0), (4, 1, 0)]
    assert filled.verify(frozen, plan).equal
    have = filled.target.catalog().table(filled.table("contrib"))
    assert (have.primary.columns if have.primary else (), [index.columns for index in have.indexes]) == (
        ("id",),
        [("kind",)],
    )
    again = filled.copy(frozen, plan, workers)
    assert [(one.rows, one.chunks, one.before) for one in again.tables] == [(55, 6, 6), (0, 1, 1), (4, 1, 1)]
    assert again.statements == 0


def test_an_occupied_target_is_left_alone(filled: Workshop) -> None:
    """A target that has one of the tables already is refused by its name, and nothing is made there: D606."""
    filled.target.execute([f"CREATE TABLE {named(filled.table('loose'))} (word text)"])
    with pytest.raises(ServiceError) as refusal:
        filled.copy(*filled.freeze())
    assert code(refusal) == "D606"
    assert "loose" in refusal.value.detail
    assert [table.name.name for table in filled.target.catalog().tables] == ["loose"]


def test_rows_of_somebody_else_are_noticed(filled: Workshop) -> None:
    """Rows in a table of this run for which the ledger has no chunk: D606, not a doubled table."""
    frozen, plan = filled.freeze()
    journal = Journal(filled.folder)
    journal.begin(RUN, plan, AT)
    filled.target.execute(list(plan.statements(Act.CREATE_TABLE)))
    for step in plan.steps:
        if step.act is Act.CREATE_TABLE:
            journal.start(step)
            journal.end(step)
    load(filled.target, frozen.catalog.table(filled.table("loose")), [("mine",)])
    with pytest.raises(ServiceError) as refusal:
        filled.copy(frozen, plan)
    assert code(refusal) == "D606"


def test_a_plan_that_refuses_something_is_not_carried_out(filled: Workshop) -> None:
    """A refused loss stops the copy before the target is touched: D605."""
    frozen, plan = filled.freeze()
    refused = replace(plan, losses=(Loss("D614", "contrib.note", "wider", Carry.REFUSED),))
    with pytest.raises(RefusedError) as refusal:
        filled.copy(frozen, refused)
    assert code(refusal) == "D605"
    assert not filled.target.occupied([table.target for table in plan.tables])


def test_another_plan_or_run_does_not_go_on(filled: Workshop) -> None:
    """The folder's journal is of one run and one plan: D607; a plan of another catalog: D604."""
    frozen, plan = filled.migrated()
    other = replace(plan, steps=(*plan.steps, Step(999, Act.ADD_INDEX, "x", "SELECT 1")))
    with pytest.raises(ServiceError) as refusal:
        filled.copy(frozen, other)
    assert code(refusal) == "D607"
    with pytest.raises(ServiceError) as refusal:
        filled.copy(frozen, replace(plan, catalog="0" * 64))
    assert code(refusal) == "D604"


def test_a_ledger_of_other_chunks_is_refused(filled: Workshop) -> None:
    """A chunk that the target holds with another digest, or that no freeze has: D646."""
    frozen, plan = filled.migrated()
    ledger = "jiexu_copied"
    filled.target.execute([f"UPDATE {ledger} SET sha256 = '{'0' * 64}' WHERE chunk = 3"])
    with pytest.raises(IntegrityError) as refusal:
        filled.copy(frozen, plan)
    assert (code(refusal), refusal.value.detail) == ("D646", "table 1, chunk 3")
    filled.target.execute([f"UPDATE {ledger} SET chunk = 99 WHERE chunk = 3"])
    with pytest.raises(IntegrityError) as refusal:
        filled.copy(frozen, plan)
    assert code(refusal) == "D646"


def test_a_damaged_freeze_stops_the_chunk(filled: Workshop) -> None:
    """A chunk file that does not hold is not loaded: D652, and the target holds whole chunks only."""
    frozen, plan = filled.freeze()
    path = frozen.folder / frozen.chunks(1)[3].file
    path.chmod(0o600)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace("行3".encode(), "行4".encode())))
    with pytest.raises(IntegrityError) as refusal:
        filled.copy(frozen, plan)
    assert code(refusal) == "D652"
    assert [one.chunk for one in filled.target.copied(RUN)] == [1, 2, 3]


def test_declared_rules_are_carried_out_listed_and_verified(filled: Workshop) -> None:
    """Codes go over converted; the list names each cell; the verdict is equal against the converted rows."""
    names = [f"{filled.table(table)}.{column}" for table, column in (("contrib", "kind"), ("loose", "word"))]
    kinds = Conversion("kinds", names[0], {"0": "100", "1": "200", "2": "2"}, "refuse")
    words = Conversion("words", names[1], {"a": "z"}, "keep")
    site = replace(filled, conversions=(kinds, words))
    frozen, plan = site.freeze()
    report = site.copy(frozen, plan)
    assert [one.altered for one in report.tables] == [37, 0, 2]
    assert {(use.rule, use.place, use.cells) for use in report.alterations.uses} == {
        ("kinds", names[0], 37),
        ("words", names[1], 2),
    }
    entries = site.listed("alterations.csv")
    assert entries[0] == (str(site.table("contrib")), '"0"', "kind", "0", "100", "kinds")
    assert len(entries) == report.alterations.listed.lines == 39
    path = site.folder / "alterations.csv"
    assert (path.stat().st_mode & 0o777, sha256(path.read_bytes())) == (0o600, report.alterations.listed.sha256)
    verdict = site.verify(frozen, plan)
    assert verdict.equal
    assert site.copy(frozen, plan).alterations == report.alterations
    site.target.execute([f"UPDATE {named(site.table('contrib'))} SET kind = '0' WHERE id = 30"])
    site.target.execute([f"UPDATE {named(site.table('loose'))} SET word = 'y' WHERE word = 'b'"])
    assert not site.verify(frozen, plan).equal
    assert site.listed() == [
        ("D663", str(site.table("contrib")), '"30"', "kind", "100", "0"),
        ("D661", str(site.table("loose")), '"b"', "", None, None),
        ("D662", str(site.table("loose")), '"y"', "", None, None),
    ]


def test_an_unlisted_code_stops_before_the_target_is_touched(filled: Workshop) -> None:
    """D644 names column and count, `unlisted.csv` the values; the target is still empty."""
    kinds = Conversion("kinds", f"{filled.table('contrib')}.kind", {"0": "100"}, "refuse")
    site = replace(filled, conversions=(kinds,))
    frozen, plan = site.freeze()
    with pytest.raises(IntegrityError) as refusal:
        site.copy(frozen, plan)
    assert (code(refusal), refusal.value.detail) == ("D644", f"{site.table('contrib')}.kind: 36 cells (kinds)")
    assert [entry[3:] for entry in site.listed("unlisted.csv")] == [("1", "18"), ("2", "18")]
    assert not site.target.occupied([table.target for table in plan.tables])
    assert not (site.folder / "alterations.csv").exists()


def test_progress_counts_up_to_all_rows(filled: Workshop) -> None:
    """Each chunk is told with rows done and in all; what was there before counts as done."""
    seen: list[Advance] = []
    frozen, plan = filled.freeze()
    copy(frozen, plan, filled.mapping, filled.target, filled.folder, RUN, at=AT, progress=seen.append)
    assert [one.rows for one in seen] == [10, 20, 30, 40, 50, 55, 55, 59]
    assert {one.of for one in seen} == {59}
    assert seen[-1].left == 0
    assert seen[0].per_second > 0


def test_next_week_goes_on_from_the_freeze(filled: Workshop) -> None:
    """A copy that stopped half-way goes on though the source has changed: the target equals the freeze, not the source."""
    frozen, plan = filled.freeze()
    path = frozen.folder / frozen.chunks(1)[3].file
    away = path.rename(path.with_suffix(".away"))
    with pytest.raises(IntegrityError):
        filled.copy(frozen, plan)
    assert drift(frozen, plan, filled.source, filled.folder).same
    filled.source.execute([f"UPDATE {named(filled.table('contrib'))} SET note = 'late' WHERE id > 30"])
    filled.fill("loose", [("new",)])
    away.rename(path)
    report = filled.copy(frozen, plan)
    assert [one.before for one in report.tables] == [3, 0, 0]
    assert filled.verify(frozen, plan).equal
    changed = drift(frozen, plan, filled.source, filled.folder)
    assert not changed.same
    assert changed.verdict
    assert [one.differences for one in changed.verdict.tables] == [24, 0, 1]
    assert filled.listed("drift.csv")[-1] == ("D662", str(filled.table("loose")), '"new"', "", None, None)


def test_a_source_with_another_table_has_drifted(filled: Workshop) -> None:
    """A table that is gone or has other columns is named, the others are still compared."""
    frozen, plan = filled.freeze()
    filled.source.execute(
        [f"DROP TABLE {named(filled.table('empty'))}", f"ALTER TABLE {named(filled.table('loose'))} ADD COLUMN x text"]
    )
    found = drift(frozen, plan, filled.source, filled.folder)
    assert found.gone == (str(filled.table("empty")), str(filled.table("loose")))
    assert found.verdict
    assert [one.equal for one in found.verdict.tables] == [True]
    assert not found.same


def test_a_chunk_that_came_in_between_is_left_alone(filled: Workshop) -> None:
    """A process thought dead has loaded a chunk since the ledger was read: the same is kept, another is D646."""
    frozen, plan = filled.migrated()

    class Blind(type(filled.target)):  # type: ignore[misc]
        """A target whose ledger is read a moment too early."""

        looks = 0

        def copied(self, run: str) -> tuple[Copied, ...]:
            """Nothing yet at the first looks."""
            Blind.looks += 1
            return () if Blind.looks < 2 else super().copied(run)

    blind = replace(filled, target=Blind(filled.target.url))  # type: ignore[attr-defined]
    report = blind.copy(frozen, plan)
    assert [one.before for one in report.tables] == [6, 1, 1]
    assert filled.verify(frozen, plan).equal


def test_triggers_come_last(filled: Workshop, tmp_path: Path) -> None:
    """The triggers' statements are run by `finish` alone, and once."""
    frozen, plan = filled.freeze()
    made = f"CREATE TABLE {named(filled.table('made'))} (id integer)"
    last = replace(plan, steps=(*plan.steps, Step(999, Act.CREATE_TRIGGER, "t", made)))
    filled.copy(frozen, last)
    assert not filled.target.occupied([filled.table("made")])
    assert [finish(last, filled.target, filled.folder) for _ in range(2)] == [1, 0]
    assert filled.target.occupied([filled.table("made")])
