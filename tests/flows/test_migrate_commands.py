"""`jiexu migrate` from the survey to the proof, as a person types it."""

import shutil
from pathlib import Path

import apsw
import pytest
from lxml import etree

from flows import relocation
from flows.proof_page import page
from formats.digest import sha256
from formats.reasons import LANGUAGES, Language
from migration import proof as proofs
from tests.command_line import Call
from tests.flows.homes_of_migration import office_in, old_database
from tests.parts import shared_data

HTML = "{http://www.w3.org/1999/xhtml}"
MARK = "王小"  # in the name of every person


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of an office."""
    return office_in(tmp_path)


def test_stage_by_stage(home: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Survey, plan, freeze, copy, prove, one by one: each says what it did, and status says how far it is."""
    source, target = old_database(tmp_path / "old.db"), f"sqlite:///{tmp_path / 'new.db'}"
    monkeypatch.setenv("NEW_PLACE", target)
    folder = ["--proof", tmp_path / "run"]
    by = ["--by", "staff-1", "--json"]
    survey = call("-C", home, "migrate", "survey", "--source", source, *folder, *by)
    assert {table["name"]["name"]: table["rows"] for table in survey.document["tables"]} == {
        "contribution": 480,
        "note": 6,
        "person": 40,
    }
    plan = call("-C", home, "migrate", "plan", "--source", source, "--target", "env:NEW_PLACE", *folder, *by)
    assert (plan.status, len(plan.document["tables"])) == (0, 3)
    assert "CREATE TABLE" in (tmp_path / "run" / "plan.sql").read_text(encoding="utf-8")
    before = call("-C", home, "migrate", "status", tmp_path / "run", "--json").document
    assert (before["frozen"], before["copied"], before["verdict"]) == (0, 0, "")
    siard = ["--siard", tmp_path / "old.siard", "--timespan", "2000-2024"]
    freeze = call("-C", home, "migrate", "freeze", "--source", source, *folder, *siard, *by)
    assert (freeze.status, freeze.document["rows"]) == (0, 526)
    copy = call("-C", home, "migrate", "copy", *folder, "--json")
    assert (copy.status, copy.document["rows"]) == (0, 526)
    prove = call("-C", home, "migrate", "prove", *folder, "--json")
    assert (prove.status, prove.document["verdict"]) == (0, "equal")
    after = call("-C", home, "migrate", "status", tmp_path / "run", "--json").document
    assert (after["frozen"], after["copied"], after["verdict"], after["sealed"]) == (526, 526, "equal", True)
    assert MARK not in survey.out + plan.out + freeze.out + copy.out + prove.out
    again = ["--source", f"siard:{tmp_path / 'old.siard'}", "--target", f"sqlite:///{tmp_path / 'third.db'}"]
    run = call("-C", home, "migrate", "run", *again, "--proof", tmp_path / "second", "--engine", "direct", *by)
    assert (run.status, run.document["verdict"], run.document["rows"]) == (0, "equal", 526)


def test_verify_names_what_differs_and_ends_with_4(home: Path, tmp_path: Path, call: Call) -> None:
    """An untouched target: 0. A changed one: 4, with table, key and column; the values are not printed."""
    source, target = old_database(tmp_path / "old.db"), f"sqlite:///{tmp_path / 'new.db'}"
    words = ["--source", source, "--target", target, "--proof", tmp_path / "run", "--by", "staff-1"]
    assert call("-C", home, "migrate", "run", "--engine", "direct", *words).status == 0
    proof = tmp_path / "run" / relocation.PROOF
    assert call("-C", home, "migrate", "verify", proof).status == 0
    with apsw.Connection(str(tmp_path / "new.db")) as database:
        database.execute("UPDATE person SET name = 'somebody' WHERE id = 12")
    told = call("-C", home, "migrate", "verify", proof)
    assert told.status == 4
    assert 'D663 person key "12" column name' in told.out
    asked = call("-C", home, "migrate", "verify", proof, "--json")
    assert asked.document["code"] == "D683"
    assert (asked.status, asked.document["verdict"]) == (4, "differs")
    assert asked.document["differences"] == [{"code": "D663", "table": "person", "key": '"12"', "column": "name"}]
    assert "somebody" not in told.out + told.err + asked.out + asked.err


def test_rows_without_a_key_are_not_printed(home: Path, tmp_path: Path, call: Call) -> None:
    """Of a row of a table without a key a digest is printed; the row itself stands in the list alone, mode 0600."""
    source, target = old_database(tmp_path / "old.db"), f"sqlite:///{tmp_path / 'new.db'}"
    words = ["--source", source, "--target", target, "--proof", tmp_path / "run", "--by", "staff-1"]
    assert call("-C", home, "migrate", "run", "--engine", "direct", *words).status == 0
    with apsw.Connection(str(tmp_path / "new.db")) as database:
        database.execute("INSERT INTO note VALUES (?)", (MARK,))
    told = call("-C", home, "migrate", "verify", tmp_path / "run" / relocation.PROOF)
    asked = call("-C", home, "migrate", "verify", tmp_path / "run" / relocation.PROOF, "--json")
    shown = "row " + sha256(f'"{MARK}"\n'.encode())[:12]
    assert f"D662 note key {shown}" in told.out
    assert asked.document["differences"] == [{"code": "D662", "table": "note", "key": shown, "column": ""}]
    assert MARK not in told.out + told.err + asked.out + asked.err
    listed = tmp_path / "run" / "recheck" / "differences.csv"
    assert MARK in listed.read_text(encoding="utf-8")
    assert listed.stat().st_mode & 0o077 == 0


def test_a_source_that_went_on_is_told(home: Path, tmp_path: Path, call: Call) -> None:
    """The target equals the freeze, but rows came, went and changed in the source since: D665 with counts, and 1."""
    source, target = old_database(tmp_path / "old.db"), f"sqlite:///{tmp_path / 'new.db'}"
    words = ["--source", source, "--target", target, "--proof", tmp_path / "run", "--by", "staff-1"]
    assert call("-C", home, "migrate", "run", "--engine", "direct", *words).status == 0
    with apsw.Connection(str(tmp_path / "old.db")) as database:
        database.execute("INSERT INTO person VALUES (41, 'x', 'y', '2000-01-01'), (42, 'x', 'y', '2000-01-01')")
        database.execute("UPDATE person SET born = '2000-01-02' WHERE id IN (3, 4, 5)")
        database.execute("DELETE FROM note WHERE text = 'NULL'")
        database.execute("CREATE TABLE later (id integer PRIMARY KEY)")
    asked = call("-C", home, "migrate", "prove", "--proof", tmp_path / "run", "--json")
    told = call("-C", home, "migrate", "run", "--engine", "direct", *words)
    assert (asked.status, told.status, asked.document["verdict"]) == (1, 1, "equal")
    changed = {"tables": ["later"], "numbered": ["later", "person"], "gone": 1, "new": 2, "other": 3}
    assert asked.document["source"] == {"drift": "changed", "code": "D665", **changed}
    assert "D665" in told.out
    assert "1 rows gone, 2 new, 3 otherwise" in told.out
    assert "table later" in told.out
    proof = proofs.decode((tmp_path / "run" / relocation.PROOF).read_bytes())
    assert (proof.changes.gone, proof.changes.new, proof.changes.tables) == (1, 2, ("later",))
    html = page(proof, "AB" * 20, "en").decode()
    assert "rows gone 1, new 2, otherwise 3" in html
    assert "later" in html


def test_a_kept_source_is_migrated_again(home: Path, tmp_path: Path, call: Call) -> None:
    """The freeze that the archive kept is taken out and is a source, when the old database is long gone."""
    source = old_database(tmp_path / "old.db")
    by = ["--by", "staff-1", "--json"]
    frozen = call("-C", home, "migrate", "freeze", "--source", source, "--proof", tmp_path / "run", *by)
    (tmp_path / "old.db").unlink()
    kept = call("-C", home, "migrate", "kept", "--json").document["freezes"]
    assert [one["freeze"] for one in kept] == [frozen.document["freeze"]]
    taken = call("-C", home, "migrate", "take-out", kept[0]["freeze"], "--to", tmp_path / "out", *by)
    assert taken.status == 0
    words = ["--source", f"freeze:{tmp_path / 'out'}", "--target", f"sqlite:///{tmp_path / 'new.db'}"]
    run = call("-C", home, "migrate", "run", "--engine", "direct", *words, "--proof", tmp_path / "later", *by)
    assert (run.status, run.document["rows"]) == (0, 526)


def test_room_is_looked_for_before_anything_is_written(
    home: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SIARD file and a freeze taken out are not begun on a disk that is too small (D608); with room they are."""
    source, by = old_database(tmp_path / "old.db"), ["--by", "staff-1", "--json"]
    words = ["-C", home, "migrate", "freeze", "--source", source, "--proof", tmp_path / "run", *by]
    frozen = call(*words)
    small = shutil.disk_usage(tmp_path)._replace(free=100)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: small)
        siard = call(*words, "--siard", tmp_path / "some" / "old.siard")
        taken = call("-C", home, "migrate", "take-out", frozen.document["freeze"], "--to", tmp_path / "out", *by)
        again = call("-C", home, "migrate", "freeze", "--source", source, "--proof", tmp_path / "second", *by)
    assert [(one.status, one.code) for one in (siard, taken, again)] == [(3, "D608")] * 3
    assert not (tmp_path / "some").exists()
    assert not (tmp_path / "out").exists()
    assert call(*words, "--siard", tmp_path / "old.siard").status == 0
    assert call("-C", home, "migrate", "take-out", frozen.document["freeze"], "--to", tmp_path / "out", *by).status == 0


def test_status_writes_nothing_to_the_target(home: Path, tmp_path: Path, call: Call) -> None:
    """A ledger that was dropped when the proof was kept stays away; a target that is not there yet is not made."""
    source, target = old_database(tmp_path / "old.db"), f"sqlite:///{tmp_path / 'new.db'}"
    words = ["--source", source, "--target", target, "--proof", tmp_path / "run", "--by", "staff-1"]
    assert call("-C", home, "migrate", "plan", *words).status == 0
    assert call("-C", home, "migrate", "status", tmp_path / "run", "--json").document["copied"] == 0
    assert not (tmp_path / "new.db").exists()
    assert call("-C", home, "migrate", "run", "--engine", "direct", *words).status == 0
    assert call("-C", home, "migrate", "status", tmp_path / "run", "--json").document["copied"] == 526
    with apsw.Connection(str(tmp_path / "new.db")) as database:
        database.execute("DROP TABLE jiexu_copied")
    before = sha256((tmp_path / "new.db").read_bytes())
    assert call("-C", home, "migrate", "status", tmp_path / "run", "--json").document["copied"] == 0
    assert sha256((tmp_path / "new.db").read_bytes()) == before


def test_a_rehearsal_has_no_people_in_it(home: Path, tmp_path: Path, call: Call) -> None:
    """Rules are drafted, looked at, and a sample is migrated in which no name and no number of the source stands."""
    source, rules = old_database(tmp_path / "old.db"), tmp_path / "rules.toml"
    words = ["--source", source, "--rules", rules, "--by", "staff-1"]
    assert call("-C", home, "migrate", "rehearse", "--draft", *words).status == 0
    text = rules.read_text(encoding="utf-8").replace(
        '"person.id_number" = "pseudonym"', '"person.id_number" = "identity-number"'
    )
    rules.write_text(text, encoding="utf-8")
    place = ["--target", f"sqlite:///{tmp_path / 'try.db'}", "--proof", tmp_path / "rehearsal", "--rows", "10"]
    run = call("-C", home, "migrate", "rehearse", *words, *place, "--json")
    assert (run.status, run.document["verdict"], run.document["rows"]) == (0, "equal", 26)
    with apsw.Connection(str(tmp_path / "try.db")) as database:
        found = database.execute("SELECT name, id_number FROM person").fetchall()
    with apsw.Connection(str(tmp_path / "old.db")) as database:
        real = {cell for row in database.execute("SELECT name, id_number FROM person") for cell in row}
    assert len(found) == 10
    assert not {cell for row in found for cell in row} & real


def test_a_plan_that_refuses_something_changes_nothing(home: Path, tmp_path: Path, call: Call) -> None:
    """A bad source is listed, with 1 from plan and 4 from run; nothing is frozen and the target stays empty."""
    source, target = old_database(tmp_path / "old.db"), f"sqlite:///{tmp_path / 'new.db'}"
    with apsw.Connection(str(tmp_path / "old.db")) as database:
        database.execute("UPDATE person SET born = '2024-02-31' WHERE id = 5")
        database.execute("INSERT INTO contribution VALUES (99, '202401', 1, '1')")
    words = ["--source", source, "--target", target, "--proof", tmp_path / "run", "--by", "staff-1", "--json"]
    plan = call("-C", home, "migrate", "plan", *words)
    refused = {(loss["code"], loss["place"]) for loss in plan.document["losses"] if loss["carry"] == "refused"}
    assert plan.status == 1
    assert {code for code, _ in refused} == {"D613", "D617"}
    run = call("-C", home, "migrate", "run", "--engine", "direct", *words)
    assert (run.status, run.code) == (4, "D605")
    assert not (tmp_path / "run" / "freeze").exists()
    assert not (tmp_path / "new.db").exists() or (tmp_path / "new.db").stat().st_size == 0
    listed = (tmp_path / "run" / "oddities.csv").read_text(encoding="utf-8")
    assert "person.born" in listed
    assert (tmp_path / "run" / "oddities.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_proof_is_one_well_formed_page(home: Path, tmp_path: Path, call: Call, language: Language) -> None:
    """Valid XML in the office's language, nothing fetched, no script; the verdict, every table, every step, no person."""
    url = f"sqlite:///{shared_data('databases/chinook') / 'Chinook_Sqlite.sqlite'}"
    words = ["--source", url, "--target", f"sqlite:///{tmp_path / 'new.db'}", "--proof", tmp_path / "run", "--no-keep"]
    assert call("-C", home, "migrate", "run", "--engine", "direct", *words, "--by", "staff-1").status == 0
    proof = proofs.decode((tmp_path / "run" / relocation.PROOF).read_bytes())
    root = etree.fromstring(page(proof, "AB" * 20, language))
    assert root.get("lang", "")[:2] == language
    assert not [item for item in root.iter() if etree.QName(item).localname in ("script", "link", "img", "iframe")]
    assert not [value for item in root.iter() for name, value in item.attrib.items() if name in ("href", "src")]
    heads = {"".join(item.itertext()) for item in root.iter(f"{HTML}th") if item.get("scope") == "row"}
    assert {table.source for table in proof.tables} <= heads
    assert [item.get("class") for item in root.iter(f"{HTML}p") if item.get("class")] == ["verdict equal"]
    text = etree.tostring(root, encoding="unicode", method="text")
    assert "$" not in text
    assert proof.root in text
