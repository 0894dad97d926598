"""Processes killed at random instants: nothing that was acknowledged is lost, nothing half done stays."""

import time
from pathlib import Path
from random import Random

import pytest

from archive.ledger import Ledger
from archive.segments.rekey import rekey
from formats.digest import sha256
from tests.archive.segments.killing import Workers, workers
from tests.archive.segments.looking import NOW, assert_others_agree, assert_reads, assert_whole, items, segments
from tests.archive.segments.worker import SEGMENT, wrap_of
from tests.archive.stores import store_in
from tests.archive.wraps import MemoryWrap


def _kept(started: Workers, folder: Path, ledger: Ledger, chance: Random, first: int) -> int:
    """Kill a process that keeps and seals; returns the number after the last one acknowledged."""
    child = started.start("keep", first, 1000, 12)
    time.sleep(chance.uniform(0.0, 0.15))
    said = [int(line.removeprefix("kept ")) for line in started.kill(child)]
    last = max(said, default=first)
    store = store_in(folder, ledger, segment_bytes=SEGMENT)
    store.recover(NOW)
    originals = [data for _, data in items(first, last - first)]
    assert_reads(store, map(sha256, originals), originals)
    assert not store.layout.stage.exists() or not any(store.layout.stage.iterdir())
    return last


@pytest.mark.parametrize(
    "rounds", [20, pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])], ids=["some", "many"]
)
def test_kills_while_keeping_and_sealing(tmp_path: Path, database_url: str, rounds: int) -> None:
    """After each kill everything acknowledged is there; in the end also by the judgement of others."""
    chance, first = Random(rounds), 0
    with Ledger.create(database_url) as ledger, workers(database_url, tmp_path) as started:
        for _ in range(rounds if database_url.startswith("sqlite") else rounds // 3):
            first = _kept(started, tmp_path, ledger, chance, first)
        store = store_in(tmp_path, ledger, segment_bytes=SEGMENT)
        store.seal_due(NOW, all_of_them=True)
        originals = [data for _, data in items(0, first)]
        assert first > 12  # more than one batch; how many depends on how busy the machine is
        assert_reads(store, map(sha256, originals), originals)
        assert {row.state for row in segments(ledger)} == {"sealed"}
        assert_whole(store)
        assert_others_agree(store, len(segments(ledger)))
        assert list(store.layout.open.iterdir()) == []


@pytest.mark.parametrize(
    "rounds", [8, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])], ids=["some", "many"]
)
def test_kills_while_the_key_changes(tmp_path: Path, rounds: int) -> None:
    """A killed change goes on where it stood; then the new key alone reads everything, and no tar was touched."""
    url, chance = f"sqlite:///{tmp_path / 'ledger.db'}", Random(rounds)
    with Ledger.create(url) as ledger, workers(url, tmp_path) as started:
        store = store_in(tmp_path, ledger, segment_bytes=SEGMENT)
        for first in range(0, 330, 30):
            store.keep(items(first, 30), NOW)
        store.seal_due(NOW)
        store.keep(items(330, 2), NOW)
        tars = {row.n: store.layout.tar(row.n, row.state).stat().st_ino for row in segments(ledger)}
        assert {row.state for row in segments(ledger)} == {"sealed", "open"}
        originals = [data for _, data in items(0, 332)]
        for number in range(1, rounds + 1):
            child = started.start("change", number)
            time.sleep(chance.uniform(0.0, 0.12))
            started.kill(child)
            both = store_in(tmp_path, ledger, wrap=wrap_of(number), segment_bytes=SEGMENT)
            assert_reads(both, map(sha256, originals[::40]), originals[::40])
            both.recover(NOW)
            rekey(both.context, wrap_of(number - 1), wrap_of(number), f"key {number}", NOW)
            alone = store_in(tmp_path, ledger, wrap=MemoryWrap(wrap_of(number).secret), segment_bytes=SEGMENT)
            assert_reads(alone, map(sha256, originals), originals)
        assert {row.n: store.layout.tar(row.n, row.state).stat().st_ino for row in segments(ledger)} == tars
        assert_whole(store)
        assert_others_agree(store, len(tars) - 1)
