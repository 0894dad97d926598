"""An archive's folder on another storage: the same bytes, nothing lost that came meanwhile, every damage named."""

import os
import resource
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive import journal
from archive.ledger import Ledger
from archive.relocating import Home, Relocated, leave, place, relocate
from archive.segments.files import held
from archive.segments.store import SegmentOriginals
from formats import merkle
from formats.digest import sha256
from formats.errors import IntegrityError, UnreachableError, UsageError
from tests.archive.stores import OFFICE, store_in

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
LOCKS = {"lock", "seal.lock", "backup.lock"}

Listener = Callable[[str, int], None]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger."""
    with Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}") as made:
        yield made


@pytest.fixture
def store(tmp_path: Path, ledger: Ledger) -> SegmentOriginals:
    """Two sealed segments and an open one."""
    made = store_in(tmp_path, ledger)
    for start in (0, 10, 20):
        made.keep([("delivery-sent", text(number)) for number in range(start, start + 10)], AT)
        if start < 20:
            made.seal_due(AT, all_of_them=True)
    return made


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """The archive's folder on the new storage, still to come."""
    (tmp_path / "disk").mkdir()
    return place(tmp_path / "disk")


def text(number: int) -> bytes:
    """The bytes of one original."""
    return f"original {number} ".encode() * 100


def files(root: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and time of every file but locks."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: (path.read_bytes(), path.stat().st_mtime_ns) for name, path in found.items() if name not in LOCKS}


def moved(store: SegmentOriginals, new: Path, steps: Listener | None = None, workers: int = 1) -> Relocated:
    """The store's folder copied."""
    home = Home(store.context.ledger, store.layout.root, OFFICE)
    return relocate(home, new, AT, who="u1", workers=workers, steps=steps or (lambda _name, _count: None))


def once(name: str, act: Callable[[], object]) -> Listener:
    """A listener that acts the first time it hears this name."""
    heard: list[str] = []

    def listen(step: str, _count: int) -> None:
        if step == name and not heard:
            heard.append(step)
            act()

    return listen


def at_new(store: SegmentOriginals, new: Path) -> SegmentOriginals:
    """The store on the new storage."""
    return store_in(new.parent, store.context.ledger)


def flipped(file: Path) -> None:
    """One bit of a file is another."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)


@pytest.mark.parametrize("workers", [1, 4])
def test_both_folders_hold_the_same_and_the_old_one_is_as_it_was(
    store: SegmentOriginals, new: Path, workers: int
) -> None:
    """Bytes, modes and times are the same; the root is over path, size and SHA-256; the journal has it."""
    before = files(store.layout.root)
    found = moved(store, new, workers=workers)
    assert files(store.layout.root) == before == files(new)
    lines = [
        b"%s\0%d\0%s" % (name.encode(), len(data), sha256(data).encode()) for name, (data, _) in sorted(before.items())
    ]
    assert found.root == merkle.root_of(lines).hex()
    last = list(journal.entries(store.context.ledger))[-1]
    assert (last.kind, last.who) == ("relocated", "u1")
    assert last.what == {"files": len(before), "bytes": found.bytes, "root": found.root}
    assert [at_new(store, new).read(sha256(text(number))) for number in range(30)] == [text(n) for n in range(30)]


def test_a_second_run_writes_nothing_and_brings_what_came_since(store: SegmentOriginals, new: Path) -> None:
    """What is there and the same is done; a segment that was sealed since goes from open/ into its object."""
    moved(store, new)
    assert moved(store, new).written == 0
    store.seal_due(AT, all_of_them=True)
    found = moved(store, new)
    assert (found.written > 0, found.removed) == (True, 2)
    assert files(new) == files(store.layout.root)


@pytest.mark.parametrize("step", ["copied", "judged"])
def test_what_is_kept_and_sealed_meanwhile_is_there(store: SegmentOriginals, new: Path, step: str) -> None:
    """Originals are kept and a segment sealed while files are copied: all of it is in the copy."""

    def meanwhile() -> None:
        store.keep([("delivery-sent", text(100))], AT)
        store.seal_due(AT, all_of_them=True)
        store.keep([("delivery-sent", text(101))], AT)

    moved(store, new, once(step, meanwhile))
    assert files(new) == files(store.layout.root)
    assert at_new(store, new).read(sha256(text(101))) == text(101)


def test_damage_of_the_old_folder_is_named_and_nothing_is_entered(store: SegmentOriginals, new: Path) -> None:
    """A sealed tar, an inventory, an open tar, a key, a file too many, one too few, a link: each is D696 by its name."""
    layout = store.layout
    sealed, inventory = layout.sealed_tar(1), layout.object_path(2) / "inventory.json"
    for file, named in (
        (sealed, "members.tar: E09"),
        (layout.object_path(1) / "v1/content/manifest-sha256.txt", "not what its manifest says"),
        (inventory, "segment 2: its object is not the one"),
        (layout.open_tar(3), "segment 3: original"),
        (layout.open_keys(3), "segment 3: its file of keys"),
        (layout.objects.path / "ocfl_layout.json", "ocfl/ocfl_layout.json"),
    ):
        whole, mode = file.read_bytes(), file.stat().st_mode
        flipped(file)
        refused(store, new, named)
        file.write_bytes(whole)
        file.chmod(mode)
    (layout.object_path(1) / "stray").write_bytes(b"x")
    refused(store, new, "stray: E001")
    (layout.object_path(1) / "stray").unlink()
    (layout.root / "link").symlink_to("/etc/hostname")
    refused(store, new, "old link: not a plain file")
    (layout.root / "link").unlink()
    sealed.rename(layout.root.parent / "away")
    refused(store, new, "members.tar")
    (layout.root.parent / "away").rename(sealed)
    assert moved(store, new).root


def refused(store: SegmentOriginals, new: Path, named: str) -> None:
    """D696 with these words; the journal says nothing."""
    with pytest.raises(IntegrityError) as found:
        moved(store, new)
    assert found.value.code == "D696"
    assert named in found.value.detail
    assert all(entry.kind != "relocated" for entry in journal.entries(store.context.ledger))


def test_an_old_folder_that_lags_behind_the_ledger_is_refused(store: SegmentOriginals, new: Path) -> None:
    """An older copy of the archive is found out before a byte is written."""
    tar = store.layout.open_tar(3)
    os.truncate(tar, tar.stat().st_size - 512)
    refused(store, new, "segment 3: kept bytes are missing")
    assert not new.exists()


def test_a_damaged_copy_is_named_and_healed_by_the_next_run(
    store: SegmentOriginals, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storage that gives back other bytes than were written: D696 names the file; then it is written again."""
    path = store.layout.sealed_tar(1).relative_to(store.layout.root)
    replace = Path.replace

    def worse(part: Path, target: Path) -> Path:
        if target == new / path:
            flipped(part)
        return replace(part, target)

    monkeypatch.setattr(Path, "replace", worse)
    refused(store, new, f"new: {path.as_posix()}")
    monkeypatch.undo()
    assert moved(store, new).written == 1
    flipped(new / path)
    assert moved(store, new).written == 1


def test_a_full_disk_is_told_and_gone_on_with(store: SegmentOriginals, new: Path) -> None:
    """No room for a file: S416, nothing half is under a name, and the same call goes on."""
    smallest = min(path.stat().st_size for path in store.layout.root.rglob("members.tar"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (smallest - 1, hard))
    try:
        with pytest.raises(UnreachableError, match="S416"):
            moved(store, new)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    there, own = files(new), files(store.layout.root)
    assert all(there[name] == own[name] for name in there if not name.endswith(".part"))
    moved(store, new)
    assert files(new) == own


def test_another_folder_is_not_written_to(store: SegmentOriginals, new: Path, tmp_path: Path) -> None:
    """A folder with something in it, one begun for another archive, one inside the old: D607; none at all: S401."""
    new.mkdir()
    (new / "mine").write_bytes(b"x")
    for where in (new, store.layout.root / "inner", tmp_path):
        with pytest.raises(UsageError, match="D607"):
            moved(store, where)
    (new / "mine").unlink()
    new.with_name("archive.relocating").write_bytes(b"33010009\n/elsewhere\n")
    with pytest.raises(UsageError, match="D607"):
        moved(store, new)
    with pytest.raises(UsageError, match="S401"):
        place(tmp_path / "nowhere")


def test_a_backup_and_a_relocation_do_not_meet(store: SegmentOriginals, new: Path) -> None:
    """While a backup is under way a relocation says so at once (S445)."""
    with held(store.layout.backup_lock), pytest.raises(UnreachableError, match="S445"):
        moved(store, new)


def test_who_still_knows_the_old_folder_keeps_nothing_there(store: SegmentOriginals, new: Path) -> None:
    """Left for another, the old folder is read and takes nothing: S401 says where the archive is."""
    moved(store, new)
    leave(store.layout.root, new)
    before = files(store.layout.root)
    head = journal.head(store.context.ledger)
    for act in (
        lambda: store.keep([("delivery-sent", text(50))], AT),
        lambda: store.seal_due(AT, all_of_them=True),
        lambda: store.recover(AT),
        lambda: moved(store, new),
    ):
        with pytest.raises(UsageError, match=f"S401.*{new}"):
            act()
    assert files(store.layout.root) == before
    assert journal.head(store.context.ledger) == head
    assert store.read(sha256(text(5))) == text(5)
    assert at_new(store, new).keep([("delivery-sent", text(50))], AT)
