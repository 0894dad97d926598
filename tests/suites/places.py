"""What every place for backups must show, whatever it is made of.

A test class inherits `PlaceBehaviour` and has a fixture `place` that gives a fresh, empty place.
"""

from collections.abc import Iterator

import pytest

from archive.backup.place import Place, digest_of, holds
from formats.digest import sha256
from formats.errors import IntegrityError

SIZES = (0, 1, 32_767, 32_768, 1_048_575, 1_048_576, 1_048_577, 3_000_001)


def pattern(size: int, seed: int = 0) -> bytes:
    """Bytes that differ from place to place, the same every time."""
    return (bytes((seed + step) % 251 for step in range(251)) * (size // 251 + 1))[:size]


def pieces(data: bytes, size: int = 65_536) -> Iterator[bytes]:
    """The bytes in pieces."""
    return (data[start : start + size] for start in range(0, len(data), size))


class PlaceBehaviour:
    """The behaviour written in `archive.backup.place.Place`."""

    def test_what_was_written_is_read_and_listed(self, place: Place) -> None:
        """Files of every size come back as they were, with their sizes in the list; prefixes choose."""
        for size in SIZES:
            place.write(f"objects/urn%3aa{size}/v1/x.tar", pieces(pattern(size)))
        place.write("snapshots/one.note", [b"signed"])
        for size in SIZES:
            assert b"".join(place.read(f"objects/urn%3aa{size}/v1/x.tar")) == pattern(size)
            assert digest_of(place, f"objects/urn%3aa{size}/v1/x.tar") == (size, sha256(pattern(size)))
        assert dict(place.names("objects/")) == {f"objects/urn%3aa{size}/v1/x.tar": size for size in SIZES}
        assert dict(place.names("snapshots/o")) == {"snapshots/one.note": 6}
        assert len(dict(place.names(""))) == len(SIZES) + 1

    def test_an_empty_place_has_no_names(self, place: Place) -> None:
        """Nothing is listed where nothing was written, whatever the prefix."""
        assert list(place.names("")) == list(place.names("objects/a")) == []

    def test_what_is_missing_is_named(self, place: Place) -> None:
        """Reading a file that is not there is A512 and names it; `holds` says no."""
        with pytest.raises(IntegrityError, match="A512") as caught:
            list(place.read("objects/none"))
        assert "objects/none" in caught.value.detail
        assert not holds(place, "objects/none", 0, sha256(b""))

    def test_the_same_bytes_may_be_written_again(self, place: Place) -> None:
        """Writing what is there already changes nothing."""
        for _ in range(2):
            place.write("open/1.tar", pieces(pattern(100_000)))
        assert dict(place.names("")) == {"open/1.tar": 100_000}
        assert holds(place, "open/1.tar", 100_000, sha256(pattern(100_000)))

    @pytest.mark.parametrize("other", [pattern(100_000, 1), pattern(99_999), pattern(100_001)])
    def test_other_bytes_never_take_a_name(self, place: Place, other: bytes) -> None:
        """Writing other bytes under a name in use is A511, and the first bytes stay."""
        place.write("open/1.tar", pieces(pattern(100_000)))
        with pytest.raises(IntegrityError, match="A511"):
            place.write("open/1.tar", pieces(other))
        assert b"".join(place.read("open/1.tar")) == pattern(100_000)
        assert dict(place.names("")) == {"open/1.tar": 100_000}

    def test_a_source_that_breaks_off_leaves_nothing(self, place: Place) -> None:
        """When the bytes end with an error there is no file, and the name is free."""

        def broken() -> Iterator[bytes]:
            yield pattern(200_000)
            raise IntegrityError("A502", "the source")

        with pytest.raises(IntegrityError, match="A502"):
            place.write("open/1.tar", broken())
        assert list(place.names("")) == []
        place.write("open/1.tar", [b"whole"])
        assert b"".join(place.read("open/1.tar")) == b"whole"

    def test_removed_is_removed(self, place: Place) -> None:
        """A removed file is gone, its name is free; removing it again is fine."""
        place.write("open/1.tar", [b"one"])
        for _ in range(2):
            place.remove("open/1.tar")
        assert list(place.names("")) == []
        place.write("open/1.tar", [b"two"])
        assert b"".join(place.read("open/1.tar")) == b"two"

    def test_a_reader_may_stop(self, place: Place) -> None:
        """A reader that wants only the beginning leaves nothing behind that hinders the next."""
        place.write("open/1.tar", pieces(pattern(3_000_001)))
        reading = place.read("open/1.tar")
        assert pattern(3_000_001).startswith(next(reading))
        del reading
        assert b"".join(place.read("open/1.tar")) == pattern(3_000_001)

    @pytest.mark.parametrize("name", ["", "/etc/x", "../x", "a/../x", "a//b", ".x", "a/.part", "a b", "a\\b", "a\n"])
    def test_names_stay_inside(self, place: Place, name: str) -> None:
        """A name that leads out of the place, or hides in it, is refused and touches nothing."""
        with pytest.raises(IntegrityError, match="A512"):
            place.write(name, [b"x"])
        with pytest.raises(IntegrityError, match="A512"):
            list(place.read(name))
        with pytest.raises(IntegrityError, match="A512"):
            place.remove(name)
        assert list(place.names("")) == []
