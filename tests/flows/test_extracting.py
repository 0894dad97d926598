"""Extracts for planning and development (art. 17): nobody is alone in one, and nothing of a person is left."""

import csv
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archive import journal
from flows import extracting
from flows.extracting import KEY, Asked
from flows.times import now
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import UnreachableError, UsageError
from tests.command_line import Call
from tests.office import copied, fill, found_pair, some_people
from tests.parts import ROOT

PEOPLE = some_people(120)
ASKED = Asked(100, 3, "planning", ("staff-1", "staff-2"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an office that has people."""
    folder = tmp_path_factory.mktemp("filled")
    fill(found_pair(folder).sender, PEOPLE)
    return folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    """The office."""
    return copied(filled, tmp_path).sender


def _extract(home: Path, folder: Path, asked: Asked = ASKED) -> extracting.Extract:
    with Office.at(home) as office:
        return extracting.extract(office, asked, folder, now())


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_nobody_is_alone(home: Path, tmp_path: Path) -> None:
    """Counted again from the file: each combination of what is known of a person occurs at least k times."""
    made = _extract(home, tmp_path / "out")
    persons = _rows(tmp_path / "out", "persons")
    alike = Counter(tuple(value for name, value in row.items() if name != "person") for row in persons)
    assert min(alike.values()) == made.k >= ASKED.k
    assert (len(persons), made.given + made.left_out) == (made.given, ASKED.persons)
    assert made.left_out <= ASKED.persons / 5
    names = {row["person"] for row in persons}
    assert len(names) == made.given
    for part in ("contributions", "benefits", "account"):
        assert {row["person"] for row in _rows(tmp_path / "out", part)} <= names


def test_nothing_of_a_person_is_left(home: Path, tmp_path: Path) -> None:
    """No name, number, employer, document or exact date of anybody stands in any file, amounts to the hundred yuan."""
    _extract(home, tmp_path / "out")
    left = "\n".join(file.read_text(encoding="utf-8") for file in (tmp_path / "out").iterdir())
    cells = {cell for line in left.splitlines() for cell in line.split(",")}
    for number, record in PEOPLE:
        person = record.person
        for text in (number, person.name, person.social_security_number, person.birth_date, person.first_work_date):
            assert text not in left
        for employer in record.employers:
            assert employer.name not in left
            assert employer.credit_code not in left
            assert employer.employer_id not in cells
        assert not {row.month for row in record.contributions} & cells


def test_amounts_are_rounded(home: Path, tmp_path: Path) -> None:
    """Every sum is one of hundreds of yuan."""
    _extract(home, tmp_path / "out")
    sums = {"contributions": ("base", "employer_paid", "person_paid"), "benefits": ("amount",), "account": ("closing",)}
    for part, names in sums.items():
        assert {int(row[name]) % 100 for row in _rows(tmp_path / "out", part) for name in names} <= {0}


@pytest.mark.parametrize("key", ["", "zz", "ab" * 16])
def test_a_key_that_is_none(home: Path, tmp_path: Path, key: str) -> None:
    """S408: with an empty or a short key everybody could undo the pseudonyms."""
    (home / KEY).write_text(key, encoding="ascii")
    with pytest.raises(UsageError, match="S408"):
        _extract(home, tmp_path / "out")


def test_the_same_people_stand_under_the_same_pseudonyms(home: Path, tmp_path: Path) -> None:
    """Two extracts with one key can be joined; with another key nothing can."""
    _extract(home, tmp_path / "one")
    _extract(home, tmp_path / "two")
    (home / KEY).write_text("ab" * 32, encoding="ascii")
    _extract(home, tmp_path / "three")
    one, two, three = ({row["person"] for row in _rows(tmp_path / name, "persons")} for name in ("one", "two", "three"))
    assert one == two
    assert not one & three


def test_the_folder_is_whole_and_private(home: Path, tmp_path: Path) -> None:
    """Only this user reads it; the manifest has the digest of each file, the journal that of the manifest, and who asked."""
    made = _extract(home, tmp_path / "out")
    out = tmp_path / "out"
    assert out.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in out.iterdir()} == {0o600}
    assert (home / KEY).stat().st_mode & 0o777 == 0o600
    text = (out / "manifest.json").read_bytes()
    manifest = json.loads(text)
    assert manifest["files"] == {
        f"{name}.csv": sha256((out / f"{name}.csv").read_bytes()) for name in extracting.COLUMNS
    }
    with Office.at(home) as office:
        entry = journal.entries(office.ledger)[-1]
    assert (entry.kind, entry.who, entry.what["with"]) == ("extracted", "staff-1", "staff-2")
    assert entry.what["digest"] == made.manifest == sha256(text)


def test_what_is_stopped_leaves_nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the middle there is no folder, nor an entry; the next time it is made."""

    def stopped(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(extracting, "_with_manifest", stopped)
        with pytest.raises(KeyboardInterrupt):
            _extract(home, tmp_path / "out")
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]
    _extract(home, tmp_path / "out")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Asked(100, 90, "planning", ("staff-1", "staff-2")), "S490"),
        (Asked(3, 5, "planning", ("staff-1", "staff-2")), "S490"),
        (Asked(100, 3, "planning", ("staff-1", "staff-1")), "S491"),
    ],
)
def test_what_is_refused(home: Path, tmp_path: Path, asked: Asked, code: str) -> None:
    """Nobody can be hidden, or one person asks twice: nothing is written."""
    with pytest.raises(UsageError, match=code):
        _extract(home, tmp_path / "out", asked)
    assert not (tmp_path / "out").exists()


def test_the_command(home: Path, tmp_path: Path, call: Call) -> None:
    """It says how many and how well hidden; a folder that is there is not touched (S414), one person is not enough."""
    words = ["extract", "--persons", "100", "--k", "3", "--for", "development", "--by", "staff-1"]
    out = tmp_path / "out"
    answer = call("-C", home, *words, "--by", "staff-2", "-o", out)
    assert answer.status == 0
    assert answer.out.startswith(f"{out}: ")
    again = call("-C", home, *words, "--by", "staff-2", "-o", out, "--json")
    assert (again.status, again.code) == (2, "S414")
    alone = call("-C", home, *words, "-o", tmp_path / "other", "--json")
    assert (alone.status, alone.code) == (2, "S491")


def test_two_at_once_under_one_name(home: Path, tmp_path: Path) -> None:
    """Of three processes one writes the extract, whole and once in the journal; the others are told that it is there."""
    words = ("extract", "--persons", "100", "--k", "3", "--for", "planning", "--by", "staff-1", "--by", "staff-2")
    start = "from flows.start import main; main()"
    command = [sys.executable, "-c", start, "-C", str(home), *words, "-o", str(tmp_path / "out"), "--json"]
    runs = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)]
    told = [json.loads(run.communicate(timeout=120)[0]) for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 2, 2]
    assert sorted(one.get("error", {}).get("code", "") for one in told) == ["", "S414", "S414"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert {name: sha256((tmp_path / "out" / name).read_bytes()) for name in manifest["files"]} == manifest["files"]
    with Office.at(home) as office:
        entries = [line.what["digest"] for line in journal.entries(office.ledger) if line.kind == "extracted"]
    assert entries == [sha256((tmp_path / "out" / "manifest.json").read_bytes())]


def test_records_that_change_meanwhile(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody would be alone, since the records were changed between the two readings: S490, and nothing is written."""
    choose = extracting.deidentified.choose

    def changed(*given: Any) -> int | None:
        with closing(sqlite3.connect(home / "records.db")) as database, database:
            database.execute("UPDATE ac01 SET aac006 = '1931-01-01' WHERE rowid % 2 = 0")
        return choose(*given)

    monkeypatch.setattr(extracting.deidentified, "choose", changed)
    with pytest.raises(UsageError, match="S490"):
        _extract(home, tmp_path / "out", replace(ASKED, k=9))
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_nothing_is_handed_out_that_is_not_in_the_journal(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the entry cannot be written there is no extract."""

    def refused(*_given: object) -> None:
        raise UnreachableError("S409")

    monkeypatch.setattr(extracting.journal, "append", refused)
    with pytest.raises(UnreachableError):
        _extract(home, tmp_path / "out")
    assert not (tmp_path / "out").exists()
