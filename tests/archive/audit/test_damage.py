"""Random damages: every one is found and named, and nothing is reported where nothing was damaged."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archive.audit.damages import Damage, damage
from tests.archive.audit.small import Place, small


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An archive in which everything is as it should be."""
    return small(tmp_path_factory.mktemp("sound") / "office")


def _unnamed(sound: Place, folder: Path, seeds: range) -> Iterator[tuple[int, Damage, object]]:
    """The damages of these seeds, each on a fresh copy, that were not found or not named."""
    for seed in seeds:
        place = sound.copy(folder / str(seed))
        done = damage(place, random.Random(seed))
        report = place.audited()
        if not done.is_named(report):
            yield seed, done, report.problems


def test_nothing_is_found_where_nothing_was_damaged(sound: Place, tmp_path: Path) -> None:
    """A copy of a sound archive is sound, at a glance and with every original decrypted, and stays so."""
    place = sound.copy(tmp_path / "copy")
    for deep in (False, True, False):
        report = place.audited(deep=deep)
        assert (report.problems, report.originals, report.members, report.segments) == ((), 54, 54, 5)
        assert (report.drafts, report.leftover) == (0, 0)


def test_every_random_damage_is_named(sound: Place, tmp_path: Path) -> None:
    """150 damages to files, rows and the journal; what is named is what was damaged, and nothing else."""
    assert list(_unnamed(sound, tmp_path, range(150))) == []


@pytest.mark.soak
def test_a_thousand_random_damages_are_named(sound: Place, tmp_path: Path) -> None:
    """As above, a thousand others."""
    assert list(_unnamed(sound, tmp_path, range(1000, 2000))) == []
