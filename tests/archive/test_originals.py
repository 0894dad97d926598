"""Originals in segments: the behaviour of every store, shown by an open segment and by sealed ones."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from archive.ledger import Ledger
from archive.originals import Kept
from archive.segments.catalog import Location, where
from archive.segments.store import SegmentOriginals
from tests.archive.stores import store_in
from tests.suites.originals import OriginalStoreSuite, Spoil


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger."""
    with Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}") as made:
        yield made


class SealingStore(SegmentOriginals):
    """Seals after every batch, so that all that is read lies in objects."""

    def keep(self, items: Sequence[tuple[str, bytes]], at: datetime) -> tuple[Kept, ...]:
        """Keep and seal."""
        kept = super().keep(items, at)
        self.seal_due(at, all_of_them=True)
        return kept


def _tar(store: SegmentOriginals, digest: str) -> tuple[Path, Location]:
    found = where(store.context.ledger, digest)
    assert found is not None
    return store.layout.tar(found.member.segment, found.state), found


@pytest.fixture
def damage(store: SegmentOriginals) -> Spoil:
    """Flip one bit of the ciphertext."""

    def flip(digest: str) -> None:
        tar, found = _tar(store, digest)
        tar.chmod(0o600)
        with tar.open("r+b") as file:
            file.seek(found.member.offset + 3)
            (byte,) = file.read(1)
            file.seek(found.member.offset + 3)
            file.write(bytes((byte ^ 1,)))

    return flip


@pytest.fixture
def lose(store: SegmentOriginals) -> Spoil:
    """Cut the tar off in the member."""

    def cut(digest: str) -> None:
        tar, found = _tar(store, digest)
        tar.chmod(0o600)
        with tar.open("r+b") as file:
            file.truncate(found.member.offset + 3)

    return cut


class TestSegmentOriginals(OriginalStoreSuite):
    """The suite, in an open segment and in sealed ones."""

    @pytest.fixture(params=["open", "sealed"])
    def store(self, request: pytest.FixtureRequest, tmp_path: Path, ledger: Ledger) -> SegmentOriginals:
        """A store whose segment stays open, or one that seals after every batch."""
        made = store_in(tmp_path, ledger, segment_bytes=1 << 30)
        if request.param == "open":
            return made
        context = made.context
        return SealingStore(context.layout.root, ledger, context.layout.office, context.wrap, context.policy)
