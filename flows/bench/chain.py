"""`jiexu bench seal` and `jiexu bench open`: processor time a person beside the chain that a user would script.

The chain to seal is `xmllint --schema` over the documents and `gpg --sign --encrypt` each; the chain to open is
`gpg --decrypt` each and `xmllint --schema`. It gets the documents ready made, its keys without passphrase, and neither
reads nor writes a database. What gpg-agent uses is not counted for the chain, since it is a process apart.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from flows.bench import office as bench_office
from flows.bench.rows import Row, compare
from formats.errors import ServiceError

Act = Literal["seal", "open"]

ROUNDS = 3
MOST_DOCUMENTS = 100
# At most 0.75 times the chain's processor time to seal, 1.25 times to open; two cores at least 1.7 times one.
GOALS: dict[Act, float] = {"seal": 1 / 0.75, "open": 1 / 1.25}
TWO_CORES, MEMORY = 1.7, 1 / 1.2
CPU = "ms of processor time a person"


@dataclass(frozen=True, slots=True)
class Work:
    """What one measured process used for so many persons."""

    persons: int
    cpu: float
    seconds: float
    peak_mib: float

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor time a person."""
        return 1000 * self.cpu / self.persons


def run(act: Act, sizes: Sequence[int]) -> list[Row]:
    """The rows for these numbers of people; the smallest is compared with the chain, round after round."""
    ours: list[Work] = []
    two: list[Work] = []
    peers: list[float] = []
    with tempfile.TemporaryDirectory(prefix="jiexu-bench-") as place, _chain(_writer(sizes[0])) as chain:
        for _ in range(ROUNDS):
            with _homes(act, Path(place) / "home", sizes[0]) as home:
                ours.append(_measured(act, home, 1, sizes[0]))
            if chain:
                peers.append(chain.seal() if act == "seal" else chain.open())
            with _homes(act, Path(place) / "home", sizes[0]) as home:
                two.append(_measured(act, home, 2, sizes[0]))
        grown = []
        for size in sizes[1:]:
            with _homes(act, Path(place) / "home", size) as home:
                grown.append(_measured(act, home, 1, size))
    return _rows(act, sizes[0], ours, peers, two, grown)


def _writer(count: int) -> Callable[[Path], list[Path]]:
    return lambda folder: bench_office.write_documents(folder, min(count, MOST_DOCUMENTS))


def _rows(
    act: Act, size: int, ours: Sequence[Work], peers: Sequence[float], two: Sequence[Work], grown: Sequence[Work]
) -> list[Row]:
    cpu = statistics.median(item.cpu_ms for item in ours)
    chain = statistics.median(peers) if peers else None
    alone = statistics.median(item.persons / item.seconds for item in ours)
    both = statistics.median(item.persons / item.seconds for item in two)
    peak = statistics.median(item.peak_mib for item in ours)
    rows = [
        compare(f"{act} {size} people beside the chain", cpu, chain, CPU, GOALS[act], less_is_better=True),
        compare(f"{act} {size} people, two processes beside one", both, alone, "persons/s", TWO_CORES),
        Row(f"{act} {size} people, peak memory", peak, None, "MiB", None, None, None),
    ]
    for item in grown:
        rows += [
            compare(f"{act} {item.persons} people beside {size}", item.cpu_ms, cpu, CPU, less_is_better=True),
            compare("the same, peak memory", item.peak_mib, peak, "MiB", MEMORY, less_is_better=True),
        ]
    return rows


@contextmanager
def _homes(act: Act, folder: Path, count: int) -> Iterator[Path]:
    """The home in which to measure: approved cases to seal, or packages in the mailbox to open."""
    sender, receiver = bench_office.found_pair(folder)
    bench_office.populate(sender, count)
    try:
        if act == "seal":
            yield sender
        else:
            _measured("seal", sender, os.cpu_count() or 1, count)
            bench_office.hand_over(sender)
            yield receiver
    finally:
        shutil.rmtree(folder)


def _measured(act: Act, home: Path, workers: int, count: int) -> Work:
    command = [sys.executable, "-m", "flows.bench.work", act, str(home), str(workers)]
    done = subprocess.run(command, capture_output=True, check=True)
    work = Work(**json.loads(done.stdout))
    if work.persons != count:
        raise ServiceError("S420", f"only {work.persons} of {count} went through")
    return work


class Chain:
    """xmllint and gpg with two keys of their own, in a folder; None of them is asked for when one is missing."""

    def __init__(self, folder: Path, documents: Sequence[Path]) -> None:
        """`documents`: XML files of deliveries."""
        self._folder = folder
        self._documents = documents
        # gpg-agent's socket must have a short path.
        self._home = Path(tempfile.mkdtemp(prefix="jx-", dir="/tmp"))
        for name in ("sender", "receiver"):
            made = [*self._gpg(), "--passphrase", "", "--quick-generate-key", name, "future-default", "default", "0"]
            subprocess.run(made, check=True, capture_output=True)

    def seal(self) -> float:
        """Milliseconds of processor time a document to validate, sign and encrypt."""
        signing = [*self._gpg(), "--yes", "--local-user", "sender", "--recipient", "receiver", "--sign", "--encrypt"]
        used = self._validate()
        for document in self._documents:
            used += _cpu_of([*signing, "--output", str(self._package(document)), str(document)])
        return 1000 * used / len(self._documents)

    def open(self) -> float:
        """Milliseconds of processor time a package to decrypt, verify and validate."""
        self.seal()
        used = 0.0
        for document in self._documents:
            used += _cpu_of(
                [*self._gpg(), "--yes", "--output", str(document), "--decrypt", str(self._package(document))]
            )
        return 1000 * (used + self._validate()) / len(self._documents)

    def close(self) -> None:
        """Stop the agent and remove the keys."""
        kill = [shutil.which("gpgconf") or "gpgconf", "--homedir", str(self._home), "--kill", "all"]
        subprocess.run(kill, check=False, capture_output=True)
        shutil.rmtree(self._home, ignore_errors=True)

    def _gpg(self) -> list[str]:
        return ["gpg", "--homedir", str(self._home), "--batch", "--quiet", "--trust-model", "always"]

    def _package(self, document: Path) -> Path:
        return self._folder / f"{document.stem}.pgp"

    def _validate(self) -> float:
        with resources.as_file(resources.files("formats").joinpath("schema")) as schema:
            command = ["xmllint", "--noout", "--nonet", "--schema", str(schema / "message-1.xsd")]
            return _cpu_of([*command, *map(str, self._documents)])


@contextmanager
def _chain(documents: Callable[[Path], Sequence[Path]]) -> Iterator[Chain | None]:
    """The chain over these documents, or None where a tool of it is missing."""
    if not (shutil.which("gpg") and shutil.which("xmllint")):
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="jiexu-chain-") as place:
        chain = Chain(Path(place), documents(Path(place)))
        try:
            yield chain
        finally:
            chain.close()


def _cpu_of(command: Sequence[str]) -> float:
    """Seconds of processor time that a program used, user and system."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command[0])
    return used.ru_utime + used.ru_stime
