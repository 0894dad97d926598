"""The plain originals of an older home move into segments."""

import json
from pathlib import Path

import pytest

from archive import journal
from archive.ledger import Ledger
from archive.originals import Kept
from archive.segments.adoption import adopt
from archive.segments.store import SegmentOriginals
from formats.digest import sha256
from formats.errors import IntegrityError
from tests.archive.segments.looking import NOW, assert_reads, assert_whole, kinds, rows
from tests.archive.segments.registered import register_all


def _plain(folder: Path, contents: list[bytes]) -> list[Path]:
    """Files as the older store wrote them."""
    files = []
    for data in contents:
        digest = sha256(data)
        file = folder / digest[:2] / digest[2:4] / digest
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(0o400)
        files.append(file)
    return files


def test_plain_originals_move(store: SegmentOriginals, ledger: Ledger) -> None:
    """Into segments, by the kinds of the register; the files are put aside, and a second call does nothing."""
    contents = [f"original {number}".encode() for number in range(20)]
    root = store.layout.root
    files = _plain(root, contents)
    register_all(store, tuple(Kept(sha256(data), len(data), "receipt-sent") for data in contents[:19]), "case-1")
    assert adopt(root, store, ledger, NOW) == 20
    assert_reads(store, map(sha256, contents), contents)
    assert not any(file.exists() for file in files)
    assert [(root / "plain-adopted" / file.relative_to(root)).read_bytes() for file in files] == contents
    assert {row.digest: row.kind for row in rows(ledger, 1)} == {
        **{sha256(data): "receipt-sent" for data in contents[:19]},
        sha256(contents[19]): "unregistered",
    }
    assert adopt(root, store, ledger, NOW) == 0
    assert kinds(ledger).count("plain-adopted") == 1
    assert journal.entries(ledger)[-1].what == {"originals": 20, "bytes": sum(map(len, contents))}
    assert sorted(path.name for path in root.iterdir() if len(path.name) == 2) == []
    assert_whole(store)


def test_an_adoption_that_was_killed_goes_on(store: SegmentOriginals, ledger: Ledger) -> None:
    """Originals that were kept and not put aside are not kept twice."""
    contents = [b"one", b"two"]
    _plain(store.layout.root, contents)
    store.keep([("delivery-sent", b"one")], NOW)
    assert adopt(store.layout.root, store, ledger, NOW) == 2
    assert len(rows(ledger, 1)) == 2


def test_a_plain_file_that_was_changed_is_named(store: SegmentOriginals, ledger: Ledger) -> None:
    """A502, and the file stays where it is."""
    (file,) = _plain(store.layout.root, [b"one"])
    file.chmod(0o600)
    file.write_bytes(b"other")
    with pytest.raises(IntegrityError, match=f"A502.*{file.name}"):
        adopt(store.layout.root, store, ledger, NOW)
    assert file.exists()


def test_other_files_are_left_alone(store: SegmentOriginals, ledger: Ledger) -> None:
    """What is no original in its place stays."""
    root = store.layout.root
    (file,) = _plain(root, [b"one"])
    stray = root / ("00" if not file.name.startswith("00") else "11") / file.name[2:4] / file.name
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"one")
    (root / "note.txt").write_text(json.dumps({}))
    assert adopt(root, store, ledger, NOW) == 1
    assert stray.exists()
    assert (root / "note.txt").exists()
