"""The storage root: made once and whole, objects at their places, and the judge of all of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.ocfl.objects import write
from archive.ocfl.storage import StorageRoot, place, told_id
from archive.ocfl.validation import validate_root
from formats.errors import IntegrityError, UnreachableError
from tests.archive.ocfl import outside
from tests.archive.ocfl.outside import judged
from tests.archive.ocfl.toy import AT, Archive, flip, name, segment


def _codes(archive: Archive) -> set[str]:
    return {flaw.code for flaw in validate_root(archive.root.path)}


def test_places_are_those_of_the_extension() -> None:
    """The two examples of extension 0003, default configuration."""
    assert place("object-01") == "3c0/ff4/240/object-01"
    assert place("..hor/rib:le-$id") == "487/326/d8c/%2e%2ehor%2frib%3ale-%24id"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_places_are_what_the_other_reader_computes(identifier: str) -> None:
    """For any id, with any sign and of any length, as ocfl-py has it; and the id can be read off the folder."""
    ours = place(identifier)
    assert ours == outside.place(identifier)
    if len(ours.rpartition("/")[2]) <= 100:
        assert told_id(Path("/", ours)) == identifier


def test_an_empty_root_is_valid(archive: Archive) -> None:
    """For both judges, and no file of it can be written."""
    assert validate_root(archive.root.path) == ()
    assert judged(archive.root.path) == (0, 0, [])
    assert {file.stat().st_mode & 0o777 for file in archive.root.path.rglob("*") if file.is_file()} == {0o400}


def test_a_root_is_made_once(archive: Archive) -> None:
    """A second call changes nothing, also not what is damaged; one that was killed is begun again."""
    (archive.root.path / "ocfl_layout.json").unlink()
    archive.root.create()
    assert _codes(archive) == {"E071"}
    other = StorageRoot(archive.root.path.with_name("other"))
    (archive.root.path.with_name("other.new") / "extensions").mkdir(parents=True)
    other.create()
    assert validate_root(other.path) == ()
    assert not archive.root.path.with_name("other.new").exists()


def test_a_root_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """S416, with the system's reason."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnreachableError) as refused:
        StorageRoot(tmp_path / "file" / "ocfl").create()
    assert refused.value.code == "S416"


def test_objects_are_listed_also_when_they_are_damaged(archive: Archive) -> None:
    """By the names of their folders, and an id too long for a folder's name by its inventory."""
    for number in (1, 2, 3):
        archive.write(number)
    (archive.root.object_path(name(2)) / "0=ocfl_object_1.1").unlink()
    (archive.root.object_path(name(3)) / "inventory.json").unlink()
    long = "urn:jiexu:" + "x" * 120
    write(archive.root, archive.stage, long, segment(), message="m", user="u", at=AT)
    assert sorted(archive.root.objects()) == sorted(
        (each, archive.root.object_path(each)) for each in (name(1), name(2), name(3), long)
    )
    flip(archive.root.object_path(long) / "inventory.json")
    assert len([*archive.root.objects()]) == 4


def test_files_are_those_of_the_head_and_contents_all(archive: Archive) -> None:
    """Logical paths to what can be read, and every content file of every version with its digest."""
    archive.write(1)
    archive.rekey(1, 2)
    files = archive.root.files(name(1))
    assert set(files) == {"members.tar", "manifest-sha256.txt", "catalog.bin", "keys-2.pgp"}
    assert archive.root.content(name(1), "keys-2.pgp").read_bytes() == b"key 2"
    assert files["members.tar"][0].read_bytes() == segment()["members.tar"]
    assert "v1/content/keys-1.pgp" in archive.root.contents(name(1))
    assert len(archive.root.contents(name(1))) == 5
    with pytest.raises(IntegrityError):
        archive.root.content(name(1), "keys-1.pgp")


@pytest.mark.parametrize("file", ["inventory.json", "inventory.json.sha512"])
def test_a_damaged_inventory_is_not_believed(archive: Archive, file: str) -> None:
    """A506 for one flipped bit, and for a missing object."""
    flip(archive.write(1).path / file, 5)
    for number in (1, 2):
        with pytest.raises(IntegrityError) as refused:
            archive.root.files(name(number))
        assert refused.value.code == "A506"


def test_an_inventory_with_another_id_is_not_believed(archive: Archive) -> None:
    """An object in the place of another is A506, and E083 to the judge."""
    one, two = archive.write(1).path, archive.write(2).path
    one.rename(one.with_name("x"))
    two.rename(one)
    with pytest.raises(IntegrityError):
        archive.root.files(name(1))
    assert {"E083", "E073"} <= _codes(archive)


def _foreign_file(archive: Archive) -> None:
    (archive.root.path / "note.txt").write_bytes(b"?")


def _file_on_the_way(archive: Archive) -> None:
    (archive.root.object_path(name(1)).parent.parent / "note.txt").write_bytes(b"?")


def _empty_folder(archive: Archive) -> None:
    (archive.root.path / "abc" / "def").mkdir(parents=True)


def _folder_of_another_kind(archive: Archive) -> None:
    (archive.root.path / "Documents" / "x").mkdir(parents=True)


def _no_declaration(archive: Archive) -> None:
    (archive.root.path / "0=ocfl_1.1").unlink()


def _two_declarations(archive: Archive) -> None:
    (archive.root.path / "0=ocfl_1.0").write_bytes(b"ocfl_1.0\n")


def _wrong_declaration(archive: Archive) -> None:
    flip(archive.root.path / "0=ocfl_1.1")


def _layout_without_description(archive: Archive) -> None:
    _put(archive, "ocfl_layout.json", {"extension": "0003-hash-and-id-n-tuple-storage-layout"})


def _another_layout(archive: Archive) -> None:
    _put(archive, "ocfl_layout.json", {"extension": "0002-flat-direct-storage-layout", "description": "?"})


def _another_configuration(archive: Archive) -> None:
    _put(archive, "extensions/0003-hash-and-id-n-tuple-storage-layout/config.json", {"tupleSize": 2})


def _damaged_object(archive: Archive) -> None:
    flip(archive.root.content(name(1), "members.tar"))


def _another_extension(archive: Archive) -> None:
    (archive.root.path / "extensions" / "mine").mkdir()


def _link(archive: Archive) -> None:
    (archive.root.path / "abc").symlink_to("/etc")


def _put(archive: Archive, file: str, value: object) -> None:
    (archive.root.path / file).chmod(0o600)
    (archive.root.path / file).write_text(json.dumps(value))


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (_foreign_file, "E072"),
        (_file_on_the_way, "E084"),
        (_empty_folder, "E073"),
        (_folder_of_another_kind, "E088"),
        (_no_declaration, "E069"),
        (_two_declarations, "E076"),
        (_wrong_declaration, "E080"),
        (_layout_without_description, "E070"),
        (_another_layout, "E071"),
        (_another_configuration, "E071"),
        (_damaged_object, "E092"),
        (_another_extension, "E072"),
        (_link, "E090"),
    ],
)
def test_what_does_not_belong_in_a_root_is_named(
    archive: Archive, damage: Callable[[Archive], None], code: str
) -> None:
    """Each by the code of its rule; before it there was nothing to name."""
    archive.write(1)
    assert validate_root(archive.root.path) == ()
    damage(archive)
    assert code in _codes(archive)


def test_a_root_that_is_not_there_is_a_flaw(tmp_path: Path) -> None:
    """Not an error."""
    assert {flaw.code for flaw in validate_root(tmp_path / "nothing")} >= {"E034", "E069"}


def test_an_inventory_behind_a_link_is_not_believed(archive: Archive, tmp_path: Path) -> None:
    """Even with the right bytes: A506, since what lies elsewhere is not kept."""
    inventory = archive.write(1).path / "inventory.json"
    inventory.rename(tmp_path / "elsewhere")
    inventory.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError):
        archive.root.files(name(1))
