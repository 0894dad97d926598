"""Good bytes from a backup: in the place of damaged ones, which are put aside, and whole objects."""

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from archive.ocfl.objects import destroy, replace_file, restore_object
from archive.ocfl.storage import root_files
from archive.ocfl.validation import validate_object, validate_root
from formats.errors import IntegrityError, UnreachableError
from tests.archive.ocfl.outside import judged
from tests.archive.ocfl.toy import Archive, flip, name


def _replace(archive: Archive, relative: str, source: Path, number: int = 1) -> Path | None:
    return replace_file(archive.root, archive.stage, archive.aside, name(number), relative, source)


@pytest.fixture
def backup(archive: Archive, tmp_path: Path) -> Path:
    """A copy of the sound object 1, which has two versions."""
    archive.write(1)
    place = archive.rekey(1, 2).path
    return Path(shutil.copytree(place, tmp_path / "backup"))


def test_every_file_can_be_replaced(archive: Archive, backup: Path) -> None:
    """Damaged or lost: afterwards the object is as it was, and what was damaged lies aside, bit by bit."""
    place = archive.root.object_path(name(1))
    for good in [file for file in backup.rglob("*") if file.is_file()]:
        relative = str(good.relative_to(backup))
        flip(place / relative)
        damaged = (place / relative).read_bytes()
        moved = _replace(archive, relative, good)
        assert moved is not None
        assert moved.parent == archive.aside
        assert moved.read_bytes() == damaged
        (place / relative).unlink()
        assert _replace(archive, relative, good) is None
        assert stat.S_IMODE((place / relative).stat().st_mode) == 0o400
        assert validate_root(archive.root.path) == ()
    assert judged(archive.root.path) == (1, 1, [])
    assert len({*archive.aside.iterdir()}) == 12


def _lost_folder(content: Path, elsewhere: Path) -> None:
    shutil.rmtree(content)


def _file_for_a_folder(content: Path, elsewhere: Path) -> None:
    shutil.rmtree(content)
    content.write_bytes(b"?")


def _link_for_a_folder(content: Path, elsewhere: Path) -> None:
    shutil.rmtree(content)
    elsewhere.mkdir()
    content.symlink_to(elsewhere)


def _folder_for_a_file(content: Path, elsewhere: Path) -> None:
    (content / "catalog.bin").unlink()
    (content / "catalog.bin" / "in").mkdir(parents=True)


def _link_for_a_file(content: Path, elsewhere: Path) -> None:
    (content / "catalog.bin").unlink()
    (content / "catalog.bin").symlink_to(elsewhere)


@pytest.mark.parametrize(
    "damage", [_lost_folder, _file_for_a_folder, _link_for_a_folder, _folder_for_a_file, _link_for_a_file]
)
def test_what_is_in_the_way_goes_aside(
    archive: Archive, backup: Path, tmp_path: Path, damage: Callable[[Path, Path], None]
) -> None:
    """A file, a link or a folder where it does not belong; nothing is written through a link."""
    place = archive.root.object_path(name(1))
    damage(place / "v1" / "content", tmp_path / "elsewhere")
    for good in (backup / "v1" / "content").iterdir():
        _replace(archive, f"v1/content/{good.name}", good)
    assert validate_object(place) == ()
    assert not (tmp_path / "elsewhere").exists() or [*(tmp_path / "elsewhere").iterdir()] == []


def test_a_file_of_the_root_can_be_replaced(archive: Archive, tmp_path: Path) -> None:
    """With no object's id the path is one in the root."""
    archive.write(1)
    for relative, data in root_files().items():
        (tmp_path / "good").write_bytes(data)
        flip(archive.root.path / relative, 2)
        assert validate_root(archive.root.path) != ()
        moved = replace_file(archive.root, archive.stage, archive.aside, "", relative, tmp_path / "good")
        assert moved is not None
        assert validate_root(archive.root.path) == ()


@pytest.mark.parametrize("relative", ["../x", "/etc/x", "v1//x", ""])
def test_a_path_out_of_the_object_is_refused(archive: Archive, backup: Path, relative: str) -> None:
    """Before anything is done."""
    with pytest.raises(ValueError, match="relative"):
        _replace(archive, relative, backup / "inventory.json")


def test_a_good_file_that_is_not_there_changes_nothing(archive: Archive, backup: Path) -> None:
    """S416, and what was there is there."""
    with pytest.raises(UnreachableError):
        _replace(archive, "v1/content/catalog.bin", backup / "missing")
    assert validate_root(archive.root.path) == ()
    assert not archive.aside.exists()


def _staged(archive: Archive, backup: Path) -> Path:
    archive.stage.mkdir(exist_ok=True)
    return Path(shutil.copytree(backup, archive.stage / "whole"))


def test_a_whole_object_is_taken_in(archive: Archive, backup: Path) -> None:
    """With modes as they must be; a second time it is content with what is there."""
    destroy(archive.root, archive.stage, name(1))
    staged = _staged(archive, backup)
    (staged / "v1").chmod(0o755)
    (staged / "inventory.json").chmod(0o644)
    place = restore_object(archive.root, archive.stage, name(1), staged)
    assert place == archive.root.object_path(name(1))
    assert restore_object(archive.root, archive.stage, name(1), staged) == place
    assert restore_object(archive.root, archive.stage, name(1), _staged(archive, backup)) == place
    assert [*archive.stage.iterdir()] == []
    assert validate_root(archive.root.path) == ()
    assert {file.stat().st_mode & 0o777 for file in place.rglob("*") if file.is_file()} == {0o400}
    assert {each.stat().st_mode & 0o777 for each in place.rglob("*") if each.is_dir()} == {0o700}


def test_what_is_no_sound_object_is_not_taken_in(archive: Archive, backup: Path) -> None:
    """Of another id, with a file lost, with a damaged inventory, or in the place of another: A506."""
    staged = _staged(archive, backup)
    with pytest.raises(IntegrityError):
        restore_object(archive.root, archive.stage, name(2), staged)
    archive.rekey(1, 3)
    with pytest.raises(IntegrityError, match="another object"):
        restore_object(archive.root, archive.stage, name(1), staged)
    destroy(archive.root, archive.stage, name(1))
    lost = staged / "v1" / "content" / "catalog.bin"
    data = lost.read_bytes()
    lost.unlink()
    with pytest.raises(IntegrityError, match="E092"):
        restore_object(archive.root, archive.stage, name(1), staged)
    lost.write_bytes(data)
    flip(staged / "inventory.json", 30)
    with pytest.raises(IntegrityError):
        restore_object(archive.root, archive.stage, name(1), staged)
    assert validate_root(archive.root.path) == ()
