"""`jiexu migrate home`: a real office's originals on another disk, stated, switched to, killed anywhere."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive import cases, journal
from flows import home_relocating, settings
from flows.cli import jiexu
from flows.home_relocating import HomeReport
from flows.maintaining import audited
from flows.steps import Steps, quiet
from flows.times import now
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import UsageError
from tests.office import Pair, configure, copied, exchange, fill, found_pair, open_approved, some_people
from transfer import detached

LOCKS = {"lock", "seal.lock", "backup.lock"}


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two offices after an exchange; the sender has a sealed segment and an open one."""
    folder = tmp_path_factory.mktemp("exchanged")
    pair = found_pair(folder)
    people = some_people(4)
    fill(pair.sender, people)
    open_approved(pair, [number for number, _ in people[:2]])
    exchange(pair)
    with Office.at(pair.sender) as office:
        office.store.seal_due(now(), all_of_them=True)
    open_approved(pair, [number for number, _ in people[2:]])
    exchange(pair)
    return folder


@pytest.fixture
def pair(exchanged: Path, tmp_path: Path) -> Pair:
    """A copy of them, and an empty disk beside."""
    (tmp_path / "disk").mkdir()
    return copied(exchanged, tmp_path / "offices")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The new storage."""
    return tmp_path / "disk"


def files(root: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and time of every file but locks."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: (path.read_bytes(), path.stat().st_mtime_ns) for name, path in found.items() if name not in LOCKS}


def moved(home: Path, disk: Path, *, switch: bool = True, steps: Steps = quiet) -> HomeReport:
    """The archive of a home on the new disk."""
    with Office.at(home) as office:
        return home_relocating.relocate(office, disk, "u1", now(), workers=2, switch=switch, steps=steps)


def relocations(home: Path) -> list[object]:
    """The roots that the journal has."""
    with Office.at(home) as office:
        return [entry.what["root"] for entry in journal.entries(office.ledger) if entry.kind == "relocated"]


def test_an_office_goes_on_at_the_new_place(pair: Pair, disk: Path) -> None:
    """After the switch the audit is clean, cases are exchanged, and the old folder's files are as they were."""
    old = files(pair.sender / "archive")
    found = moved(pair.sender, disk)
    assert (found.switched, found.files) == (True, len(old))
    with Office.at(pair.sender) as office:
        assert office.archive == disk / "archive"
        assert audited(office, now(), deep=True).problems == ()
    people = some_people(6)[4:]
    fill(pair.sender, people)
    open_approved(pair, [number for number, _ in people])
    exchange(pair)
    with Office.at(pair.sender) as office:
        assert audited(office, now(), deep=True).problems == ()
        assert {row.case for row in cases.originals(office.ledger)}
    left = files(pair.sender / "archive")
    assert left.pop("moved")[0].decode() == str(disk / "archive")
    assert left == old


def test_the_statement_is_signed_and_agrees(pair: Pair, disk: Path) -> None:
    """Office, folders, counts, root and the journal's head stand in it, under the office's signature."""
    found = moved(pair.sender, disk, switch=False)
    text = (disk / home_relocating.STATEMENT).read_bytes()
    with Office.at(pair.sender) as office:
        detached.verify(text, (disk / home_relocating.SIGNATURE).read_bytes(), office.key.public)
    said = json.loads(text)
    assert (said["root"], said["files"], said["bytes"]) == (found.root, found.files, found.bytes)
    assert (said["old"], said["new"]) == (str(pair.sender / "archive"), str(disk / "archive"))
    assert said["sums"] == sha256((disk / home_relocating.SUMS).read_bytes())
    for line in (disk / home_relocating.SUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        assert sha256((disk / name).read_bytes()) == digest
    assert said["journal"].startswith(f"jiexu/{said['office']}/journal\n")
    assert relocations(pair.sender) == [found.root]


def test_without_the_switch_nothing_changes(pair: Pair, disk: Path) -> None:
    """Settings and old folder are the same octets; the report says how to switch."""
    before, text = files(pair.sender / "archive"), (pair.sender / settings.FILE).read_bytes()
    found = moved(pair.sender, disk, switch=False)
    assert (files(pair.sender / "archive"), (pair.sender / settings.FILE).read_bytes()) == (before, text)
    assert any("--switch" in line for line in found.next)


@pytest.mark.parametrize("language", ["en", "zh", "ko"])
def test_what_to_do_next_is_said_in_the_offices_language(pair: Pair, disk: Path, language: str) -> None:
    """Before the switch and after it, with the folders' names."""
    configure(pair.sender, language=language)
    assert any(f"--to {disk}" in line for line in moved(pair.sender, disk, switch=False).next)
    after = "\n".join(moved(pair.sender, disk).next)
    assert str(disk / "archive") in after
    assert f"{pair.sender / 'archive'}/moved" in after


def test_a_process_that_began_before_keeps_nothing_in_the_old_folder(pair: Pair, disk: Path) -> None:
    """A pass with the earlier setting is refused with S401; the same original is kept at the new place."""
    with Office.at(pair.sender) as stale:
        moved(pair.sender, disk)
        with pytest.raises(UsageError, match="S401"):
            stale.store.keep([("delivery-sent", b"late")], now())
    with Office.at(pair.sender) as office:
        (kept,) = office.store.keep([("delivery-sent", b"late")], now())
        assert office.store.read(kept.digest) == b"late"


def test_there_and_back_again(pair: Pair, disk: Path) -> None:
    """What was kept at the new place comes along to a new folder on the old storage."""
    moved(pair.sender, disk)
    with Office.at(pair.sender) as office:
        (kept,) = office.store.keep([("delivery-sent", b"in between")], now())
    back = pair.sender.parent / "back"
    back.mkdir()
    moved(pair.sender, back)
    with Office.at(pair.sender) as office:
        assert office.archive == back / "archive"
        assert office.store.read(kept.digest) == b"in between"
    with pytest.raises(UsageError, match="D607"):
        moved(pair.sender, disk)


def test_a_home_whose_disk_is_not_mounted_begins_no_new_archive(pair: Pair, disk: Path) -> None:
    """The setting names a folder that is not there: S401, and nothing is made."""
    moved(pair.sender, disk)
    disk.rename(disk.with_name("unplugged"))
    with pytest.raises(UsageError, match=r"S401.*storage\.archive"):
        Office.at(pair.sender)
    assert not disk.exists()


KILLS = [("copied", 1), ("copied", 5), ("copied", 12), ("judged", 1), ("locked", 1), ("judged", 2)]
KILLS += [(step, 1) for step in ("compared", "entered", "stated", "left", "switched")]


def _run_and_die(home: Path, disk: Path, step: str, at: int) -> None:
    """Relocate in this process and kill it, without any farewell, at the step."""
    heard: list[str] = []

    def listener(name: str, _count: int) -> None:
        heard.append(name)
        if (name, heard.count(step)) == (step, at):
            os.kill(os.getpid(), signal.SIGKILL)

    moved(home, disk, steps=listener)


@pytest.mark.parametrize(("step", "at"), KILLS, ids=[f"{step}-{at}" for step, at in KILLS])
def test_killed_anywhere_it_is_gone_on_with(pair: Pair, disk: Path, step: str, at: int) -> None:
    """Kill -9 at each step, an original kept if that can be, the same call again: all is there, the audit clean."""
    old = files(pair.sender / "archive")
    child = multiprocessing.get_context("fork").Process(target=_run_and_die, args=(pair.sender, disk, step, at))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    if step == "left":
        with Office.at(pair.sender) as office, pytest.raises(UsageError, match="S401"):
            office.store.keep([("delivery-sent", b"late")], now())
    if step == "switched":
        with pytest.raises(UsageError, match="D607"):
            moved(pair.sender, disk)
    else:
        found = moved(pair.sender, disk)
        assert (found.switched, found.files) == (True, len(old))
    with Office.at(pair.sender) as office:
        assert office.archive == disk / "archive"
        assert audited(office, now(), deep=True).problems == ()
    assert files(disk / "archive") == old
    assert {name: files(pair.sender / "archive")[name] for name in old} == old


def test_the_command_says_what_it_did(pair: Pair, disk: Path) -> None:
    """`--json` has the report; for people there are the root, the statement and what to do next."""
    run: Callable[..., str] = lambda *words: _run(pair.sender, *words)  # noqa: E731 - one line, one home
    told = run("migrate", "home", "--to", str(disk), "--by", "u1")
    assert "--switch" in told
    document = json.loads(run("migrate", "home", "--to", str(disk), "--by", "u1", "--switch", "--json"))
    assert (document["switched"], document["written"]) == (True, 0)
    assert document["root"] in told


def _run(home: Path, *words: str) -> str:
    found = CliRunner().invoke(jiexu, ["-C", str(home), *words])
    assert found.exit_code == 0, found.output
    return found.stdout
