"""What every mailbox must show, wherever it lies.

A test class inherits `MailboxBehaviour` and has a fixture `place` that gives a fresh mailbox (`place.mailbox()`) and
its folder on this disk (`place.folder`).
"""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from formats.errors import RefusedError, UnreachableError, UsageError
from transfer.mailbox import Entry, Mailbox, Parcel

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


class PlaceOfMailbox(Protocol):
    """Where the tests find the mailbox."""

    @property
    def folder(self) -> Path:
        """The mailbox's folder on this disk."""

    def mailbox(self) -> Mailbox:
        """A new mailbox on it."""


def stored(folder: Path) -> dict[str, bytes]:
    """What lies in the folder."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


class MailboxBehaviour:
    """The behaviour written in `transfer.mailbox.Mailbox`."""

    def test_what_was_put_is_listed_fetched_and_removed(self, place: PlaceOfMailbox) -> None:
        """A parcel comes out as the bytes that were put in, and is gone when it is removed."""
        with place.mailbox() as mailbox:
            assert mailbox.put([Parcel("b", b"two"), Parcel("a", b"one")]) == (("b", None), ("a", None))
            assert mailbox.list() == (Entry("a", 3), Entry("b", 3))
            assert mailbox.fetch("a", 3) == b"one"
            mailbox.remove("a")
            assert mailbox.list() == (Entry("b", 3),)
        assert stored(place.folder) == {"b": b"two"}

    def test_every_size_arrives(self, place: PlaceOfMailbox) -> None:
        """Sizes below, at and above what one request, one SSH packet and one batch of reads hold arrive unchanged."""
        sizes = [0, 1, 32_599, 32_600, 32_601, 65_200, 260_800, 1_000_003, 9_000_000]
        parcels = {str(size): (bytes(range(251)) * (size // 251 + 1))[:size] for size in sizes}
        with place.mailbox() as mailbox:
            assert not any(error for _, error in mailbox.put(Parcel(name, data) for name, data in parcels.items()))
            assert stored(place.folder) == parcels
            assert mailbox.list() == tuple(Entry(name, int(name)) for name in sorted(parcels))
            assert {name: mailbox.fetch(name, int(name)) for name in parcels} == parcels

    def test_many_files(self, place: PlaceOfMailbox) -> None:
        """Two hundred parcels arrive, each with its own bytes."""
        parcels = {f"parcel-{number:03}": f"content {number}".encode() * number for number in range(200)}
        with place.mailbox() as mailbox:
            results = mailbox.put(Parcel(name, data) for name, data in parcels.items())
            assert results == tuple((name, None) for name in parcels)
            assert stored(place.folder) == parcels
            assert [entry.name for entry in mailbox.list()] == sorted(parcels)

    def test_nothing_to_put(self, place: PlaceOfMailbox) -> None:
        """No parcels, no results."""
        with place.mailbox() as mailbox:
            assert mailbox.put([]) == ()

    def test_same_name_is_replaced_in_one_step(self, place: PlaceOfMailbox) -> None:
        """Whoever reads a name while it is replaced sees the whole old file or the whole new one."""
        versions = [bytes([number]) * 50_000 for number in range(20)]
        seen: set[bytes] = set()
        file, done = place.folder / "parcel", threading.Event()

        def look() -> None:
            while not done.is_set():
                seen.add(file.read_bytes())

        with place.mailbox() as mailbox:
            mailbox.put([Parcel("parcel", versions[0])])
            reader = threading.Thread(target=look)
            reader.start()
            for version in versions:
                assert mailbox.put([Parcel("parcel", version)]) == (("parcel", None),)
            done.set()
            reader.join()
        assert seen <= set(versions)
        assert file.read_bytes() == versions[-1]

    def test_left_over_part_is_overwritten(self, place: PlaceOfMailbox) -> None:
        """What a killed sender left under `.part` does not get into the parcel sent again."""
        (place.folder / "parcel.part").write_bytes(b"x" * 1000)
        with place.mailbox() as mailbox:
            assert mailbox.put([Parcel("parcel", b"whole")]) == (("parcel", None),)
        assert stored(place.folder) == {"parcel": b"whole"}

    def test_only_whole_packages_are_listed(self, place: PlaceOfMailbox) -> None:
        """Parts, hidden files, folders and links are not packages."""
        (place.folder / "parcel").write_bytes(b"whole")
        (place.folder / "other.part").write_bytes(b"ha")
        (place.folder / ".hidden").write_bytes(b"")
        (place.folder / "folder").mkdir()
        (place.folder / "link").symlink_to("parcel")
        with place.mailbox() as mailbox:
            assert mailbox.list() == (Entry("parcel", 5),)

    def test_name_that_leads_elsewhere_is_refused(self, place: PlaceOfMailbox) -> None:
        """A name that is no plain file name is S401 everywhere, and nothing is written or removed."""
        bad = ["", ".", "..", "../up", "a/b", "/a", "a\\b", ".a", "a.part", "a\0", "a\nb", "a" * 251, "\udc80"]
        before = sorted(place.folder.parent.rglob("*"))
        with place.mailbox() as mailbox:
            results = mailbox.put([*(Parcel(name, b"x") for name in bad), Parcel("good", b"y")])
            assert [error and error.code for _, error in results] == ["S401"] * len(bad) + [None]
            for name in bad:
                with pytest.raises(UsageError, match="S401"):
                    mailbox.fetch(name, 10)
                with pytest.raises(UsageError, match="S401"):
                    mailbox.remove(name)
        assert sorted(place.folder.parent.rglob("*")) == sorted([*before, place.folder / "good"])

    def test_same_name_twice_in_one_call(self, place: PlaceOfMailbox) -> None:
        """The second parcel of a name is refused, so that two writers never meet in one file."""
        with place.mailbox() as mailbox:
            results = mailbox.put([Parcel("a", b"first"), Parcel("a", b"second"), Parcel("b", b"other")])
        assert [error and error.code for _, error in results] == [None, "S401", None]
        assert stored(place.folder) == {"a": b"first", "b": b"other"}

    def test_larger_than_allowed(self, place: PlaceOfMailbox) -> None:
        """A package over the cap is T102 and leaves the mailbox usable."""
        (place.folder / "parcel").write_bytes(b"x" * 1001)
        with place.mailbox() as mailbox:
            with pytest.raises(RefusedError, match="T102"):
                mailbox.fetch("parcel", 1000)
            assert len(mailbox.fetch("parcel", 1001)) == 1001

    def test_what_is_gone(self, place: PlaceOfMailbox) -> None:
        """Fetching what is gone is S407; removing it is fine."""
        with place.mailbox() as mailbox:
            with pytest.raises(UnreachableError, match="S407"):
                mailbox.fetch("gone", 10)
            mailbox.remove("gone")

    def test_one_failure_stops_nobody_else(self, place: PlaceOfMailbox) -> None:
        """A parcel that cannot be stored has S407 as its result; its neighbours arrive and no part is left."""
        (place.folder / "b").mkdir()
        with place.mailbox() as mailbox:
            results = mailbox.put(Parcel(name, b"x" * 40_000) for name in "abc")
            assert [error and error.code for _, error in results] == [None, "S407", None]
            assert [entry.name for entry in mailbox.list()] == ["a", "c"]
        assert "b.part" not in stored(place.folder)

    def test_mailbox_that_is_not_there(self, place: PlaceOfMailbox) -> None:
        """Without its folder every call says so with a code that means: try again later."""
        place.folder.rmdir()
        with place.mailbox() as mailbox:
            [(_, error)] = mailbox.put([Parcel("a", b"")])
            assert isinstance(error, UnreachableError)
            calls: list[Callable[[], object]] = [
                mailbox.list,
                lambda: mailbox.fetch("a", 1),
                lambda: mailbox.sweep(timedelta(0), NOW),
            ]
            for call in calls:
                with pytest.raises(UnreachableError):
                    call()
        place.folder.mkdir()

    def test_sweeping(self, place: PlaceOfMailbox) -> None:
        """Only parts older than asked are swept away, and they are counted."""
        for name, hours in {"old.part": 30, "young.part": 10, "old": 30, ".old.part": 30}.items():
            file = place.folder / name
            file.write_bytes(b"x")
            written = (NOW - timedelta(hours=hours)).timestamp()
            os.utime(file, (written, written))
        with place.mailbox() as mailbox:
            assert mailbox.sweep(timedelta(hours=24), NOW) == 1
            assert mailbox.sweep(timedelta(hours=24), NOW) == 0
        assert sorted(stored(place.folder)) == [".old.part", "old", "young.part"]

    def test_parcels_are_taken_as_they_are_stored(self, place: PlaceOfMailbox) -> None:
        """No more than 64 parcels are ever taken from the iterable without being stored."""
        ahead = []

        def parcels() -> Iterator[Parcel]:
            for number in range(150):
                ahead.append(number - len(list(place.folder.glob("parcel-???"))))
                yield Parcel(f"parcel-{number:03}", b"x" * 100)

        with place.mailbox() as mailbox:
            mailbox.put(parcels())
        assert max(ahead) <= 64

    def test_error_of_the_source(self, place: PlaceOfMailbox) -> None:
        """An error in the caller's iterable comes out as it is, and the next call works."""

        def parcels() -> Iterator[Parcel]:
            yield Parcel("a", b"1")
            raise LookupError("no more")

        with place.mailbox() as mailbox:
            with pytest.raises(LookupError, match="no more"):
                mailbox.put(parcels())
            assert mailbox.put([Parcel("a", b"2")]) == (("a", None),)
            assert mailbox.fetch("a", 10) == b"2"

    def test_closing(self, place: PlaceOfMailbox) -> None:
        """Closing twice, or without having been used, is fine, and a closed mailbox opens again when asked."""
        mailbox = place.mailbox()
        mailbox.close()
        mailbox.put([Parcel("a", b"1")])
        mailbox.close()
        mailbox.close()
        assert mailbox.fetch("a", 10) == b"1"
        mailbox.close()
