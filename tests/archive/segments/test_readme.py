"""The readme object, and the recovery with nothing but the medium, a key, gpg and the script."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive import journal
from archive.backup.backing import back_up
from archive.backup.folder_place import FolderPlace
from archive.backup.sources import Source
from archive.checkpoints import JournalKey
from archive.ledger import Ledger
from archive.segments import rekey
from archive.segments.layout import readme_id
from archive.segments.readme import texts, write_readme
from archive.segments.store import SegmentOriginals
from formats.digest import sha256
from formats.errors import UsageError
from tests.archive.segments.looking import NOW, assert_others_agree, assert_whole, items, kinds
from tests.archive.stores import OFFICE, store_in
from tests.archive.wraps import GnupgWrap
from tests.parts import need


@pytest.fixture
def gnupg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnupgWrap]:
    """Keys of an archive and of an escrow."""
    made = GnupgWrap.make(tmp_path_factory.mktemp("gpg") / "home")
    yield made
    made.stop()


def test_it_says_how_to_read_and_changes_when_something_has_changed(store: SegmentOriginals, ledger: Ledger) -> None:
    """Version 1 with texts and keys; the same again makes none; another key makes version 2, each with its entry."""
    keys = {"33010001-1.asc": b"a public key"}
    assert write_readme(store.context, keys, NOW) == 1
    assert write_readme(store.context, keys, NOW) == 1
    files = store.layout.objects.files(readme_id(OFFICE))
    assert {name: place.read_bytes() for name, (place, _) in files.items()} == {
        **texts(),
        "keys/33010001-1.asc": b"a public key",
    }
    assert write_readme(store.context, {"33010001-2.asc": b"the next"}, NOW) == 2
    assert set(store.layout.objects.files(readme_id(OFFICE))) == {"README.txt", "recover.py", "keys/33010001-2.asc"}
    assert kinds(ledger) == ["readme-written", "readme-written"]
    assert journal.entries(ledger)[1].what["version"] == 2
    store.keep(items(0, 1), NOW)
    store.seal_due(NOW, all_of_them=True)
    assert_whole(store)
    assert_others_agree(store, 2)


def test_an_object_without_its_entry_gets_it(
    store: SegmentOriginals, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the object and the journal: the next call enters what is there."""
    with monkeypatch.context() as broken:
        broken.setattr(journal, "record", None)
        with pytest.raises(TypeError):
            write_readme(store.context, {}, NOW)
    assert kinds(ledger) == []
    assert write_readme(store.context, {}, NOW) == 1
    assert kinds(ledger) == ["readme-written"]


def test_a_secret_key_never_goes_there(store: SegmentOriginals) -> None:
    """S408 for an armored secret key, whatever its name."""
    with pytest.raises(UsageError, match="S408"):
        write_readme(store.context, {"a.asc": b"-----BEGIN PGP PRIVATE KEY BLOCK-----"}, NOW)
    assert not store.layout.objects.path.exists() or not any(store.layout.objects.objects())


def _recover(gnupg: GnupgWrap, key: str, medium: Path, place: Path) -> "subprocess.CompletedProcess[str]":
    """On another machine: a fresh keyring with one secret key, the medium, and the script that lies on it."""
    place.mkdir()
    home = Path(tempfile.mkdtemp(prefix="jx"))  # gpg-agent's socket must have a short path
    environment = {"PATH": os.environ["PATH"], "GNUPGHOME": str(home)}
    secret = gnupg.secret_key(key)
    subprocess.run([need("gpg"), "--batch", "--import"], input=secret, env=environment, check=True, capture_output=True)
    (script,) = medium.rglob("recover.py")
    try:
        return subprocess.run(
            [sys.executable, "-I", "-S", str(script), str(medium), str(place / "out")],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        subprocess.run([need("gpgconf"), "--kill", "all"], env=environment, check=True)
        shutil.rmtree(home, ignore_errors=True)


def test_recovery_with_nothing_but_medium_key_gpg_and_script(tmp_path: Path, ledger: Ledger, gnupg: GnupgWrap) -> None:
    """Either key, alone, brings every sealed original back; no ledger, no package of this program."""
    store = store_in(tmp_path, ledger, wrap=gnupg)
    write_readme(store.context, {"archive.asc": gnupg.public_key(gnupg.recipients[0])}, NOW)
    originals = [b"", b"x", *(data for _, data in items(0, 6, 3000))]
    for half in (originals[:4], originals[4:]):
        store.keep([("delivery-sent", data) for data in half], NOW)
        store.seal_due(NOW, all_of_them=True)
    medium = tmp_path / "medium"
    shutil.copytree(store.layout.objects.path, medium)
    for number, key in enumerate(gnupg.recipients):
        done = _recover(gnupg, key, medium, tmp_path / f"machine{number}")
        assert (done.returncode, done.stdout) == (0, "")
        out = tmp_path / f"machine{number}" / "out"
        assert {file.name: file.read_bytes() for file in out.iterdir() if len(file.name) == 64} == {
            sha256(data): data for data in originals
        }
        assert sorted(file.name for file in out.glob("*.jsonl")) == ["catalog-00000001.jsonl", "catalog-00000002.jsonl"]


def test_recovery_says_what_failed(tmp_path: Path, ledger: Ledger, gnupg: GnupgWrap) -> None:
    """A flipped bit in one member: named by its object and name, the others are written, the status is 1."""
    store = store_in(tmp_path, ledger, wrap=gnupg)
    write_readme(store.context, {}, NOW)
    kept = store.keep(items(0, 3), NOW)
    store.seal_due(NOW, all_of_them=True)
    medium = tmp_path / "medium"
    shutil.copytree(store.layout.objects.path, medium)
    (tar,) = medium.rglob("members.tar")
    tar.chmod(0o600)
    data = bytearray(tar.read_bytes())
    data[600] ^= 1
    tar.write_bytes(data)
    done = _recover(gnupg, gnupg.recipients[1], medium, tmp_path / "machine")
    assert done.returncode == 1
    assert "segment:00000001: member 00000000 is not what the manifest says (SHA-256)" in done.stdout
    assert "members.tar is not what its inventory says" in done.stdout
    assert sorted(file.name for file in (tmp_path / "machine/out").iterdir() if len(file.name) == 64) == sorted(
        entry.digest for entry in kept[1:]
    )


def test_recovery_from_the_objects_of_a_backup(tmp_path: Path, ledger: Ledger, gnupg: GnupgWrap) -> None:
    """A backup has inventories in the folders of versions only: the newest one's names the newest keys."""
    store = store_in(tmp_path, ledger, wrap=gnupg)
    write_readme(store.context, {}, NOW)
    kept = store.keep(items(0, 3), NOW)
    store.seal_due(NOW, all_of_them=True)
    rekey.rekey(store.context, gnupg, gnupg, "AB" * 20, NOW)
    (tmp_path / "place").mkdir()
    source = Source(ledger, store.layout.root, {}, {}, OFFICE, gnupg, store.read)
    journal_key = JournalKey.generate(f"jiexu/{OFFICE}/journal")
    back_up(source, FolderPlace(tmp_path / "place"), journal_key, NOW, named="elsewhere")
    medium = tmp_path / "place/objects"
    segment = next(medium.rglob("members.tar")).parents[2]
    assert not (segment / "inventory.json").exists()
    assert (segment / "v2/inventory.json").exists()
    done = _recover(gnupg, gnupg.recipients[1], medium, tmp_path / "machine")
    assert (done.returncode, done.stdout) == (0, "")
    out = tmp_path / "machine/out"
    assert {file.name for file in out.iterdir() if len(file.name) == 64} == {entry.digest for entry in kept}

    sidecar = segment / "v2/inventory.json.sha512"
    sidecar.chmod(0o600)
    sidecar.write_text("0" * 128 + " inventory.json\n")
    damaged = _recover(gnupg, gnupg.recipients[1], medium, tmp_path / "another")
    assert damaged.returncode == 1
    assert "inventory.json is not what the file beside it says" in damaged.stdout
