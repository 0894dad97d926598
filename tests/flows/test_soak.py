"""Longer trials, run by `make soak`: kill -9 at random instants, not at chosen steps."""

import multiprocessing
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from archive import cases, journal
from archive.backup import restoring
from archive.backup.place import Place
from archive.backup.restoring import Opened
from archive.segments import catalog
from flows import backup_places, backups, new_keys, rekeying
from flows.maintaining import audited
from flows.steps import quiet
from flows.times import now
from flows.wiring import Office
from formats.digest import sha256
from tests.flows.test_crash import PASSES, assert_ended_once, backed_up
from tests.office import Pair, configure, exchange, fill, found_pair, open_approved, some_people

PEOPLE = 60
KILLS = 200
BATCH = 5  # people who come at once
SEGMENT = 300_000  # bytes
FIRST = 1.0  # seconds; how long each act is thought to take before it was seen to end


@contextmanager
def _newest(office: Office) -> Iterator[tuple[Place, Opened]]:
    """The place of the office's backups and the newest snapshot there."""
    with backup_places.opened(office.settings.archive.backup) as place:
        yield place, restoring.open_snapshot(place, "", office.wrap, office.journal_key.verifier)


def _back_up(office: Office) -> None:
    with backup_places.opened(office.settings.archive.backup) as place:
        made = backups.back_up(office, place, "elsewhere", now())
        assert made.damaged == ()


def _repair(office: Office) -> None:
    with _newest(office) as (place, found):
        assert backups.repair_office(office, place, found, now(), "staff-7").left == ()


def _pass(name: str) -> Callable[[Office], object]:
    return lambda office: PASSES[name][1](office, quiet)


# By name: whose act it is, and what it does.
ACTS: dict[str, tuple[str, Callable[[Office], object]]] = {name: (PASSES[name][0], _pass(name)) for name in PASSES} | {
    "rekey": ("sender", lambda office: rekeying.change_archive_key(office, "staff-7", now())),
    "backup": ("sender", _back_up),
    "repair": ("sender", _repair),
}


def _run(home: Path, name: str) -> None:
    with Office.at(home) as office:
        ACTS[name][1](office)


@dataclass
class Killer:
    """Runs acts in processes of their own and kills them; `lasted` is how long each is thought to take."""

    pair: Pair
    chance: random.Random
    lasted: dict[str, float]
    kills: int = 0

    def run(self, name: str) -> None:
        """Begin an act and kill it somewhere, if it has not ended by then."""
        home = self.pair.sender if ACTS[name][0] == "sender" else self.pair.receiver
        child = multiprocessing.get_context("fork").Process(target=_run, args=(home, name))
        began = time.monotonic()
        child.start()
        child.join(self.chance.random() * self.lasted[name])
        child.kill()
        child.join()
        assert child.exitcode in (0, -signal.SIGKILL), name
        if child.exitcode == 0:
            self.lasted[name] = time.monotonic() - began
        else:
            self.lasted[name] *= 1.1  # it takes longer when there is more to do
            self.kills += 1


def _hurt(office: Office, chance: random.Random) -> None:
    """Damage a file that the newest snapshot has as it is here: flip a bit, cut it off, or remove it."""
    with _newest(office) as (_, found):
        home = office.settings.home
        there = [(home / file.path, file.sha256) for file in found.snapshot.files if file.path.startswith("archive/")]
    path = chance.choice([path for path, digest in there if path.exists() and sha256(path.read_bytes()) == digest])
    data = bytearray(path.read_bytes())
    way = chance.randrange(3)
    path.unlink()
    if way:
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        path.write_bytes(data if way == 1 else data[:place])


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(3))
def test_kills_at_random_instants_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    """After 200 kills of passes, upkeep, changes of key, backups and repairs, one exchange ends every case once.

    Every original is there and as it was, at the office and in a home that the escrow's key brings back from the
    backup; the audits are clean.
    """
    chance = random.Random(seed)
    pair = backed_up(found_pair(tmp_path))
    configure(pair.sender, segment_bytes=SEGMENT, batch=BATCH)
    waiting = some_people(PEOPLE, seed)
    fill(pair.sender, waiting)
    numbers: list[str] = []
    killer = Killer(pair, chance, dict.fromkeys(ACTS, FIRST))
    _run(pair.sender, "backup")
    while killer.kills < KILLS:
        if waiting and killer.kills >= len(numbers) * KILLS // PEOPLE:
            some, waiting = waiting[:BATCH], waiting[BATCH:]
            numbers += open_approved(pair, [person for person, _ in some])
        name = chance.choice(list(ACTS))
        if name == "repair":
            with Office.at(pair.sender) as office:
                office.store.recover(now())  # so that what is wrong is the damage alone
                _hurt(office, chance)
        killer.run(name)
        if name == "repair":
            _run(pair.sender, "repair")
    exchange(pair)
    _run(pair.sender, "rekey")
    _run(pair.sender, "upkeep")
    _run(pair.sender, "backup")
    assert len(numbers) == PEOPLE
    assert_ended_once(pair, numbers)
    _assert_restored(pair, tmp_path)


def _assert_restored(pair: Pair, folder: Path) -> None:
    """What the backup gives, opened with the escrow's key alone, is what the office has."""
    keys = pair.sender / "keys"
    assert not new_keys.change_begun(pair.sender)
    wrap = backups.key_at(keys / "escrow-secret.asc", keys / "escrow-passphrase")
    with Office.at(pair.sender) as office:
        with _newest(office) as (place, found):
            assert backups.restore_office(place, found, wrap, folder / "back", now()).problems == ()
        (folder / "back/keys/passphrase").write_bytes((keys / "passphrase").read_bytes())
        with Office.at(folder / "back") as back:
            assert cases.originals(back.ledger) == cases.originals(office.ledger)
            assert cases.listing(back.ledger) == cases.listing(office.ledger)
            for digest in {row.digest for row in cases.originals(office.ledger)}:
                assert back.store.read(digest) == office.store.read(digest)
        assert audited(office, now(), deep=True).problems == ()
        with office.ledger.reading() as connection:
            assert len(catalog.in_state(connection, "sealed")) > 1
        kinds = {entry.kind for entry in journal.entries(office.ledger)}
        assert {"segment-sealed", "archive-key-changed", "backed-up", "repaired", "audited"} <= kinds
