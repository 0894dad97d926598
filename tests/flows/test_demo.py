"""The demo keeps its promises: what it counts, what stays, what it never touches, on both SSH servers."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from flows import demo
from flows.cli import run
from flows.demo import Outcome, run_demo
from flows.ssh_server import Kind
from flows.steps import Steps, quiet
from flows.wiring import Office
from formats.errors import UsageError

COUNT = 12
KEYS = {
    "people",
    "held",
    "sent",
    "accepted",
    "rejected",
    "originals_kept",
    "digests_equal",
    "seconds",
    "persons_per_second",
    "homes",
}


def no_bar(_label: str, _total: int | None, _names: Sequence[str]) -> Steps:
    """Nobody is watching."""
    return quiet


def demonstrate(folder: Path, seed: int = 1, server_kind: Kind | None = None) -> Outcome:
    """A small demo without Prefect."""
    return run_demo(folder, COUNT, seed, "direct", no_bar, server_kind=server_kind)


def names(home: Path) -> set[str]:
    """The names of the people at a home."""
    with Office.at(home) as office:
        return {office.records.read(person, demo.KINDS).person.name for person in office.records.persons()}


@pytest.mark.parametrize("server_kind", [None, "asyncssh"])
def test_the_demo_ends_as_promised(tmp_path: Path, server_kind: Kind | None) -> None:
    """Three held, three rejected, the rest accepted, each for its reason; same bytes at both ends; archives hold.

    What the sender kept comes back from a backup, and the evidence of a case holds by itself.
    """
    outcome = demonstrate(tmp_path / "demo", server_kind=server_kind)
    assert (outcome.people, outcome.sent, outcome.accepted, outcome.originals_kept) == (12, 9, 6, 9)
    held = [{finding.code for finding in row.findings} for row in outcome.held]
    assert held == [{"R001"}, {"R014"}, {"R017"}]
    rejected = [{finding.code for finding in row.findings} & {"L301", "L302", "L303"} for row in outcome.rejected]
    assert rejected == [{"L301"}, {"L302"}, {"L303"}]
    assert outcome.digests_equal
    assert outcome.problems == outcome.keeping.problems == ()
    assert (outcome.moved.verdict, outcome.moved.differences) == ("equal", 0)
    assert outcome.moved.rows > outcome.people
    assert (outcome.keeping.restored, outcome.keeping.bundle) == (9 * 4, True)  # document, signature, package, receipt
    if server_kind:
        assert outcome.server == server_kind
    with Office.at(outcome.receiver) as receiver:
        # Six came, one had come before, two were there already: one of them under another name.
        assert len(receiver.records.persons()) == 9


def test_the_demo_prints_what_scripts_expect_and_what_people_want(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json` has every promised key and sums that fit; a second run in the same folder, with other people of another
    seed, names each case that did not go through with its reason, and how to explore.
    """
    folder = tmp_path / "demo"
    arguments = ["demo", "--engine", "direct", "--dir", str(folder)]
    assert run([*arguments, "--people", str(COUNT), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) >= KEYS
    assert told["people"] == told["held"] + told["sent"] == COUNT
    assert told["sent"] == told["accepted"] + told["rejected"] == told["originals_kept"]
    assert told["digests_equal"] is True
    assert told["homes"] == {"sender": str(folder / "hangzhou"), "receiver": str(folder / "shenzhen")}
    assert told["persons_per_second"] == pytest.approx(told["sent"] / told["seconds"], rel=0.1)
    before = names(folder / "hangzhou")

    assert run([*arguments, "--people", "6", "--seed", "2"]) == 0
    shown = capsys.readouterr()
    for code in ("R001", "R014", "R017", "L301", "L302", "L303"):
        assert f" {code} " in shown.out
    assert f"jiexu -C {folder / 'hangzhou'} case list" in shown.out
    assert shown.err == ""
    after = names(folder / "hangzhou")
    assert len(after & before) < len(after) / 2


def test_a_folder_that_is_no_demo_is_refused_and_untouched(tmp_path: Path) -> None:
    """Somebody's folder, and a file, are S414 and stay as they are; an empty folder is taken."""
    folder, file = tmp_path / "precious", tmp_path / "file"
    folder.mkdir()
    (folder / "letter.txt").write_text("mine", encoding="utf-8")
    file.write_text("mine", encoding="utf-8")
    for place in (folder, file):
        with pytest.raises(UsageError) as caught:
            demonstrate(place)
        assert caught.value.code == "S414"
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]
    assert {(folder / "letter.txt").read_text("utf-8"), file.read_text("utf-8")} == {"mine"}
