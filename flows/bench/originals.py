"""`jiexu bench archive`: keep, look up and audit originals, beside plain files with the same flushes and `sha256sum`.

Both sides get the same originals in the same batches, in turns: ours into segments, sealed and encrypted, with a row in
the ledger and an entry in the journal; the peer's each into a file of its own that is flushed, and each folder once a
batch. Before anything is read for a figure, its pages are dropped from the cache.
"""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from archive import journal
from archive.journal import Entry
from archive.ledger import Ledger
from archive.originals import Kept
from archive.registry import original_values, register
from archive.tables import OUT
from flows import founding
from flows.bench.rows import Row, compare
from flows.founding import Plan
from flows.maintaining import audited
from flows.synthetic.places import HANGZHOU, SHENZHEN
from flows.times import now, utc_text
from flows.wiring import SERVICE, Office

BATCH = 500
LOOKUPS = 1000
SIZES = (20_000, 60_000)  # bytes of an original, from and to
APPENDS = 200_000
GROUP = 1000
ENTRIES = 1_000_000

# The limits that the archive is built to, where no tool stands beside.
LOOKUP_MS = 20.0
OVERHEAD = 1200.0
INODES = 0.01
PACE = 50_000.0
VERIFY_SECONDS = 5.0


@dataclass(slots=True)
class Spent:
    """Seconds spent on each side and on sealing, and the bytes of the originals."""

    ours: float = 0.0
    peer: float = 0.0
    sealing: float = 0.0
    payload: int = 0
    digests: list[str] = field(default_factory=list)


def run(sizes: Sequence[int]) -> list[Row]:
    """All comparisons for these numbers of originals, then the journal's."""
    rows: list[Row] = []
    costs: list[tuple[int, float, float]] = []
    for count in sizes:
        with TemporaryDirectory(prefix="jiexu-bench-") as folder:
            rows += _measure(Path(folder), count, costs)
    rows += _growth(costs)
    with TemporaryDirectory(prefix="jiexu-bench-") as folder:
        rows += _journal(Path(folder))
    return rows


def _measure(folder: Path, count: int, costs: list[tuple[int, float, float]]) -> list[Row]:
    home = founding.found(folder / "office", Plan(HANGZHOU.office, HANGZHOU.name), now()).home
    before = _usage(home)
    with Office.at(home) as office:
        spent = _keep(office, folder / "files", count)
    kept = _usage(home)  # once the ledger is closed, which empties its write-ahead log
    with Office.at(home) as office:
        _register(office, spent.digests)
        lookups = _lookups(office, spent.digests)
        plain = _plain_reads(folder / "files", spent.digests) * 1e3
        seconds, read = _audit(office)
    tars, files = sorted(home.rglob("*.tar")), sorted(path for path in (folder / "files").rglob("*") if path.is_file())
    speed, payload = read / seconds / 1e6, spent.payload / 1e6
    p99, median = (lookups[int(len(lookups) * share)] * 1e3 for share in (0.99, 0.5))
    costs.append((count, spent.ours / count, seconds / read))
    return [
        compare(f"keep {count}, durable batches of {BATCH}", count / spent.ours, count / spent.peer, "/s", 5.0),
        compare(f"keep {count}", payload / spent.ours, payload / spent.peer, "MB/s"),
        compare(f"keep and seal {count}", count / (spent.ours + spent.sealing), count / spent.peer, "/s"),
        compare(f"audit {count}, beside sha256sum over the segments", speed, _sha256sum(tars), "MB/s", 1.0),
        compare(f"audit {count}, beside sha256sum over single files", speed, _sha256sum(files), "MB/s", 1.8),
        _within(f"look one of {count} up, p99", p99, LOOKUP_MS, "ms"),
        compare(f"look one of {count} up, median, beside a plain file", median, plain, "ms", less_is_better=True),
        _within(f"bytes over payload, each of {count}", (kept[0] - before[0] - spent.payload) / count, OVERHEAD, "B"),
        _within(f"files and folders, each of {count}", (kept[1] - before[1]) / count, INODES, ""),
    ]


def _within(what: str, figure: float, limit: float, unit: str) -> Row:
    """A figure beside the limit that it must stay under."""
    return compare(f"{what}, beside the limit", figure, limit, unit, 1.0, less_is_better=True)


def _growth(costs: Sequence[tuple[int, float, float]]) -> list[Row]:
    """The cost of one original among many, beside the cost among few."""
    rows = []
    few, keep, audited = costs[0]
    for many, keep_many, audited_many in costs[1:]:
        beside = f"of {many} beside one of {few}"
        rows += [
            compare(f"keep one {beside}", keep_many * 1e6, keep * 1e6, "µs", 0.8, less_is_better=True),
            compare(f"audit a MB {beside}", audited_many * 1e9, audited * 1e9, "ms", 0.8, less_is_better=True),
        ]
    return rows


def _originals(count: int) -> Iterator[list[bytes]]:
    """Originals that cannot be compressed, the same in every run, a batch at a time."""
    chance = Random(count)
    for start in range(0, count, BATCH):
        yield [chance.randbytes(chance.randint(*SIZES)) for _ in range(min(BATCH, count - start))]


def _keep(office: Office, files: Path, count: int) -> Spent:
    """Keep a batch here, then there, until all are kept; in the end everything is sealed, as a pass does at its end."""
    spent = Spent()
    (opening,) = office.store.keep([("delivery-sent", b"the first one opens the segment")], now())
    spent.digests.append(opening.digest)
    for batch in _originals(count):
        spent.payload += sum(map(len, batch))
        started = time.perf_counter()
        kept = office.store.keep([("delivery-sent", data) for data in batch], now())
        middle = time.perf_counter()
        _write_plain(files, batch)
        spent.ours += middle - started
        spent.peer += time.perf_counter() - middle
        spent.digests += [item.digest for item in kept]
    spent.sealing = _timed(lambda: office.store.seal_due(now(), all_of_them=True))
    return spent


def _register(office: Office, digests: Sequence[str]) -> None:
    """Say whose the originals are, as a pass does; without it the audit would ask where they come from."""
    stamp = utc_text(now())
    for start in range(0, len(digests), BATCH):
        batch = enumerate(digests[start : start + BATCH], start)
        rows = [
            original_values(Kept(digest, 0, "delivery-sent"), OUT, SHENZHEN.office, f"{place:06d}", str(place), stamp)
            for place, digest in batch
        ]
        with office.ledger.writing() as connection:
            register(connection, rows, "benchmark", SERVICE, stamp)


def _write_plain(files: Path, batch: Sequence[bytes]) -> None:
    folders = set()
    for data in batch:
        digest = hashlib.sha256(data).hexdigest()
        file = files / digest[:2] / digest
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        folders.add(file.parent)
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def _usage(home: Path) -> tuple[int, int]:
    """Bytes of the archive and of the ledger, and their files and folders."""
    paths = [*(home / "archive").rglob("*"), *home.glob("ledger.db*")]
    files = {path.stat().st_ino: path.stat().st_size for path in paths if path.is_file()}
    return sum(files.values()), len(files) + sum(path.is_dir() for path in paths)


def _lookups(office: Office, digests: Sequence[str]) -> list[float]:
    """Seconds to read one original, in ascending order; each from the ledger and the disk anew."""
    _drop(office.settings.stored("archive"))
    chance = Random(1)
    return sorted(_timed(lambda: office.store.read(chance.choice(digests))) for _ in range(LOOKUPS))


def _plain_reads(files: Path, digests: Sequence[str]) -> float:
    """The median of seconds to read one plain file and check its digest."""
    _drop(files)
    chance = Random(1)

    def read() -> None:
        """Read one."""
        digest = chance.choice(digests[1:])
        assert hashlib.sha256((files / digest[:2] / digest).read_bytes()).hexdigest() == digest

    return sorted(_timed(read) for _ in range(LOOKUPS))[LOOKUPS // 2]


def _audit(office: Office) -> tuple[float, int]:
    """Seconds of an audit that reads every byte, and how many bytes that were."""
    root = office.settings.stored("archive")
    _drop(root)
    read = sum(path.stat().st_size for path in root.rglob("*.tar"))
    return _timed(lambda: _check(office)), read


def _check(office: Office) -> None:
    assert not audited(office, now()).problems


def _sha256sum(files: Sequence[Path]) -> float | None:
    """MB/s of coreutils' sha256sum over these files, None where there is none."""
    if shutil.which("sha256sum") is None:
        return None
    for file in files:
        _forget(file)
    size = sum(file.stat().st_size for file in files)
    names = b"\0".join(bytes(file) for file in files)
    command = ["xargs", "-0", "sha256sum"]
    seconds = _timed(lambda: subprocess.run(command, input=names, stdout=subprocess.DEVNULL, check=True))
    return size / seconds / 1e6


def _drop(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            _forget(path)


def _forget(file: Path) -> None:
    """Have the system drop a file's pages, so that it is read from the disk."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fdatasync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _journal(folder: Path) -> list[Row]:
    """Entries appended in groups, each group durable; then a journal of a million entries verified."""
    with Ledger.create(f"sqlite:///{folder / 'ledger.db'}") as ledger:
        appended = _timed(lambda: _append(ledger, APPENDS))
        _append(ledger, ENTRIES - APPENDS)
        verified = _timed(lambda: journal.verify(ledger))
    return [
        compare(f"journal appends in durable groups of {GROUP}, beside the limit", APPENDS / appended, PACE, "/s", 1.0),
        _within(f"journal of {ENTRIES:,} entries verified", verified, VERIFY_SECONDS, "s"),
    ]


def _append(ledger: Ledger, count: int) -> None:
    at = now()
    what: dict[str, str | int] = {"lookup": 1, "requester": "employer", "scope": "contributions", "outcome": "shown"}
    what["row"] = "0" * 64
    for start in range(0, count, GROUP):
        stamp = utc_text(at + timedelta(seconds=start))
        entry = Entry(stamp, "looked-up", what, "arts. 14-17", "jiexu lookup", SERVICE)
        journal.record(ledger, [entry] * min(GROUP, count - start))
