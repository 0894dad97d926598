"""kill -9 at random instants of backup, restore and repair: earlier snapshots restore, nothing is half-visible."""

import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from archive.backup import restoring, snapshot
from archive.backup.folder_place import FolderPlace
from archive.backup.repair import repair
from tests.archive.backup.offices import Office, opened
from tests.archive.backup.test_backing import contents, damage
from tests.archive.backup.test_restoring import restore
from tests.parts import ROOT

# A process that has everything loaded and forks for each act: "pid", and "done" or "killed" when it has ended.
PROGRAM = """
import os, sys
from datetime import timedelta
from pathlib import Path
from archive.backup.folder_place import FolderPlace
from archive.backup.repair import repair
from tests.archive.backup.offices import NOW, Office, opened
from tests.archive.backup.test_restoring import restore

def run(act, home, folder, hour):
    office, place = Office(Path(home), NOW + timedelta(hours=int(hour))), FolderPlace(Path(folder))
    if act == "backup":
        office.back_up(place, budget=None)
    elif act == "restore":
        restore(place, Path(home))
    else:
        with office.damaged() as damaged:
            repair(damaged, place, opened(place), office.later(), "service")

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        try:
            run(*line.rstrip().split(chr(9)))
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    print(pid, flush=True)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print({0: "done", -9: "killed"}.get(status, "failed"), flush=True)
"""


@pytest.fixture(scope="module")
def forker() -> Iterator[subprocess.Popen[bytes]]:
    """The process that forks."""
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@dataclass
class Killer:
    """Runs acts on one home and one place, and kills them."""

    process: subprocess.Popen[bytes]
    home: Path
    place: Path

    def run(self, act: str, after: float, hour: int = 1) -> bool:
        """Run an act and kill it after so many seconds; gives whether it was done before."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\t".join((act, str(self.home), str(self.place), str(hour))).encode() + b"\n")
        pid = int(self.process.stdout.readline())
        ready, _, _ = select.select([self.process.stdout], [], [], after)
        if not ready:
            with suppress(ProcessLookupError):  # it ended this very moment
                os.kill(pid, signal.SIGKILL)
        told = self.process.stdout.readline().strip()
        assert told in (b"done", b"killed")
        return told == b"done"


def instants(act: str, count: int, longest: float) -> Iterator[float]:
    """Random instants, the same every time; more of them early, where most is written."""
    chance = random.Random(act)
    return (chance.random() ** 1.3 * longest for _ in range(count))


def crash_backup(tmp: Path, built: Office, forker: subprocess.Popen[bytes], count: int) -> None:
    """Kill backups one after another, at one place, while the office goes on."""
    office = built.copied(tmp / "home")
    place = FolderPlace(_folder(tmp / "place"))
    first = office.back_up(place)
    known = {first.snapshot: office.files()}
    for number, after in enumerate(instants("backup", count, 0.6)):
        office.clock = office.later(hours=1)
        office.keep([1000 + number])
        if number % 3 == 0:
            with office.open() as (_, store):
                store.seal_due(office.later(), all_of_them=True)
        done = Killer(forker, office.folder, tmp / "place").run("backup", after, number + 1)
        fresh = set(snapshot.listed(place)) - set(known)
        assert len(fresh) == 1 if done else len(fresh) <= 1
        known |= {name: office.files() for name in fresh}
        assert not any(name.endswith(".part") for name, _ in place.names(""))
    for name, files in random.Random(1).sample([*known.items()], min(5, len(known))):
        assert restore(place, tmp / name, name).files() == files
    assert office.audit(deep=True).problems == ()
    office.clock = office.later(hours=1)
    last = office.back_up(place, budget=None)
    assert last.healed == last.damaged == ()
    assert restore(place, tmp / "last").files() == office.files()


def crash_restore(tmp: Path, built: Office, forker: subprocess.Popen[bytes], count: int) -> None:
    """Kill restores: there is no home, or the whole one; run again it comes."""
    office = built.copied(tmp / "home")
    place = FolderPlace(_folder(tmp / "place"))
    office.back_up(place)
    files = office.files()
    home = tmp / "back"
    for after in instants("restore", count, 0.4):
        Killer(forker, home, tmp / "place").run("restore", after)
        if home.exists():
            back = Office(home)
            assert back.files() == files
            assert back.audit().problems == ()
            restoring.remove_tree(home)
    left = home.with_name(".back.restoring")
    if home.exists():
        restoring.remove_tree(home)
    assert restore(place, home).files() == files
    assert not left.exists()


def crash_repair(tmp: Path, built: Office, forker: subprocess.Popen[bytes], count: int) -> None:
    """Kill repairs of a damaged office: run again, everything is as it was before the damage."""
    office = built.copied(tmp / "home")
    place = FolderPlace(_folder(tmp / "place"))
    office.back_up(place)
    files = office.files()
    chance = random.Random(3)
    for number, after in enumerate(instants("repair", count, 0.8)):
        tars = sorted((office.archive / "ocfl").rglob("members.tar"))
        damage(tars[chance.randrange(len(tars))], chance.randrange(9000))
        damage(office.archive / "open/00000004.tar", chance.randrange(7000))
        (office.archive / "open/00000004.keys.pgp").unlink()
        Killer(forker, office.folder, tmp / "place").run("repair", after, number + 1)
        office.clock = office.later(hours=1)
        with office.damaged() as damaged:
            left = repair(damaged, place, opened(place), office.later(), "service").left
        assert left == ()
        assert office.files() == files
    assert office.audit(deep=True).problems == ()


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


CRASHES: dict[str, Callable[[Path, Office, subprocess.Popen[bytes], int], None]] = {
    "backup": crash_backup,
    "restore": crash_restore,
    "repair": crash_repair,
}


@pytest.mark.parametrize("act", CRASHES)
def test_a_few_kills(tmp_path: Path, built: Office, forker: subprocess.Popen[bytes], act: str) -> None:
    """Nine kills of each act."""
    CRASHES[act](tmp_path, built, forker, 9)


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("act", CRASHES)
def test_many_kills(tmp_path: Path, built: Office, forker: subprocess.Popen[bytes], act: str) -> None:
    """Two hundred kills of each act."""
    CRASHES[act](tmp_path, built, forker, 200)


def test_what_a_kill_leaves_is_swept(tmp_path: Path, built: Office) -> None:
    """A part of a killed writer is no file, and goes when it is swept."""
    place = FolderPlace(_folder(tmp_path / "place"))
    (tmp_path / "place" / ".0.part").write_bytes(b"half")
    built.copied(tmp_path / "home").back_up(place)
    assert ".0.part" in contents(tmp_path / "place")
    assert not any("part" in name for name, _ in place.names(""))


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.soak)])
def test_many_cases_come_back(tmp_path: Path, count: int) -> None:
    """An office of many cases, with a document, a signature and a package each, is restored byte for byte."""
    from tests.archive.backup.offices import filled

    office = filled(tmp_path / "home", count)
    place = FolderPlace(_folder(tmp_path / "place"))
    office.back_up(place)
    back = restore(place, tmp_path / "back")
    assert back.files() == office.files()
    report = back.audit(deep=count < 1000)
    assert (report.problems, report.originals) == ((), 3 * count)
