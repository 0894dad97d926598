"""Killed at any instant, the archive is whole after a start, and what was said to be done is done."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archive.ocfl.objects import settle
from archive.ocfl.validation import validate_object, validate_root
from tests.archive.ocfl import toy
from tests.archive.ocfl.outside import judged
from tests.parts import ROOT, need

WORKER = [sys.executable, "-m", "tests.archive.ocfl.worker"]
NO_ROOM = """
import resource, signal, sys
from pathlib import Path
from formats.errors import UnreachableError
from tests.archive.ocfl import toy

archive = toy.archive(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    archive.write(2, toy.segment(2, 100_000))
except UnreachableError as error:
    print(error.code)
"""
WRITE = """
import sys
from pathlib import Path
from tests.archive.ocfl import toy

archive = toy.archive(Path(sys.argv[1]))
archive.write(1, {**toy.segment(1), "members.tar": Path(sys.argv[1], "tar")})
archive.rekey(1, 2)
"""
STEPS = "fsync,rename,mkdir,unlink,unlinkat,rmdir,link,linkat"


def _whole(archive: toy.Archive) -> dict[str, set[str]]:
    """Both judges find the root valid and nothing is left; the logical paths of each object."""
    assert validate_root(archive.root.path) == ()
    files = {each: set(archive.root.files(each)) for each, _ in archive.root.objects()}
    assert judged(archive.root.path) == (len(files), len(files), [])
    assert not archive.stage.exists() or [*archive.stage.iterdir()] == []
    return files


def _killed_some_time(folder: Path, first: int, after: float) -> list[str]:
    """What a worker had said when it was killed, `after` seconds after it had begun."""
    process = subprocess.Popen(
        [*WORKER, str(folder), "many", str(first)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)
    process.kill()
    said, wrong = process.communicate()
    assert (process.returncode, wrong) == (-signal.SIGKILL, "")
    return said.splitlines()


def _trial(folder: Path, kills: int) -> None:
    archive = toy.archive(folder)
    chance = random.Random()
    sure: dict[int, int] = {}
    for number in range(kills):
        first = 1 + number * 1000
        for line in _killed_some_time(folder, first, chance.uniform(0, 0.15)):
            what, which, *keys = line.split()
            sure[int(which)] = {"wrote": 1, "rekeyed": int(keys[0]) if keys else 0, "destroyed": 0}[what]
        archive.recover()
        files = _whole(archive)
        last = max((which for which in sure if which >= first), default=first)
        for which, keys in [*sure.items()]:
            have = files.get(toy.name(which))
            sure[which] = next((keys for keys in (1, 2, 3) if have and f"keys-{keys}.pgp" in have), 0)
            if keys == 0:
                assert have is None
            elif have is None:
                assert (which, keys, which % 3) == (last, 3, 0), "only the one that was being destroyed may be gone"
            else:
                assert f"keys-{keys}.pgp" in have or (which == last and f"keys-{keys + 1}.pgp" in have)


def test_killed_while_it_writes(tmp_path: Path) -> None:
    """At 12 random instants of writing, changing keys and destroying."""
    _trial(tmp_path, 12)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_killed_while_it_writes_many_times(tmp_path: Path) -> None:
    """At 200 random instants."""
    _trial(tmp_path, 200)


def _steps(folder: Path) -> list[tuple[str, int]]:
    """The steps on the disk that all the acts take: which call, and the how many-th of its kind."""
    log = folder / "log"
    trace = [need("strace"), "-e", f"trace={STEPS}", "-o", log]
    subprocess.run([*trace, *WORKER, folder / "a", "all"], cwd=ROOT, check=True)
    _finished(toy.archive(folder / "a"))
    calls = [line.split("(")[0] for line in log.read_text().splitlines() if "(" in line]
    assert set(calls) <= set(STEPS.split(","))
    return [(call, calls[: number + 1].count(call)) for number, call in enumerate(calls)]


def _finished(archive: toy.Archive) -> None:
    assert _whole(archive) == {
        toy.name(1): {"members.tar", "manifest-sha256.txt", "catalog.bin", "keys-2.pgp"},
        toy.name(2): {"members.tar", "manifest-sha256.txt", "catalog.bin", "keys-1.pgp"},
    }


def _killed_at(folder: Path, step: tuple[str, int]) -> None:
    """Kill all the acts at one step, start again, compare; then do all of them again to the end."""
    call, nth = step
    kill = [need("strace"), "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={nth}"]
    told = subprocess.run([*kill, *WORKER, folder, "all"], cwd=ROOT, check=False)
    assert told.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}, f"step {step}"
    archive = toy.archive(folder)
    archive.recover()
    files = _whole(archive)
    for each, have in files.items():
        keys = {"keys-1.pgp", "keys-2.pgp"} & have
        assert have - keys == {"members.tar", "manifest-sha256.txt", "catalog.bin"}, f"step {step}: {each}"
        assert len(keys) == 1, f"step {step}: {each}"
    subprocess.run([*WORKER, folder, "all"], cwd=ROOT, check=True)
    _finished(archive)


@pytest.fixture(autouse=True)
def _no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own files would be counted among the steps."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


def test_killed_at_a_step(tmp_path: Path) -> None:
    """At 14 of all the steps that change the disk: write, version, repair, destruction, taking in."""
    steps = _steps(tmp_path)
    assert len(steps) > 90
    for step in random.sample(steps, 14):
        _killed_at(tmp_path / "-".join(map(str, step)), step)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_killed_at_every_step(tmp_path: Path) -> None:
    """At each of them."""
    for step in _steps(tmp_path):
        _killed_at(tmp_path / "-".join(map(str, step)), step)


@pytest.fixture
def half(archive: toy.Archive) -> Path:
    """An object whose version 2 is in place, while the root inventory is that of version 1."""
    place = archive.write(1).path
    old = {name: (place / name).read_bytes() for name in ("inventory.json", "inventory.json.sha512")}
    archive.rekey(1, 2)
    for name, data in old.items():
        (place / name).chmod(0o600)
        (place / name).write_bytes(data)
    return place


@pytest.mark.parametrize("step", [1, 2])
def test_a_version_in_place_is_rolled_forward(archive: toy.Archive, half: Path, step: int) -> None:
    """With the old inventory and sidecar, and with the old sidecar alone."""
    if step == 2:
        (half / "inventory.json").write_bytes((half / "v2" / "inventory.json").read_bytes())
    assert any(flaw.is_error for flaw in validate_object(half))
    assert settle(archive.root, archive.stage, toy.name(1))
    assert "keys-2.pgp" in _whole(archive)[toy.name(1)]
    assert not settle(archive.root, archive.stage, toy.name(1))


def test_a_new_version_begins_by_settling_the_last(archive: toy.Archive, half: Path) -> None:
    """Also without a start in between, when a step failed for want of room."""
    assert archive.rekey(1, 3).version == 3
    _whole(archive)


@pytest.mark.parametrize(
    "file",
    [
        "inventory.json",
        "inventory.json.sha512",
        "v1/inventory.json",
        "v1/inventory.json.sha512",
        "v2/inventory.json",
        "v2/inventory.json.sha512",
    ],
)
def test_damage_is_never_settled(archive: toy.Archive, half: Path, file: str) -> None:
    """What is not exactly one of the two states is left for the audit to see: one bit is enough."""
    toy.flip(half / file, 40)
    before = {each: each.read_bytes() for each in half.rglob("*") if each.is_file()}
    assert not settle(archive.root, archive.stage, toy.name(1))
    archive.recover()
    assert {each: each.read_bytes() for each in half.rglob("*") if each.is_file()} == before


def test_damage_of_a_whole_object_is_never_settled(archive: toy.Archive) -> None:
    """A root sidecar that is damaged, lost, or that of the version before, is left as it is."""
    archive.write(1)
    place = archive.rekey(1, 2).path
    sidecar = place / "inventory.json.sha512"
    sidecar.chmod(0o600)
    for data in (b"", (place / "v1" / "inventory.json.sha512").read_bytes() + b"\n", sidecar.read_bytes()[::-1]):
        sidecar.write_bytes(data)
        assert not settle(archive.root, archive.stage, toy.name(1))
        assert sidecar.read_bytes() == data


def test_a_start_empties_the_stage(archive: toy.Archive) -> None:
    """Files, links and folders that nobody's act explains go; where there is no stage, nothing is done."""
    archive.recover()
    archive.stage.mkdir()
    (archive.stage / "file").write_bytes(b"?")
    (archive.stage / "link").symlink_to(archive.root.path)
    for name, act in (("a.ocfl", None), ("b.ocfl", b"{"), ("c.ocfl", b'{"kind": "write"}')):
        (archive.stage / name / "object").mkdir(parents=True)
        if act is not None:
            (archive.stage / name / "act.json").write_bytes(act)
    archive.recover()
    assert _whole(archive) == {}


def _log(folder: Path) -> list[str]:
    """The flushes and renames of a write and of a version, in order, by the names of files and folders."""
    (folder / "tar").write_bytes(b"tar" * 1000)
    trace = [need("strace"), "-y", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2", "-o", folder / "log"]
    subprocess.run([*trace, sys.executable, "-c", WRITE, folder], cwd=ROOT, check=True)
    return (folder / "log").read_text().splitlines()


def _flushed(lines: list[str]) -> list[str]:
    return [line.split("<", 1)[1].split(">", 1)[0] for line in lines if "sync(" in line]


def test_all_is_flushed_before_the_rename_and_the_folders_above_after_it(tmp_path: Path) -> None:
    """As the system's calls show: each file and folder of an object and of a version, in this order."""
    log = _log(tmp_path)
    archive = toy.archive(tmp_path)
    place = archive.root.object_path(toy.name(1))
    renames = [number for number, line in enumerate(log) if "rename" in line and str(place) in line]
    assert len(renames) == 4, "the object; the version, its inventory, its sidecar"
    built, version, inventory, sidecar = renames
    for rename, folder in ((built, place), (version, place / "v2")):
        work = log[rename].split('"')[1]
        before = _flushed(log[:rename])
        for each in [folder, *folder.rglob("*")]:
            if "v2" in each.parts and folder == place:
                continue
            name = work + str(each).removeprefix(str(folder))
            assert name in before, name
            if each.is_dir() and each != folder:
                last = max(before.index(work + str(inner).removeprefix(str(folder))) for inner in each.iterdir())
                assert last < len(before) - 1 - before[::-1].index(name), f"{name} is flushed after what is in it"
    after = _flushed(log[built:version])
    above = [str(each) for each in place.parents if each.is_relative_to(archive.root.path)]
    assert len(above) == 4
    assert [each for each in after if each in above][:4] == above
    for one, following in ((version, inventory), (inventory, sidecar), (sidecar, len(log))):
        assert str(place) in _flushed(log[one:following])


def test_no_room_leaves_what_was(archive: toy.Archive) -> None:
    """A disk that takes no more than 4 KiB a file: S416, and the archive is as it was."""
    archive.write(1)
    folder = archive.root.path.parent.parent
    told = subprocess.run([sys.executable, "-c", NO_ROOM, folder], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout == "S416\n"
    assert set(_whole(archive)) == {toy.name(1)}
