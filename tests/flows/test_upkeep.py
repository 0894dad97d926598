"""Upkeep: recover, seal, audit, back up; each part stands alone, and a schedule does it with nobody asking."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from archive import journal
from archive.audit import AuditReport
from archive.backup import restoring
from archive.segments import catalog
from archive.segments.catalog import Segment
from flows import backup_places, backups, upkeeping
from flows.maintaining import audited
from flows.steps import quiet
from flows.times import now
from flows.upkeeping import UpkeepReport
from flows.wiring import Office
from tests.archive.backup.test_backing import contents, damage
from tests.command_line import Call, outside
from tests.flows.test_crash import upkeep_later
from tests.office import configure, copied, exchange, fill, found_pair, open_approved, some_people
from tests.prefect_server import PrefectServer

PEOPLE = some_people(4)
SEGMENT = 60_000  # bytes; a batch of one case fills less, two more


@dataclass(frozen=True, slots=True)
class Kept:
    """A home whose archive has sealed segments and an open one, and the place of its backups."""

    home: Path
    elsewhere: Path

    def run(self) -> UpkeepReport:
        """One upkeep pass."""
        with Office.at(self.home) as office:
            return upkeeping.upkeep(office)

    def run_later(self) -> UpkeepReport:
        """One when the open segment has come of age."""
        with Office.at(self.home) as office:
            return upkeep_later(office, quiet)

    def segments(self, state: str) -> list[Segment]:
        """The segments in a state."""
        with Office.at(self.home) as office, office.ledger.reading() as connection:
            return catalog.in_state(connection, state)

    def entries(self, *kinds: str) -> list[str]:
        """The kinds of the journal's entries, those of these kinds."""
        with Office.at(self.home) as office:
            return [entry.kind for entry in journal.entries(office.ledger) if entry.kind in kinds]

    def tar(self) -> Path:
        """The tar of a sealed segment."""
        return min((self.home / "archive/ocfl").rglob("members.tar"))


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two offices after an exchange in small segments, and with a place for backups."""
    folder = tmp_path_factory.mktemp("upkeep")
    pair = found_pair(folder)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    configure(pair.sender, segment_bytes=SEGMENT, batch=1, backup=str(elsewhere))
    fill(pair.sender, PEOPLE)
    open_approved(pair, [person for person, _ in PEOPLE])
    exchange(pair)
    return folder


@pytest.fixture
def kept(exchanged: Path, tmp_path: Path) -> Kept:
    """A copy to be changed at will."""
    folder = tmp_path / "offices"
    return Kept(copied(exchanged, folder).sender, folder / "elsewhere")


def test_what_is_due_is_done(kept: Kept) -> None:
    """The open segment is sealed when it is old and not before; all is read; the backup comes back as it is here."""
    assert (len(kept.segments("open")), len(kept.segments("sealed")) > 0) == (1, True)
    early = kept.run()
    assert (early.sealed, early.problems, early.failed, early.share) == ((), (), (), 1.0)
    last = kept.segments("open")[0].n
    report = kept.run_later()
    assert (report.sealed, report.problems, report.failed) == ((last,), (), ())
    assert report.segments == len(kept.segments("sealed")) == last
    assert kept.segments("open") == []
    assert kept.entries("audited", "backed-up") == ["audited", "backed-up"] * 2
    with Office.at(kept.home) as office, backup_places.opened(str(kept.elsewhere)) as place:
        found = restoring.open_snapshot(place, report.snapshot, office.wrap, office.journal_key.verifier)
        assert backups.drill_office(office, place, found, office.wrap, "elsewhere", now()).problems == ()


def test_a_second_run_does_nothing_new(kept: Kept) -> None:
    """No segment, no object, no original, no damage: an audit and a backup of which only the ledger and home are new."""
    kept.run_later()
    archive = {path: data for path, data in contents(kept.home / "archive").items() if "lock" not in path}
    there = contents(kept.elsewhere)
    report = kept.run_later()
    assert (report.sealed, report.problems, report.failed) == ((), (), ())
    assert {path: data for path, data in contents(kept.home / "archive").items() if "lock" not in path} == archive
    after = contents(kept.elsewhere)
    assert {path: after[path] for path in there} == there
    assert {path.partition("/")[0] for path in after.keys() - there.keys()} == {"ledger", "home", "snapshots"}
    assert len(after) == len(there) + 5


def test_half_done_is_finished_first(kept: Kept) -> None:
    """Bytes behind the end and files of no segment, as a killed process leaves them, are put aside; nothing else is."""
    tar = next((kept.home / "archive/open").glob("*.tar"))
    whole = tar.read_bytes()
    tar.write_bytes(whole + b"written, flushed, never acknowledged")
    (tar.parent / "00000099.tar").write_bytes(b"begun, never acknowledged")
    report = kept.run()
    assert (report.problems, report.failed) == ((), ())
    assert tar.read_bytes() == whole
    aside = {path.name: path.read_bytes() for path in (kept.home / "archive/aside").iterdir()}
    assert aside == {
        "00000099.tar": b"begun, never acknowledged",
        f"{tar.stem}-{len(whole)}.tail": b"written, flushed, never acknowledged",
    }


def test_a_backup_place_out_of_reach(kept: Kept, call: Call) -> None:
    """It is named with its code and status 2; the segment is sealed and the audit made all the same, then it goes on."""
    away = kept.elsewhere.rename(kept.home.parent / "away")
    report = kept.run_later()
    assert [(item.subject, item.code, item.status) for item in report.failed] == [("backup", "S401", 2)]
    assert (len(report.sealed), report.problems, report.snapshot) == (1, (), "")
    assert kept.entries("audited", "backed-up") == ["audited"]
    answer = call("-C", kept.home, "upkeep", "--engine", "direct", "--json")
    assert (answer.status, [item["code"] for item in answer.document["failed"]]) == (2, ["S401"])
    away.rename(kept.elsewhere)
    assert call("-C", kept.home, "upkeep", "--engine", "direct").status == 0
    assert kept.entries("backed-up") == ["backed-up"]


def test_a_server_for_backups_that_does_not_answer(kept: Kept, call: Call) -> None:
    """S404 and status 3; the other parts are done."""
    key = " ".join((kept.home / "keys/ssh.pub").read_text(encoding="ascii").split()[:2])
    configure(kept.home, backup="sftp://nobody@127.0.0.1:9/backups", backup_host_key=key)
    answer = call("-C", kept.home, "upkeep", "--engine", "direct", "--json")
    assert [(item["subject"], item["code"]) for item in answer.document["failed"]] == [("backup", "S404")]
    assert answer.status == 3
    assert kept.entries("audited") == ["audited"]


def test_a_damaged_segment_is_told(kept: Kept, call: Call) -> None:
    """A flipped bit is a problem and status 4; the backup has all the rest, and says what it had to leave out."""
    damage(kept.tar(), 700)
    answer = call("-C", kept.home, "upkeep", "--engine", "direct", "--json")
    assert answer.status == 4
    assert {item["code"] for item in answer.document["problems"]} == {"A502"}
    assert [(item["subject"], item["code"]) for item in answer.document["failed"]] == [("backup", "A506")]
    assert answer.document["failed"][0]["detail"] in str(kept.tar())
    assert answer.document["snapshot"]
    shown = call("-C", kept.home, "upkeep", "--engine", "direct")
    assert (shown.status, "A502" in shown.out, "A506" in shown.err) == (4, True, True)


def test_a_segment_that_cannot_be_sealed(kept: Kept) -> None:
    """A bit flipped in the open segment: it is not sealed, which is named; audit and backup go on."""
    damage(next((kept.home / "archive/open").glob("*.tar")), 700)
    report = kept.run_later()
    assert ("seal", "A502", 4) in [(item.subject, item.code, item.status) for item in report.failed]
    assert {problem.code for problem in report.problems} == {"A502"}
    assert report.sealed == ()
    assert report.segments == len(kept.segments("sealed")) + 1
    assert report.snapshot


def test_missing_bytes_are_told(kept: Kept) -> None:
    """An open segment that is shorter than the ledger says is A508; nothing is written to it, the others are backed up."""
    tar = next((kept.home / "archive/open").glob("*.tar"))
    os.truncate(tar, tar.stat().st_size - 600)
    report = kept.run_later()
    assert [(item.subject, item.code) for item in report.failed][:2] == [("recover", "A508"), ("seal", "A508")]
    assert {"A501", "A502", "A508"} & {problem.code for problem in report.problems}
    assert report.snapshot


def test_an_audit_is_cut_to_its_time(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no time at all it reads one segment a run, the longest unread first, until all are read."""
    configure(kept.home, audit_minutes=3)

    def in_no_time(office: Office, at: datetime, *, budget: timedelta) -> AuditReport:
        assert budget == timedelta(minutes=3)
        return audited(office, at, budget=timedelta(0))

    monkeypatch.setattr(upkeeping, "audited", in_no_time)
    many = len(kept.segments("sealed")) + 1
    shares = [kept.run().share for _ in range(many)]
    assert shares == sorted(shares)
    assert (shares[0] < 1.0, shares[-1]) == (True, 1.0)


def test_the_place_is_relative_to_the_home(
    kept: Kept, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like every path in the file, wherever the process was started; a place inside the home is refused."""
    monkeypatch.chdir(tmp_path)
    configure(kept.home, backup="../elsewhere")
    assert call("-C", kept.home, "upkeep", "--engine", "direct").status == 0
    assert list((kept.elsewhere / "snapshots").iterdir())
    assert call("-C", kept.home, "archive", "snapshots", "--json").document["snapshots"]
    (kept.home / "backups").mkdir()
    configure(kept.home, backup="backups")
    answer = call("-C", kept.home, "upkeep", "--engine", "direct", "--json")
    assert (answer.status, [item["code"] for item in answer.document["failed"]]) == (2, ["S401"])
    assert list((kept.home / "backups").iterdir()) == []


def test_upkeep_on_a_server(kept: Kept, server: PrefectServer) -> None:
    """As a flow of a Prefect server a pass does the same: what is wrong is told, the other parts are done."""
    damage(kept.tar(), 700)
    answer = outside("-C", kept.home, "upkeep", "--json", environ=server.environ)
    assert answer.status == 4, answer.err
    assert {item["code"] for item in answer.document["problems"]} == {"A502"}
    assert answer.document["snapshot"]
    assert kept.entries("audited", "backed-up") == ["audited", "backed-up"]
