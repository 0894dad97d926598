"""A migration as an office does it: proved, signed, in the journal, its source among the originals."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from archive import freezes, journal
from archive.audit import audit
from flows import engine, rechecking, relocation
from flows.times import now
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import IntegrityError, RefusedError, UsageError
from migration import proof as proofs
from migration.proof import Drift, Verdict
from migration.run import Folder
from tests.flows.homes_of_migration import office_in, old_database
from tests.migration.run_carrying import small

ROWS = 40 + 40 * 12 + 6


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an office, an old database, a new one, and the proof that they are equal in `run/`."""
    folder = tmp_path_factory.mktemp("migrated")
    home = office_in(folder)
    url = old_database(folder / "old.db")
    begun = relocation.begin(folder / "run", url, f"sqlite:///{folder / 'new.db'}", "u1")
    with Office.at(home) as office:
        report = relocation.relocate(office, begun)
    assert (report.verdict, report.rows, report.differences) == ("equal", ROWS, 0)
    assert report.kept > 0
    return folder


@pytest.fixture
def folder(migrated: Path, tmp_path: Path) -> Path:
    """The same, to be changed at will: run, target and source are copies."""
    for name in ("run", "new.db", "old.db"):
        (shutil.copytree if name == "run" else shutil.copy)(migrated / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def office(migrated: Path) -> Office:
    """The office."""
    return Office.at(migrated / "hangzhou")


def proof_in(folder: Path) -> proofs.Proof:
    """The proof in a folder's run."""
    return proofs.decode((folder / "run" / relocation.PROOF).read_bytes())


def recheck(office: Office, folder: Path) -> rechecking.Rechecked:
    """The proof held against the copy of the target."""
    return rechecking.recheck(office, folder / "run" / relocation.PROOF, target=f"sqlite:///{folder / 'new.db'}")


def changed(folder: Path, statement: str) -> None:
    """Somebody writes to the target."""
    with apsw.Connection(str(folder / "new.db")) as database:
        database.execute(statement)


def test_the_proof_says_what_was_done(migrated: Path) -> None:
    """Rows, tables, keys, roots, who and how long stand in the proof; the two roots are one."""
    proof = proof_in(migrated)
    assert proof.verdict is Verdict.EQUAL
    assert (proof.root == proof.target_root, proof.rows, proof.by, proof.drift) == (True, ROWS, "u1", Drift.SAME)
    assert {(table.source, table.rows, table.key) for table in proof.tables} == {
        ("person", 40, ("id",)),
        ("contribution", 480, ("person", "month")),
        ("note", 6, ()),
    }
    assert {"survey", "freeze", "copy", "verify"} <= {phase.name for phase in proof.phases}
    assert proof.cut_over
    assert proof.way_back


def test_the_freeze_is_among_the_originals(migrated: Path, office: Office, tmp_path: Path) -> None:
    """The archive has the freeze, its audit is clean, and what is taken out is a source again."""
    (kept,) = freezes.listing(office.ledger)
    assert kept.freeze == proof_in(migrated).freeze
    assert audit(office.ledger, office.store, office.archive, at=now()).problems == ()
    freezes.take_out(office.store, kept.freeze, tmp_path / "out")
    again = relocation.begin(tmp_path / "run", f"freeze:{tmp_path / 'out'}", f"sqlite:///{tmp_path / 'third.db'}", "u2")
    report = relocation.relocate(office, again, keep=False)
    assert (report.verdict, report.rows) == ("equal", ROWS)


def test_every_stage_is_in_the_journal(migrated: Path, office: Office) -> None:
    """Frozen, copied, proved, kept: an entry each, with counts and digests and nothing of a row (art. 12)."""
    proof = proof_in(migrated)
    whats = [(entry.kind, entry.what) for entry in journal.entries(office.ledger)]
    of_freeze = {kind: what for kind, what in whats if what.get("freeze") == proof.freeze}
    of_run = {kind: what for kind, what in whats if what.get("run") == proof.run}
    assert {"frozen", "copied", "freeze-kept"} <= set(of_freeze)
    assert of_freeze["frozen"]["rows"] == of_run["copied"]["rows"] == of_run["proved"]["rows"] == ROWS
    assert of_run["proved"]["root"] == proof.root


def test_a_proof_holds_as_long_as_nothing_changes(folder: Path, office: Office) -> None:
    """Held against freeze and target again, the proof holds, and the same call again does nothing new."""
    assert recheck(office, folder).same


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE contribution SET base = base + 0.01 WHERE person = 7 AND month = '202403'",
         [("D663", "contribution", '"7","202403"', "base")]),
        ("DELETE FROM person WHERE id = 40", [("D661", "person", '"40"', "")]),
        ("INSERT INTO person VALUES (41, 'x', NULL, NULL)", [("D662", "person", '"41"', "")]),
        ("INSERT INTO note VALUES ('alpha')", [("D664", "note", "row " + sha256(b'"alpha"\n')[:12], "")]),
        ("UPDATE person SET name = CASE id WHEN 1 THEN '王小2' ELSE '王小1' END WHERE id IN (1, 2)",
         [("D663", "person", '"1"', "name"), ("D663", "person", '"2"', "name")]),
    ],
)  # fmt: skip
def test_every_difference_is_named(
    folder: Path, office: Office, statement: str, named: list[tuple[str, str, str, str]]
) -> None:
    """A row changed, lost, added, doubled, two values swapped: table, key and column of each are named."""
    changed(folder, statement)
    found = recheck(office, folder)
    assert not found.same
    assert [(one.code, one.table, one.key, one.column) for one in rechecking.differences(found)] == named


def test_a_changed_proof_is_refused(folder: Path, office: Office) -> None:
    """One octet of the proof, or no signature beside it: D681, S417, before anything else is looked at."""
    file = folder / "run" / relocation.PROOF
    file.write_bytes(file.read_bytes().replace(b'"rows":526', b'"rows":527'))
    with pytest.raises(RefusedError, match="D681"):
        recheck(office, folder)
    (folder / "run" / relocation.SIGNATURE).unlink()
    with pytest.raises(UsageError, match="S417"):
        recheck(office, folder)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda run: next((run / "freeze" / "data").rglob("*.gz")).unlink(), "D652"),
        (
            lambda run: (run / "plan.json").write_bytes((run / "plan.json").read_bytes().replace(b"50000", b"50001")),
            "D682",
        ),
        (lambda run: (run / "mapping.toml").write_text("[types]\n"), "D682"),
    ],
)
def test_a_proof_without_its_parts_is_not_believed(
    folder: Path, office: Office, damage: Callable[[Path], object], code: str
) -> None:
    """A freeze that lost a chunk, another plan, another mapping file: named, and not taken for the proved ones."""
    for path in (folder / "run").rglob("*"):
        path.chmod(0o700)
    damage(folder / "run")
    with pytest.raises((IntegrityError, UsageError), match=code):
        recheck(office, folder)


def test_a_source_that_changed_is_told_from_a_bad_copy(folder: Path, office: Office) -> None:
    """The target equals the freeze; that the source went on is said beside it."""
    run = Folder(folder / "run")
    asked = run.asked()
    fresh = relocation.begin(folder / "second", f"sqlite:///{folder / 'old.db'}", f"sqlite:///{folder / 'b.db'}", "u1")
    relocation.survey(fresh)
    relocation.plan(fresh)
    relocation.freeze(office, fresh)
    relocation.copy(office, fresh)
    with apsw.Connection(str(folder / "old.db")) as database:
        database.execute("UPDATE person SET name = 'later' WHERE id = 3")
    proof = relocation.prove(office, fresh)
    assert asked.run != proof.run
    assert (proof.verdict, proof.drift) == (Verdict.EQUAL, Drift.CHANGED)
    assert [loss.code for loss in proof.losses] == ["D622", "D665"]
    assert "changed" in (folder / "second" / relocation.PAGE).read_text(encoding="utf-8")


def test_conversions_are_listed_and_proved(folder: Path, office: Office) -> None:
    """Each altered value is listed with table, key, column, old, new, rule; the proof counts the rule's uses."""
    mapping = folder / "site.toml"
    mapping.write_text(
        '[[convert]]\nname = "kinds"\ncolumn = "contribution.kind"\nvalues = { "1" = "110", "2" = "210" }\n',
        encoding="utf-8",
    )
    begun = relocation.begin(folder / "c", f"sqlite:///{folder / 'old.db'}", f"sqlite:///{folder / 'c.db'}", "u1")
    relocation.survey(begun)
    relocation.plan(begun, mapping)
    report = relocation.relocate(office, begun, keep=False)
    assert (report.verdict, report.altered) == ("equal", 480)
    proof = proofs.decode((folder / "c" / relocation.PROOF).read_bytes())
    assert [(use.rule, use.place, use.cells) for use in proof.uses] == [("kinds", "contribution.kind", 480)]
    lines = (folder / "c" / "alterations.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1] == '"contribution","""1"",""202401""","kind","2","210","kinds"'
    with apsw.Connection(str(folder / "c.db")) as database:
        assert database.execute("SELECT DISTINCT kind FROM contribution ORDER BY kind").fetchall() == [
            ("110",),
            ("210",),
        ]


def test_a_value_without_an_answer_stops_everything(folder: Path, office: Office) -> None:
    """A conversion that does not list a value refuses with place and count, and the target stays empty."""
    mapping = folder / "site.toml"
    mapping.write_text('[[convert]]\nname = "k"\ncolumn = "contribution.kind"\nvalues = { "1" = "110" }\n')
    begun = relocation.begin(folder / "c", f"sqlite:///{folder / 'old.db'}", f"sqlite:///{folder / 'c.db'}", "u1")
    relocation.survey(begun)
    relocation.plan(begun, mapping)
    with pytest.raises(IntegrityError, match=r"D644.*contribution\.kind: 240 cells"):
        relocation.relocate(office, begun, keep=False)
    with apsw.Connection(str(folder / "c.db")) as database:
        assert database.execute("SELECT count(*) FROM sqlite_schema").fetchall() == [(0,)]


def test_a_folder_is_of_one_migration(folder: Path) -> None:
    """Another source or target, or a folder that holds something else, is refused with D607."""
    for source, target, place in (
        (f"sqlite:///{folder / 'other.db'}", "", "run"),
        (Folder(folder / "run").asked().source, "sqlite:////elsewhere.db", "run"),
        ("sqlite:////x.db", "", "."),
    ):
        with pytest.raises(UsageError, match="D607"):
            relocation.begin(folder / place, source, target, "u1")


@pytest.mark.parametrize("wrong", ["nothing", "postgresql://host/x?nonsense=1", "mariadb://host"])
def test_a_wrong_address_begins_nothing(tmp_path: Path, wrong: str) -> None:
    """An address that can't be read, or with a parameter that is not known, is D601; no folder is made for it."""
    good = f"sqlite:///{tmp_path / 'old.db'}"
    for source, target in ((wrong, ""), (wrong, good), (good, wrong)):
        with pytest.raises(UsageError, match="D601"):
            relocation.begin(tmp_path / "new", source, target, "u1")
    assert list(tmp_path.iterdir()) == []


def test_the_flow_of_prefect_does_the_same(folder: Path, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Prefect's own server: the same report, a task a stage and a task a group of chunks; every row is told once."""
    small(monkeypatch)
    told: Counter[str] = Counter()

    def count(name: str, rows: int) -> None:
        told[name] += rows

    url = f"sqlite:///{folder / 'old.db'}"
    begun = relocation.begin(folder / "p", url, f"sqlite:///{folder / 'p.db'}", "u1")
    document = engine.run_migration(office, "embedded", begun, count, workers=1, keep=False)
    assert (document["verdict"], document["rows"]) == ("equal", ROWS)
    assert (told["frozen"], told["copied"], told["compared"]) == (ROWS, ROWS, ROWS)


def test_a_lost_index_is_named(folder: Path, office: Office) -> None:
    """Rows alone are not a database: a key, index or column rule that is gone is named too."""
    with apsw.Connection(str(folder / "new.db")) as database:
        database.execute("CREATE TABLE p2 (id INTEGER PRIMARY KEY, name TEXT, id_number VARCHAR(18), born DATE)")
        database.execute("INSERT INTO p2 SELECT * FROM person")
        database.execute("DROP TABLE person")
        database.execute("ALTER TABLE p2 RENAME TO person")
    found = recheck(office, folder)
    assert (found.same, found.differences.lines) == (False, 0)
    assert [(lack.place.split(" ")[0], lack.detail) for lack in found.lacks] == [("person.name", "may be NULL")]


def test_a_refused_plan_is_made_again(folder: Path) -> None:
    """As long as nothing was frozen, a corrected source is surveyed anew and another mapping file is taken."""
    source = f"sqlite:///{folder / 'old.db'}"
    with apsw.Connection(str(folder / "old.db")) as database:
        database.execute("UPDATE person SET born = '2024-02-31' WHERE id = 5")
    begun = relocation.begin(folder / "again", source, f"sqlite:///{folder / 'a.db'}", "u1")
    relocation.survey(begun)
    assert list(relocation.plan(begun).refused())
    mapping = folder / "site.toml"
    mapping.write_text('[columns]\n"person.born" = "text"\n', encoding="utf-8")
    assert not list(relocation.plan(begun, mapping).refused())
    mapping.write_text("[types]\n", encoding="utf-8")
    assert list(relocation.plan(begun, mapping).refused())
    with apsw.Connection(str(folder / "old.db")) as database:
        database.execute("UPDATE person SET born = '2024-02-28' WHERE id = 5")
    relocation.survey(begun, anew=True)
    assert not list(relocation.plan(begun).refused())
