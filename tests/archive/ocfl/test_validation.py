"""The judge before damaged and hostile objects: every damage is a flaw, none is an error."""

import hashlib
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.ocfl.findings import shown
from archive.ocfl.validation import file_digests, validate_object
from tests.archive.ocfl import toy
from tests.archive.ocfl.toy import Archive, flip, name


def _codes(path: Path, *, contents: bool = True) -> set[str]:
    return {flaw.code for flaw in validate_object(path, contents=contents) if flaw.is_error}


def _claim(path: Path, inventory: bytes) -> None:
    """Put an inventory in the object's place, with the sidecar that fits, as somebody with bad intent would."""
    for folder in (path, path / "v1"):
        for file, data in (
            ("inventory.json", inventory),
            ("inventory.json.sha512", f"{hashlib.sha512(inventory).hexdigest()} inventory.json\n".encode()),
        ):
            (folder / file).chmod(0o600)
            (folder / file).write_bytes(data)


@pytest.fixture
def place(archive: Archive) -> Path:
    """The folder of a sound object with one version."""
    return archive.write(1).path


def test_every_changed_file_is_named(archive: Archive) -> None:
    """One bit of any file of an object with two versions: a flaw, and without reading content all but content."""
    archive.write(1)
    place = archive.rekey(1, 2).path
    files = [file for file in place.rglob("*") if file.is_file()]
    assert len(files) == 12
    for file in files:
        flip(file)
        relative = str(file.relative_to(place))
        named = {flaw.subject for flaw in validate_object(place) if flaw.is_error}
        assert relative in named or relative.replace(".sha512", "") in named, relative
        assert bool(_codes(place, contents=False)) == ("content/" not in relative)
        flip(file)
        assert validate_object(place) == ()


def test_every_missing_and_every_foreign_file_is_named(archive: Archive) -> None:
    """Also without reading content; a version's own inventory only with a warning, as the standard has it."""
    archive.write(1)
    place = archive.rekey(1, 2).path
    for file in [file for file in place.rglob("*") if file.is_file()]:
        data = file.read_bytes()
        file.unlink()
        assert validate_object(place, contents=False), file
        file.write_bytes(data)
    for folder in [place, *(each for each in place.rglob("*") if each.is_dir())]:
        (folder / "foreign").write_bytes(b"")
        assert _codes(place, contents=False) & {"E001", "E015", "E023"}, folder
        (folder / "foreign").unlink()
    assert validate_object(place) == ()


@pytest.mark.parametrize(
    ("inventory", "code"),
    [
        (b"", "E033"),
        (b"\xff\xfe", "E033"),
        (b"[]", "E033"),
        (b"null", "E033"),
        (b"[" * 100_000, "E033"),
        (b'{"id":' * 50_000, "E033"),
        (b'{"id": "a:b", "id": "a:c"}', "E033"),
        (b'{"id": "\\ud800"}', "E033"),
        (b'{"id": ' + b"9" * 10_000 + b"}", "E033"),
        (b'{"id": NaN}', "E033"),
        (b" " * (17 << 20), "E033"),
        (b'\xef\xbb\xbf{"id": "a:b"}', "E033"),
    ],
    ids=range(12),
)
def test_what_is_no_json_to_rely_on_is_e033(place: Path, inventory: bytes, code: str) -> None:
    """Not UTF-8, deep, huge, with a key twice, with half a character."""
    _claim(place, inventory)
    assert code in _codes(place)


def _edited(place: Path, **changes: object) -> bytes:
    return json.dumps({**json.loads((place / "inventory.json").read_bytes()), **changes}).encode()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../../../../../../etc/passwd", "E099"),
        ("/etc/passwd", "E100"),
        ("v1/content/../../../secret", "E099"),
        ("v1/content//members.tar", "E099"),
        ("v1/content/" + "a/" * 100_000 + "b", "E099"),
        ("v1/content/a\0b", "E099"),
        ("v9/content/members.tar", "E042"),
    ],
    ids=range(7),
)
def test_paths_out_of_the_object_are_never_opened(place: Path, path: str, code: str) -> None:
    """They are flaws, and what is read lies in the object."""
    read: list[Path] = []

    def digester(file: Path, algorithms: object) -> dict[str, str]:
        read.append(file)
        return file_digests(file, ["sha512"])

    value = json.loads((place / "inventory.json").read_bytes())
    value["manifest"] = {digest: [path] for digest in value["manifest"]}
    _claim(place, json.dumps(value).encode())
    codes = {flaw.code for flaw in validate_object(place, digester=digester)}
    assert code in codes
    assert all(file.is_relative_to(place) and ".." not in file.parts for file in read)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["v1", "../x", "sha512", "v01"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["v1", "v2", "state", "md5", "created", "user"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ["id", "type", "digestAlgorithm", "head", "contentDirectory", "manifest", "versions", "fixity", "other"]


@settings(deadline=None, max_examples=120)
@given(st.dictionaries(st.sampled_from(KEYS), JUNK, min_size=1))
def test_no_inventory_makes_the_judge_fail(changes: dict[str, object]) -> None:
    """Whatever stands in the keys: flaws or none, but no error; and they can be printed."""
    with TemporaryDirectory() as folder:
        place = toy.archive(Path(folder)).write(1).path
        _claim(place, _edited(place, **changes))
        for flaw in validate_object(place):
            flaw.text.encode("utf-8")
            flaw.subject.encode("utf-8")


def test_a_million_paths_are_judged_in_time(place: Path) -> None:
    """A large hostile inventory costs seconds, not hours, and its flaws are cut."""
    digest = "a" * 128
    _claim(place, _edited(place, manifest={digest: ["v1/content/" + "x/" * (n % 50) + "y" for n in range(100_000)]}))
    flaws = validate_object(place)
    assert {"E101", "E092"} <= {flaw.code for flaw in flaws}
    assert len(flaws) < 10_000


def test_links_and_pipes_are_named_and_not_followed(place: Path, tmp_path: Path) -> None:
    """A link is E090, a pipe E089; nothing waits for a writer."""
    content = place / "v1" / "content"
    tar = content / "members.tar"
    tar.rename(tmp_path / "elsewhere")
    tar.symlink_to(tmp_path / "elsewhere")
    assert {"E090", "E092"} <= _codes(place)
    tar.unlink()
    os.mkfifo(tar)
    assert {"E089", "E092"} <= _codes(place)
    (place / "inventory.json").unlink()
    os.mkfifo(place / "inventory.json")
    assert {"E089", "E063"} <= _codes(place)


def test_folders_that_are_not_what_they_should_be(place: Path, tmp_path: Path) -> None:
    """A missing object, a file in its place, a version that is a link, an empty folder."""
    (place / "v1" / "content" / "empty").mkdir()
    assert "E024" in _codes(place)
    (place / "v1").rename(tmp_path / "v1")
    (place / "v1").symlink_to(tmp_path / "v1")
    assert {"E090", "E010"} <= _codes(place)
    assert "E034" in _codes(tmp_path / "nothing")
    (tmp_path / "file").write_bytes(b"")
    assert "E034" in _codes(tmp_path / "file")


def test_names_that_are_not_utf8_can_be_printed(place: Path) -> None:
    """They are escaped in the flaw's subject."""
    (place / "v1" / "content" / os.fsdecode(b"\xff\n")).write_bytes(b"?")
    (flaw,) = [flaw for flaw in validate_object(place) if flaw.code == "E023"][:1]
    assert flaw.subject == "v1/content/\\xff\\n"
    assert shown("\ud800" + "a" * 500) == "?" + "a" * 199


def test_the_passed_digester_reads_each_file_once(archive: Archive) -> None:
    """So that whoever reads the bytes anyway reads them once; one that cannot be read is E092."""
    archive.write(1)
    place = archive.rekey(1, 2).path
    read: list[str] = []

    def digester(file: Path, algorithms: object) -> dict[str, str]:
        read.append(str(file.relative_to(place)))
        if file.name == "catalog.bin":
            raise OSError(5, "Input/output error")
        return file_digests(file, ["sha512"])

    flaws = validate_object(place, digester=digester)
    assert sorted(read) == sorted(archive.root.contents(name(1)))
    assert [(flaw.code, flaw.subject) for flaw in flaws] == [("E092", "v1/content/catalog.bin")]
