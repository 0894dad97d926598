"""Objects and versions as they are written: valid for both judges, once, and with what they replace kept."""

import errno
import hashlib
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.ocfl.objects import ReadBack, add_version, destroy, stored, write
from archive.ocfl.validation import validate_root
from formats.errors import IntegrityError
from tests.archive.ocfl.outside import judged
from tests.archive.ocfl.toy import AT, Archive, flip, name, segment


def _valid(archive: Archive, objects: int) -> None:
    assert validate_root(archive.root.path) == ()
    assert judged(archive.root.path) == (objects, objects, [])
    assert [*archive.stage.iterdir()] == []


def test_what_is_written_is_valid_for_both_judges(archive: Archive) -> None:
    """Objects with one to three versions, without a warning."""
    for number in range(1, 6):
        archive.write(number)
    archive.rekey(1, 2)
    archive.rekey(1, 3)
    archive.rekey(2, 2)
    _valid(archive, 5)


def test_what_was_stored_is_told(archive: Archive) -> None:
    """Version, folder, digest of the inventory and of each file."""
    archive.write(1)
    told = archive.rekey(1, 2)
    assert told == stored(archive.root, name(1))
    assert (told.version, told.path) == (2, archive.root.object_path(name(1)))
    assert told.inventory_sha512 == (told.path / "v2" / "inventory.json.sha512").read_text().split()[0]
    assert set(told.digests) == {"members.tar", "manifest-sha256.txt", "catalog.bin", "keys-2.pgp"}


def test_a_second_write_changes_nothing(archive: Archive) -> None:
    """The object that is there is returned, whatever the second call brings."""
    first = archive.write(1)
    assert archive.write(1, {"other": b"?"}) == first
    _valid(archive, 1)


def test_an_earlier_version_stays_as_it_was(archive: Archive) -> None:
    """Not a byte and not a time of version 1 is changed by a new version; its files can be read still."""
    before = archive.write(1).path / "v1"
    files = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in before.rglob("*") if file.is_file()}
    archive.rekey(1, 2)
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in before.rglob("*") if file.is_file()} == files
    assert (before / "content" / "keys-1.pgp").read_bytes() == b"key 1"


def test_a_version_without_a_change_is_none(archive: Archive) -> None:
    """The same files again leave the object as it is."""
    first = archive.write(1)
    again = add_version(
        archive.root, archive.stage, name(1), {"keys-1.pgp": b"key 1"}, [], message="again", user="service", at=AT
    )
    assert again == first
    _valid(archive, 1)


def test_the_same_bytes_are_kept_once(archive: Archive) -> None:
    """Under two names, and in a later version under a third; a version may add names alone."""
    archive.write(1, {"a/one": b"same", "b/two": b"same", "three": b""})
    told = add_version(
        archive.root, archive.stage, name(1), {"c/four": b"same"}, ["three"], message="m", user="u", at=AT
    )
    assert set(told.digests) == {"a/one", "b/two", "c/four"}
    assert set(archive.root.contents(name(1))) == {"v1/content/a/one", "v1/content/three"}
    assert not (told.path / "v2" / "content").exists()
    _valid(archive, 1)


def test_a_file_is_linked_and_becomes_read_only(archive: Archive, tmp_path: Path) -> None:
    """The bytes are not copied on one file system; a link to it is copied, since it may point anywhere."""
    (tmp_path / "open.tar").write_bytes(b"tar" * 1000)
    (tmp_path / "link").symlink_to(tmp_path / "open.tar")
    told = archive.write(1, {"members.tar": tmp_path / "open.tar"})
    content = archive.root.content(name(1), "members.tar")
    assert content.samefile(tmp_path / "open.tar")
    assert stat.S_IMODE(content.stat().st_mode) == 0o400
    (tmp_path / "open.tar").unlink()
    assert content.stat().st_nlink == 1
    assert told.digests["members.tar"] == archive.root.files(name(1))["members.tar"][1]
    _valid(archive, 1)


def test_from_another_file_system_a_file_is_copied(archive: Archive) -> None:
    """Where no link can be made the bytes are the same."""
    source = Path("/dev/shm") / f"jiexu-test-{archive.stage.parent.parent.name}.tar"
    if not source.parent.is_dir() or source.parent.stat().st_dev == archive.root.path.stat().st_dev:
        pytest.skip("there is no second file system at /dev/shm")
    source.write_bytes(b"tar" * 1000)
    try:
        archive.write(1, {"members.tar": source})
        assert archive.root.content(name(1), "members.tar").read_bytes() == b"tar" * 1000
        assert source.stat().st_nlink == 1
    finally:
        source.unlink()
    _valid(archive, 1)


def test_nobody_else_can_read_and_nobody_write(archive: Archive) -> None:
    """Files 0400 in folders 0700."""
    archive.write(1)
    archive.rekey(1, 2)
    places = [*archive.root.path.rglob("*")]
    assert {stat.S_IMODE(place.stat().st_mode) for place in places if place.is_file()} == {0o400}
    assert {stat.S_IMODE(place.stat().st_mode) for place in places if place.is_dir()} == {0o700}


@pytest.mark.parametrize("paths", [["../x"], ["/x"], ["a", "a/b"], ["a//b"], [""]])
def test_paths_that_no_inventory_may_have_are_refused(archive: Archive, paths: list[str]) -> None:
    """Before anything is written."""
    with pytest.raises(ValueError, match="logical paths"):
        archive.write(1, dict.fromkeys(paths, b"x"))
    assert not archive.root.object_path(name(1)).exists()


def test_a_version_of_nothing_or_of_damage_is_refused(archive: Archive) -> None:
    """A506, and a name to remove that is not there is the caller's mistake."""
    with pytest.raises(IntegrityError):
        archive.rekey(1, 2)
    flip(archive.write(1).path / "inventory.json", 30)
    with pytest.raises(IntegrityError):
        archive.rekey(1, 2)
    archive.write(2)
    with pytest.raises(ValueError, match="not there"):
        archive.rekey(2, 3)
    assert [*archive.stage.iterdir()] == []


def test_what_was_read_back_is_not_read_again(archive: Archive, tmp_path: Path) -> None:
    """The digest of the caller stands for the very file; a copy of it on another file system is read for itself."""
    source = tmp_path / "read.tar"
    source.write_bytes(b"x")
    told = "ab" * 64
    assert archive.write(1, {"members.tar": ReadBack(source, told)}).digests["members.tar"] == told
    with pytest.MonkeyPatch.context() as other_file_system:
        other_file_system.setattr(os, "link", _no_link)
        copied = archive.write(2, {"members.tar": ReadBack(source, told)})
    assert copied.digests["members.tar"] == hashlib.sha512(b"x").hexdigest()


def _no_link(_source: Path, _target: Path) -> None:
    raise OSError(errno.EXDEV, "another file system")


def test_a_failed_write_leaves_nothing(archive: Archive, tmp_path: Path) -> None:
    """A source that is not there: S416, no object, no folder, nothing in the stage."""
    with pytest.raises(Exception, match="S416"):
        archive.write(1, {"a": b"a", "members.tar": tmp_path / "missing"})
    _valid(archive, 0)


def test_destroyed_is_gone_with_the_folders_that_led_to_it(archive: Archive) -> None:
    """Of the others nothing is touched; a second call is content."""
    archive.write(1)
    archive.write(2)
    destroy(archive.root, archive.stage, name(1))
    destroy(archive.root, archive.stage, name(1))
    assert [each for each, _ in archive.root.objects()] == [name(2)]
    _valid(archive, 1)


BYTES = st.binary(max_size=3)
NAMES = st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h"])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.dictionaries(NAMES, BYTES, max_size=4), st.sets(NAMES)), min_size=1, max_size=5))
def test_any_sequence_of_versions_is_a_valid_object(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[dict[str, bytes], set[str]]]
) -> None:
    """The head has what a plain dictionary would have, and both judges find the object valid."""
    from tests.archive.ocfl import toy

    archive = toy.archive(tmp_path_factory.mktemp("archive"))
    (first, _), *later = steps
    expected = dict(first)
    write(archive.root, archive.stage, name(1), first, message="m", user="u", at=AT)
    for number, (add, drop) in enumerate(later):
        at = AT + timedelta(days=number)
        add_version(archive.root, archive.stage, name(1), add, drop & expected.keys(), message="m", user="u", at=at)
        expected = {path: data for path, data in expected.items() if path not in drop} | add
    assert {path: file.read_bytes() for path, (file, _) in archive.root.files(name(1)).items()} == expected
    _valid(archive, 1)


def test_a_thousand_bytes_of_a_segment_are_those_given(archive: Archive) -> None:
    """What is read through the root is what was written."""
    archive.write(7, segment(7))
    assert {path: file.read_bytes() for path, (file, _) in archive.root.files(name(7)).items()} == segment(7)
