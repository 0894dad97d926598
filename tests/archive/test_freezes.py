"""Freezes among the originals: kept whole, found again, taken out byte for byte."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive import freezes, journal
from archive.audit import audit
from archive.ledger import Ledger
from archive.segments.store import SegmentOriginals
from formats.errors import IntegrityError, UsageError
from tests.archive.stores import store_in

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
FREEZE = "ab" * 32
FILES = {
    "catalog.json": b"{}",
    "data/0001/00000001.csv.gz": b"\x1f\x8b one",
    "data/0001/00000002.csv.gz": b"\x1f\x8b one",
    "data/0002/00000001.csv.gz": b"",
}


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A ledger, on SQLite and on PostgreSQL."""
    with Ledger.create(database_url) as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path, ledger: Ledger) -> SegmentOriginals:
    """A store of originals."""
    return store_in(tmp_path, ledger)


def frozen_in(folder: Path) -> Path:
    """A folder with the files of a freeze."""
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_kept_freeze_is_taken_out_byte_for_byte(store: SegmentOriginals, tmp_path: Path) -> None:
    """What is taken out is what was kept, files with equal bytes and empty ones too; only this user may read it."""
    kept = freezes.keep(store, FREEZE, frozen_in(tmp_path / "run"), FILES, "u1", AT)
    assert freezes.take_out(store, FREEZE, tmp_path / "out") == kept
    assert contents(tmp_path / "out") == FILES
    private = [tmp_path / "out", *(path for path in (tmp_path / "out").rglob("*") if path.is_file())]
    assert {path.stat().st_mode & 0o077 for path in private} == {0}


def test_large_files_are_kept_in_parts(
    store: SegmentOriginals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of more than one part comes back whole, its parts in order."""
    monkeypatch.setattr(freezes, "_PART", 7)
    data = bytes(range(256)) * 3
    (tmp_path / "large").write_bytes(data)
    assert freezes.keep(store, FREEZE, tmp_path, ["large"], "u1", AT).originals == 110
    freezes.take_out(store, FREEZE, tmp_path / "out")
    assert (tmp_path / "out" / "large").read_bytes() == data


def test_freezes_are_listed_and_said_in_the_journal(store: SegmentOriginals, ledger: Ledger, tmp_path: Path) -> None:
    """Each freeze is one line with its originals and bytes; the journal names it, and the audit finds nothing."""
    for number, freeze in enumerate((FREEZE, "cd" * 32)):
        freezes.keep(store, freeze, frozen_in(tmp_path / f"run{number}"), FILES, "u1", AT)
    size = sum(map(len, FILES.values()))
    assert [(found.originals, found.bytes) for found in freezes.listing(ledger)] == [(4, size)] * 2
    assert [entry.what["freeze"] for entry in journal.entries(ledger) if entry.kind == "freeze-kept"] == [
        FREEZE,
        "cd" * 32,
    ]
    assert audit(ledger, store, store.layout.root, at=AT).problems == ()


def test_an_interrupted_keeping_is_a_draft_and_goes_on(store: SegmentOriginals, ledger: Ledger, tmp_path: Path) -> None:
    """Parts that were kept and not registered are no problem of the audit, and the next keeping registers them."""
    store.keep([(freezes.FROZEN, FILES["catalog.json"])], AT)
    report = audit(ledger, store, store.layout.root, at=AT)
    assert (report.problems, report.drafts) == ((), 1)
    freezes.keep(store, FREEZE, frozen_in(tmp_path / "run"), FILES, "u1", AT)
    assert audit(ledger, store, store.layout.root, at=AT).drafts == 0


def test_an_unknown_freeze_and_a_full_folder_are_refused(store: SegmentOriginals, tmp_path: Path) -> None:
    """Nothing is written for a freeze that is not kept, nor into a folder that holds something."""
    with pytest.raises(UsageError, match="S412"):
        freezes.take_out(store, FREEZE, tmp_path / "out")
    freezes.keep(store, FREEZE, frozen_in(tmp_path / "run"), FILES, "u1", AT)
    with pytest.raises(UsageError, match="S417"):
        freezes.take_out(store, FREEZE, tmp_path / "run")
    assert contents(tmp_path / "run") == FILES


@pytest.mark.parametrize("name", ["../out", "/etc/x"])
def test_a_name_that_leads_out_of_the_folder_is_refused(
    store: SegmentOriginals, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A register that names a file outside the folder writes nothing there."""
    monkeypatch.setattr(freezes, "_parts", lambda _root, _names: [(f"{name}#0000", b"x")])
    freezes.keep(store, FREEZE, tmp_path, [name], "u1", AT)
    with pytest.raises(IntegrityError, match="A507"):
        freezes.take_out(store, FREEZE, tmp_path / "inner" / "folder")
    assert not (tmp_path / "inner" / "out").exists()
