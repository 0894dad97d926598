"""What every store of originals must show, whatever it is made of.

A test module of an implementation inherits `OriginalStoreSuite` and gives the fixture `store`, and `damage` and
`lose`, which change and remove what is kept under a digest behind the store's back.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.originals import Kept, OriginalStore
from formats.digest import sha256
from formats.errors import IntegrityError

Spoil = Callable[[str], None]

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


class OriginalStoreSuite:
    """The behaviour of `archive.originals.OriginalStore`."""

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(contents=st.lists(st.binary(max_size=2000), max_size=6))
    def test_what_is_kept_can_be_read(self, store: OriginalStore, contents: list[bytes]) -> None:
        """Any bytes, in one batch, also the same ones twice: read back as they were."""
        kept = store.keep([("delivery-sent", data) for data in contents], NOW)
        assert kept == tuple(Kept(sha256(data), len(data), "delivery-sent") for data in contents)
        assert [store.read(entry.digest) for entry in kept] == contents

    def test_kinds_are_told_apart(self, store: OriginalStore) -> None:
        """The same bytes may be kept as two kinds of original, at once or later."""
        kept = store.keep([("delivery-sent", b"one"), ("receipt-sent", b"one")], NOW)
        assert [entry.kind for entry in kept] == ["delivery-sent", "receipt-sent"]
        assert store.keep([("package-sent", b"one")], NOW)[0].kind == "package-sent"
        assert store.read(kept[0].digest) == b"one"

    def test_an_empty_batch_is_fine(self, store: OriginalStore) -> None:
        """Nothing kept, nothing there."""
        assert store.keep([], NOW) == ()

    @pytest.mark.parametrize("digest", ["0" * 64, "", "../../../etc/passwd", "A" * 64, "0" * 63])
    def test_what_is_not_there_is_missing(self, store: OriginalStore, digest: str) -> None:
        """A501, for what is no digest as well."""
        store.keep([("delivery-sent", b"one")], NOW)
        with pytest.raises(IntegrityError, match="A501"):
            store.read(digest)

    def test_lost_bytes_are_missing(self, store: OriginalStore, lose: Spoil) -> None:
        """A501 for what was kept and is gone, also when it comes again: that it was lost must not stay unseen."""
        (other, kept) = store.keep([("delivery-sent", b"two"), ("delivery-sent", b"one")], NOW)
        lose(kept.digest)
        with pytest.raises(IntegrityError, match="A501"):
            store.read(kept.digest)
        assert store.read(other.digest) == b"two"
        with pytest.raises(IntegrityError, match="A501"):
            store.keep([("delivery-sent", b"one")], NOW)

    def test_changed_bytes_are_never_read(self, store: OriginalStore, damage: Spoil) -> None:
        """One flipped bit is A502, on reading and on keeping the right bytes again; nothing is overwritten."""
        (kept,) = store.keep([("delivery-sent", b"one")], NOW)
        damage(kept.digest)
        for _ in range(2):
            with pytest.raises(IntegrityError, match="A502"):
                store.read(kept.digest)
            with pytest.raises(IntegrityError, match="A502"):
                store.keep([("delivery-sent", b"two"), ("delivery-sent", b"one")], NOW)
