"""How fast packages reach an SSH server: the mailbox beside OpenSSH's own `sftp -b`.

Both send to the same sshd, from and to memory where the machine has a memory file system, each round in turn; the
figure is the median of three rounds. Connecting and logging in is part of every round. Ours also compares sizes and
flushes each file at the server; the batch of `sftp` puts and renames, and checks as much as it does by itself.
"""

import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

from flows.bench.delay_proxy import delay_proxy
from flows.bench.rows import Row, compare
from flows.ssh_server import Address, exchange_server, find_sshd
from formats.errors import UnreachableError
from transfer.mailbox import Parcel
from transfer.sftp import SftpMailbox, parse_url
from transfer.ssh_keys import new_ssh_key

ROUNDS: Final = 3

# Over the slow line `sftp` takes about six files a second; it gets fewer of them, so that the run ends in its time.
PEER_SLOW_FILES: Final = 60

_FOLDER: Final = "mailbox"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a benchmark works: the server, the key that opens it, files to send, the server's folder on this disk."""

    address: Address
    key: Path
    work: Path
    mailbox: Path


def run(files: int = 2000, size: int = 20_000, big: int = 256 * 2**20, delay_ms: int = 30) -> list[Row]:
    """Many small files, the same over a slow line, and one large file.

    `size` and `big` in bytes, `delay_ms` added to every round trip. Takes about two minutes.
    """
    small = f"{files} files of {size:,} bytes, put and renamed"
    with _place() as place:
        quick = _compare(place, files, files, size)
        with delay_proxy(place.address.host, place.address.port, delay_ms) as port:
            far = replace(place, address=replace(place.address, port=port))
            slow = _compare(far, files, min(files, PEER_SLOW_FILES), size)
        large = _compare(place, 1, 1, big)
    beside = place.address.kind
    return [
        compare(f"{small} ({beside} on loopback)", *_rates(quick, files, files), "files/s", 2.0),
        compare(
            f"{small}, {delay_ms} ms further away (the peer: {min(files, PEER_SLOW_FILES)} files)",
            *_rates(slow, files, min(files, PEER_SLOW_FILES)),
            "files/s",
            20.0,
        ),
        compare(f"one file of {big / 2**20:,.0f} MiB", *_rates(large, big / 1e6, big / 1e6), "MB/s", 0.9),
    ]


def _rates(seconds: tuple[float, float | None], ours: float, peer: float) -> tuple[float, float | None]:
    return ours / seconds[0], None if seconds[1] is None else peer / seconds[1]


@contextmanager
def _place() -> Iterator[_Place]:
    memory = Path("/dev") / "shm"
    with tempfile.TemporaryDirectory(prefix="jiexu-bench-", dir=memory if memory.is_dir() else None) as name:
        home = Path(name)
        work = home / "work"
        work.mkdir()
        root = home / "root"
        line = new_ssh_key(home / "key")
        with exchange_server(root, [_FOLDER], [line], "openssh" if find_sshd() else None) as address:
            yield _Place(address, home / "key", work, root / _FOLDER)


def _compare(place: _Place, ours: int, peer: int, size: int) -> tuple[float, float | None]:
    """Median seconds of ours for `ours` files and of the peer for `peer` files; None without the peer."""
    sftp = shutil.which("sftp")
    names = [f"{number:06}" for number in range(max(ours, peer))]
    data = secrets.token_bytes(size)
    for name in names:
        (place.work / name).write_bytes(data)
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        seconds[0].append(_timed(place, names[:ours], size, _send_ours))
        if sftp:
            seconds[1].append(_timed(place, names[:peer], size, _send_peer))
    for name in names:
        (place.work / name).unlink()
    return median(seconds[0]), median(seconds[1]) if seconds[1] else None


def _timed(place: _Place, names: Sequence[str], size: int, send: Callable[[_Place, Sequence[str]], None]) -> float:
    """Seconds for sending these files; then the server's folder is looked at and emptied."""
    started = time.perf_counter()
    send(place, names)
    seconds = time.perf_counter() - started
    arrived = {file.name: file.stat().st_size for file in place.mailbox.iterdir()}
    if arrived != dict.fromkeys(names, size):
        raise UnreachableError("S407", "the server does not hold what was sent")
    for name in names:
        (place.mailbox / name).unlink()
    return seconds


def _send_ours(place: _Place, names: Sequence[str]) -> None:
    url = place.address.url(_FOLDER)
    with SftpMailbox(parse_url(url, place.address.host_key, place.key)) as mailbox:
        results = mailbox.put(Parcel(name, (place.work / name).read_bytes()) for name in names)
    for _, error in results:
        if error:
            raise error


def _send_peer(place: _Place, names: Sequence[str]) -> None:
    """`sftp` with a batch, as somebody would script it: put under another name, then rename."""
    address = place.address
    known = place.key.with_suffix(f".{address.port}")
    known.write_text(f"[{address.host}]:{address.port} {address.host_key}\n", encoding="utf-8")
    steps = (
        f"put {place.work / name} {_FOLDER}/{name}.part\nrename {_FOLDER}/{name}.part {_FOLDER}/{name}\n"
        for name in names
    )
    options = [f"UserKnownHostsFile={known}", f"IdentityFile={place.key}", "IdentitiesOnly=yes", "BatchMode=yes"]
    command = ["sftp", "-q", "-F", "/dev/null", "-P", str(address.port)]
    command += [word for option in options for word in ("-o", option)]
    subprocess.run(
        [*command, "-b", "-", f"{address.user}@{address.host}"],
        input="".join(steps).encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=600,
    )
